"""Where private keys come from (DESIGN section 11): `--private-key`, the environment, the local keyrings.

The first of these that is given is the only one used. Keyrings are opened late, and only for the ids that are asked
for, so that a passphrase is prompted for only when its key is needed.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from sealer import files
from sealer.errors import KeyFormatError, SealerError, SourceError, UsageError
from sealer.formats.keys import RSA, load_private, validity
from sealer.formats.wire import pem_blocks

if TYPE_CHECKING:
    from sealer.formats.keys import PrivateKey
    from sealer.keyrings.keyring import Keyring
    from sealer.sealing.unseal import PrivateKeys

FILE_VARIABLE = "SEALER_PRIVATE_KEY_FILE"
PEM_VARIABLE = "SEALER_PRIVATE_KEY"

_MAX = 4 * 1024 * 1024  # a List of several years of key Secrets
_OLDEST = datetime.min.replace(tzinfo=UTC)


def load(sources: Sequence[str] = ()) -> PrivateKeys:
    """The private keys of `--private-key` SRC..., else of the environment, else of the local keyrings.

    SRC is a PEM file, a key Secret (YAML or JSON, a List too), a keyring directory, or `-`. Raises SourceError,
    KeyFormatError or UsageError; none quotes what it read.
    """
    if not sources:
        if path := os.environ.get(FILE_VARIABLE):
            _refuse_key(path, FILE_VARIABLE)
            sources = [path]
        elif pem := os.environ.get(PEM_VARIABLE):
            return Held(tuple(_from_bytes(pem.encode("utf-8", "surrogateescape"), PEM_VARIABLE)))
        else:
            from sealer.keyrings import keyring

            return Local(keyring.all())
    for source in sources:
        _refuse_key(source, "--private-key")
    directories = [source for source in sources if _is_keyring(source)]
    held = [key for source in sources if source not in directories for key in _from_source(source)]
    return Held(tuple(held), Local([Path(directory) for directory in directories]))


@dataclass(frozen=True, slots=True)
class Held:
    """Keys read from sources that were named, and behind them keyrings that were named."""

    keys: tuple[PrivateKey, ...] = field(repr=False)
    keyrings: Local | None = None

    def get(self, key_id: str) -> PrivateKey | None:
        """The key with this id, if it is there."""
        found = next((key for key in self.keys if key.id == key_id), None)
        return found or (self.keyrings.get(key_id) if self.keyrings else None)

    def rsa(self) -> Sequence[PrivateKey]:
        """All RSA keys, newest certificate first; keys without one come last, as given."""
        mine = sorted((key for key in self.keys if key.algorithm == RSA), key=_started, reverse=True)
        return (*mine, *(self.keyrings.rsa() if self.keyrings else ()))


@dataclass(slots=True)
class Local:
    """Keyrings on this machine, opened when the first key is asked for."""

    directories: Sequence[Path]
    _open: list[Keyring] | None = field(default=None, repr=False)
    _rsa: tuple[PrivateKey, ...] | None = field(default=None, repr=False)

    def get(self, key_id: str) -> PrivateKey | None:
        """The key with this id, if one of the keyrings has it."""
        for ring in self._keyrings():
            if any(entry.id == key_id for entry in ring.entries):
                return ring.private(key_id)
        return None

    def rsa(self) -> Sequence[PrivateKey]:
        """All RSA keys of all keyrings, newest first."""
        if self._rsa is None:
            found = [
                (entry.not_before, ring, entry.id)
                for ring in self._keyrings()
                for entry in ring.entries
                if entry.algorithm == RSA
            ]
            found.sort(key=lambda each: each[0], reverse=True)
            self._rsa = tuple(ring.private(key_id) for _, ring, key_id in found)
        return self._rsa

    @property
    def clusters(self) -> tuple[str, ...]:
        """Names of the clusters whose keys are here: for telling a user what they hold."""
        return tuple(ring.cluster for ring in self._keyrings())

    def _keyrings(self) -> list[Keyring]:
        if self._open is None:
            from sealer.keyrings.keyring import Keyring

            self._open = [Keyring.open(directory) for directory in self.directories]
        return self._open


def from_bytes(data: bytes, where: str) -> list[PrivateKey]:
    """Every private key in a PEM text or in key Secrets. Raises KeyFormatError or DocumentError."""
    return _from_bytes(data, where)


def _refuse_key(source: str, where: str) -> None:
    """A key where its file's path belongs: as a path it would be repeated in an error."""
    if "-----BEGIN" in source:
        way_out = f"save it to a file of mode 0600 and name that, or put the PEM into {PEM_VARIABLE}"
        raise UsageError("holds a key, not the path of one", where=where, way_out=way_out)


def _from_source(source: str) -> list[PrivateKey]:
    if source.startswith(("http://", "https://")):
        raise UsageError(
            "a private key is never fetched over the network",
            where="--private-key",
            way_out="save it to a file of mode 0600 and pass that",
        )
    if source == "-":
        data = sys.stdin.buffer.read(_MAX + 1)
        if len(data) > _MAX:
            raise SourceError("is larger than 4 MiB", where="stdin")
        return _from_bytes(data, "stdin")
    if Path(source).is_dir():
        raise SourceError("is a directory, but not a keyring: it has no keyring.json", where=source)
    return _from_bytes(files.read(source, limit=_MAX), source)


def _from_bytes(data: bytes, where: str) -> list[PrivateKey]:
    text = data.decode("utf-8", "replace")
    keys = _from_pem(text, where) if text.lstrip().startswith("-----BEGIN ") else _from_secrets(data, where)
    if not keys:
        raise KeyFormatError(
            "holds no private key (PEM, or Secrets with tls.key)",
            where=where,
            way_out="kubectl get secret -n kube-system -l sealedsecrets.bitnami.com/sealed-secrets-key -o yaml > FILE",
        )
    return keys


def _from_pem(text: str, where: str) -> list[PrivateKey]:
    """Keys in one PEM text, each with the certificate beside it that fits, if there is one."""
    from sealer.formats import passphrase

    try:
        blocks = pem_blocks(text)
        certificates = [block for label, _, block in blocks if label == "CERTIFICATE"]
        result = []
        for label, _, block in blocks:
            if not label.endswith("PRIVATE KEY"):
                continue
            pem = block
            if passphrase.is_encrypted(pem):
                pem = passphrase.decrypt(pem, passphrase.ask(f"Passphrase of {where} (hidden)")).decode("ascii")
            result.append(_with_certificate(pem, certificates))
        return result
    except SealerError as error:
        raise error.at(where) from None


def _with_certificate(pem: str, certificates: Iterable[str]) -> PrivateKey:
    for certificate in certificates:
        try:
            return load_private(pem, certificate)
        except KeyFormatError:
            continue  # another key's certificate; the last line says what is wrong if the key itself is
    return load_private(pem)


def _from_secrets(data: bytes, where: str) -> list[PrivateKey]:
    from sealer.documents import document

    keys = []
    for each in document.parse_strict(data, where).documents:
        if isinstance(each, document.Manifest):
            pem = b"\n".join(value for value in each.secret.items.values() if b"-----BEGIN " in value)
            keys += _from_pem(pem.decode("utf-8", "replace"), str(each.place))
    return keys


def _is_keyring(source: str) -> bool:
    return (Path(source) / "keyring.json").is_file()


def _started(key: PrivateKey) -> datetime:
    return validity(key.public.certificate)[0] if key.public.certificate else _OLDEST
