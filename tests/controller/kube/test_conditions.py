"""The status of a SealedSecret (operators.md 3.3), and what those who wait for it make of it (4, case 66)."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from controller.kube import conditions, events
from controller.kube import document as kube_document
from controller.kube.conditions import Outcome
from controller.kube.keyhints import Opening
from controller.kube.opening import NotOpened, opened
from tests.controller.kube.objects import INPUT, LATER, sealed

T1, T2, T3 = "2026-01-01T00:00:00Z", "2026-01-01T00:00:01Z", "2026-01-01T00:00:09Z"
DEFAULT = {"observedGeneration": -1}
"""What our CRD gives to a new one."""

GOOD = Outcome(True, "Unsealed", input=INPUT, keys=("0123456789abcdef",), secret=("db", "uid-1", "41"))
NO_KEY = Outcome(False, "NoMatchingKey", "no key could decrypt secret (a, b)")
SCOPE = Outcome(False, "ScopeMismatch", "was sealed for another scope, namespace, name or item (a)")
UNMANAGED = Outcome(False, "Unmanaged", 'Resource "db" already exists and is not managed by SealedSecret')
AWAY = Outcome(False, "Unreachable", "gave no answer (TimeoutError)", again=True)


def after(former: Mapping[str, Any] | None, *outcomes: tuple[Outcome, int, str]) -> dict[str, Any]:
    """What the API server has after each outcome was told: a merge patch replaces the list and keeps other fields."""
    status = dict(former or {})
    for outcome, generation, now in outcomes:
        status |= conditions.status(status, outcome, generation, now) or {}
    return status


def theirs(word: str, message: str = "", generation: int = 1) -> dict[str, Any]:
    """A status as Bitnami's controller writes it."""
    synced = {"type": "Synced", "status": word, "lastUpdateTime": T1, "lastTransitionTime": T1}
    return {"observedGeneration": generation, "conditions": [{**synced, **({"message": message} if message else {})}]}


