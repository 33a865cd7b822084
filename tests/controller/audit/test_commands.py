"""`audit verify`, `query` and `restart` as they are typed; `get` and key operations in the log."""

from __future__ import annotations

import builtins
import json
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from controller import keyadmin
from controller.audit import folder
from controller.audit.log import Log
from controller.audit.record import Entry, Record, parse
from controller.model import StoreSpec
from controller.state import State
from sealer import paths, schema
from tests.controller.audit.samples import ACTOR, NOW
from tests.sealer import rings

if TYPE_CHECKING:
    from tests.controller.world import Ran, World

FIRST = folder.name(1)


@pytest.fixture
def delivered(world: World, monkeypatch: pytest.MonkeyPatch) -> World:
    """One secret delivered; every command on this state."""
    monkeypatch.setenv("SEALER_STATE", str(world.state))
    world.put("payments/db.yaml", {"password": b"hunter2"})
    assert world.apply().code == 0
    return world


def records(state: Path) -> list[Record]:
    log = state / "audit"
    return [parse(line) for name in folder.names(log) for line in (log / name).read_bytes().splitlines()]


def said(state: Path, *, last: int) -> list[tuple[str, str, str, str]]:
    return [
        (each.entry.phase, each.entry.verb, each.entry.outcome, each.entry.reason) for each in records(state)[-last:]
    ]


def edit(state: Path, change: Callable[[list[bytes]], list[bytes]]) -> None:
    path = state / "audit" / FIRST
    path.write_bytes(b"".join(change(path.read_bytes().splitlines(keepends=True))))


# get


def test_get_writes_one_record_before_it_prints(delivered: World) -> None:
    assert delivered.get("payments/db", "password") == b"hunter2"
    (last,) = records(delivered.state)[-1:]
    assert (last.entry, last.sequence) == (
        Entry("event", "get", "payments/db", outcome="done", reason="item password"),
        len(records(delivered.state)),
    )
    before = len(records(delivered.state))
    assert delivered.run("get", "payments/db").code == 0
    assert delivered.run("get", "payments/none").code == 1
    assert delivered.run("get", "payments/db", "hunter3").code == 1
    assert delivered.run("get", "payments").code == 2  # nothing was looked at
    assert said(delivered.state, last=len(records(delivered.state)) - before) == [
        ("event", "get", "done", ""),
        ("event", "get", "refused", "the local store of cluster prod holds no such secret"),
        ("event", "get", "refused", "has no such item"),
    ]


def test_get_needs_no_lock_of_the_state(delivered: World) -> None:
    with State.open(delivered.state):
        assert delivered.get("payments/db", "password") == b"hunter2"


@pytest.mark.parametrize("output", [False, True])
def test_get_prints_nothing_without_its_record(delivered: World, output: bool) -> None:
    file = delivered.state / "audit" / FIRST
    moved = file.read_bytes()
    for broken in (True, False):
        if broken:
            shutil.rmtree(delivered.state / "audit")
            (delivered.state / "audit").touch(0o600)
        ran = delivered.run("get", "payments/db", "password", *(["-o", "../out"] if output else []))
        assert (ran.code, ran.out, Path("../out").exists()) == (
            2 if broken else 0,
            "" if broken or output else "hunter2",
            not broken and output,
        )
        if broken:
            assert "the audit log can't be written" in ran.err
            assert "way out: df -h" in ran.err
            (delivered.state / "audit").unlink()
            (delivered.state / "audit").mkdir(mode=0o700)
            file.touch(0o600)
            file.write_bytes(moved)


def test_get_on_a_full_disk(delivered: World, monkeypatch: pytest.MonkeyPatch) -> None:
    import os

    def full(descriptor: int, data: bytes) -> int:
        return real(descriptor, data[:7]) if data.startswith(b'{"actor"') else real(descriptor, data)

    real = os.write
    monkeypatch.setattr(os, "write", full)
    before = (delivered.state / "audit" / FIRST).read_bytes()
    ran = delivered.run("get", "payments/db", "password")
    assert (ran.code, ran.out) == (2, "")
    assert "the disk is full" in ran.err
    assert (delivered.state / "audit" / FIRST).read_bytes() == before


def test_get_from_a_state_whose_log_was_cut_is_refused(delivered: World) -> None:
    edit(delivered.state, lambda lines: lines[:-1])
    ran = delivered.run("get", "payments/db", "password")
    assert (ran.code, ran.out) == (1, "")
    assert "way out: sealer-controller audit verify --state" in ran.err


# Key operations


