"""Opening documents: v2 one by one, v1 on every core, since RSA leaves the interpreter's lock (DELIVERY section 2).

A document comes out whole or as the reason why not; nothing raises for one of them.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Self

from controller import reason
from controller.reason import Cause
from sealer import template
from sealer.errors import BoundElsewhere, CannotOpen, EnvelopeError, NameRefused, NoKey, TemplateRefused
from sealer.formats import envelope_v2
from sealer.formats.keys import RSA
from sealer.sealing import unseal
from sealer.secret import Secret

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from controller.model import Ref
    from sealer.documents.document import SealedSecret
    from sealer.formats.keys import PrivateKey
    from sealer.keyrings.keyring import Keyring
    from sealer.sealing.unseal import PrivateKeys

_ANSWERS = (BoundElsewhere, CannotOpen, EnvelopeError, NameRefused, NoKey)


@dataclass(frozen=True, slots=True)
class Opened:
    """A document's Secret, and the ids of the keys that opened it."""

    secret: Secret = field(repr=False)
    keys: frozenset[str]


Opening = Mapping["Ref", "Future[Opened | str]"]

_SWITCH = 0.0005
# A thread that comes out of an RSA operation wants the interpreter for a moment; by default it could wait for 5 ms.


class RingKeys:
    """The keys of one keyring, as opening asks for them."""

    def __init__(self, ring: Keyring) -> None:
        self._ring = ring
        self._ids = frozenset(entry.id for entry in ring.entries)
        self._rsa: tuple[PrivateKey, ...] | None = None

    def get(self, key_id: str) -> PrivateKey | None:
        """The key with this id."""
        return self._ring.private(key_id) if key_id in self._ids else None

    def rsa(self) -> Sequence[PrivateKey]:
        """All RSA keys, newest first."""
        if self._rsa is None:
            mine = [entry for entry in self._ring.entries if entry.algorithm == RSA]
            mine.sort(key=lambda entry: entry.not_before, reverse=True)
            self._rsa = tuple(self._ring.private(entry.id) for entry in mine)
        return self._rsa


class Opener:
    """Opens batches; a context manager, since it may have threads."""

    def __init__(self, keys: PrivateKeys) -> None:
        self._keys = keys
        self._pool: ThreadPoolExecutor | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._pool is not None:
            self._pool.shutdown(cancel_futures=True)

    def begin(self, batch: Mapping[Ref, SealedSecret]) -> Opening:
        """Start on a batch: what takes long is opened by threads from now on."""
        slow = [ref for ref, each in batch.items() if _has_v1(each)]
        if slow and self._pool is None:
            self._keys.rsa()  # read them once, and ask for a passphrase here, not in a thread
            # One more than processors: while a thread waits for the interpreter, no processor does.
            self._pool = ThreadPoolExecutor((os.cpu_count() or 1) + 1)
            sys.setswitchinterval(_SWITCH)
        pool = self._pool
        return {ref: pool.submit(open_one, batch[ref], self._keys) for ref in slow} if pool else {}

    def open(self, batch: Mapping[Ref, SealedSecret], opening: Opening) -> Iterator[tuple[Ref, Opened | str]]:
        """Each document's Secret, or the stored form of why it didn't open; in no particular order."""
        for ref, each in batch.items():
            if ref not in opening:
                yield ref, open_one(each, self._keys)
        for ref, future in opening.items():
            yield ref, future.result()


def open_one(document: SealedSecret, keys: PrivateKeys) -> Opened | str:
    """One document's Secret with its template applied, or the stored form of why it doesn't open."""
    try:
        template.check(document.template)
    except TemplateRefused as error:
        return reason.dump(Cause(reason.TEMPLATE, (), error.what, error.way_out))
    opened = unseal.open_all(document, keys)
    for cause in opened.failures.values():
        if not isinstance(cause, _ANSWERS):
            raise cause  # a key file that can't be read, a wrong passphrase: says nothing about the document
    if opened.failures:
        return reason.of_items(opened.failures)
    surround = document.template
    try:
        items = template.render(surround, opened.items)
    except TemplateRefused as error:
        return reason.dump(Cause(reason.TEMPLATE, (), error.what, error.way_out))
    secret = Secret(
        name=document.name,
        namespace=document.namespace,
        items=items,
        type=surround.type or "Opaque",
        labels=surround.labels,
        annotations=surround.annotations,
        immutable=surround.immutable,
    )
    return Opened(secret, opened.keys)


def _has_v1(document: SealedSecret) -> bool:
    return any(not text.startswith(envelope_v2.PREFIX) for text in document.items.values())
