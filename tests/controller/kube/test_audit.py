"""A whole controller with an audit log, beside a cluster in memory; and the requests that it answers."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
import stat
from collections.abc import Coroutine, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from controller.kube import audit as audits
from controller.kube import names
from controller.kube.auditlog import AuditLog
from controller.kube.identity import User
from controller.kube.opening import NotOpened
from controller.kube.parts import Away
from controller.kube.wanted import NotWritten
from sealer.formats import envelope_v2, keys
from sealer.formats.binding import Binding, Scope
from sealer.kube.client import ApiError, Unreachable
from sealer.secret import Ref
from tests.controller.kube import endpoints, memory
from tests.controller.kube.memory import Asked, Controller
from tests.controller.kube.test_auditlog import records
from tests.controller.kube.test_whole import WHILE, World
from tests.sealer.rings import rsa_key

if TYPE_CHECKING:
    from controller.audit.record import Entry, Record

OTHER = keys.generate_kem()


@pytest.fixture(autouse=True)
def _time(monkeypatch: pytest.MonkeyPatch) -> None:
    memory.on_the_loops_time(monkeypatch)


def run(test: Coroutine[Any, Any, None]) -> None:
    memory.run(test)


def lines(directory: Path) -> list[tuple[str, str, str, str]]:
    """Phase, verb, ref and outcome of each record; all that was begun has ended."""
    found = [each.entry for each in records(directory)]
    begun = [each.sequence for each in records(directory) if each.entry.phase == "intent"]
    assert sorted(begun) == sorted(each.intent for each in found if each.intent)
    return [(each.phase, each.verb, each.ref, each.outcome) for each in found]


def ends(directory: Path, ref: str) -> list[tuple[str, str, str]]:
    """Verb, outcome and reason of what came of each access to a secret."""
    found = [each.entry for each in records(directory)]
    return [(each.verb, each.outcome, each.reason) for each in found if each.phase == "outcome" and each.ref == ref]


def of(directory: Path, ref: str) -> list[Record]:
    return [each for each in records(directory) if each.entry.ref == ref]


async def stopped(controller: Controller) -> None:
    await controller.stop()
    await controller.app.audit.__aexit__()
    assert controller.defects == []


def test_each_access_is_on_disk_before_it_takes_effect(tmp_path: Path) -> None:
    async def test() -> None:
        world, log = World(), tmp_path / "log"
        before: list[list[str]] = []

        def fault(number: int, asked: Asked) -> None:
            if (asked.verb, asked.plural, asked.key) == ("create", "secrets", "shop/db"):
                before.append([each.entry.verb for each in of(log, "shop/db")])

        world.seal("shop", "db")
        controller = world.controller(fault, audit_log=str(log), cluster="prod")
        await asyncio.sleep(WHILE)
        assert world.delivered("shop/db")
        await stopped(controller)
        assert before == [["open", "put"]]
        opens, puts, opened, put = of(log, "shop/db")
        status = world.status("shop/db")
        assert (opens.entry.phase, opens.entry.reason, opens.entry.source) == ("intent", "items: token", "prod")
        assert {each.entry.revision for each in (opens, puts, opened, put)} == {status["input"]}
        version = status["secretRef"]["resourceVersion"]
        key = status["keys"][0][:8]
        assert ends(log, "shop/db") == [("open", "done", f"with {key}"), ("put", "done", f"version {version}")]
        assert puts.entry.store == "kubernetes"
        for file in (log / "audit").iterdir():
            assert world.value not in file.read_bytes()
            assert stat.S_IMODE(file.stat().st_mode) == 0o600

    run(test())


def test_nothing_is_written_where_nothing_is_opened(tmp_path: Path) -> None:
    """A restart with all as it was; and a replica that doesn't lead makes not even its directory."""

    async def test() -> None:
        world, log = World(), tmp_path / "log"
        world.seal("shop", "db")
        controller = world.controller(audit_log=str(log))
        await asyncio.sleep(WHILE)
        standby = world.controller(audit_log=str(tmp_path / "standby"))
        await asyncio.sleep(WHILE)
        assert not (tmp_path / "standby").exists()
        count = len(records(log))
        await stopped(controller)
        await asyncio.sleep(WHILE)
        world.seal("shop", "new")
        await asyncio.sleep(WHILE)
        await stopped(standby)
        assert len(records(log)) == count
        assert {each.entry.ref for each in records(tmp_path / "standby")} == {"shop/new"}

    run(test())


