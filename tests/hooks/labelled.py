"""A labelled set: files as people commit them, with the lines that leak marked. Values are made at run time.

A case begins with `=== PATH | WHAT`. A line that leaks ends in `  <<<` (taken off before scanning). In the text:

    @{alnum:24} @{hex:32} @{base64:32} @{word}   values drawn at random, new in each run
    @{b64(TEXT)}                                 base64 of a text, in which the above are expanded first
    @{pem(LABEL):N}  @{pem-line(LABEL)}          a PEM block whose further lines are indented by N; in one line with \\n
    @{cert:N}                                    a certificate, likewise
"""

from __future__ import annotations

import base64
import re
import secrets
import string
from collections.abc import Iterator
from dataclasses import dataclass

MARK = "  <<<"


@dataclass(frozen=True, slots=True)
class Case:
    """A file, and the lines of it that leak."""

    path: str
    what: str
    text: str
    lines: frozenset[int]
    planted: tuple[str, ...]


def cases(source: str) -> Iterator[Case]:
    """The cases of a text, each expanded anew."""
    for block in re.split(r"(?m)^=== ", source)[1:]:
        head, _, body = block.partition("\n")
        path, _, what = head.partition(" | ")
        planted: list[str] = []
        lines: list[str] = []
        marked: set[int] = set()
        for line in body.split("\n"):
            if line.endswith(MARK):
                marked.add(len(lines) + 1)
            lines += _expand(line.removesuffix(MARK), planted).split("\n")
        yield Case(path.strip(), what.strip(), "\n".join(lines), frozenset(marked), tuple(planted))


def random_text(kind: str, size: int) -> str:
    """A value as a program would draw it, with letters and digits for sure."""
    if kind == "hex":
        return secrets.token_hex(size)[:size]
    if kind == "base64":
        return base64.b64encode(secrets.token_bytes(size)).decode()
    if kind == "bech32":
        return "".join(secrets.choice("QPZRY9X8GF2TVDW0S3JN54KHCE6MUA7L") for _ in range(size))
    # Each three characters have one of each class, so that no draw reads as words by chance.
    classes = [string.ascii_lowercase, string.ascii_uppercase, string.digits]
    drawn = ""
    while len(drawn) < size:
        secrets.SystemRandom().shuffle(classes)
        drawn += "".join(map(secrets.choice, classes))
    return drawn[:size]


def pem(label: str, size: int = 600) -> list[str]:
    """The lines of a PEM block over random bytes; real keys hold an ASN.1 sequence, which nothing here looks into."""
    body = base64.b64encode(b"\x30\x82" + secrets.token_bytes(size)).decode()
    return [f"-----BEGIN {label}-----", *re.findall(".{1,64}", body), f"-----END {label}-----"]


def _expand(text: str, planted: list[str]) -> str:
    def draw(match: re.Match[str]) -> str:
        value = random_text(match[1], int(match[2]))
        planted.append(value)
        return value

    def block(match: re.Match[str]) -> str:
        lines = pem(match[1] or "CERTIFICATE")
        if match[1]:
            planted.extend(lines[1:-1])
        return ("\n" + " " * int(match[2])).join(lines)

    def in_line(match: re.Match[str]) -> str:
        lines = pem(match[1])
        planted.extend(lines[1:-1])
        return "\\n".join([*lines, ""])

    def encoded(match: re.Match[str]) -> str:
        value = base64.b64encode(match[1].replace("\\n", "\n").encode()).decode()
        planted.append(value)
        return value

    text = re.sub(r"@\{(alnum|hex|base64|bech32):(\d+)\}", draw, text)
    text = re.sub(r"@\{(?:pem\(([A-Z0-9 ]+)\)|cert):(\d+)\}", block, text)
    text = re.sub(r"@\{pem-line\(([A-Z0-9 ]+)\)\}", in_line, text)
    return re.sub(r"@\{b64\((.*?)\)\}", encoded, text, flags=re.DOTALL)
