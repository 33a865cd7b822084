"""`sealer run --watch`, as a process: what a change of the sealed files does to the command, and what ends it."""

from __future__ import annotations

import fcntl
import json
import os
import pty
import secrets
import selectors
import signal
import subprocess
import sys
import termios
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from sealer.errors import UsageError
from sealer.formats import passphrase
from sealer.running import watch
from sealer.running.child import RESTART
from sealer.running.variables import Chosen
from tests.sealer import rings
from tests.sealer.commands import test_run
from tests.sealer.commands.test_run import DB, WEB, Runner

shop = test_run.shop
memory = test_run.memory
run = test_run.run

DEADLINE = 30
SEALER = [
    sys.executable,
    "-c",
    (
        "from sealer.running import child, watch; watch.INTERVAL = 0.02; child.PATIENCE = 0.3\n"
        "from sealer.cli import main; main()"
    ),
    "run",
]
PATIENT = [part.replace("0.3", "600") for part in SEALER]

# A signal just before `signal.pause` would leave Python's handler waiting for the next one: hence the pipe.
_START = (
    "import json, os, signal, sys\ndef say(*what): print(json.dumps(what), flush=True)\n"
    "out, into = os.pipe(); os.set_blocking(into, False); signal.set_wakeup_fd(into)\n"
    "def idle(): os.read(out, 1)\n"
)
# What a command here does: it says its pid and its value, then waits for signals.
SHOW = _START + "say(os.getpid(), os.environ.get('PASSWORD'), os.environ.get('OTHER'))\nwhile True: idle()"
FILES = _START + (
    "d = os.environ['SEALER_FILES']\n"
    "def show(*_): say(os.getpid(), {n: open(os.path.join(d, n)).read() for n in sorted(os.listdir(d))})\n"
    "signal.signal(signal.SIGHUP, show)\nshow()\nwhile True: idle()"
)


