"""/v1/rotate: SealedSecrets -> the same, sealed to the newest keys. Pure.

What each item is bound to comes from the SealedSecret's own metadata, never from its template: upstream sealed again
as the template's annotations said, so that a strict secret could be widened by whoever wrote a template
(CVE-2026-22728, GHSA-465p-v42x-3fmj). Nothing is rendered (0.40.0 upstream, #2049).

Unlike upstream all else of a document stays as it is: labels, annotations and data of its template, unknown fields.
An item stays in its envelope: v1 to the newest RSA key, v2 to the newest of its kind. One that is sealed to others,
too, is refused, since their keys are not here and they would lose it. Items that a compromised key opened are named in
the annotation `sealer.dev/exposed`: sealing a value anew does not heal it (FORMATS section 5).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

import msgspec

from controller.kube import legacy
from controller.kube.wanted import LEFT_OUT
from sealer.errors import BoundElsewhere, CannotOpen, EnvelopeError, FormatError, NameRefused, NoKey, Refused
from sealer.formats.keyid import KEM, RSA
from sealer.formats.keyrecord import Status
from sealer.sealing.seal import V1, V2, Recipients, envelope_of, seal_item
from sealer.sealing.targets import EXPOSED, split_list
from sealer.sealing.unseal import open_item

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from controller.kube.effort import Effort
    from controller.kube.keysecret import SealingKey
    from controller.kube.posted import Posted
    from sealer.errors import SealerError
    from sealer.sealing.unseal import PrivateKeys

_REASONS: tuple[tuple[type[SealerError], str], ...] = (
    (NameRefused, "a name in it is none that Kubernetes takes"),
    (BoundElsewhere, "it was sealed for another scope, namespace, name or item"),
    (NoKey, "no key of this controller is the one that it needs"),
    (CannotOpen, "no key could decrypt secret"),
    (EnvelopeError, "a value in it is not sealed"),
    (FormatError, "it is no SealedSecret"),
)


class Keys(Protocol):
    """What sealing again needs of the keys; `controller.kube.registry.KeyRegistry` is one."""

    @property
    def status(self) -> Mapping[str, Status]:
        """Of each key by id."""

    def opening(self, namespace: str, prefer: Iterable[str] = (), *, compromised: bool = False) -> PrivateKeys:
        """The private keys for one document of a namespace."""

    def newest(self, algorithm: str) -> SealingKey:
        """The key that is sealed to. Raises NoKey."""


def rotate(posted: Sequence[Posted], keys: Keys, effort: Effort, *, accept_legacy: bool = True) -> bytes:
    """The JSON of the document sealed again; of several, a List of them. Raises SealerError, see `reason`."""
    done = [_rotated(each, keys, effort, accept_legacy) for each in posted]
    answer = done[0] if len(done) == 1 else {"apiVersion": "v1", "kind": "List", "items": done}
    return msgspec.json.encode(answer) + b"\n"


def reason(error: SealerError) -> str:
    """Why something can't be sealed again, in words of ours: the error itself may name what stands in the request."""
    if isinstance(error, Refused):  # ours, without a name in them
        return f"it {error.what}"
    return next((words for kind, words in _REASONS if isinstance(error, kind)), "it failed")


def _rotated(posted: Posted, keys: Keys, effort: Effort, accept_legacy: bool) -> dict[str, Any]:
    legacy.check(posted, accept_legacy)
    body = {key: value for key, value in posted.body.items() if key != "status"}
    spec = dict(body.get("spec") or {})
    held = keys.opening(posted.namespace, compromised=True)
    bounded = effort.bounded(held)
    if posted.legacy is not None:
        found = legacy.unpack(posted.legacy, posted.binding, bounded)
        del spec["data"]
        spec["template"] = _template(found)
        opened = {item: (value, found.key_id, V1) for item, value in found.items.items()}
    else:
        opened = {item: _open(text, item, posted, held, bounded) for item, text in posted.items.items()}
    spec["encryptedData"] = {
        item: seal_item(value, posted.binding, item, _recipients(keys, envelope))
        for item, (value, _, envelope) in opened.items()
    }
    body["spec"] = spec
    exposed = [item for item, (_, key_id, _) in opened.items() if keys.status.get(key_id) is Status.COMPROMISED]
    if exposed:
        body["metadata"] = _exposed(body["metadata"], exposed)
    return body


def _open(text: str, item: str, posted: Posted, held: PrivateKeys, bounded: PrivateKeys) -> tuple[bytes, str, str]:
    """The value of an item, the id of the key that opened it, and its envelope."""
    envelope = envelope_of(text)
    recipients = getattr(envelope, "recipients", ())
    value, key_id = open_item(text, posted.binding, item, bounded)
    if any(held.get(each) is None for each in recipients):
        raise Refused("is sealed to others, too, whose keys are not here: use `sealer rotate`")
    return value, key_id, V2 if recipients else V1


def _recipients(keys: Keys, envelope: str) -> Recipients:
    newest = keys.newest(KEM if envelope == V2 else RSA)
    return Recipients(envelope, (newest.key.public,), ("",))


def _template(found: legacy.Legacy) -> dict[str, Any]:
    """What the old form had inside, as a template. One beside it never counted, as Bitnami's controller has it."""
    labels = dict(found.labels)
    # A copy of the whole object has its values in clear.
    annotations = {name: text for name, text in found.annotations.items() if name not in LEFT_OUT}
    made: dict[str, Any] = {
        "metadata": {name: each for name, each in (("labels", labels), ("annotations", annotations)) if each}
    }
    if found.type:
        made["type"] = found.type
    if found.immutable:
        made["immutable"] = True
    return made


def _exposed(metadata: dict[str, Any], items: Iterable[str]) -> dict[str, Any]:
    annotations = dict(metadata.get("annotations") or {})
    named = {*split_list(annotations.get(EXPOSED) or ""), *items}
    return metadata | {"annotations": annotations | {EXPOSED: ",".join(sorted(named))}}
