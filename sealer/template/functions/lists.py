"""Lists, as Sprig has them: each result is a new []interface{} unless it says otherwise."""

from __future__ import annotations

import math
from typing import Any

from sealer.template.casting import to_int
from sealer.template.equality import deep_equal, is_empty
from sealer.template.functions.strings import fits, shown
from sealer.template.functions.table import Table
from sealer.template.limits import MAX_ELEMENTS, Fault, Meter
from sealer.template.values import (
    ANY,
    ANYS,
    BOOL,
    INT,
    INTS,
    STRING,
    STRING_MAP,
    STRINGS,
    Map,
    Slice,
    slice_of,
    type_of,
)

TABLE = define = Table()

_LISTS = slice_of(ANYS)


def _items(value: Any, what: str) -> list[Any]:
    """The elements of a list. Raises Fault that says what it was for."""
    if value is None:
        raise Fault("invalid memory address or nil pointer dereference")
    if not isinstance(value, Slice):
        raise Fault(f"Cannot {what} on type {type_of(value).kind}")
    return value.items


def _bounded(count: int) -> None:
    if count > MAX_ELEMENTS:
        raise Fault(f"would make more than {MAX_ELEMENTS:,} elements")


@define("list tuple", variadic=ANY, result=ANYS)
def _list(*values: Any) -> Slice:
    return Slice(list(values))


@define("first mustFirst", ANY)
def _first(value: Any) -> Any:
    items = _items(value, "find first")
    return items[0] if items else None


@define("last mustLast", ANY)
def _last(value: Any) -> Any:
    items = _items(value, "find last")
    return items[-1] if items else None


@define("rest mustRest", ANY, result=ANYS)
def _rest(value: Any) -> Slice:
    items = _items(value, "find rest")
    return Slice(items[1:], nil=not items)


@define("initial mustInitial", ANY, result=ANYS)
def _initial(value: Any) -> Slice:
    items = _items(value, "find initial")
    return Slice(items[:-1], nil=not items)


@define("append push mustAppend mustPush", ANY, ANY, result=ANYS)
def _append(value: Any, item: Any) -> Slice:
    items = _items(value, "push")
    _bounded(len(items))
    return Slice([*items, item])


@define("prepend mustPrepend", ANY, ANY, result=ANYS)
def _prepend(value: Any, item: Any) -> Slice:
    items = _items(value, "prepend")
    _bounded(len(items))
    return Slice([item, *items])


@define("reverse mustReverse", ANY, result=ANYS)
def _reverse(value: Any) -> Slice:
    return Slice(_items(value, "find reverse")[::-1])


@define("compact mustCompact", ANY, result=ANYS)
def _compact(value: Any) -> Slice:
    return Slice([item for item in _items(value, "compact") if not is_empty(item)])


@define("uniq mustUniq", ANY, result=ANYS)
def _uniq(value: Any) -> Slice:
    found: list[Any] = []
    meter = Meter()
    for item in _items(value, "find uniq"):
        if not _is_in(item, found, meter):
            found.append(item)
    return Slice(found)


@define("without mustWithout", ANY, variadic=ANY, result=ANYS)
def _without(value: Any, *left_out: Any) -> Slice:
    meter = Meter()
    return Slice([item for item in _items(value, "find without") if not _is_in(item, list(left_out), meter)])


def _is_in(item: Any, items: list[Any], meter: Meter) -> bool:
    return any(deep_equal(item, other, meter) for other in items)


@define("has mustHas", ANY, ANY, result=BOOL)
def _has(item: Any, value: Any) -> bool:
    return value is not None and _is_in(item, _items(value, "find has"), Meter())


@define("slice mustSlice", ANY, variadic=ANY)
def _slice(value: Any, *indexes: Any) -> Any:
    """Part of a list, of the list's own type; nothing of an empty one."""
    items = _items(value, "slice")
    if not items:
        return None
    start = to_int(indexes[0]) if indexes else 0
    end = to_int(indexes[1]) if len(indexes) > 1 else len(items)
    if not 0 <= start <= end <= len(items):
        raise Fault("slice index out of bounds")
    return Slice(items[start:end], value.type)


@define("concat", variadic=ANY)
def _concat(*values: Any) -> Slice:
    _bounded(sum(len(_items(value, "concat")) for value in values))
    items = [item for value in values for item in value.items]
    return Slice(items, nil=not items)


