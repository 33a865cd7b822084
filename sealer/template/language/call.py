"""Arguments, functions, methods and fields, as Go's reflection has them (text/template, exec.go).

Errors name types and functions, never values.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sealer.template.limits import Fault, Run
from sealer.template.values import ANY, NO_VALUE, VALUE, Function, Kind, Map, Opaque, Slice, Type, type_of, zero

_CAN_BE_NIL = frozenset((Kind.INTERFACE, Kind.MAP, Kind.SLICE, Kind.POINTER, Kind.FUNC))


class Failed(Exception):
    """A render that can't go on: what, the offset, and the function if it was one's fault. It quotes no value."""

    def __init__(self, what: str, at: int, function: str = "") -> None:
        super().__init__(what)
        self.what = what
        self.at = at
        self.function = function


def can_be_nil(type_: Type) -> bool:
    """Whether nil is a value of a type."""
    return type_.kind in _CAN_BE_NIL or type_ is VALUE


def checked(value: Any, type_: Type, at: int) -> Any:
    """A value as an argument of a type. Raises Failed where Go would refuse it."""
    if type_ is ANY:
        return None if value is NO_VALUE else value
    if type_ is VALUE:
        return value
    if value is NO_VALUE:
        if can_be_nil(type_):
            return zero(type_)
        raise Failed(f"invalid value; expected {type_.name}", at)
    if value is None:
        raise Failed(f"wrong type for value; expected {type_.name}; got interface {{}}", at)
    found = type_of(value)
    if found is not type_ and found != type_:
        raise Failed(f"wrong type for value; expected {type_.name}; got {found.name}", at)
    return value


def call(function: Function, arguments: Sequence[Any], run: Run, at: int) -> Any:
    """The result of a function for checked arguments. Whatever goes wrong in it is a Failed with its name."""
    try:
        steps = _CALL
        if function.name not in _AT_ONCE:
            for value in arguments:
                # What is short is usual, and takes no step.
                if type(value) is not bytes or len(value) >= _BYTES_A_STEP:
                    steps += _size(value)
        run.spend(steps)
        result = function.call(run, *arguments) if function.with_run else function.call(*arguments)
        if type(result) is bytes:
            run.grow(len(result))
        elif type(result) is Slice and function.name not in _AT_ONCE:
            run.spend(len(result.items))
    except Fault as fault:
        raise Failed(f"error calling {function.name}: {fault.what}", at, function.name) from None
    except RecursionError:
        raise
    except Exception:
        raise Failed(f"error calling {function.name}: it can't handle these arguments", at, function.name) from None
    return result


_AT_ONCE = frozenset(
    "and or not index len get set unset hasKey first last default empty ternary".split()  # noqa: SIM905 - a line, not ten
)
"""Functions that take the same time for a large value as for a small one."""
_CALL, _BYTES_A_STEP, _ELEMENTS_A_STEP = 4, 512, 2


def _size(value: Any) -> int:
    """The steps that it takes to look at all of a value: about a microsecond each."""
    if type(value) is bytes:
        return len(value) // _BYTES_A_STEP
    return len(value.items) // _ELEMENTS_A_STEP if isinstance(value, Slice | Map) else 0


def field(value: Any, name: str, at: int) -> Any:
    """A field of a value, or a method's result: `value.name` without arguments, methods left out. Raises Failed."""
    if value is NO_VALUE:
        return NO_VALUE
    if value is None:
        raise Failed(f"nil pointer evaluating interface {{}}.{name}", at)
    if isinstance(value, Map):
        return value.items.get(name.encode("utf-8", "surrogateescape"), NO_VALUE)
    if isinstance(value, Opaque) and name in value.fields:
        return value.fields[name](value)
    raise Failed(f"can't evaluate field {name} in type {type_of(value).name}", at)


def method(value: Any, name: str) -> Function | None:
    """A method of a value, if it has one of this name."""
    methods: dict[str, Function] | None = getattr(value, "methods", None)
    return methods.get(name) if methods else None


def expected(function: Function, given: int, final: bool) -> str:
    """What is wrong with a number of arguments; "" if nothing."""
    count, fixed = given + final, len(function.parameters)
    if function.variadic is not None:
        return f"want at least {fixed} got {given}" if count < fixed else ""
    return f"want {fixed} got {count}" if count != fixed else ""


def parameter(function: Function, number: int) -> Type:
    """The type of a function's nth argument."""
    if number < len(function.parameters):
        return function.parameters[number]
    return function.variadic or ANY