def _by_type(status: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    return {each["type"]: each for each in status["conditions"]}


def _words(status: Mapping[str, Any]) -> dict[str, str]:
    return {each["type"]: each["status"] for each in status["conditions"]}


# What is written.


def test_all_that_is_said_of_a_delivery() -> None:
    said = {
        "reason": "Unsealed", "message": "", "observedGeneration": 3, "lastUpdateTime": T1, "lastTransitionTime": T1,
    }  # fmt: skip
    assert conditions.status(None, GOOD, 3, T1) == {
        "observedGeneration": 3,
        "conditions": [{"type": "Synced", "status": "True", **said}, {"type": "Ready", "status": "True", **said}],
        "input": INPUT,
        "keys": ["0123456789abcdef"],
        "secretRef": {"name": "db", "uid": "uid-1", "resourceVersion": "41"},
    }


@pytest.mark.parametrize("outcome", [NO_KEY, SCOPE, UNMANAGED], ids=lambda each: each.reason)
def test_what_nothing_will_change_by_itself_is_stalled(outcome: Outcome) -> None:
    status = after(DEFAULT, (outcome, 2, T1))
    assert _words(status) == {"Synced": "False", "Ready": "False", "Stalled": "True"}
    for each in status["conditions"]:
        assert (each["reason"], each["message"], each["observedGeneration"]) == (outcome.reason, outcome.message, 2)
    assert status["observedGeneration"] == 2


def test_what_is_tried_again_is_reconciling() -> None:
    assert _words(after(None, (AWAY, 1, T1))) == {"Synced": "False", "Ready": "False", "Reconciling": "True"}


@given(st.lists(st.sampled_from([GOOD, NO_KEY, UNMANAGED, AWAY]), min_size=1, max_size=5))
def test_synced_is_first_and_no_two_say_different_things(outcomes: list[Outcome]) -> None:
    status = after(None, *((each, number, T1) for number, each in enumerate(outcomes, 1)))
    words = [each["type"] for each in status["conditions"]]
    assert words[:2] == ["Synced", "Ready"]
    assert len(words) == (2 if outcomes[-1].good else 3)
    assert _words(status)["Synced"] == _words(status)["Ready"]


def test_a_failure_keeps_what_was_delivered_before() -> None:
    before = after(None, (GOOD, 1, T1))
    now = after(before, (NO_KEY, 2, T2))
    for name in ("input", "keys", "secretRef"):
        assert now[name] == before[name]


def test_conditions_of_others_stay_behind_ours() -> None:
    other = {"type": "Policy", "status": "True", "lastTransitionTime": T1}
    status = {**theirs("True"), "conditions": [other, *theirs("True")["conditions"]]}
    assert [each["type"] for each in after(status, (GOOD, 1, T2))["conditions"]] == ["Synced", "Ready", "Policy"]
    now = after(status, (GOOD, 1, T2))
    assert conditions.status(now, GOOD, 1, T3) is None


# Times (E14 to E17, D1, D2).


def test_e14_the_first_time_both_times_are_now() -> None:
    synced = _by_type(after({}, (GOOD, 1, T1)))["Synced"]
    assert synced["lastTransitionTime"] == synced["lastUpdateTime"] == T1


def test_e15_both_are_where_the_verdict_flips() -> None:
    for status in (theirs("False", "no"), after(None, (NO_KEY, 1, T1))):
        synced = _by_type(after(status, (GOOD, 1, T2)))["Synced"]
        assert synced["lastTransitionTime"] == synced["lastUpdateTime"] == T2


def test_e16_the_same_failure_is_not_written_again() -> None:
    assert conditions.status(after(None, (NO_KEY, 1, T1)), NO_KEY, 1, T2) is None


def test_e17_a_failure_after_a_success_is_written() -> None:
    synced = _by_type(after(theirs("True"), (NO_KEY, 1, T2)))["Synced"]
    assert (synced["status"], synced["lastTransitionTime"]) == ("False", T2)


def test_d2_a_new_generation_is_an_update_and_no_transition() -> None:
    synced = _by_type(after(None, (GOOD, 1, T1), (replace(GOOD, input=LATER), 2, T2)))["Synced"]
    assert (synced["lastTransitionTime"], synced["lastUpdateTime"]) == (T1, T2)


def test_a_message_is_fresh_and_moves_no_transition() -> None:
    """Theirs writes a status only when the verdict flips, so that what it says grows stale."""
    synced = _by_type(after(None, (NO_KEY, 1, T1), (SCOPE, 1, T2)))["Synced"]
    assert (synced["message"], synced["lastTransitionTime"], synced["lastUpdateTime"]) == (SCOPE.message, T1, T2)


# No write where nothing changes: it is the dearest call there is.


@pytest.mark.parametrize("outcome", [GOOD, NO_KEY, AWAY], ids=lambda each: each.reason)
def test_the_same_again_is_not_written(outcome: Outcome) -> None:
    status = after(DEFAULT, (outcome, 1, T1))
    assert conditions.status(status, outcome, 1, T2) is None


@pytest.mark.parametrize(
    "outcome",
    [
        replace(GOOD, secret=("db", "uid-1", "42")),
        replace(GOOD, secret=("db", "uid-2", "41")),
        replace(GOOD, input=LATER),
        replace(GOOD, keys=()),
    ],
)
def test_another_delivery_is_written(outcome: Outcome) -> None:
    assert conditions.status(after(None, (GOOD, 1, T1)), outcome, 1, T2) is not None


def _kept_by_their_crd(status: Mapping[str, Any]) -> dict[str, Any]:
    kept = ("type", "status", "reason", "message", "lastUpdateTime", "lastTransitionTime")
    found = [{name: each[name] for name in kept if name in each} for each in status["conditions"]]
    return {"observedGeneration": status["observedGeneration"], "conditions": found}


@pytest.mark.parametrize("outcome", [GOOD, NO_KEY], ids=lambda each: each.reason)
def test_what_their_crd_drops_is_not_written_again_and_again(outcome: Outcome) -> None:
    status = _kept_by_their_crd(after(None, (outcome, 1, T1)))
    assert conditions.status(status, outcome, 1, T2) is None
    for another in (AWAY, SCOPE):
        assert conditions.status(status, another, 1, T2) is not None
    assert conditions.status(status, outcome, 2, T2) is not None


def test_what_they_said_of_it_is_made_ours_once() -> None:
    now = after(theirs("True"), (GOOD, 1, T2))
    assert (now["input"], _by_type(now)["Synced"]["lastTransitionTime"]) == (INPUT, T1)
    assert conditions.status(now, GOOD, 1, T3) is None


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["type", "status", "x"]), inner),
    max_leaves=6,
)