@pytest.fixture
def run(world: World) -> Callable[..., Ran]:
    shutil.rmtree(world.directory)
    Path("pw").write_text("word\n")
    Path("no").write_text("guess\n")
    return world.run


PROD = ("--cluster", "prod")


def log_of(cluster: str = "prod") -> Path:
    return paths.state_home() / cluster


@pytest.mark.usefixtures("cheap")
def test_the_life_of_a_keyring(run: Callable[..., Ran]) -> None:
    assert run("init", *PROD).code == 0
    first = json.loads(run("keys", "list", "--format", "json").out)["keys"][0]["id"]
    assert run("keys", "generate").code == 0
    second = json.loads(run("keys", "list", "--format", "json").out)["keys"][1]["id"]
    assert run("keys", "retire", second[:8].upper()).code == 0
    assert run("keys", "bundle").code == 0
    assert run("keys", "backup", "bk", "--passphrase-file", "pw").code == 0
    assert said(log_of(), last=10) == [
        ("intent", "init", "", ""),
        ("outcome", "init", "done", f"made {first}"),
        ("intent", "generate", "", "mlkem768-x25519"),
        ("outcome", "generate", "done", f"made {second}, retired {first}"),
        ("intent", "retire", "", second[:8]),
        ("outcome", "retire", "done", f"retired {second}"),
        ("intent", "bundle", "", ""),
        ("outcome", "bundle", "done", "sequence 3"),
        ("intent", "backup", "", ""),
        ("outcome", "backup", "done", "sequence 3"),
    ]
    assert run("keys", "compromise", first).code == 0
    key = rings.rsa_key()
    Path("k").write_text(key.pem)
    Path("c").write_text(key.public.certificate)
    assert run("keys", "import", "k", "c").code == 0
    assert [each[:3] for each in said(log_of(), last=4)] == [
        ("intent", "compromise", ""),
        ("outcome", "compromise", "done"),
        ("intent", "import", ""),
        ("outcome", "import", "done"),
    ]
    assert said(log_of(), last=1)[0][3] == f"made {key.id}"
    found = records(log_of())
    assert [each.entry.intent for each in found if each.entry.phase == "outcome"] == list(range(1, len(found), 2))
    shutil.rmtree(paths.keyrings() / "prod")
    assert run("keys", "restore", "bk", "--passphrase-file", "pw").code == 0
    assert said(log_of(), last=2) == [("intent", "restore", "", ""), ("outcome", "restore", "done", "sequence 3")]
    assert run("audit", "verify").code == 0


@pytest.mark.usefixtures("cheap")
def test_what_fails_is_said_too(run: Callable[..., Ran]) -> None:
    run("init", *PROD, "--passphrase-file", "pw")
    assert run("init", *PROD).code == 1
    assert run("keys", "bundle", "--passphrase-file", "no").code == 2
    assert run("keys", "retire", "hunter2").code == 2
    assert run("keys", "retire", "ffffffff").code == 2
    assert run("keys", "backup", "pw", "--passphrase-file", "pw").code == 1
    outcomes = [
        (verb, outcome, reason) for phase, verb, outcome, reason in said(log_of(), last=10) if phase == "outcome"
    ]
    assert [each[:2] for each in outcomes] == [
        ("init", "refused"),
        ("bundle", "failed"),
        ("retire", "failed"),
        ("retire", "failed"),
        ("backup", "refused"),
    ]
    assert "wrong passphrase" in outcomes[1][2]
    assert "hunter2" not in (log_of() / "audit" / FIRST).read_text()


def test_a_defect_leaves_an_outcome_that_says_so(run: Callable[..., Ran], monkeypatch: pytest.MonkeyPatch) -> None:
    run("init", *PROD)

    def broken(*_: object, **__: object) -> None:
        raise RuntimeError("a value")

    monkeypatch.setattr(keyadmin, "retire", broken)
    assert run("keys", "retire", "ffffffff").code == 2
    assert said(log_of(), last=1) == [("outcome", "retire", "unknown", "RuntimeError")]


