"""The keyring of a daemon: read again for each run. Its passphrase is asked for once, and kept in memory."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from sealer.errors import SourceError
from sealer.formats import passphrase
from sealer.keyrings.keyring import Keyring

if TYPE_CHECKING:
    from pathlib import Path

    from controller.look import Job


class Keys:
    """What is kept of a keyring between two runs."""

    def __init__(self, directory: Path, kept: str | None) -> None:
        self._directory = directory
        self._kept = kept
        self._ring = self._open()

    def __repr__(self) -> str:
        return f"Keys({str(self._directory)!r})"

    @classmethod
    def of(cls, ring: Keyring, file: str | None) -> Keys:
        """Ask for the passphrase, if there is one to ask for, and make sure that it is the one."""
        asks = ring.is_encrypted()
        kept = passphrase.ask(f"Passphrase of keyring {ring.cluster} (hidden)", file=file) if asks else None
        found = cls(ring.directory, kept)
        found._ring.identity()
        return found

    @property
    def ring(self) -> Keyring:
        """The keyring as the last run had it."""
        return self._ring

    def renewed(self, job: Job) -> Job:
        """A job with the keyring as it is now. What was opened of one that did not change stays open."""
        now = self._open()
        if now.record != self._ring.record:
            self._ring = now
        return replace(job, settings=replace(job.settings, ring=self._ring))

    def _open(self) -> Keyring:
        return Keyring.open(self._directory, passphrase=self._passphrase)

    def _passphrase(self) -> str:
        if self._kept is None:
            raise SourceError("is under a passphrase by now", way_out="start `sealer-controller run` again")
        return self._kept
