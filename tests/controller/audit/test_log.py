"""The log on disk: appending, rotation, locks, what a killed or failed writer leaves, what the state vouches for."""

from __future__ import annotations

import contextlib
import errno
import os
import resource
import signal
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from controller.audit import folder
from controller.audit.log import Head, Log
from controller.audit.record import Entry, parse
from controller.effects import Call, Effects
from sealer.errors import FormatError, Refused, SourceError
from tests.controller.audit.samples import ACTOR, NOW, intent, on_disk, opened, outcome, pairs

FIRST = folder.name(1)


@pytest.fixture
def state(tmp_path: Path) -> Path:
    return tmp_path / "state"


class Port(Effects):
    """Counts; at call `at` it raises `error` before the effect, or kills the process after it."""

    def __init__(self, at: int = 0, error: BaseException | None = None, *, kill: bool = False) -> None:
        self.calls: list[tuple[Call, str]] = []
        self._at, self._error, self._kill = at, error, kill

    @contextlib.contextmanager
    def around(self, call: Call, what: str) -> Iterator[None]:
        self.calls.append((call, what))
        mine = len(self.calls) == self._at
        if mine and self._error is not None:
            raise self._error
        yield
        if mine and self._kill:
            os.kill(os.getpid(), signal.SIGKILL)


def content(state: Path, name: str = FIRST) -> bytes:
    return (state / "audit" / name).read_bytes()


def last(state: Path) -> Entry:
    name = folder.names(state / "audit")[-1]
    return parse(content(state, name).splitlines()[-1]).entry


def test_sequences_go_on_over_opens(state: Path) -> None:
    assert opened(state).append([intent("a/1"), intent("a/2")]) == [1, 2]
    log = opened(state)
    assert log.append([outcome(1, "a/1")]) == [3]
    assert log.append([]) == []
    report = on_disk(state)
    assert (report.problems, report.records) == ((), 3)


def test_nothing_is_written_until_there_is_something_to_say(state: Path) -> None:
    log = opened(state)
    assert folder.names(state / "audit") == []
    assert log.head() == Head("", 0, 0, "0" * 64)
    log.check(log.head())
    log.check(Head.load(log.head().dump()))


def test_only_we_may_read_it(state: Path) -> None:
    old = os.umask(0)
    try:
        opened(state).append([intent()])
    finally:
        os.umask(old)
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in [state, *state.rglob("*")]}
    assert modes == {"state": 0o700, "audit": 0o700, "audit.lock": 0o600, FIRST: 0o600}


@pytest.mark.parametrize("place", ["", "audit", f"audit/{FIRST}"])
def test_one_that_others_could_change_is_refused(state: Path, place: str) -> None:
    opened(state).append([intent()])
    (state / place).chmod(0o755)
    with pytest.raises(SourceError, match="can be read by others"):
        opened(state)


def test_a_symlink_in_its_place_is_refused(state: Path, tmp_path: Path) -> None:
    log = opened(state)
    log.append([intent()])
    (state / "audit" / FIRST).rename(tmp_path / "elsewhere")
    (state / "audit" / FIRST).symlink_to(tmp_path / "elsewhere")
    with pytest.raises(SourceError, match="is a symlink"):
        log.append([intent()])


def test_one_write_and_one_fdatasync_an_append(state: Path) -> None:
    port = Port()
    log = opened(state, effects=port)
    log.append(pairs(100))
    log.append([intent()])
    assert port.calls == [("audit.rotate", FIRST), *([("audit.append", FIRST), ("audit.sync", FIRST)] * 2)]


def test_a_new_file_goes_on_with_sequence_and_hash(state: Path) -> None:
    log = opened(state, max_bytes=2000)
    for number in range(20):
        log.append([intent(f"a/{number}")])
    names = folder.names(state / "audit")
    assert len(names) > 2
    assert all((state / "audit" / name).stat().st_size <= 2000 for name in names)
    report = on_disk(state)
    assert (report.problems, report.records) == ((), 20)
    assert folder.first(names[1]) == len(content(state, names[0]).splitlines()) + 1
    log.append([intent()] * 50)  # larger than a file may be: in one file all the same
    assert not on_disk(state).problems