@pytest.mark.usefixtures("cheap")
@pytest.mark.parametrize(
    "words",
    [
        ("init", "--cluster", "prod", "--keyring", "new"),
        ("keys", "generate"),
        ("keys", "import", "k", "c"),
        ("keys", "retire", "ID"),
        ("keys", "compromise", "ID"),
        ("keys", "bundle"),
        ("keys", "bundle", "-o", "new"),
        ("keys", "backup", "new", "--passphrase-file", "pw"),
        ("keys", "restore", "bk", "--passphrase-file", "pw", "--keyring", "new"),
    ],
)
def test_nothing_is_done_or_printed_without_a_record(run: Callable[..., Ran], words: tuple[str, ...]) -> None:
    run("init", *PROD)
    run("keys", "backup", "bk", "--passphrase-file", "pw")
    key = rings.rsa_key()
    Path("k").write_text(key.pem)
    Path("c").write_text(key.public.certificate)
    ring = paths.keyrings() / "prod"
    first = json.loads((ring / "keyring.json").read_bytes())["keys"][0]["id"]
    before = {path.name: path.read_bytes() for path in ring.iterdir()}
    shutil.rmtree(log_of() / "audit")
    (log_of() / "audit").touch(0o600)
    ran = run(*(first if word == "ID" else word for word in words))
    assert (ran.code, ran.out) == (2, "")
    assert "the audit log can't be written: file exists; nothing is opened without it" in ran.err
    assert "way out: df -h" in ran.err
    assert {path.name: path.read_bytes() for path in ring.iterdir()} == before
    assert not Path("new").exists()


