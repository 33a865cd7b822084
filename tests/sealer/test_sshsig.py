"""SSH signatures: against real ssh-keygen in both directions, and strictness."""

from __future__ import annotations

import hashlib
import secrets
import subprocess
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from sealer.errors import KeyFormatError, Untrusted
from sealer.formats import sshsig

NAMESPACE = "keys@sealer.dev"
IDENTITY = Ed25519PrivateKey.generate()
LINE = sshsig.identity_line(IDENTITY.public_key())


def _ssh_keygen(*arguments: str, stdin: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(["ssh-keygen", *arguments], input=stdin, capture_output=True, check=False)


def test_ssh_keygen_accepts_ours(tmp_path: Path) -> None:
    message = secrets.token_bytes(3000)
    allowed, signature = tmp_path / "allowed", tmp_path / "sig"
    allowed.write_text(f"prod {LINE}\n")
    signature.write_text(sshsig.sign(message, NAMESPACE, IDENTITY))
    verify = ["-Y", "verify", "-f", str(allowed), "-I", "prod", "-n", NAMESPACE, "-s", str(signature)]
    done = _ssh_keygen(*verify, stdin=message)
    assert done.returncode == 0, done.stderr
    assert sshsig.fingerprint(LINE).encode() in done.stdout
    assert _ssh_keygen(*verify, stdin=message + b"!").returncode != 0


def test_we_accept_what_ssh_keygen_makes(tmp_path: Path) -> None:
    key, message = tmp_path / "id", tmp_path / "message"
    assert _ssh_keygen("-q", "-t", "ed25519", "-N", "", "-C", "", "-f", str(key)).returncode == 0
    message.write_bytes(secrets.token_bytes(500))
    assert _ssh_keygen("-Y", "sign", "-f", str(key), "-n", NAMESPACE, str(message)).returncode == 0
    signature = (tmp_path / "message.sig").read_text()
    line = " ".join((tmp_path / "id.pub").read_text().split()[:2])
    sshsig.verify(message.read_bytes(), NAMESPACE, signature, line)
    # One signature has one text: ours of the same key is the same.
    from cryptography.hazmat.primitives.serialization import load_ssh_private_key

    private = load_ssh_private_key(key.read_bytes(), None)
    assert isinstance(private, Ed25519PrivateKey)
    assert sshsig.sign(message.read_bytes(), NAMESPACE, private) == signature
    assert sshsig.fingerprint(line).encode() in _ssh_keygen("-l", "-f", str(tmp_path / "id.pub")).stdout


@pytest.mark.parametrize("other", [["-O", "hashalg=sha256"], ["-n", "git"]])
def test_another_hash_or_namespace_is_refused(tmp_path: Path, other: list[str]) -> None:
    key, message = tmp_path / "id", tmp_path / "message"
    _ssh_keygen("-q", "-t", "ed25519", "-N", "", "-C", "", "-f", str(key))
    message.write_bytes(b"x")
    _ssh_keygen("-Y", "sign", "-f", str(key), "-n", NAMESPACE, *other, str(message))
    line = " ".join((tmp_path / "id.pub").read_text().split()[:2])
    with pytest.raises(Untrusted):
        sshsig.verify(b"x", NAMESPACE, (tmp_path / "message.sig").read_text(), line)


def test_vector() -> None:
    identity = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
    line = sshsig.identity_line(identity.public_key())
    assert sshsig.fingerprint(line) == "SHA256:lbmsoA0yIEcEiVDRnMWuzm+nV+3ZEEpVIURqFoeSspg"
    signature = sshsig.sign(b"sealer", NAMESPACE, identity)
    assert (
        hashlib.sha256(signature.encode()).hexdigest()
        == "c67bd7c29719979b2d3181fcc71c83e9136a55b7334e9d29268d6b6d722d5880"
    )
    lines = signature.splitlines()
    assert {len(text) for text in lines[1:-2]} == {70}


@given(st.data())
def test_every_changed_character_is_refused(data: st.DataObject) -> None:
    signature = sshsig.sign(b"message", NAMESPACE, IDENTITY)
    place = data.draw(st.integers(0, len(signature) - 1))
    other = data.draw(st.characters(max_codepoint=127).filter(lambda c: c != signature[place]))
    with pytest.raises(Untrusted):
        sshsig.verify(b"message", NAMESPACE, signature[:place] + other + signature[place + 1 :], LINE)


@pytest.mark.parametrize(
    "change",
    [
        lambda text: text + "\n",
        lambda text: "\n" + text,
        lambda text: text.rstrip("\n"),
        lambda text: text.replace("\n", "\r\n"),
        lambda text: text.replace("SSH SIGNATURE", "PGP SIGNATURE"),
        lambda text: "".join(line + "\n" for line in (text[:30].strip(), text[30:100], text[100:])),
        lambda text: "",
        lambda text: "-----BEGIN SSH SIGNATURE-----\n-----END SSH SIGNATURE-----\n",
        lambda text: text.replace("A", "é", 1),
    ],
)
def test_another_armor_is_refused(change: object) -> None:
    signature = sshsig.sign(b"message", NAMESPACE, IDENTITY)
    with pytest.raises(Untrusted):
        sshsig.verify(b"message", NAMESPACE, change(signature), LINE)  # type: ignore[operator]


def test_another_identity_message_or_namespace_is_refused() -> None:
    signature = sshsig.sign(b"message", NAMESPACE, IDENTITY)
    stranger = sshsig.identity_line(Ed25519PrivateKey.generate().public_key())
    for message, namespace, line in (
        (b"message", NAMESPACE, stranger),
        (b"messagf", NAMESPACE, LINE),
        (b"message", "doc@sealer.dev", LINE),
    ):
        with pytest.raises(Untrusted):
            sshsig.verify(message, namespace, signature, line)
    sshsig.verify(b"message", NAMESPACE, signature, LINE)


@pytest.mark.parametrize(
    "line",
    [
        "",
        "ssh-ed25519",
        "ssh-ed25519 ",
        f"{LINE} comment",
        f" {LINE}",
        f"{LINE}\n",
        LINE[:-4],
        LINE.replace("25519", "448"),
    ],
    ids=range(8),
)
def test_an_identity_line_is_read_strictly(line: str) -> None:
    with pytest.raises(KeyFormatError):
        sshsig.load_identity_line(line)


def test_an_identity_goes_to_pem_and_back() -> None:
    pem = sshsig.identity_pem(IDENTITY)
    assert sshsig.identity_line(sshsig.load_identity(pem).public_key()) == LINE
    for broken in ("", pem[:-30], pem.replace("PRIVATE", "PUBLIC")):
        with pytest.raises(KeyFormatError):
            sshsig.load_identity(broken)
