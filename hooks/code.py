r"""Names and the literals that they are given, in source code of any language, in scripts and in prose. Never raises.

Nothing is parsed: what languages differ in (types, sigils, declarations) stands to the left of a name or between it and
an assignment, and is passed over. Only lines where triggers matched are looked at, and of these only what follows a
name that holds a word of credentials:

    name = "v"   name: str = "v"   "name": "v"   :name => 'v'   name := `v`   $a['name'] = 'v'   #define NAME "v"
    f("name", "v")   setName("v")   env("name") or "v"   name == "v"   NAME=v cmd   name: v   name is v

What needs no such name, as a URL with a password, is `hooks.syntax`'s.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable, Iterator

from hooks import apart, keyname, lazy, spread, syntax
from hooks.assignment import NAME, assigned

TYPE_CHECKING = False  # typing's own would be an import.
if TYPE_CHECKING:
    from hooks.structure.pair import Pair
    from hooks.text import Text

_WORDS = (b"pass", b"pwd", b"secret", b"token", b"cred", b"auth", b"key", b"salt", b"bearer", b"basic", b"pw")
_MARKS = (
    *b":// curl sshpass mysql identified redis-cli login connect openssl log_in signin secure ldap".split(),
    *b"mongo hmac jwt btoa community @tcp( sp_add fernet cipher".split(),
    *(b" -p", b" -a ", b"net user", b"log in"),
)
_ANY_WORD = lazy.compile(b"|".join((*_WORDS, b"://")))
_CHUNK = 1 << 20
_LONGEST = 1000
_REMEMBERED = 200
"""Bytes of a line whose pairs are kept: with 4,096 of them that is a few MB at most."""
_MOST_LINES = 20_000
"""So many lines that may name a credential are looked at; of a longer one 250 bytes, or two pairs, are as much work."""
_AS_LONG = 250
_AS_MANY = 2

_OPEN_END = lazy.compile(r"(?:[:=(,]|=>|:=|\+|\\)\s*\\?\s*$")
_GOES_ON = frozenset((b":", b"=", b"(", b",", b">", b"+", b"\\"))


def pairs(text: Text, near: Iterable[int] | None = None) -> Iterator[Pair]:
    """Every name of a credential with its literal, and credentials that their syntax alone shows.

    `near`: offsets where triggers matched; only the lines there, and those before them, are looked at.
    """
    data = text.data
    seen: set[tuple[str, str, int]] = set()
    number, counted, looked = 1, 0, 0.0
    for start, end in _all(data) if near is None else _near(data, near):
        for size, found in _of_line(data[start:end], _following(data, end)):
            looked += max(1.0, size / _AS_LONG)
            if looked > _MOST_LINES:
                what = "lines" if end - start <= _LONGEST else "lines, or parts of a long one,"
                text.partly = (
                    f"more than {_MOST_LINES:,} of its {what} may name a credential, and only the first were looked at"
                )
                return
            for among, pair in enumerate(found):
                # Most lines hold nothing: only of those that do it is asked which they are.
                number += data.count(b"\n", counted, start)
                counted = start
                looked += 1 / _AS_MANY if among >= _AS_MANY else 0
                mark = (pair.key, pair.value, pair.line + number)
                if mark not in seen:
                    seen.add(mark)
                    yield pair.moved(number)
        for pair in spread.pairs(text, start, end):
            mark = (pair.key, pair.value, pair.line)
            if mark not in seen:
                seen.add(mark)
                yield pair


def _of_line(raw: bytes, following: bytes) -> Iterable[tuple[int, Iterable[Pair]]]:
    """The pairs of a line, whose number is 0 here, or of each part of a long one, with its size.

    `following`: the beginning of the next one.
    """
    if len(raw) <= _REMEMBERED and len(following) <= _REMEMBERED:
        return ((len(raw), _remembered(raw, following)),)
    if len(raw) <= _LONGEST:
        found = _line(raw.decode("utf-8", "replace").rstrip("\r"), following.decode("utf-8", "replace"))
        return ((len(raw), found),)
    return ((len(piece), _line(piece.decode("utf-8", "replace"), "")) for piece in _pieces(raw))


@functools.lru_cache(maxsize=1 << 12)
def _remembered(raw: bytes, following: bytes) -> tuple[Pair, ...]:
    # Versions of a file repeat most of their lines, and so do licences, settings and what was generated.
    return tuple(_line(raw.decode("utf-8", "replace").rstrip("\r"), following.decode("utf-8", "replace")))


def _near(data: bytes, ends: Iterable[int]) -> Iterator[tuple[int, int]]:
    """The lines that matches end on, in order, and those before them that a value may go on from."""
    done = 0
    for offset in sorted(ends):
        if offset <= done and done:
            continue
        start = data.rfind(b"\n", 0, max(offset - 1, 0)) + 1
        end = data.find(b"\n", max(offset - 1, 0))
        end = len(data) if end < 0 else end
        if start > max(done, 1) and data[max(start - 40, 0) : start].rstrip()[-1:] in _GOES_ON:
            yield data.rfind(b"\n", 0, start - 1) + 1, start - 1
        yield start, end
        done = end + 1


def _following(data: bytes, end: int) -> bytes:
    """The beginning of the line behind the one that ends at an offset."""
    after = data.find(b"\n", end + 1)
    return data[end + 1 : min(len(data) if after < 0 else after, end + 1 + _LONGEST)]


def _all(data: bytes) -> Iterator[tuple[int, int]]:
    """The lines that hold a word of credentials."""
    low = data.lower()
    found: dict[int, int] = {}
    for word in (*_WORDS, *_MARKS):
        at = low.find(word)
        while at >= 0:
            end = low.find(b"\n", at)
            found[low.rfind(b"\n", 0, at) + 1] = end if end >= 0 else len(data)
            at = low.find(word, end) if end >= 0 else -1
    yield from sorted(found.items())


def _pieces(raw: bytes) -> Iterator[bytes]:
    """Of a very long line (minified code, data) what is around its words, each only once."""
    done = 0
    seen: set[bytes] = set()
    for base in range(0, len(raw), _CHUNK):
        # A word that begins in one chunk ends in the next, which is why each looks a little beyond its end.
        for found in _ANY_WORD.finditer(raw[base : base + _CHUNK + 80].lower()):
            at = base + found.start()
            if at >= done:
                piece = raw[max(at - 80, done) : at + _LONGEST]
                done = at + _LONGEST - 100
                if piece not in seen:
                    seen.add(piece)
                    yield piece


def _line(line: str, following: str) -> Iterator[Pair]:
    """The pairs of a line, whose number is 0 here, and of the next one if that goes on with it."""
    low = line.lower()
    names = _names(line, low)
    apart_ = tuple(apart.pairs(line, low))
    if following:
        yield from apart.listed(line, following)
        if "insert" in low and low.rstrip().endswith((")", "values")):
            joined = f"{line.rstrip()} {following.strip()}"
            yield from (pair.moved(1) for pair in apart.inserted(joined))
    given = {pair.path for pair in apart_}
    if following.startswith(_RESULTS):
        given.add("PASS")
    for start in names:
        # In `USER, PASSWORD = "bob", x` it is the first name that the first literal is given to.
        yield from (pair for pair in assigned(line, start, 0) if pair.path not in given)
    if names and following and _OPEN_END.search(line, max(len(line) - 40, 0)):
        begun = line.rstrip().rstrip("\\+").rstrip()
        joined = begun + " " + following.strip()
        for start in names[-2:]:
            yield from assigned(joined, start, 1, beyond=len(begun))
    yield from syntax.pairs(line, low)
    yield from apart_


_RESULTS = ("PASS: ", "FAIL: ", "XPASS: ", "XFAIL: ", "SKIP: ", "UNSUPPORTED: ", "UNTESTED: ", "UNRESOLVED: ")
_IN_NAMES = (
    *("pass", "pwd", "secret", "token", "cred", "auth", "key", "salt", "pw", "nonce", "seed"),
    *filter(str.isascii, keyname.FOREIGN),
)
_IV = lazy.compile(
    r"(?<![\w.$])(?:[\w.]{0,40}_)?(?:iv|IV)(?![A-Za-z_])"
    r"|(?<![\w.$])[A-Za-z][\w.]{0,40}(?:Iv|(?<=[a-z])IV)(?![A-Za-z_])"
)


def _names(line: str, low: str) -> list[int]:
    """Where names start that hold a word of credentials."""
    found: set[int] = set()
    for word in _IN_NAMES if low.isascii() else (*_IN_NAMES, *keyname.FOREIGN):
        at = low.find(word)
        while at >= 0:
            start = at
            while start and line[start - 1] in NAME and at - start < 80:
                start -= 1
            while start < at and line[start] in "-.0123456789":
                start += 1
            found.add(start)
            at = low.find(word, at + len(word))
    if "iv" in low:
        found.update(match.start() for match in _IV.finditer(line))
    return sorted(found)
