"""Text, actions, branches and loops into closures that write (Go's text/template, exec.go)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

from sealer.template.language import nodes
from sealer.template.language.call import Failed
from sealer.template.language.expressions import Expressions, State
from sealer.template.language.truth import is_true
from sealer.template.limits import MAX_INVOKED, Fault
from sealer.template.text.printing import text
from sealer.template.values import NO_VALUE, Function, Map, Slice, type_of, wrap

Statement = Callable[[State, Any], None]


class _Left(Exception):
    """A loop is left, or begins again; for the nearest loop around."""

    def __init__(self, *, again: bool) -> None:
        self.again = again


class Program:
    """A tree, compiled; each call of `render` is one run of it."""

    def __init__(self, tree: nodes.Tree, find: Callable[[str], Function]) -> None:
        self._expressions = Expressions(find)
        self._defined = {name: self._all(body) for name, body in tree.defined.items()}
        self._main = self._all(tree.nodes)

    def render(self, state: State, dot: Any) -> bytes:
        """What the template writes. Raises Failed."""
        self._main(state, dot)
        return b"".join(state.out)

    def _all(self, found: Sequence[nodes.Node]) -> Statement:
        statements = [self._statement(node) for node in found]
        if len(statements) == 1:
            return statements[0]

        def run(state: State, dot: Any) -> None:
            for statement in statements:
                statement(state, dot)

        return run

    def _statement(self, node: nodes.Node) -> Statement:
        match node:
            case nodes.Text():
                return _text(node)
            case nodes.Action():
                return self._action(node)
            case nodes.Branch(word="range"):
                return self._range(node)
            case nodes.Branch():
                return self._branch(node)
            case nodes.Invoke():
                return self._invoke(node)
            case nodes.Leave():
                return _leave(again=node.again)
        raise AssertionError("a node that is no statement")

    def _action(self, node: nodes.Action) -> Statement:
        value, at = self._expressions.pipe(node.pipe), node.at
        if node.pipe.variables:

            def declare(state: State, dot: Any) -> None:
                value(state, dot)

            return declare

        def run(state: State, dot: Any) -> None:
            result = value(state, dot)
            try:
                shown = result if type(result) is bytes else text(result)
            except Fault as fault:
                raise Failed(fault.what, at) from None
            _write(state, shown, at)

        return run

    def _branch(self, node: nodes.Branch) -> Statement:
        value, body, moves = self._expressions.pipe(node.pipe), self._all(node.body), node.word == "with"
        otherwise = self._all(node.otherwise) if node.otherwise else None

        def run(state: State, dot: Any) -> None:
            mark = len(state.variables)
            result = value(state, dot)
            if is_true(result):
                body(state, result if moves else dot)
            elif otherwise is not None:
                otherwise(state, dot)
            del state.variables[mark:]

        return run

    def _range(self, node: nodes.Branch) -> Statement:
        value, body, names = self._expressions.pipe(node.pipe), self._all(node.body), node.pipe.variables
        otherwise = self._all(node.otherwise) if node.otherwise else None
        at, assigns = node.at, node.pipe.assigns

        def run(state: State, dot: Any) -> None:
            mark = len(state.variables)
            over = value(state, dot)
            inner = len(state.variables)
            turned = False
            try:
                for turn in _turns(over, len(names), at):
                    turned = True
                    _spend(state, at)
                    _set(state, names, turn, inner, assigns=assigns, at=at)
                    try:
                        body(state, turn[1])
                    except _Left as left:
                        if not left.again:
                            break
                    finally:
                        del state.variables[inner:]
                if not turned and otherwise is not None:
                    otherwise(state, dot)
            finally:
                del state.variables[mark:]

        return run

    def _invoke(self, node: nodes.Invoke) -> Statement:
        pipe, name, at = self._expressions.pipe(node.pipe) if node.pipe else None, node.name, node.at

        def run(state: State, dot: Any) -> None:
            body = self._defined.get(name)
            if body is None:
                raise Failed("template not defined", at)
            if state.depth == MAX_INVOKED:
                raise Failed(f"templates invoke each other more than {MAX_INVOKED} deep", at)
            value = pipe(state, dot) if pipe is not None else NO_VALUE
            outer, state.variables = state.variables, [["$", value]]
            state.depth += 1
            body(state, value)
            state.depth -= 1
            state.variables = outer

        return run


def _text(node: nodes.Text) -> Statement:
    data, at = node.text, node.at
    return lambda state, _dot: _write(state, data, at)


def _leave(*, again: bool) -> Statement:
    def run(_state: State, _dot: Any) -> None:
        raise _Left(again=again)

    return run


def _write(state: State, data: bytes, at: int) -> None:
    try:
        state.run.grow(len(data))
    except Fault as fault:
        raise Failed(fault.what, at) from None
    state.out.append(data)


def _spend(state: State, at: int) -> None:
    try:
        state.run.spend(1)
    except Fault as fault:
        raise Failed(fault.what, at) from None


def _set(state: State, names: Sequence[str], turn: tuple[Any, Any], inner: int, *, assigns: bool, at: int) -> None:
    """The variables of a turn: one is the element, two are index and element. `inner`: where the loop's own end."""
    values = turn if len(names) > 1 else turn[1:]
    for place, (name, value) in enumerate(zip(names, values, strict=False), inner - len(names)):
        if assigns:
            state.variable(name, at)[1] = value
        else:
            state.variables[place][1] = value


def _turns(over: Any, names: int, at: int) -> Iterable[tuple[Any, Any]]:
    """Index and element of each turn, maps in order of their keys."""
    if over is NO_VALUE:
        return ()
    if isinstance(over, Slice):
        return enumerate(list(over.items))
    if isinstance(over, Map):
        return sorted(over.items.items(), key=lambda pair: pair[0])
    if isinstance(over, int) and not isinstance(over, bool):
        if names > 1:
            raise Failed("can't use an integer to iterate over more than one variable", at)
        return _counted(over)
    raise Failed(f"range can't iterate over a value of type {type_of(over).name}", at)


def _counted(over: int) -> Iterator[tuple[Any, Any]]:
    kind = type_of(over)
    for number in range(over):
        yield NO_VALUE, wrap(number, kind)
