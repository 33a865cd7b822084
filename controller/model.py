"""The values of a delivery, from snapshot to step (DELIVERY section 2). No I/O, no key, no plaintext.

Times are integer milliseconds, UTC. Digests, key ids and fingerprints are lowercase hex; an empty text means unknown or
none. Fingerprints and tokens stay out of every repr: whoever sees one can test guesses of a short value against it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, NamedTuple

from sealer.secret import Ref

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sealer.documents.document import SealedSecret
    from sealer.formats.binding import Scope

__all__ = [
    "Delivery",
    "Desired",
    "Document",
    "Failure",
    "Intent",
    "Keys",
    "Known",
    "Observed",
    "Origin",
    "Problem",
    "Ref",
    "Refusal",
    "Snapshot",
    "Source",
    "Step",
    "StoreSpec",
    "Target",
    "Triage",
]

OnDelete = Literal["delete", "retain"]
Presence = Literal["absent", "present", "deleted"]
DocumentState = Literal["pending", "delivered", "failed", "refused"]
DeliveryState = Literal["pending", "delivered", "failed", "withdrawn"]
Do = Literal["skip", "open", "keep", "refuse"]
Op = Literal["put", "delete", "withdraw", "record", "adopt", "keep", "refuse"]


class Target(NamedTuple):
    """The one place in the world that a secret is delivered to: a store's uid and the name mapped for that store."""

    store: str
    name: str

    def __str__(self) -> str:
        return f"{self.store}:{self.name}"


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a document was read: path below the source, number in the file (Lists taken apart), line, revision."""

    source: str
    path: str
    index: int
    revision: str
    line: int = 0

    def __str__(self) -> str:
        return f"{self.path}:{self.line}" if self.line else self.path


@dataclass(frozen=True, slots=True)
class Document:
    """A sealed document as delivery sees it. All but `origin` and `body` follows from the bytes of the document alone.

    `digest` is SHA-256 of canonical JSON of all that delivery depends on. `stores` are the labels that it asks for,
    none for the default. `recipients` are the ids of all keys that its v2 items are sealed to, ascending; `v1` says
    that an item is in Bitnami's format, which names no key. `body` is what opening needs, None until it is loaded: a
    file that was read before is not parsed again.
    """

    ref: Ref
    origin: Origin
    digest: str
    scope: Scope
    stores: tuple[str, ...] = ()
    on_delete: OnDelete = "delete"
    items: tuple[str, ...] = ()
    recipients: tuple[str, ...] = ()
    v1: bool = False
    body: SealedSecret | None = field(default=None, repr=False, compare=False)


@dataclass(frozen=True, slots=True)
class Problem:
    """A file or document that could not be read, or that a store would not take. Never quotes a value.

    `code` is for programs, `what` and `way_out` are for people.
    """

    path: str
    line: int
    code: str
    what: str = ""
    way_out: str = ""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A whole source at one moment. `complete` only if all below `prefix` could be listed."""

    source: str
    prefix: str
    revision: str
    complete: bool
    documents: tuple[Document, ...]
    problems: tuple[Problem, ...] = ()


@dataclass(frozen=True, slots=True)
class Delivery:
    """What is recorded of one target. `keys` are the ids that opened what was delivered; `seq` counts its changes.

    `on_delete` is what its document said when it was delivered: once the document is gone nobody else can tell.
    """

    target: Target
    ref: Ref
    source: str
    seq: int
    input: str
    fingerprint: str = field(repr=False)
    version: str
    keys: tuple[str, ...]
    state: DeliveryState
    reason: str = ""
    changed_at: int = 0
    on_delete: OnDelete = "delete"


@dataclass(frozen=True, slots=True)
class Failure:
    """Negative cache: this document is not opened again until its digest or the keyring changes."""

    ref: Ref
    digest: str
    keyring: str
    reason: str


@dataclass(frozen=True, slots=True)
class Known:
    """What is recorded of one document of a source: as last read, as last failed, and the digest that last was good."""

    ref: Ref
    source: str
    path: str
    digest: str
    state: DocumentState
    reason: str = ""
    failed_digest: str = ""
    failed_keyring: str = ""
    good: str = ""
    changed_at: int = 0


@dataclass(frozen=True, slots=True)
class Source:
    """A source that was applied: `location` is the normalised URL of its origin, or its real path."""

    id: str
    kind: str
    location: str
    revision: str
    applied_at: int


@dataclass(frozen=True, slots=True)
class StoreSpec:
    """A store that was delivered to: label, kind, and its spec as canonical JSON without credentials."""

    uid: str
    label: str
    kind: str
    spec: str


@dataclass(frozen=True, slots=True)
class Intent:
    """An effect that is about to happen, and all that its delivery will be if it did.

    `token` is random, and used for this intent only. `audit` is the sequence of its record in the audit log.
    """

    target: Target
    op: Op
    ref: Ref
    source: str
    seq: int
    token: str = field(repr=False)
    expect: str
    fingerprint: str = field(repr=False)
    input: str
    keys: tuple[str, ...]
    on_delete: OnDelete
    audit: int
    at: int


@dataclass(frozen=True, slots=True)
class Observed:
    """What stands at a target now, as its store says; empty texts are unknown."""

    target: Target
    presence: Presence
    version: str = ""
    owner: str = ""
    token: str = field(default="", repr=False)
    fingerprint: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class Keys:
    """What triage and plan may know of the keyring: its digest, each key's status, and whose fingerprints are ours.

    `fingerprint_key` is the part of a fingerprint before the colon; one with another is unknown.
    """

    digest: str
    status: Mapping[str, str]
    fingerprint_key: str


@dataclass(frozen=True, slots=True)
class Triage:
    """What to do about one document, decided without a key."""

    ref: Ref
    do: Do
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Desired:
    """What should stand at a target, after opening; the payload itself stays in the shell.

    `fingerprint` is what a delivery of it is recognised by, `mark` what the store is given along with it.
    """

    target: Target
    ref: Ref
    input: str
    fingerprint: str = field(repr=False)
    mark: str = field(repr=False)
    keys: tuple[str, ...]
    size: int
    items: tuple[str, ...]
    on_delete: OnDelete = "delete"


@dataclass(frozen=True, slots=True)
class Step:
    """One step of a plan. `expect` is the version that was observed."""

    op: Op
    target: Target
    ref: Ref
    expect: str = ""
    fingerprint: str = field(default="", repr=False)
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why nothing is pruned, and the deliveries that would go."""

    reason: str
    kept: tuple[Delivery, ...] = ()
