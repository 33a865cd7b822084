"""Dicts, as Sprig has them: map[string]interface{}, changed in place where it says so, walked in order of keys."""

from __future__ import annotations

from typing import Any

from sealer.template.equality import is_empty
from sealer.template.functions.table import Table
from sealer.template.limits import Fault, Meter, bounded
from sealer.template.text.printing import shown
from sealer.template.values import ANY, ANYS, BOOL, DICT, STRING, STRINGS, Map, Slice, type_of

TABLE = define = Table()


@define("dict", variadic=ANY, result=DICT)
def _dict(*pairs: Any) -> Map:
    """Keys and values by turns; the last one may have no value."""
    values = [*pairs, b""] if len(pairs) % 2 else list(pairs)
    return Map({shown(key): value for key, value in zip(values[::2], values[1::2], strict=True)})


@define("get", DICT, STRING)
def _get(target: Map, key: bytes) -> Any:
    """`get DICT KEY`: the value, "" (not nil) where there is no such key."""
    return target.items.get(key, b"")


@define("set", DICT, STRING, ANY, result=DICT)
def _set(target: Map, key: bytes, value: Any) -> Map:
    """`set DICT KEY VALUE`: changes the dict itself, and gives it back; `{{ $_ := set ... }}` prints nothing."""
    if target.nil:
        raise Fault("assignment to entry in nil map")
    bounded(len(target.items) + 1)
    target.items[key] = value
    return target


@define("unset", DICT, STRING, result=DICT)
def _unset(target: Map, key: bytes) -> Map:
    """`unset DICT KEY`: takes the key out of the dict itself, if it's there, and gives it back."""
    target.items.pop(key, None)
    return target


@define("hasKey", DICT, STRING, result=BOOL)
def _has_key(target: Map, key: bytes) -> bool:
    """`hasKey DICT KEY`: whether it's there, with nil or "" as its value too."""
    return key in target.items


@define("pluck", STRING, variadic=DICT, result=ANYS)
def _pluck(key: bytes, *dicts: Map) -> Slice:
    """`pluck KEY DICT...`: a list of its values, from the dicts that have it."""
    return Slice([each.items[key] for each in dicts if key in each.items])


@define("keys", variadic=DICT, result=STRINGS)
def _keys(*dicts: Map) -> Slice:
    """Sorted within each dict; in Go their order is random."""
    return Slice([key for each in dicts for key in sorted(each.items)], STRINGS)


@define("values", DICT, result=ANYS)
def _values(target: Map) -> Slice:
    """In order of keys; in Go their order is random."""
    return Slice([target.items[key] for key in sorted(target.items)])


@define("pick", DICT, variadic=STRING, result=DICT)
def _pick(target: Map, *keys: bytes) -> Map:
    """`pick DICT KEY...`: a new dict with only these keys; those that aren't there are passed over."""
    return Map({key: target.items[key] for key in keys if key in target.items})


@define("omit", DICT, variadic=STRING, result=DICT)
def _omit(target: Map, *keys: bytes) -> Map:
    """`omit DICT KEY...`: a new dict without these keys."""
    return Map({key: value for key, value in target.items.items() if key not in keys})


@define("merge mustMerge", DICT, variadic=DICT)
def _merge(target: Map, *sources: Map) -> Any:
    """Into the first dict itself what it lacks or has `empty`, false and 0 too; dicts in dicts are merged alike."""
    for source in sources:
        _merged(target, source, Meter(), overwrite=False)
    return target


@define("mergeOverwrite mustMergeOverwrite", DICT, variadic=DICT)
def _merge_overwrite(target: Map, *sources: Map) -> Any:
    """Into the first dict itself all that the others have, "" and nil too; dicts in dicts are merged alike."""
    for source in sources:
        _merged(target, source, Meter(), overwrite=True)
    return target


def _merged(target: Map, source: Map, meter: Meter, *, overwrite: bool) -> None:
    for key, value in source.items.items():
        meter.take()
        held = target.items.get(key)
        if isinstance(held, Map) and isinstance(value, Map) and held.type == value.type:
            _merged(held, value, meter, overwrite=overwrite)
        elif overwrite or is_empty(held):
            target.items[key] = value


@define("dig", variadic=ANY)
def _dig(*arguments: Any) -> Any:
    """`dig KEY... FALLBACK DICT`: a value by a path of keys, FALLBACK for a missing one; refuses what is no dict."""
    if len(arguments) < 3:
        raise Fault("dig needs at least three arguments")
    *path, fallback, found = arguments
    for key in path:
        if not isinstance(key, bytes):
            raise Fault(f"interface conversion: interface {{}} is {_name(key)}, not string")
    for key in path:
        if not isinstance(found, Map) or found.type != DICT:
            raise Fault(f"interface conversion: interface {{}} is {_name(found)}, not map[string]interface {{}}")
        if key not in found.items:
            return fallback
        found = found.items[key]
    return found


def _name(value: Any) -> str:
    return "nil" if value is None else type_of(value).name


@define("deepCopy mustDeepCopy", ANY)
def _deep_copy(value: Any) -> Any:
    """A copy down to the last list and dict, so that `set` leaves the first as it is; refuses nil."""
    if value is None:
        raise Fault("nothing to copy")
    return _copied(value, Meter())


def _copied(value: Any, meter: Meter) -> Any:
    meter.take()
    if isinstance(value, Slice):
        return Slice([_copied(item, meter) for item in value.items], value.type, nil=value.nil)
    if isinstance(value, Map):
        items = {key: _copied(item, meter) for key, item in value.items.items()}
        return Map(items, value.type, nil=value.nil)
    return value
