"""Records of the log: what they hold, in both forms."""

from __future__ import annotations

import io
import json
import sys
import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from controller import reason
from controller.reason import Cause
from controller.report import Change, Report
from controller.running import result
from controller.running.log import Form, Level, Log
from sealer import console, schema
from sealer.errors import SourceError

CHANGES = (
    Change("create", "payments/db", "db.yaml", 3, (("local", "1"),), ("password",)),
    Change("fail", "web/session", "s.yaml", 3, why=reason.dump(Cause(reason.BOUND, ("cookie-key",)))),
)


def report(*changes: Change, **fields: Any) -> Report:
    revision = "4f2c91e0" + "0" * 32
    return Report("prod", "shop", ".", revision, "9f3a12c4", False, True, True, changes, 38, 2, **fields)


def written(form: Form, level: Level = "info") -> tuple[Log, io.StringIO]:
    stream = io.StringIO()
    return Log(stream, form, lambda: 1_772_409_600_123, level), stream


def test_json_is_one_valid_record_a_line() -> None:
    log, stream = written("json", "debug")
    log.info("run", **result.fields(report(*CHANGES, seconds=0.41234)))
    log.error("run-failed", **result.of_error(SourceError("no such\nfile", where="x", way_out="make one")), retry=1.5)
    log.debug("poll", source="")
    lines = [json.loads(line) for line in stream.getvalue().splitlines()]
    for line in lines:
        schema.validate(line, "log-record", file="log")
    assert lines[0] == {
        "version": 1, "time": "2026-03-02T00:00:00.123Z", "level": "info", "event": "run", "result": "incomplete",
        "revision": "4f2c91e",
        "counts": {
            "created": 1, "updated": 0, "deleted": 0, "withdrawn": 0, "kept": 0, "failed": 1, "unchanged": 38,
            "others": 2,
        },
        "changes": [
            {"action": "failed", "name": "web/session", "reason": "cookie-key: bound elsewhere"},
            {"action": "created", "name": "payments/db"},
        ],
        "seconds": 0.412,
    }  # fmt: skip
    assert lines[1]["error"] == "no such\nfile"
    assert set(lines[2]) == {"version", "time", "level", "event"}


def test_text_is_one_line_that_nobody_forges() -> None:
    log, stream = written("text")
    log.info("run", **result.fields(report(*CHANGES)))
    log.error("run-failed", error="bad\n2026-03-02T00:00:00Z info run", where="a\x1b[2Jb")
    first, second = stream.getvalue().splitlines()
    assert first == (
        "2026-03-02T00:00:00.123Z info    run result=incomplete revision=4f2c91e created=1 failed=1 unchanged=38 "
        'others=2 changes="failed web/session (cookie-key: bound elsewhere), created payments/db" seconds=0.0'
    )
    assert "\x1b" not in second
    assert second.startswith("2026-03-02T00:00:00.123Z error   run-failed ")


def test_what_is_below_the_level_is_left_out() -> None:
    log, stream = written("json", "warning")
    log.info("start")
    log.debug("poll")
    assert stream.getvalue() == ""
    log.warning("clock", seconds=3.0)
    assert json.loads(stream.getvalue())["level"] == "warning"


def test_warnings_of_the_flow_become_records() -> None:
    log, stream = written("json")
    before = sys.stderr
    with pytest.raises(SourceError), log.notes():  # noqa: PT012
        console.warn("the source moved", way_out="look at it")
        raise SourceError("later")
    assert sys.stderr is before
    lines = [json.loads(line) for line in stream.getvalue().splitlines()]
    assert [(line["level"], line["text"]) for line in lines] == [
        ("warning", "the source moved"),
        ("info", "way out: look at it"),
    ]


def test_records_of_several_threads_are_lines_of_their_own() -> None:
    class Slowly(io.StringIO):
        def write(self, text: str) -> int:
            return sum(super(Slowly, self).write(each) for each in text)

    stream, before = Slowly(), sys.getswitchinterval()
    log, start = Log(stream, "json", lambda: 0), threading.Barrier(4)

    def writes(number: int) -> None:
        start.wait(30)
        for _ in range(50):
            log.info("poll", number=number)

    sys.setswitchinterval(1e-6)
    try:
        with ThreadPoolExecutor(4) as pool:
            list(pool.map(writes, range(4)))
    finally:
        sys.setswitchinterval(before)
    numbers = [json.loads(line)["number"] for line in stream.getvalue().splitlines()]
    assert Counter(numbers) == dict.fromkeys(range(4), 50)


def test_a_log_that_can_t_be_written_stops_nothing() -> None:
    log, stream = written("json")
    stream.close()
    log.info("start")
    with io.TextIOWrapper(open("/dev/full", "wb", buffering=0), write_through=True) as full:
        Log(full, "json", lambda: 0).info("start")


def test_many_changes_make_no_long_record() -> None:
    found = result.fields(report(*[Change("create", f"a/{n}", "a.yaml", 1) for n in range(1000)], CHANGES[1]))
    assert len(found["changes"]) == 20
    assert found["changes"][0]["action"] == "failed"
    assert found["more"] == 981


@pytest.mark.parametrize(
    ("found", "word", "end"),
    [
        (report(), "unchanged", "done"),
        (report(CHANGES[0]), "changed", "done"),
        (report(CHANGES[1]), "incomplete", "done"),
        (report(refusal="too much"), "incomplete", "done"),
        (report(hook="ended with 1"), "incomplete", "again"),
        (report(stopped=True), "stopped", "done"),
        (report(Change("fail", "a/b", "", 0, why=reason.dump(Cause(reason.UNAVAILABLE)))), "incomplete", "again"),
    ],
)
def test_the_word_of_a_run_and_whether_it_is_tried_again(found: Report, word: str, end: str) -> None:
    assert (result.result(found), result.end(found)) == (word, end)


def test_a_defect_is_told_by_its_place_alone() -> None:
    secret = "hunter2"
    try:
        raise KeyError(secret)
    except KeyError as error:
        found = result.of_defect(error)
    assert secret not in json.dumps(found)
    assert found["error"].startswith(f"a defect of this program: KeyError in {__name__}:")


def test_at_a_terminal_a_level_has_its_colour_and_nothing_else_has(monkeypatch: pytest.MonkeyPatch) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.delenv("NO_COLOR", raising=False)
    stream = Terminal()
    Log(stream, "text", lambda: 0, "info").warning("note", text="\x1b[31mred")
    said = r"\u001b[31mred"
    assert stream.getvalue() == f'1970-01-01T00:00:00.000Z \x1b[33mwarning\x1b[0m note text="{said}"\n'
