"""Tokens with as much looking ahead as the grammar needs, and what to say of one that doesn't fit."""

from __future__ import annotations

from sealer.template.language.lexer import Malformed, Token, TokenKind, tokens

MAX_DEPTH = 200
"""Parentheses and blocks within each other; Go allows 10,000 parentheses and any number of blocks."""

MAX_TOKENS = 50_000
"""Of all templates of a document: to read so many takes about half a second, and 80 MiB. Go has no limit."""


class Allowance:
    """How many more tokens may be read."""

    __slots__ = ("left",)

    def __init__(self) -> None:
        self.left = MAX_TOKENS

    def take(self, count: int, at: int = 0) -> None:
        """Take tokens. Raises Malformed when none are left."""
        self.left -= count
        if self.left < 0:
            self.left = 0
            raise Malformed(f"has more than {MAX_TOKENS:,} parts, with the templates before it", at)


class Stream:
    """The tokens of a text. `deeper` counts what is open, so that nothing is nested without end."""

    def __init__(self, text: str, allowance: Allowance) -> None:
        self._tokens = tokens(text)
        self._allowance = allowance
        self._at = 0
        self._ahead: list[Token] = []
        self._depth = 0

    def next(self) -> Token:
        """The next token."""
        return self._ahead.pop() if self._ahead else self._fresh()

    def peek(self) -> Token:
        """The next token, which stays."""
        if not self._ahead:
            self._ahead.append(self._fresh())
        return self._ahead[-1]

    def _fresh(self) -> Token:
        self._allowance.take(1, self._at)
        token = next(self._tokens, None) or Token(TokenKind.END, "", self._at)
        self._at = token.at
        return token

    def next_word(self) -> Token:
        """The next token that is no space."""
        token = self.next()
        return self.next() if token.kind is TokenKind.SPACE else token

    def peek_word(self) -> Token:
        """The next token that is no space, which stays; a space before it is gone."""
        token = self.next_word()
        self._ahead.append(token)
        return token

    def back(self, *found: Token) -> None:
        """Put tokens back, the first one to come first."""
        self._ahead += reversed(found)

    def expect(self, kind: TokenKind, context: str) -> Token:
        """The next token that is no space, which must be of a kind."""
        token = self.next_word()
        if token.kind is not kind:
            raise self.unexpected(token, context)
        return token

    def unexpected(self, token: Token, context: str) -> Malformed:
        """The error for a token that doesn't fit."""
        what = {TokenKind.END: "end of text", TokenKind.CLOSE: "}}", TokenKind.KEYWORD: token.text}.get(token.kind)
        return Malformed(f"unexpected {what or token.kind.name.lower().replace('_', ' ')} in {context}", token.at)

    def deeper(self, by: int) -> None:
        """Open something (1) or close it (-1). Raises Malformed for more than MAX_DEPTH."""
        self._depth += by
        if self._depth > MAX_DEPTH:
            raise Malformed(f"nested more than {MAX_DEPTH} deep", self.peek().at)
