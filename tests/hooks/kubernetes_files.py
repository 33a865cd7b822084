"""Files of GitOps repositories as people write them (kubernetes_leaks.txt, kubernetes_clean.txt), with drawn values.

The form is that of `labelled.py`; here a text may hold as well:

    @{weak} @{short}        a password as it is typed: a word with a number or a sign; some letters and digits
    @{number:6} @{upper:20} @{lower:16} @{bech:58}      digits, capitals, letters and digits of one case, bech32
    @{nopad:17}             base64 without its padding
    @{b64pem(LABEL)}        base64 of a PEM block
    @{sshpub}               the body of a public key of ssh
    @{rsa:4096} @{v2}       an envelope of Bitnami's for a key of so many bits; one of ours
"""

from __future__ import annotations

import base64
import re
import secrets
import string
from collections.abc import Callable, Iterator

from tests.hooks.labelled import Case, cases, pem, random_text

_WORDS = (
    "Summer", "dragon", "Berlin", "monkey", "Falcon", "winter", "Tiger", "hunter", "sunshine", "kubernetes", "Football"
)  # fmt: skip
_TAILS = ("2", "2019!", "123!", "_77", "@2021", "99", "1984", "!x7", "007", "@123", "123")
_ALPHABETS = {
    "number": "123456789",
    "upper": string.ascii_uppercase + "234567",
    "lower": string.ascii_lowercase + string.digits,
    "bech": "qpzry9x8gf2tvdw0s3jn54khce6mua7l",
}
_INNERMOST = re.compile(r"@\{b64\(((?:[^()@]|@(?!\{b64)|\([^()]*\))*?)\)\}")


def expanded(source: str) -> Iterator[Case]:
    """The cases of a text, each with values of its own."""
    for pattern, draw in _DRAWN.items():
        source = re.sub(pattern, draw, source)
    for _ in range(3):  # base64 in base64
        source = _INNERMOST.sub(_encoded, source)
    return cases(source)


def _from(alphabet: str, size: int) -> str:
    return "".join(secrets.choice(alphabet) for _ in range(size))


def _typed(_: re.Match[str]) -> str:
    return secrets.choice(_WORDS) + secrets.choice(_TAILS)


def _short(_: re.Match[str]) -> str:
    return _from(string.ascii_lowercase, 3) + _from(string.digits, 2 + secrets.randbelow(2))


def _envelope(match: re.Match[str]) -> str:
    size = int(match[1]) // 8
    return base64.b64encode(size.to_bytes(2, "big") + secrets.token_bytes(size + 16 + secrets.randbelow(40))).decode()


def _ours(_: re.Match[str]) -> str:
    header = b"\x02\x01" + secrets.token_bytes(8) + b"\x01" + secrets.token_bytes(8 + 1120 + 48)
    return base64.b64encode(header + secrets.token_bytes(32 + 64 + 16)).decode()


def _encoded(match: re.Match[str]) -> str:
    inner = re.sub(r"@\{alnum:(\d+)\}", lambda drawn: random_text("alnum", int(drawn[1])), match[1])
    return base64.b64encode(inner.replace("\\n", "\n").encode()).decode()


def _pem(match: re.Match[str]) -> str:
    return base64.b64encode(("\n".join(pem(match[1])) + "\n").encode()).decode()


def _unpadded(match: re.Match[str]) -> str:
    return base64.b64encode(random_text("alnum", int(match[1])).encode()).decode().rstrip("=")


_DRAWN: dict[str, Callable[[re.Match[str]], str]] = {
    r"@\{weak\}": _typed,
    r"@\{short\}": _short,
    r"@\{(number|upper|lower|bech):(\d+)\}": lambda match: _from(_ALPHABETS[match[1]], int(match[2])),
    r"@\{nopad:(\d+)\}": _unpadded,
    r"@\{b64pem\(([A-Z ]+)\)\}": _pem,
    r"@\{rsa:(\d+)\}": _envelope,
    r"@\{v2\}": _ours,
    r"@\{sshpub\}": lambda _: "AAAAC3NzaC1lZDI1NTE5AAAAI" + random_text("alnum", 43),
}
