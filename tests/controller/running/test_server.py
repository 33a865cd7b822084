"""The three pages, over real HTTP."""

from __future__ import annotations

import http.client
import secrets
import socket
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from controller.report import Change
from controller.running import server
from controller.running.health import Health
from controller.running.metrics import Metrics
from sealer.errors import SourceError, UsageError
from sealer.formats.keyrecord import KeyEntry
from tests.controller.running.test_log import report
from tests.controller.running.test_notify import Clock


class Site:
    """A server on a port of its own."""

    def __init__(self, bound: socket.socket) -> None:
        self.clock = Clock()
        self.health = Health(30, self.clock)
        self.metrics = Metrics("1.2.3", self.clock)
        self.host, self.port = bound.getsockname()

    def get(self, path: str, **headers: str) -> tuple[int, str, str]:
        connection = http.client.HTTPConnection(self.host, self.port)
        connection.request("GET", path, headers=headers)
        found = connection.getresponse()
        answer = found.status, found.getheader("content-type", ""), found.read().decode()
        connection.close()
        return answer

    def said(self, path: str, **headers: str) -> str:
        """All of an answer, with its headers."""
        connection = http.client.HTTPConnection(self.host, self.port)
        connection.request("GET", path, headers=headers)
        found = connection.getresponse()
        text = f"{found.getheaders()} {found.read().decode()}"
        connection.close()
        return text

    def samples(self) -> dict[str, float]:
        """Each sample by its name and labels."""
        families = text_string_to_metric_families(self.get("/metrics")[2])
        return {
            f"{each.name}{sorted(each.labels.values()) or ''}": each.value
            for family in families
            for each in family.samples
        }


@pytest.fixture
def site() -> Iterator[Site]:
    bound = server.bind("127.0.0.1:0")
    found = Site(bound)
    with server.serving(bound, found.health, found.metrics):
        yield found


def test_probes(site: Site) -> None:
    assert site.get("/healthz")[0] == 200
    assert site.get("/readyz")[::2] == (503, "no run has worked yet: the first one goes on\n")
    site.health.ended("changed")
    assert site.get("/readyz")[::2] == (200, "ready\n")
    site.clock.now += 301
    assert site.get("/healthz")[::2] == (503, "no progress for 301 s\n")


def test_metrics(site: Site) -> None:
    before = site.samples()
    assert before["sealer_runs_total['failed']"] == 0  # there from the start: a rate needs the zero
    assert before["sealer_deliveries['delivered']"] == 0
    assert any(name.startswith("sealer_build_info") and "1.2.3" in name for name in before)
    created = Change("create", "payments/db", "db.yaml", 3)
    site.metrics.polled()
    site.metrics.ended("changed", 0.5, report(created, created), now=1_772_409_600_000)
    site.metrics.counted(["delivered"] * 3 + ["stale"])
    ends = datetime(2027, 3, 2, tzinfo=UTC)
    site.metrics.keys([entry("9f3a12c4", "active", ends), entry("11111111", "retired", ends)])
    site.clock.now += 7
    after = site.samples()
    assert after["sealer_polls_total"] == 1
    assert after["sealer_runs_total['changed']"] == 1
    assert after["sealer_changes_total['created']"] == 2
    assert after["sealer_changes_total['deleted']"] == 0
    assert after["sealer_last_success_timestamp_seconds"] == 1_772_409_600
    assert after["sealer_last_run_duration_seconds"] == 0.5
    assert after["sealer_deliveries['delivered']"] == 3
    assert after["sealer_deliveries['failed']"] == 0
    assert after["sealer_source_age_seconds"] == 7
    assert after["sealer_key_expiry_timestamp_seconds['9f3a12c4', 'x25519-mlkem768']"] == ends.timestamp()
    assert len([name for name in after if name.startswith("sealer_key_expiry")]) == 1
    assert "payments" not in site.get("/metrics")[2]
    site.metrics.ended("failed", 0.1)
    site.metrics.counted(["delivered"])
    last = site.samples()
    assert last["sealer_deliveries['stale']"] == 0
    assert last["sealer_last_success_timestamp_seconds"] == 1_772_409_600
    assert last["process_resident_memory_bytes"] > 0


def entry(key: str, status: str, ends: datetime) -> KeyEntry:
    return KeyEntry(key + "0" * 8, "x25519-mlkem768", status, ends, ends, ends, 1, b"")  # type: ignore[arg-type]


def test_openmetrics_for_who_asks_for_it(site: Site) -> None:
    kind, text = site.get("/metrics", accept="application/openmetrics-text; version=1.0.0")[1:]
    assert kind.startswith("application/openmetrics-text")
    assert text.endswith("# EOF\n")
    assert site.get("/metrics")[1].startswith("text/plain; version=")


def test_nothing_of_a_request_comes_back_or_is_logged(site: Site, capfd: pytest.CaptureFixture[str]) -> None:
    word = secrets.token_hex(8)
    for path in (f"/{word}", f"/healthz?{word}", f"/metrics/{word}", "/", "/healthz/", "/metrics"):
        accept = f"application/openmetrics-text; version=1.0.0+{word}"
        assert word not in site.said(path, **{"x-word": word, "host": word, "accept": accept})
    with socket.create_connection((site.host, site.port)) as raw:
        raw.sendall(f"{word}\r\n\r\n".encode())
        assert word.encode() not in raw.recv(4096)
    connection = http.client.HTTPConnection(site.host, site.port)
    connection.request("POST", "/healthz", body=word)
    assert connection.getresponse().status == 405
    connection.close()
    seen = capfd.readouterr()
    assert seen.out + seen.err == ""


def test_a_busy_port_is_said(site: Site) -> None:
    with pytest.raises(SourceError, match="can't listen: address already in use") as found:
        server.bind(f"127.0.0.1:{site.port}")
    assert "--listen none" in found.value.way_out


@pytest.mark.parametrize(
    "address", ["", "localhost", "127.0.0.1", "9640", "::1:9640", "a:b", "127.0.0.1:99999", "a b:1"]
)
def test_what_is_no_address(address: str) -> None:
    with pytest.raises(UsageError):
        server.bind(address)


def test_an_address_of_version_6() -> None:
    if not Path("/proc/net/if_inet6").exists():
        pytest.skip("no IPv6 here")
    with server.bind("[::1]:0") as bound:
        assert server.shown(bound).startswith("[::1]:")
