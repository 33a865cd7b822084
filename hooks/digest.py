"""Values whose form says that a program made them: hashes, fingerprints, UUIDs, addresses of a chain. Pure."""

from __future__ import annotations

from hooks import lazy

_UUID = lazy.compile(r"\{?[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}\}?")
_DIGEST = lazy.compile(
    r"(?:0x)?(?:[0-9a-fA-F]{32}|[0-9a-fA-F]{40}|[0-9a-fA-F]{56}|[0-9a-fA-F]{64}|[0-9a-fA-F]{96}|[0-9a-fA-F]{128})"
)
_ON_CHAIN = lazy.compile(r"0x(?:[0-9a-fA-F]{40}|[0-9a-fA-F]{64}|[0-9a-fA-F]{8})")
_KEY_ID = lazy.compile(r"(?:0x)?(?:[0-9a-fA-F]{8}){2}(?:[0-9a-fA-F]{24})?")
_BASE64 = lazy.compile(r"[A-Za-z0-9+/]{6,}={0,2}")
_PREFIXED_HEX = lazy.compile(r"(?:(?:[A-Za-z]{1,12}[-_.]){1,3}|\d{6,10}-)(?=[0-9a-f]*\d)(?=\d*[a-f])[0-9a-f]{24,}")
_SHORTEST_HASH = 27
"""Characters of 20 bytes in base64."""


def is_on_chain(value: str) -> bool:
    """Whether a value has the form of an address, a hash or a selector of Ethereum, which everybody may read."""
    return _ON_CHAIN.fullmatch(value) is not None


def is_digest(value: str) -> bool:
    """Whether a value has the form of a hash, or of an identifier."""
    return bool(_DIGEST.fullmatch(value) or _UUID.fullmatch(value))


def is_fingerprint(value: str) -> bool:
    """Whether a value has the form of the identifier or the fingerprint of a key of OpenPGP."""
    return _KEY_ID.fullmatch(value) is not None


def is_hashed(value: str) -> bool:
    """Whether a value has the form of a hash in hex or in base64."""
    return is_digest(value) or (len(value) >= _SHORTEST_HASH and _BASE64.fullmatch(value) is not None)


def is_uuid(value: str) -> bool:
    """Whether a value has the form of a UUID."""
    return _UUID.fullmatch(value) is not None


def is_prefixed_hex(value: str) -> bool:
    """Whether a value is hex behind a word, as providers mark what they hand out: `pro_0a1b...`."""
    return _PREFIXED_HEX.fullmatch(value) is not None
