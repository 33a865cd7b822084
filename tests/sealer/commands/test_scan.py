"""`sealer scan` hands its arguments to the scanner's entry point."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from importlib import metadata
from types import SimpleNamespace

import pytest

from sealer.commands import scan
from sealer.errors import MissingExtra


def _install(
    monkeypatch: pytest.MonkeyPatch, main: Callable[[Sequence[str]], int | None], owner: str = "sealer"
) -> None:
    entry = SimpleNamespace(dist=SimpleNamespace(name=owner), load=lambda: main)
    monkeypatch.setattr(metadata, "entry_points", lambda **_: [entry])


def test_arguments_go_on_and_the_exit_code_comes_back(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[list[str]] = []

    def main(argv: Sequence[str]) -> int:
        seen.append(list(argv))
        return 1

    _install(monkeypatch, main)
    assert scan.run(["--staged", "-x", "a b"]) == 1
    assert seen == [["--staged", "-x", "a b"]]


@pytest.mark.parametrize(("code", "expected"), [(None, 0), (0, 0), (2, 2), ("text", 2)])
def test_argparse_ends_with_an_exit(monkeypatch: pytest.MonkeyPatch, code: object, expected: int) -> None:
    def main(argv: Sequence[str]) -> int:
        raise SystemExit(code)

    _install(monkeypatch, main)
    assert scan.run([]) == expected


def test_another_package_with_that_script_is_not_started(monkeypatch: pytest.MonkeyPatch) -> None:
    _install(monkeypatch, lambda argv: 0, owner="elsewhere")
    with pytest.raises(MissingExtra, match="sealer-scan"):
        scan.run([])
