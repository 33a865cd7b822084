"""The endpoints over real HTTP: answers as upstream's, limits, and that nothing of a request comes back."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import secrets
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from controller import serving
from controller.kube import answering, http
from controller.kube.bodies import LIMIT, Bodies, Busy
from controller.kube.effort import Effort, TooMuch
from controller.kube.http import Answered, Endpoints, Site
from controller.kube.limits import Limiter
from controller.kube.metrics import Metrics
from controller.kube.registry import KeyRegistry
from sealer.errors import SourceError, UsageError
from sealer.formats.keys import generate_kem
from tests.controller.kube import keys as kube
from tests.controller.kube import memory
from tests.controller.kube.endpoints import (
    Client,
    Held,
    Running,
    encoded,
    old,
    raw,
    running,
    sealed,
    until_closed,
)
from tests.controller.kube.test_metrics import samples
from tests.controller.running.test_notify import Clock
from tests.sealer.rings import rsa_key

WORD = secrets.token_hex(8)
KEM = generate_kem()
PEM = "application/x-pem-file"
TEXT = "text/plain; charset=utf-8"
POSTED = ("/v1/verify", "/v1/rotate")


@pytest.fixture
def site() -> Iterator[Running]:
    with running(rsa_key(0), KEM) as found:
        yield found


def good() -> dict[str, Any]:
    return sealed({"password": WORD.encode()}, rsa_key(0))


def bad() -> dict[str, Any]:
    return good() | {"metadata": {"name": "other", "namespace": "shop"}}


def test_probes(site: Running) -> None:
    """E24."""
    assert site.get("/healthz") == (200, b"ok\n")
    assert site.get("/readyz") == (503, b"not ready\n")
    site.ready = True
    assert site.get("/readyz") == (200, b"ok\n")


def test_the_certificate_is_that_of_the_newest_key(site: Running) -> None:
    """E22."""
    code, headers, body = site.ask("GET", "/v1/cert.pem")
    assert (code, headers["content-type"], body.decode()) == (200, PEM, rsa_key(0).public.certificate)
    site.keys.keys.append(rsa_key(1))
    assert site.get("/v1/cert.pem") == (200, rsa_key(1).public.certificate.encode())
    site.keys.keys[:] = [KEM]
    assert site.get("/v1/cert.pem") == (500, b"cannot get certificate\n")


def test_the_bundle(site: Running) -> None:
    assert site.get("/v1/keys") == (200, b"a bundle\n")
    site.keys.published = b""
    code, headers, _ = site.ask("GET", "/v1/keys")
    assert (code, headers["retry-after"]) == (503, "10")


def test_a_registry_is_such_keys() -> None:
    known = kube.Secrets(kube.bitnami(0), kube.bitnami(1), kube.sealing(KEM, "v2"), kube.identity())
    registry = known.attach(KeyRegistry(kube.NAMESPACE, cluster="prod"))
    held: http.Keys = registry
    bound = serving.bind("127.0.0.1:0")
    at = Client(*bound.getsockname())
    made = Site(Endpoints(held, lambda: registry.ready, Metrics("1")))
    with serving.in_thread(bound, made.app(), 60):
        assert at.get("/readyz")[0] == 200
        assert at.get("/v1/cert.pem") == (200, rsa_key(1).public.certificate.encode())
        assert at.post("/v1/verify", good()) == (200, b"")
        code, body = at.post("/v1/rotate", good(), sealed({"a": b"b"}, KEM))
        assert (code, at.post("/v1/verify", json.loads(body))) == (200, (200, b""))
        assert at.get("/v1/keys")[0] == 503  # nobody has numbered it yet
    made.close()


def test_verify(site: Running) -> None:
    code, headers, body = site.ask("POST", "/v1/verify", encoded(good()))
    assert (code, headers["content-length"], body) == (200, "0", b"")
    assert site.post("/v1/verify", bad()) == (409, b"")
    assert site.post("/v1/verify", good(), bad()) == (409, b"")
    assert site.post("/v1/verify", sealed({"a": b"b"}, KEM)) == (200, b"")
    assert site.ask("POST", "/v1/verify", b"")[0] == 500
    assert site.ask("POST", "/v1/verify", b"{not json")[0] == 500


def test_rotate(site: Running) -> None:
    code, headers, body = site.ask("POST", "/v1/rotate", encoded(good()))
    assert (code, headers["content-type"]) == (200, "application/json")
    assert json.loads(body)["spec"]["encryptedData"] != good()["spec"]["encryptedData"]
    assert site.post("/v1/verify", json.loads(body))[0] == 200
    assert site.post("/v1/rotate", bad()) == (500, b"cannot rotate: no key could decrypt secret\n")
    for junk in (b"", b"{not json", encoded({"kind": "Secret", "apiVersion": "v1"})):
        assert site.ask("POST", "/v1/rotate", junk)[0] == 500


def test_legacy_data_as_flagged() -> None:
    document = old(rsa_key(0), data={"a": b"b"})
    for accepted in (True, False):
        with running(rsa_key(0), accept_legacy=accepted) as site:
            assert site.post("/v1/verify", document)[0] == (200 if accepted else 409)
            assert site.post("/v1/rotate", document)[0] == (200 if accepted else 500)


def test_the_verify_and_rotate_oracles_say_nothing_of_a_template(site: Running) -> None:
    """0.39.0 and 0.40.0, #2019 and #2049 upstream: over HTTP, guesses that are right and wrong look the same."""
    answers = set()
    for guess in (WORD, "wrong"):
        probe = f'{{{{ if eq (index . "password") "{guess}" }}}}{{{{ fail "yes" }}}}{{{{ end }}}}'
        document = sealed({"password": WORD.encode()}, rsa_key(0), template={"data": {"probe": probe}})
        answers.add((site.post("/v1/verify", document), site.post("/v1/rotate", document)[0]))
    assert answers == {((200, b""), 200)}


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/v1/cert.pem", "/v1/keys"])
def test_pages_are_read_only(site: Running, path: str) -> None:
    for method in ("POST", "PUT", "DELETE", "PATCH", "OPTIONS"):
        code, headers, body = site.ask(method, path)
        assert (code, body) == (405, b"method not allowed\n")
        assert set(headers["allow"].split(", ")) == {"GET", "HEAD"}
    assert site.ask("HEAD", path)[::2] == (site.ask("GET", path)[0], b"")


