"""What goes wrong around a controller, in a real cluster: programs killed, keys late or lost, two of everything.

The numbers are those of the cases in operators.md, section 4. Whatever the fault, the end is the same (`Case.verify`):
each Secret holds what was sealed, nobody else's was touched, and no value is where it doesn't belong.
"""

from __future__ import annotations

import contextlib
import secrets
import signal
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from controller.kube import names
from tests.kube.cluster import Cluster
from tests.kube.controllers import CRD, PATIENCE, Objects, owners, sealed, synced
from tests.kube.faults import (
    Account,
    Case,
    compromise,
    delivered,
    holder,
    identity,
    idle,
    keys_of,
    leases,
    listed,
    release,
    sequence,
    unsealed,
    until,
    versions,
)
from tests.kube.hastened import hastened


@pytest.fixture(scope="module")
def shaken(kube_programs: tuple[Path, Path]) -> Iterator[Cluster]:
    """A cluster for the tests of this file alone, whose parts are stopped and started again."""
    with Cluster(*kube_programs) as running:
        running.define(CRD)
        yield running


@pytest.fixture
def case(shaken: Cluster) -> Case:
    """Two new namespaces."""
    return Case.of(shaken)


# Restarts.


def test_55_a_warm_restart_opens_nothing_and_writes_nothing(case: Case) -> None:
    with case.runs_ours() as first:
        case.create(case.bodies(first, 50))
        case.verify()
        assert first.counted("sealer_opens_total") == 50
        assert first.end() == 0
    before = [versions(case.objects, "secrets", "sealedsecrets", "events"), versions(case.own, "secrets")]
    with case.runs_ours() as second:
        assert [each["unsettled"] for each in second.log if each["event"] == "ready"] == [0]
        assert second.counted("sealed_secrets_controller_unseal_requests_total") == 0
        assert second.counted("sealer_opens_total") == 0
        assert second.counted("sealer_reconcile_duration_seconds_count") == 0
        assert [versions(case.objects, "secrets", "sealedsecrets", "events"), versions(case.own, "secrets")] == before
        case.seal(second, "more")
        case.verify()
        assert second.counted("sealer_opens_total") == 1


def test_58_sigterm_under_load_ends_well_and_the_next_goes_on(case: Case) -> None:
    case.create(case.bodies(case.keys(), 60))
    with case.runs_ours("--workers=1") as first:
        until(case.objects, "secrets", delivered)
        assert first.end() == 0
    with case.runs_ours() as second:
        case.verify()
        assert unsealed(first) + second.counted("sealer_opens_total") == 60


def test_38_sigkill_under_load_and_the_next_goes_on(case: Case) -> None:
    case.create(case.bodies(case.keys(), 60))
    with case.runs_ours("--workers=1") as first:
        until(case.objects, "secrets", delivered)
        first.process.kill()
    release(case)
    with case.runs_ours() as second:
        case.verify()
        # At most the one that it had in hand was opened for nothing.
        assert unsealed(first) + second.counted("sealer_opens_total") in (60, 61)


# Keys.


def test_40_a_key_that_comes_later_releases_what_waits_for_it(case: Case, shaken: Cluster) -> None:
    elsewhere = Case(Objects(shaken, shaken.namespace()), case.objects)
    with elsewhere.runs_ours() as other:
        bodies = [case.body(other, "old"), case.body(other, "new", v2=True)]
    with case.runs_ours() as controller:
        case.seal(controller, "here")
        case.create(bodies)
        for name in ("old", "new"):
            assert synced(case.objects.settled(name, "False"))["reason"] == "NoMatchingKey"
        made = listed(elsewhere.own, "secrets")
        for name, each in {**keys_of(made, "bitnami"), **keys_of(made, "sealing")}.items():
            kept: dict[str, Any] = {part: each[part] for part in ("type", "data", "immutable") if part in each}
            labels = each["metadata"]["labels"]
            case.own.create("secrets", {"metadata": {"name": f"late-{name}", "labels": labels}, **kept})
        case.verify()
        assert controller.counted("sealer_opens_total") == 3


def test_42_a_compromised_key_opens_nothing_new_and_takes_nothing_away(case: Case) -> None:
    case.keys()  # who made a key makes the next one only after a while
    with case.runs_ours() as controller:
        case.create([case.body(controller, "v1"), case.body(controller, "v2", v2=True)])
        case.verify()
        late = [case.body(controller, "late-v1"), case.body(controller, "late-v2", v2=True)]
        stood = versions(case.objects, "secrets", "sealedsecrets")
        compromise(case)
        case.create(late)
        assert synced(case.objects.settled("late-v1", "False"))["reason"] == "NoMatchingKey"
        assert synced(case.objects.settled("late-v2", "False"))["reason"] == "Compromised"
        assert stood.items() <= versions(case.objects, "secrets", "sealedsecrets").items()
        case.seal(controller, "after")
        case.verify(refused=("late-v1", "late-v2"))
        assert controller.end() == 0
    with case.runs_ours():
        case.verify(refused=("late-v1", "late-v2"))
        assert stood.items() <= versions(case.objects, "secrets", "sealedsecrets").items()


