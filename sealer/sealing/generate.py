"""Random values for `sealer set --generate KIND[:N]`. Every kind is drawn from the operating system's generator."""

from __future__ import annotations

import base64
import secrets
import string
import uuid
from collections.abc import Callable
from dataclasses import dataclass

from sealer.errors import UsageError

_SYMBOLS = "-_.~"  # unreserved in URLs, harmless in shells: passwords end up in connection strings
_ALPHANUMERIC = string.ascii_letters + string.digits


@dataclass(frozen=True, slots=True)
class Kind:
    """How a kind is made; `unit` is what N counts ("" if it takes no N), `usual` and `least` are values of N."""

    make: Callable[[int], bytes]
    unit: str = ""
    usual: int = 0
    least: int = 0


def _password(size: int) -> bytes:
    # Drawn again until each class is there, which every checker asks for; that costs less than a bit.
    classes = (string.ascii_lowercase, string.ascii_uppercase, string.digits, _SYMBOLS)
    while True:
        text = _draw("".join(classes), size)
        if all(set(text) & set(each) for each in classes):
            return text.encode("ascii")


def _draw(alphabet: str, size: int) -> str:
    return "".join(secrets.choice(alphabet) for _ in range(size))


def _ssh_key(_: int) -> bytes:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

    return Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption())


KINDS: dict[str, Kind] = {
    "password": Kind(_password, "characters", 32, 12),
    "alphanumeric": Kind(lambda size: _draw(_ALPHANUMERIC, size).encode("ascii"), "characters", 32, 12),
    "hex": Kind(lambda size: secrets.token_hex(size).encode("ascii"), "bytes", 32, 8),
    "base64": Kind(lambda size: base64.b64encode(secrets.token_bytes(size)), "bytes", 32, 8),
    "base64url": Kind(lambda size: secrets.token_urlsafe(size).encode("ascii"), "bytes", 32, 8),
    "bytes": Kind(secrets.token_bytes, "bytes", 32, 8),
    "uuid": Kind(lambda _: str(uuid.uuid4()).encode("ascii")),
    "ssh-key": Kind(_ssh_key),
}
MOST = 4096
"""Largest N."""


def check(text: str) -> Callable[[], bytes]:
    """What makes the values of KIND[:N]; UsageError if there is no such kind or N is out of range."""
    name, colon, number = text.partition(":")
    kind = KINDS.get(name)
    if kind is None:
        raise UsageError(
            "--generate: no such kind", way_out=f"one of {', '.join(KINDS)}; for example --generate password:24"
        )
    if not colon:
        return lambda: kind.make(kind.usual)
    if not kind.unit:
        raise UsageError(f"--generate: {name} takes no size", way_out=f"--generate {name}")
    size = int(number) if number.isascii() and number.isdecimal() and len(number) < 6 else 0
    if not kind.least <= size <= MOST:
        raise UsageError(
            f"--generate: {name} takes {kind.least} to {MOST:,} {kind.unit}", way_out=f"--generate {name}:{kind.usual}"
        )
    return lambda: kind.make(size)


def public_half(value: bytes) -> str:
    """The public line of a generated ssh-key, for showing."""
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_ssh_private_key

    key = load_ssh_private_key(value, None)
    return key.public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).decode("ascii")