def test_where_the_log_of_key_operations_is(
    run: Callable[..., Ran], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    assert run("init", *PROD, "--state", tmp_path / "a").code == 0
    assert run("keys", "generate", "--state", tmp_path / "a").code == 0
    monkeypatch.setenv("SEALER_STATE", str(tmp_path / "b"))
    assert run("keys", "generate").code == 0
    assert (len(records(tmp_path / "a")), len(records(tmp_path / "b"))) == (4, 2)
    assert not log_of().exists()
    assert run("keys", "list").code == 0
    assert len(records(tmp_path / "b")) == 2


def test_the_log_needs_no_database(run: Callable[..., Ran], monkeypatch: pytest.MonkeyPatch) -> None:
    real = builtins.__import__

    def without(name: str, *arguments: object, **named: object) -> object:
        if name.partition(".")[0] == "sqlalchemy":
            raise ModuleNotFoundError(name)
        return real(name, *arguments, **named)  # type: ignore[arg-type]

    for name in [
        name for name in sys.modules if name.partition(".")[0] == "sqlalchemy" or name.startswith("controller.state")
    ]:
        if name != "controller.state_files":
            monkeypatch.delitem(sys.modules, name)
    monkeypatch.setattr(builtins, "__import__", without)
    assert run("init", *PROD).code == 0
    assert run("keys", "generate").code == 0
    assert run("audit", "verify").out.startswith("whole: 4 records in 1 file")
    assert run("audit", "query", "--verb", "generate").code == 0


# verify, query, restart


def test_verify_against_the_state_and_by_itself(delivered: World, tmp_path: Path) -> None:
    ran = delivered.run("audit", "verify")
    assert (ran.code, ran.err) == (0, "")
    assert ran.out.startswith("whole: 4 records in 1 file, the last of ")
    delivered.get("payments/db", "password")
    assert "1 record after what the state vouches for" in delivered.run("audit", "verify").err
    shutil.copytree(delivered.state / "audit", tmp_path / "copy")
    for place in (tmp_path / "copy", delivered.state):
        ran = delivered.run("audit", "verify", place)
        assert ran.code == 0
        assert ("checked by itself" in ran.err) == (place == tmp_path / "copy")
    edit(delivered.state, lambda lines: lines[:2])
    assert delivered.run("audit", "verify").code == 1
    copied = tmp_path / "copy" / FIRST
    copied.write_bytes(b"".join(copied.read_bytes().splitlines(keepends=True)[:2]))
    assert delivered.run("audit", "verify", tmp_path / "copy").code == 0


@pytest.mark.parametrize(
    ("change", "line", "said"),
    [
        (lambda lines: lines[:3], 3, "truncated: the log ends with record 3, and the state knows it up to 4"),
        (lambda lines: [*lines[:1], *lines[2:]], 2, "deleted: record 2 is missing before this line"),
        (lambda lines: [lines[i] for i in (0, 2, 1, 3)], 3, "reordered: record 2 stands after record 3"),
        (
            lambda lines: [each.replace(b'"put"', b'"get"', i == 1) for i, each in enumerate(lines)],
            2,
            "rewritten: is not",
        ),
        (lambda lines: [*lines, b'{"actor'], 5, "torn: its last line was never finished"),
    ],
)
def test_tampering_is_named_with_its_line(
    delivered: World, change: Callable[[list[bytes]], list[bytes]], line: int, said: str
) -> None:
    edit(delivered.state, change)
    place = f"{FIRST}:{line}"
    ran = delivered.run("audit", "verify")
    assert ran.code == 1
    lines = ran.out.splitlines()
    assert str(delivered.state / "audit" / place) in lines
    assert said in " ".join(each.strip() for each in lines)
    assert "problem" in lines[-1]
    found = delivered.run("audit", "verify", "--format", "json")
    assert found.code == 1
    # The way out is one: where `restart` has nothing to do it is not named.
    offered = f"sealer-controller audit restart --state {delivered.state} --reason TEXT" in ran.err
    assert offered == (delivered.run("audit", "restart", "--reason", "tried").code == 0)
    assert offered or "the state goes on behind it as it is" in ran.err
    schema.validate(found.json, "audit-verify", file="x")
    assert f"{found.json['problems'][0]['file']}:{found.json['problems'][0]['line']}" == place


def test_an_open_intent_is_named_and_no_failure(delivered: World) -> None:
    Log.open(delivered.state, now=lambda: NOW, actor=ACTOR).append([Entry("intent", "put", "web/x", store="local")])
    ran = delivered.run("audit", "verify")
    assert ran.code == 0
    assert ran.out.startswith(f"{delivered.state / 'audit' / FIRST}:5\n  open: intent to put web/x local; ")
    found = delivered.run("audit", "verify", "--format", "json").json
    schema.validate(found, "audit-verify", file="x")
    assert [each["line"] for each in found["open"]] == [5]


def test_where_there_is_no_log(delivered: World, tmp_path: Path) -> None:
    assert delivered.run("audit", "verify", tmp_path / "none").code == 2
    (tmp_path / "empty").mkdir()
    ran = delivered.run("audit", "query", tmp_path / "empty")
    assert (ran.code, ran.out) == (2, "")
    assert "there is no audit log here" in ran.err
    assert delivered.run("audit", "verify", "x", "--state", "y").code == 2


def test_a_log_that_is_gone_is_a_finding(delivered: World) -> None:
    shutil.rmtree(delivered.state / "audit")
    for words in ((), (delivered.state,), (delivered.state / "audit",)):
        ran = delivered.run("audit", "verify", *words)
        assert ran.code == 1
        assert "truncated: the log ends with record 0, and the state knows it up to 4" in ran.out
        assert "sealer-controller audit restart" in ran.err
    assert delivered.run("audit", "restart", "--reason", "lost").code == 0


def test_what_was_damaged_before_a_restart_needs_no_other(delivered: World) -> None:
    edit(delivered.state, lambda lines: [*lines[:1], *lines[2:]])
    assert "audit restart" in delivered.run("audit", "verify").err
    assert delivered.run("audit", "restart", "--reason", "a line is missing").code == 0
    ran = delivered.run("audit", "verify")
    assert ran.code == 1
    assert "audit restart" not in ran.err
    assert delivered.run("audit", "restart", "--reason", "again").code == 1


def test_a_store_is_called_what_its_configuration_calls_it(delivered: World) -> None:
    with State.open(delivered.state) as state, state.begin("test") as transaction:
        transaction.put_stores([StoreSpec("0123456789abcdef", "disk", "files", "{}")])
    put = Entry("event", "refuse", "web/x", store="0123456789abcdef", outcome="refused")
    Log.open(delivered.state, now=lambda: NOW, actor=ACTOR).append([put])
    assert delivered.run("audit", "query", "--ref", "web/x").out.splitlines()[1].endswith("web/x   disk")
    (record,) = delivered.run("audit", "query", "--ref", "web/x", "--format", "json").json["records"]
    assert record["store"] == "0123456789abcdef"


def test_a_verb_that_there_is_not(delivered: World) -> None:
    ran = delivered.run("audit", "query", "--verb", "gett")
    assert (ran.code, ran.out) == (2, "")
    assert "--verb: no such verb: gett\n  way out: one of open, read, put," in ran.err


def test_query_in_each_format(delivered: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    monkeypatch.setenv("GITHUB_ACTOR", "octocat")
    delivered.get("payments/db", "password")
    ran = delivered.run("audit", "query", "--verb", "get", "--since", "1h", "--ref", "payments/db")
    head, row, reason, by = ran.out.splitlines()
    assert head.split() == ["TIME", "VERB", "OUTCOME", "SECRET", "STORE"]
    assert row.split()[1:] == ["get", "done", "payments/db"]
    assert reason == "  item password"
    assert by.startswith("  by uid ")
    assert by.endswith("GITHUB_ACTOR=octocat")
    assert max(map(len, delivered.run("audit", "query").out.splitlines())) <= 80
    found = delivered.run("audit", "query", "--outcome", "done", "-n", "2", "--format", "json").json
    schema.validate(found, "audit-query", file="x")
    assert [each["verb"] for each in found["records"]] == ["put", "get"]
    (line,) = delivered.run("audit", "query", "--verb", "get", "--format", "jsonl").out.splitlines()
    assert line.encode() == (delivered.state / "audit" / FIRST).read_bytes().splitlines()[-1]
    assert delivered.run("audit", "query", "--source", "none").out == "no such record\n"
    assert delivered.run("audit", "query", "--since", "x").code == 2


def test_a_name_out_of_a_file_moves_no_cursor(delivered: World) -> None:
    hostile = Entry("event", "refuse", "a/\x1b[31mb\x7f", "s\nrc\x1b]0;x", outcome="refused", reason="\ta\rb\n2026 get")
    Log.open(delivered.state, now=lambda: NOW, actor=ACTOR).append([hostile, Entry("intent", "put", "x/\x1b[1m")])
    for words in (("query",), ("query", "--format", "json"), ("query", "--format", "jsonl"), ("verify",)):
        out = delivered.run("audit", *words).out
        assert all(each.isprintable() or each == "\n" for each in out)
        assert "\n2026 get" not in out
    found = delivered.run("audit", "query", "--format", "json", "--verb", "refuse").json
    assert found["records"][0]["ref"] == hostile.ref


def test_lines_that_can_not_be_read_are_warned_of(delivered: World) -> None:
    edit(delivered.state, lambda lines: [lines[0], b"{}\n", *lines[2:]])
    ran = delivered.run("audit", "query")
    assert ran.code == 0
    assert "warning: 1 line can't be read\n  way out: sealer-controller audit verify" in ran.err


@pytest.mark.parametrize(
    "change",
    [
        lambda log: shutil.rmtree(log),
        lambda log: (log / FIRST).write_bytes(b""),
        lambda log: (log / FIRST).write_bytes(b"garbage\n"),
        lambda log: (log / FIRST).write_bytes((log / FIRST).read_bytes()[:-40]),
        lambda log: (log / FIRST).write_bytes((log / FIRST).read_bytes().replace(b'"done"', b'"failed"')),
        lambda log: (log / FIRST).rename(log / folder.name(9)),
    ],
)
def test_after_a_restart_the_state_goes_on(delivered: World, change: Callable[[Path], object]) -> None:
    change(delivered.state / "audit")
    delivered.put("payments/new.yaml", {"k": b"1"})
    refused = delivered.apply()
    assert refused.code == 1
    assert "audit restart" in refused.err
    assert "payments/new" not in delivered.states()
    ran = delivered.run("audit", "restart", "--reason", "the disk died")
    assert ran.code == 0
    assert "restarted the audit log with record" in ran.out
    assert delivered.apply().summary == "1 created, 1 unchanged"
    assert delivered.get("payments/new", "k") == b"1"
    found = delivered.run("audit", "verify", "--format", "json").json
    assert len(found["restarts"]) == 1
    assert found["restarts"][0]["record"]["reason"].endswith(": the disk died")
    assert found["restarts"][0]["record"]["sequence"] > 4


def test_a_log_that_is_whole_is_not_restarted(delivered: World) -> None:
    before = (delivered.state / "audit" / FIRST).read_bytes()
    ran = delivered.run("audit", "restart", "--reason", "why not")
    assert ran.code == 1
    assert "goes on as it is" in ran.err
    assert delivered.run("audit", "restart", "--reason", " ").code == 2
    assert delivered.run("audit", "restart").code == 2
    assert (delivered.state / "audit" / FIRST).read_bytes() == before


def test_a_log_whose_state_is_gone_goes_on(delivered: World) -> None:
    for name in ("state.db", "state.db-wal", "state.db-shm"):
        (delivered.state / name).unlink(missing_ok=True)
    assert delivered.apply().code == 0
    report = delivered.run("audit", "verify")
    assert report.code == 0
    assert report.out.startswith("whole: 8 records")


@pytest.mark.parametrize("words", [(), ("verify",), ("query",), ("restart",)])
def test_help_fits_80_columns(world: World, words: tuple[str, ...], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    ran = world.run("audit", *words, "--help")
    assert ran.code == 0
    assert max(map(len, ran.out.splitlines())) <= 80
    assert not words or "--cluster" in ran.out