def test_42_what_a_compromised_key_delivered_comes_back_when_it_is_deleted(case: Case) -> None:
    """DELIVERY, section 2: it opens only a document whose digest was delivered; a lost target is delivered again."""
    case.keys()
    with case.runs_ours() as controller:
        case.create([case.body(controller, "v1"), case.body(controller, "v2", v2=True)])
        case.verify()
        compromise(case)
        for name in ("v1", "v2"):
            case.objects.delete("secrets", name)
        case.verify()


def test_42_a_key_that_was_called_compromised_by_mistake(case: Case) -> None:
    case.keys()
    with case.runs_ours() as controller:
        late = [case.body(controller, "late-v1"), case.body(controller, "late-v2", v2=True)]
        rsa, kem = compromise(case)
        case.create(late)
        for name in ("late-v1", "late-v2"):
            case.objects.settled(name, "False")
        case.own.patch("secrets", rsa, {"metadata": {"labels": {names.KEY_LABEL: names.KEY_ACTIVE}}})
        case.own.patch("secrets", kem, {"metadata": {"labels": {names.KEY_STATUS: None}}})
        case.verify()


def test_41_keys_are_renewed_while_objects_come_and_none_is_lost(case: Case) -> None:
    with case.runs_ours() as controller:
        case.create(case.bodies(controller, 30, "before"))
        before = sequence(listed(case.own, "secrets"))
        controller.process.send_signal(signal.SIGUSR1)
        case.create(case.bodies(controller, 30, "during"))
        made = until(
            case.own,
            "secrets",
            lambda now: all(len(keys_of(now, kind)) == 2 for kind in ("bitnami", "sealing")) and sequence(now) > before,
        )
        case.create(case.bodies(controller, 10, "after"))
        case.verify()
        assert controller.counted("sealer_opens_total") == 70
        assert sequence(made) <= before + 2


# Objects.


def test_37_deleted_and_made_again_under_its_name(case: Case) -> None:
    with case.runs_ours() as controller:
        case.seal(controller, "db")
        case.verify()
        first = case.objects.get("sealedsecrets", "db") or {}
        case.objects.delete("sealedsecrets", "db")
        case.seal(controller, "db", v2=True)
        case.verify()
        again = case.objects.get("sealedsecrets", "db") or {}
        assert again["metadata"]["uid"] != first["metadata"]["uid"]
        assert owners(case.objects.get("secrets", "db") or {}) == [again["metadata"]["uid"]]


def test_34_more_than_a_secret_holds_is_stalled_and_never_tried_again(case: Case) -> None:
    with case.runs_ours() as controller:
        case.values["large"] = secrets.token_hex(1024 * 512).encode() + b"0"
        case.create([sealed(controller, case.objects.namespace, "large", {"token": case.values["large"]})])
        found = case.objects.settled("large", "False")
        conditions = {each["type"]: each for each in found["status"]["conditions"]}
        assert (conditions["Stalled"]["status"], conditions["Stalled"]["reason"]) == ("True", "TooLarge")
        assert "Reconciling" not in conditions
        case.seal(controller, "db")
        case.verify(refused=("large",))
        # An item less, and it fits.
        case.objects.delete("sealedsecrets", "large")
        case.seal(controller, "large")
        case.verify()


def test_56_what_can_not_be_delivered_holds_nobody_up(case: Case, shaken: Cluster) -> None:
    """Garbage, a lost key, what is somebody else's, and a namespace that refuses every write, with one worker."""
    ending = Objects(shaken, shaken.namespace())
    newest = case.keys()
    for number in range(10):
        ending.create("sealedsecrets", sealed(newest, ending.namespace, f"p-{number}", {"token": b"x"}))
    status, answer = shaken.call("DELETE", f"/api/v1/namespaces/{ending.namespace}")
    assert status == 200, answer
    with case.runs_ours("--workers=1", f"--additional-namespaces={case.objects.namespace},{ending.namespace}") as one:
        assert synced(ending.settled("p-0", "False"))["reason"] == "Forbidden"
        poison: dict[str, dict[str, Any]] = {
            "garbage": {"encryptedData": {"token": "AgA"}},
            "wild": {"encryptedData": {"token": secrets.token_hex(600)}},
            "loop": {"template": {"data": {"a": "{{ range $i := untilStep 0 1000000000 1 }}{{ $i }}{{ end }}"}}},
            "broken": {"template": {"data": {"a": "{{ if }}"}}},
        }
        for name, change in poison.items():
            body = sealed(one, case.objects.namespace, name, {"token": secrets.token_hex(16).encode()})
            case.objects.create("sealedsecrets", {**body, "spec": {**body["spec"], **change}})
        case.create([sealed(one, case.objects.namespace, "stranger", {"token": b"ours"})])
        case.create(case.bodies(one, 20))
        case.verify()
        for name in (*poison, "stranger"):
            assert synced(case.objects.settled(name, "False"))["message"]
        assert delivered(listed(ending, "secrets")) == 0