def test_without_the_flag_there_is_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)

    async def test() -> None:
        world = World()
        world.seal("shop", "db")
        controller = world.controller()
        await asyncio.sleep(WHILE)
        assert world.delivered("shop/db")
        await stopped(controller)
        assert b"sealer_audit" not in controller.app.metrics.page("")[0]
        assert list(tmp_path.iterdir()) == []

    run(test())


def test_while_it_can_t_be_written_nothing_is_opened(tmp_path: Path) -> None:
    """What stands stays, the status says why, and it is tried again by itself."""

    async def test() -> None:
        world, log = World(), tmp_path / "volume" / "log"
        world.seal("shop", "db")
        (tmp_path / "volume").write_text("in the way")
        controller = world.controller(audit_log=str(log))
        await asyncio.sleep(WHILE)
        assert not world.delivered("shop/db")
        assert controller.opens == 0
        conditions = {each["type"]: (each["status"], each["reason"]) for each in world.status("shop/db")["conditions"]}
        assert conditions == dict.fromkeys(("Synced", "Ready"), ("False", "NotAudited")) | {
            "Reconciling": ("True", "NotAudited")
        }
        said = world.synced("shop/db")[1]
        assert "audit log can't be written: not a directory; nothing is opened without it" in said
        assert str(tmp_path) not in said  # of the controller's machine, which is nobody's business in a namespace
        told = [each for each in controller.log.records if each.get("path") == str(log)]
        assert "audit log can't be written" in told[0]["reason"]
        assert counted(controller, "failures") > 0
        (tmp_path / "volume").unlink()
        await asyncio.sleep(10 * WHILE)
        assert world.delivered("shop/db")
        assert world.synced("shop/db") == ("Unsealed", "")
        await stopped(controller)
        assert counted(controller, "records") == len(records(log)) == len(lines(log))

    run(test())


def counted(controller: Controller, what: str) -> float:
    page = controller.app.metrics.page("")[0].decode()
    return next(float(line.split()[1]) for line in page.splitlines() if line.startswith(f"sealer_audit_{what}_total"))


def test_what_failed_and_what_was_refused(tmp_path: Path) -> None:
    async def test() -> None:
        world, log = World(), tmp_path / "log"
        text = envelope_v2.seal(world.value, Binding(Scope.STRICT, "shop", "far").context("token"), [OTHER.public])
        metadata = {"namespace": "shop", "name": "far"}
        far = {"apiVersion": names.API_VERSION, "kind": names.KIND, "metadata": metadata}
        world.api.put("sealedsecrets", {**far, "spec": {"encryptedData": {"token": text}}})
        world.seal("shop", "typed")

        def fault(number: int, asked: Asked) -> Any:
            if (asked.verb, asked.plural, asked.key) == ("create", "secrets", "shop/typed"):
                return ApiError(422, "Invalid", where="", fields=("type",))
            return None

        controller = world.controller(fault, audit_log=str(log))
        await asyncio.sleep(WHILE)
        await stopped(controller)
        assert ends(log, "shop/far") == [
            ("open", "failed", "NoMatchingKey: no key could decrypt secret (token)"),
            ("put", "failed", "not opened"),
        ]
        (opened, put) = ends(log, "shop/typed")
        assert opened[1] == "done"
        assert put[:2] == ("put", "refused")
        lines(log)

    run(test())


