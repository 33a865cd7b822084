"""Versions trimmed against each other: less is scanned, and nothing is lost."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hooks.blobs import Blob, findings
from hooks.history import trim
from hooks.structure import formats
from tests.hooks.sources.looking import scan

LINE = st.sampled_from(
    [b"wanted-1", b"wanted-22", b"---", b"--- # x", b"", b"x" * 40, b"y" * 90, b"kind: Secret", b"a: 1"]
)
EDIT = st.tuples(st.integers(0, 400), st.integers(0, 6), st.lists(LINE, max_size=6))


def versions(lines: list[bytes], edits: list[list[tuple[int, int, list[bytes]]]]) -> list[bytes]:
    made = [b"\n".join(lines)]
    for some in edits:
        for at, gone, new in some:
            lines[at : at + gone] = new
        made.append(b"\n".join(lines))
    return made


def values(path: str, texts: list[bytes], *, trimmed: bool) -> set[object]:
    """What is found in the versions of a file."""
    trimmer = trim.Trimmer()
    found: set[object] = set()
    for text in texts:
        blob = Blob(path, text)
        if trimmed:
            trimmer.trim(blob)
        now = findings(blob, scan)
        blob.found = bool(now)
        found |= {one.value for one in now}
    return found


@pytest.mark.parametrize("path", ["a.py", "b.yaml", "c.json", "d.env"])
@settings(max_examples=40, deadline=None)
@given(
    block=st.lists(LINE, min_size=5, max_size=30),
    edits=st.lists(st.lists(EDIT, min_size=1, max_size=3), min_size=1, max_size=5),
)
def test_nothing_is_lost(path: str, block: list[bytes], edits: list[list[tuple[int, int, list[bytes]]]]) -> None:
    lines = [line for line in block if not line.startswith(b"wanted")] + numbered(300)
    texts = versions(lines, edits)
    assert values(path, texts, trimmed=True) == values(path, texts, trimmed=False)


def numbered(count: int) -> list[bytes]:
    return [b"line %d of a text that is long enough" % number for number in range(count)]


def test_a_version_is_its_change_and_what_stands_around_it() -> None:
    lines = numbered(1000)
    old = b"\n".join(lines)
    lines[500:500] = [b"new"]
    new = b"\n".join(lines)
    trimmer = trim.Trimmer()
    trimmer.trim(Blob("a.py", old))
    blob = Blob("a.py", new)
    trimmer.trim(blob)
    kept = blob.data or b""
    assert blob.whole == new
    assert len(kept) < 7000
    assert kept in new
    at = kept.index(b"\nnew\n")
    assert at >= trim.CONTEXT
    assert len(kept) - at >= trim.CONTEXT
    assert set(kept.splitlines()) <= set(lines), "whole lines"


def test_of_changes_that_are_far_from_each_other_each_is_kept_alone() -> None:
    lines = numbered(3000)
    old = b"\n".join(lines)
    for number in (2500, 1400, 300):
        lines[number] = b"new %d" % number
    trimmer = trim.Trimmer()
    trimmer.trim(Blob("a.py", old))
    blob = Blob("a.py", b"\n".join(lines))
    trimmer.trim(blob)
    kept = (blob.data or b"").splitlines()
    assert [line for line in kept if line.startswith(b"new")] == [b"new 300", b"new 1400", b"new 2500"]
    assert len(kept) < 400
    assert kept == sorted(kept, key=lines.index), "each once, in order"


def test_utf_16_is_not_trimmed() -> None:
    trimmer = trim.Trimmer()
    for text in ("\n".join(["a line"] * 2000), "\n".join(["a line"] * 2000 + ["new"])):
        blob = Blob("a.cs", b"\xff\xfe" + text.encode("utf-16-le"))
        trimmer.trim(blob)
        assert blob.whole is None


def test_of_yaml_whole_documents_are_kept() -> None:
    documents = [[b"kind: Secret", *numbered(20)] for _ in range(60)]
    old = b"\n---\n".join(b"\n".join(one) for one in documents)
    documents[30][15] = b"new"
    new = b"\n---\n".join(b"\n".join(one) for one in documents)
    trimmer = trim.Trimmer()
    trimmer.trim(Blob("a.yaml", old))
    blob = Blob("a.yaml", new)
    trimmer.trim(blob)
    kept = (blob.data or b"").removeprefix(b"---\n").removesuffix(b"\n").split(b"\n---\n")
    assert kept in [[b"\n".join(one) for one in documents[at : at + len(kept)]] for at in range(60)], "whole ones"
    assert b"\n".join(documents[30]) in kept
    assert len(kept) < 8


@pytest.mark.parametrize(
    ("path", "line"),
    [
        ("a.json", b"x"),
        (".env", b"x"),
        ("a.tf", b"x"),
        ("Dockerfile", b"x"),
        ("a.py", b"kind: Secret"),
        ("a.b.PEM", b"x"),
    ],
)
def test_what_is_read_as_a_whole_is_not_trimmed(path: str, line: bytes) -> None:
    old = b"\n".join([line, *numbered(1000)])
    trimmer = trim.Trimmer()
    trimmer.trim(Blob(path, old))
    blob = Blob(path, old + b"\nnew")
    trimmer.trim(blob)
    assert blob.whole is None
    assert blob.data == old + b"\nnew"


@pytest.mark.parametrize("ending", sorted(trim._LINES))
def test_what_is_trimmed_by_lines_is_read_in_no_format(ending: str) -> None:
    for text in (
        "---\nkind: Secret\n",
        '{"a": "b"}',
        "<a>b</a>",
        "#!/bin/sh\nA=b\n",
        "[a]\nb = c\n",
        'module "a" {}\n',
    ):
        assert formats.reader(f"deep/a.{ending}", text) is None


def test_all_versions_that_may_have_a_finding_are_known() -> None:
    lines = numbered(1000)
    texts = []
    for number in range(6):
        if number == 2:
            lines[900] = b"wanted-1"
        lines[number] = b"changed"
        texts.append(b"\n".join(lines))
    trimmer, blobs, found, repeats, size = trim.Trimmer(), [], [], [], 0
    for text in texts:
        blob = Blob("a.py", text)
        trimmer.trim(blob)
        size += len(blob.data or b"")
        blobs.append(blob)
    for blob in blobs:  # all of them are trimmed before the first is scanned
        blob.looked(found=bool(findings(blob, scan)))
        found.append(blob.found)
        repeats.append(blob.repeats)
    assert found == [False, False, True, False, False, False]
    assert repeats == [False, False, False, True, True, True]
    assert size < 2 * len(texts[0])
