"""`sealer run`, as a process: it becomes the command, or supervises it."""

from __future__ import annotations

import fcntl
import json
import os
import pty
import secrets
import signal
import subprocess
import sys
import termios
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from sealer.running import runfolder
from tests.sealer.sealedfiles import sealed, trust
from tests.sealer.shop import Shop, manifest
from tests.sealer.shop import shop_fixture as _shop_fixture

shop = _shop_fixture

DB = "clusters/prod/payments/db.yaml"
WEB = "clusters/prod/web/api.yaml"
SEALER = [sys.executable, "-c", "from sealer.cli import main; main()", "run"]
SHOW = [sys.executable, "-c", "import json, os; print(json.dumps(dict(os.environ)))"]
READY = "import os, signal, sys; print('ready', flush=True); "


class Runner:
    """Starts `sealer run` with the key of prod, in the shop."""

    def __init__(self, shop: Shop, key: Path) -> None:
        self.shop = shop
        self.key = key

    def write(self, path: str, items: Mapping[str, bytes]) -> None:
        namespace, name = Path(path).parts[-2:]
        ref = f"{namespace}/{Path(name).stem}"
        self.shop.write(path, sealed(ref, items, self.shop["prod"].keys[0]))

    def __call__(self, *args: str, **environment: str) -> subprocess.CompletedProcess[bytes]:
        return subprocess.run([*SEALER, *args], capture_output=True, env=self.environment(**environment), check=False)

    def start(self, *args: str, **options: object) -> subprocess.Popen[str]:
        return subprocess.Popen(  # type: ignore[call-overload, no-any-return]
            [*SEALER, *args], stdout=subprocess.PIPE, text=True, env=self.environment(), **options
        )

    def environment(self, **more: str) -> dict[str, str]:
        return {**os.environ, "SEALER_PRIVATE_KEY_FILE": str(self.key), **more}

    def seen(self, *args: str, **environment: str) -> dict[str, str]:
        """The environment that a command sees."""
        done = self(*args, "--", *SHOW, **environment)
        assert done.returncode == 0, done.stderr
        found: dict[str, str] = json.loads(done.stdout)
        return found


