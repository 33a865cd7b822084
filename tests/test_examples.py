"""Every example runs, as its page says; the demo too."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
EXAMPLES = ROOT / "examples"


@pytest.mark.parametrize("script", sorted(EXAMPLES.glob("[0-9]*.sh")), ids=lambda path: path.stem)
def test_example(script: Path, tmp_path: Path) -> None:
    done = subprocess.run(["sh", script], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_demo_tells_the_story(tmp_path: Path) -> None:
    command = [sys.executable, EXAMPLES / "demo.py"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    for event in (
        "sealed payments/db",
        "created  payments/db",
        "updated  payments/db",
        "way out:",
        "That was the main job",
    ):
        assert event in done.stdout
    assert "Traceback" not in done.stdout


def test_the_page_lists_every_example() -> None:
    page = (EXAMPLES / "README.md").read_text()
    assert all(script.name in page for script in EXAMPLES.glob("[0-9]*.sh"))


def test_nothing_is_installed_by_a_bare_name() -> None:
    """It is not on PyPI: whoever takes the name there would be who runs with our users' keys."""
    pages = [ROOT / "README.md", *(path for path in EXAMPLES.rglob("*") if path.is_file())]
    modules = [path for package in ("sealer", "controller", "hooks") for path in (ROOT / package).rglob("*.py")]
    lines = [line for path in (*pages, *modules) for line in path.read_text().splitlines()]
    named = re.compile(r"pipx? install\b.*\bsealer(\[[\w,]+\])?(?! ?@)['\"]*(\s|$)")
    assert [line for line in lines if named.search(line)] == []
