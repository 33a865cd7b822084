"""Private keys under a passphrase: the bytes, the limits, the one error; and where a passphrase comes from."""

from __future__ import annotations

import hashlib
import io
import os
import pty
import secrets
import struct
import subprocess
import sys
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.argon2 import Argon2id

from sealer.errors import KeyFormatError, SourceError, UsageError
from sealer.formats import keys, passphrase
from sealer.formats.wire import pem_decode, pem_encode

LABEL = passphrase.PEM_ENCRYPTED
PEM = keys.generate_kem().pem.encode()


@pytest.fixture
def cheap(monkeypatch: pytest.MonkeyPatch) -> None:
    """Writes with the least work that Argon2 knows, and reads no more than 4 MiB of it."""
    monkeypatch.setattr(passphrase, "_ITERATIONS", 1)
    monkeypatch.setattr(passphrase, "_MEMORY", 32)
    monkeypatch.setattr(passphrase, "_MAX_MEMORY", 4096)


def test_the_bytes_are_those_of_the_format() -> None:
    secret = secrets.token_hex(8)
    blob = pem_decode(LABEL, passphrase.encrypt(PEM, secret))
    header, check, body = blob[:35], blob[35:67], blob[67:]
    assert header[:19] == b"sealer/pw\x01" + struct.pack(">IIB", 3, 65536, 4)
    derived = Argon2id(salt=header[19:], length=64, iterations=3, lanes=4, memory_cost=65536).derive(secret.encode())
    assert derived[32:] == check
    assert AESGCM(derived[:32]).decrypt(bytes(12), body, header) == PEM


def test_vector(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "urandom", lambda size: bytes(range(size)))
    text = passphrase.encrypt(b"plain", "pässword")
    assert (
        hashlib.sha256(text.encode()).hexdigest() == "bc291265634df82ac2bc38850dd00d529e9b6baeca6b9a3da02cdda0bb09172b"
    )


@pytest.mark.usefixtures("cheap")
def test_round_trip_and_a_fresh_salt_each_time() -> None:
    first, second = passphrase.encrypt(PEM, "one"), passphrase.encrypt(PEM, "one")
    assert first != second
    assert passphrase.is_encrypted(first)
    assert not passphrase.is_encrypted(PEM.decode())
    assert passphrase.decrypt(first, "one") == passphrase.decrypt(second, "one") == PEM


@pytest.mark.usefixtures("cheap")
def test_composed_and_decomposed_letters_are_one_passphrase() -> None:
    assert passphrase.decrypt(passphrase.encrypt(PEM, "caf\u00e9"), "cafe\u0301") == PEM


@pytest.mark.usefixtures("cheap")
def test_a_wrong_passphrase_and_a_changed_file_are_one_error() -> None:
    text = passphrase.encrypt(PEM, "right")
    blob = pem_decode(LABEL, text)
    said = set()
    for broken, secret in (
        (text, "wrong"),
        (pem_encode(LABEL, blob[:-1] + bytes([blob[-1] ^ 1])), "right"),  # the tag
        (pem_encode(LABEL, blob[:67] + bytes([blob[67] ^ 1]) + blob[68:]), "right"),  # the body
        (pem_encode(LABEL, blob[:40] + bytes([blob[40] ^ 1]) + blob[41:]), "right"),  # the check
        (pem_encode(LABEL, blob[:20] + bytes([blob[20] ^ 1]) + blob[21:]), "right"),  # the salt
    ):
        with pytest.raises(SourceError) as caught:
            passphrase.decrypt(broken, secret)
        said.add((type(caught.value), str(caught.value), caught.value.way_out))
        assert caught.value.__cause__ is None
        assert caught.value.__suppress_context__ or caught.value.__context__ is None
    assert len(said) == 1


@pytest.mark.usefixtures("cheap")
def test_every_changed_character_is_refused() -> None:
    text = passphrase.encrypt(PEM, "right")
    for place in range(len(text)):
        for bit in (1, 2, 4, 8, 16, 32, 64):
            broken = text[:place] + chr(ord(text[place]) ^ bit) + text[place + 1 :]
            with pytest.raises((SourceError, KeyFormatError)):
                passphrase.decrypt(broken, "right")


@pytest.mark.parametrize(
    ("iterations", "memory", "lanes"),
    [
        (0, 65536, 4),
        (17, 65536, 4),
        (3, 1048577, 4),
        (3, 65536, 0),
        (3, 1024, 17),
        (3, 31, 4),
        (2**32 - 1, 2**32 - 1, 255),
    ],
)
def test_a_derivation_out_of_bounds_is_refused_before_it_starts(
    monkeypatch: pytest.MonkeyPatch, iterations: int, memory: int, lanes: int
) -> None:
    monkeypatch.setattr(passphrase, "_derive", lambda *_: pytest.fail("derived"))
    header = b"sealer/pw\x01" + struct.pack(">IIB", iterations, memory, lanes) + bytes(16)
    with pytest.raises(KeyFormatError, match="limits"):
        passphrase.decrypt(pem_encode(LABEL, header + bytes(64)), "x")


