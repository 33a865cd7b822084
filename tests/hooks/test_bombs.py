"""Small files that would take minutes: what is left out of them is told, and what is there is found all the same."""

from __future__ import annotations

import gzip
import io
import tarfile
import zipfile
from typing import TYPE_CHECKING

from hooks import archive, code, scanner
from hooks.blobs import Blob
from hooks.structure import secrets
from tests.hooks.labelled import random_text

if TYPE_CHECKING:
    import pytest

    from tests.hooks.repo import Repo

DENSE = "a {}=b1b2c3d4 ".format("password")


def zipped(**members: str) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as into:
        for name, text in members.items():
            into.writestr(name, text)
    return out.getvalue()


def leak() -> str:
    return f'DB_PASSWORD = "{random_text("alnum", 24)}"\n'


def problems(data: bytes, name: str = "a.zip") -> tuple[list[str], list[str]]:
    """Names of what is read of an archive, and why the rest is not."""
    found = list(archive.members(Blob(name, data)))
    return [one.path for one in found if not one.problem], [
        f"{one.path}: {one.problem}" for one in found if one.problem
    ]


def test_a_text_that_is_nothing_but_repetition_is_told_and_the_others_are_scanned(repo: Repo) -> None:
    bomb = DENSE * 700_000
    repo.write("a.zip", zipped(bomb=bomb, leak=leak()))
    repo.write("b.gz", gzip.compress(bomb.encode()))
    done = repo.scan("a.zip")
    assert done.returncode == 1
    assert "a.zip!leak:1" in done.stdout
    assert "a.zip!bomb: unpacks to more than 100 times its size" in done.stderr
    done = repo.scan("b.gz")
    assert done.returncode == 2
    assert "b.gz: unpacks to more than 100 times its size" in done.stderr


def test_a_text_that_repeats_itself_as_logs_do_is_scanned() -> None:
    lines = "".join(f"2026-01-01 00:00:{n:06} GET /index.html?page={random_text('alnum', 3)}\n" for n in range(60_000))
    assert problems(zipped(log=lines)) == (["a.zip!log"], [])
    small = DENSE * 50_000
    assert problems(zipped(small=small)) == (["a.zip!small"], [])


def test_all_texts_together_are_bounded_by_the_size_of_the_archive(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archive, "_SMALL_OF_ALL", 10_000)
    data = _tar({f"{number}.txt": b"a" * 5_000 for number in range(40)})
    read, said = problems(data, "a.tar.gz")
    assert read[:1] == ["a.tar.gz!0.txt"]
    assert len(read) < 40
    assert said == ["a.tar.gz: holds text of more than 30 times its size, and the rest was not read"]


def _tar(files: dict[str, bytes]) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz") as into:
        for name, data in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            into.addfile(info, io.BytesIO(data))
    return out.getvalue()


def test_packed_streams_in_a_row_are_counted(repo: Repo) -> None:
    blocks = b"".join(gzip.compress(leak().encode()) for _ in range(30))
    assert problems(blocks, "a.gz") == (["a.gz!a"], [])
    repo.write("chain.gz", gzip.compress(b"") * 30_000)
    done = repo.scan("chain.gz")
    assert done.returncode == 2
    assert "chain.gz: holds more than 20,000 packed streams, and the rest was not read" in done.stderr


def test_parts_of_a_long_line_are_counted_and_what_repeats_is_looked_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    varied = " ".join(f"a password{n}=your-password-{n}-here" for n in range(4_000))
    repeated = DENSE * 20_000
    for text in (varied, repeated):
        whole = Blob("a.txt", text.encode())
        scanner.scan(whole)
        assert whole.problem == ""
    monkeypatch.setattr(code, "_MOST_LINES", 200)
    part, same = Blob("a.txt", varied.encode()), Blob("a.txt", f"{repeated}{leak()}".encode())
    scanner.scan(part)
    assert "more than 200 of its lines, or parts of a long one, may name a credential" in part.problem
    assert any(one.rule.id == "generic-password" for one in scanner.scan(same))
    assert same.problem == ""


def test_secrets_inside_of_each_other_are_read_once_each() -> None:
    deep = 30
    text = '{"kind": "Secret", "stringData": {"a": "' + random_text("alnum", 20) + '", "b": '
    nested = text * deep + '"x"' + "}}" * deep
    found = [item for item in secrets.items(nested, manifest=True, json=True) if item.key == "a"]
    assert len(found) == deep
    direct = '{"kind": "Secret", "data":' * deep + '"eA=="' + "}" * deep
    assert len(list(secrets.items(direct, manifest=True, json=True))) == 1
