"""What is too much to be looked at whole is told: a scan that left something out does not end as a clean one."""

from __future__ import annotations

import base64
import gzip
import json
from typing import TYPE_CHECKING

import pytest

from hooks import code, decode, loose, scan, scanner, structure
from hooks.blobs import Blob
from hooks.decode import readable
from hooks.structure import kubectl
from tests.hooks.labelled import random_text

if TYPE_CHECKING:
    from tests.hooks.repo import Repo


def _lines(count: int) -> str:
    return "".join(f"password = 'your-password-{number}-here'\n" for number in range(count))


def _encoded(count: int) -> str:
    words = (f"password number {number} is not here, this is only text" for number in range(count))
    return "".join(base64.b64encode(word.encode()).decode() + "\n" for word in words)


@pytest.mark.parametrize(
    ("module", "name", "path", "text", "said"),
    [
        (code, "_MOST_LINES", "a.py", _lines(30), "more than 10 of its lines"),
        (decode, "RUNS", "a.txt", _encoded(30), "only 10 were undone"),
        (loose, "MAX_NODES", "a.yaml", "kind: Secret\nx: {{ y }}\n" + "a: b\n" * 30, "only the first 10 of its names"),
        (structure, "MAX_PAIRS", "a.ini", "[a]\n" + "a=b\n" * 30 + "password=your-password-here\n", "only 10 were"),
    ],
)  # fmt: skip
def test_each_limit_is_told(
    module: object, name: str, path: str, text: str, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = Blob(path, text.encode())
    scanner.scan(whole)
    assert whole.problem == ""
    monkeypatch.setattr(module, name, 10)
    part = Blob(path, text.encode())
    scanner.scan(part)
    assert said in part.problem
    assert "--exclude" in part.way_out


def test_what_decodes_to_too_much(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(decode, "BUDGET", 100)
    blob = Blob("a.txt", _encoded(30).encode())
    scanner.scan(blob)
    assert "encoded runs" in blob.problem


def test_what_unpacks_to_too_much(monkeypatch: pytest.MonkeyPatch) -> None:
    text = base64.b64encode(gzip.compress(b"password: your-password-here\n" * 2000, mtime=0)) + b"\n"
    whole = Blob("a.txt", text)
    scanner.scan(whole)
    assert whole.problem == ""
    monkeypatch.setattr(readable, "MAX_BYTES", 5000)
    part = Blob("a.txt", text)
    scanner.scan(part)
    assert "unpacked" in part.problem


@pytest.mark.parametrize("begin", ["$(", "${"])
def test_what_a_shell_puts_together_is_not_searched_for_its_end_again_and_again(begin: str) -> None:
    """A megabyte of beginnings: were each followed to the end of the line, this would take an hour."""
    (item,) = kubectl.items("kubectl create secret generic x --from-literal=token=" + begin * 500_000)
    assert item.key == "token"


def test_a_scan_of_a_part_ends_with_2(repo: Repo) -> None:
    repo.add("big.py", _lines(code._MOST_LINES + 10))
    done = repo.scan("--staged")
    assert done.returncode == 2
    assert "big.py: more than 20,000 of its lines may name a credential" in done.stderr


def test_findings_are_kept_and_a_part_is_not_remembered_as_looked_at(
    repo: Repo, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """In this process, with a lower limit: twenty thousand lines take seconds each time."""
    monkeypatch.setattr(code, "_MOST_LINES", 10)
    monkeypatch.chdir(repo.path)
    repo.add("big.py", _lines(20))
    repo.add("leak.py", f'api_key = "{random_text("alnum", 32)}"\n')
    for source in ("--staged", "."):
        assert scan.main([source, "--format", "json"]) == 1
        report = json.loads(capfd.readouterr().out)
        assert [each["path"] for each in report["unread"]] == ["big.py"]
        assert [each["path"] for each in report["findings"]] == ["leak.py"]
    repo.commit()
    for _ in range(2):
        assert scan.main(["--history"]) == 1
        assert "big.py" in capfd.readouterr().err, "it is not remembered as looked at"