@pytest.mark.parametrize("path", POSTED)
def test_what_is_posted_is_posted(site: Running, path: str) -> None:
    for method in ("GET", "HEAD", "PUT", "DELETE"):
        code, headers, _ = site.ask(method, path, encoded(good()))
        assert (code, headers["allow"]) == (405, "POST")


@pytest.mark.parametrize(
    "path", ["/", "/metrics", "/healthz/", "//healthz", "/v1", "/v1/verify/", "/V1/verify", "/v1/x"]
)
def test_there_is_nothing_else(site: Running, path: str) -> None:
    assert site.get(path) == (404, b"404 page not found\n")


@pytest.mark.parametrize("path", POSTED)
def test_a_body_that_says_that_it_is_too_large_is_not_read(site: Running, path: str) -> None:
    """E23: the answer comes before a byte of the body was sent."""
    with raw(site) as connection:
        connection.sendall(f"POST {path} HTTP/1.1\r\nhost: x\r\ncontent-length: {LIMIT + 1}\r\n\r\n".encode())
        answer = until_closed(connection)
    assert answer.startswith(b"HTTP/1.1 413 ")
    assert answer.endswith(b"\r\n\r\nrequest body too large\n")


def test_a_body_of_unknown_length_is_not_read(site: Running) -> None:
    """RFC 9110, 15.5.12: in chunks of one byte it takes a hundred times as much to read as a body of known length."""
    with raw(site) as connection:
        connection.sendall(b"POST /v1/verify HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n1\r\nx\r\n")
        answer = until_closed(connection)
    assert answer.startswith(b"HTTP/1.1 411 ")
    assert answer.endswith(b"\r\n\r\nsay how long the body is: Content-Length\n")


def test_a_body_of_just_the_limit_is_taken(site: Running) -> None:
    body = encoded(good()).ljust(LIMIT)
    assert site.ask("POST", "/v1/verify", body)[0] == 200


def test_bodies_have_room_together() -> None:
    bodies = Bodies(together=10)
    with bodies.room() as one, bodies.room():
        bodies.take(8)
        one.size += 8
        with pytest.raises(Busy):
            bodies.take(3)
        bodies.take(2)
        one.size += 2
    bodies.take(10)
    few = Bodies(most=1)
    with few.room(), pytest.raises(Busy), few.room():
        pass
    with few.room():
        pass


def test_without_room_it_is_busy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http, "Bodies", lambda: Bodies(together=100))
    with running(rsa_key(0)) as site:
        code, headers, body = site.ask("POST", "/v1/verify", encoded(good()))
        assert (code, headers["retry-after"], body) == (503, "1", b"busy\n")


