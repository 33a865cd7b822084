"""Pipelines: commands joined by `|`, of operands side by side, with the variables that they set."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sealer.template.language import constants, nodes
from sealer.template.language.lexer import Malformed, Token, TokenKind

if TYPE_CHECKING:
    from collections.abc import Callable

    from sealer.template.language.stream import Stream

_OPERANDS = frozenset(
    (
        TokenKind.BOOL,
        TokenKind.CHARACTER,
        TokenKind.COMPLEX,
        TokenKind.DOT,
        TokenKind.FIELD,
        TokenKind.WORD,
        TokenKind.NUMBER,
        TokenKind.RAW_STRING,
        TokenKind.STRING,
        TokenKind.VARIABLE,
        TokenKind.LEFT,
    )
)
_CONSTANTS = (nodes.Bool, nodes.Dot, nodes.Nil, nodes.Number, nodes.String)


class Pipelines:
    """Reads pipelines. `variables` are those that are known where it stands."""

    def __init__(self, stream: Stream, is_function: Callable[[str], bool]) -> None:
        self._stream = stream
        self._is_function = is_function
        self.variables = ["$"]

    def pipe(self, context: str, end: TokenKind) -> nodes.Pipe:
        """Commands up to `end`, which is taken as well. Raises Malformed."""
        at = self._stream.peek_word().at
        variables, assigns = self._declared(context)
        commands: list[nodes.Command] = []
        while (token := self._stream.next_word()).kind is not end:
            if token.kind not in _OPERANDS and (token.kind, token.text) != (TokenKind.KEYWORD, "nil"):
                raise self._stream.unexpected(token, context)
            self._stream.back(token)
            commands.append(self._command())
        if not commands:
            raise Malformed(f"missing value for {context}", token.at)
        for stage, command in enumerate(commands[1:], 2):
            if isinstance(command.operands[0], _CONSTANTS):
                raise Malformed(f"non executable command in pipeline stage {stage}", command.at)
        return nodes.Pipe(at, tuple(commands), tuple(variables), assigns)

    def _declared(self, context: str) -> tuple[list[str], bool]:
        """The variables that a pipeline sets: none, one, or two of a range; and whether they exist already."""
        found: list[str] = []
        while (first := self._stream.peek_word()).kind is TokenKind.VARIABLE:
            self._stream.next()
            after = self._stream.peek()
            token = self._stream.next_word()
            comma = (token.kind, token.text) == (TokenKind.OTHER, ",")
            if not comma and token.kind not in (TokenKind.ASSIGN, TokenKind.DECLARE):
                self._stream.back(first, *([after] if after.kind is TokenKind.SPACE else []), token)
                break
            found.append(first.text)
            self.variables.append(first.text)
            if not comma:
                return found, token.kind is TokenKind.ASSIGN
            if context != "range" or len(found) > 1:
                raise Malformed(f"too many declarations in {context}", token.at)
            if self._stream.peek_word().kind not in (TokenKind.VARIABLE, TokenKind.CLOSE, TokenKind.RIGHT):
                raise Malformed("range can only initialize variables", self._stream.peek().at)
        return found, False

    def _command(self) -> nodes.Command:
        at = self._stream.peek_word().at
        operands: list[nodes.Node] = []
        while True:
            operand = self._operand()
            if operand is not None:
                operands.append(operand)
            token = self._stream.next()
            if token.kind is TokenKind.SPACE:
                continue
            if token.kind in (TokenKind.CLOSE, TokenKind.RIGHT):
                self._stream.back(token)
            elif token.kind is not TokenKind.PIPE:
                raise self._stream.unexpected(token, "operand")
            break
        if not operands:
            raise Malformed("empty command", at)
        return nodes.Command(at, tuple(operands))

    def _operand(self) -> nodes.Node | None:
        node = self._term()
        if node is None or self._stream.peek().kind is not TokenKind.FIELD:
            return node
        at = self._stream.peek().at
        names: list[str] = []
        while self._stream.peek().kind is TokenKind.FIELD:
            names.append(self._stream.next().text[1:])
        match node:
            case nodes.Field():
                return nodes.Field(at, (*node.names, *names))
            case nodes.Variable():
                return nodes.Variable(at, node.name, (*node.names, *names))
            case nodes.Bool() | nodes.String() | nodes.Number() | nodes.Nil() | nodes.Dot():
                raise Malformed("unexpected . after term", at)
        return nodes.Chain(at, node, tuple(names))

    def _term(self) -> nodes.Node | None:
        token = self._stream.next_word()
        at = token.at
        match token.kind:
            case TokenKind.WORD:
                if not self._is_function(token.text):
                    raise Malformed(f"function {token.text[:64]} is not defined", at)
                return nodes.Name(at, token.text)
            case TokenKind.DOT:
                return nodes.Dot(at)
            case TokenKind.VARIABLE:
                if token.text not in self.variables:
                    raise Malformed(f"undefined variable {token.text[:64]}", at)
                return nodes.Variable(at, token.text, ())
            case TokenKind.FIELD:
                return nodes.Field(at, (token.text[1:],))
            case TokenKind.BOOL:
                return nodes.Bool(at, token.text == "true")
            case TokenKind.LEFT:
                self._stream.deeper(1)
                pipe = self.pipe("parenthesized pipeline", TokenKind.RIGHT)
                self._stream.deeper(-1)
                return pipe
            case TokenKind.KEYWORD if token.text == "nil":
                return nodes.Nil(at)
        constant = _constant(token)
        if constant is None:
            self._stream.back(token)
        return constant


def _constant(token: Token) -> nodes.Node | None:
    at = token.at
    found: nodes.Node | None
    match token.kind:
        case TokenKind.STRING | TokenKind.RAW_STRING:
            value = constants.unquoted(token.text)
            found = nodes.String(at, value) if value is not None else None
        case TokenKind.CHARACTER:
            code = constants.character(token.text)
            found = nodes.Number(at, code, code, float(code), None, code) if code is not None else None
        case TokenKind.COMPLEX:
            found = constants.pair(at, token.text)
        case TokenKind.NUMBER:
            found = constants.number(at, token.text)
        case _:
            return None
    if found is None:
        raise Malformed("invalid syntax of a constant", at)
    return found
