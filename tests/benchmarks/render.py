"""Templates of SealedSecrets, ours against Go's text/template with Sprig: renders of one that is parsed, and parsing.

Both run on one core, and CPU time (user and system) is compared. Go's is that of whole processes, less what one takes
that renders nothing; for parsing it reads a request of JSON for each, which is a small part of it.
"""

from __future__ import annotations

import base64
import json
import os
import resource
import subprocess
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from sealer.template import rendering
from tests.benchmarks.measure import row, title
from tests.servers import peers

COUNT = 10_000
ROUNDS = 5
ITEMS = {
    "username": b"app",
    "password": base64.b64encode(bytes(range(24))),
    "host": b"db.payments.svc.cluster.local",
    "port": b"",
    "replicas": b"db-0 db-1 db-2",
}
TEXT = """\
[database]
url = {{ printf "postgres://%s:%s@%s:%s/app" .username (.password | urlquery) .host (.port | default "5432") | quote }}
{{- if .replicas }}
replicas:
{{- range splitList " " .replicas }}
  - {{ . | upper | quote }}
{{- end }}
{{- end }}
auth = {{ printf "%s:%s" .username .password | b64enc }}
user = {{ .username | default "nobody" | quote }}
"""


def main(_: Path) -> None:
    """Print the table."""
    title(f"{COUNT:,} renders of a template with {len(ITEMS)} items, one core, CPU (least of {ROUNDS})")
    if _ours() != _theirs():
        raise SystemExit("bench: Go renders the template of the benchmark otherwise")
    cores = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(cores)})
    try:
        _compared("render, parsed once", _render_ours, [_request("time", times=COUNT)])
        _compared("parse", _parse_ours, [_request("time", times=0)] * COUNT)
    finally:
        os.sched_setaffinity(0, cores)


def _compared(what: str, ours: Callable[[], None], theirs: Sequence[dict[str, Any]]) -> None:
    """Rows for one kind of work; the rounds of both sides take turns, so that both meet the same machine."""
    pairs = [(_cpu(ours), _go_cpu(theirs) - _go_cpu([])) for _ in range(ROUNDS)]
    mine, go = min(pair[0] for pair in pairs), min(pair[1] for pair in pairs)
    row(f"{what}, sealer", f"{mine:.3f} s", f"{mine / COUNT * 1e6:.1f} us each")
    row(f"{what}, Go", f"{go:.3f} s", f"{go / COUNT * 1e6:.1f} us each")
    row(f"{what}, ours takes", f"{mine / go:.1f} times", "of Go's")


def _render_ours() -> None:
    for _ in range(COUNT):
        _ours()


def _ours() -> bytes:
    return rendering.render("config", TEXT, ITEMS, rendering.run())


def _parse_ours() -> None:
    for _ in range(COUNT):
        rendering.forget()
        rendering.compiled("config", TEXT)


def _theirs() -> bytes:
    (answer,) = _asked([_request("render")])
    return base64.b64decode(answer["value"])


def _request(op: str, **more: int) -> dict[str, Any]:
    data = {name: base64.b64encode(value).decode() for name, value in ITEMS.items()} if more.get("times") != 0 else {}
    return {"op": op, "name": "config", "template": TEXT, "data": data, **more}


def _asked(requests: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    feed = "\n".join(map(json.dumps, requests))
    environment = {**os.environ, "GOMAXPROCS": "1"}
    done = subprocess.run(
        [peers.TEMPLATES.path()], input=feed, capture_output=True, text=True, check=True, env=environment
    )
    return [json.loads(line) for line in done.stdout.splitlines()]


def _cpu(work: Callable[[], None]) -> float:
    started = time.process_time()
    work()
    return time.process_time() - started


def _go_cpu(requests: Sequence[dict[str, Any]]) -> float:
    """The CPU seconds of one process of Go's; a round of ours has no children, so that these are all there are."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    for answer in _asked(requests):
        if "refused" in answer:
            raise SystemExit("bench: Go refuses the template of the benchmark")
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
