"""The audit log of a replica: what is on disk when, what shares an fdatasync, and what if it can't be written."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import functools
import os
import subprocess
import sys
import threading
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from controller.audit import read
from controller.audit.record import Entry, Record, parse
from controller.audit.verify import verify
from controller.effects import Call, Effects
from controller.kube import auditlog
from controller.kube.auditlog import AuditLog, NotAudited, ended

if TYPE_CHECKING:
    from sealer.errors import SealerError

INTENT = Entry("intent", "open", "shop/db", "prod", "ab12", reason="items: password")


def run(test: Callable[..., Awaitable[None]]) -> Callable[..., None]:
    @functools.wraps(test)
    def wrapped(*arguments: Any, **named: Any) -> None:
        asyncio.run(test(*arguments, **named))  # type: ignore[arg-type]

    return wrapped


def records(directory: Path) -> list[Record]:
    """All that stands in a log, which is whole."""
    log = read.place(directory)
    assert verify(read.content(log)).problems == ()
    return [parse(line.removesuffix(b"\n")) for each in read.content(log) for line in each.lines]


def said(directory: Path) -> list[tuple[str, str, str, str, int]]:
    """Phase, verb, ref, outcome and the intent of each record."""
    found = [each.entry for each in records(directory)]
    return [(each.phase, each.verb, each.ref, each.outcome, each.intent) for each in found]


class Port(Effects):
    """Counts; an fdatasync lasts as long as `slow`, and all fails while `broken`."""

    def __init__(self) -> None:
        self.calls: list[Call] = []
        self.broken = False
        self.syncing, self.go = threading.Event(), threading.Event()
        self.go.set()

    @contextlib.contextmanager
    def around(self, call: Call, what: str) -> Iterator[None]:
        self.calls.append(call)
        if self.broken:
            raise OSError(28, "No space left on device")
        yield
        if call == "audit.sync":
            self.syncing.set()
            self.go.wait()


@run
async def test_an_intent_is_on_disk_before_anything_is_done(tmp_path: Path) -> None:
    port = Port()
    async with AuditLog(tmp_path / "log", effects=port) as log:
        assert await log.begin((INTENT,)) == [1]
        assert port.calls[-1] == "audit.sync"
        assert said(tmp_path / "log") == [("intent", "open", "shop/db", "", 0)]
        log.end((ended(INTENT, 1, ("done", "with ab12cd34")),))
    assert said(tmp_path / "log")[1:] == [("outcome", "open", "shop/db", "done", 1)]


@run
async def test_all_that_wait_while_the_disk_works_share_the_next_fdatasync(tmp_path: Path) -> None:
    port = Port()
    async with AuditLog(tmp_path / "log", effects=port) as log:
        port.go.clear()
        first = asyncio.create_task(log.begin((INTENT,)))
        await asyncio.to_thread(port.syncing.wait)
        rest = [asyncio.create_task(log.begin((INTENT, INTENT))) for _ in range(20)]
        await asyncio.sleep(0)
        log.end((ended(INTENT, 1, ("done", "")),))
        await asyncio.sleep(0)
        assert not first.done()
        port.go.set()
        assert await first == [1]
        # The outcome goes first; each gets the numbers of its own.
        assert await asyncio.gather(*rest) == [[n, n + 1] for n in range(3, 43, 2)]
        assert port.calls.count("audit.sync") == 2
    assert len(records(tmp_path / "log")) == 42


@run
async def test_where_it_can_t_be_written_nothing_may_be_done_and_outcomes_are_kept(tmp_path: Path) -> None:
    port = Port()
    told: list[tuple[str, SealerError]] = []
    counted = Counts()
    log = AuditLog(
        tmp_path / "log", effects=port, failed=lambda path, error: told.append((path, error)), counted=counted
    )
    async with log:
        await log.begin((INTENT,))
        port.broken = True
        log.end((ended(INTENT, 1, ("done", "")),))
        with pytest.raises(NotAudited, match="no space left on device; nothing is opened without it"):
            await log.begin((INTENT,))
        assert str(tmp_path) in told[0][0]
        assert counted.failures == 1
        port.broken = False
        assert await log.begin((INTENT,)) == [3]
    assert said(tmp_path / "log") == [
        ("intent", "open", "shop/db", "", 0),
        ("outcome", "open", "shop/db", "done", 1),
        ("intent", "open", "shop/db", "", 0),
    ]
    assert counted.records == 3


class Counts:
    """What is counted."""

    records = failures = 0

    def wrote(self, records: int) -> None:
        self.records += records

    def failed(self) -> None:
        self.failures += 1


@pytest.mark.parametrize("failures", [0, 1100])
def test_an_outcome_that_could_not_be_written_is_tried_again_however_often_it_failed(
    tmp_path: Path, failures: int
) -> None:
    """Each SealedSecret that needs work tries, so that a full disk gives a thousand failures within the hour."""
    from tests.controller.kube import memory

    async def test() -> None:
        port = Port()
        async with AuditLog(tmp_path / "log", effects=port) as log:
            await log.begin((INTENT,))
            port.broken = True
            log.end((ended(INTENT, 1, ("done", "")),))
            for _ in range(failures):
                with pytest.raises(NotAudited):
                    await log.begin((INTENT,))
            await asyncio.sleep(100)
            assert len(records(tmp_path / "log")) == 1
            port.broken = False
            await asyncio.sleep(100)
            assert len(records(tmp_path / "log")) == 2

    memory.run(test())


_KILLED = """
import asyncio, os, sys
from pathlib import Path
from controller.audit.record import Entry
from controller.kube.auditlog import AuditLog, ended
async def main():
    log = AuditLog(Path(sys.argv[1]))
    verbs = ["open", "put", "generate", "delete"]
    intents = [Entry("intent", verb, f"shop/{n}", "prod") for n, verb in enumerate(verbs)]
    await log.begin(intents)
    log.end([ended(intents[1], 2, ("done", ""))])
    await log.written()
    os._exit(9)