@pytest.fixture
def memory(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A runtime directory of our own for `--files`: nobody else's folders are in it."""
    directory = Path("/dev/shm") / f"test-{secrets.token_hex(6)}"
    try:
        directory.mkdir(mode=0o700)
    except OSError:  # no such tmpfs on this machine: then it is the temporary folder that has to be left empty
        directory = tmp_path_factory.mktemp("runtime")
    yield directory
    assert not list(directory.iterdir())
    directory.rmdir()


@pytest.fixture
def run(shop: Shop, memory: Path, monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> Runner:
    trust(shop, monkeypatch)
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(memory))
    monkeypatch.setenv("TMPDIR", str(memory))
    key = tmp_path_factory.mktemp("key") / "prod.pem"
    key.write_text(shop["prod"].keys[0].pem)
    key.chmod(0o600)
    return Runner(shop, key)


# -- variables --------------------------------------------------------------------------------------------------


def test_items_are_variables_and_nothing_of_ours_is(run: Runner) -> None:
    value = secrets.token_hex(8)
    run.write(DB, {"PASSWORD": value.encode()})
    found = run.seen("-f", DB, SEALER_KEYRING="x", KEPT="kept")
    assert found["PASSWORD"] == value
    assert found["KEPT"] == "kept"
    assert not [name for name in found if name.startswith("SEALER_")]


def test_the_environment_is_the_parents_and_no_more(run: Runner) -> None:
    run.write(DB, {"PASSWORD": b"x"})
    plain = subprocess.run(SHOW, capture_output=True, env=run.environment(), check=True)
    expected = {name for name in json.loads(plain.stdout) if not name.startswith("SEALER_")}
    assert run.seen("-f", DB).keys() == expected | {"PASSWORD"}


def test_later_files_win_and_secrets_beat_the_environment(run: Runner) -> None:
    run.write(DB, {"A": b"db", "B": b"db"})
    run.write(WEB, {"B": b"web"})
    found = run.seen("-f", DB, "-f", WEB, A="parent", B="parent")
    assert (found["A"], found["B"]) == ("db", "web")
    found = run.seen("-f", DB, "-f", WEB, "--preserve-env", A="parent")
    assert (found["A"], found["B"]) == ("parent", "web")


def test_values_that_are_no_text_keep_their_bytes(run: Runner) -> None:
    value = bytes(range(1, 256))
    run.write(DB, {"V": value})
    code = "import os, sys; sys.stdout.buffer.write(os.environb[b'V'])"
    assert run("-f", DB, "--", sys.executable, "-c", code).stdout == value


def test_only_prefix_and_skipped_names(run: Runner) -> None:
    run.write(DB, {"PASSWORD": b"p", "OTHER": b"o", "api-key": b"k"})
    done = run("-f", DB, "--prefix", "DB_", "--", *SHOW)
    assert {name for name in json.loads(done.stdout) if name.startswith("DB_")} == {"DB_PASSWORD", "DB_OTHER"}
    assert b"no variable can be named DB_api-key: skipped" in done.stderr
    assert "OTHER" not in run.seen("-f", DB, "--only", "PASSWORD")
    assert run("-f", DB, "--only", "nope", "--", "true").returncode == 125


def test_files_of_the_configuration(run: Runner, monkeypatch: pytest.MonkeyPatch) -> None:
    run.write(DB, {"A": b"db"})
    run.write(WEB, {"B": b"web"})
    rules = run.shop.read(".sealer.yaml")
    run.shop.write(".sealer.yaml", rules + b"run: {files: ['clusters/prod/*/*.yaml']}\n")
    monkeypatch.chdir("clusters")
    found = run.seen()
    assert (found["A"], found["B"]) == ("db", "web")
    run.shop.write(".sealer.yaml", rules + b"run: {files: ['nothing/*.yaml']}\n")
    done = run("--", "true")
    assert done.returncode == 125
    assert b"no file matches" in done.stderr


# -- exit codes -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("files", [(), ("--files",)])
def test_the_commands_exit_code_is_ours(run: Runner, files: tuple[str, ...]) -> None:
    run.write(DB, {"A": b"a"})
    for code in (0, 1, 7, 125, 255):
        assert run("-f", DB, *files, "--", "sh", "-c", f"exit {code}").returncode == code
    assert run("-f", DB, *files, "--", "nonesuch-command").returncode == 127
    assert run("-f", DB, *files, "--", "/etc/passwd").returncode == 126
    assert run("-f", DB, *files, "--", "/").returncode == 126


def test_a_signal_that_ends_the_command(run: Runner) -> None:
    run.write(DB, {"A": b"a"})
    # Without --files the command took our place: a shell sees 128 + 15 itself.
    assert run("-f", DB, "--", "sh", "-c", "kill -TERM $$").returncode == -signal.SIGTERM
    assert run("-f", DB, "--files", "--", "sh", "-c", "kill -TERM $$").returncode == 128 + signal.SIGTERM


def test_what_goes_wrong_before_is_125(run: Runner) -> None:
    run.write(DB, {"A": b"a"})
    run.shop.write("plain.yaml", manifest("a", "b", k="v"))
    run.shop.write("other.yaml", "a: 1\n")
    run.shop.write("moved.yaml", run.shop.read(DB).replace(b"name: db", b"name: cache"))
    for args, said in (
        (("-f", "nope.yaml"), b"nope.yaml: can't be read"),
        (("-f", "plain.yaml"), b"way out: sealer seal --in-place plain.yaml"),
        (("-f", "other.yaml"), b"holds no SealedSecret"),
        (("-f", "moved.yaml"), b"A: was sealed for another"),
        (("-f", "-"), b"stdin belongs to the command"),
        ((), b"no file named"),
        (("-f", DB, "--private-key", "nope.pem"), b"nope.pem"),
    ):
        done = run(*args, "--", "sh", "-c", "echo started")
        assert (done.returncode, done.stdout) == (125, b"")
        assert said in done.stderr
    assert run("--watch", "restart", "--", "true").returncode == 125
    assert run("-f", DB).returncode == 125


def test_a_file_for_another_cluster_names_both_sides_and_the_file_to_use(run: Runner) -> None:
    run.write(DB, {"A": b"a"})
    staging = run.shop["staging"].keys[0]
    run.shop.write("clusters/staging/payments/db.yaml", sealed("payments/db", ["A"], staging))
    done = run("-f", "clusters/staging/payments/db.yaml", "--", "npm", "start")
    assert done.returncode == 125
    here = f"sealed to staging {staging.id[:8]}, you hold prod {run.shop['prod'].short}"
    assert here in done.stderr.decode()
    assert f"way out: sealer run -f {DB} -- npm start" in done.stderr.decode()


def test_one_bad_item_stops_it_all(run: Runner) -> None:
    value = secrets.token_hex(8).encode()
    run.write(DB, {"GOOD": value, "LD_PRELOAD": value})
    done = run("-f", DB, "--", *SHOW)
    assert (done.returncode, done.stdout) == (125, b"")
    assert b"LD_PRELOAD" in done.stderr
    assert value not in done.stderr


def test_more_than_an_environment_can_hold(run: Runner) -> None:
    run.write(DB, {"A": b"x" * (512 * 1024)})
    done = run("-f", DB, "--", "true")
    assert done.returncode == 126
    assert b"--files" in done.stderr


# -- signals ----------------------------------------------------------------------------------------------------


def test_a_broken_pipe_ends_the_command_as_it_would_without_us(run: Runner) -> None:
    run.write(DB, {"A": b"a"})
    for files in ((), ("--files",)):
        done = run("-f", DB, *files, "--", "bash", "-c", "yes | head -1; echo ${PIPESTATUS[0]}")
        assert done.stdout == b"y\n141\n"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2])
