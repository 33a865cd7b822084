"""Keyrings on disk: one directory a cluster, which holds its private keys (FORMATS section 5).

Opening reads `keyring.json` alone; a private key is read when it is asked for, and a passphrase is asked for once,
when the first encrypted file is met. Every file must equal what we would write, so that no changed byte goes by.
Which keys there are and what becomes of them is decided by the caller (`controller.keyadmin`).
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from sealer import files, paths
from sealer.errors import FormatError, KeyFormatError, NameRefused, NoKey, SealerError, SourceError, UsageError
from sealer.formats import keyrecord, passphrase
from sealer.formats.binding import check_cluster
from sealer.formats.keyrecord import IDENTITY, RECORD
from sealer.formats.wire import pem_decode, pem_encode
from sealer.keyrings import keyfiles

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    from sealer.formats.bundle import Bundle
    from sealer.formats.keyrecord import KeyEntry, Record, StateEntry
    from sealer.formats.keys import PrivateKey, PublicKey

PEM_STATE = "SEALER STATE KEY"
VARIABLE = "SEALER_KEYRING"


class Keyring:
    """One opened keyring. Nothing private shows in its repr; keys and the passphrase are kept while it lives."""

    __slots__ = ("_ask", "_passphrase", "_private", "directory", "record")

    def __init__(self, directory: Path, record: Record, ask: Callable[[], str]) -> None:
        self.directory = directory
        self.record = record
        self._ask = ask
        self._passphrase: str | None = None
        self._private: dict[str, PrivateKey] = {}

    def __repr__(self) -> str:
        return f"Keyring({self.cluster!r}, sequence={self.sequence})"

    @classmethod
    def open(cls, directory: Path, *, passphrase: Callable[[], str] | None = None) -> Keyring:
        """The keyring of a directory. `passphrase` is called at most once; by default it asks as usual."""
        record = read_record(directory)
        return cls(directory, record, passphrase or _asker(record.cluster))

    @property
    def cluster(self) -> str:
        """The name of the cluster that holds this keyring."""
        return self.record.cluster

    @property
    def sequence(self) -> int:
        """Grows by one with every change of the keys."""
        return self.record.sequence

    @property
    def entries(self) -> tuple[KeyEntry, ...]:
        """What is known of each sealing key, in the order in which they were made."""
        return self.record.keys

    @property
    def identity_line(self) -> str:
        """The public half of the identity: `ssh-ed25519 ...`."""
        return self.record.identity

    @property
    def digest(self) -> str:
        """Hex digest that changes when what can be opened changes."""
        return self.record.digest()

    def entry(self, key_id: str) -> KeyEntry:
        """The entry of a key; NoKey if it is not here."""
        for entry in self.record.keys:
            if entry.id == key_id:
                return entry
        raise NoKey(f"keyring {self.cluster} holds no key {key_id[:8]}")

    def private(self, key_id: str) -> PrivateKey:
        """A private key, read at the first call. Its public half must be the one that `keyring.json` names."""
        if key_id not in self._private:
            entry = self.entry(key_id)
            with self._placed(f"{key_id}.pem"):
                self._private[key_id] = self._load_private(entry)
        return self._private[key_id]

    def public(self, key_id: str) -> PublicKey:
        """A public key; for RSA with its certificate. Reads no private key."""
        from sealer.formats.keys import load_certificate, load_public

        entry = self.entry(key_id)
        with self._placed(f"{key_id}.crt" if entry.certificate else RECORD):
            certificate = self._certificate(entry)
            if certificate and load_certificate(certificate).raw != entry.raw:
                raise KeyFormatError("the certificate belongs to another key")
            return load_public(entry.algorithm, entry.raw, certificate)

    def identity(self) -> Ed25519PrivateKey:
        """The private half of the identity, which signs bundles."""
        from sealer.formats import sshsig

        with self._placed(IDENTITY):
            text = self._secret(IDENTITY)
            key = sshsig.load_identity(text)
            if sshsig.identity_line(key.public_key()) != self.record.identity or sshsig.identity_pem(key) != text:
                raise KeyFormatError("is not the identity that keyring.json names")
            return key

    def state_keys(self) -> tuple[tuple[str, bytes], ...]:
        """(id, 32 bytes) of each key of the state at rest, the active one first.

        Read anew each time: the state may have got another key meanwhile. A retired one whose file is gone is passed
        over: whoever drops it removes the file first (`statekeys.drop`).
        """
        while True:
            self.refresh()
            active_first = sorted(self.record.state_keys, key=lambda entry: entry.status != "active")
            here = [each for each in active_first if each.status == "active" or self._state_file(each).exists()]
            try:
                return tuple((entry.id, self._state_key(entry)) for entry in here)
            except SourceError:
                gone = [entry for entry in here if not self._state_file(entry).exists()]
                if not gone or (gone[0].status == "active" and read_record(self.directory) == self.record):
                    raise

    def refresh(self) -> None:
        """Read again what another process may have changed since this keyring was opened."""
        self.record = read_record(self.directory)

    def published(self, *, now: datetime, days: int | None = None) -> Bundle:
        """What this keyring publishes, as of now. Reads no private key."""
        from sealer.formats.bundle import EXPIRES_DAYS, Bundle, BundleKey

        issued = now.replace(microsecond=0)
        expires = issued + timedelta(days=EXPIRES_DAYS if days is None else days)
        published = tuple(
            BundleKey(self.public(entry.id), entry.not_before, entry.not_after, entry.status) for entry in self.entries
        )
        return Bundle(self.cluster, self.sequence, issued, expires, self.identity_line, published)

    def bundle(self, *, now: datetime, days: int | None = None) -> bytes:
        """The signed key bundle of this cluster, as of now. Needs the identity, but no sealing key."""
        from sealer.formats.bundle import render

        return render(self.published(now=now, days=days), self.identity())

    def is_encrypted(self) -> bool:
        """Whether this keyring is under a passphrase. Asks for none."""
        with self._placed(IDENTITY):
            return passphrase.is_encrypted(self._read(IDENTITY))

    def save(self, record: Record, private: Mapping[str, str], public: Mapping[str, str]) -> None:
        """Write new files, then `keyring.json`: a kill in between leaves the keyring as it was. Hold `changing`."""
        encrypted = bool(private) and self.is_encrypted()
        if encrypted:
            self.identity()  # a mistyped passphrase must not protect the new file
        for name, text in public.items():
            keyfiles.write(self.directory / name, text.encode("ascii"))
        for name, text in private.items():
            stored = passphrase.encrypt(text.encode("ascii"), self._known()) if encrypted else text
            keyfiles.write(self.directory / name, stored.encode("ascii"))
        keyfiles.write(self.directory / RECORD, keyrecord.render(record))
        self.record = record

    def _state_file(self, entry: StateEntry) -> Path:
        return self.directory / keyrecord.state_file(entry.id)

    def _state_key(self, entry: StateEntry) -> bytes:
        name = keyrecord.state_file(entry.id)
        with self._placed(name):
            text = self._secret(name)
            key = pem_decode(PEM_STATE, text)
            if len(key) != 32 or keyrecord.state_key_id(key) != entry.id or pem_encode(PEM_STATE, key) != text:
                raise KeyFormatError("is not the state key that keyring.json names")
            return key

    def _load_private(self, entry: KeyEntry) -> PrivateKey:
        from sealer.formats.keys import consistent, load_private

        certificate = self._certificate(entry)
        text = self._secret(f"{entry.id}.pem")
        key = load_private(text, certificate, trusted=True)
        if key.id != entry.id or key.pem != text or not consistent(key):
            raise KeyFormatError("is not the private key that keyring.json names")
        return key

    def _certificate(self, entry: KeyEntry) -> str:
        """The PEM of a key's certificate; empty where keys have none."""
        if not entry.certificate:
            return ""
        text = self._read(f"{entry.id}.crt")
        if keyrecord.certificate_digest(text) != entry.certificate:
            raise KeyFormatError(f"{entry.id}.crt is not the certificate that keyring.json names")
        return text

    def _secret(self, name: str) -> str:
        """The plain PEM of a private file."""
        text = self._read(name)
        if not passphrase.is_encrypted(text):
            return text
        candidate = self._known()
        try:
            return passphrase.decrypt(text, candidate).decode("ascii")
        except SealerError:
            self._passphrase = None
            raise
        except UnicodeDecodeError:
            raise KeyFormatError("is not PEM") from None

    def _known(self) -> str:
        if self._passphrase is None:
            self._passphrase = self._ask()
        return self._passphrase

    def _read(self, name: str) -> str:
        try:
            return keyfiles.read(self.directory / name).decode("ascii")
        except UnicodeDecodeError:
            raise KeyFormatError("is not PEM", where=str(self.directory / name)) from None

    @contextlib.contextmanager
    def _placed(self, name: str) -> Iterator[None]:
        """Say in which file an error is."""
        try:
            yield
        except FormatError as error:
            raise KeyFormatError(error.what, where=str(self.directory / name)) from None
        except SourceError as error:
            raise error.at(str(self.directory / name)) from None