asyncio.run(main())
"""


@run
async def test_what_a_killed_process_left_open_is_abandoned(tmp_path: Path) -> None:
    """Keys too, whose verbs a state leaves to others: here nobody else writes."""
    log = tmp_path / "log"
    assert subprocess.run([sys.executable, "-c", _KILLED, str(log)], check=False).returncode == 9
    told: list[dict[str, Any]] = []
    async with AuditLog(log, told=lambda level, event, **fields: told.append(fields)) as after:
        await after.start()
    assert said(log)[5:] == [
        ("outcome", "open", "shop/0", "abandoned", 1),
        ("outcome", "generate", "shop/2", "abandoned", 3),
        ("outcome", "delete", "shop/3", "abandoned", 4),
    ]
    assert verify(read.content(read.place(log))).open == ()
    assert told == [{"path": str(log), "sequence": 8, "abandoned": 3}]


@run
async def test_intents_of_the_file_before_are_closed_too(tmp_path: Path) -> None:
    log = tmp_path / "log"
    async with AuditLog(log, max_bytes=400) as first:
        await first.begin((INTENT,))
        await first.begin((INTENT,))
    async with AuditLog(log) as second:
        await second.start()
    assert [each[4] for each in said(log)] == [0, 0, 1, 2]


@run
async def test_one_directory_is_of_one_process(tmp_path: Path) -> None:
    async with AuditLog(tmp_path / "log") as first:
        await first.start()
        async with AuditLog(tmp_path / "log") as second:
            with pytest.raises(NotAudited, match="each replica needs a directory of its own"):
                await second.begin((INTENT,))
        await first.begin((INTENT,))
    async with AuditLog(tmp_path / "log") as third:
        assert await third.begin((INTENT,)) == [3]


@run
async def test_another_threads_loop_may_use_it(tmp_path: Path) -> None:
    async with AuditLog(tmp_path / "log") as log:

        async def elsewhere() -> None:
            [number] = await log.begin((INTENT,))
            log.end((ended(INTENT, number, ("done", "")),))

        await asyncio.gather(*(asyncio.to_thread(asyncio.run, elsewhere()) for _ in range(4)))
        await log.written()
        assert len(records(tmp_path / "log")) == 8
    assert verify(read.content(read.place(tmp_path / "log"))).open == ()


@run
async def test_who_is_cancelled_while_it_waits_has_done_nothing(tmp_path: Path) -> None:
    port = Port()
    async with AuditLog(tmp_path / "log", effects=port) as log:
        port.go.clear()
        task = asyncio.create_task(log.begin((INTENT,)))
        await asyncio.to_thread(port.syncing.wait)
        task.cancel()
        await asyncio.wait([task])
        port.go.set()
    assert said(tmp_path / "log") == [
        ("intent", "open", "shop/db", "", 0),
        ("outcome", "open", "shop/db", "abandoned", 1),
    ]


@run
async def test_who_goes_while_the_disk_does_not_answer_leaves_nothing_behind(tmp_path: Path) -> None:
    """Neither in memory nor on disk: requests time out as long as a network's disk hangs, which may be for days."""
    port = Port()
    async with AuditLog(tmp_path / "log", effects=port) as log:
        port.go.clear()
        first = asyncio.create_task(log.begin((INTENT,)))
        await asyncio.to_thread(port.syncing.wait)
        gone = [asyncio.create_task(log.begin((INTENT,))) for _ in range(20)]
        await asyncio.wait(gone, timeout=0)
        stays = asyncio.create_task(log.begin((INTENT,)))
        for each in gone:
            each.cancel()
        await asyncio.wait(gone)
        port.go.set()
        assert (await first, await stays) == ([1], [2])
    assert len(records(tmp_path / "log")) == 2


