"""What may be delivered where, asked anew each run and without opening anything (DELIVERY section 1). Pure.

Until there are policies every verdict is "allow" but for the fixed refusals: what holds or names a sealing key, the
types that Kubernetes makes tokens of, and stores that nobody configured. (What has the name of a key Secret in the
controller's own namespace comes with the Kubernetes store.) Who writes Git chooses among stores only.
"""

from __future__ import annotations

import functools
import hashlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from controller import reason
from controller.reason import Cause
from sealer.formats.wire import lp

if TYPE_CHECKING:
    from collections.abc import Mapping

    from controller.configuration import Mode
    from controller.model import Ref, Target
    from controller.places import Place
    from controller.sources.entry import Entry

TEMPLATES = "1"
"""Version of what templates are rendered to; another one delivers every secret again."""

DEFAULT = ("local",)
NEVER = ("kubernetes.io/service-account-token", "bootstrap.kubernetes.io/token")
_ON_DELETE = ("", "delete", "retain")


@dataclass(frozen=True, slots=True)
class Verdict:
    """What is allowed of one document: `reason` says why not; `inputs` are its targets, each with its input.

    In the stores `adopting` what belongs to somebody else may be taken over; `labels` are the stores for people.
    `warning` is said, and stops nothing.
    """

    owner: str
    reason: str = ""
    inputs: Mapping[Target, str] = field(default_factory=dict)
    adopting: frozenset[str] = frozenset()
    labels: Mapping[str, str] = field(default_factory=dict)
    warning: str = ""


def never(entry: Entry) -> Cause | None:
    """Why a document is delivered to no store at all: what marks sealing keys, and types that make tokens."""
    if entry.reserved:
        what = f"the template sets {entry.reserved[0]}, which marks sealing keys and is never delivered"
        return Cause(reason.NEVER, (), what, "take it out of spec.template.metadata")
    if entry.type in NEVER:
        return Cause(reason.NEVER, (), f"type {entry.type} is never delivered", "change spec.template.type")
    return None


def judge(entry: Entry, ref: Ref, owner: str, stores: Mapping[str, Place], v1: Mode = "accept") -> Verdict:
    """The verdict on one document. `stores` are those configured here, by label; `v1` is the rule of its namespace."""
    wanted = entry.stores if entry.stores is not None else DEFAULT
    refused = _refused(entry, ref, wanted, stores) or _v1_refused(entry, v1)
    known = [stores[label] for label in wanted if label in stores] or [stores[label] for label in DEFAULT]
    inputs = {place.target(ref): input_of(entry.digest, place.store.uid, owner) for place in known}
    adopting, labels = _around(tuple((place.store.uid, place.config.label, place.config.adopt) for place in known))
    warning = "v1 format, which doesn't bind a value to its item" if v1 == "warn" and entry.v1 else ""
    return Verdict(owner, reason.dump(refused) if refused else "", inputs, adopting, labels, warning)


@functools.lru_cache(maxsize=64)
def _around(stores: tuple[tuple[str, str, bool], ...]) -> tuple[frozenset[str], Mapping[str, str]]:
    """Which of these stores adopt, and what they are called: one value for the thousands of documents that share it."""
    return frozenset(uid for uid, _, adopt in stores if adopt), {uid: label for uid, label, _ in stores}


def input_of(digest: str, store: str, owner: str) -> str:
    """The digest of all that decides whether a target needs work, but the verdict."""
    framed = b"".join(lp(text.encode("utf-8", "surrogateescape")) for text in (digest, store, owner, TEMPLATES))
    return hashlib.sha256(framed).hexdigest()


def _v1_refused(entry: Entry, mode: Mode) -> Cause | None:
    if mode != "refuse" or not entry.v1:
        return None
    what = "has items in the v1 format, which is refused in this namespace"
    return Cause(reason.NEVER, (), what, "seal it again: sealer seal --envelope v2, or sealer set for each item")


def _refused(entry: Entry, ref: Ref, wanted: tuple[str, ...], stores: Mapping[str, Place]) -> Cause | None:
    if (cause := never(entry)) is not None:
        return cause
    if not wanted:
        return Cause(reason.NEVER, (), "sealer.dev/stores names no store", "name one, or take the annotation out")
    unknown = [label for label in wanted if label not in stores]
    if unknown:
        known = ", ".join(sorted(stores))
        what = f"store {', '.join(unknown)} is not configured here; known: {known}"
        way_out = f"give the --config that has it, or change the annotation sealer.dev/stores to: {known}"
        return Cause(reason.NEVER, (), what, way_out)
    closed = [label for label in wanted if not stores[label].serves(ref.namespace)]
    if closed:
        what = f"store {', '.join(closed)} does not serve namespace {ref.namespace}"
        return Cause(reason.NEVER, (), what, f"name another store, or let it serve {ref.namespace} (--config)")
    if entry.on_delete not in _ON_DELETE:
        return Cause(reason.NEVER, (), "sealer.dev/on-delete is neither delete nor retain", "write delete or retain")
    return None
