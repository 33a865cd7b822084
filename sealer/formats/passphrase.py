"""Private keys and backups under a passphrase, and where a passphrase comes from (FORMATS section 4).

    h = "sealer/pw" || 0x01 || t u32 || m u32 (KiB) || p u8 || salt(16)
    h || check(32) || AES-256-GCM(K, nonce 0, aad = h, plain)        K || check = Argon2id(passphrase, salt, t, m, p)

The nonce is 12 zero bytes, which is safe only because every write draws a new salt. A wrong passphrase and a changed
file are one error. A passphrase comes from a prompt, a file or a descriptor; never from argv or an environment
variable's value.
"""

from __future__ import annotations

import hmac
import os
import struct
import sys
import unicodedata

from sealer import files
from sealer.errors import FormatError, KeyFormatError, SourceError, UsageError
from sealer.formats.wire import pem_decode, pem_encode

PEM_ENCRYPTED = "SEALER ENCRYPTED PRIVATE KEY"
FILE_VARIABLE = "SEALER_PASSPHRASE_FILE"

_MAGIC = b"sealer/pw\x01"
_PARAMETERS = struct.Struct(">IIB")
_SALT = 16
_HEADER = len(_MAGIC) + _PARAMETERS.size + _SALT
_CHECK = 32
_NONCE = bytes(12)
_TAG = 16

_ITERATIONS, _MEMORY, _LANES = 3, 65536, 4
_MAX_ITERATIONS, _MAX_MEMORY, _MAX_LANES = 16, 1048576, 16
_MAX_FILE = 4096

_hands_off = False


def encrypt(pem: bytes, passphrase: str) -> str:
    """A whole plain PEM file, wrapped under a passphrase."""
    return wrap(PEM_ENCRYPTED, pem, passphrase)


def decrypt(pem: str, passphrase: str) -> bytes:
    """The plain PEM file again. Raises SourceError for a wrong passphrase, KeyFormatError for a malformed block."""
    return unwrap(PEM_ENCRYPTED, pem, passphrase)


def is_encrypted(pem: str) -> bool:
    """Whether a PEM text is one that `decrypt` reads."""
    return pem.startswith(f"-----BEGIN {PEM_ENCRYPTED}-----")


def wrap(label: str, plain: bytes, passphrase: str) -> str:
    """`plain` under a passphrase, as a PEM block of this label. Takes 0.2 s and 64 MiB, by intent."""
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    header = _MAGIC + _PARAMETERS.pack(_ITERATIONS, _MEMORY, _LANES) + os.urandom(_SALT)
    key, check = _derive(header, passphrase)
    return pem_encode(label, header + check + AESGCM(key).encrypt(_NONCE, plain, header))


def unwrap(label: str, text: str, passphrase: str) -> bytes:
    """What `wrap` was given. Raises SourceError for a wrong passphrase, KeyFormatError for a malformed block."""
    from cryptography.exceptions import InvalidTag
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    blob = _blob(label, text)
    header, check, body = blob[:_HEADER], blob[_HEADER : _HEADER + _CHECK], blob[_HEADER + _CHECK :]
    key, expected = _derive(header, passphrase)
    if not hmac.compare_digest(check, expected):
        raise _wrong()
    try:
        return AESGCM(key).decrypt(_NONCE, body, header)
    except InvalidTag:
        raise _wrong() from None


def ask(prompt: str, *, confirm: bool = False, file: str | None = None) -> str:
    """A passphrase: from `file` (`-` is stdin), else the file that SEALER_PASSPHRASE_FILE names, else the terminal.

    With `confirm` a person types it twice. Raises UsageError where there is none to be had, or an empty one.
    """
    named = "--passphrase-file" if file else FILE_VARIABLE
    source = file or os.environ.get(FILE_VARIABLE)
    if _hands_off and source in (None, "", "-"):
        raise UsageError(
            "a passphrase is needed, and the terminal is the command's by now", way_out="start `sealer run` again"
        )
    return _checked(_from_file(source, named) if source else _from_terminal(prompt, confirm))


