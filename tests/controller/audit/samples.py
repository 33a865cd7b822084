"""Logs to be tampered with: in memory, as lines in files, and on disk."""

from __future__ import annotations

from typing import TYPE_CHECKING

from controller.audit import folder
from controller.audit.actor import Actor
from controller.audit.log import Head, Log
from controller.audit.record import ZEROS, Entry, chain, stamp
from controller.audit.verify import File, Report, split, verify

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from controller.effects import Effects

ACTOR = Actor.of(1000, {"GITHUB_ACTOR": "octocat"}, "node-1")
NOW = 1_790_000_000_123


def intent(name: str = "payments/db") -> Entry:
    return Entry("intent", "put", name, "shop", "4f2c91e", "local")


def outcome(number: int, name: str = "payments/db") -> Entry:
    return Entry("outcome", "put", name, "shop", "4f2c91e", "local", "done", "", number)


def pairs(count: int) -> list[Entry]:
    """Intents, each followed by its outcome."""
    return [
        entry
        for number in range(count)
        for entry in (intent(f"ns/s-{number}"), outcome(2 * number + 1, f"ns/s-{number}"))
    ]


def memory(sizes: Sequence[int] = (4, 6, 2)) -> tuple[dict[str, bytes], Head]:
    """A log in files of so many records, and the head of its last line."""
    files: dict[str, bytes] = {}
    entries, after, prev = pairs(sum(sizes) // 2), 0, ZEROS
    for size in sizes:
        lines, hashes = chain(entries[after : after + size], ACTOR, time=stamp(NOW), after=after, prev=prev)
        files[folder.name(after + 1)] = b"".join(line + b"\n" for line in lines)
        after, prev = after + size, hashes[-1]
        last = folder.name(after - size + 1)
        head = Head(last, len(files[last]) - len(lines[-1]) - 1, after, prev)
    return files, head


def check(files: dict[str, bytes], head: Head | None = None) -> Report:
    """`verify` over files in memory."""
    return verify([File(name, split(files[name])) for name in sorted(files)], head)


def found(report: Report) -> set[tuple[str, str]]:
    """Kind and place of each problem."""
    return {(each.kind, f"{folder.first(each.file)}:{each.line}") for each in report.problems}


def opened(state: Path, *, effects: Effects | None = None, max_bytes: int = 1_000_000) -> Log:
    """A log on disk, with a clock that stands."""
    return Log.open(state, now=lambda: NOW, effects=effects, max_bytes=max_bytes, actor=ACTOR)


def on_disk(state: Path) -> Report:
    """`verify` of a log on disk by itself."""
    names = folder.names(state / "audit")
    return check({name: (state / "audit" / name).read_bytes() for name in names})
