"""What a store is to the flow (DELIVERY section 3): a protocol, what goes in, and what may come back.

    StoreError               result of one item, never raised for a batch
    ├── Unavailable          nothing happened; try again after `retry_after` seconds
    ├── OutcomeUnknown       a timeout: it may have happened, only `observe` may follow
    ├── Conflict             another version stands there than was expected, or none
    ├── NotOurs              the target belongs to another owner
    └── Rejected             the store won't take it until the input changes

Timeouts and retries are the flow's. Only `read` and `put` ever hold plaintext, and neither it nor a token shows in a
repr. Retention and older versions are not part of this protocol.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from sealer.errors import SealerError
from sealer.formats.wire import lp

if TYPE_CHECKING:
    from controller.model import Observed, Problem, Target
    from sealer.secret import Ref, Secret


class StoreError(SealerError):
    """Base of what a store answers instead of a result."""


class Unavailable(StoreError):
    """Nothing happened, and later it may."""

    def __init__(self, what: str, *, retry_after: float = 0.0, where: str = "", way_out: str = "") -> None:
        super().__init__(what, where=where, way_out=way_out)
        self.retry_after = retry_after


class OutcomeUnknown(StoreError):
    """It may have happened or not: only `observe` may follow."""


class Conflict(StoreError):
    """Another version stands there than was expected, or none."""


class NotOurs(StoreError):
    """The target belongs to another owner."""


class Rejected(StoreError):
    """The store won't take this, until the input changes."""


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What a store can do. `metadata`: it keeps type, labels, annotations and immutable as well as the items."""

    max_bytes: int
    binary: bool = True
    name_rule: str = ""  # a regular expression for Target.name; empty = any that a Ref can give
    versions: bool = False
    cas: bool = False
    atomic_mark: bool = False
    soft_delete: bool = False
    list: bool = False
    fence: bool = False
    metadata: bool = False
    concurrency: int = 1
    batch: int = 1


@dataclass(frozen=True, slots=True)
class Mark:
    """What is written beside a secret, so that a later run knows its own work. Proves nothing about the value."""

    owner: str
    token: str = field(repr=False)
    fingerprint: str = field(repr=False)
    seq: int


@dataclass(frozen=True, slots=True)
class Put:
    """One secret to write. `expect` is the version that was observed, empty if none was; of a deleted one its last.

    With `adopt` another owner's secret is taken over. With `mark_only` the value stands there already, under `expect`:
    its mark alone is written, and its version stays.
    """

    target: Target
    secret: Secret = field(repr=False)
    expect: str
    mark: Mark
    adopt: bool = False
    mark_only: bool = False


@dataclass(frozen=True, slots=True)
class Delete:
    """One secret to delete. `expect` empty: whichever version stands there."""

    target: Target
    expect: str
    owner: str


class Store(Protocol):
    """Async; a synchronous SDK is wrapped by its store. Results are per item: every target asked for has one."""

    @property
    def uid(self) -> str:
        """The store in every Target: see `uid_of`."""

    @property
    def caps(self) -> Capabilities:
        """What this store can do."""

    def target(self, ref: Ref) -> Target:
        """Where a secret goes in this store. Two refs may come to one target: triage refuses both."""

    def lint(self, target: Target, secret: Secret) -> list[Problem]:
        """What this store would reject, found offline."""

    async def observe(self, targets: Sequence[Target]) -> Mapping[Target, Observed | StoreError]:
        """What stands at each target now, without reading a value."""

    async def read(self, target: Target) -> Secret:
        """The secret that stands there. Raises StoreError; Conflict if there is none."""

    async def put(self, batch: Sequence[Put]) -> Mapping[Target, str | StoreError]:
        """Write; the new version of each.

        Same token and same value: nothing is written, and that version is returned. Another owner: NotOurs, unless
        `adopt`. A soft-deleted target is recovered, whoever owned it. Another version than `expect`: Conflict, unless
        the store has no compare-and-set. Without atomic marks the value comes first: if the mark does not follow, the
        outcome is unknown, and `mark_only` completes it.
        """

    async def delete(self, batch: Sequence[Delete]) -> Mapping[Target, StoreError | None]:
        """Delete, softly where the store can. An absent target is a success."""


def uid_of(kind: str, *, address: str, mount: str = "", prefix: str = "") -> str:
    """The uid of a store: `local` for local, else 16 hex digits of where it writes. Credentials are not in it."""
    if kind == "local":
        return "local"
    fields = b"".join(lp(text.encode()) for text in (kind, address, mount, prefix))
    return hashlib.sha256(fields).hexdigest()[:16]


def before_put(put: Put, seen: Observed, caps: Capabilities) -> str | StoreError | None:
    """What a put comes to without a write, by what stands there: a version, an error, or None if it has to be written.

    Stores that hold marks ask this of what they see in the same transaction, lock, or call that writes.
    """
    if (size := size_of(put.secret)) > caps.max_bytes:
        return Rejected(f"{size:,} bytes, and this store takes {caps.max_bytes:,}", where=str(put.target))
    if put.mark_only and seen.presence != "present":
        return Conflict("there is no such secret to mark", where=str(put.target))
    if seen.presence == "present":
        if seen.owner != put.mark.owner and not put.adopt:
            return NotOurs(f"belongs to {seen.owner or 'nobody known'}", where=str(put.target))
        if (seen.token, seen.fingerprint) == (put.mark.token, put.mark.fingerprint):
            return seen.version
    return _expected(put.target, put.expect, seen.version, caps)


def before_delete(delete: Delete, seen: Observed, caps: Capabilities) -> StoreError | None:
    """Why a delete must not happen. Of an absent or deleted target there is nothing to say: it is done."""
    if seen.presence != "present":
        return None
    if seen.owner != delete.owner:
        return NotOurs(f"belongs to {seen.owner or 'nobody known'}", where=str(delete.target))
    return _expected(delete.target, delete.expect, seen.version, caps) if delete.expect else None


def too_large(target: Target, secret: Secret, caps: Capabilities) -> list[Problem]:
    """The problem of a secret that is larger than its store takes, for `lint`."""
    from controller.model import Problem

    if (size := size_of(secret)) <= caps.max_bytes:
        return []
    return [Problem(target.name, 0, "too-large", f"{size:,} bytes, and this store takes {caps.max_bytes:,}")]


def size_of(secret: Secret) -> int:
    """Bytes of all values, which stores limit."""
    return sum(len(value) for value in secret.items.values())


def _expected(target: Target, expected: str, standing: str, caps: Capabilities) -> Conflict | None:
    if expected == standing or not caps.cas:
        return None
    return Conflict(f"version {expected or 'none'} was expected, {standing or 'none'} stands there", where=str(target))
