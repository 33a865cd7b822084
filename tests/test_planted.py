"""A planted value is found nowhere after any run of a command: output, files, state, caches, shared memory, Git.

The rows are in `planted_rows`; a command without rows that pass and rows that fail fails the first test.
"""

from __future__ import annotations

import os
import pty
import select
import shlex
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.main import get_command

from controller import main as controller_main
from sealer import cli
from tests import planted
from tests.planted import DB, Said, Site
from tests.planted_rows import APPLY, PLAIN, ROWS, WEB, Row, crossed
from tests.sealer import rings

PROGRAMS = Path(sys.executable).parent


def _commands(group: Any, name: str) -> Iterator[str]:
    for word, command in group.commands.items():
        path = f"{name} {word}"
        yield from _commands(command, path) if getattr(command, "commands", None) else (path,)


def test_every_command_has_rows_that_pass_and_fail() -> None:
    found = {*_commands(get_command(cli.app), "sealer"), "sealer-scan", "sealer-check"}
    found |= {*_commands(get_command(controller_main.app), "sealer-controller")}
    assert found == set(ROWS)
    for name, rows in ROWS.items():
        codes = {row.code for row in rows.values()}
        assert 0 in codes, name
        assert codes - {0}, name


@pytest.fixture
def site(tmp_path: Path, home: Path, monkeypatch: pytest.MonkeyPatch) -> Site:
    return Site(tmp_path, home, monkeypatch)


ROW_OF = {f"{name}, {label}": row for name, rows in ROWS.items() for label, row in rows.items()}


