"""For any bytes: the scanner never raises, and what it prints holds nothing of a planted secret."""

from __future__ import annotations

import json
import string
from typing import TYPE_CHECKING

from hypothesis import example, given, settings
from hypothesis import strategies as st

from hooks import loose, report, scanner
from hooks.accept import _anywhere
from hooks.blobs import Blob
from tests.hooks.labelled import Case, cases
from tests.hooks.test_accuracy import LEAKS

if TYPE_CHECKING:
    from hooks.finding import Finding

PATHS = st.sampled_from(
    ["s.yaml", "s.json", ".env", "README.md", "stdin", "t/secret.yaml.tpl", "x.py", "kustomization.yaml"]
)
_MANIFESTS = """kind: Secret|"kind": "Secret"|kind: SecretList|apiVersion: v1|data:|stringData:|  a: |---|- |items:
x: {a: b}|secretGenerator:|literals:|a=b|A=|export |sealer:allow kubernetes-secret|# |&a |*a|<<: |!x |>-|://u:|@|:|,"""
_SIGNS = ["\n", "\r\n", "\t", "{{", "}}", "{%", "${", "|", "'", '"', "\\", "[", "]", "{", "}", "\0", "\ufeff", "\ud7ff"]
_KEYS = (
    """-----BEGIN PRIVATE KEY-----|-----END PRIVATE KEY-----|LS0tLS1CRUdJTi|PuTTY-User-Key-File-2: x|AGE-SECRET-KEY-1"""
)
PIECES = st.sampled_from(
    [*_MANIFESTS.replace("\n", "|").split("|"), *_SIGNS, *_KEYS.split("|"), "\u2028", "\x85", "9" * 30, "A" * 70]
)
VALUES = st.text(alphabet=string.ascii_letters + string.digits, min_size=16, max_size=40)


def printed(findings: list[Finding]) -> str:
    """All that a run could print about these."""
    value = report.Report("staged", findings, files=1, bytes=1)
    return report.text(value) + report.json(value) + repr(value)


@settings(max_examples=400, deadline=None)
@given(path=PATHS, data=st.binary(max_size=400))
@example(path="s.yaml", data=b"\xff\xfek")
@example(path="s.yaml", data=b"kind: Secret\ndata: \xff")
def test_any_bytes(path: str, data: bytes) -> None:
    assert isinstance(scanner.scan(Blob(path, data)), list)


@settings(max_examples=1500, deadline=None)
@given(path=PATHS, pieces=st.lists(PIECES | st.text(max_size=6), max_size=40), value=VALUES)
def test_any_text_made_of_what_matters(path: str, pieces: list[str], value: str) -> None:
    text = "".join(pieces).replace("a: ", f"a: {value}")
    findings = scanner.scan(Blob(path, text.encode("utf-8", "surrogatepass")))
    assert value not in printed(findings)
    lines = text.count("\n") + 1
    assert all(1 <= one.line <= max(lines, len(text.splitlines())) for one in findings)


@settings(max_examples=300, deadline=None)
@given(index=st.integers(0, len(LEAKS) - 1), cut=st.integers(0, 400), noise=st.text(max_size=5), at=st.integers(0, 400))
def test_cut_and_disturbed_files(index: int, cut: int, noise: str, at: int) -> None:
    case = LEAKS[index]
    text = case.text[: max(len(case.text) - cut, 0)]
    text = text[:at] + noise + text[at:]
    shown = printed(scanner.scan(Blob(case.path, text.encode("utf-8", "replace"))))
    assert not any(value in shown for value in case.planted)


def test_no_planted_value_is_printed_for_the_labelled_set() -> None:
    for case in LEAKS:
        shown = printed(scanner.scan(Blob(case.path, case.text.encode())))
        assert not any(value in shown for value in case.planted), case.path
        assert json.dumps("********") in shown


def test_a_value_in_the_place_of_a_key_is_not_printed() -> None:
    for value in (case.planted[0] for case in _keys()):
        for items in (f"\n  {value}: {value}", f"{{{value}: 'x{value}'}}"):
            findings = scanner.scan(Blob("s.yaml", f"kind: Secret\nstringData: {items}\n".encode()))
            assert findings
            assert value not in printed(findings)


def test_hostile_files_take_no_time() -> None:
    # Each of these is quadratic or worse for a careless expression; together they take well under a second.
    lines = [
        "{{",
        "a: ---",
        "/a",
        '"',
        "{",
        "- ",
        "-----BEGIN PRIVATE KEY-----",
        "LS0tLS1CRUdJTi",
        "x.\n",
        " ",
        "://a:",
    ]
    for text in (line * (50_000 // len(line)) + "!" for line in lines):
        blob = f"kind: Secret\nstringData:\n  password: |\n    {text}\n  other: '{text}\n"
        scanner.scan(Blob("s.yaml", blob.encode()))
        scanner.scan(Blob(".env", f"PASSWORD={text}\nexport X='{text}".encode()))
    assert loose.read("a:\n" * 10).entries


def test_a_pattern_without_a_slash_means_any_folder() -> None:
    assert [_anywhere(text) for text in ("*.pem", "a/*.pem")] == ["**/*.pem", "a/*.pem"]


def _keys() -> list[Case]:
    return list(cases("=== x | y\n@{alnum:24}\n" * 20))
