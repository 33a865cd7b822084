"""What to do about one SealedSecret before anything is opened: DELIVERY's `triage`, asked for one document. Pure.

What the local state keeps elsewhere, stands in the cluster here: whether this very document was delivered is said by
the mark of its Secret, as far as the fingerprint of what stands shows it, and otherwise by its status. Whose a Secret
is, `wanted.hold` knows: in a cluster that is a matter of owners and annotations, and comes after this.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from controller import reason
from controller.kube import standing
from controller.model import Delivery, Document, Observed, Origin, Snapshot, Target
from controller.reason import Cause
from controller.triage import triage
from controller.verdict import Verdict, never
from sealer.formats.binding import Scope

if TYPE_CHECKING:
    from collections.abc import Mapping

    from controller.fingerprint import FingerprintKey
    from controller.kube.standing import Mark
    from controller.kube.wanted import Owner
    from controller.model import Keys, Triage
    from controller.sources.entry import Entry
    from sealer.secret import Ref

KEY_SECRET = Cause(reason.NEVER, (), "this is the name of a key Secret, which is never delivered")
_STORE = "kubernetes"
_ELSEWHERE = "?"
"""The version of what a status alone says was delivered: whether that stands, it can't show."""


def decide(
    ref: Ref,
    entry: Entry,
    owner: Owner,
    wanted: str,
    stands: Mapping[str, Any] | None,
    status: Mapping[str, Any],
    keys: Keys,
    fingerprint_key: FingerprintKey | None,
    *,
    key_secret: bool = False,
) -> Triage:
    """`skip` what stands right, `open` what there may be work for, and `keep` or `refuse` the rest, with the reason.

    `wanted` is the input of the document; `key_secret`: its Secret would be one that holds a key.
    """
    target = Target(_STORE, str(ref))
    cause = KEY_SECRET if key_secret else never(entry)
    verdict = Verdict(f"{_STORE}/{owner.uid}", reason.dump(cause) if cause else "", {target: wanted})
    document = Document(ref, Origin(_STORE, str(ref), 0, ""), wanted, Scope(entry.scope), recipients=entry.recipients)
    mark = standing.marked(stands) if stands is not None else None
    observed = _observed(target, ref, verdict.owner, stands, mark, fingerprint_key)
    right = mark is not None and (mark.uid, mark.input) == (owner.uid, wanted) and mark.fingerprint != ""
    fingerprint = mark.fingerprint if mark and right and mark.fingerprint == observed.fingerprint else ""
    known = {}
    if fingerprint or status.get("input") == wanted:
        known[target] = Delivery(target, ref, _STORE, 0, wanted, fingerprint, _ELSEWHERE, (), "delivered")
    snapshot = Snapshot(_STORE, "", "", complete=True, documents=(document,))
    (found,) = triage(snapshot, known, {}, {target: observed}, {ref: verdict}, keys, 0)
    return found


def _observed(
    target: Target,
    ref: Ref,
    owner: str,
    stands: Mapping[str, Any] | None,
    mark: Mark | None,
    key: FingerprintKey | None,
) -> Observed:
    """What stands. Its owner is always ours: whose it is, is not asked here."""
    if stands is None:
        return Observed(target, "absent", owner=owner)
    found = standing.print_of_standing(key, ref, stands, mark) if key is not None and mark is not None else ""
    return Observed(target, "present", stands["metadata"]["resourceVersion"], owner, fingerprint=found)
