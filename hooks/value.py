"""What a value is: a secret, or one of the many things that stand where a secret would. Pure, text in, verdict out.

In the order they are asked:

    EMPTY        nothing, or a word for nothing
    SEALED       ciphertext: SOPS, age, PGP, ansible-vault, eyaml, a sealed envelope
    TEMPLATE     filled in later, or a reference to where it is
    PUBLIC       certificates, public keys, known_hosts, recipients
    PLACEHOLDER  written to be replaced: changeme, <token>, YOUR_KEY, xxxx, truncated with ...
    PLAIN        a setting: flags, ports, hosts, paths, URLs without credentials; user names under a key that says so
    WEAK         a dictionary word used as a password
    SECRET       all else

A text of several lines with templates in it (a configuration file) is as bad as the worst literal it holds under a
key that names a credential. JSON is as bad as its worst member, a URL as its password, query or token.
"""

from __future__ import annotations

import binascii
import enum
import re

from hooks import form, keyname, lazy, template
from hooks.placeholder import is_dictionary_word, is_placeholder
from hooks.randomness import looks_random

MAX_VALUE = 1 << 20
"""What of a value is looked at, in characters; Kubernetes takes no larger Secret."""


class Verdict(enum.IntEnum):
    """What a value is; only the last two leak."""

    EMPTY = 0
    SEALED = 1
    TEMPLATE = 2
    PUBLIC = 3
    PLACEHOLDER = 4
    PLAIN = 5
    WEAK = 6
    SECRET = 7


_URL = lazy.compile(
    r"(?P<scheme>[a-zA-Z][\w+.-]*)://(?:(?P<user>[^\s/?#@:]*)(?::(?P<password>[^\s/?]*))?@)?(?P<rest>[^\s\"'<>]*)"
)
_IN_QUERY = lazy.compile(
    r"[?&;,](?:[\w-]*(?:token|key|sig|signature|secret|password|passwd|pwd|auth))=([^&;,\s]+)", re.IGNORECASE
)
_PAIR = lazy.compile(
    r"""\s*(?:-\s+)?["']?(?P<key>[A-Za-z_][\w.-]*)["']?\s*[:=]\s*["']?(?P<value>[^"'\n#]*)["']?,?\s*(?:#.*)?"""
)
_TOKEN = lazy.compile(r"[A-Za-z0-9_+/=.-]{16,}")
_FILLED = lazy.compile(rf"\S*{template.HOLE}\S*")
_BASE64 = lazy.compile(r"[A-Za-z0-9+/]+={0,2}", re.ASCII)
_LONG_LINE = 2000


def judge(key: str, text: str) -> Verdict:
    """What the value of a key is."""
    bare = text[:MAX_VALUE].strip()
    by_form = _by_form(bare)
    if by_form is not None:
        return by_form
    rest = template.holes(bare)
    if rest != bare:
        return Verdict.SECRET if _leaks_beside(bare, rest) else Verdict.TEMPLATE
    if is_placeholder(bare):
        return Verdict.PLACEHOLDER
    if bare[:1] in ("{", "[") and (worst := _json(key, bare)) is not None:
        return worst
    if form.is_setting(key, bare):
        return Verdict.PLAIN
    if _URL.match(bare) and not any(c.isspace() for c in bare):
        return _url(bare)
    return Verdict.WEAK if is_dictionary_word(bare) else Verdict.SECRET


def judge_base64(key: str, text: str) -> Verdict:
    """What an item of a Secret's `data` is: what it decodes to decides; if that is no text, its own form first.

    People write placeholders and templates where base64 belongs, and put encoded placeholders there, too.
    """
    data = decode(text)
    if data is None:
        return judge(key, text)
    decoded = _printable(data)
    if decoded is not None:
        return judge(key, decoded)
    verdict = judge(key, text)
    return verdict if verdict < Verdict.PLAIN else Verdict.SECRET


def decode(text: str) -> bytes | None:
    """The bytes of a base64 text, line breaks passed over; None if it is none."""
    compact = "".join(text.split())
    if len(compact) < 4 or len(compact) % 4 or not _BASE64.fullmatch(compact):
        return None
    return binascii.a2b_base64(compact)


def _printable(data: bytes) -> str | None:
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        return None
    return text if all(c.isprintable() or c in "\t\r\n" for c in text) else None


def _by_form(bare: str) -> Verdict | None:
    """What can be told from the form of the whole value alone."""
    if form.is_nothing(bare):
        return Verdict.EMPTY
    if form.is_sealed(bare):
        return Verdict.SEALED
    if form.is_reference(bare):
        return Verdict.TEMPLATE
    if "PRIVATE KEY" in bare and "-----BEGIN" in bare:
        from hooks.privatekey import hits

        return Verdict.SECRET if hits(bare) else Verdict.PLACEHOLDER
    return Verdict.PUBLIC if form.is_public(bare) else None


def _leaks_beside(bare: str, rest: str) -> bool:
    """Whether a literal leaks beside what is filled in; `rest` has holes for that."""
    if any(
        judge("", literal) is Verdict.SECRET and not keyname.is_words(literal) for literal in template.literals(bare)
    ):
        return True
    if any(_is_drawn(literal) for literal in template.fallbacks(bare)):
        return True
    for url in _URL.finditer(rest):
        password = url["password"]
        if password and template.HOLE not in password and judge("password", password) >= Verdict.WEAK:
            return True
    for line in rest.splitlines():
        pair = _PAIR.fullmatch(line[:_LONG_LINE]) if template.HOLE not in line else None
        if pair and keyname.is_credential(pair["key"]) and judge(pair["key"], pair["value"]) is Verdict.SECRET:
            return True
    return any(looks_random(token) for token in _TOKEN.findall(_FILLED.sub(" ", rest)))


def _is_drawn(literal: str) -> bool:
    """Whether a literal is none of the names that calls take: `index $data "db1-password"`."""
    from hooks.letters import share

    return looks_random(literal) or (len(literal) >= 10 and share(literal) >= 0.8)


def _json(key: str, bare: str) -> Verdict | None:
    """The worst of what a JSON text holds; None if it is none. A loop, not recursion: nesting may be deep."""
    import json

    try:
        value = json.loads(bare)
    except (ValueError, RecursionError):
        return None
    worst = Verdict.EMPTY
    todo = [(key, value)]
    while todo:
        name, one = todo.pop()
        if isinstance(one, dict):
            todo += one.items()
        elif isinstance(one, list):
            todo += [(name, each) for each in one]
        elif isinstance(one, str):
            # Certificates stand in JSON as base64 of PEM, as in a kubeconfig.
            worst = max(worst, (judge_base64 if one.startswith("LS0tLS") else judge)(name, one))
    return worst


def holds_password(text: str) -> bool:
    """Whether a text holds a URL that lets in by itself, with a password or a token."""
    return "://" in text and _url(text) > Verdict.PLAIN


def _url(bare: str) -> Verdict:
    """A URL is as bad as what it holds; several of them (a list of brokers, jdbc:) are as bad as the worst."""
    worst = Verdict.PLAIN
    for found in _URL.finditer(bare):
        secrets = [found["password"] or "", *_IN_QUERY.findall(found["rest"])]
        worst = max(worst, *(judge("password", secret) for secret in secrets if secret), Verdict.PLAIN)
        random = looks_random(found["user"] or "") or any(map(looks_random, re.split(r"[/?&=#,;]", found["rest"])))
        if random and not is_placeholder(found["rest"]):
            worst = Verdict.SECRET
    return worst
