r"""Reads `.env` files: NAME=VALUE lines, as Docker Compose and python-dotenv read them, but strictly.

    export NAME=value   # a comment after white space
    NAME='as it is, over several lines too'
    NAME="with \n \r \t \" \\ \$"

Nothing is substituted: `$OTHER` stays as it stands, and a NAME without `=` is never taken from the environment. What
tools read differently is refused instead of guessed. No message quotes a line.
"""

from __future__ import annotations

import re

from sealer.errors import DocumentError

_BLANK = re.compile(r"[ \t]*(?:#[^\n]*)?(?:\r?\n|\Z)")
_START = re.compile(r"[ \t]*(?:export[ \t]+)?([-._A-Za-z0-9]{1,253})[ \t]*=[ \t]*", re.ASCII)
_SINGLE = re.compile(r"'([^']*)'")
_DOUBLE = re.compile(r'"((?:[^"\\]|\\.)*)"', re.DOTALL)
_PLAIN = re.compile(r"[^\r\n]*")
_COMMENT = re.compile(r"(?:^|(?<=[ \t]))#.*")
_ESCAPE = re.compile(r"\\(.)", re.DOTALL)
_ESCAPES = {"n": "\n", "r": "\r", "t": "\t", '"': '"', "'": "'", "\\": "\\", "$": "$", "\n": ""}


def parse(data: bytes, file: str) -> dict[str, bytes]:
    """Items of a `.env` file, in order. Raises DocumentError with file and line, never with text of the file."""
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise DocumentError("is not UTF-8", file=file, way_out="pass binary values with --from-file") from None
    items: dict[str, bytes] = {}
    at = counted = 0
    line = 1
    while at < len(text):
        if blank := _BLANK.match(text, at):
            at = blank.end()
            continue
        line += text.count("\n", counted, at)
        counted = at
        start = _START.match(text, at)
        if start is None:
            raise _refused("is not NAME=VALUE", file, line)
        if start[1] in items:
            raise _refused(f"sets {start[1]} a second time", file, line, "keep one of the two lines")
        value, at = _value(text, start.end(), file, line)
        items[start[1]] = value.encode("utf-8")
    return items


def _value(text: str, at: int, file: str, line: int) -> tuple[str, int]:
    """The value that begins at an offset, and the offset of the next line."""
    quote = text[at : at + 1]
    if quote not in ("'", '"'):
        plain = _PLAIN.match(text, at)
        end = plain.end() if plain else at
        value = _COMMENT.sub("", text[at:end]).rstrip(" \t")
        return value, _next_line(text, end, file, line)
    quoted = (_SINGLE if quote == "'" else _DOUBLE).match(text, at)
    if quoted is None:
        raise _refused("has a quote that is never closed", file, line)
    value = quoted[1]
    if quote == '"':
        unknown = next((m for m in _ESCAPE.finditer(value) if m[1] not in _ESCAPES), None)
        if unknown is not None:
            raise _refused("has an escape that tools read differently", file, line, "put it in single quotes")
        value = _ESCAPE.sub(lambda m: _ESCAPES[m[1]], value)
    return value, _next_line(text, quoted.end(), file, line)


def _next_line(text: str, at: int, file: str, line: int) -> int:
    rest = _BLANK.match(text, at)
    if rest is None:
        raise _refused("has text behind the value", file, line, "put the whole value in single quotes")
    return rest.end()


def _refused(what: str, file: str, line: int, way_out: str = "write NAME='VALUE'") -> DocumentError:
    return DocumentError(what, file=file, line=line, way_out=way_out)