def test_signals_are_forwarded_and_the_folder_goes(run: Runner, memory: Path, number: signal.Signals) -> None:
    run.write(DB, {"a.b": b"value"})
    code = (
        f"import os, signal, sys; signal.signal({int(number)}, lambda *_: sys.exit(40)); "
        "print(os.environ['SEALER_FILES'], flush=True); signal.pause()"
    )
    with run.start("-f", DB, "--files", "--", sys.executable, "-c", code) as process:
        assert process.stdout is not None
        folder = Path(process.stdout.readline().strip())
        assert folder.parent == memory
        assert (folder / "a.b").read_bytes() == b"value"
        process.send_signal(number)
        assert process.wait() == 40
    assert not folder.exists()


def test_a_command_that_is_killed_leaves_nothing(run: Runner, memory: Path) -> None:
    run.write(DB, {"a": b"value"})
    with run.start("-f", DB, "--files", "--", "sh", "-c", "echo ready; exec sleep 600") as process:
        assert process.stdout is not None
        process.stdout.readline()
        process.terminate()
        assert process.wait() == 128 + signal.SIGTERM


def test_what_a_killed_run_left_is_removed_by_the_next(run: Runner, memory: Path) -> None:
    run.write(DB, {"a": b"value"})
    command = ("sh", "-c", "echo $$; read line")
    with run.start("-f", DB, "--files", "--", *command, stdin=subprocess.PIPE) as process:
        assert process.stdout is not None
        child = int(process.stdout.readline())
        (left,) = memory.iterdir()
        # While it lives its folder is left alone.
        assert run("-f", DB, "--files", "--", "true").returncode == 0
        assert left.exists()
        process.kill()
        process.wait()
        assert left.exists()
        os.kill(child, signal.SIGKILL)
    assert run("-f", DB, "--files", "--", "true").returncode == 0
    assert not left.exists()


