"""Raw rates of both envelopes, one thread and one a processor: what the commands are compared with."""

from __future__ import annotations

import datetime
import os
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from sealer.formats import envelope_v1, envelope_v2, keys
from sealer.formats.binding import Binding, Scope
from tests.benchmarks.measure import rate, row, title

PLACE = Binding(Scope.STRICT, "payments", "db")


def main(_: Path) -> None:
    """Print the table."""
    title("Envelopes, operations a second")
    rates = raw()
    for name, value in rates.items():
        row(name, f"{value:,.0f}/s")
    v1, v2 = rates["v1 open, RSA-4096"], rates["v2 open"]
    row("v2 opens faster than v1 by", f"{v2 / v1:.0f} times")


def raw() -> dict[str, float]:
    """Operations a second, by name."""
    context, label = PLACE.context("password"), PLACE.label()
    kem, rsa = keys.generate_kem(), keys.generate_rsa(now=datetime.datetime.now(datetime.UTC))
    v2 = envelope_v2.seal(b"value", context, [kem.public])
    v1 = envelope_v1.seal(b"value", label, rsa.public)

    def open_v1() -> bytes:
        return envelope_v1.open_envelope(envelope_v1.parse(v1), label, [rsa])[0]

    return {
        "v2 seal": rate(lambda: envelope_v2.seal(b"value", context, [kem.public])),
        "v2 open": rate(lambda: envelope_v2.open_envelope(envelope_v2.parse(v2), context, kem)),
        "v1 seal, RSA-4096": rate(lambda: envelope_v1.seal(b"value", label, rsa.public)),
        "v1 open, RSA-4096": rate(open_v1),
        f"v1 open, RSA-4096, {os.cpu_count()} threads": _threads(open_v1),
    }


def v2_open() -> float:
    """Opens of envelope v2 in a second of CPU, to be set beside the CPU of a process."""
    context, kem = PLACE.context("password"), keys.generate_kem()
    sealed = envelope_v2.seal(b"value", context, [kem.public])
    return rate(
        lambda: envelope_v2.open_envelope(envelope_v2.parse(sealed), context, kem), seconds=2, clock=time.process_time
    )


def _threads(work: object, *, count: int = 400) -> float:
    workers = os.cpu_count() or 1
    with ThreadPoolExecutor(workers) as pool:
        started = time.perf_counter()
        for done in [pool.submit(work) for _ in range(count)]:  # type: ignore[arg-type]
            done.result()
        return count / (time.perf_counter() - started)
