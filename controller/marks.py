"""The key of fingerprints, read when the first one is made: that may ask for a passphrase."""

from __future__ import annotations

from typing import TYPE_CHECKING

from controller.fingerprint import FingerprintKey, derive
from sealer.errors import SourceError

if TYPE_CHECKING:
    from sealer.keyrings.keyring import Keyring


class Marks:
    """Fingerprints of one keyring's active state key. Without a keyring there are none."""

    def __init__(self, ring: Keyring | None) -> None:
        self.ring = ring
        self._key: FingerprintKey | None = None

    @property
    def prefix(self) -> str:
        """The part before the colon of every fingerprint that is made now; no key is read for it."""
        keys = self.ring.record.state_keys if self.ring else ()
        return next((each.id[:8] for each in keys if each.status == "active"), "")

    def key(self) -> FingerprintKey:
        """The key of the active state key."""
        if self._key is None:
            if self.ring is None:
                raise SourceError("there are no private keys here")
            self._key = derive(*self.ring.state_keys()[0])
        return self._key
