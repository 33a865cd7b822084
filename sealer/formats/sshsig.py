"""Signatures in OpenSSH's format, by Ed25519 identities (PROTOCOL.sshsig; FORMATS sections 4, 6 and 10).

`ssh-keygen -Y verify` accepts what `sign` makes, and `verify` what `ssh-keygen -Y sign` makes. Only ssh-ed25519 with
SHA-512 is described by our formats, so only that is read: the frame around the 64 bytes of a signature is then known
beforehand, and is compared instead of parsed.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from sealer.errors import FormatError, KeyFormatError, Untrusted
from sealer.formats.wire import b64decode, b64encode

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

_MAGIC = b"SSHSIG"
_ALGORITHM = b"ssh-ed25519"
_HASH = b"sha512"
_BEGIN = "-----BEGIN SSH SIGNATURE-----\n"
_END = "-----END SSH SIGNATURE-----\n"
_LINE = 70
_SIGNATURE = 64


def sign(message: bytes, namespace: str, private: Ed25519PrivateKey) -> str:
    """An armored signature of `message`, good only in this namespace."""
    signature = private.sign(_signed(message, namespace))
    return _armor(_frame(_public_blob(private.public_key()), namespace) + signature)


def verify(message: bytes, namespace: str, signature: str, identity: str) -> None:
    """Raise Untrusted unless `signature` is one of `message`, in this namespace, by this identity."""
    from cryptography.exceptions import InvalidSignature

    public = load_identity_line(identity)
    frame = _frame(_public_blob(public), namespace)
    blob = _unarmor(signature)
    if len(blob) != len(frame) + _SIGNATURE or not blob.startswith(frame):
        raise Untrusted(f"the signature is not one of {fingerprint(identity)} for {namespace}")
    try:
        public.verify(blob[len(frame) :], _signed(message, namespace))
    except InvalidSignature:
        raise Untrusted("the signature does not fit the content") from None


def identity_line(public: Ed25519PublicKey) -> str:
    """The public half of an identity as OpenSSH writes it: `ssh-ed25519 AAAA...`, without a comment."""
    return f"ssh-ed25519 {b64encode(_public_blob(public))}"


def load_identity_line(line: str) -> Ed25519PublicKey:
    """The key of a line that `identity_line` writes; else KeyFormatError."""
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    blob = _line_blob(line)
    frame = _string(_ALGORITHM) + (32).to_bytes(4, "big")
    if len(blob) != len(frame) + 32 or not blob.startswith(frame):
        raise KeyFormatError("not an ssh-ed25519 identity")
    return Ed25519PublicKey.from_public_bytes(blob[len(frame) :])


def fingerprint(line: str) -> str:
    """`SHA256:...` of an identity line, as `ssh-keygen -l` shows it."""
    return "SHA256:" + b64encode(hashlib.sha256(_line_blob(line)).digest()).rstrip("=")


def load_identity(pem: str) -> Ed25519PrivateKey:
    """The private half of an identity from its PKCS#8 PEM; else KeyFormatError, which never quotes the input."""
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    try:
        key = load_pem_private_key(pem.encode("ascii"), None)
    except Exception:
        raise KeyFormatError("not a readable identity in PEM") from None
    if not isinstance(key, Ed25519PrivateKey):
        raise KeyFormatError("the identity is not an Ed25519 key")
    return key


def identity_pem(private: Ed25519PrivateKey) -> str:
    """The PKCS#8 PEM of an identity, for the keyring."""
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

    return private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode("ascii")


def _signed(message: bytes, namespace: str) -> bytes:
    digest = hashlib.sha512(message).digest()
    return _MAGIC + _string(namespace.encode("ascii")) + _string(b"") + _string(_HASH) + _string(digest)


def _frame(public_blob: bytes, namespace: str) -> bytes:
    """All of a signature but its last 64 bytes."""
    return (
        _MAGIC
        + (1).to_bytes(4, "big")
        + _string(public_blob)
        + _string(namespace.encode("ascii"))
        + _string(b"")
        + _string(_HASH)
        + (4 + len(_ALGORITHM) + 4 + _SIGNATURE).to_bytes(4, "big")
        + _string(_ALGORITHM)
        + _SIGNATURE.to_bytes(4, "big")
    )


def _string(value: bytes) -> bytes:
    return len(value).to_bytes(4, "big") + value


def _public_blob(public: Ed25519PublicKey) -> bytes:
    return _string(_ALGORITHM) + _string(public.public_bytes_raw())


def _line_blob(line: str) -> bytes:
    algorithm, _, text = line.partition(" ")
    try:
        if algorithm != "ssh-ed25519":
            raise FormatError("another algorithm")
        return b64decode(text)
    except FormatError:
        raise KeyFormatError("not an ssh-ed25519 identity") from None


def _armor(blob: bytes) -> str:
    text = b64encode(blob)
    lines = "".join(text[start : start + _LINE] + "\n" for start in range(0, len(text), _LINE))
    return _BEGIN + lines + _END


def _unarmor(text: str) -> bytes:
    try:
        if not text.startswith(_BEGIN) or not text.endswith("\n" + _END):
            raise FormatError("no armor")
        blob = b64decode(text[len(_BEGIN) : -len(_END)].replace("\n", ""))
    except FormatError:
        raise Untrusted("not an armored SSH signature") from None
    # Only lines as ssh-keygen breaks them: one signature has one text.
    if _armor(blob) != text:
        raise Untrusted("not an armored SSH signature as ssh-keygen writes it")
    return blob