def test_two_writers_at_once_make_one_chain(state: Path) -> None:
    script = (
        "import sys\nfrom pathlib import Path\nfrom tests.controller.audit.samples import intent, opened\n"
        "log = opened(Path(sys.argv[1]), max_bytes=9000)\nsys.stdin.read()\n"
        "for number in range(100):\n    log.append([intent(f'{sys.argv[2]}/{number}')] * (number % 3 + 1))\n"
    )
    running = [
        subprocess.Popen([sys.executable, "-c", script, str(state), f"w{number}"], stdin=subprocess.PIPE)
        for number in range(4)
    ]
    for each in running:
        assert each.stdin is not None
        each.stdin.close()
    assert [each.wait() for each in running] == [0] * 4
    report = on_disk(state)
    assert (report.problems, report.records) == ((), 4 * 199)
    assert report.files > 10


# Killed, failed


@pytest.mark.parametrize("size", [1, 40, 299])
def test_a_torn_line_is_cut_at_the_next_open_and_that_is_recorded(state: Path, size: int) -> None:
    opened(state).append([intent("a/1"), intent("a/2")])
    whole = content(state)
    torn = whole.splitlines()[-1][:size]
    (state / "audit" / FIRST).write_bytes(whole + torn)
    log = opened(state)
    assert content(state).startswith(whole)
    said = last(state)
    assert (said.verb, said.phase, said.outcome) == ("cut", "event", "done")
    assert said.reason.startswith(f"{size} bytes of a line that was never finished")
    assert not on_disk(state).problems
    assert log.append([intent()]) == [4]


def test_a_torn_line_alone_in_a_new_file(state: Path) -> None:
    opened(state).append([intent("a/1")])
    (state / "audit" / folder.name(2)).touch(0o600)
    (state / "audit" / folder.name(2)).write_bytes(b'{"act')
    opened(state)
    assert (last(state).verb, on_disk(state).problems) == ("cut", ())


def test_a_file_that_was_just_begun_is_gone_on_with(state: Path) -> None:
    opened(state).append([intent("a/1")])
    (state / "audit" / folder.name(2)).touch(0o600)
    log = opened(state)
    assert log.head().file == FIRST
    log.check(log.head())
    assert log.append([intent("a/2")]) == [2]
    assert folder.names(state / "audit") == [FIRST, folder.name(2)]
    assert not on_disk(state).problems


def test_an_empty_file_of_another_sequence_is_refused(state: Path) -> None:
    opened(state).append([intent("a/1")])
    (state / "audit" / folder.name(9)).touch(0o600)
    with pytest.raises(Refused, match="doesn't go on with the file before"):
        opened(state)


@pytest.mark.parametrize("at", range(1, 10))
def test_killed_at_any_effect(state: Path, at: int) -> None:
    opened(state).append([intent("a/0")])
    (state / "audit" / FIRST).write_bytes(content(state) + b'{"torn')
    pid = os.fork()
    if pid == 0:
        with contextlib.suppress(BaseException):
            log = opened(state, effects=Port(at, kill=True), max_bytes=900)
            for number in range(1, 4):
                log.append([intent(f"a/{number}")])
        os._exit(0)
    killed = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == -signal.SIGKILL
    log = opened(state, max_bytes=900)
    assert killed
    before = on_disk(state)
    assert before.problems == ()
    assert log.append([intent()]) == [before.records + 1]
    assert not on_disk(state).problems


