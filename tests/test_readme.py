"""The README's commands work as written: every `sh` block, in order, in one scratch repository."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

ROOT = Path(__file__).parents[1]


def test_every_sh_block_in_order(tmp_path: Path) -> None:
    blocks = re.findall(r"^```sh\n(.*?)^```", (ROOT / "README.md").read_text(), re.MULTILINE | re.DOTALL)
    assert len(blocks) > 8
    script = "\n".join(["set -eux", "git init -q -b main .", *blocks])
    done = subprocess.run(["bash", "-c", script], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Traceback" not in done.stderr


def test_links_lead_somewhere() -> None:
    for page in ("README.md", "CONTRIBUTING.md", "SECURITY.md", "CHANGELOG.md", "schemas/README.md"):
        file = ROOT / page
        for target in re.findall(r"\[[\w/. ]+\]\(([^)#]+)\)", file.read_text()):
            assert (file.parent / target).exists(), f"{page}: {target}"
