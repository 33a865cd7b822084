"""Our controller with an audit log, beside a real API server: what `audit verify` and `audit query` tell of it."""

from __future__ import annotations

import base64
import http.client
import json
import secrets
import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.kube.controllers import Objects, ours, sealed, synced
from tests.kube.faults import Case, release

if TYPE_CHECKING:
    from tests.kube.cluster import Cluster
    from tests.kube.controllers import Running

COUNT = 60


@pytest.fixture
def place(own_cluster: Cluster) -> str:
    """The controller's own namespace."""
    return own_cluster.namespace()


def post(controller: Running, verb: str, body: dict[str, Any]) -> int:
    """The answer to a request."""
    host, _, port = controller.address.rpartition(":")
    connection = http.client.HTTPConnection(host, int(port))
    try:
        connection.request("POST", f"/v1/{verb}", json.dumps(body))
        return connection.getresponse().status
    finally:
        connection.close()


def asked(*arguments: str, code: int = 0) -> Any:
    """`sealer-controller audit`, as JSON."""
    command = [sys.executable, "-m", "controller", "audit", *arguments, "--format", "json"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == code, done.stdout + done.stderr
    return json.loads(done.stdout)


def test_it_tells_what_was_opened_and_written_and_is_whole(
    own_cluster: Cluster, place: str, objects: Objects, tmp_path: Path
) -> None:
    log, value = tmp_path / "log", secrets.token_hex(12).encode()
    flags = (f"--audit-log={log}", "--cluster=prod", f"--additional-namespaces={objects.namespace}")
    with ours(own_cluster, place, *flags) as controller:
        for name, v2 in (("one", True), ("two", False)):
            objects.create("sealedsecrets", sealed(controller, objects.namespace, name, {"token": value}, v2=v2))
            objects.holds(name, {"token": value})
            objects.settled(name)
        body = sealed(controller, objects.namespace, "asked", {"token": value}, v2=True)
        assert post(controller, "verify", body) == 200
        assert controller.counted("sealer_audit_failures_total") == 0
        assert controller.end() == 0
        written = controller.log
    found = asked("verify", str(log))
    assert (found["whole"], found["open"]) == (True, [])
    for name in ("one", "two"):
        record = asked("query", str(log), "--ref", f"{objects.namespace}/{name}")["records"]
        assert [(each["phase"], each["verb"], each["outcome"]) for each in record] == [
            ("intent", "open", ""), ("intent", "put", ""), ("outcome", "open", "done"), ("outcome", "put", "done"),
        ]  # fmt: skip
        item = objects.settled(name)
        assert {each["revision"] for each in record} == {item["status"]["input"]}
        assert {each["source"] for each in record} == {"prod"}
    made = asked("query", str(log), "--verb", "generate", "--outcome", "done")["records"]
    assert len(made) == 4
    (request,) = asked("query", str(log), "--ref", f"{objects.namespace}/asked", "--outcome", "done")["records"]
    assert request["verb"] == "open"
    text = b"".join(each.read_bytes() for each in (log / "audit").iterdir()) + json.dumps(written).encode()
    assert value not in text
    assert base64.b64encode(value) not in text


def test_what_was_on_its_way_when_it_was_killed_is_abandoned(
    own_cluster: Cluster, place: str, objects: Objects, tmp_path: Path
) -> None:
    log, value = tmp_path / "log", secrets.token_hex(12).encode()
    flags = (f"--audit-log={log}", f"--additional-namespaces={objects.namespace}")
    with ours(own_cluster, place, *flags) as controller:
        newest = controller.newest()
        for number in range(COUNT):
            body = sealed(newest, objects.namespace, f"s-{number}", {"token": value}, v2=True)
            objects.create("sealedsecrets", body)
        objects.holds("s-0", {"token": value})
        controller.end(signal.SIGKILL)
    release(Case(Objects(own_cluster, place), objects))
    left = asked("verify", str(log))
    assert left["whole"]
    with ours(own_cluster, place, *flags) as controller:
        for number in range(COUNT):
            objects.holds(f"s-{number}", {"token": value})
            objects.settled(f"s-{number}")
        (opened,) = (each for each in controller.log if each["event"] == "audit")
        assert opened["abandoned"] == len(left["open"])
        assert controller.end() == 0
    found = asked("verify", str(log))
    assert (found["whole"], found["open"]) == (True, [])
    assert len(asked("query", str(log), "--outcome", "abandoned")["records"]) == len(left["open"])


def test_while_it_can_t_be_written_nothing_is_delivered(
    own_cluster: Cluster, place: str, objects: Objects, tmp_path: Path
) -> None:
    volume, value = tmp_path / "volume", secrets.token_hex(12).encode()
    served = f"--additional-namespaces={objects.namespace}"
    with ours(own_cluster, place, served) as controller:
        body = sealed(controller, objects.namespace, "db", {"token": value}, v2=True)
        controller.end()
    volume.write_text("in the way")
    with ours(own_cluster, place, served, f"--audit-log={volume}/log") as controller:
        objects.create("sealedsecrets", body)
        assert synced(objects.settled("db", "False"))["reason"] == "NotAudited"
        assert objects.get("secrets", "db") is None
        assert controller.counted("sealer_audit_failures_total") > 0
        assert post(controller, "verify", body) == 503
        volume.unlink()
        objects.holds("db", {"token": value})
        assert synced(objects.settled("db"))["reason"] == "Unsealed"