@pytest.mark.parametrize("error", [OSError(errno.ENOSPC, "No space left on device"), SourceError("no")])
@pytest.mark.parametrize("call", ["audit.append", "audit.sync"])
def test_what_can_not_be_written_is_taken_back(state: Path, call: str, error: Exception) -> None:
    opened(state).append([intent("a/1")])
    whole = content(state)
    log = opened(state, effects=Port({"audit.append": 1, "audit.sync": 2}[call], error))
    with pytest.raises(SourceError, match="the audit log can't be written: no") as caught:
        log.append([intent("a/2"), intent("a/3")])
    assert "nothing is opened without it" in caught.value.what
    assert caught.value.where == str(state / "audit" / FIRST)
    assert caught.value.way_out.startswith(f"df -h {state}")
    assert content(state) == whole
    assert log.append([intent("a/2")]) == [2]


def _limited(state: Path, limit: int) -> int:
    """In a process whose files may not grow beyond `limit`: 3 if the log said so, and no line of it is torn."""
    pid = os.fork()
    if pid == 0:
        code = 9
        with contextlib.suppress(BaseException):
            resource.setrlimit(resource.RLIMIT_FSIZE, (limit, resource.RLIM_INFINITY))
            try:
                opened(state).append([intent(f"a/{number}") for number in range(5)])
                code = 0
            except SourceError as error:
                code = 3 if "can't be written" in error.what and error.way_out else 4
        os._exit(code)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


@pytest.mark.parametrize("more", [0, 1, 299, 700])
def test_a_file_that_may_not_grow_keeps_no_torn_line(state: Path, more: int) -> None:
    opened(state).append([intent("a/1")])
    whole = content(state)
    assert _limited(state, len(whole) + more) == 3
    assert content(state) == whole
    assert _limited(state, len(whole) + 10_000) == 0


def test_a_directory_in_place_of_the_file(state: Path) -> None:
    log = opened(state)
    log.append([intent()])
    (state / "audit" / FIRST).unlink()
    (state / "audit" / FIRST).mkdir(mode=0o700)
    with pytest.raises(SourceError, match="can't be written: is a directory"):
        log.append([intent()])


def test_a_file_in_place_of_the_directory(state: Path) -> None:
    state.mkdir(mode=0o700)
    (state / "audit").touch(0o600)
    with pytest.raises(SourceError, match="can't be written: file exists"):
        opened(state)


# What the state vouches for


def test_the_head_is_of_our_last_line(state: Path) -> None:
    log = opened(state, max_bytes=1500)
    for number in range(9):
        log.append([intent(f"a/{number}"), intent(f"b/{number}")])
        head = log.head()
        assert head.sequence == 2 * number + 2
        assert Head.load(head.dump()) == head
        opened(state).append([Entry("event", "get", "a/b", outcome="done")] if number == 8 else [])
        assert log.head() == head
        opened(state).check(head)
    assert opened(state).head().sequence == 19


@pytest.mark.parametrize("text", ["", "{}", "[]", "7", '{"file":"x","hash":"","offset":0,"sequence":1}', "null"])
def test_a_head_is_read_strictly(text: str) -> None:
    with pytest.raises(FormatError):
        Head.load(text)


def test_a_log_that_is_shorter_or_another_is_refused_with_a_way_out(state: Path) -> None:
    log = opened(state)
    log.append(pairs(3))
    head, whole = log.head(), content(state)
    text = whole.splitlines(keepends=True)
    for changed in (
        b"".join(text[:-1]),
        b"".join(text[:2]),
        b"".join([*text[:1], *text[2:]]),
        whole.replace(b'"done"', b'"dome"'),
        b"".join([*text[:-1], text[-1].replace(b"shop", b"pohs")]),
    ):
        (state / "audit" / FIRST).write_bytes(changed)
        with pytest.raises(Refused) as caught:
            opened(state).check(head)
        assert f"sealer-controller audit restart --state {state} --reason TEXT" in caught.value.way_out
    (state / "audit" / FIRST).unlink()
    with pytest.raises(Refused, match="record 6 is gone or changed"):
        opened(state).check(head)
    (state / "audit" / FIRST).write_bytes(whole)
    (state / "audit" / FIRST).chmod(0o600)
    opened(state).check(head)


