"""Defaults, types and failures, as Sprig has them."""

from __future__ import annotations

from typing import Any

from sealer.template.equality import deep_equal, is_empty
from sealer.template.functions.table import Table
from sealer.template.limits import Fault
from sealer.template.values import ANY, BOOL, STRING, Kind, type_of

TABLE = define = Table()


@define("default", ANY, variadic=ANY)
def _default(fallback: Any, *given: Any) -> Any:
    return fallback if not given or is_empty(given[0]) else given[0]


@define("empty", ANY, result=BOOL)
def _empty(value: Any) -> bool:
    return is_empty(value)


@define("coalesce", variadic=ANY)
def _coalesce(*values: Any) -> Any:
    return next((value for value in values if not is_empty(value)), None)


@define("all", variadic=ANY, result=BOOL)
def _all(*values: Any) -> bool:
    return not any(map(is_empty, values))


@define("any", variadic=ANY, result=BOOL)
def _any(*values: Any) -> bool:
    return not all(map(is_empty, values))


@define("ternary", ANY, ANY, BOOL)
def _ternary(yes: Any, no: Any, condition: bool) -> Any:
    return yes if condition else no


@define("fail", STRING, result=STRING)
def _fail(_message: bytes) -> bytes:
    """The message is not repeated: it may hold a value."""
    raise Fault("its message is not shown, since it may hold a value")


@define("typeOf", ANY, result=STRING)
def _type_of(value: Any) -> bytes:
    return b"<nil>" if value is None else type_of(value).name.encode()


@define("typeIs", STRING, ANY, result=BOOL)
def _type_is(name: bytes, value: Any) -> bool:
    return name == _type_of(value)


@define("typeIsLike", STRING, ANY, result=BOOL)
def _type_is_like(name: bytes, value: Any) -> bool:
    return _type_of(value) in (name, b"*" + name)


@define("kindOf", ANY, result=STRING)
def _kind_of(value: Any) -> bytes:
    return (Kind.INVALID if value is None else type_of(value).kind).encode()


@define("kindIs", STRING, ANY, result=BOOL)
def _kind_is(name: bytes, value: Any) -> bool:
    return name == _kind_of(value)


@define("deepEqual", ANY, ANY, result=BOOL)
def _deep_equal(left: Any, right: Any) -> bool:
    return deep_equal(left, right)