@given(st.dictionaries(st.sampled_from(["conditions", "observedGeneration", "input", "keys", "secretRef"]), _JSON))
def test_no_former_status_makes_it_crash(former: dict[str, Any]) -> None:
    now = after(former, (GOOD, 1, T1))
    assert conditions.status(now, GOOD, 1, T2) is None
    conditions.changed(former, now)
    conditions.delivered({**sealed(), "status": former}, INPUT)


def test_a_message_is_never_longer_than_a_kilobyte() -> None:
    long = replace(NO_KEY, message=f"no key could decrypt secret ({', '.join(['item'] * 500)})")
    said = _by_type(after(None, (long, 1, T1)))["Synced"]["message"]
    assert (len(said), said[-3:]) == (1024, "...")


def test_of_a_long_message_the_way_out_stays() -> None:
    """An event begins with words of its own, and ends after as many characters."""
    items = ", ".join(["item"] * 500)
    for what in ("no key could decrypt secret (a)", f"no key could decrypt secret ({items})"):
        message = conditions.said(what, "seal it again")
        outcome = replace(NO_KEY, message=message)
        assert _by_type(after(None, (outcome, 1, T1)))["Synced"]["message"] == message
        made = events.event(sealed(), events.UNSEAL_FAILED, message, T1, "1")["message"]
        assert made == f"Failed to unseal: {message}"
        assert message.endswith("; seal it again")
    assert "...; " in message
    assert conditions.said("what") == "what"


# What asks for another look.


@pytest.mark.parametrize("outcome", [GOOD, NO_KEY, AWAY], ids=lambda each: each.reason)
def test_a_request_is_answered_once_and_is_no_transition(outcome: Outcome) -> None:
    before = after(DEFAULT, (outcome, 1, T1))
    body = conditions.status(before, outcome, 1, T2, "now")
    assert body is not None
    assert body["lastHandledReconcileAt"] == "now"
    assert not conditions.changed(before, body)
    synced = _by_type(body)["Synced"]
    assert (synced["lastTransitionTime"], synced["lastUpdateTime"]) == (T1, T2)
    now = {**before, **body}
    assert conditions.status(now, outcome, 1, T3, "now") is None
    assert conditions.status(now, outcome, 1, T3) is None  # the annotation is gone again
    assert conditions.status(now, outcome, 1, T3, "later") is not None


def test_an_answer_that_their_crd_drops_is_not_written_again_and_again() -> None:
    status = _kept_by_their_crd(after(None, (GOOD, 1, T1)))
    assert conditions.status(status, GOOD, 1, T2, "now") is None


def test_a_status_holds_no_fingerprint() -> None:
    mark = f"01234567:{secrets.token_hex(16)}"
    assert mark[:9] not in str(after(None, (GOOD, 1, T1)))


# What is worth an event.


def test_events_are_for_transitions_only() -> None:
    good, bad = after(None, (GOOD, 1, T1)), after(None, (NO_KEY, 1, T1))
    moved = replace(GOOD, secret=("db", "uid-2", "77"))
    for former, outcome, generation, expected in (
        (None, GOOD, 1, True),
        (DEFAULT, NO_KEY, 1, True),
        (good, NO_KEY, 1, True),
        (bad, GOOD, 1, True),
        (bad, SCOPE, 1, True),
        (bad, NO_KEY, 2, True),
        (good, GOOD, 2, True),
        (good, replace(GOOD, input=LATER), 1, True),
        (good, GOOD, 1, False),
        (good, moved, 1, False),
        (bad, NO_KEY, 1, False),
        (theirs("True"), GOOD, 1, False),
        (theirs("True"), GOOD, 2, True),
        (theirs("False", NO_KEY.message), GOOD, 1, True),
    ):
        body = conditions.status(former, outcome, generation, T2)
        assert conditions.changed(former, body) is expected, (former, outcome, generation)


# What a status says of what was delivered.


def test_whether_a_status_says_that_this_was_delivered() -> None:
    for status, generation, expected in (
        (None, 1, False),
        (DEFAULT, 1, False),
        (after(None, (GOOD, 1, T1)), 1, True),
        (after(None, (GOOD, 1, T1)), 2, True),  # a changed field that delivery does not depend on
        (after(None, (replace(GOOD, input=LATER), 1, T1)), 1, False),
        (after(None, (GOOD, 1, T1), (NO_KEY, 2, T2)), 2, True),
        (theirs("True"), 1, True),
        (theirs("True"), 2, False),
        (theirs("False", "no"), 1, False),
    ):
        item = {**sealed(generation=generation), "status": status}
        assert conditions.delivered(item, INPUT) is expected, (status, generation)