def test_a_body_that_does_not_come_ends(site: Running) -> None:
    for path, code in zip(POSTED, (b"400", b"500"), strict=True):
        with running(rsa_key(0), read_timeout=0.05) as quick, raw(quick) as connection:
            connection.sendall(f"POST {path} HTTP/1.1\r\nhost: x\r\ncontent-length: 100\r\n\r\n{{".encode())
            assert until_closed(connection).startswith(b"HTTP/1.1 %b " % code)


def test_a_body_that_breaks_off_harms_nobody(site: Running) -> None:
    with raw(site) as connection:
        connection.sendall(b"POST /v1/verify HTTP/1.1\r\nhost: x\r\ncontent-length: 100\r\n\r\n{")
    assert site.post("/v1/verify", good())[0] == 200


def test_a_request_that_never_comes_does_not_stay() -> None:
    with running(rsa_key(0), lasts=0.05) as site, raw(site) as silent, raw(site) as slow:
        slow.sendall(b"GET /healthz HTTP/1.1\r\n")
        assert until_closed(silent) == b""
        assert until_closed(slow) == b""


def test_who_only_connects_holds_no_place(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(serving, "_HEAD", 0.05)
    body = encoded(good())
    with running(rsa_key(0)) as site, raw(site) as begun, raw(site) as silent:
        begun.sendall(f"POST /v1/verify HTTP/1.1\r\nhost: x\r\ncontent-length: {len(body)}\r\n\r\n".encode())
        assert until_closed(silent) == b""
        begun.sendall(body)
        assert until_closed(begun).startswith(b"HTTP/1.1 200 ")


def _established(here: int, there: int) -> bool:
    """Whether the end of a connection that has port `here` holds it, as the kernel says."""
    rows = [line.split()[1:4] for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    return any(row[0].endswith(f":{here:04X}") and row[1].endswith(f":{there:04X}") and row[2] == "01" for row in rows)


def test_an_answer_that_nobody_takes_does_not_stay() -> None:
    with running(rsa_key(0), lasts=0.5) as site:
        site.keys.published = bytes(50_000_000)
        with raw(site) as connection:
            connection.sendall(b"GET /v1/keys HTTP/1.1\r\nhost: x\r\n\r\n")
            mine = connection.getsockname()[1]
            while _established(site.port, mine):
                threading.Event().wait(0.01)
            # It has ended there: what stands in buffers comes, and then it is cut off.
            assert len(until_closed(connection)) < 50_000_000


def test_a_connection_is_one_request(site: Running) -> None:
    request = b"GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n"
    with raw(site) as connection:
        connection.sendall(request * 2)
        assert until_closed(connection).count(b"HTTP/1.1") == 1


IDLE = {
    "nothing": b"",
    "half a head": b"GET /healthz HTTP/1.1\r\n",
    "half a body": b"POST /v1/verify HTTP/1.1\r\nhost: x\r\ncontent-length: 100\r\n\r\n{",
}


@pytest.mark.parametrize("addresses", [1, 200])
@pytest.mark.parametrize("first", IDLE.values(), ids=IDLE)
def test_probes_are_answered_whoever_holds_connections(first: bytes, addresses: int) -> None:
    """More than there may be, none of them ended: of one address, and of so many that each has few."""
    made = Site(Endpoints(Held([rsa_key(0)]), lambda: True, Metrics("1")))
    with contextlib.ExitStack() as stack:
        at = stack.enter_context(served(made))
        for number in range(600):
            source = (f"127.0.1.{number % addresses + 1}", 0)
            stranger = stack.enter_context(socket.create_connection((at.host, at.port), 30, source))
            with contextlib.suppress(ConnectionError):  # it is closed by now
                stranger.sendall(first)
        assert at.get("/healthz") == at.get("/readyz") == (200, b"ok\n")
        assert at.get("/v1/cert.pem")[0] == 200
    made.close()


@contextlib.contextmanager
def served(made: Site) -> Iterator[Client]:
    """As many connections as in a cluster."""
    bound = serving.bind("127.0.0.1:0")
    with serving.in_thread(bound, made.app(), 60, most=http._CONNECTIONS):
        yield Client(*bound.getsockname())


def test_a_probe_is_read_before_what_came_after_it_can_close_it() -> None:
    """The loop is held up; by the time that it goes on, more have come behind a probe than there may be."""
    goes_on, held_up = threading.Event(), threading.Event()

    def ready() -> bool:
        held_up.set()
        return goes_on.wait(30)

    made = Site(Endpoints(Held([rsa_key(0)]), ready, Metrics("1")))
    with served(made) as at, ThreadPoolExecutor(1) as pool, contextlib.ExitStack() as stack:
        first = pool.submit(at.get, "/readyz")
        assert held_up.wait(30)
        probe = stack.enter_context(raw(at))
        probe.sendall(b"GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n")
        for _ in range(600):
            stack.enter_context(raw(at))
        goes_on.set()
        assert until_closed(probe).startswith(b"HTTP/1.1 200 ")
        assert first.result()[0] == 200
    made.close()


def test_a_probe_waits_for_no_row_of_requests() -> None:
    """The loop is held up, and 250 complete requests of one address have come before a probe of another one."""
    goes_on, held_up = threading.Event(), threading.Event()
    asked, before = [], []

    class Counted(Held):
        @property
        def certificate(self) -> str:
            asked.append(1)
            return super().certificate

    def ready() -> bool:
        before.append(len(asked))
        held_up.set()
        return goes_on.wait(30)

    made = Site(Endpoints(Counted([rsa_key(0)]), ready, Metrics("1")))
    with served(made) as at, ThreadPoolExecutor(1) as pool, contextlib.ExitStack() as stack:
        first = pool.submit(at.get, "/readyz")
        assert held_up.wait(30)
        for _ in range(250):
            stranger = socket.create_connection((at.host, at.port), 30, ("127.0.1.1", 0))
            stack.enter_context(stranger).sendall(b"GET /v1/cert.pem HTTP/1.1\r\nhost: x\r\n\r\n")
        probe = stack.enter_context(raw(at))
        probe.sendall(b"GET /readyz HTTP/1.1\r\nhost: x\r\n\r\n")
        goes_on.set()
        assert until_closed(probe).startswith(b"HTTP/1.1 200 ")
        assert first.result()[0] == 200
    assert before[1] < 100
    made.close()


def test_the_oldest_that_waits_for_its_stranger_goes() -> None:
    bound = serving.bind("127.0.0.1:0")
    made = Site(Endpoints(Held([rsa_key(0)]), lambda: True, Metrics("1")))
    at = Client(*bound.getsockname())
    head = b"POST /v1/verify HTTP/1.1\r\nhost: x\r\ncontent-length: 9\r\nexpect: 100-continue\r\n\r\n"
    with serving.in_thread(bound, made.app(), 60, most=2), raw(at) as first, raw(at) as second:
        for each in (first, second):
            each.sendall(head)
            assert each.recv(100).startswith(b"HTTP/1.1 100 ")
        with raw(at):
            assert until_closed(first) == b""
        second.sendall(b"{        ")
        assert until_closed(second).startswith(b"HTTP/1.1 500 ")
    made.close()


def test_what_is_worked_on_is_not_what_goes(monkeypatch: pytest.MonkeyPatch) -> None:
    goes_on, begun = threading.Event(), threading.Event()

    def waits(*_: object, **__: object) -> bool:
        begun.set()
        return goes_on.wait(30)

    monkeypatch.setattr(http, "opens", waits)
    made, bound = Site(Endpoints(Held([rsa_key(0)]), lambda: True, Metrics("1"))), serving.bind("127.0.0.1:0")
    at = Client(*bound.getsockname())
    with serving.in_thread(bound, made.app(), 60, most=2), ThreadPoolExecutor(1) as pool:
        asks = pool.submit(at.post, "/v1/verify", good())
        assert begun.wait(30)
        with raw(at) as silent, raw(at):
            assert until_closed(silent) == b""
            assert at.get("/healthz")[0] == 200
        goes_on.set()
        assert asks.result()[0] == 200
    made.close()


def test_there_are_as_many_connections_as_descriptors() -> None:
    """What the kernel says of a process whose limits are low: raised where that may be, else fewer connections."""
    script = """
import resource
from controller import serving
for limits in ((1024, 4096), (4096, 4096), (1024, 1024), (256, 256)):
    resource.setrlimit(resource.RLIMIT_NOFILE, limits)
    print(serving.room(512), *resource.getrlimit(resource.RLIMIT_NOFILE))
"""
    said = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout
    assert said.splitlines() == ["512 2560 4096", "512 4096 4096", "128 1024 1024", "1 256 256"]


def test_work_that_takes_too_long_is_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    goes_on, stopped = threading.Event(), threading.Event()

    def endless(posted: object, opening: object, effort: Effort, **_: object) -> bool:
        goes_on.wait(30)
        try:
            effort.spend()
        except TooMuch:
            stopped.set()
        return True

    monkeypatch.setattr(http, "opens", endless)
    with running(rsa_key(0), write_timeout=0.1) as site:
        assert site.post("/v1/verify", good()) == (500, b"it took too long\n")
        goes_on.set()
        assert stopped.wait(30)


def test_work_does_not_hold_up_probes(monkeypatch: pytest.MonkeyPatch) -> None:
    goes_on, begun = threading.Event(), threading.Event()

    def waits(*_: object, **__: object) -> bool:
        begun.set()
        return goes_on.wait(30)

    monkeypatch.setattr(http, "opens", waits)
    with running(rsa_key(0)) as site:
        answers: list[int] = []
        asks = threading.Thread(target=lambda: answers.append(site.post("/v1/verify", good())[0]))
        asks.start()
        assert begun.wait(30)
        assert site.get("/healthz")[0] == 200
        goes_on.set()
        asks.join()
        assert answers == [200]


def test_what_costs_too_much(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http, "Effort", lambda: Effort(1))
    document = sealed({"a": b"1", "b": b"2"}, rsa_key(0))
    with running(rsa_key(0)) as site:
        said = b"it costs more private operations than one request may\n"
        assert site.post("/v1/verify", document) == (413, said)
        assert site.post("/v1/rotate", document) == (500, said)


def test_a_defect_is_no_answer_but_500(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object, **__: object) -> bool:
        raise ValueError(WORD)

    monkeypatch.setattr(http, "opens", broken)
    with running(rsa_key(0)) as site:
        assert site.post("/v1/verify", good()) == (500, b"Internal Server Error")
        assert site.get("/healthz")[0] == 200
        name = "sealed_secrets_controller_http_requests_total"
        assert samples(site.metrics)[f"{name}[('code', '500'), ('method', 'post'), ('path', '/v1/verify')]"] == 1


def test_limits() -> None:
    """E31, over HTTP; a header that anyone can write is not looked at."""
    with running(rsa_key(0), limiter=Limiter(2, 2, Clock())) as site:
        answers = [
            site.ask("POST", "/v1/verify", encoded(good()), x_forwarded_for=f"192.0.2.{number}") for number in range(4)
        ]
        assert [code for code, _, _ in answers] == [200, 200, 200, 429]
        _, headers, body = answers[3]
        assert body == b"limit exceeded\n"
        assert headers["content-type"] == TEXT
        assert headers["x-content-type-options"] == "nosniff"
        limit = {name: value for name, value in headers.items() if name.startswith("x-ratelimit") or "retry" in name}
        assert limit == {
            "x-ratelimit-limit": "3",
            "x-ratelimit-remaining": "0",
            "x-ratelimit-reset": "2",
            "retry-after": "1",
        }
        assert answers[0][1]["x-ratelimit-remaining"] == "2"
        assert site.post("/v1/rotate", bad())[0] == 500
        assert site.get("/v1/cert.pem")[0] == site.get("/healthz")[0] == 200
        assert [each.code for each in site.told] == [200, 200, 200, 500]


def test_what_is_told_for_the_log(site: Running) -> None:
    site.post("/v1/verify", good(), good())
    site.post("/v1/verify", bad())
    site.post("/v1/rotate", bad())
    site.get("/v1/cert.pem")
    assert site.told == [
        Answered("verify", 200, "", 2),
        Answered("verify", 409, "", 1),
        Answered("rotate", 500, "", 1, "cannot rotate: no key could decrypt secret", "CannotOpen"),
    ]


def test_requests_are_counted_but_those_of_probes(site: Running) -> None:
    site.get("/healthz")
    site.get("/readyz")
    site.get("/v1/cert.pem")
    site.post("/v1/verify", bad())
    site.get(f"/{WORD}")
    found = samples(site.metrics)
    counted = {name: value for name, value in found.items() if "http_requests_total" in name}
    name = "sealed_secrets_controller_http_requests_total"
    assert counted == {
        f"{name}[('code', '200'), ('method', 'get'), ('path', '/v1/cert.pem')]": 1,
        f"{name}[('code', '409'), ('method', 'post'), ('path', '/v1/verify')]": 1,
        f"{name}[('code', '404'), ('method', 'get'), ('path', 'other')]": 1,
    }
    timed = [each for each in found if "duration_seconds_count" in each and "/v1/verify" in each]
    assert [found[each] for each in timed] == [1]


def test_nothing_of_a_request_comes_back_or_is_logged(
    site: Running, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    document = sealed({WORD: b"x"}, rsa_key(0), name=WORD)
    documents = (
        document | {"metadata": {"name": WORD + "x", "namespace": "shop"}},
        document | {"metadata": {"name": WORD, "annotations": {WORD: 7}}},
        document | {"spec": {"encryptedData": {WORD: WORD}}},
        {WORD: WORD},
    )
    bodies = [*map(encoded, documents), f"{WORD}: [".encode(), b"\xff" + WORD.encode(), WORD.encode()]
    said = []
    for path in (*POSTED, "/healthz", f"/{WORD}", f"/v1/verify/{WORD}", f"/v1/verify?{WORD}", "/healthz/", "/v1/keys"):
        for method in ("POST", "GET", WORD.upper()):
            for body in bodies:
                answer = site.ask(
                    method, path, body, host=WORD, x_word=WORD, accept=WORD, authorization=f"Bearer {WORD}", cookie=WORD
                )
                said.append(str(answer))
    for junk in (f"{WORD}\r\n\r\n", f"GET /{WORD} HTTP/9\r\n\r\n", f"GET / HTTP/1.1\r\n{WORD}\r\n\r\n"):
        with raw(site) as connection:
            connection.sendall(junk.encode())
            said.append(until_closed(connection).decode())
    seen = capfd.readouterr()
    everything = "".join((*said, str(site.told), seen.out, seen.err, caplog.text, site.metrics.page("")[0].decode()))
    assert WORD not in everything
    assert WORD.upper() not in everything
    assert seen.out + seen.err == ""


def test_beside_a_loop() -> None:
    """Two sockets on one loop, which goes on working, and which they end with."""

    async def main() -> None:
        bound, more = serving.bind("127.0.0.1:0"), serving.bind("127.0.0.1:0")
        at, other = Client(*bound.getsockname()), Client(*more.getsockname())
        metrics = Metrics("1.2.3")
        wanted = Endpoints(Held([rsa_key(0)]), lambda: True, metrics)
        async with http.serving(wanted, bound, more):
            assert (await asyncio.to_thread(at.get, "/readyz"))[0] == 200
            assert (await asyncio.to_thread(at.post, "/v1/verify", good()))[0] == 200
            code, headers, page = await asyncio.to_thread(other.ask, "GET", "/metrics")
            assert (code, headers["content-type"].split(";")[0]) == (200, "text/plain")
            assert b'http_requests_total{code="200",method="post",path="/v1/verify"} 1.0' in page
            assert (await asyncio.to_thread(at.get, "/metrics"))[0] == 404
            assert (await asyncio.to_thread(other.get, "/v1/cert.pem"))[0] == 404
        with pytest.raises(ConnectionError):
            await asyncio.to_thread(at.get, "/healthz")
        async with http.serving(wanted, serving.bind("127.0.0.1:0"), None):
            pass

    asyncio.run(main())


def test_64_of_them_at_a_time() -> None:
    """E21: nothing that one makes is another's."""

    def made(number: int) -> bytes:
        metrics = Metrics(str(number))
        site = Site(Endpoints(Held([rsa_key(0)]), lambda: True, metrics))
        site.app()
        site.close()
        metrics.requested("/v1/verify", "POST", 200, 0.1)
        return metrics.page("")[0]

    with ThreadPoolExecutor(64) as pool:
        pages = list(pool.map(made, range(64)))
    for number, page in enumerate(pages):
        assert f'build_info{{revision="{number}"}} 1.0'.encode() in page
        assert b'http_requests_total{code="200",method="post",path="/v1/verify"} 1.0' in page


def test_of_all_addresses() -> None:
    with serving.bind(":0", "--listen-addr", ":8080") as bound:
        port = bound.getsockname()[1]
        socket.create_connection(("127.0.0.1", port)).close()
        with pytest.raises(SourceError, match=f"--listen-addr :{port}: can't listen") as busy:
            answering.bound(memory.flags(listen=f":{port}"))
        assert busy.value.way_out == "pass another one: --listen-addr HOST:PORT"
    for wrong in ("8080", "none"):
        with pytest.raises(UsageError) as found:
            answering.bound(memory.flags(listen=wrong))
        assert (found.value.what, found.value.way_out) == ("is no HOST:PORT", "--listen-addr :8080")
