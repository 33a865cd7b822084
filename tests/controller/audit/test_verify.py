"""Each kind of tampering is named with its place; whatever is changed is found."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from controller.audit import folder
from controller.audit.log import Head
from controller.audit.record import Entry, chain, digest, stamp
from tests.controller.audit.samples import ACTOR, NOW, check, found, intent, memory, outcome, pairs

FIRST, SECOND, THIRD = (folder.name(number) for number in (1, 5, 11))


def lines(data: bytes) -> list[bytes]:
    return data.splitlines(keepends=True)


def test_a_whole_log() -> None:
    files, head = memory()
    report = check(files, head)
    assert (report.problems, report.open, report.files, report.records, report.beyond) == ((), (), 3, 12, 0)
    assert report.last is not None
    assert report.last.sequence == 12
    assert check(files).beyond is None


def test_records_behind_the_head_are_counted() -> None:
    files, _ = memory()
    text = lines(files[SECOND])
    head = Head(SECOND, len(text[0]), 6, digest(text[1][:-1]))
    assert (check(files, head).problems, check(files, head).beyond) == ((), 6)


@pytest.mark.parametrize(
    ("at", "change", "kind"),
    [
        (2, lambda line: line.replace(b'"done"', b'"failed"'), "rewritten"),
        (3, lambda line: line.replace(b"payments", b"x").replace(b"ns/s-", b"ns/t-"), "rewritten"),
        (2, lambda line: line.replace(b'"version":1', b'"version":2'), "malformed"),
        (2, lambda line: b"{}\n", "malformed"),
        (2, lambda line: line.replace(b'"sequence":2,', b'"sequence":3,'), "rewritten"),
        (1, lambda line: line.replace(b'"node-1"', b'"node-2"'), "rewritten"),
    ],
)
def test_rewriting_names_the_line(at: int, change: Callable[[bytes], bytes], kind: str) -> None:
    files, _ = memory()
    text = lines(files[FIRST])
    changed = change(text[at - 1])
    assert changed != text[at - 1]
    files[FIRST] = b"".join([*text[: at - 1], changed, *text[at:]])
    assert (kind, f"1:{at}") in found(check(files))


def test_rewriting_the_last_line_takes_the_head() -> None:
    files, head = memory()
    files[THIRD] = files[THIRD].replace(b'"done"', b'"failed"')
    assert check(files).problems == ()
    (problem,) = check(files, head).problems
    assert (problem.kind, problem.where) == ("rewritten", THIRD)
    assert "record 12 is not the one that the state knows" in problem.what


def test_a_log_written_anew_from_a_line_on_takes_the_head() -> None:
    files, head = memory((4,))
    text = lines(files[FIRST])
    forged, _ = chain([intent("a/b"), outcome(3, "a/b")], ACTOR, time=stamp(NOW), after=2, prev=digest(text[1][:-1]))
    files[FIRST] = b"".join([*text[:2], *(each + b"\n" for each in forged)])
    assert check(files).problems == ()
    assert [each.kind for each in check(files, head).problems] == ["rewritten"]


def test_deletion_inside_a_file() -> None:
    files, _ = memory()
    text = lines(files[SECOND])
    files[SECOND] = b"".join([*text[:2], *text[4:]])
    (problem,) = check(files).problems
    assert (problem.kind, problem.where) == ("deleted", f"{SECOND}:3")
    assert problem.what == "records 7 to 8 are missing before this line"


def test_deletion_of_the_first_line() -> None:
    files, _ = memory((4,))
    files[FIRST] = b"".join(lines(files[FIRST])[1:])
    assert found(check(files)) >= {("replaced", "1:1"), ("deleted", "1:1")}


def test_truncation_takes_the_head() -> None:
    files, head = memory()
    del files[THIRD]
    assert check(files).problems == ()
    (problem,) = check(files, head).problems
    assert (problem.kind, problem.where) == ("truncated", f"{SECOND}:6")
    assert problem.what == "the log ends with record 10, and the state knows it up to 12"


def test_an_empty_log_is_shorter_than_its_head() -> None:
    _, head = memory()
    assert [each.kind for each in check({}, head).problems] == ["truncated"]
    assert check({}).problems == ()


def test_truncation_to_nothing_of_a_file() -> None:
    files, head = memory()
    files[SECOND] = b""
    assert ("gap", "11:1") in found(check(files))
    files, head = memory()
    files[THIRD] = b""
    assert check(files).problems == ()  # as if the program was killed just after it began the file
    assert [each.kind for each in check(files, head).problems] == ["truncated"]


def test_a_gap_between_files() -> None:
    files, _ = memory()
    del files[SECOND]
    (problem,) = check(files).problems
    assert (problem.kind, problem.where) == ("gap", f"{THIRD}:1")
    assert problem.what.startswith(f"records 5 to 10 are missing after {FIRST}:4")


def test_the_first_file_is_gone() -> None:
    files, _ = memory()
    del files[FIRST]
    (problem,) = check(files).problems
    assert (problem.kind, problem.where) == ("deleted", f"{SECOND}:1")


def test_reordering() -> None:
    files, _ = memory()
    text = lines(files[SECOND])
    text[2], text[3] = text[3], text[2]
    files[SECOND] = b"".join(text)
    (problem,) = check(files).problems
    assert (problem.kind, problem.where) == ("reordered", f"{SECOND}:4")
    assert problem.what == "record 7 stands after record 8"


def test_a_line_that_stands_twice() -> None:
    files, _ = memory()
    text = lines(files[FIRST])
    files[FIRST] = b"".join([*text[:2], text[1], *text[2:]])
    (problem,) = check(files).problems
    assert (problem.kind, problem.where) == ("repeated", f"{FIRST}:3")


def test_a_file_replaced_by_one_of_another_log() -> None:
    files, _ = memory()
    forged, _ = chain(pairs(3), ACTOR, time=stamp(NOW), after=4, prev="ab" * 32)
    files[SECOND] = b"".join(each + b"\n" for each in forged)
    assert {("replaced", "5:1"), ("replaced", "11:1")} <= found(check(files))


def test_a_file_under_another_name() -> None:
    files, _ = memory()
    files[folder.name(6)] = files.pop(SECOND)
    assert ("replaced", "6:1") in found(check(files))
    files, _ = memory()
    files[FIRST], files[SECOND] = files[SECOND], files[FIRST]
    assert {("replaced", "1:1"), ("replaced", "5:1")} <= found(check(files))


def test_a_torn_line() -> None:
    files, head = memory()
    files[THIRD] += b'{"actor":{"ci"'
    assert found(check(files, head)) == {("torn", "11:3")}


def test_an_open_intent_is_named_and_is_no_problem() -> None:
    files, _ = memory((4,))
    prev = digest(lines(files[FIRST])[-1][:-1])
    more, _ = chain([intent("a/b"), intent("a/c"), outcome(6, "a/c")], ACTOR, time=stamp(NOW), after=4, prev=prev)
    files[FIRST] += b"".join(each + b"\n" for each in more)
    report = check(files)
    assert report.problems == ()
    assert [(each.where, each.record.entry.ref) for each in report.open] == [(f"{FIRST}:5", "a/b")]


@pytest.mark.parametrize(
    ("entry", "said"),
    [
        (outcome(1, "ns/s-0"), "closes intent 1 a second time"),
        (outcome(99), "closes intent 99, which there isn't"),
        (outcome(5, "a/other"), "closes intent 5, which is about another"),
    ],
)
def test_an_outcome_that_closes_nothing(entry: Entry, said: str) -> None:
    files, _ = memory((4,))
    prev = digest(lines(files[FIRST])[-1][:-1])
    more, _ = chain([intent("a/b"), entry], ACTOR, time=stamp(NOW), after=4, prev=prev)
    files[FIRST] += b"".join(each + b"\n" for each in more)
    (problem,) = check(files).problems
    assert (problem.kind, problem.where, problem.what) == ("outcome", f"{FIRST}:6", said)


def test_a_sequence_without_end_takes_no_memory() -> None:
    files, _ = memory((4,))
    text = lines(files[FIRST])
    value = {**json.loads(text[2]), "sequence": 2**53 - 1, "prev": "ab" * 32}
    text[2] = json.dumps(value, sort_keys=True, separators=(",", ":")).encode() + b"\n"
    files[FIRST] = b"".join(text)
    assert check(files).problems


@st.composite
def tampered(draw: st.DrawFn) -> tuple[dict[str, bytes], Head]:
    """A log with one change: a byte, or a line removed, repeated elsewhere, or exchanged with another."""
    files, head = memory(draw(st.sampled_from([(2,), (4, 6, 2), (1, 1, 2), (6, 2)])))
    before = dict(files)
    name = draw(st.sampled_from(sorted(files)))
    text = lines(files[name])
    at = draw(st.integers(0, len(text) - 1))
    match draw(st.sampled_from(["flip", "delete", "swap", "repeat"])):
        case "flip":
            place = draw(st.integers(0, len(files[name]) - 1))
            changed = bytearray(files[name])
            changed[place] ^= draw(st.integers(1, 255))
            files[name] = bytes(changed)
        case "delete":
            files[name] = b"".join([*text[:at], *text[at + 1 :]])
        case "repeat":
            other = draw(st.sampled_from(sorted(files)))
            there = lines(files[other])
            to = draw(st.integers(0, len(there)))
            files[other] = b"".join([*there[:to], text[at], *there[to:]])
        case "swap":
            other = draw(st.sampled_from(sorted(files)))
            there = text if other == name else lines(files[other])
            to = draw(st.integers(0, len(there) - 1))
            text[at], there[to] = there[to], text[at]
            files[name], files[other] = b"".join(text), b"".join(there)
    assume(files != before)
    return files, head


@given(tampered())
def test_any_single_change_is_found(change: tuple[dict[str, bytes], Head]) -> None:
    files, head = change
    assert check(files, head).problems