# Those who wait for it: kstatus (Flux, kubectl), and the check that Argo CD ships for SealedSecrets.


def _kstatus(item: Mapping[str, Any]) -> str:
    """Flux's rules, in their order (operators.md 3.1)."""
    status = item.get("status") or {}
    words = _words({"conditions": status.get("conditions", ())})
    observed = status.get("observedGeneration")
    if item["metadata"].get("deletionTimestamp"):
        return "Terminating"
    if observed is not None and observed != item["metadata"]["generation"]:
        return "InProgress"
    if words.get("Reconciling") == "True":
        return "InProgress"
    if words.get("Stalled") == "True":
        return "Failed"
    return {"True": "Current", None: "Current"}.get(words.get("Ready"), "InProgress")


def _argo(item: Mapping[str, Any]) -> tuple[str, str]:
    """The first Synced decides; which generation it is of is not looked at (3.2)."""
    for each in (item.get("status") or {}).get("conditions", ()):
        if each["type"] == "Synced" and each["status"] == "False":
            return "Degraded", each.get("message", "")
        if each["type"] == "Synced" and each["status"] == "True":
            return "Healthy", ""
    return "Progressing", "Waiting for Sealed Secret to be decrypted"


_WAITING = ("Progressing", "Waiting for Sealed Secret to be decrypted")
_HEALTHY = ("Healthy", "")


@pytest.mark.parametrize(
    ("status", "generation", "kstatus", "argo"),
    [
        (None, 1, "Current", _WAITING),  # as under Bitnami's CRD: nobody can tell it from what has no status
        (DEFAULT, 1, "InProgress", _WAITING),
        (theirs("True"), 1, "Current", _HEALTHY),
        (theirs("False", "no"), 1, "Current", ("Degraded", "no")),  # what Flux takes for a success
        (after(DEFAULT, (GOOD, 1, T1)), 1, "Current", _HEALTHY),
        (after(DEFAULT, (GOOD, 1, T1)), 2, "InProgress", _HEALTHY),
        (after(DEFAULT, (NO_KEY, 1, T1)), 1, "Failed", ("Degraded", NO_KEY.message)),
        (after(DEFAULT, (UNMANAGED, 1, T1)), 1, "Failed", ("Degraded", UNMANAGED.message)),
        (after(DEFAULT, (AWAY, 1, T1)), 1, "InProgress", ("Degraded", AWAY.message)),
        (after(theirs("False", "no"), (GOOD, 1, T1)), 1, "Current", _HEALTHY),
        (after(DEFAULT, (GOOD, 1, T1), (SCOPE, 2, T2)), 2, "Failed", ("Degraded", SCOPE.message)),
        (after(DEFAULT, (AWAY, 1, T1), (NO_KEY, 1, T2), (GOOD, 1, T3)), 1, "Current", _HEALTHY),
    ],
    ids=[
        "none", "new", "theirs, good", "theirs, bad", "good", "good, changed since", "no key", "unmanaged",
        "tried again",
        "good after theirs", "bad after good", "good after all",
    ],
)  # fmt: skip
def test_66_what_flux_and_argo_make_of_it(
    status: dict[str, Any] | None, generation: int, kstatus: str, argo: tuple[str, str]
) -> None:
    item = {**sealed(generation=generation), "status": status}
    assert (_kstatus(item), _argo(item)) == (kstatus, argo)


def test_no_name_of_an_item_moves_a_terminal() -> None:
    """Of a SealedSecret as anybody may write it, in what whoever lists those of all namespaces sees."""
    item = sealed({"encryptedData": {"\x1b[2J\u202eyes\nno": "?"}})
    document, legacy = kube_document.read(item)
    with pytest.raises(NotOpened) as found:
        opened(document, legacy, Opening({}, ()))
    outcome = Outcome(False, found.value.reason, conditions.said(found.value.what, found.value.way_out))
    written = conditions.status(None, outcome, 1, T1) or {}
    (message,) = {each["message"] for each in written["conditions"]}
    assert message.isprintable()
    assert message == outcome.message
    assert "\\x1b[2J\\x202eyes\\x0ano" in message


def test_a_way_out_is_whole_whatever_is_escaped() -> None:
    assert Outcome(False, "Malformed", conditions.said("\x07" * 999, "seal it again")).message.endswith("seal it again")
    assert len(conditions.said("\x07" * 999, "seal it again")) <= 1024
