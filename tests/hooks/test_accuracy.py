"""Recall and precision on the labelled set (labelled.py): each case by itself, and the figures of all."""

from __future__ import annotations

from pathlib import Path

import pytest

from hooks import scanner
from hooks.blobs import Blob
from tests.hooks.labelled import Case, cases

_HERE = Path(__file__).parent
LEAKS = list(cases((_HERE / "leaks.txt").read_text()))
CLEAN = list(cases((_HERE / "clean.txt").read_text()))


def found(case: Case) -> set[int]:
    return {one.line for one in scanner.scan(Blob(case.path, case.text.encode()))}


def _name(case: Case) -> str:
    return f"{case.path} {case.what}".replace(" ", "_")


@pytest.mark.parametrize("case", LEAKS, ids=_name)
def test_exactly_the_lines_that_leak_are_found(case: Case) -> None:
    assert found(case) == case.lines


@pytest.mark.parametrize("case", CLEAN, ids=_name)
def test_nothing_is_found_where_nothing_leaks(case: Case) -> None:
    assert found(case) == set()


@pytest.mark.parametrize("case", LEAKS, ids=_name)
def test_line_endings_and_a_byte_order_mark_change_nothing(case: Case) -> None:
    windows = case.text.replace("\n", "\r\n").encode("utf-8-sig")
    assert {one.line for one in scanner.scan(Blob(case.path, windows))} == case.lines


@pytest.mark.parametrize("case", LEAKS, ids=_name)
def test_what_powershell_writes_is_read_as_well(case: Case) -> None:
    assert {one.line for one in scanner.scan(Blob(case.path, case.text.encode("utf-16")))} == case.lines


def test_recall_and_precision_of_the_whole_set(capsys: pytest.CaptureFixture[str]) -> None:
    expected = {(i, line) for i, case in enumerate(LEAKS) for line in case.lines}
    reported = {(i, line) for i, case in enumerate([*LEAKS, *CLEAN]) for line in found(case)}
    true = len(expected & reported)
    recall, precision = true / len(expected), true / len(reported)
    with capsys.disabled():
        print(f"\n  {len(LEAKS)} leaking files, {len(CLEAN)} clean: recall {recall:.3f}, precision {precision:.3f}")
    assert recall >= 0.98
    assert precision >= 0.99