def hands_off() -> None:
    """From now on neither the terminal nor stdin is read: they belong to a command that was started."""
    global _hands_off  # as the terminal is one to a process
    _hands_off = True


def configured() -> bool:
    """Whether SEALER_PASSPHRASE_FILE is set: then nobody is asked, and `init` makes a keyring under a passphrase."""
    return bool(os.environ.get(FILE_VARIABLE))


def _blob(label: str, text: str) -> bytes:
    try:
        blob = pem_decode(label, text)
    except FormatError as error:
        raise KeyFormatError(error.what) from None
    # One text per block: a reader that is lenient about line breaks would let a file change unnoticed.
    if pem_encode(label, blob) != text:
        raise KeyFormatError(f"not a PEM block '{label}' as this program writes it")
    if not blob.startswith(_MAGIC):
        raise KeyFormatError("unknown kind or version of passphrase protection")
    if len(blob) < _HEADER + _CHECK + _TAG:
        raise KeyFormatError("is cut off")
    iterations, memory, lanes = _PARAMETERS.unpack_from(blob, len(_MAGIC))
    if not (1 <= iterations <= _MAX_ITERATIONS and 1 <= lanes <= _MAX_LANES and 8 * lanes <= memory <= _MAX_MEMORY):
        # Before anything is derived: a hostile file must not take all memory or hours.
        raise KeyFormatError("asks for a passphrase derivation outside the accepted limits")
    return blob


def _derive(header: bytes, passphrase: str) -> tuple[bytes, bytes]:
    from cryptography.hazmat.primitives.kdf.argon2 import Argon2id

    iterations, memory, lanes = _PARAMETERS.unpack_from(header, len(_MAGIC))
    salt = header[-_SALT:]
    secret = unicodedata.normalize("NFC", _checked(passphrase)).encode("utf-8")
    derived = Argon2id(salt=salt, length=64, iterations=iterations, lanes=lanes, memory_cost=memory).derive(secret)
    return derived[:32], derived[32:]


def _checked(passphrase: str) -> str:
    if not passphrase:
        raise UsageError("the passphrase is empty")
    try:
        passphrase.encode("utf-8")
    except UnicodeEncodeError:
        raise UsageError("the passphrase is not UTF-8") from None
    return passphrase


def _wrong() -> SourceError:
    return SourceError("wrong passphrase, or the file was changed")


def _from_file(source: str, named: str) -> str:
    if source == "-":
        data = sys.stdin.buffer.read(_MAX_FILE + 1)
        if len(data) > _MAX_FILE:
            raise UsageError("the passphrase is longer than 4 KiB", where="stdin")
    else:
        if not os.path.exists(source):
            # Not repeated: it may be the passphrase itself.
            raise SourceError("names a file that does not exist", where=named)
        data = files.read(source, limit=_MAX_FILE)
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        raise UsageError("the passphrase is not UTF-8", where=source) from None
    line = text.removesuffix("\n").removesuffix("\r")
    if "\n" in line or not line:
        raise UsageError("a passphrase file holds one line and nothing else", where=source)
    return line


def _from_terminal(question: str, confirm: bool) -> str:
    from sealer import prompt

    without = "a passphrase is needed, and there is no terminal to ask at"
    way_out = f"put it into a file that only you can read, and set {FILE_VARIABLE} to that file's path"
    first = prompt.hidden(question, way_out=way_out, without=without)
    if not first:
        raise UsageError("the passphrase is empty")
    if confirm and first != prompt.hidden("The same again", way_out=way_out, without=without):
        raise UsageError("the two passphrases differ")
    try:
        return first.decode("utf-8")
    except UnicodeDecodeError:
        raise UsageError("the passphrase is not UTF-8", where="the terminal") from None