# The API server, and what is behind it.


def test_18_the_api_server_is_killed_while_a_hundred_are_worked_on(case: Case, shaken: Cluster) -> None:
    case.create(case.bodies(case.keys(), 100))
    with case.runs_ours("--workers=2") as controller:
        until(case.objects, "secrets", delivered)
        shaken.restart(kill=True)
        case.verify()
        assert controller.process.poll() is None


def test_20_etcd_is_gone_for_a_while(case: Case, shaken: Cluster) -> None:
    case.create(case.bodies(case.keys(), 100))
    with case.runs_ours("--workers=2") as controller:
        until(case.objects, "secrets", delivered)
        shaken.stop_etcd(kill=True)
        shaken.start_etcd()
        case.verify()
        assert controller.process.poll() is None


# Two of them.


def test_47_the_leader_is_killed_and_the_standby_goes_on(case: Case) -> None:
    """With the times that it is shipped with: nobody but time takes the lease from it."""
    with case.runs_ours("--workers=1") as leader, case.standby() as standby, ThreadPoolExecutor(1) as pool:
        bodies = case.bodies(leader, 60)
        creating = pool.submit(case.create, bodies)
        until(case.objects, "secrets", delivered)
        leader.process.kill()
        creating.result(PATIENCE)
        case.verify()
        assert "leads" in [each["event"] for each in standby.log]
        assert 60 <= unsealed(leader) + unsealed(standby) <= 61


def test_47_a_leader_that_ends_hands_over_and_what_stands_is_left_alone(case: Case) -> None:
    with case.runs_ours() as leader, case.standby() as standby:
        case.create(case.bodies(leader, 30))
        case.verify()
        before = versions(case.objects, "secrets", "sealedsecrets", "events")
        assert leader.end() == 0
        # Given back, so that nobody waits until it runs out.
        status, found = case.own.cluster.call("GET", leases(case))
        assert status == 200, found
        assert identity(leader) not in [each["spec"]["holderIdentity"] for each in found["items"]]
        case.seal(standby, "more")
        case.verify()
        idle(case.own.cluster, standby)
        assert standby.counted("sealer_opens_total") == 1
        now = versions(case.objects, "secrets", "sealedsecrets", "events")
        assert len(now) == len(before) + 3  # the SealedSecret, its Secret and its event
        assert {name: now.get(name) for name in before} == before


def test_50_the_lease_is_deleted(case: Case) -> None:
    with case.runs_ours() as leader, case.standby() as standby:
        case.seal(leader, "before")
        case.verify()
        assert holder(until(case.own, "leases", holder, leases(case))) == identity(leader)
        release(case)
        case.create(case.bodies(leader, 20, "meanwhile"))
        again = until(case.own, "leases", holder, leases(case))
        assert holder(again) in (identity(leader), identity(standby))
        case.create(case.bodies(leader, 20, "after"))
        case.verify()


def test_45_two_that_start_at_once_make_one_key_of_each_kind(case: Case) -> None:
    with contextlib.ExitStack() as stack, ThreadPoolExecutor(2) as pool:
        one, other = pool.map(stack.enter_context, (case.standby(), case.standby()))
        found = listed(case.own, "secrets")
        kinds = ("bitnami", "sealing", "identity", "state")
        assert {kind: len(keys_of(found, kind)) for kind in kinds} == dict.fromkeys(kinds, 1)
        assert len(found) == 4
        assert one.certificate() == other.certificate()
        case.create(case.bodies(one, 4))
        case.verify()


def test_24_51_who_alone_may_do_nothing_any_more_makes_room_and_comes_back(
    case: Case, account: Account, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hastened(monkeypatch, tmp_path / "hastened")
    with case.runs_ours(f"--kubeconfig={account.kubeconfig}") as leader, case.standby() as standby:
        case.seal(leader, "before")
        case.verify()
        account.revoke()
        case.create(case.bodies(leader, 10, "meanwhile"))
        case.verify()
        assert "leads" in [each["event"] for each in standby.log]
        account.grant()
        assert standby.end() == 0
        case.create(case.bodies(leader, 10, "after"))
        case.verify()
        assert leader.end() == 0


def test_24_rights_are_revoked_and_restored(case: Case, account: Account) -> None:
    with case.runs_ours(f"--kubeconfig={account.kubeconfig}") as controller:
        bodies = case.bodies(controller, 10)
        account.revoke()
        case.create(bodies)
        account.grant()
        case.verify()