@define("chunk mustChunk", INT, ANY, result=_LISTS)
def _chunk(size: int, value: Any) -> Slice:
    items = _items(value, "chunk")
    count = math.floor((len(items) - 1) / size) + 1 if size else -1
    last = int(math.fmod(len(items), size)) or size if size else 0
    # What Sprig makes of sizes below 0: an empty list, or one of one item, or a panic.
    if count < 0 or (count > 1 and size < 0) or (count and last < 0):
        raise Fault("makeslice: len out of range")
    found = [Slice(items[number * size : (number + 1) * size]) for number in range(count - 1)]
    return Slice([*found, Slice(items[(count - 1) * size :][:last])] if count else [], _LISTS)


@define("join", STRING, ANY, result=STRING)
def _join(separator: bytes, value: Any) -> bytes:
    parts = strings(value)
    fits(len(separator) * len(parts) + sum(map(len, parts)))
    return separator.join(parts)


def strings(value: Any) -> list[bytes]:
    """A list as strings, without its nils; anything else as a list of one."""
    if value is None:
        return []
    if not isinstance(value, Slice):
        return [shown(value)]
    return [shown(item) for item in value.items if item is not None]


@define("sortAlpha", ANY, result=STRINGS)
def _sort_alpha(value: Any) -> Slice:
    """In order of bytes; a []string is sorted in place, as in Sprig."""
    if not isinstance(value, Slice):
        return Slice([shown(value)], STRINGS)
    if value.type == STRINGS:
        value.items.sort()
        return value
    return Slice(sorted(strings(value)), STRINGS)


@define("toStrings", ANY, result=STRINGS)
def _to_strings(value: Any) -> Slice:
    return value if isinstance(value, Slice) and value.type == STRINGS else Slice(strings(value), STRINGS)


@define("splitList", STRING, STRING, result=STRINGS)
def _split_list(separator: bytes, data: bytes) -> Slice:
    return Slice(parts(data, separator, -1), STRINGS)


@define("split", STRING, STRING, result=STRING_MAP)
def _split(separator: bytes, data: bytes) -> Map:
    return _numbered(parts(data, separator, -1))


@define("splitn", STRING, INT, STRING, result=STRING_MAP)
def _splitn(separator: bytes, count: int, data: bytes) -> Map:
    return _numbered(parts(data, separator, count))


def parts(data: bytes, separator: bytes, count: int) -> list[bytes]:
    """strings.SplitN: at most `count` parts, all if it is below 0; an empty separator parts characters."""
    if count == 0:
        return []
    if separator:
        _bounded(data.count(separator))
        return data.split(separator, count - 1 if count > 0 else -1)
    from sealer.template.text.runes import kept, raw

    text = kept(data)
    whole = len(text) if count < 0 else min(count - 1, len(text))
    _bounded(whole)
    found = [raw(character) for character in text[:whole]]
    return [*found, raw(text[whole:])] if text[whole:] else found


def _numbered(found: list[bytes]) -> Map:
    return Map({b"_%d" % number: item for number, item in enumerate(found)}, STRING_MAP)


@define("until", INT, result=INTS)
def _until(count: int) -> Slice:
    return Slice(steps(0, count, -1 if count < 0 else 1), INTS)


@define("untilStep", INT, INT, INT, result=INTS)
def _until_step(start: int, stop: int, step: int) -> Slice:
    return Slice(steps(start, stop, step), INTS)


def steps(start: int, stop: int, step: int) -> list[int]:
    """Numbers from start to before stop; none if the step leads away."""
    if step == 0 or (stop < start) != (step < 0):
        return []
    found = range(start, stop, step)
    _bounded(len(found))
    return list(found)


@define("seq", variadic=INT, result=STRING)
def _seq(*numbers: int) -> bytes:
    """Numbers up to and with the last, as the shell's seq counts."""
    match numbers:
        case (end,):
            found = steps(1, end + (-1 if end < 1 else 1), -1 if end < 1 else 1)
        case (start, end):
            step = -1 if end < start else 1
            found = steps(start, end + step, step)
        case (start, step, end):
            if end < start and step > 0:
                return b""
            found = steps(start, end + (-1 if end < start else 1), step)
        case _:
            return b""
    return b" ".join(b"%d" % number for number in found)
