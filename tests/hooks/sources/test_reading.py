"""Bytes of one file as blobs: parts that lose nothing, archives that are opened, binaries that are told."""

from __future__ import annotations

import base64
import gzip
import io
import json
import zipfile
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest

from hooks import blobs, cutting, reading, scanner
from sealer.documents import yamlio
from tests.hooks.labelled import random_text
from tests.hooks.sources.looking import WORD, places, scan

if TYPE_CHECKING:
    from hooks.finding import Finding


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Parts as small as in no run, so that a test has many of them."""
    monkeypatch.setattr(reading, "WHOLE", 4096)
    monkeypatch.setattr(reading, "PART", 2048)
    monkeypatch.setattr(reading, "OVERLAP", 256)
    monkeypatch.setattr(reading, "_LOOK_FIRST", 512)


def lines(path: str, data: bytes) -> set[int]:
    stream = io.BytesIO(data)
    return {one.line for blob in reading.blobs(path, len(data), stream.read) for one in blobs.findings(blob, scan)}


def texts() -> Iterator[tuple[str, bytes]]:
    filler = [b"%d %s" % (number, b"x" * (number % 120)) for number in range(900)]
    for number in range(0, 900, 7):
        filler[number] = WORD + b"%d" % number
    yield "lines.txt", b"\n".join(filler)
    yield "documents.yaml", b"\n".join(line if number % 40 else b"---" for number, line in enumerate(filler))
    yield "one-line.js", b" ".join(filler)
    yield "no-documents.yml", b"\n".join(filler)


@pytest.mark.parametrize(("path", "data"), list(texts()), ids=lambda value: value if isinstance(value, str) else "")
def test_parts_find_what_the_whole_finds_on_the_same_lines(small: None, path: str, data: bytes) -> None:
    stream = io.BytesIO(data)
    assert len(list(reading.blobs(path, len(data), stream.read))) > 10
    whole = {one.line for one in scan(blobs.Blob(path, data))}
    assert whole
    assert lines(path, data) == whole


def test_what_spans_less_than_an_overlap_is_whole_in_a_part(small: None) -> None:
    data = bytes(range(1, 256)).replace(b"\n", b"") * 80
    for text in (data, b"\n".join(data[at : at + 50] for at in range(0, len(data), 50))):
        parts = [blob.data or b"" for blob in reading.blobs("a.txt", len(text), io.BytesIO(text).read)]
        for at in range(0, len(text) - reading.OVERLAP, 100):
            piece = text[at : at + reading.OVERLAP - 60]
            assert any(piece in part for part in parts)


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
def test_a_large_text_of_two_bytes_a_character(small: None, encoding: str) -> None:
    text = "".join(f"größe {number}\n{WORD.decode()}{number}\n" for number in range(600))
    data = ("\ufeff" + text).encode(encoding)
    assert lines("a.txt", data) == set(range(2, 1201, 2))


def test_characters_are_not_torn(small: None) -> None:
    data = ("ü" * 9001).encode()
    for blob in reading.blobs("a.txt", len(data), io.BytesIO(data).read):
        assert (blob.data or b"").decode().strip("ü") == ""


def test_binaries_are_told_by_their_first_bytes() -> None:
    assert places(blobs.stdin(b"\0" + WORD)) == []
    assert places(blobs.stdin(b"x" * 7999 + b"\0" + WORD)) == []
    assert places(blobs.stdin(b"x" * 8000 + b"\0" + WORD)) == [("stdin", 1)]
    source = blobs.stdin(b"\0" * 10)
    assert places(source) == []
    assert (source.binary, source.size) == (1, 0)


def test_archives_are_opened() -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("in/a.txt", b"\n" + WORD + b"1\n")
        archive.writestr("b.bin", b"\0" + WORD)
    assert places(blobs.stdin(packed.getvalue())) == [("stdin!in/a.txt", 2)]
    assert places(blobs.stdin(gzip.compress(WORD + b"1"))) == [("stdin!stdin", 1)]
    assert places(blobs.stdin(b"PK is no archive\n" + WORD)) == [("stdin", 2)]


def test_an_archive_that_is_too_large_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "MAX_ARCHIVE", 10)
    ((blob, found),) = blobs.stdin(gzip.compress(b"x" * 1000)).scanned(scan)
    assert not found
    assert "is an archive of" in blob.problem
    assert blob.way_out


def test_no_bytes_are_shown() -> None:
    assert "secret" not in repr(blobs.Blob("a.txt", b"secret"))


# --- Secrets in files that are cut ----------------------------------------------------------------------------------


def items(number: int, kind: str = "Secret") -> list[dict[str, Any]]:
    """Manifests whose values hold what would mislead a reader that counts brackets."""
    return [
        {
            "apiVersion": "v1",
            "data": {"item": base64.b64encode(random_text("alnum", 20).encode()).decode()},
            "kind": kind,
            "metadata": {"annotations": {"odd": '}],{ \\" [', "pad": "x" * 400}, "name": f"s{each}"},
        }
        for each in range(number)
    ]


def told(path: str, text: str) -> tuple[list[Finding], set[str]]:
    """What the scanner finds in all parts, and the problems of the parts."""
    data = text.encode()
    parts = list(reading.blobs(path, len(data), io.BytesIO(data).read))
    found = [one for blob in parts for one in blobs.findings(blob, scanner.scan)]
    return found, {blob.problem for blob in parts} - {""}


@pytest.mark.parametrize("indent", [None, 4], ids=["one line", "indented"])
@pytest.mark.parametrize("shape", ["list", "array", "lines"])
def test_each_secret_of_large_json_is_found(small: None, shape: str, indent: int | None) -> None:
    each = items(60)
    if shape == "lines":
        text = "\n".join(json.dumps(one, indent=indent) for one in each)
    elif shape == "array":
        text = json.dumps(each, indent=indent)
    else:
        text = json.dumps({"apiVersion": "v1", "items": each, "kind": "List", "metadata": {}}, indent=indent)
    found, problems = told("secrets.json", text)
    lines = {number for number, line in enumerate(text.split("\n"), 1) if '"item"' in line}
    assert {one.line for one in found} == lines
    assert len({one.value for one in found}) == 60
    assert problems == set()


def test_a_path_in_large_json_names_the_element_of_the_whole(small: None) -> None:
    each, words = items(60), [{"password": random_text("alnum", 16)} for _ in range(200)]
    shapes: dict[str, tuple[object, list[str]]] = {
        "a list in an object": ({"kind": "List", "items": each}, [f"items[{at}].data.item" for at in range(60)]),
        "by another name": ({"kind": "x", "all": each}, [f"all[{at}].data.item" for at in range(60)]),
        "with a second one": (
            {"items": each, "more": items(4)},
            [f"items[{at}].data.item" for at in range(60)] + [f"more[{at}].data.item" for at in range(4)],
        ),
        "a list": (each, [f"[{at}].data.item" for at in range(60)]),
        "lists in a list": (
            [each[:3], each[3:40], each[40:]],
            [f"[{a}][{b}].data.item" for a, many in enumerate((3, 37, 20)) for b in range(many)],
        ),
        "names": ({"accounts": words}, [f"accounts.{at}.password" for at in range(200)]),
    }
    for name, (value, paths) in shapes.items():
        for indent in (None, 1):
            found, problems = told("a.json", json.dumps(value, indent=indent))
            assert sorted(one.key for one in found) == sorted(paths), name
            assert problems == set()


def test_paths_of_the_next_document_are_its_own(small: None) -> None:
    text = "\n".join(json.dumps(items(number)) for number in (30, 3, 3))
    found, _ = told("a.json", text)
    assert sorted(one.key for one in found) == sorted(
        f"[{at}].data.item" for number in (30, 3, 3) for at in range(number)
    )


def test_the_only_secret_of_large_json_comes_last(small: None) -> None:
    text = json.dumps({"apiVersion": "v1", "items": items(60, "ConfigMap") + items(1), "kind": "List"})
    found, problems = told("stdin", text)
    assert len(found) == 1
    assert problems == set()


def test_a_yaml_list_is_cut_between_its_items(small: None) -> None:
    found, problems = told("list.yaml", yamlio.dump({"apiVersion": "v1", "items": items(60), "kind": "List"}))
    assert len(found) == 60
    assert problems == set()


@pytest.mark.parametrize(("path", "indent"), [("a.yaml", None), ("a.json", 1), ("a.json", None)])
def test_one_secret_that_is_too_large_is_told(
    small: None, monkeypatch: pytest.MonkeyPatch, path: str, indent: int | None
) -> None:
    monkeypatch.setattr(cutting, "LARGEST", 8192)
    data = {f"item-{number}": "aGVsbG8=" for number in range(2000)}
    body = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s"}, "data": data}
    text = yamlio.dump(body) if path.endswith("yaml") else json.dumps(body, indent=indent)
    assert told(path, text)[1] == {cutting.PARTLY}
    assert told("a.md", text)[1] == set(), "prose is no manifest"
    assert told(path, text.replace("Secret", "ConfigMap"))[1] == set()