def test_without_a_head_a_log_just_goes_on(state: Path) -> None:
    opened(state).append(pairs(2))
    log = opened(state)
    log.check(None)
    assert log.append([intent()]) == [5]


def test_a_log_that_is_changed_while_it_is_open_is_refused(state: Path) -> None:
    log = opened(state)
    log.append(pairs(2))
    (state / "audit" / FIRST).write_bytes(b"".join(content(state).splitlines(keepends=True)[:2]))
    with pytest.raises(Refused, match="was changed while it was open: record 4"):
        log.append([intent()])


# Scans


def test_a_scan_finds_what_was_begun_and_ended(state: Path) -> None:
    log = opened(state, max_bytes=1500)
    log.append([intent("a/1"), intent("a/2"), Entry("intent", "generate")])
    log.append([outcome(1, "a/1")])
    found = opened(state).scan(1)
    assert {number: each.ref for number, each in found.open.items()} == {2: "a/2"}  # a key operation is not ours
    assert {number: each.outcome for number, each in found.closed.items()} == {1: "done"}


@pytest.mark.parametrize("since", range(1, 62))
def test_a_scan_from_anywhere(state: Path, since: int) -> None:
    log = opened(state, max_bytes=2000)
    for number in range(60):
        log.append([intent(f"a/{number}" + "x" * (number * 37 % 91))])
    assert list(log.scan(since).open) == list(range(since, 61))


def test_a_scan_behind_the_head_reads_no_more(state: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from controller.audit import follow

    log = opened(state, max_bytes=40_000)
    log.append(pairs(500))
    head = log.head()
    opened(state).append([Entry("event", "get", "a/b", outcome="done"), intent("a/1")])
    log = opened(state)
    log.check(head)
    parsed: list[bytes] = []
    real = follow.parse
    monkeypatch.setattr(follow, "parse", lambda line: parsed.append(line) or real(line))
    assert list(log.scan(head.sequence + 1).open) == [1002]
    assert len(parsed) == 2


def test_a_scan_over_a_broken_chain_is_refused(state: Path) -> None:
    log = opened(state)
    log.append(pairs(3))
    text = content(state).splitlines(keepends=True)
    for changed in ([*text[:2], *text[3:]], [*text[:1], text[1].replace(b"done", b"dome"), *text[2:]]):
        (state / "audit" / FIRST).write_bytes(b"".join(changed))
        with pytest.raises(Refused) as caught:
            opened(state).scan(1)
        assert "audit restart" in caught.value.way_out


def test_a_restart_begins_above_all_that_was(state: Path) -> None:
    log = opened(state)
    log.append(pairs(3))
    lost = log.head()
    (state / "audit" / FIRST).write_bytes(b"".join(content(state).splitlines(keepends=True)[:2]) + b"torn")
    log = Log.unchecked(state, now=lambda: NOW, actor=ACTOR)
    head = log.restart("the disk died", lost, 40)
    assert (head.file, head.sequence, head.offset) == (folder.name(41), 41, 0)
    assert last(state).reason == f"after 6 {lost.hash}: the disk died"
    log = opened(state)
    log.check(head)
    assert log.append([intent()]) == [42]
    assert list(log.scan(1).open) == [42]
    report = on_disk(state)
    assert [each.record.sequence for each in report.restarts] == [41]
    assert [(each.kind, each.where) for each in report.problems] == [("torn", f"{FIRST}:3")]


def test_a_restart_may_begin_a_log(state: Path) -> None:
    state.mkdir(mode=0o700)
    log = Log.unchecked(state, now=lambda: NOW, actor=ACTOR)
    log.restart("all of it is gone", Head(FIRST, 0, 7, "ab" * 32))
    opened(state).append([outcome(3)])
    report = on_disk(state)
    assert (report.problems, report.records, len(report.restarts)) == ((), 2, 1)
