"""Lists, as Sprig has them: each result is a new []interface{} unless it says otherwise."""

from __future__ import annotations

import math
from typing import Any

from sealer.template.casting import to_int
from sealer.template.equality import deep_equal, is_empty
from sealer.template.functions.table import Table
from sealer.template.limits import Fault, Meter, bounded
from sealer.template.values import (
    ANY,
    ANYS,
    BOOL,
    INT,
    INTS,
    STRING,
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


@define("list tuple", variadic=ANY, result=ANYS)
def _list(*values: Any) -> Slice:
    """A new list of the arguments, whatever their types."""
    return Slice(list(values))


@define("first mustFirst", ANY)
def _first(value: Any) -> Any:
    """The first element, nil of an empty list; refuses what is no list, strings too."""
    items = _items(value, "find first")
    return items[0] if items else None


@define("last mustLast", ANY)
def _last(value: Any) -> Any:
    """The last element, nil of an empty list; refuses what is no list, strings too."""
    items = _items(value, "find last")
    return items[-1] if items else None


@define("rest mustRest", ANY, result=ANYS)
def _rest(value: Any) -> Slice:
    """All elements but the first; none of an empty list."""
    items = _items(value, "find rest")
    return Slice(items[1:], nil=not items)


@define("initial mustInitial", ANY, result=ANYS)
def _initial(value: Any) -> Slice:
    """All elements but the last; none of an empty list."""
    items = _items(value, "find initial")
    return Slice(items[:-1], nil=not items)


@define("append push mustAppend mustPush", ANY, ANY, result=ANYS)
def _append(value: Any, item: Any) -> Slice:
    """`append LIST ITEM`: a new list, with ITEM behind it; the old one stays as it is. LIST is the first argument."""
    items = _items(value, "push")
    bounded(len(items))
    return Slice([*items, item])


@define("prepend mustPrepend", ANY, ANY, result=ANYS)
def _prepend(value: Any, item: Any) -> Slice:
    """`prepend LIST ITEM`: a new list, with ITEM before it. LIST is the first argument."""
    items = _items(value, "prepend")
    bounded(len(items))
    return Slice([item, *items])


@define("reverse mustReverse", ANY, result=ANYS)
def _reverse(value: Any) -> Slice:
    """A new list in the opposite order; refuses strings."""
    return Slice(_items(value, "find reverse")[::-1])


@define("compact mustCompact", ANY, result=ANYS)
def _compact(value: Any) -> Slice:
    """A new list without what is `empty`: 0, false and "" go as nil does."""
    return Slice([item for item in _items(value, "compact") if not is_empty(item)])


@define("uniq mustUniq", ANY, result=ANYS)
def _uniq(value: Any) -> Slice:
    """A new list with the first of each value; values of two types differ: 1, 1.0 and "1" all stay."""
    found: list[Any] = []
    meter = Meter()
    for item in _items(value, "find uniq"):
        if not _is_in(item, found, meter):
            found.append(item)
    return Slice(found)


@define("without mustWithout", ANY, variadic=ANY, result=ANYS)
def _without(value: Any, *left_out: Any) -> Slice:
    """`without LIST ITEM...`: a new list without values that are an ITEM, of the same type."""
    meter = Meter()
    return Slice([item for item in _items(value, "find without") if not _is_in(item, list(left_out), meter)])


def _is_in(item: Any, items: list[Any], meter: Meter) -> bool:
    return any(deep_equal(item, other, meter) for other in items)


@define("has mustHas", ANY, ANY, result=BOOL)
def _has(item: Any, value: Any) -> bool:
    """`has ITEM LIST`: whether a value of the same type is in it; false for nil. LIST comes last."""
    return value is not None and _is_in(item, _items(value, "find has"), Meter())


@define("slice mustSlice", ANY, variadic=ANY)
def _slice(value: Any, *indexes: Any) -> Any:
    """`slice LIST START END`: part of a list, of its type; nil of an empty one. Refused: places below 0, strings."""
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
    """A new list of the elements of all lists; refuses nil among them."""
    bounded(sum(len(_items(value, "concat")) for value in values))
    items = [item for value in values for item in value.items]
    return Slice(items, nil=not items)


@define("chunk mustChunk", INT, ANY, result=_LISTS)
def _chunk(size: int, value: Any) -> Slice:
    """`chunk SIZE LIST`: a list of lists of SIZE elements, the last may have less; refuses a SIZE of 0."""
    items = _items(value, "chunk")
    count = math.floor((len(items) - 1) / size) + 1 if size else -1
    last = int(math.fmod(len(items), size)) or size if size else 0
    # What Sprig makes of sizes below 0: an empty list, or one of one item, or a panic.
    if count < 0 or (count > 1 and size < 0) or (count and last < 0):
        raise Fault("makeslice: len out of range")
    found = [Slice(items[number * size : (number + 1) * size]) for number in range(count - 1)]
    return Slice([*found, Slice(items[(count - 1) * size :][:last])] if count else [], _LISTS)


@define("until", INT, result=INTS)
def _until(count: int) -> Slice:
    """`until COUNT`: 0 to before COUNT, counting down if it is below 0: `until -2` gives 0 and -1."""
    return Slice(steps(0, count, -1 if count < 0 else 1), INTS)


@define("untilStep", INT, INT, INT, result=INTS)
def _until_step(start: int, stop: int, step: int) -> Slice:
    """`untilStep START STOP STEP`: as Python's range, but none where STEP is 0."""
    return Slice(steps(start, stop, step), INTS)


def steps(start: int, stop: int, step: int) -> list[int]:
    """Numbers from start to before stop; none if the step leads away."""
    if step == 0 or (stop < start) != (step < 0):
        return []
    found = range(start, stop, step)
    bounded(len(found))
    return list(found)


@define("seq", variadic=INT, result=STRING)
def _seq(*numbers: int) -> bytes:
    """As the shell's seq: `seq END`, `seq START END`, `seq START STEP END`, the END included. A text, not a list."""
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