class Late(AuditLog):
    """Calls what is next in `between` once intents are on disk, before and after their sequences are handed over."""

    between: Iterator[Callable[[], object]] = iter(())

    def _settle(self, *arguments: Any) -> None:
        next(self.between, bool)()
        super()._settle(*arguments)
        next(self.between, bool)()


@run
async def test_who_is_cancelled_with_the_numbers_on_their_way_too(tmp_path: Path) -> None:
    """On disk, but whoever waits for that goes before it hears of it: here, and on the loop of another thread."""
    gone = threading.Event()
    async with Late(tmp_path / "log") as log:

        async def elsewhere() -> None:
            there = asyncio.create_task(log.begin((INTENT,)))
            loop = asyncio.get_running_loop()
            log.between = iter([lambda: (loop.call_soon_threadsafe(there.cancel), gone.wait())])
            await asyncio.wait([there])
            assert there.cancelled()
            gone.set()

        here = asyncio.create_task(log.begin((INTENT,)))
        log.between = iter([bool, here.cancel])
        await asyncio.wait([here])
        assert here.cancelled()
        await log.written()
        await asyncio.to_thread(asyncio.run, elsewhere())
    assert [each[3] for each in said(tmp_path / "log") if each[0] == "outcome"] == ["abandoned"] * 2
    assert verify(read.content(read.place(tmp_path / "log"))).open == ()


@run
async def test_refusals_that_wait_take_the_place_of_no_outcome(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(auditlog, "_MOST", 3)
    port = Port()
    refusal = Entry("event", "refuse", "shop/other", "prod", outcome="refused")
    async with AuditLog(tmp_path / "log", effects=port) as log:
        await log.begin((INTENT,))
        port.broken = True
        for _ in range(9):
            log.end((refusal,))
        log.end((ended(INTENT, 1, ("done", "")),))
        for _ in range(9):
            with pytest.raises(NotAudited):
                await log.begin((INTENT,))
            log.end((refusal,))
        port.broken = False
    assert [each.entry.phase for each in records(tmp_path / "log")] == ["intent", *["event"] * 3, "outcome"]


@run
async def test_a_file_system_without_locks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It says so in the system's words, costs no descriptor each time, and what came of what was begun is kept."""

    def none(*_: Any, **__: Any) -> bool:
        raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))

    async with AuditLog(tmp_path / "first") as log:
        with monkeypatch.context() as there:
            there.setattr("controller.flock.taken", none)
            with pytest.raises(NotAudited, match="no locks available; nothing is opened without it"):
                await log.begin((INTENT,))
            open_ = len(os.listdir("/proc/self/fd"))
            with pytest.raises(NotAudited):
                await log.begin((INTENT,))
            assert len(os.listdir("/proc/self/fd")) == open_
        await log.begin((INTENT,))
        with monkeypatch.context() as there:
            there.setattr("controller.flock.taken", none)
            log.end((ended(INTENT, 1, ("done", "")),))
            with pytest.raises(NotAudited):
                await log.begin((INTENT,))
    assert [each[3:] for each in said(tmp_path / "first")] == [("", 0), ("done", 1)]


