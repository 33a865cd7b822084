r"""Private keys in any text: PEM of every kind, PuTTY's files, age identities; also in base64 or in one line. Pure.

A header alone is no key: documentation and parsers are full of them. What follows it has to be a body: lines of
base64 with the entropy of a key, behind whatever indents, quotes, comment marks or escapes (`\\n`) the text around
puts there. A key under a passphrase is a rule of its own, which only warns: it can be guessed, but is not plain.
"""

from __future__ import annotations

import binascii
import re
from collections.abc import Iterator

from hooks import lazy
from hooks.finding import Hit, Value
from hooks.randomness import entropy
from hooks.rule import ENCRYPTED_KEY, PRIVATE_KEY, Rule

_HEADER = lazy.compile(r"-{4,5} ?BEGIN ([A-Z0-9 ]{0,40}?(?:PRIVATE|SEALER STATE) KEY)(?: BLOCK)? ?-{4,5}")
_PUTTY = lazy.compile(r"PuTTY-User-Key-File-\d: ?(?P<kind>[\w@.-]+)(?P<rest>.{0,8000})", re.DOTALL)
_AGE = lazy.compile(r"\bAGE-SECRET-KEY-(?:PQ-)?1[02-9AC-HJ-NP-Z]{50,}\b")
_MARKS = ("LS0tLS1CRUdJTi", "0tLS0tQkVHSU4", "tLS0tLUJFR0lO")
# `-----BEGIN` in base64, as it begins at each of three offsets.
_ENCODED = lazy.compile(
    rf"(?:{_MARKS[0]}|(?:[A-Za-z0-9+/]{{4}}){{0,2}}[A-Za-z0-9+/]{{0,3}}(?:{_MARKS[1]}|{_MARKS[2]}))"
    r"[A-Za-z0-9+/\s\\]{60,}={0,2}"
)
_ESCAPES = lazy.compile(r"\\+[nr]|\\\n|\\+t")
_ARMOR = lazy.compile(r"[A-Z][A-Za-z-]{2,20}: ?\S.*|[A-Z][A-Za-z-]{2,20}:")
_BASE64 = lazy.compile(r"[A-Za-z0-9+/]+={0,2}")
_CRC = lazy.compile(r"=[A-Za-z0-9+/]{4}")
_AROUND = dict.fromkeys(map(ord, "\r\"'`,;|>#*()\\"), " ")
_LONGEST = 24_000
_SHORTEST = 40


def hits(text: str) -> list[Hit]:
    """Every private key of a text."""
    found = [*_pem(text)]
    if "PuTTY-User-Key-File-" in text:
        found += _putty(text)
    if "AGE-SECRET-KEY-" in text:
        found += _age(text)
    if any(mark in text for mark in _MARKS):
        found += _encoded(text)
    return sorted(found, key=lambda hit: hit.line)


def _pem(text: str) -> Iterator[Hit]:
    for header in _HEADER.finditer(text):
        body = text[header.end() : header.end() + _LONGEST]
        rule = _rule(header[1], body)
        if rule:
            length = body.find("-----END")
            yield _hit(text, rule, header.start(), header.end() + max(length, 0))


def _rule(label: str, around: str) -> Rule | None:
    """What kind of key begins here; None if it is only a header."""
    words, armor = _body(around)
    body = "".join(words)
    if max(map(len, words), default=0) < _SHORTEST or not _has_entropy(body):
        return None
    if "ENCRYPTED" in label or any("ENCRYPTED" in line for line in armor) or _openssh_encrypted(label, body):
        return ENCRYPTED_KEY
    return PRIVATE_KEY


def _body(around: str) -> tuple[list[str], list[str]]:
    """Words of base64 from here on, and the armor lines (`Proc-Type: ...`) before them."""
    body: list[str] = []
    armor: list[str] = []
    text = _ESCAPES.sub("\n", around.partition("-----END")[0].partition("-----BEGIN")[0])
    for number, line in enumerate(text.split("\n")):
        words = [word for word in line.translate(_AROUND).split() if word not in ("//", "+", "-", "--")]
        if words and all(map(_BASE64.fullmatch, words)):
            body += words
        elif not body and _ARMOR.fullmatch(line.translate(_AROUND).strip()):
            armor.append(line)
        elif words and number and not _CRC.fullmatch(words[0]):
            break
    return body, armor


def _has_entropy(body: str) -> bool:
    # 40 characters of random base64 have 4.7 bits; a run of one letter or of words has less than 4.
    sample = body[:2000]
    return entropy(sample) >= 4.2 and "EXAMPLE" not in sample.upper()


def _openssh_encrypted(label: str, body: str) -> bool:
    """Whether the cipher that an OpenSSH key names is not `none`."""
    if label != "OPENSSH PRIVATE KEY":
        return False
    try:
        data = binascii.a2b_base64(body[: len(body) // 4 * 4])
    except binascii.Error:
        return False
    magic = b"openssh-key-v1\0"
    return data.startswith(magic) and not data[len(magic) + 4 :].startswith(b"none")


def _putty(text: str) -> Iterator[Hit]:
    for found in _PUTTY.finditer(text):
        rest = found["rest"]
        private = re.search(r"Private-Lines: ?\d+\s+(.*?)\s*Private-MAC", rest, re.DOTALL)
        if private and len(private[1]) >= _SHORTEST and _has_entropy("".join(private[1].split())):
            plain = re.search(r"Encryption: ?none", rest)
            end = found.start("rest") + private.end()
            yield _hit(text, PRIVATE_KEY if plain else ENCRYPTED_KEY, found.start(), end)


def _age(text: str) -> Iterator[Hit]:
    for found in _AGE.finditer(text):
        if entropy(found[0]) >= 4.0:
            yield _hit(text, PRIVATE_KEY, found.start(), found.end())


def _encoded(text: str) -> Iterator[Hit]:
    """Keys in base64, as under `data` of a Secret or in a kubeconfig."""
    for found in _ENCODED.finditer(text):
        for decoded in _decoded(found[0]):
            inner = [hit.rule for header in _HEADER.finditer(decoded) if (hit := _inner(decoded, header))]
            if inner:
                rule = PRIVATE_KEY if PRIVATE_KEY in inner else ENCRYPTED_KEY
                yield _hit(text, rule, found.start(), found.end())
                break


def _inner(decoded: str, header: re.Match[str]) -> Hit | None:
    rule = _rule(header[1], decoded[header.end() : header.end() + _LONGEST])
    return Hit(rule, 1, 1) if rule else None


def _decoded(encoded: str) -> Iterator[str]:
    compact = "".join(encoded.replace("\\n", "").split()).rstrip("=")
    for start in range(4):
        part = compact[start:]
        try:
            data = binascii.a2b_base64(part[: len(part) // 4 * 4])
        except binascii.Error:
            continue
        if b"-----BEGIN" in data:
            yield data.decode("latin-1")
            return


def _hit(text: str, rule: Rule, start: int, end: int) -> Hit:
    line = text.count("\n", 0, start) + 1
    return Hit(rule, line, line + text.count("\n", start, end), value=Value(text[start:end]))
