"""Pipelines into closures: what Go's text/template evaluates (exec.go). Each takes state and dot, and gives a value.

Variables are a stack that is searched by name from its top: one that was declared in an argument never evaluated is not
there, as in Go.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from sealer.template.language import nodes
from sealer.template.language.call import Failed, call, can_be_nil, checked, expected, field, method, parameter
from sealer.template.language.truth import is_true
from sealer.template.values import (
    ANY,
    BOOL,
    FLOAT64,
    INT,
    NO_VALUE,
    STRING,
    VALUE,
    Function,
    Kind,
    Map,
    Type,
    wrap,
    zero,
)

if TYPE_CHECKING:
    from sealer.template.limits import Run


class State:
    """One render of one text: variables, limits, and what was written."""

    __slots__ = ("depth", "out", "run", "variables")

    def __init__(self, run: Run, dot: Any) -> None:
        self.run = run
        self.out: list[bytes] = []
        self.variables: list[list[Any]] = [["$", dot]]
        self.depth = 0

    def variable(self, name: str, at: int) -> list[Any]:
        """The name and value of a variable, to be read or set. Raises Failed if it was never declared."""
        found: list[Any]
        for found in reversed(self.variables):
            if found[0] == name:
                return found
        raise Failed(f"undefined variable: {name}", at)


Value = Callable[[State, Any], Any]
_Stage = Callable[[State, Any, Any], Any]
_MISSING = object()
"""Where a command has no result of another before it."""


class Expressions:
    """Compiles pipelines against a table of functions."""

    def __init__(self, find: Callable[[str], Function]) -> None:
        self._find = find
        self._renamed = False
        # Whether `$` was declared anew in the text so far; else it is always the first variable.

    def pipe(self, pipe: nodes.Pipe) -> Value:
        """A pipeline, with the variables that it sets. What comes out is never None: that is NO_VALUE then."""
        stages = [self._command(command) for command in pipe.commands]
        if len(stages) == 1 and not pipe.variables:
            return _alone(stages[0])
        variables, assigns, at = pipe.variables, pipe.assigns, pipe.at
        self._renamed = self._renamed or "$" in variables

        def run(state: State, dot: Any) -> Any:
            value: Any = _MISSING
            for stage in stages:
                value = stage(state, dot, value)
                if value is None:
                    value = NO_VALUE
            for name in variables:
                if assigns:
                    state.variable(name, at)[1] = value
                else:
                    state.variables.append([name, value])
            return value

        return run

    def _command(self, command: nodes.Command) -> _Stage:
        first, rest = command.operands[0], command.operands[1:]
        match first:
            case nodes.Name():
                return self._call(self._find(first.name), rest, command.at)
            case nodes.Field():
                return self._fields(_dot, first.names, rest, first.at)
            case nodes.Chain():
                if isinstance(first.node, nodes.Nil):
                    return _failing("indirection through explicit nil", first.at)
                return self._fields(self._argument(first.node, ANY, keep=True), first.names, rest, first.at)
            case nodes.Variable() if first.names:
                return self._fields(self._variable(first), first.names, rest, first.at)
            case nodes.Variable():
                return _only(self._variable(first), rest, first.at)
            case nodes.Pipe():
                return _only(self.pipe(first), rest, first.at)
            case nodes.Nil():
                return _failing("nil is not a command", first.at)
        return _only(_constant(first), rest, first.at)

    def _fields(self, receiver: Value, names: Sequence[str], rest: Sequence[nodes.Node], at: int) -> _Stage:
        """A chain of fields; the last one may be a method with arguments."""
        *path, last = names
        key = last.encode("utf-8", "surrogateescape")

        def run(state: State, dot: Any, final: Any) -> Any:
            value = receiver(state, dot)
            for name in path:
                value = self._member(state, dot, value, name, (), _MISSING, at)
            if type(value) is Map and not rest and final is _MISSING:
                return value.items.get(key, NO_VALUE)
            return self._member(state, dot, value, last, rest, final, at)

        return run

    def _member(
        self, state: State, dot: Any, value: Any, name: str, rest: Sequence[nodes.Node], final: Any, at: int
    ) -> Any:
        found = method(value, name)
        if found is not None:
            bound = found._replace(call=lambda *given: found.call(value, *given))
            return self._call(bound, rest, at)(state, dot, final)
        result = field(value, name, at)
        if (rest or final is not _MISSING) and value is not NO_VALUE:
            what = "is not a method but has arguments" if isinstance(value, Map) else "can't be called"
            raise Failed(f"{name} {what}", at)
        return result

    def _call(self, function: Function, operands: Sequence[nodes.Node], at: int) -> _Stage:
        if function.name in ("and", "or"):
            return self._short(function, operands, at)
        count = len(operands)
        wrong = expected(function, count, False), expected(function, count, True)
        if wrong[0] and wrong[1]:
            return _failing(f"wrong number of args for {function.name}: {wrong[0]}", at, function.name)
        given = [self._argument(operand, parameter(function, i)) for i, operand in enumerate(operands)]
        last = parameter(function, count) if not wrong[1] else ANY

        def run(state: State, dot: Any, final: Any) -> Any:
            piped = final is not _MISSING
            if wrong[piped]:
                raise Failed(f"wrong number of args for {function.name}: {wrong[piped]}", at, function.name)
            values = [each(state, dot) for each in given]
            if piped:
                values.append(checked(final, last, at))
            return call(function, values, state.run, at)

        return run

    def _short(self, function: Function, operands: Sequence[nodes.Node], at: int) -> _Stage:
        """`and` and `or`, which leave off at the first argument that decides."""
        stop = function.name == "or"
        given = [self._argument(operand, VALUE) for operand in operands]

        def run(state: State, dot: Any, final: Any) -> Any:
            if not given and final is _MISSING:
                raise Failed(f"wrong number of args for {function.name}: want at least 1 got 0", at, function.name)
            value: Any = NO_VALUE
            for each in given:
                value = each(state, dot)
                if is_true(value) is stop:
                    return value
            return value if final is _MISSING else final

        return run

    def _variable(self, node: nodes.Variable) -> Value:
        name, at = node.name, node.at
        if name == "$" and not self._renamed:
            return lambda state, _dot: state.variables[0][1]
        return lambda state, _dot: state.variable(name, at)[1]

    def _argument(self, node: nodes.Node, type_: Type, *, keep: bool = False) -> Value:
        """An operand as an argument of a type; `keep`: as it is, for fields are asked of it."""
        at = node.at
        match node:
            case nodes.Nil():
                if not can_be_nil(type_):
                    return _fails(f"cannot assign nil to {type_.name}", at)
                return lambda _state, _dot: zero(type_)
            case nodes.Bool() | nodes.Number() | nodes.String():
                return _literal(node, type_)
        value: Value
        match node:
            case nodes.Dot():
                value = _dot
            case nodes.Pipe():
                value = self.pipe(node)
            case _:
                stage = self._command(nodes.Command(at, (node,)))

                def value(state: State, dot: Any) -> Any:
                    return stage(state, dot, _MISSING)

        if keep or type_ is VALUE:
            return value
        return lambda state, dot: checked(value(state, dot), type_, at)


def _alone(stage: _Stage) -> Value:
    def run(state: State, dot: Any) -> Any:
        value = stage(state, dot, _MISSING)
        return NO_VALUE if value is None else value

    return run


def _dot(_state: State, dot: Any) -> Any:
    return dot


def _only(value: Value, rest: Sequence[nodes.Node], at: int) -> _Stage:
    """A command that takes no arguments."""

    def run(state: State, dot: Any, final: Any) -> Any:
        if rest or final is not _MISSING:
            raise Failed("can't give argument to non-function", at)
        return value(state, dot)

    return run


def _failing(what: str, at: int, function: str = "") -> _Stage:
    def run(_state: State, _dot: Any, _final: Any) -> Any:
        raise Failed(what, at, function)

    return run


def _fails(what: str, at: int) -> Value:
    def run(_state: State, _dot: Any) -> Any:
        raise Failed(what, at)

    return run


def _constant(node: nodes.Node) -> Value:
    """A constant where no type is asked for."""
    match node:
        case nodes.Dot():
            return _dot
        case nodes.Bool() | nodes.String():
            value: Any = node.value
        case nodes.Number():
            if node.default is None:
                return _fails("constant overflows int", node.at)
            value = node.default
        case _:
            return _fails("can't evaluate command", node.at)
    return lambda _state, _dot: value


def _literal(node: nodes.Bool | nodes.Number | nodes.String, type_: Type) -> Value:
    """A constant as an argument: it takes the type that is asked for, if it can."""
    if type_ is ANY or type_ is VALUE:
        return _constant(node)
    value: Any = None
    match node, type_.kind:
        case nodes.Bool(), Kind.BOOL:
            value = node.value
        case nodes.String(), Kind.STRING:
            value = node.value
        case nodes.Number(), Kind.FLOAT64:
            value = node.floating
        case nodes.Number(), Kind.COMPLEX128:
            value = node.paired
        case nodes.Number(), kind if kind.startswith("int") and kind is not Kind.INTERFACE:
            value = wrap(node.integer, type_) if node.integer is not None else None
        case nodes.Number(), kind if kind.startswith("uint"):
            value = wrap(node.unsigned, type_) if node.unsigned is not None else None
    if value is None:
        return _fails(f"expected {_WORDS.get(type_, type_.name)}", node.at)
    return lambda _state, _dot: value


_WORDS = {BOOL: "bool", INT: "integer", FLOAT64: "float", STRING: "string"}
