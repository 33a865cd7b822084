"""`sealer-scan` as a program: it starts fast, since it imports next to nothing; `sealer scan` is the same."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from tests.hooks.labelled import random_text
from tests.hooks.repo import BIN, SCAN, Repo, run, secret

HEAVY = (
    "argparse",
    "typer",
    "rich",
    "jsonschema",
    "git",
    "cryptography",
    "yaml",
    "subprocess",
    "dataclasses",
    "inspect",
    "json",
    "typing",
    "pathlib",
    "hashlib",
    "datetime",
    "textwrap",
)
NOT_WHEN_CLEAN = (*HEAVY, "re", "enum", "functools", "collections", "contextlib")


def imported(folder: Path, names: tuple[str, ...], code: int) -> list[str]:
    """Which of these modules `--staged` imports beside those that are there when Python has started."""
    program = (
        "import sys; before = set(sys.modules); from hooks.scan import main; code = main(['--staged']);"
        f"print(code, *sorted({set(names)!r} & sys.modules.keys() - before))"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=folder, capture_output=True, text=True, check=True)
    said, *found = done.stdout.splitlines()[-1].split()
    assert said == str(code)
    return found


def test_the_clean_path_imports_next_to_nothing(repo: Repo) -> None:
    repo.commit()
    repo.add("app.py", "import os\n\nprint(os.environ)\n" * 100)
    assert repo.scan("--staged").returncode == 0, "from here on the rules are compiled"
    assert imported(repo.path, NOT_WHEN_CLEAN, 0) == []


def test_the_way_to_a_finding_imports_little_more(repo: Repo) -> None:
    repo.commit()
    repo.add("app.py", "TOKEN = '" + "gh" + "p_" + random_text("alnum", 36) + "'\n")
    assert "app.py:1  github-pat" in repo.scan("--staged").stdout
    assert imported(repo.path, HEAVY, 0) == []


def test_sealer_scan_is_the_same_program(repo: Repo) -> None:
    repo.add("s.yaml", secret())
    assert run([str(BIN / "sealer"), "scan", "--staged"], repo.path).returncode == 1
    shown = run([str(BIN / "sealer"), "scan", "--help"], repo.path)
    assert (shown.returncode, shown.stdout) == (0, run([SCAN, "--help"], repo.path).stdout)