def test_an_interrupt_from_the_terminal_is_not_sent_a_second_time(run: Runner) -> None:
    run.write(DB, {"a": b"value"})
    # The terminal signals the whole group. A command that left the group shows that we add nothing of our own.
    code = (
        "import os, signal; os.setpgid(0, 0); seen = []; signal.signal(signal.SIGINT, lambda *_: seen.append(1)); "
        "signal.signal(signal.SIGUSR1, lambda *_: (print(len(seen), flush=True), exit(0))); "
        "print('ready', flush=True)\nwhile True: signal.pause()"
    )
    leader, follower = pty.openpty()

    def own_terminal() -> None:
        os.setsid()
        fcntl.ioctl(follower, termios.TIOCSCTTY, 0)

    with run.start(
        "-f", DB, "--files", "--", sys.executable, "-c", code, stdin=follower, preexec_fn=own_terminal
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        os.write(leader, b"\x03")
        # The echo comes after the signal was sent.
        echoed = b""
        while b"^C" not in echoed:
            echoed += os.read(leader, 100)
        process.send_signal(signal.SIGUSR1)
        assert process.stdout.readline() == "0\n"
        assert process.wait() == 0
    os.close(leader)
    os.close(follower)


def test_it_stops_and_continues_with_its_command(run: Runner) -> None:
    run.write(DB, {"a": b"value"})
    code = READY + "os.kill(os.getpid(), signal.SIGSTOP); print('again', flush=True)"
    with run.start("-f", DB, "--files", "--", sys.executable, "-c", code) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        pid, status = os.waitpid(process.pid, os.WUNTRACED)
        assert pid == process.pid
        assert os.WIFSTOPPED(status)
        process.send_signal(signal.SIGCONT)
        assert process.stdout.readline() == "again\n"
        assert process.wait() == 0


# -- files ------------------------------------------------------------------------------------------------------


def test_files_are_private_and_the_only_thing_that_is_added(run: Runner, memory: Path) -> None:
    value = secrets.token_bytes(32) + b"\0"
    run.write(DB, {"tls.key": value, "PATH": b"harmless as a file"})
    code = (
        "import json, os, stat; d = os.environ['SEALER_FILES']; "
        "print(json.dumps([d, oct(os.stat(d).st_mode), "
        "{n: [oct(os.stat(os.path.join(d, n)).st_mode), open(os.path.join(d, n), 'rb').read().hex()] "
        "for n in os.listdir(d)}, [n for n in os.environ if n.startswith('SEALER_')]]))"
    )
    done = run("-f", DB, "--files", "--", sys.executable, "-c", code)
    assert done.returncode == 0, done.stderr
    folder, mode, files, ours = json.loads(done.stdout)
    assert Path(folder).parent == memory
    assert mode == "0o40700"
    assert files["tls.key"] == ["0o100400", value.hex()]
    assert files.keys() == {"tls.key", "PATH"}
    assert ours == ["SEALER_FILES"]


def test_a_command_that_changes_the_folder_does_not_keep_it(run: Runner, memory: Path) -> None:
    run.write(DB, {"a": b"value"})
    script = 'mkdir -p "$SEALER_FILES/sub" && cp "$SEALER_FILES/a" "$SEALER_FILES/sub/b" && chmod 0500 "$SEALER_FILES"'
    assert run("-f", DB, "--files", "--", "sh", "-c", script).returncode == 0


def test_the_lock_is_not_inherited(run: Runner, memory: Path) -> None:
    run.write(DB, {"a": b"value"})
    code = "import os; print(sorted(int(n) for n in os.listdir('/proc/self/fd')))"
    if not os.path.isdir("/proc/self/fd"):
        code = "print([0, 1, 2, 3])"
    assert run("-f", DB, "--files", "--", sys.executable, "-c", code).stdout == b"[0, 1, 2, 3]\n"


def test_another_users_folder_and_a_symlink_are_left_alone(tmp_path: Path) -> None:
    target = tmp_path / "target"
    target.mkdir()
    (target / "keep").write_text("x")
    (tmp_path / "sealer-run-link").symlink_to(target)
    (tmp_path / "sealer-run-file").write_text("x")
    with runfolder.folder({"a": b"1"}, tmp_path) as made:
        assert (made / "a").read_bytes() == b"1"
    assert not made.exists()
    assert (target / "keep").exists()
    assert (tmp_path / "sealer-run-file").exists()
