"""DELIVERY's triage for one SealedSecret: what needs no key, what is refused, and what is opened."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

import pytest

from controller import reason
from controller.kube import deciding, document
from controller.model import Keys
from controller.sources.entry import Entry, entry_of
from sealer.formats.keys import generate_kem
from tests.controller.kube.endpoints import sealed as really_sealed
from tests.controller.kube.objects import DB, INPUT, KEY, LATER, OTHER, OWNER, made, reference, sealed, want
from tests.controller.samples import state_key

STATE = state_key()[0]
KEYS = Keys("digest", {}, STATE[:8])
STANDS = made(want({"user": b"app"}))


def entry(template: Mapping[str, Any] | None = None) -> Entry:
    found, _ = document.read(sealed({"encryptedData": {"user": "AgA="}, "template": dict(template or {})}))
    return entry_of(found)


def decide(stands: Mapping[str, Any] | None, **more: Any) -> tuple[str, str]:
    """The decision, and the code of its reason."""
    given: dict[str, Any] = {"status": {}, "keys": KEYS, "fingerprint_key": KEY, "key_secret": False} | more
    of, wanted = given.pop("entry", entry()), given.pop("wanted", INPUT)
    place = [given.pop(name) for name in ("status", "keys", "fingerprint_key")]
    found = deciding.decide(DB, of, OWNER, wanted, stands, *place, **given)
    assert found.ref == DB
    return found.do, next((each.code for each in reason.load(found.reason)), "")


def changed(**metadata: Any) -> dict[str, Any]:
    found = copy.deepcopy(STANDS)
    found["metadata"] |= metadata
    return found


def test_what_stands_right_is_left_whatever_a_status_says() -> None:
    assert decide(STANDS) == decide(STANDS, status={"input": LATER}) == ("skip", "")


@pytest.mark.parametrize(
    "stands",
    [
        None,
        STANDS | {"data": {"user": "b3RoZXI="}},
        changed(annotations={}),
        changed(ownerReferences=[]),
        made(want({"user": b"app"}, uid=OTHER)),
        made(want({"user": b"app"}, input=LATER)),
    ],
    ids=["absent", "another value", "no mark", "no owner", "another SealedSecret's", "of another input"],
)
@pytest.mark.parametrize("status", [{}, {"input": INPUT}], ids=["untold", "told"])
def test_what_does_not_is_opened_also_where_a_status_says_it_stood(
    stands: Mapping[str, Any] | None, status: Mapping[str, Any]
) -> None:
    assert decide(stands, status=status) == ("open", "")


def test_without_a_key_for_fingerprints_nothing_is_known() -> None:
    assert decide(STANDS, fingerprint_key=None) == ("open", "")


@pytest.mark.parametrize(
    "template", [{"type": "kubernetes.io/service-account-token"}, {"metadata": {"labels": {"sealer.dev/key": "x"}}}]
)
def test_what_is_never_delivered_is_refused_before_anything_else(template: Mapping[str, Any]) -> None:
    assert decide(None, entry=entry(template)) == ("refuse", reason.NEVER)
    assert decide(STANDS, entry=entry(template)) == ("keep", reason.NEVER)


def test_the_name_of_a_key_secret() -> None:
    assert decide(None, key_secret=True) == ("refuse", reason.NEVER)


def test_a_compromised_key_opens_only_what_was_delivered_before() -> None:
    key = generate_kem()
    found, _ = document.read(really_sealed({"user": b"app"}, key))
    given = {"entry": entry_of(found), "keys": Keys("digest", {key.id: "compromised"}, STATE[:8])}
    assert decide(None, **given) == ("refuse", reason.COMPROMISED)
    assert decide(None, **given, status={"input": LATER}) == ("refuse", reason.COMPROMISED)
    assert decide(None, **given, status={"input": INPUT}) == ("open", "")
    # A mark alone doesn't do: whoever may write Secrets could have set it.
    drifted = STANDS | {"data": {"user": "b3RoZXI="}}
    assert decide(drifted, **given) == ("refuse", reason.COMPROMISED)
    assert decide(STANDS, **given) == ("skip", "")


def test_an_owner_that_is_not_ours_is_no_matter_of_triage() -> None:
    """`wanted.hold` knows: by annotations, which triage doesn't."""
    assert decide(changed(ownerReferences=[reference(OTHER)])) == ("open", "")
