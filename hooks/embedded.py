"""Passwords inside of other texts: of URLs, connection strings and headers, and whether one lets in somewhere. Pure."""

from __future__ import annotations

import re

from hooks import lazy, letters, literal, place
from hooks.value import Verdict
from hooks.value import judge as verdict_of

_CONNECTION = lazy.compile(
    r"(?:^|[;,?&\s])(?:password|pwd|accountkey|sharedaccesskey|sharedaccesssignature)\s*=\s*"
    r"(?:\"(?P<a>[^\"]+)\"|'(?P<b>[^']+)'|(?P<c>[^;,&\s\"']+))",
    re.IGNORECASE,
)
_URL = lazy.compile(
    r"(?P<scheme>[a-zA-Z][a-zA-Z0-9+.-]*)://(?P<user>[^\s/?#@:\"'<>]*(?:@[\w.-]+(?=:(?!\d{1,5}[,@])))?):(?P<password>[^\s/?\"'<>]*?)@(?P<host>[^\s/?#:@\"'<>]+)"
)
_SCHEME = lazy.compile(r"(?P<scheme>bearer|basic|token|apikey|api-key|key|digest)[ :]+(?P<rest>\S{6,})", re.IGNORECASE)


def url(value: str, where: str) -> bool:
    """Whether a text holds a URL with a password."""
    return any(lets_in(_said(found["password"]), where, found["host"]) for found in _URL.finditer(value))


def _said(password: str) -> str:
    """What a password says that stands in a URL."""
    if "%" not in password:
        return password
    from urllib.parse import unquote

    said = unquote(password)
    return said if said.isprintable() else password


def connection(value: str, where: str) -> bool:
    """Whether a connection string holds a password."""
    for found in _CONNECTION.finditer(value):
        password = found["a"] or found["b"] or found["c"]
        if lets_in(password, where) or is_number(password, where):
            return True
    return False


def is_number(password: str, where: str) -> bool:
    """Whether a number stands for the password in a connection string that is used."""
    return where not in place.EXAMPLES and password.isdigit() and len(set(password)) >= 4


_NO_HOST = lazy.compile(
    r"(?:.*[.@])?(?:example\.(?:com|org|net)|example|test|invalid|localhost|host|hostname|server|127\.0\.0\.1|foo(?:\.\w+)?|bar|0\.0\.0\.0)$",
    re.IGNORECASE,
)


_AT_HOME = lazy.compile(r"localhost|127\.0\.0\.1|0\.0\.0\.0", re.IGNORECASE)


# One that whoever reads the file may ask, or somebody's own by its address.
_PUBLIC_HOST = lazy.compile(
    r"(?:[\w-]+\.)+(?!local$|internal$|example$|test$|lan$)[a-z]{2,12}|(?!127\.)(?:\d{1,3}\.){3}\d{1,3}", re.IGNORECASE
)


# `anna.in` may be a member's name, but not where a server on the internet is asked for.
_DOTTED = lazy.compile(r"[a-z]{3,}\.[a-z]{2,}\d*")


def opens(password: str, path: str, host: str) -> bool:
    """Whether the password of a URL in the file at a path lets in somewhere."""
    return lets_in(password, place.of(path), host)


def lets_in(password: str, where: str, host: str = "") -> bool:
    """Whether the password of a URL or a connection string is more than an example of how to write one."""
    verdict = verdict_of("password", password)
    own = _DOTTED.fullmatch(password) and _PUBLIC_HOST.fullmatch(host) and not literal.has_filler(password)
    if (literal.is_no_secret(password, quoted=True) and not own) or verdict < Verdict.WEAK:
        return False
    if verdict == Verdict.WEAK and host and "." not in host:
        return False  # `postgres:postgres@db`, of a container beside
    share = letters.share(password)
    if where in place.EXAMPLES or _NO_HOST.fullmatch(host):
        # At home, too, people use what they thought up themselves: `river1987`.
        own = where not in place.EXAMPLES and _AT_HOME.fullmatch(host) and literal.is_numbered(password)
        least = 0.5 if own and len(password) >= 8 and not literal.has_filler(password) else 0.72
        return share >= least and len(password) >= 6 and literal.classes(password) > 1
    public = len(password) >= 5 and _PUBLIC_HOST.fullmatch(host) is not None
    if literal.has_filler(password, typed=public):
        return share >= 0.78
    typed = not host and where == place.CODE and verdict == Verdict.SECRET and literal.is_plain_word(password)
    return public or typed or share >= 0.72 or literal.classes(password) > 1 or where in place.IN_USE


def header(value: str, where: str) -> bool:
    """`Bearer x`, `Basic x`, or a token alone."""
    found = _SCHEME.fullmatch(value)
    rest = found["rest"] if found else value
    if _is_cut(rest):
        return False
    if literal.is_no_secret(rest, quoted=True) or verdict_of("authorization", rest) < Verdict.WEAK:
        return False
    if found and found["scheme"].lower() == "basic":
        return _basic(rest, where)
    if len(rest) < 12 or literal.classes(rest) < 2:
        return False
    return letters.share(rest) >= 0.74 or (found is not None and _is_typed(rest, where))


def _is_typed(token: str, where: str) -> bool:
    """Whether somebody thought a token up for a server of their own: words, a date."""
    kinds = (str.islower, str.isupper)
    typed = token.isalnum() and all(any(map(kind, token)) for kind in kinds) and sum(map(str.isdigit, token)) >= 4
    return typed and where not in place.EXAMPLES and not literal.has_filler(token)


def _is_cut(token: str) -> bool:
    """Whether a token is one that documents show: `eyJhbGciOi...`, or a JWT without a body."""
    return token.endswith("...") or (token.startswith("eyJ") and any(len(part) < 8 for part in token.split(".")))


def _basic(rest: str, where: str) -> bool:
    from hooks.value import decode

    data = decode(rest) or b""
    _, colon, password = data.decode("utf-8", "replace").partition(":")
    return bool(colon) and lets_in(password, where)
