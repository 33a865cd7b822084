"""The keys of the vectors, derived from public labels, so that no private key stands in the repository.

    seed of an MLKEM768-X25519 key = SHA-256(label)
    RSA-2048: p, q = the first two primes in the stream SHAKE-256(label), read 128 bytes at a time, with the two top
    bits and the lowest bit set; p > q; e = 65537 (a candidate with gcd(e, p - 1) != 1 is passed over)

They protect nothing: whoever reads this file has them.
"""

from __future__ import annotations

import functools
import hashlib
import math

from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from sealer.formats import keys

_SMALL_PRIMES = math.prod(n for n in range(3, 2000) if all(n % d for d in range(2, math.isqrt(n) + 1)))


@functools.cache
def kem(label: str) -> keys.PrivateKey:
    """The MLKEM768-X25519 key of a label."""
    return keys.kem_from_seed(seed(label))


def seed(label: str) -> bytes:
    """Its 32 bytes."""
    return hashlib.sha256(label.encode()).digest()


@functools.cache
def rsa_key(label: str) -> keys.PrivateKey:
    """The RSA-2048 key of a label."""
    q, p = sorted(_primes(label))
    d = pow(65537, -1, math.lcm(p - 1, q - 1))
    numbers = rsa.RSAPublicNumbers(65537, p * q)
    private = rsa.RSAPrivateNumbers(p, q, d, d % (p - 1), d % (q - 1), pow(q, -1, p), numbers).private_key()
    pem = private.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption()).decode()
    return keys.load_private(pem)


def _primes(label: str) -> list[int]:
    found: list[int] = []
    stream = hashlib.shake_256(label.encode()).digest(128 * 20_000)
    for start in range(0, len(stream), 128):
        candidate = int.from_bytes(stream[start : start + 128], "big") | (3 << 1022) | 1
        if math.gcd(candidate - 1, 65537) == 1 and _is_prime(candidate):
            found.append(candidate)
            if len(found) == 2:
                return found
    raise AssertionError("the stream ended")


def _is_prime(n: int) -> bool:
    if math.gcd(n, _SMALL_PRIMES) != 1:
        return False
    r = ((n - 1) & -(n - 1)).bit_length() - 1
    for base in (2, 3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37):
        x = pow(base, (n - 1) >> r, n)
        if x in (1, n - 1):
            continue
        for _ in range(r - 1):
            x = x * x % n
            if x == n - 1:
                break
        else:
            return False
    return True