@pytest.mark.parametrize(
    "blob",
    [
        b"",
        b"sealer/pw",
        b"sealer/pw\x02" + struct.pack(">IIB", 3, 65536, 4) + bytes(100),
        b"sealer/px\x01" + struct.pack(">IIB", 3, 65536, 4) + bytes(100),
        b"sealer/pw\x01" + struct.pack(">IIB", 3, 65536, 4) + bytes(16 + 32 + 15),
    ],
)
def test_malformed_blocks_are_named_without_a_passphrase(blob: bytes) -> None:
    with pytest.raises(KeyFormatError):
        passphrase.decrypt(pem_encode(LABEL, blob), "x")


def test_a_block_of_another_label_is_refused() -> None:
    text = passphrase.wrap("SEALER KEYRING BACKUP", PEM, "x")
    with pytest.raises(KeyFormatError):
        passphrase.decrypt(text, "x")


def test_an_empty_passphrase_is_refused() -> None:
    with pytest.raises(UsageError):
        passphrase.encrypt(PEM, "")


@pytest.mark.parametrize(
    ("content", "expected"), [(b"word\n", "word"), (b"word", "word"), (b"two words\r\n", "two words")]
)
def test_a_passphrase_file_is_one_line(tmp_path: Path, content: bytes, expected: str) -> None:
    path = tmp_path / "pw"
    path.write_bytes(content)
    assert passphrase.ask("?", file=str(path)) == expected


@pytest.mark.parametrize("content", [b"", b"\n", b"one\ntwo\n", b"\xff\xfe", b"a" * 5000])
def test_any_other_passphrase_file_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "pw"
    path.write_bytes(content)
    with pytest.raises((UsageError, SourceError)) as caught:
        passphrase.ask("?", file=str(path))
    assert "one" not in caught.value.what or "one line" in caught.value.what


def test_the_environment_names_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "pw").write_text("from the environment\n")
    monkeypatch.setenv("SEALER_PASSPHRASE_FILE", str(tmp_path / "pw"))
    assert passphrase.ask("?") == "from the environment"
    (tmp_path / "other").write_text("from the option\n")
    assert passphrase.ask("?", file=str(tmp_path / "other")) == "from the option"
    monkeypatch.setenv("SEALER_PASSPHRASE_FILE", str(tmp_path / "absent"))
    with pytest.raises(SourceError):
        passphrase.ask("?")


def test_stdin_and_descriptors_are_files_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"piped\n")))
    assert passphrase.ask("?", file="-") == "piped"
    reader, writer = os.pipe()
    os.write(writer, b"through a descriptor\n")
    os.close(writer)
    assert passphrase.ask("?", file=f"/dev/fd/{reader}") == "through a descriptor"
    os.close(reader)


_ASK = """
import fcntl, os, sys, termios
os.setsid()
if "terminal" in sys.argv: fcntl.ioctl(3, termios.TIOCSCTTY, 0)
from sealer import console; from sealer.formats import passphrase
console.run(lambda: print(passphrase.ask("Passphrase", confirm="confirm" in sys.argv)) or 0)
"""


def _typed(*arguments: str, keys: bytes) -> tuple[str, str]:
    """What the process prints on stdout, and what stands on its terminal."""
    master, slave = pty.openpty()
    try:
        process = subprocess.Popen(
            [
                sys.executable,
                "-c",
                "import os; os.dup2(int(__import__('sys').argv.pop(1)), 3)\n" + _ASK,
                str(slave),
                *arguments,
            ],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            pass_fds=[slave],
        )
        shown = b""
        if "terminal" in arguments:
            for line in keys.splitlines(keepends=True):
                while not shown.endswith(b": "):
                    shown += os.read(master, 100)
                os.write(master, line)
                shown += os.read(master, 1)
        out, err = process.communicate(timeout=60)
        return out.decode(), (shown + err).decode()
    finally:
        os.close(master)
        os.close(slave)


def test_a_terminal_is_asked_without_echo() -> None:
    out, shown = _typed("terminal", keys=b"typed word\n")
    assert out == "typed word\n"
    assert "Passphrase: " in shown
    assert "typed" not in shown


def test_a_new_passphrase_is_typed_twice() -> None:
    assert _typed("terminal", "confirm", keys=b"typed\ntyped\n")[0] == "typed\n"
    out, shown = _typed("terminal", "confirm", keys=b"typed\nother\n")
    assert out == ""
    assert "the two passphrases differ" in shown


def test_an_empty_one_is_refused_before_it_is_asked_for_again() -> None:
    out, shown = _typed("terminal", "confirm", keys=b"\n")
    assert out == ""
    assert "the passphrase is empty" in shown
    assert "again" not in shown


def test_ctrl_c_ends_the_line_of_the_prompt() -> None:
    assert _typed("terminal", keys=b"\x03")[1].splitlines() == ["Passphrase: ", "interrupted"]


def test_without_a_terminal_it_says_what_to_do() -> None:
    out, shown = _typed(keys=b"")
    assert out == ""
    assert "no terminal" in shown
    assert "SEALER_PASSPHRASE_FILE" in shown
