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
    """`default FALLBACK VALUE`: the value unless `empty` says that it is, as 0 and false are."""
    return fallback if not given or is_empty(given[0]) else given[0]


@define("empty", ANY, result=BOOL)
def _empty(value: Any) -> bool:
    """Whether a value is nil, false, 0, "", or a list or dict without elements; a space is not empty."""
    return is_empty(value)


@define("coalesce", variadic=ANY)
def _coalesce(*values: Any) -> Any:
    """The first argument that is not `empty`; nil if there is none."""
    return next((value for value in values if not is_empty(value)), None)


@define("all", variadic=ANY, result=BOOL)
def _all(*values: Any) -> bool:
    """Whether no argument is `empty`; true without arguments. A list counts as one value."""
    return not any(map(is_empty, values))


@define("any", variadic=ANY, result=BOOL)
def _any(*values: Any) -> bool:
    """Whether some argument is not `empty`; false without arguments. A list counts as one value."""
    return not all(map(is_empty, values))


@define("ternary", ANY, ANY, BOOL)
def _ternary(yes: Any, no: Any, condition: bool) -> Any:
    """`ternary YES NO CONDITION`; the condition must be a boolean, and both values are evaluated."""
    return yes if condition else no


@define("fail", STRING, result=STRING)
def _fail(_message: bytes) -> bytes:
    """Refuses the template. The message is not repeated: it may hold a value."""
    raise Fault("its message is not shown, since it may hold a value")


@define("typeOf", ANY, result=STRING)
def _type_of(value: Any) -> bytes:
    """The Go type as %T prints it: `int64`, `[]interface {}`, `map[string]interface {}`; `<nil>` for nil."""
    return b"<nil>" if value is None else type_of(value).name.encode()


@define("typeIs", STRING, ANY, result=BOOL)
def _type_is(name: bytes, value: Any) -> bool:
    """`typeIs NAME VALUE`: whether typeOf gives this name, and no other spelling of it."""
    return name == _type_of(value)


@define("typeIsLike", STRING, ANY, result=BOOL)
def _type_is_like(name: bytes, value: Any) -> bool:
    """`typeIsLike NAME VALUE`: as typeIs, and true for a pointer to the type too."""
    return _type_of(value) in (name, b"*" + name)


@define("kindOf", ANY, result=STRING)
def _kind_of(value: Any) -> bytes:
    """What the type is made of, in Go's words: `int64`, `slice`, `map`, `struct`, `ptr`; `invalid` for nil."""
    return (Kind.INVALID if value is None else type_of(value).kind).encode()


@define("kindIs", STRING, ANY, result=BOOL)
def _kind_is(name: bytes, value: Any) -> bool:
    """`kindIs NAME VALUE`: whether kindOf gives this name."""
    return name == _kind_of(value)


@define("deepEqual", ANY, ANY, result=BOOL)
def _deep_equal(left: Any, right: Any) -> bool:
    """Whether two values have the same type and the same elements, level by level: int 1 is not int64 1."""
    return deep_equal(left, right)
