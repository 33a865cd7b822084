"""Passwords, random bytes and AES, as Sprig has them."""

from __future__ import annotations

import base64
import hashlib
import hmac
import uuid
from typing import Any

from sealer.template.functions.table import Table
from sealer.template.limits import Fault, Run, fits
from sealer.template.text.basetext import Illegal, base64_decoded
from sealer.template.values import INT, STRING, UINT32

TABLE = define = Table()

_COST = 10
_BCRYPT_STEPS = 100_000
_SCRYPT_STEPS = 300_000
_BLOCK = 16
_TO_BCRYPT = bytes.maketrans(
    b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/",
    b"./ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789",
)


@define("bcrypt", STRING, result=STRING, draws=True)
def _bcrypt(run: Run, password: bytes) -> bytes:
    """A bcrypt hash of cost 10, new each time; over 72 bytes a text that says so, as in Sprig."""
    if len(password) > 72:
        return b"failed to encrypt string with bcrypt: bcrypt: password length exceeds 72 bytes"
    import bcrypt

    run.spend(_BCRYPT_STEPS)
    salt = base64.b64encode(run.random(16)).rstrip(b"=").translate(_TO_BCRYPT)
    return bcrypt.hashpw(password, b"$2a$%02d$" % _COST + salt)


@define("htpasswd", STRING, STRING, result=STRING, draws=True)
def _htpasswd(run: Run, name: bytes, password: bytes) -> bytes:
    """`htpasswd NAME PASSWORD`: a line of Apache's file, by bcrypt; a NAME with a colon gives a text that says so."""
    if b":" in name:
        return b"invalid username: " + name
    return name + b":" + _bcrypt(run, password)


@define("randBytes", INT, result=STRING, draws=True)
def _rand_bytes(run: Run, count: int) -> bytes:
    """So many random bytes, in base64, which is longer; refuses a count below 0."""
    if count < 0:
        raise Fault("makeslice: len out of range")
    fits(count * 2)
    return base64.b64encode(run.random(count))


@define("uuidv4", result=STRING, draws=True)
def _uuidv4(run: Run) -> bytes:
    """A random UUID, in small letters with dashes."""
    return str(uuid.UUID(bytes=run.random(16), version=4)).encode()


# The algorithm of Master Password (Spectre), version 3: a template by the first byte, a character of its class by each.
_SEED = b"com.lyndir.masterpassword"
_CLASSES = {
    "V": "AEIOU",
    "C": "BCDFGHJKLMNPQRSTVWXYZ",
    "v": "aeiou",
    "c": "bcdfghjklmnpqrstvwxyz",
    "A": "AEIOUBCDFGHJKLMNPQRSTVWXYZ",
    "a": "AEIOUaeiouBCDFGHJKLMNPQRSTVWXYZbcdfghjklmnpqrstvwxyz",
    "n": "0123456789",
    "o": "@&%?,=[]_:-+*$#!'^~;()/.",
    "x": "AEIOUaeiouBCDFGHJKLMNPQRSTVWXYZbcdfghjklmnpqrstvwxyz0123456789!@#$%^&*()",
}
_LONG = (
    "CvcvnoCvcvCvcv CvcvCvcvnoCvcv CvcvCvcvCvcvno CvccnoCvcvCvcv CvccCvcvnoCvcv CvccCvcvCvcvno CvcvnoCvccCvcv"
    " CvcvCvccnoCvcv CvcvCvccCvcvno CvcvnoCvcvCvcc CvcvCvcvnoCvcc CvcvCvcvCvccno CvccnoCvccCvcv CvccCvccnoCvcv"
    " CvccCvccCvcvno CvcvnoCvccCvcc CvcvCvccnoCvcc CvcvCvccCvccno CvccnoCvcvCvcc CvccCvcvnoCvcc CvccCvcvCvccno"
)
_TEMPLATES = {
    b"maximum": ["anoxxxxxxxxxxxxxxxxx", "axxxxxxxxxxxxxxxxxno"],
    b"long": _LONG.split(),
    b"medium": ["CvcnoCvc", "CvcCvcno"],
    b"short": ["Cvcn"],
    b"basic": ["aaanaaan", "aannaaan", "aaannaaa"],
    b"pin": ["nnnn"],
}


@define("derivePassword", UINT32, STRING, STRING, STRING, STRING, result=STRING, run=True)
def _derive_password(run: Run, counter: int, kind: bytes, password: bytes, user: bytes, site: bytes) -> bytes:
    """`derivePassword COUNTER KIND PASSWORD USER SITE`, as Master Password 3 derives it: the same each time.

    KIND is maximum, long, medium, short, basic or pin; any other gives a text that says so. COUNTER is a uint32.
    """
    templates = _TEMPLATES.get(kind)
    if templates is None:
        return b"cannot find password template " + kind
    run.spend(_SCRYPT_STEPS)
    salt = _SEED + len(user).to_bytes(4) + user
    key = hashlib.scrypt(password, salt=salt, n=32_768, r=8, p=2, dklen=64, maxmem=128 << 20)
    seed = hmac.digest(key, _SEED + len(site).to_bytes(4) + site + int(counter).to_bytes(4), "sha256")
    template = templates[seed[0] % len(templates)]
    return "".join(_pick(_CLASSES[one], byte) for one, byte in zip(template, seed[1:], strict=False)).encode()


def _pick(characters: str, byte: int) -> str:
    return characters[byte % len(characters)]


def _cipher(password: bytes, iv: bytes) -> Any:
    from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

    return Cipher(algorithms.AES256(password[:32].ljust(32, b"\0")), modes.CBC(iv))


@define("encryptAES", STRING, STRING, result=STRING, draws=True)
def _encrypt_aes(run: Run, password: bytes, data: bytes) -> bytes:
    """`encryptAES PASSWORD TEXT`: AES-256-CBC with PKCS #7 and the IV before it, in base64; "" stays "".

    The password is the key, cut or filled with zeros, and nothing authenticates the text.
    """
    if not data:
        return b""
    iv = run.random(_BLOCK)
    padding = _BLOCK - len(data) % _BLOCK
    encryptor = _cipher(password, iv).encryptor()
    return base64.b64encode(iv + encryptor.update(data + bytes([padding]) * padding) + encryptor.finalize())


@define("decryptAES", STRING, STRING, result=STRING)
def _decrypt_aes(password: bytes, text: bytes) -> bytes:
    """`decryptAES PASSWORD TEXT`. Only base64 and sizes are checked: a wrong key may give rubbish."""
    if not text:
        return b""
    try:
        data = base64_decoded(text)
    except Illegal:
        raise Fault("illegal base64 data") from None
    if len(data) <= _BLOCK or len(data) % _BLOCK:
        raise Fault("input is no whole number of blocks")
    decryptor = _cipher(password, data[:_BLOCK]).decryptor()
    plain = decryptor.update(data[_BLOCK:]) + decryptor.finalize()
    if plain[-1] > len(plain):
        raise Fault("slice bounds out of range")
    return bytes(plain[: len(plain) - plain[-1]])
