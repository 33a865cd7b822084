"""Recall and false positives on the files of GitOps repositories (kubernetes_files.py), one by one and all together."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from hooks import scanner
from hooks.blobs import Blob
from tests.hooks.kubernetes_files import expanded

if TYPE_CHECKING:
    from tests.hooks.labelled import Case

_HERE = Path(__file__).parent
LEAKS = list(expanded((_HERE / "kubernetes_leaks.txt").read_text()))
CLEAN = list(expanded((_HERE / "kubernetes_clean.txt").read_text()))


def found(path: str, data: bytes) -> set[int]:
    return {one.line for one in scanner.scan(Blob(path, data))}


def _name(case: Case) -> str:
    return f"{case.path} {case.what}".replace(" ", "_")


@pytest.mark.parametrize("case", LEAKS, ids=_name)
def test_each_line_that_leaks_is_found(case: Case) -> None:
    assert found(case.path, case.text.encode()) == case.lines


@pytest.mark.parametrize("case", CLEAN, ids=_name)
def test_what_leaks_nothing_is_left_alone(case: Case) -> None:
    assert found(case.path, case.text.encode()) == set()


@pytest.mark.parametrize("case", LEAKS, ids=_name)
def test_as_windows_writes_it(case: Case) -> None:
    assert found(case.path, case.text.replace("\n", "\r\n").encode("utf-8-sig")) == case.lines


@pytest.mark.parametrize("case", CLEAN, ids=_name)
def test_as_windows_writes_what_leaks_nothing(case: Case) -> None:
    assert found(case.path, case.text.replace("\n", "\r\n").encode("utf-8-sig")) == set()


def test_the_set_is_large() -> None:
    assert len(LEAKS) >= 150
    assert len(CLEAN) >= 60