@run
async def test_a_disk_that_does_not_answer_is_told_of(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As a network's: nothing fails, all waits, and somebody must find out why."""
    monkeypatch.setattr(auditlog, "_SLOW", 0)
    port, told = Port(), asyncio.Queue[tuple[str, str]]()
    log = AuditLog(tmp_path / "log", effects=port, failed=lambda path, error: told.put_nowait((path, error.what)))
    async with log:
        port.go.clear()
        waits = asyncio.create_task(log.begin((INTENT,)))
        try:
            path, what = await asyncio.wait_for(told.get(), 30)
        finally:
            port.go.set()
        assert path == str(tmp_path / "log")
        assert "the disk does not answer" in what
        assert await waits == [1]


@run
async def test_a_line_that_is_damaged_keeps_nobody_from_going_on(tmp_path: Path) -> None:
    """One that nothing ended, and behind which the log is whole: `audit verify` names it, and it stays as it is."""
    async with AuditLog(tmp_path / "log") as log:
        await log.begin((INTENT,))
        await log.begin((INTENT,))
    (file,) = (tmp_path / "log" / "audit").iterdir()
    file.write_bytes(file.read_bytes().replace(b'"version":1}', b'"version":?}', 1))
    async with AuditLog(tmp_path / "log") as log:
        assert await log.begin((INTENT,)) == [4]
    assert len(verify(read.content(read.place(tmp_path / "log"))).problems) > 0


@run
async def test_a_directory_that_others_can_read_is_not_taken(tmp_path: Path) -> None:
    (tmp_path / "log").mkdir()
    (tmp_path / "log").chmod(0o770)
    async with AuditLog(tmp_path / "log") as log:
        with pytest.raises(NotAudited, match="can be read by others"):
            await log.begin((INTENT,))


@run
async def test_a_volume_that_gives_its_group_to_what_is_made_there(tmp_path: Path) -> None:
    """As Kubernetes does with fsGroup: the directory is made ours alone."""
    tmp_path.chmod(0o2770)
    async with AuditLog(tmp_path / "log") as log:
        await log.begin((INTENT,))
    assert (tmp_path / "log").stat().st_mode & 0o7777 == 0o700


@run
async def test_after_damage_it_goes_on_once_that_was_said(tmp_path: Path) -> None:
    """As for a state; the controller runs meanwhile."""
    directory = tmp_path / "log"
    async with AuditLog(directory) as log:
        await log.begin((INTENT,))
        (file,) = (directory / "audit").iterdir()
        file.write_bytes(file.read_bytes().replace(b"shop", b"SHOP", 1).replace(b"db", b'd"', 1))
        with pytest.raises(NotAudited, match="its last line is not JSON"):
            await log.begin((INTENT,))
        command = [sys.executable, "-m", "controller", "audit", "restart", "--state", str(directory), "--reason", "why"]
        assert subprocess.run(command, capture_output=True, check=False).returncode == 0
        assert await log.begin((INTENT,)) == [3]
        again = subprocess.run(command, capture_output=True, text=True, check=False)
        assert again.returncode == 1
        assert "goes on as it is" in again.stderr


@run
async def test_a_record_that_can_t_be_one_holds_up_no_other(tmp_path: Path) -> None:
    async with AuditLog(tmp_path / "log") as log:
        [number] = await log.begin((INTENT,))
        log.end((INTENT._replace(phase="outcome"),))  # closes nothing
        with pytest.raises(NotAudited, match="ValueError"):
            await log.begin((INTENT,))
        assert await log.begin((INTENT,)) == [number + 1]