def test_what_a_rule_refuses_is_said_once(tmp_path: Path) -> None:
    """Nothing is opened for it, and a restart says nothing new."""

    async def test() -> None:
        world, log = World(), tmp_path / "log"
        world.api.put("secrets", {"metadata": {"namespace": "shop", "name": "db"}, "data": {}})
        world.seal("shop", "db")
        for _ in range(2):
            controller = world.controller(audit_log=str(log))
            await asyncio.sleep(WHILE)
            await stopped(controller)
            assert controller.opens == 0
        (said,) = of(log, "shop/db")
        assert (said.entry.phase, said.entry.verb, said.entry.outcome) == ("event", "refuse", "refused")
        assert said.entry.reason.startswith('Unmanaged: Resource "db" already exists')

    run(test())


@pytest.mark.parametrize(
    ("error", "opened", "outcomes"),
    [
        (asyncio.CancelledError(), False, ["unknown", "failed"]),  # a lease was lost
        (asyncio.CancelledError(), True, ["done", "unknown"]),
        (Away(), True, ["done", "abandoned"]),
        (Unreachable("no answer", where="/"), True, ["done", "unknown"]),
        (ApiError(409, "Conflict", where="/"), True, ["done", "failed"]),
        (ApiError(504, "Timeout", where="/"), True, ["done", "unknown"]),  # etcd may have it all the same
        (NotWritten("TooLarge", "is too large"), True, ["done", "refused"]),
        (NotOpened("CannotOpen", "does not open"), False, ["failed", "failed"]),
    ],
)
def test_what_came_of_it_follows_from_how_it_ended(
    tmp_path: Path, error: BaseException, opened: bool, outcomes: list[str]
) -> None:
    async def test() -> None:
        async with audits.Logged(AuditLog(tmp_path / "log"), "prod") as audit:
            with contextlib.suppress(type(error)):
                async with audit.opening(Ref("shop", "db"), "ab12", ["token"]) as told:
                    if opened:
                        told.opened(["ab12cd34"])
                    raise error
        assert [outcome for _, outcome, _ in ends(tmp_path / "log", "shop/db")] == outcomes

    run(test())


def test_of_a_write_whose_answer_never_came_nobody_knows(tmp_path: Path) -> None:
    async def test() -> None:
        world, log = World(), tmp_path / "log"
        world.seal("shop", "db")
        lost: list[int] = []

        def fault(number: int, asked: Asked) -> Any:
            if (asked.verb, asked.plural, asked.key) == ("create", "secrets", "shop/db") and not lost:
                lost.append(number)
                return "lost"
            return None

        controller = world.controller(fault, audit_log=str(log))
        await asyncio.sleep(WHILE)
        await stopped(controller)
        assert [each[:2] for each in ends(log, "shop/db")][:2] == [("open", "done"), ("put", "unknown")]
        lines(log)

    run(test())


def test_a_secret_that_is_deleted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def test() -> None:
        world, log = World(), tmp_path / "log"
        world.seal("shop", "db")
        controller = world.controller(audit_log=str(log), old_gc_behavior=True)
        await asyncio.sleep(WHILE)
        monkeypatch.setattr(world.api, "_collect", lambda item: None)  # a cluster whose garbage collector is slow
        world.api.delete("sealedsecrets", "shop/db")
        await asyncio.sleep(WHILE)
        assert "shop/db" not in world.api.all("secrets")
        await stopped(controller)
        assert ends(log, "shop/db")[2:] == [("delete", "done", "")]
        assert of(log, "shop/db")[4].entry.reason == "its SealedSecret is gone"

    run(test())


def test_keys_that_are_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("controller.kube.renewal.generate_rsa", lambda **_: rsa_key(0))

    async def test() -> None:
        api, log = memory.Api(), tmp_path / "log"
        flags = memory.flags(audit_log=str(log))
        controller = Controller(api, memory.Client(api, lambda number, asked: None), flags).start()
        await asyncio.sleep(WHILE)
        controller.app._renewal.renew()
        await asyncio.sleep(WHILE)
        await stopped(controller)
        found = [each.entry for each in records(log) if each.entry.phase == "intent"]
        assert {each.ref for each in found} == set(api.all("secrets"))
        assert [each.reason for each in found] == [
            "identity key: there is none that is in use",
            "state key: there is none that is in use",
            "sealing key: there is none that is in use",
            "bitnami key: there is none that is in use",
            "sealing key: asked for by a signal",
            "bitnami key: asked for by a signal",
        ]
        assert {each[1:2] + each[3:] for each in lines(log) if each[0] == "outcome"} == {("generate", "done")}

    run(test())