def read_record(directory: Path) -> Record:
    """`keyring.json` of a directory that is private; SourceError or KeyFormatError otherwise."""
    path = directory / RECORD
    if not directory.is_dir() or not path.is_file():
        raise SourceError("there is no keyring here", where=str(directory), way_out="sealer-controller init")
    files.check_private(directory)
    try:
        return keyrecord.parse(keyfiles.read(path))
    except FormatError as error:
        raise error.at(str(path)) from None


def find(cluster: str | None = None, directory: Path | None = None) -> Path:
    """The keyring that is meant: `directory`, else SEALER_KEYRING, else that of `cluster`, else the only one."""
    named = directory or from_environment()
    if named is not None:
        _expect(named, cluster)
        return named
    if cluster is not None:
        path = paths.keyrings() / check_cluster(cluster)
        if not path.exists():
            raise SourceError(
                f"there is no keyring for cluster {cluster}",
                where=str(paths.keyrings()),
                way_out=f"sealer-controller init --cluster {cluster}",
            )
        _expect(path, cluster)
        return path
    found = all()
    if not found:
        raise SourceError("there is no keyring", where=str(paths.keyrings()), way_out="sealer-controller init")
    if len(found) > 1:
        names = ", ".join(path.name for path in found)
        raise UsageError(f"several keyrings: {names}; say which", way_out=f"--cluster {found[0].name}")
    return found[0]


