"""Credentials in `.env` files. Pure.

Files: `.env`, `.env.NAME`, `NAME.env`, `.envrc`; not those that are made to be copied or committed (example, sample,
template, dist, schema, ...) nor encrypted ones. Of their lines, these are findings:

- the name says that it is a credential (DB_PASSWORD, API_KEY), and the value is a literal that is no placeholder;
- or the value itself is one: a URL with a password, a private key, a text that was drawn at random.

Settings (ports, hosts, flags, paths), identifiers, hashes and what is public by its name (NEXT_PUBLIC_..., PUBLIC_KEY)
are not. In files that frameworks tell you to commit with throw-away values (`.env.test`, `.env.ci`, `.env.dev`, ...)
a dictionary word as a password is not one either.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from hooks import keyname, lazy
from hooks.finding import Hit, Value, shown
from hooks.randomness import looks_random
from hooks.rule import ENV_FILE
from hooks.value import Verdict, holds_password, judge

_TO_COPY = lazy.compile(
    r"(?:^|[-_.])(?:example|examples|sample|samples|template|templates|tpl|tmpl|dist|default|defaults|schema|spec|enc"
    r"|encrypted|sealed|vault|sops|age|gpg|j2|md|py|js|ts|go|rb|mjs|cjs|tsx|d|html|yaml|yml|json)(?:[-_.]|$)"
)
_THROWAWAY = lazy.compile(r"(?:^|[-_.])(?:test|tests|testing|ci|dev|devel|development|e2e|docker)(?:[-_.]|$)")
_LINE = lazy.compile(
    r"[ \t]*(?:export[ \t]+|set[ \t]+)?(?P<name>[A-Za-z_][\w.-]*)[ \t]*=[ \t]*(?P<value>.*)$", re.ASCII
)
_COMMENT = lazy.compile(r"(?:^|[ \t])#.*$")
_FILLED_IN = lazy.compile(r"\$[A-Z_][A-Z0-9_]+/\S*")
# On a chain, which everybody may read.
_ADDRESS = lazy.compile(r"0x[0-9a-fA-F]{40}")
_MOST_LINES = 200


@dataclass(frozen=True, slots=True)
class Line:
    """One NAME=VALUE, with the lines that it spans."""

    name: str
    value: str = field(repr=False)
    line: int
    end: int


def is_env_file(path: str) -> bool:
    """Whether a file's name says that it holds an environment with real values."""
    name = path.rpartition("/")[2].lower()
    if name in (".env", ".envrc"):
        return True
    if not (name.startswith((".env.", ".envrc.")) or name.endswith(".env")):
        return False
    return not _TO_COPY.search(name.removeprefix(".env").removesuffix(".env"))


def hits(text: str, path: str) -> list[Hit]:
    """Every line that holds a credential."""
    throwaway = bool(_THROWAWAY.search(path.rpartition("/")[2].lower().removeprefix(".env").removesuffix(".env")))
    return [
        Hit(ENV_FILE, one.line, one.end, shown(one.name, one.value), value=Value(one.value))
        for one in parse(text)
        if _leaks(one, throwaway=throwaway)
    ]


def parse(text: str) -> Iterator[Line]:
    """NAME=VALUE lines as shells and dotenv libraries read them, never strictly: any other line is passed over."""
    lines = text.split("\n")
    at = 0
    while at < len(lines):
        match = _LINE.match(lines[at].rstrip("\r"))
        at += 1
        if match:
            value, more = _value(match["value"], lines[at : at + _MOST_LINES])
            yield Line(match["name"], value, at, at + more)
            at += more


def _value(rest: str, following: list[str]) -> tuple[str, int]:
    """A value without quotes and comment, and how many of the following lines belong to it."""
    quote = rest[:1]
    if quote not in ("'", '"'):
        return _COMMENT.sub("", rest).strip(), 0
    end = rest.find(quote, 1)
    if end > 0:
        return rest[1:end], 0
    taken = [rest[1:]]
    for more, line in enumerate(following, 1):
        if quote in line:
            return "\n".join([*taken, line.partition(quote)[0]]), more
        taken.append(line)
    return rest[1:], 0


def _leaks(one: Line, *, throwaway: bool) -> bool:
    if keyname.is_public(one.name) or _names_client(one.name) or _FILLED_IN.fullmatch(one.value):
        return False
    if _ADDRESS.fullmatch(one.value) and keyname.kind(one.name) not in ("password", "api-key", "secret"):
        return False
    verdict = judge(one.name, one.value)
    if verdict is Verdict.WEAK:
        return keyname.is_credential(one.name) and not throwaway
    if verdict is not Verdict.SECRET:
        return False
    return (
        keyname.is_credential(one.name)
        or (looks_random(one.value) and not _names_user(one.name))
        or holds_password(one.value)
        or "-----BEGIN" in one.value
    )


def _names_user(name: str) -> bool:
    """Whether a name says who signs in; such names are drawn by hosts of databases."""
    return keyname.words(name)[-1:] in (("user",), ("username",))


def _names_client(name: str) -> bool:
    """Whether a name says that its value only tells who asks: a client's identifier is no secret (RFC 6749, 2.2)."""
    return keyname.words(name)[-2:] in (("client", "id"), ("app", "id"), ("application", "id"))
