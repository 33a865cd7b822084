"""Tokens into nodes. What Go's text/template/parse refuses is refused here, at the same line.

A template is parsed once; functions are looked up by name only, so that `check` needs no table of them loaded.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from sealer.template.language import constants, nodes
from sealer.template.language.lexer import Malformed, Token, TokenKind, tokens

MAX_DEPTH = 200
"""Parentheses and blocks within each other; Go allows 10,000 parentheses and any number of blocks."""

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
_SPACES = b" \t\n\v\f\r\x85\xa0"


class _Ended(NamedTuple):
    """The `{{end}}` or `{{else ...}}` that closes a list; `word` is what follows an else."""

    word: str
    at: int


def parse(name: str, text: str, is_function: Callable[[str], bool]) -> nodes.Tree:
    """A template of this name as a tree. Raises Malformed for the first thing that is wrong in it.

    A text may define a template of its own name, if one of the two is empty: as in Go, the other one is it then.
    """
    parser = _Parser(text, is_function)
    parser.define(name, parser.top())
    return nodes.Tree(text, parser.defined[name], parser.defined)


class _Parser:
    def __init__(self, text: str, is_function: Callable[[str], bool]) -> None:
        self._tokens = tokens(text)
        self._ahead: list[Token] = []
        self._is_function = is_function
        self._variables = ["$"]
        self._ranges = 0
        self._depth = 0
        self.defined: dict[str, tuple[nodes.Node, ...]] = {}

    # -- tokens

    def _next(self) -> Token:
        return self._ahead.pop() if self._ahead else next(self._tokens)

    def _peek(self) -> Token:
        if not self._ahead:
            self._ahead.append(next(self._tokens))
        return self._ahead[-1]

    def _next_word(self) -> Token:
        token = self._next()
        return self._next() if token.kind is TokenKind.SPACE else token

    def _peek_word(self) -> Token:
        token = self._next_word()
        self._ahead.append(token)
        return token

    def _expect(self, kind: TokenKind, context: str) -> Token:
        token = self._next_word()
        if token.kind is not kind:
            raise self._unexpected(token, context)
        return token

    def _unexpected(self, token: Token, context: str) -> Malformed:
        what = {TokenKind.END: "end of text", TokenKind.CLOSE: "}}", TokenKind.KEYWORD: token.text}.get(token.kind)
        return Malformed(f"unexpected {what or token.kind.name.lower().replace('_', ' ')} in {context}", token.at)

    # -- lists of nodes

    def top(self) -> tuple[nodes.Node, ...]:
        """The whole text, with what it defines on the way."""
        found: list[nodes.Node] = []
        while self._peek().kind is not TokenKind.END:
            node = self._definition() if self._peek().kind is TokenKind.OPEN else self._text()
            if isinstance(node, _Ended):
                raise Malformed(f"unexpected {'else' if node.word != 'end' else 'end'}", node.at)
            if node is not None:
                found.append(node)
        return tuple(found)

    def _definition(self) -> nodes.Node | _Ended | None:
        opened = self._next()
        token = self._next_word()
        if token != (TokenKind.KEYWORD, "define", token.at):
            self._ahead += [token, opened]
            return self._text()
        name = self._template_name("define clause")
        self._expect(TokenKind.CLOSE, "define clause")
        self.define(name, self._scoped("define clause"))
        return None

    def _scoped(self, context: str) -> tuple[nodes.Node, ...]:
        """The nodes of a template of its own: neither variables nor loops around it count."""
        kept = self._variables, self._ranges
        self._variables, self._ranges = ["$"], 0
        found, ended = self._list()
        self._variables, self._ranges = kept
        if ended.word != "end":
            raise Malformed(f"unexpected else in {context}", ended.at)
        return found

    def define(self, name: str, body: tuple[nodes.Node, ...]) -> None:
        """Take a template; an empty one yields to another of its name."""
        if name not in self.defined or _is_empty(self.defined[name]):
            self.defined[name] = body
        elif not _is_empty(body):
            raise Malformed("multiple definition of a template", body[0].at)

    def _list(self) -> tuple[tuple[nodes.Node, ...], _Ended]:
        found: list[nodes.Node] = []
        self._deeper(1)
        while self._peek_word().kind is not TokenKind.END:
            node = self._text()
            if isinstance(node, _Ended):
                self._deeper(-1)
                return tuple(found), node
            found.append(node)
        raise Malformed("unexpected end of text", self._peek().at)

    def _deeper(self, by: int) -> None:
        self._depth += by
        if self._depth > MAX_DEPTH:
            raise Malformed(f"nested more than {MAX_DEPTH} deep", self._peek().at)

    def _text(self) -> nodes.Node | _Ended:
        token = self._next_word()
        if token.kind is TokenKind.TEXT:
            return nodes.Text(token.at, token.text.encode())
        if token.kind is TokenKind.OPEN:
            return self._action()
        raise self._unexpected(token, "input")

    # -- actions

    def _action(self) -> nodes.Node | _Ended:
        token = self._next_word()
        if token.kind is TokenKind.KEYWORD:
            match token.text:
                case "if" | "with" | "range":
                    return self._branch(token.text)
                case "end":
                    return _Ended("end", self._expect(TokenKind.CLOSE, "end").at)
                case "else":
                    return self._else()
                case "break" | "continue":
                    return self._leave(token)
                case "template":
                    return self._invoke()
                case "block":
                    return self._block()
        self._ahead.append(token)
        return nodes.Action(token.at, self._pipe("command", TokenKind.CLOSE))

    def _else(self) -> _Ended:
        token = self._peek_word()
        if token.kind is TokenKind.KEYWORD and token.text in ("if", "with"):
            return _Ended(token.text, token.at)
        return _Ended("else", self._expect(TokenKind.CLOSE, "else").at)

    def _leave(self, token: Token) -> nodes.Node:
        self._expect(TokenKind.CLOSE, "{{" + token.text + "}}")
        if not self._ranges:
            raise Malformed("{{" + token.text + "}} outside {{range}}", token.at)
        return nodes.Leave(token.at, token.text == "continue")

    def _branch(self, word: str) -> nodes.Node:
        variables = len(self._variables)
        pipe = self._pipe(word, TokenKind.CLOSE)
        self._ranges += word == "range"
        body, ended = self._list()
        self._ranges -= word == "range"
        otherwise = self._otherwise(word, ended) if ended.word != "end" else None
        del self._variables[variables:]
        return nodes.Branch(pipe.at, word, pipe, body, otherwise)

    def _otherwise(self, word: str, ended: _Ended) -> tuple[nodes.Node, ...]:
        # `{{else if}}` is an else that holds nothing but an if; the one `{{end}}` ends both.
        if ended.word == word and word != "range":
            self._next_word()
            self._deeper(1)
            inner = self._branch(word)
            self._deeper(-1)
            return (inner,)
        if ended.word != "else":
            raise self._unexpected(self._next_word(), "else")
        nodes_, last = self._list()
        if last.word != "end":
            raise Malformed("expected end; found else", last.at)
        return nodes_

    def _invoke(self) -> nodes.Node:
        at = self._peek_word().at
        name = self._template_name("template clause")
        if self._peek_word().kind is TokenKind.CLOSE:
            self._next()
            return nodes.Invoke(at, name, None)
        return nodes.Invoke(at, name, self._pipe("template clause", TokenKind.CLOSE))

    def _block(self) -> nodes.Node:
        at = self._peek_word().at
        name = self._template_name("block clause")
        pipe = self._pipe("block clause", TokenKind.CLOSE)
        self.define(name, self._scoped("block clause"))
        return nodes.Invoke(at, name, pipe)

    def _template_name(self, context: str) -> str:
        token = self._next_word()
        if token.kind not in (TokenKind.STRING, TokenKind.RAW_STRING):
            raise self._unexpected(token, context)
        name = constants.unquoted(token.text)
        if name is None:
            raise Malformed("invalid syntax in a quoted string", token.at)
        return name.decode("utf-8", "surrogateescape")

    # -- pipelines

    def _pipe(self, context: str, end: TokenKind) -> nodes.Pipe:
        at = self._peek_word().at
        variables, assigns = self._declared(context)
        commands: list[nodes.Command] = []
        while (token := self._next_word()).kind is not end:
            if token.kind not in _OPERANDS and (token.kind, token.text) != (TokenKind.KEYWORD, "nil"):
                raise self._unexpected(token, context)
            self._ahead.append(token)
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
        while (first := self._peek_word()).kind is TokenKind.VARIABLE:
            self._next()
            after = self._peek()
            token = self._next_word()
            comma = (token.kind, token.text) == (TokenKind.OTHER, ",")
            if not comma and token.kind not in (TokenKind.ASSIGN, TokenKind.DECLARE):
                self._ahead += [token, after, first] if after.kind is TokenKind.SPACE else [token, first]
                break
            found.append(first.text)
            self._variables.append(first.text)
            if not comma:
                return found, token.kind is TokenKind.ASSIGN
            if context != "range" or len(found) > 1:
                raise Malformed(f"too many declarations in {context}", token.at)
            if self._peek_word().kind not in (TokenKind.VARIABLE, TokenKind.CLOSE, TokenKind.RIGHT):
                raise Malformed("range can only initialize variables", self._peek().at)
        return found, False

    def _command(self) -> nodes.Command:
        at = self._peek_word().at
        operands: list[nodes.Node] = []
        while True:
            operand = self._operand()
            if operand is not None:
                operands.append(operand)
            token = self._next()
            if token.kind is TokenKind.SPACE:
                continue
            if token.kind in (TokenKind.CLOSE, TokenKind.RIGHT):
                self._ahead.append(token)
            elif token.kind is not TokenKind.PIPE:
                raise self._unexpected(token, "operand")
            break
        if not operands:
            raise Malformed("empty command", at)
        return nodes.Command(at, tuple(operands))

    def _operand(self) -> nodes.Node | None:
        node = self._term()
        if node is None or self._peek().kind is not TokenKind.FIELD:
            return node
        at = self._peek().at
        names: list[str] = []
        while self._peek().kind is TokenKind.FIELD:
            names.append(self._next().text[1:])
        match node:
            case nodes.Field():
                return nodes.Field(at, (*node.names, *names))
            case nodes.Variable():
                return nodes.Variable(at, node.name, (*node.names, *names))
            case nodes.Bool() | nodes.String() | nodes.Number() | nodes.Nil() | nodes.Dot():
                raise Malformed("unexpected . after term", at)
        return nodes.Chain(at, node, tuple(names))

    def _term(self) -> nodes.Node | None:
        token = self._next_word()
        at = token.at
        match token.kind:
            case TokenKind.WORD:
                if not self._is_function(token.text):
                    raise Malformed(f"function {token.text[:64]} is not defined", at)
                return nodes.Name(at, token.text)
            case TokenKind.DOT:
                return nodes.Dot(at)
            case TokenKind.VARIABLE:
                if token.text not in self._variables:
                    raise Malformed(f"undefined variable {token.text[:64]}", at)
                return nodes.Variable(at, token.text, ())
            case TokenKind.FIELD:
                return nodes.Field(at, (token.text[1:],))
            case TokenKind.BOOL:
                return nodes.Bool(at, token.text == "true")
            case TokenKind.LEFT:
                self._deeper(1)
                pipe = self._pipe("parenthesized pipeline", TokenKind.RIGHT)
                self._deeper(-1)
                return pipe
            case TokenKind.KEYWORD if token.text == "nil":
                return nodes.Nil(at)
        constant = _constant(token)
        if constant is None:
            self._ahead.append(token)
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


def _is_empty(body: tuple[nodes.Node, ...]) -> bool:
    """Whether a template holds nothing but space, so that another definition takes its place."""
    return all(isinstance(node, nodes.Text) and not node.text.strip(_SPACES) for node in body)
