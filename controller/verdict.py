"""What may be delivered where, asked anew each run and without opening anything (DELIVERY section 1). Pure.

Until there are policies every verdict is "allow" but for the fixed refusals: what holds or names a sealing key, the
types that Kubernetes makes tokens of, and stores that nobody configured. Who writes Git chooses among stores only.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from controller import reason
from controller.model import Ref, Target
from controller.reason import Cause
from sealer.formats.wire import lp

if TYPE_CHECKING:
    from controller.sources.entry import Entry

TEMPLATES = "1"
"""Version of what templates are rendered to; another one delivers every secret again."""

DEFAULT = ("local",)
NEVER = ("kubernetes.io/service-account-token", "bootstrap.kubernetes.io/token")
_ON_DELETE = ("", "delete", "retain")

Place = Callable[[Ref], Target]


@dataclass(frozen=True, slots=True)
class Verdict:
    """What is allowed of one document: `reason` says why not; `inputs` are its targets, each with its input."""

    owner: str
    reason: str = ""
    inputs: Mapping[Target, str] = field(default_factory=dict)


def judge(entry: Entry, ref: Ref, owner: str, stores: Mapping[str, Place]) -> Verdict:
    """The verdict on one document. `stores` are those configured here: label -> where a secret goes in it."""
    wanted = entry.stores if entry.stores is not None else DEFAULT
    refused = _refused(entry, wanted, stores)
    known = [stores[label](ref) for label in wanted if label in stores] or [stores[label](ref) for label in DEFAULT]
    inputs = {target: input_of(entry.digest, target.store, owner) for target in known}
    return Verdict(owner, reason.dump(refused) if refused else "", inputs)


def input_of(digest: str, store: str, owner: str) -> str:
    """The digest of all that decides whether a target needs work, but the verdict."""
    framed = b"".join(lp(text.encode("utf-8", "surrogateescape")) for text in (digest, store, owner, TEMPLATES))
    return hashlib.sha256(framed).hexdigest()


def _refused(entry: Entry, wanted: tuple[str, ...], stores: Mapping[str, Place]) -> Cause | None:
    if entry.reserved:
        what = f"the template sets {entry.reserved[0]}, which marks sealing keys and is never delivered"
        return Cause(reason.NEVER, (), what, "take it out of spec.template.metadata")
    if entry.type in NEVER:
        return Cause(reason.NEVER, (), f"type {entry.type} is never delivered", "change spec.template.type")
    if not wanted:
        return Cause(reason.NEVER, (), "sealer.dev/stores names no store", "name one, or take the annotation out")
    unknown = [label for label in wanted if label not in stores]
    if unknown:
        known = ", ".join(sorted(stores))
        what = f"store {', '.join(unknown)} is not configured here; known: {known}"
        return Cause(reason.NEVER, (), what, f"change the annotation sealer.dev/stores to: {known}")
    if entry.on_delete not in _ON_DELETE:
        return Cause(reason.NEVER, (), "sealer.dev/on-delete is neither delete nor retain", "write delete or retain")
    return None