# Requests.


class Anybody:
    """Lets all, and knows who it is."""

    async def who(self, headers: Any) -> User:
        return User("system:serviceaccount:shop:ci", {}, "")

    async def may(self, *_: Any) -> None:
        pass


def test_requests_to_verify_and_rotate(tmp_path: Path) -> None:
    word = secrets.token_hex(9)
    audit = audits.Logged(AuditLog(tmp_path / "log"), "prod")
    document = endpoints.sealed({"password": word.encode()}, OTHER)
    with endpoints.running(OTHER, audit=audit, identity=Anybody()) as site:
        assert site.post("/v1/verify", document)[0] == 200
        assert site.post("/v1/rotate", document, document)[0] == 200
        assert site.post("/v1/verify", endpoints.sealed({"a": b""}, keys.generate_kem()))[0] == 409
        assert site.post("/v1/rotate", endpoints.sealed({"a": b""}, keys.generate_kem()))[0] == 500
        assert site.post("/v1/verify", "no document")[0] == 500
        asyncio.run_coroutine_threadsafe(audit.written(), audit._log._loop).result()  # type: ignore[arg-type]
    found = [each.entry for each in records(tmp_path / "log")]
    who = "for system:serviceaccount:shop:ci"
    assert [(each.ref, each.reason) for each in found if each.phase == "intent"] == [
        ("shop/db", f"/v1/verify {who}; items: password"),
        ("", f"/v1/rotate {who}; documents: shop/db, shop/db"),
        ("shop/db", f"/v1/verify {who}; items: a"),
        ("shop/db", f"/v1/rotate {who}; items: a"),
    ]
    assert [(each.outcome, each.reason) for each in found if each.phase == "outcome"] == [
        ("done", ""),
        ("done", ""),
        ("failed", "it doesn't open"),
        ("failed", "no key of this controller is the one that it needs"),
    ]
    assert all(word.encode() not in file.read_bytes() for file in (tmp_path / "log" / "audit").iterdir())


def test_of_long_names_no_more_waits_than_a_record_has_room_for(tmp_path: Path) -> None:
    """A body may have ten megabytes of them, and its record may wait for long."""
    waits: list[Entry] = []

    class Seen(AuditLog):
        async def begin(self, entries: Iterable[Entry]) -> list[int]:
            waits.extend(entries)
            return await super().begin(waits)

    document = endpoints.sealed({"a": b""}, OTHER)
    document["metadata"]["name"] = "b" * 9000
    document["spec"]["encryptedData"] = {"a" * 9000: document["spec"]["encryptedData"]["a"]}
    with endpoints.running(OTHER, audit=audits.Logged(Seen(tmp_path / "log"), "prod")) as site:
        assert site.post("/v1/verify", document)[0] != 200
    assert [(len(each.ref), len(each.reason)) for each in waits] == [(320, 500)]


def test_a_request_is_refused_while_it_can_t_be_written(tmp_path: Path) -> None:
    (tmp_path / "volume").write_text("in the way")
    audit = audits.Logged(AuditLog(tmp_path / "volume" / "log"), "prod")
    with endpoints.running(OTHER, audit=audit) as site:
        for verb in ("verify", "rotate"):
            code, headers, body = site.ask(
                "POST", f"/v1/{verb}", endpoints.encoded(endpoints.sealed({"a": b""}, OTHER))
            )
            assert (code, headers["retry-after"]) == (503, "10")
            assert b"audit log" in body
            assert str(tmp_path).encode() not in body
