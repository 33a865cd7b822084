"""What can be said of a key without `cryptography`: the names of the algorithms, and its id (FORMATS sections 4 and 6).

`sealer.formats.keys` makes and reads the keys themselves, and costs 60 ms to import.
"""

from __future__ import annotations

import hashlib

KEM = "mlkem768-x25519"
RSA = "rsa"


def key_id(raw: bytes) -> str:
    """16 hex digits: the first 8 bytes of SHA-256 over a raw public key (for RSA: DER SubjectPublicKeyInfo)."""
    return hashlib.sha256(raw).hexdigest()[:16]
