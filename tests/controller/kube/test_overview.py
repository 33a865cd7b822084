"""What SealedSecrets say of themselves, ours and Bitnami's, as rows of `status`."""

from __future__ import annotations

from typing import Any

from controller import reason
from controller.kube.overview import rows


def _item(name: str, generation: int = 2, **status: Any) -> dict[str, Any]:
    metadata = {
        "namespace": "shop",
        "name": name,
        "generation": generation,
        "creationTimestamp": "2026-01-01T00:00:00Z",
    }
    return {"metadata": metadata, **({"status": status} if status else {})}


def _synced(status: str, **more: str) -> dict[str, str]:
    return {"type": "Synced", "status": status, "lastTransitionTime": "2026-02-03T04:05:06Z", **more}


def test_delivered_by_either_controller() -> None:
    theirs = _item("a", observedGeneration=2, conditions=[_synced("True")])
    ours = _item("b", observedGeneration=2, conditions=[_synced("True")], secretRef={"resourceVersion": "77"})
    found = rows([theirs, ours])
    assert [(row.state, row.version) for row in found] == [("delivered", ""), ("delivered", "77")]
    assert found[0].since == 1_770_091_506_000


def test_a_status_of_an_older_generation_says_nothing() -> None:
    assert [row.state for row in rows([_item("a", 3, observedGeneration=2, conditions=[_synced("True")])])] == [
        "pending"
    ]
    assert [row.state for row in rows([_item("a"), _item("b", observedGeneration=-1)])] == ["pending", "pending"]


def test_failures_come_first_and_say_why() -> None:
    good = _item("a", observedGeneration=2, conditions=[_synced("True")])
    closed = _synced("False", reason="NoMatchingKey", message="no key could decrypt secret (password)")
    failed = _item("b", observedGeneration=2, conditions=[closed])
    stale = _item("c", observedGeneration=2, conditions=[closed], secretRef={"resourceVersion": "5"})
    found = rows([good, failed, stale])
    assert [(row.name, row.state) for row in found] == [("b", "failed"), ("c", "stale"), ("a", "delivered")]
    assert reason.load(found[0].why)[0].code == reason.NO_KEY
    assert reason.short(found[0].why) == "no key could decrypt secret (password)"


def test_what_is_no_status_at_all_does_not_stop_the_others() -> None:
    odd = {"metadata": {"namespace": "shop", "name": "x", "generation": 1}, "status": {"conditions": ["?", None]}}
    assert [row.state for row in rows([odd, _item("a", status=[])])] == ["pending", "pending"]
