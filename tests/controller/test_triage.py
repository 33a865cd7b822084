"""Triage: what to do about each document, without a key. One test a rule (DELIVERY section 2)."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from controller import reason
from controller.model import (
    Delivery,
    Document,
    Failure,
    Keys,
    Observed,
    Origin,
    Presence,
    Ref,
    Snapshot,
    Target,
    Triage,
)
from controller.reason import Cause
from controller.triage import triage
from controller.verdict import Verdict, input_of
from sealer.formats.binding import Scope

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

OWNER = "prod/shop"
DB = Ref("payments", "db")
AT = Target("local", "payments/db")
KEYS = Keys("keyring-1", {"aa": "active", "cc": "compromised"}, "")
NEVER = reason.dump(Cause(reason.NEVER, (), "a rule"))


def document(
    ref: Ref = DB, digest: str = "d1", recipients: tuple[str, ...] = ("aa",), path: str = "x.yaml"
) -> Document:
    return Document(ref, Origin("shop", path, 0, ""), digest, Scope.STRICT, recipients=recipients)


def wanted(digest: str = "d1") -> str:
    return input_of(digest, "local", OWNER)


def delivery(digest: str = "d1", version: str = "1", **changes: object) -> Delivery:
    base = Delivery(AT, DB, "shop", 1, wanted(digest), "fp:1", version, ("aa",), "delivered", "", 5)
    return replace(base, **changes)  # type: ignore[arg-type]


def seen(presence: Presence = "present", version: str = "1", owner: str = OWNER, fingerprint: str = "") -> Observed:
    return Observed(AT, presence, version, owner, "", fingerprint)


def decide(
    documents: Iterable[Document] = (document(),),
    *,
    deliveries: Iterable[Delivery] = (),
    failures: Iterable[Failure] = (),
    observed: Iterable[Observed] = (Observed(AT, "absent"),),
    verdicts: Mapping[Ref, Verdict] | None = None,
    keys: Keys = KEYS,
) -> tuple[Triage, ...]:
    found = tuple(documents)
    verdict = {each.ref: Verdict(OWNER, "", {AT: wanted(each.digest)}) for each in found}
    return triage(
        Snapshot("shop", "", "", True, found),
        {each.target: each for each in deliveries},
        {each.ref: each for each in failures},
        {each.target: each for each in observed},
        {**verdict, **(verdicts or {})},
        keys,
        10,
    )


def codes(decided: Triage) -> list[str]:
    return [each.code for each in reason.load(decided.reason)]


def test_new_is_opened() -> None:
    assert decide() == (Triage(DB, "open"),)


def test_the_same_input_at_the_recorded_version_is_skipped() -> None:
    assert decide(deliveries=[delivery()], observed=[seen()]) == (Triage(DB, "skip"),)


def test_another_input_is_opened() -> None:
    assert decide(deliveries=[delivery("d0")], observed=[seen()])[0].do == "open"


@pytest.mark.parametrize("presence", ["absent", "deleted"])
def test_a_lost_target_is_opened(presence: Presence) -> None:
    assert decide(deliveries=[delivery()], observed=[seen(presence, "", "")])[0].do == "open"


def test_drift_is_opened() -> None:
    assert decide(deliveries=[delivery()], observed=[seen(version="2", fingerprint="fp:2")])[0].do == "open"
    assert decide(deliveries=[delivery()], observed=[seen(version="2")])[0].do == "open"


def test_a_new_version_id_of_the_same_value_is_skipped() -> None:
    assert decide(deliveries=[delivery()], observed=[seen(version="2", fingerprint="fp:1")])[0].do == "skip"


def test_a_failure_is_not_opened_again_until_document_or_keyring_changes() -> None:
    why = reason.dump(Cause(reason.CLOSED, ("k",)))
    failure = Failure(DB, "d1", "keyring-1", why)
    assert decide(failures=[failure]) == (Triage(DB, "refuse", why),)
    assert decide(failures=[failure], deliveries=[delivery("d0")], observed=[seen()]) == (Triage(DB, "keep", why),)
    assert decide(failures=[replace(failure, digest="d0")])[0].do == "open"
    assert decide(failures=[failure], keys=replace(KEYS, digest="keyring-2"))[0].do == "open"


def test_what_a_store_rejected_waits_for_another_input() -> None:
    rejected = delivery("d1", "", state="failed", reason="too large")
    assert decide(deliveries=[rejected]) == (Triage(DB, "refuse", "too large"),)
    assert decide(deliveries=[delivery("d0", "", state="failed", reason="too large")])[0].do == "open"
    assert decide(deliveries=[delivery("d1", "1", state="failed", reason="x")], observed=[seen()])[0].do == "keep"


def test_what_is_pending_is_opened_again() -> None:
    assert decide(deliveries=[delivery("d1", "", state="pending")])[0].do == "open"


def test_a_denied_document_is_refused_and_kept_if_it_was_delivered() -> None:
    denied = {DB: Verdict(OWNER, NEVER, {AT: wanted()})}
    assert decide(verdicts=denied) == (Triage(DB, "refuse", NEVER),)
    assert decide(verdicts=denied, deliveries=[delivery()], observed=[seen()]) == (Triage(DB, "keep", NEVER),)


def test_a_withdrawn_delivery_keeps_nothing() -> None:
    denied = {DB: Verdict(OWNER, NEVER, {AT: wanted()})}
    assert decide(verdicts=denied, deliveries=[delivery(state="withdrawn")])[0].do == "refuse"


def test_a_compromised_key_opens_only_what_was_delivered() -> None:
    bad = document(recipients=("aa", "cc"))
    refused = decide([bad])[0]
    assert (refused.do, codes(refused)) == ("refuse", ["compromised"])
    assert decide([bad], deliveries=[delivery("d0")], observed=[seen()])[0].do == "keep"
    assert decide([bad], deliveries=[delivery()], observed=[Observed(AT, "absent")])[0].do == "open"
    assert decide([bad], deliveries=[delivery()], observed=[seen()])[0].do == "skip"
    assert decide([bad], deliveries=[delivery(state="failed", input=wanted("d2"))], observed=[seen()])[0].do == "keep"


def test_the_same_ref_twice_fails_both() -> None:
    twice = [document(path="a.yaml"), document(path="b.yaml", digest="d2")]
    (only,) = decide(twice)
    assert (only.do, codes(only)) == ("refuse", ["collision"])
    assert "a.yaml and b.yaml" in only.reason
    assert decide(twice, deliveries=[delivery()], observed=[seen()])[0].do == "keep"


def test_two_refs_at_one_target_fail_both() -> None:
    other = Ref("payments", "DB".lower() + "x")
    verdicts = {other: Verdict(OWNER, "", {AT: wanted("d2")})}
    found = decide([document(), document(other, "d2")], verdicts=verdicts)
    assert [(each.do, codes(each)) for each in found] == [("refuse", ["collision"])] * 2


def test_the_first_owner_keeps_a_target() -> None:
    (foreign,) = decide(observed=[seen(owner="prod/other")])
    assert (foreign.do, codes(foreign)) == ("refuse", ["foreign"])
    assert decide(observed=[seen("deleted", owner="prod/other")])[0].do == "open"


def test_a_store_that_does_not_answer_stops_its_documents_only() -> None:
    other, there = Ref("web", "app"), Target("local", "web/app")
    verdicts = {other: Verdict(OWNER, "", {there: wanted("d2")})}
    found = decide([document(), document(other, "d2")], verdicts=verdicts)
    assert [each.do for each in found] == ["open", "refuse"]
    assert codes(found[1]) == ["unavailable"]
