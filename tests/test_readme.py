"""The README's commands work as written: every `sh` block, in order, in one scratch repository; others are parsed."""

from __future__ import annotations

import re
import shlex
import subprocess
from collections.abc import Iterator
from pathlib import Path

from tests import readme
from tests.test_pipelines import accepted

ROOT = readme.PAGE.parent


def test_every_sh_block_in_order(tmp_path: Path) -> None:
    blocks = readme.blocks("sh")
    assert len(blocks) > 8
    script = "\n".join(["set -eux", "git init -q -b main .", *blocks])
    done = subprocess.run(["bash", "-c", script], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Traceback" not in done.stderr


def ours() -> Iterator[list[str]]:
    """Our commands of `console` blocks, and those with options in sentences, as words."""
    said = [line for block in readme.blocks("console") for line in block.replace("|\n", "|").splitlines()]
    prose = re.sub(r"^```.*?^```", "", readme.part(""), flags=re.MULTILINE | re.DOTALL)
    said += [span for span in re.findall(r"`([^`\n]+)`", prose) if " --" in span]
    for line in said:
        for command in re.split(r"[|>]", re.sub(r"\s+#.*", "", line.removeprefix("$ "))):
            if re.match(r"\s*sealer(-controller)? ", command):
                yield [word for word in shlex.split(command) if not re.match(r"\[|.*\]", word)]


def test_each_command_is_one_that_we_take() -> None:
    found = list(ours())
    assert len(found) > 20
    refused = []
    for words in found:
        if words[1:3] in (["scan", "baseline"], ["scan", "explain"]):  # which have parsers of their own
            continue
        try:
            accepted(words)
        except (Exception, SystemExit) as error:
            refused.append((" ".join(words), error))
    assert refused == []


def test_links_lead_somewhere() -> None:
    for page in ("README.md", "CONTRIBUTING.md", "SECURITY.md", "CHANGELOG.md", "schemas/README.md"):
        file = ROOT / page
        for target in re.findall(r"\[[\w/. ]+\]\(([^)#]+)\)", file.read_text()):
            assert (file.parent / target).exists(), f"{page}: {target}"


def test_links_within_the_page_lead_to_a_heading() -> None:
    text = readme.PAGE.read_text()
    headings = re.findall(r"^#+ (.+)$", re.sub(r"^```.*?^```", "", text, flags=re.MULTILINE | re.DOTALL), re.MULTILINE)
    places = {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}
    assert set(re.findall(r"\]\(#([^)]+)\)", text)) - places == set()
