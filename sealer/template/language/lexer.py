"""Template text as tokens: actions between `{{` and `}}`, text around them, trimmed where a marker asks for it.

The grammar is that of Go's text/template (its package documentation). Tokens come one by one, so that what is wrong
further on is only met if what stands before it was right.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Generator, Iterator
from enum import Enum, auto
from typing import NamedTuple


class TokenKind(Enum):
    """What a token is."""

    TEXT = auto()
    OPEN = auto()
    CLOSE = auto()
    SPACE = auto()
    WORD = auto()
    KEYWORD = auto()
    BOOL = auto()
    FIELD = auto()
    VARIABLE = auto()
    DOT = auto()
    NUMBER = auto()
    COMPLEX = auto()
    CHARACTER = auto()
    STRING = auto()
    RAW_STRING = auto()
    PIPE = auto()
    DECLARE = auto()
    ASSIGN = auto()
    LEFT = auto()
    RIGHT = auto()
    OTHER = auto()
    END = auto()


class Token(NamedTuple):
    """A token and the offset, in characters, where it begins."""

    kind: TokenKind
    text: str
    at: int


class Malformed(Exception):
    """Text that is no template. `what` quotes nothing but names of functions and variables; `at` is an offset."""

    def __init__(self, what: str, at: int) -> None:
        super().__init__(what)
        self.what = what
        self.at = at


_KINDS = {kind.name: kind for kind in TokenKind}
_NAMES = (TokenKind.WORD, TokenKind.FIELD, TokenKind.VARIABLE, TokenKind.DOT)
KEYWORDS = frozenset(("block", "break", "continue", "define", "else", "end", "if", "range", "nil", "template", "with"))
_SPACE = " \t\r\n"
_OPEN = re.compile(r"\{\{(?P<trim>-(?=[ \t\r\n]))?")
_CLOSE = re.compile(r"(?P<trim>[ \t\r\n]-)?\}\}")
_CLOSES = frozenset(_SPACE + "}")
"""How a `}}` may begin, its marker included."""
_COMMENT = re.compile(r"[ \t\r\n]?/\*")
_NUMBER = (
    r"[+-]?(?:0[xX][0-9a-fA-F_]*(?:\.[0-9a-fA-F_]*)?(?:[pP][+-]?[0-9_]*)?|0[oO][0-7_]*(?:\.[0-7_]*)?"
    r"|0[bB][01_]*(?:\.[01_]*)?|[0-9_]*(?:\.[0-9_]*)?(?:[eE][+-]?[0-9_]*)?)i?"
)
# In this order: what is longer or more special comes first. A number begins as Go's lexer decides, a digit or a sign.
_TOKENS = re.compile(
    rf"""(?P<SPACE>[ \t\r\n]+)
    | (?P<DECLARE>:=) | (?P<ASSIGN>=) | (?P<PIPE>\|) | (?P<LEFT>\() | (?P<RIGHT>\))
    | (?P<STRING>"(?:[^"\\\n]|\\[^\n])*+") | (?P<RAW_STRING>`[^`]*+`) | (?P<CHARACTER>'(?:[^'\\\n]|\\[^\n])*+')
    | (?P<VARIABLE>\$\w*+) | (?P<FIELD>\.(?![0-9])\w++) | (?P<DOT>\.(?![0-9]))
    | (?P<NUMBER>(?=[0-9+.-]){_NUMBER}(?:[+-]{_NUMBER[5:]})?)
    | (?P<WORD>\w++) | (?P<OTHER>[!-~])""",
    re.VERBOSE,
)
_UNFINISHED = {'"': "unterminated quoted string", "`": "unterminated raw quoted string", "'": "unterminated character"}
_TERMINATORS = frozenset(" \t\r\n.,|:)(")


def tokens(text: str) -> Iterator[Token]:
    """The tokens of a template, ended by one of kind END. Raises Malformed where it is reached."""
    at = 0
    while (found := _OPEN.search(text, at)) is not None:
        before = text[at : found.start()]
        if found["trim"]:
            before = before.rstrip(_SPACE)
        if before:
            yield Token(TokenKind.TEXT, before, at)
        at = found.end()
        if (comment := _COMMENT.match(text, at)) is not None and (found["trim"] or comment[0][0] == "/"):
            at = _after_comment(text, comment.end(), found.start())
            continue
        yield Token(TokenKind.OPEN, "{{", found.start())
        at = yield from _action(text, at + 1 if found["trim"] else at, found.start())
    if at < len(text):
        yield Token(TokenKind.TEXT, text[at:], at)
    yield Token(TokenKind.END, "", len(text))


def _after_comment(text: str, at: int, start: int) -> int:
    end = text.find("*/", at)
    if end < 0:
        raise Malformed("unclosed comment", start)
    close = _CLOSE.match(text, end + 2)
    if close is None:
        raise Malformed("comment ends before closing delimiter", start)
    return _after_close(text, close)


def _after_close(text: str, close: re.Match[str]) -> int:
    at = close.end()
    if close["trim"]:
        while at < len(text) and text[at] in _SPACE:
            at += 1
    return at


def _action(text: str, at: int, start: int) -> Generator[Token, None, int]:
    """The tokens of one action, whose `{{` is behind `at`; returns the offset behind its `}}`."""
    depth = 0
    while True:
        if text[at : at + 1] in _CLOSES and (close := _CLOSE.match(text, at)) is not None:
            if depth:
                raise Malformed("unclosed left paren", at)
            yield Token(TokenKind.CLOSE, "}}", at)
            return _after_close(text, close)
        token = _token(text, at, start)
        depth += (token.kind is TokenKind.LEFT) - (token.kind is TokenKind.RIGHT)
        if depth < 0:
            raise Malformed("unexpected right paren", at)
        yield token
        at += len(token.text)


def _token(text: str, at: int, start: int) -> Token:
    if at >= len(text):
        raise Malformed("unclosed action", start)
    found = _TOKENS.match(text, at)
    if found is None:
        raise Malformed(_UNFINISHED.get(text[at], "unrecognized character in action"), at)
    kind, word = _KINDS[str(found.lastgroup)], found[0]
    if kind in _NAMES:
        return _name(text, at, kind, word)
    if kind is TokenKind.SPACE:
        word = _short_of_close(text, at, word)
    elif kind is TokenKind.NUMBER:
        return _number(text, at, word)
    return Token(kind, word, at)


def _short_of_close(text: str, at: int, space: str) -> str:
    """A run of spaces, less the last one if it belongs to ` -}}`."""
    return space[:-1] if len(space) > 1 and text.startswith("-}}", at + len(space)) else space


def _name(text: str, at: int, kind: TokenKind, word: str) -> Token:
    end = at + len(word)
    letters = word.lstrip(".$")
    if not letters.isascii() and not all(map(_is_name, letters)):
        raise Malformed("bad character in name", at)
    if end < len(text) and text[end] not in _TERMINATORS and text[end : end + 2] != "}}":
        raise Malformed("bad character after name", end)
    if kind is TokenKind.WORD:
        if word in ("true", "false"):
            kind = TokenKind.BOOL
        elif word in KEYWORDS:
            kind = TokenKind.KEYWORD
    return Token(kind, word, at)


def _is_name(character: str) -> bool:
    """Letters, decimal digits and underscores, as Go's unicode.IsLetter and IsDigit say."""
    category = unicodedata.category(character)
    return character == "_" or category[0] == "L" or category == "Nd"


def _number(text: str, at: int, word: str) -> Token:
    end = at + len(word)
    if end < len(text) and _is_name(text[end]):
        raise Malformed("bad number syntax", at)
    sign = max(word.rfind("+", 1), word.rfind("-", 1))
    paired = sign > 0 and word[sign - 1] not in "eEpP"
    if paired and not word.endswith("i"):
        raise Malformed("bad number syntax", at)
    return Token(TokenKind.COMPLEX if paired else TokenKind.NUMBER, word, at)
