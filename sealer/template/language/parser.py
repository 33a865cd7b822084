"""Tokens into nodes. What Go's text/template/parse refuses is refused here, at the same line.

A template is parsed once; functions are looked up by name only, so that `check` needs no table of them loaded.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from sealer.template.language import constants, nodes
from sealer.template.language.lexer import Malformed, Token, TokenKind
from sealer.template.language.pipelines import Pipelines
from sealer.template.language.stream import Allowance, Stream

_SPACES = b" \t\n\v\f\r\x85\xa0"


class _Ended(NamedTuple):
    """The `{{end}}` or `{{else ...}}` that closes a list; `word` is what follows an else."""

    word: str
    at: int


def parse(name: str, text: str, is_function: Callable[[str], bool], allowance: Allowance) -> nodes.Tree:
    """A template of this name as a tree. Raises Malformed for the first thing that is wrong in it.

    A text may define a template of its own name, if one of the two is empty: as in Go, the other one is it then.
    """
    before = allowance.left
    parser = _Parser(text, is_function, allowance)
    parser.define(name, parser.top())
    return nodes.Tree(text, parser.defined[name], parser.defined, before - allowance.left)


class _Parser:
    def __init__(self, text: str, is_function: Callable[[str], bool], allowance: Allowance) -> None:
        self._stream = Stream(text, allowance)
        self._pipelines = Pipelines(self._stream, is_function)
        self._ranges = 0
        self.defined: dict[str, tuple[nodes.Node, ...]] = {}

    def top(self) -> tuple[nodes.Node, ...]:
        """The whole text, with what it defines on the way."""
        found: list[nodes.Node] = []
        while self._stream.peek().kind is not TokenKind.END:
            node = self._definition() if self._stream.peek().kind is TokenKind.OPEN else self._text()
            if isinstance(node, _Ended):
                raise Malformed(f"unexpected {'else' if node.word != 'end' else 'end'}", node.at)
            if node is not None:
                found.append(node)
        return tuple(found)

    def _definition(self) -> nodes.Node | _Ended | None:
        opened = self._stream.next()
        token = self._stream.next_word()
        if token != (TokenKind.KEYWORD, "define", token.at):
            self._stream.back(opened, token)
            return self._text()
        name = self._template_name("define clause")
        self._stream.expect(TokenKind.CLOSE, "define clause")
        self.define(name, self._scoped("define clause"))
        return None

    def _scoped(self, context: str) -> tuple[nodes.Node, ...]:
        """The nodes of a template of its own: neither variables nor loops around it count."""
        kept = self._pipelines.variables, self._ranges
        self._pipelines.variables, self._ranges = ["$"], 0
        found, ended = self._list()
        self._pipelines.variables, self._ranges = kept
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
        self._stream.deeper(1)
        while self._stream.peek_word().kind is not TokenKind.END:
            node = self._text()
            if isinstance(node, _Ended):
                self._stream.deeper(-1)
                return tuple(found), node
            found.append(node)
        raise Malformed("unexpected end of text", self._stream.peek().at)

    def _text(self) -> nodes.Node | _Ended:
        token = self._stream.next_word()
        if token.kind is TokenKind.TEXT:
            return nodes.Text(token.at, token.text.encode())
        if token.kind is TokenKind.OPEN:
            return self._action()
        raise self._stream.unexpected(token, "input")

    def _action(self) -> nodes.Node | _Ended:
        token = self._stream.next_word()
        if token.kind is TokenKind.KEYWORD:
            match token.text:
                case "if" | "with" | "range":
                    return self._branch(token.text)
                case "end":
                    return _Ended("end", self._stream.expect(TokenKind.CLOSE, "end").at)
                case "else":
                    return self._else()
                case "break" | "continue":
                    return self._leave(token)
                case "template":
                    return self._invoke()
                case "block":
                    return self._block()
        self._stream.back(token)
        return nodes.Action(token.at, self._pipelines.pipe("command", TokenKind.CLOSE))

    def _else(self) -> _Ended:
        token = self._stream.peek_word()
        if token.kind is TokenKind.KEYWORD and token.text in ("if", "with"):
            return _Ended(token.text, token.at)
        return _Ended("else", self._stream.expect(TokenKind.CLOSE, "else").at)

    def _leave(self, token: Token) -> nodes.Node:
        self._stream.expect(TokenKind.CLOSE, "{{" + token.text + "}}")
        if not self._ranges:
            raise Malformed("{{" + token.text + "}} outside {{range}}", token.at)
        return nodes.Leave(token.at, token.text == "continue")

    def _branch(self, word: str) -> nodes.Node:
        variables = len(self._pipelines.variables)
        pipe = self._pipelines.pipe(word, TokenKind.CLOSE)
        self._ranges += word == "range"
        body, ended = self._list()
        self._ranges -= word == "range"
        otherwise = self._otherwise(word, ended) if ended.word != "end" else None
        del self._pipelines.variables[variables:]
        return nodes.Branch(pipe.at, word, pipe, body, otherwise)

    def _otherwise(self, word: str, ended: _Ended) -> tuple[nodes.Node, ...]:
        # `{{else if}}` is an else that holds nothing but an if; the one `{{end}}` ends both.
        if ended.word == word and word != "range":
            self._stream.next_word()
            self._stream.deeper(1)
            inner = self._branch(word)
            self._stream.deeper(-1)
            return (inner,)
        if ended.word != "else":
            raise self._stream.unexpected(self._stream.next_word(), "else")
        nodes_, last = self._list()
        if last.word != "end":
            raise Malformed("expected end; found else", last.at)
        return nodes_

    def _invoke(self) -> nodes.Node:
        at = self._stream.peek_word().at
        name = self._template_name("template clause")
        if self._stream.peek_word().kind is TokenKind.CLOSE:
            self._stream.next()
            return nodes.Invoke(at, name, None)
        return nodes.Invoke(at, name, self._pipelines.pipe("template clause", TokenKind.CLOSE))

    def _block(self) -> nodes.Node:
        at = self._stream.peek_word().at
        name = self._template_name("block clause")
        pipe = self._pipelines.pipe("block clause", TokenKind.CLOSE)
        self.define(name, self._scoped("block clause"))
        return nodes.Invoke(at, name, pipe)

    def _template_name(self, context: str) -> str:
        token = self._stream.next_word()
        if token.kind not in (TokenKind.STRING, TokenKind.RAW_STRING):
            raise self._stream.unexpected(token, context)
        name = constants.unquoted(token.text)
        if name is None:
            raise Malformed("invalid syntax in a quoted string", token.at)
        return name.decode("utf-8", "surrogateescape")


def _is_empty(body: tuple[nodes.Node, ...]) -> bool:
    """Whether a template holds nothing but space, so that another definition takes its place."""
    return all(isinstance(node, nodes.Text) and not node.text.strip(_SPACES) for node in body)