class Started:
    """A run of sealer; its lines are waited for, each with a deadline."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self.process = process
        self._left = {"stdout": b"", "stderr": b""}

    def line(self, name: str = "stdout") -> str:
        stream = getattr(self.process, name)
        with selectors.DefaultSelector() as selector:
            selector.register(stream, selectors.EVENT_READ)
            end = time.monotonic() + DEADLINE
            while b"\n" not in self._left[name]:
                assert selector.select(max(0.0, end - time.monotonic())), f"nothing on {name} in time"
                found = os.read(stream.fileno(), 65536)
                assert found, f"{name} ended"
                self._left[name] += found
        line, _, self._left[name] = self._left[name].partition(b"\n")
        return line.decode()

    def said(self) -> Any:
        return json.loads(self.line())

    def error(self, words: str) -> str:
        """The next line on stderr that holds these words."""
        while words not in (line := self.line("stderr")):
            pass
        return line

    def end(self, number: signal.Signals = signal.SIGTERM) -> tuple[int, str]:
        """The exit code after a signal, and what was still said on stdout."""
        self.process.send_signal(number)
        return self.ended()

    def ended(self) -> tuple[int, str]:
        code = self.process.wait(DEADLINE)
        assert self.process.stdout is not None
        return code, (self._left["stdout"] + self.process.stdout.read()).decode()


@contextmanager
def started(run: Runner, *args: str, code: str, sealer: list[str] = SEALER, **options: Any) -> Iterator[Started]:
    options.setdefault("env", run.environment())
    process = subprocess.Popen(
        [*sealer, *args, "--", sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE, **options
    )
    try:
        with process:
            try:
                yield Started(process)
            finally:
                if process.poll() is None:
                    process.terminate()
                    process.wait(DEADLINE)
    finally:
        if process.poll() is None:
            process.kill()


def replace(run: Runner, path: str, items: Mapping[str, bytes]) -> None:
    """Another content in one step, as `sealer set` writes it: what is half-written has tests of its own."""
    run.write(f"new/{path}", items)
    os.replace(run.shop.root / "new" / path, run.shop.root / path)


# -- restart ----------------------------------------------------------------------------------------------------


def test_a_change_starts_the_command_again_with_the_new_values(run: Runner) -> None:
    values = [secrets.token_hex(8) for _ in range(3)]
    run.write(DB, {"PASSWORD": values[0].encode()})
    run.write(WEB, {"OTHER": b"x"})
    with started(run, "-f", DB, "-f", WEB, "--watch", "restart", code=SHOW) as it:
        first, *seen = it.said()
        assert seen == [values[0], "x"]
        replace(run, DB, {"PASSWORD": values[1].encode()})
        second, *seen = it.said()
        assert seen == [values[1], "x"]
        assert second != first
        assert it.error("changed") == "changed PASSWORD: restarting the command"
        replace(run, WEB, {"PASSWORD": values[2].encode()})
        assert it.said()[1:] == [values[2], None]
        assert it.error("changed") == "changed OTHER, PASSWORD: restarting the command"
        assert it.end() == (128 + signal.SIGTERM, "")


def test_the_files_of_the_configuration_are_watched(run: Runner) -> None:
    run.write(DB, {"PASSWORD": b"old"})
    run.shop.write(".sealer.yaml", run.shop.read(".sealer.yaml") + b"run: {files: ['clusters/prod/*/*.yaml']}\n")
    with started(run, "--watch", "restart", code=SHOW) as it:
        assert it.said()[1] == "old"
        replace(run, DB, {"PASSWORD": b"new"})
        assert it.said()[1] == "new"


def test_a_restart_renews_the_files_between_the_two(run: Runner) -> None:
    run.write(DB, {"a": b"1", "b": b"2"})
    code = _START + (
        "d = os.environ['SEALER_FILES']\n"
        "def show(*_): say({n: open(os.path.join(d, n)).read() for n in sorted(os.listdir(d))})\n"
        "signal.signal(signal.SIGTERM, lambda *_: (show(), sys.exit(0)))\nshow()\nwhile True: idle()"
    )
    with started(run, "-f", DB, "--files", "--watch", "restart", code=code) as it:
        assert it.said() == [{"a": "1", "b": "2"}]
        replace(run, DB, {"a": b"3", "c": b"4"})
        assert it.said() == [{"a": "1", "b": "2"}]  # by the old one, at its end
        assert it.said() == [{"a": "3", "c": "4"}]


def test_a_command_that_ignores_term_is_killed(run: Runner) -> None:
    run.write(DB, {"PASSWORD": b"old"})
    code = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN)\n" + SHOW
    with started(run, "-f", DB, "--watch", "restart", code=code) as it:
        assert it.said()[1] == "old"
        replace(run, DB, {"PASSWORD": b"new"})
        pid, value, _ = it.said()
        assert value == "new"
        os.kill(pid, signal.SIGKILL)
        assert it.ended() == (128 + signal.SIGKILL, "")


def test_values_too_large_for_an_environment_leave_the_old_ones(run: Runner) -> None:
    run.write(DB, {"PASSWORD": b"old"})
    with started(run, "-f", DB, "--watch", "restart", code=SHOW) as it:
        first, *_ = it.said()
        replace(run, DB, {"PASSWORD": b"x" * (512 * 1024)})
        assert "too large; the command keeps its values" in it.error("warning")
        second, value, _ = it.said()
        assert (value, second != first) == ("old", True)


# -- signals ----------------------------------------------------------------------------------------------------


def test_a_change_renews_the_files_and_sends_the_signal(run: Runner, memory: Path) -> None:
    run.write(DB, {"kept": b"k", "changed": b"old", "removed": b"r"})
    with started(run, "-f", DB, "--files", "--watch", "HUP", code=FILES) as it:
        pid, seen = it.said()
        assert seen == {"kept": "k", "changed": "old", "removed": "r"}
        (folder,) = memory.iterdir()
        before = (folder / "kept").stat().st_ino
        replace(run, DB, {"kept": b"k", "changed": b"new", "added": b"a"})
        assert it.said() == [pid, {"kept": "k", "changed": "new", "added": "a"}]
        assert it.error("changed") == "changed added, changed, removed: sending SIGHUP"
        assert list(memory.iterdir()) == [folder]
        assert (folder / "kept").stat().st_ino == before
        assert {oct(path.stat().st_mode) for path in folder.iterdir()} == {"0o100400"}
        assert it.end()[0] == 128 + signal.SIGTERM
    assert not folder.exists()


def test_a_folder_that_cant_be_renewed_ends_nothing(run: Runner) -> None:
    run.write(DB, {"a": b"1"})
    code = FILES.replace("show()\nwhile", "show(); os.unlink(d + '/a'); os.mkdir(d + '/a'); say('made')\nwhile")
    with started(run, "-f", DB, "--files", "--watch", "USR1", code=code) as it:
        it.said()
        assert it.said() == ["made"]
        replace(run, DB, {"a": b"2"})
        assert "can't be renewed" in it.error("warning")
        assert it.end() == (128 + signal.SIGTERM, "")


# -- what can't be used -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("broken", "said"),
    [
        (None, "can't be read: no such file"),
        (b"apiVersion: [", f"{DB}:2: a value is missing"),
        (b"kind: Pod\n", "holds no SealedSecret"),
    ],
)
def test_a_broken_file_leaves_the_values_and_is_named_once(run: Runner, broken: bytes | None, said: str) -> None:
    run.write(DB, {"a": b"old"})
    with started(run, "-f", DB, "--files", "--watch", "HUP", code=FILES) as it:
        pid, seen = it.said()
        assert seen == {"a": "old"}
        if broken is None:
            (run.shop.root / DB).unlink()
        else:
            run.shop.write(DB, broken)
        warning = it.error("warning")
        assert said in warning
        assert warning.endswith("; the command keeps its values")
        assert "way out: " in it.line("stderr")
        os.kill(pid, signal.SIGHUP)
        assert it.said() == [pid, {"a": "old"}]
        replace(run, DB, {"a": b"new"})
        assert it.said() == [pid, {"a": "new"}]
        assert it.line("stderr") == "changed a: sending SIGHUP"  # the very next line: the trouble was said once


def test_an_item_that_is_refused_leaves_the_values(run: Runner) -> None:
    value = secrets.token_hex(8)
    run.write(DB, {"PASSWORD": b"old"})
    with started(run, "-f", DB, "--watch", "restart", code=SHOW) as it:
        it.said()
        replace(run, DB, {"PASSWORD": value.encode(), "LD_PRELOAD": value.encode()})
        warning = it.error("warning")
        assert "a secret never sets LD_PRELOAD" in warning
        assert value not in warning
        assert it.end() == (128 + signal.SIGTERM, "")


# -- the end ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("more", [("--watch", "restart"), ("--files", "--watch", "HUP")])
def test_a_command_that_ends_by_itself_ends_us_with_its_code(run: Runner, more: tuple[str, ...]) -> None:
    run.write(DB, {"A": b"a"})
    for code, expected in (("exit(0)", 0), ("exit(7)", 7), ("import os; os.kill(os.getpid(), 9)", 137)):
        with started(run, "-f", DB, *more, code=code) as it:
            assert it.ended() == (expected, "")
    done = subprocess.run(
        [*SEALER, "-f", DB, *more, "--", "nonesuch"], capture_output=True, env=run.environment(), check=False
    )
    assert done.returncode == 127


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGQUIT])
def test_whoever_asks_for_the_end_ends_the_watching(run: Runner, number: signal.Signals) -> None:
    """A command that takes its time to end is not started again, whatever changes meanwhile."""
    run.write(DB, {"PASSWORD": b"old"})
    code = _START + (
        f"signal.signal({int(number)}, lambda *_: say('ending'))\nsay('ready')\nidle()\nsys.stdin.readline(); exit(40)"
    )
    with started(run, "-f", DB, "--watch", "restart", code=code, stdin=subprocess.PIPE) as it:
        assert it.said() == ["ready"]
        # Both are there before it looks the next time: stopped, it can't look.
        it.process.send_signal(signal.SIGSTOP)
        os.waitpid(it.process.pid, os.WUNTRACED)
        it.process.send_signal(number)
        replace(run, DB, {"PASSWORD": b"new"})
        it.process.send_signal(signal.SIGCONT)
        assert it.said() == ["ending"]
        assert it.process.stdin is not None
        it.process.stdin.write(b"\n")
        it.process.stdin.flush()
        assert it.ended() == (40, "")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_the_end_asked_for_in_a_restart_starts_nothing_new(run: Runner, number: signal.Signals) -> None:
    run.write(DB, {"PASSWORD": b"old"})
    code = _START + (
        "seen = []\n"
        "def stop(n, _):\n    seen.append(n); say('stop', n)\n    if len(seen) == 2: sys.exit(41)\n"
        f"for n in (signal.SIGTERM, {int(number)}): signal.signal(n, stop)\n"
        "say('ready')\nwhile True: idle()"
    )
    with started(run, "-f", DB, "--watch", "restart", code=code, sealer=PATIENT) as it:
        assert it.said() == ["ready"]
        replace(run, DB, {"PASSWORD": b"new"})
        assert it.said() == ["stop", signal.SIGTERM]
        it.process.send_signal(number)
        assert it.said() == ["stop", number]
        assert it.ended() == (41, "")


@pytest.mark.parametrize("number", [signal.SIGHUP, signal.SIGUSR1, signal.SIGWINCH])
def test_other_signals_are_forwarded_and_the_watching_goes_on(run: Runner, number: signal.Signals) -> None:
    run.write(DB, {"PASSWORD": b"old"})
    code = f"import signal; signal.signal({int(number)}, lambda *_: say('got'))\n" + SHOW
    with started(run, "-f", DB, "--watch", "restart", code=code) as it:
        assert it.said()[1] == "old"
        it.process.send_signal(number)
        assert it.said() == ["got"]
        replace(run, DB, {"PASSWORD": b"new"})
        assert it.said()[1] == "new"


@pytest.mark.parametrize("more", [("--watch", "restart"), ("--files", "--watch", "HUP")])
def test_an_interrupt_at_the_terminal(run: Runner, memory: Path, more: tuple[str, ...]) -> None:
    run.write(DB, {"PASSWORD": b"old"})
    leader, follower = pty.openpty()

    def own_terminal() -> None:
        os.setsid()
        fcntl.ioctl(follower, termios.TIOCSCTTY, 0)

    code = "import signal, sys; signal.signal(signal.SIGINT, lambda *_: sys.exit(42))\n" + SHOW
    with started(run, "-f", DB, *more, code=code, stdin=follower, preexec_fn=own_terminal) as it:
        it.said()
        os.write(leader, b"\x03")
        assert it.ended() == (42, "")
    os.close(leader)
    os.close(follower)
    assert not list(memory.iterdir())


# -- before it starts -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (("--watch", "HUP"), b"a running process's environment can't be changed\n  way out: add --files, or --watch"),
        (("--files", "--watch", "KILL"), b"--watch KILL: ends the command"),
        (("--files", "--watch", "sigstop"), b"--watch STOP: stops the command"),
        (("--files", "--watch", "NOPE"), b"--watch: no such signal"),
        (("--files", "--watch", "1"), b"--watch: no such signal"),
        (("--files", "--watch", ""), b"--watch: no such signal"),
    ],
)
def test_what_cant_be_watched_for_is_refused(run: Runner, more: tuple[str, ...], said: bytes) -> None:
    run.write(DB, {"A": b"a"})
    done = run("-f", DB, *more, "--", "echo", "started")
    assert (done.returncode, done.stdout) == (125, b"")
    assert said in done.stderr


def test_a_pipe_cant_be_watched(run: Runner) -> None:
    os.mkfifo(run.shop.root / "pipe.yaml")
    done = run("-f", "pipe.yaml", "--watch", "restart", "--", "echo", "started")
    assert (done.returncode, done.stdout) == (125, b"")
    assert b"pipe.yaml: is no regular file" in done.stderr


@pytest.mark.parametrize("word", ["HUP", "SIGHUP", "hup", "SigHup"])
def test_names_of_signals(word: str) -> None:
    assert watch.action(word, as_files=True) == signal.SIGHUP
    assert watch.action("restart", as_files=False) == RESTART


@pytest.mark.usefixtures("cheap")
def test_a_passphrase_is_asked_for_once(run: Runner, tmp_path_factory: pytest.TempPathFactory) -> None:
    secret = secrets.token_hex(8)
    private = tmp_path_factory.mktemp("ring")
    rings.make(private / "prod", run.shop["prod"].keys[0], secret=secret)
    file = private / "passphrase"
    file.write_text(secret)
    run.write(DB, {"PASSWORD": b"old"})
    environment = {**os.environ, "SEALER_PASSPHRASE_FILE": str(file)}
    arguments = ("-f", DB, "--private-key", str(private / "prod"), "--watch", "restart")
    with started(run, *arguments, code=SHOW, env=environment) as it:
        assert it.said()[1] == "old"
        file.unlink()
        replace(run, DB, {"PASSWORD": b"new"})
        assert it.said()[1] == "new"


def test_beside_a_command_nobody_is_asked(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(passphrase, "_hands_off", False)
    passphrase.hands_off()
    for source in (None, "-"):
        with pytest.raises(UsageError, match="the terminal is the command's by now"):
            passphrase.ask("?", file=source)
    (tmp_path / "file").write_text("x\n")
    assert passphrase.ask("?", file=str(tmp_path / "file")) == "x"


# -- one look after the other -----------------------------------------------------------------------------------


class Plain:
    """Files whose text is the value, and what has been done with it."""

    def __init__(self, *paths: Path) -> None:
        self.paths = [str(path) for path in paths]
        self.opened = 0
        self.put_values: list[dict[str, bytes]] = []
        self.fail: Callable[[], None] = lambda: None

    def read(self) -> list[tuple[str, bytes]]:
        return [(path, Path(path).read_bytes()) for path in self.paths]

    def open(self, contents: watch.Contents) -> Chosen:
        self.opened += 1
        self.fail()
        return Chosen({Path(path).name: data.strip() for path, data in contents})

    def put(self, old: Mapping[str, bytes], new: Mapping[str, bytes]) -> None:
        self.put_values.append(dict(new))

    def environment(self, values: Mapping[str, bytes]) -> dict[str, str]:
        return {}


def watched(*paths: Path) -> tuple[watch.Watcher, Plain]:
    source = Plain(*paths)
    watcher = watch.Watcher(signal.SIGHUP, lambda _: None)
    watcher.watch(source)
    contents = source.read()
    watcher.begin(contents, source.open(contents), source)
    return watcher, source


def test_a_touch_opens_nothing_and_the_same_value_does_nothing(tmp_path: Path) -> None:
    file = tmp_path / "a"
    file.write_text("one")
    watcher, source = watched(file)
    os.utime(file, ns=(1, 1))
    assert [watcher.look() for _ in range(4)] == [None] * 4
    assert source.opened == 1
    file.write_text("one\n")  # other bytes, the same value: as if sealed again
    assert [watcher.look() for _ in range(4)] == [None] * 4
    assert source.opened == 2
    assert source.put_values == []


def test_a_state_counts_when_two_looks_have_found_it(tmp_path: Path) -> None:
    first, second = tmp_path / "a", tmp_path / "b"
    first.write_text("one")
    second.write_text("one")
    watcher, source = watched(first, second)
    first.write_text("other")
    assert watcher.look() is None
    second.write_text("another")
    assert watcher.look() is None
    assert [watcher.look() for _ in range(3)] == [signal.SIGHUP, None, None]
    assert source.put_values == [{"a": b"other", "b": b"another"}]


def test_a_file_that_is_gone_for_a_moment_is_not_mentioned(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "a"
    file.write_text("one")
    watcher, _ = watched(file)
    file.unlink()
    assert watcher.look() is None
    file.write_text("one")
    assert [watcher.look() for _ in range(3)] == [None] * 3
    assert capsys.readouterr().err == ""
    file.unlink()
    assert [watcher.look() for _ in range(3)] == [None] * 3
    os.mkfifo(file)
    assert [watcher.look() for _ in range(3)] == [None] * 3
    lines = capsys.readouterr().err.splitlines()
    assert [line.partition(": ")[0].strip() for line in lines] == ["warning", "way out"] * 2


def test_a_defect_of_ours_ends_nothing_and_quotes_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "a"
    file.write_text("one")
    watcher, source = watched(file)

    def fail() -> None:
        raise ValueError(file.read_text())

    source.fail = fail
    file.write_text("secret")
    assert [watcher.look() for _ in range(2)] == [None] * 2
    said = capsys.readouterr().err
    assert "ValueError" in said
    assert "secret" not in said
    source.fail = lambda: None
    file.write_text("two")
    assert [watcher.look() for _ in range(2)] == [None, signal.SIGHUP]
