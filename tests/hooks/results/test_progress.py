"""The bar of long scans: silent at first, then shown, and gone at the end."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hooks import progress

if TYPE_CHECKING:
    import pytest


def test_it_shows_after_a_while_and_leaves_nothing(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("TERM", "xterm")
    now = [100.0]
    monkeypatch.setattr(progress.time, "monotonic", lambda: now[0])
    bar = progress.Bar("scanning")
    bar(1, 1000)
    bar.clear()
    assert capsys.readouterr().err == ""
    bar(1, 1000)
    now[0] += 1
    bar(500, 1000)
    bar.clear()
    shown = capsys.readouterr()
    assert "scanning" in shown.err
    assert shown.out == ""
    bar.clear()
    assert capsys.readouterr().err == ""
