"""`run kubernetes` beside Bitnami's controller: one API server, one run, SealedSecrets of three items.

Rates count from the first write that a controller makes to the last status; the API server, etcd and the controller
share the processors. Both write events beside: ours when nothing else is to be done, so that the rate with events is
told, too. Theirs runs at its defaults on 100, and with its limit of requests off on 1,000.
"""

from __future__ import annotations

import concurrent.futures
import contextlib
import json
import os
import re
import secrets
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.benchmarks.measure import row, title
from tests.kube.bitnami import theirs
from tests.kube.cluster import Cluster
from tests.kube.controllers import Objects, Running, ours, sealed
from tests.servers import peers

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

ITEMS = 3
NEW = 100
"""SealedSecrets that are created one after the other while a backlog is worked on."""
CRD = Path(__file__).parents[2] / "controller/install/base/crd.yaml"


def main(scratch: Path) -> None:
    """Print the table."""
    large = int(os.environ.get("KUBE_COUNT", "10000"))
    defaults = _theirs(scratch, 100, defaults=True)
    best = _theirs(scratch, 1000, defaults=False)
    for v2 in (True, False):
        name = "v2" if v2 else "v1, RSA-2048"
        title(f"Kubernetes: ours, {name}")
        rate = _ours(1000, v2=v2)
        beside = f"{rate / defaults:.0f} times their defaults, {rate / best:.1f} times their best"
        row("1,000, cold", f"{rate:.0f}/s", beside)
    title("Kubernetes: ours, a large cluster")
    _ours(large, v2=True, more=True)


def _theirs(scratch: Path, count: int, *, defaults: bool) -> float:
    program = peers.BITNAMI_CONTROLLER.path()
    with _cluster() as cluster:
        own, objects = cluster.namespace(), Objects(cluster, cluster.namespace())
        folder = scratch / f"theirs-{count}"
        folder.mkdir()
        with theirs(cluster, program, own, folder) as controller:
            pem = controller.certificate()
        _put(objects, (sealed(pem, objects.namespace, f"s-{n}", _items()) for n in range(count)))
        flags = ("--kubeclient-qps=5", "--kubeclient-burst=10") if defaults else ()
        began = time.perf_counter()
        again = scratch / f"theirs-{count}-again"
        again.mkdir()
        with theirs(cluster, program, own, again, *flags) as controller:
            _all_done(objects, count)
            seconds = time.perf_counter() - began
            title(f"Kubernetes: Bitnami's controller, {'its defaults' if defaults else 'no limit of requests'}")
            row(f"{count:,}, cold", f"{count / seconds:.2f}/s", f"{_memory(controller):.0f} MiB")
    return count / seconds


def _ours(count: int, *, v2: bool, more: bool = False) -> float:
    with _cluster() as cluster:
        own, objects = cluster.namespace(), Objects(cluster, cluster.namespace())
        with ours(cluster, own) as controller:
            bodies = [sealed(controller, objects.namespace, "one", _items(), v2=v2)]
            pem = None if v2 else controller.certificate()
            places = (f"s-{n}" for n in range(count - 1))
            bodies += [sealed(pem or controller, objects.namespace, place, _items(), v2=v2) for place in places]
            beside = Objects(cluster, cluster.namespace())
            new = [sealed(controller, beside.namespace, f"new-{n}", _items(), v2=v2) for n in range(NEW if more else 0)]
            controller.end()
        _put(objects, bodies)
        began = time.perf_counter()
        with ours(cluster, own) as controller, concurrent.futures.ThreadPoolExecutor(1) as pool:
            waited = pool.submit(_each_delivered, beside, new)
            _all_done(objects, count)
            seconds = time.perf_counter() - began
            _all_told(objects, count)
            row(f"{count:,}, cold, events too", f"{count / (time.perf_counter() - began):.0f}/s")
            if more:
                row(f"{count:,}, cold", f"{count / seconds:.0f}/s", f"{seconds:.1f} s, {_memory(controller):.0f} MiB")
                times = waited.result()
                row(
                    "new in that backlog, p99",
                    f"{times[-2]:.3f} s",
                    f"median {times[len(times) // 2]:.3f} s, {NEW} of them",
                )
            controller.end()
        if more:
            began = time.perf_counter()
            with ours(cluster, own) as controller:
                warm = time.perf_counter() - began
                opened = controller.counted("sealed_secrets_controller_unseal_requests_total")
                row(f"{count:,}, warm restart", f"{warm:.1f} s", f"{opened:.0f} opened, {_memory(controller):.0f} MiB")
    return count / seconds


@contextlib.contextmanager
def _cluster() -> Iterator[Cluster]:
    with Cluster(peers.ETCD.path(), peers.KUBE_APISERVER.path()) as cluster:
        cluster.define(CRD)
        yield cluster


def _items() -> dict[str, bytes]:
    return {f"item-{n}": secrets.token_hex(12).encode() for n in range(ITEMS)}


def _put(objects: Objects, bodies: Iterable[dict[str, Any]]) -> None:
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        for _ in pool.map(lambda body: objects.create("sealedsecrets", body), bodies):
            pass


def _all_done(objects: Objects, count: int) -> None:
    """Wait until the status of so many says that they are delivered."""
    path = objects.path("sealedsecrets")
    done: set[str] = set()
    _, page = objects.cluster.call("GET", path)
    for item in page["items"]:
        _note(item, done)
    version = page["metadata"]["resourceVersion"]
    connection = objects.cluster.connect(timeout=600)
    try:
        connection.request("GET", f"{path}?watch=1&resourceVersion={version}")
        response = connection.getresponse()
        while len(done) < count:
            _note(json.loads(response.readline())["object"], done)
    finally:
        connection.close()


def _all_told(objects: Objects, count: int) -> None:
    """Wait until there are as many events."""
    while True:
        _, page = objects.cluster.call("GET", f"{objects.path('events')}?limit=1")
        if len(page["items"]) + page["metadata"].get("remainingItemCount", 0) >= count:
            return


def _each_delivered(objects: Objects, bodies: Iterable[dict[str, Any]]) -> list[float]:
    """Seconds from the creation of each SealedSecret until a watch shows its Secret, sorted; one after the other."""
    _, page = objects.cluster.call("GET", objects.path("secrets"))
    connection, times = objects.cluster.connect(timeout=600), []
    try:
        version = page["metadata"]["resourceVersion"]
        connection.request("GET", f"{objects.path('secrets')}?watch=1&resourceVersion={version}")
        response = connection.getresponse()
        for body in bodies:
            began = time.perf_counter()
            objects.create("sealedsecrets", body)
            while json.loads(response.readline())["object"]["metadata"]["name"] != body["metadata"]["name"]:
                pass
            times.append(time.perf_counter() - began)
    finally:
        connection.close()
    return sorted(times)


def _note(item: dict[str, Any], done: set[str]) -> None:
    conditions = (item.get("status") or {}).get("conditions") or []
    if any(each["type"] == "Synced" and each["status"] == "True" for each in conditions):
        done.add(item["metadata"]["name"])


def _memory(controller: Running) -> float:
    """The most that its process held, in MiB."""
    text = Path(f"/proc/{controller.process.pid}/status").read_text()
    found = re.search(r"VmHWM:\s+(\d+) kB", text)
    return int(found[1]) / 1024 if found else 0.0