@pytest.mark.parametrize("row", ROW_OF.values(), ids=ROW_OF)
def test_a_run(row: Row, site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    _prepare(row, site, monkeypatch)
    said = planted.run(row.argv(site), site.plant.fill(row.stdin).encode())
    _clean(row, site, said)
    assert b"defect of this program" not in said.err, said.err.decode()
    assert said.code == row.code, said.all.decode()
    assert row.says in said.all.decode()


@pytest.mark.parametrize(("words", "rows"), crossed().items())
def test_malformed_documents(
    words: str,
    rows: list[tuple[str, Row]],
    site: Site,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    leaks = {}
    for label, row in rows:
        _prepare(row, site, monkeypatch)
        said = planted.run(row.argv(site), site.plant.fill(row.stdin).encode())
        bad = [word for word in (b"Traceback", b"defect of this program") if word in said.err]
        if found := [*bad, *site.plant.traces(said.all), *site.leaks(*row.purposes)]:
            leaks[label] = (found, said.all.decode(errors="replace"))
    assert leaks == {}


@pytest.mark.parametrize(
    "place",
    ["out", "err", "home", "tmp", *(["shared"] if os.path.isdir("/dev/shm") else []), "repository", "git", "name"],
)
def test_the_trap_works(place: str, site: Site) -> None:
    """A leak to each of the places is found, whole or in part, encoded or not."""
    site.freeze()
    value = site.plant.value.encode()
    for form in (value, value[5:15], value.hex().encode(), site.plant.fill("x@B@").encode(), repr(value).encode()):
        assert site.plant.traces(b"x " + form)
    assert not site.plant.traces(os.urandom(100_000).hex().encode())
    match place:
        case "home":
            (site.home / ".cache").mkdir()
            (site.home / ".cache/log").write_bytes(value)
        case "tmp":
            (site.temporary / "a.db-wal").write_bytes(os.urandom(50) + value + os.urandom(50))
        case "shared":
            with tempfile.NamedTemporaryFile(dir="/dev/shm") as file:
                file.write(value)
                file.flush()
                assert site.leaks() == [f"{file.name}: plain"]
            return
        case "repository":
            site.write("x.yaml", "a: @B@")
        case "git":
            site.write("x", "@V@")
            site.git("add", "x")
            (site.root / "x").unlink()
        case "name":
            site.write(f"{site.plant.core}", "")
        case _:
            return
    assert site.leaks()


@pytest.mark.parametrize("name", ROWS)
def test_a_defect_inside(name: str, site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """An exception that nobody foresaw, with the value in its text, its arguments and its cause."""
    row = next(row for row in ROWS[name].values() if row.code == 0)
    _prepare(row, site, monkeypatch)

    def broken(*_: object, **__: object) -> int:
        try:
            raise KeyError(site.plant.value)
        except KeyError:
            raise RuntimeError(f"can't go on with {site.plant.value}")

    monkeypatch.setattr(_body(name), broken)
    said = planted.run(row.argv(site))
    assert said.code == 2
    assert b"a defect of this program: RuntimeError in test_planted.py:" in said.err
    _clean(row, site, said)


def _body(name: str) -> str:
    program, _, words = name.partition(" ")
    match program:
        case "sealer-scan":
            return "hooks.scan._run"
        case "sealer-check":
            return "sealer.commands.check.run"
        case "sealer":
            command, _, sub = words.partition(" ")
            return f"sealer.commands.{command}.{ {'list': 'list_', 'fetch': 'fetch'}.get(sub, 'run') }"
    if words == "keys rotate-state":
        return "controller.commands.rotatestate.run"
    sub = words.removeprefix("keys ")
    if words.startswith("keys ") or words == "init":
        return f"controller.commands.keys.{ {'list': 'list_', 'import': 'import_'}.get(sub, sub) }"
    return f"controller.commands.{words.replace(' ', '.run_')}" if " " in words else f"controller.commands.{words}.run"


_WRITING = (
    "init",
    "set",
    "unset",
    " -o ",
    "--in-place",
    "--fix",
    "--files",
    "fetch",
    "keys ",
    "apply .",
    "run",
    "diff",
)


WRITES = {name: row for name, row in ROW_OF.items() if row.code == 0 and any(word in row.words for word in _WRITING)}


@pytest.mark.parametrize("row", WRITES.values(), ids=WRITES)
def test_a_full_disk(row: Row, site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every row that passes and writes, once more where no file can grow beyond 100 bytes."""
    _prepare(row, site, monkeypatch)

    said = planted.run(row.argv(site), site.plant.fill(row.stdin).encode(), limit=100)
    _clean(row, site, said)
    assert b"defect of this program" not in said.err, said.err.decode()
    assert said.code >= 0, "killed by a signal"


PROMPTS = {
    "a value": (f"sealer set {DB} password", False),
    "a new passphrase": ("sealer-controller init --cluster two --passphrase", False),
    "a backup's passphrase": ("sealer-controller keys backup ../inputs/b", False),
    "a keyring's passphrase": (f"sealer unseal {DB}", True),
    "to deliver": (APPLY, True),
    "to run": (f"sealer run -f {DB} --files -- true", True),
    "to make a key": ("sealer-controller keys generate", True),
}


@pytest.mark.parametrize("prompt", PROMPTS)
def test_interrupted_at_a_prompt(prompt: str, site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ctrl-C when half of it is typed."""
    words, protected = PROMPTS[prompt]
    row = Row(words, 130, protected=protected)
    _prepare(row, site, monkeypatch)
    program, *arguments = row.argv(site)
    pid, terminal = pty.fork()
    if pid == 0:
        os.execv(PROGRAMS / program, [program, *arguments])
    screen = _until(terminal, b"(hidden): ")
    os.write(terminal, site.plant.core.encode() + b"\x03")
    screen += _until(terminal, None)
    os.close(terminal)
    code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    assert code == 130, screen.decode()
    _clean(row, site, Said(code, screen, b""))


def _until(terminal: int, text: bytes | None) -> bytes:
    """What stands on the screen when `text` does, or when the program has ended."""
    screen = b""
    while text is None or text not in screen:
        # A program that goes on waiting loses its terminal when the test fails.
        assert select.select([terminal], [], [], 20)[0], f"waits on: {screen.decode()}"
        try:
            screen += os.read(terminal, 1024)
        except OSError:
            break
    return screen


def test_pre_commit(site: Site, home: Path) -> None:
    """What pre-commit shows and keeps of both hooks, when they stop a commit and when they let it through."""
    subprocess.run([PROGRAMS / "sealer", "init"], check=True, capture_output=True)
    files = {
        WEB: PLAIN,
        ".env": "PASSWORD=@C@\n",
        "id_rsa": "-----BEGIN PRIVATE KEY-----\n@B@\n",
        "bad.yaml": "a: '@C@\n",
    }
    for path, text in files.items():
        site.write(path, text)
    site.git("add", ".")
    site.freeze()
    stopped = subprocess.run(["git", "commit", "-m", "x"], capture_output=True, check=False)
    assert stopped.returncode == 1
    assert b"sealer seal --in-place" in stopped.stdout + stopped.stderr
    _clean(Row("", 1), site, Said(1, stopped.stdout, stopped.stderr))
    sealed = subprocess.run([PROGRAMS / "sealer", "seal", "--in-place", WEB], capture_output=True, check=True)
    site.git("rm", "-q", "--cached", ".env", "id_rsa", "bad.yaml")
    site.git("add", WEB)
    done = subprocess.run(["git", "commit", "-m", "x"], capture_output=True, check=False)
    assert done.returncode == 0, done.stderr.decode()
    _clean(Row("", 0), site, Said(0, sealed.stdout + done.stdout, sealed.stderr + done.stderr))
    assert (home / ".cache/pre-commit").is_dir()
    assert not site.plant.traces(site.git("log", "-p", "--all"))


def _prepare(row: Row, site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    if row.protected:
        shutil.rmtree(site.directory)
        rings.make(site.directory, site.keys[0], secret=site.plant.value)
    site.write("../inputs/key.pem", rings.rsa_key(1).pem)
    site.write("../inputs/cert.pem", rings.rsa_key(1).public.certificate)
    for path, text in row.files.items():
        site.write(path, text)
    for name, text in row.env.items():
        monkeypatch.setenv(name, site.plant.fill(text).replace("@IN@", str(site.inputs)))
    for command in row.before:
        match [site.place(word) for word in shlex.split(command)]:
            case ["copy", source, target]:
                shutil.copyfile(source, target)
            case ["remove", folder]:
                shutil.rmtree(folder)
            case ["git", *words]:
                site.git(*words)
            case words:
                said = planted.run(words, site.plant.fill(row.stdin).encode())
                assert said.code in (0, 1), said.err.decode()
    site.freeze()


def _clean(row: Row, site: Site, said: Said) -> None:
    assert b"Traceback" not in said.err
    shown = said.err if row.prints else said.all
    assert site.plant.traces(shown) == [], shown.decode(errors="replace")
    assert site.leaks(*row.purposes) == []