def from_environment() -> Path | None:
    """The keyring directory that SEALER_KEYRING names."""
    value = os.environ.get(VARIABLE)
    return Path(value) if value else None


def all() -> list[Path]:  # noqa: A001  # the contract's name; read as keyring.all()
    """Every keyring in the XDG data directory, by name."""
    try:
        found = sorted(paths.keyrings().iterdir())
    except FileNotFoundError:
        return []
    except OSError as error:
        raise SourceError(f"can't be read: {files.reason(error)}", where=str(paths.keyrings())) from None
    return [path for path in found if _is_cluster(path.name) and (path / RECORD).is_file()]


@contextlib.contextmanager
def changing(directory: Path, *, passphrase: Callable[[], str] | None = None) -> Iterator[Keyring]:
    """The keyring with its lock held, read after the lock was taken: two changes at once happen one by one."""
    read_record(directory)
    with keyfiles.locked(directory):
        yield Keyring.open(directory, passphrase=passphrase)


def _asker(cluster: str) -> Callable[[], str]:
    return lambda: passphrase.ask(f"Passphrase of keyring {cluster} (hidden)")


def _expect(directory: Path, cluster: str | None) -> None:
    """Refuse a directory that holds another cluster's keyring than the one asked for."""
    held = read_record(directory).cluster
    if cluster is not None and cluster != held:
        raise UsageError(f"holds the keyring of cluster {held}, and --cluster says {cluster}", where=str(directory))


def _is_cluster(name: str) -> bool:
    try:
        check_cluster(name)
    except NameRefused:
        return False
    return True
