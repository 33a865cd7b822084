"""Archives: every kind, inside of each other, and every way in which one can be hostile."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import random
import secrets
import stat
import struct
import tarfile
import tracemalloc
import warnings
import zipfile
from collections.abc import Iterable

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from hooks import archive
from hooks.archive import members
from hooks.blobs import Blob
from hooks.decode import packed

DRAW = random.Random("archive")
TEXT = b"A=1\nB=2\n"


def zipped(files: Iterable[tuple[str | zipfile.ZipInfo, bytes]], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as target, warnings.catch_warnings(action="ignore"):
        for name, data in files:
            target.writestr(name, data)
    return out.getvalue()


def tarred(files: Iterable[tuple[str | tarfile.TarInfo, bytes]], form: int = tarfile.PAX_FORMAT) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=form) as target:
        for name, data in files:
            info = tarfile.TarInfo(name) if isinstance(name, str) else name
            info.size = len(data)
            target.addfile(info, io.BytesIO(data))
    return out.getvalue()


def found(data: bytes, path: str = "o") -> tuple[dict[str, bytes | None], dict[str, str]]:
    """Texts by their path, and problems by theirs."""
    blobs = list(members(Blob(path, data, commit="c0ffee")))
    assert all(one.commit == "c0ffee" for one in blobs)
    assert all(one.way_out and one.data is None for one in blobs if one.problem)
    return {one.path: one.data for one in blobs if not one.problem}, {o.path: o.problem for o in blobs if o.problem}


FILES = [("a.env", TEXT), ("d/b.txt", b"text"), ("d/c.bin", b"\0\1\2"), ("e", b"")]
TEXTS = {"o!a.env": TEXT, "o!d/b.txt": b"text", "o!e": b""}
TAR = tarred(FILES)
KINDS = {
    "zip": zipped(FILES),
    "stored": zipped(FILES, zipfile.ZIP_STORED),
    "zip of bzip2": zipped(FILES, zipfile.ZIP_BZIP2),
    "zip of lzma": zipped(FILES, zipfile.ZIP_LZMA),
    "tar": TAR,
    "tar of ustar": tarred(FILES, tarfile.USTAR_FORMAT),
    "tar of gnu": tarred(FILES, tarfile.GNU_FORMAT),
    "gz": gzip.compress(TAR),
    "two of gz": gzip.compress(TAR[:700]) + gzip.compress(TAR[700:]) + bytes(100),
    "bz2": bz2.compress(TAR),
    "xz": lzma.compress(TAR),
}


@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_is_read(kind: str) -> None:
    assert found(KINDS[kind]) == (TEXTS, {})


def test_one_packed_file_keeps_its_name() -> None:
    assert found(gzip.compress(TEXT), "x/a.env.gz") == ({"x/a.env.gz!a.env": TEXT}, {})
    assert found(bz2.compress(TEXT), "x/.xz") == ({"x/.xz!data": TEXT}, {})
    assert found(lzma.compress(b"\0" * 99), "a.xz") == ({}, {})


def test_what_is_no_archive_has_no_members() -> None:
    for data in (b"", b"PK", b"text", b"BZhello", b"\0" * 512, b"\0" * 5000, None):
        assert list(members(Blob("x", data))) == []


def test_archives_inside_of_archives_up_to_three() -> None:
    data = TEXT
    for depth in range(1, 6):
        data = zipped([("i", data)], zipfile.ZIP_STORED) if depth % 2 else gzip.compress(tarred([("i", data)]))
        texts, problems = found(data)
        if depth <= archive.DEPTH:
            assert (texts, problems) == ({"o" + "!i" * depth: TEXT}, {})
        else:
            assert (texts, problems) == ({}, {"o" + "!i" * 3: "is an archive more than 3 deep in others"})


def test_long_names_and_utf_16() -> None:
    name = "x" * 120 + "/" + "y" * 150 + ".env"
    wide = "A=1\n".encode("utf-16-le") * 20
    for form in (tarfile.PAX_FORMAT, tarfile.GNU_FORMAT):
        assert found(tarred([(name, TEXT), ("w.txt", wide)], form)) == (
            {f"o!{name}": TEXT, "o!w.txt": b"A=1\n" * 20},
            {},
        )


def test_names_lead_nowhere_and_stay_apart() -> None:
    names = ["/etc/x", "../../etc/x", "a/../../b", "C:\\x\\y", "e\x1b[31m", "n\nl", "a!b", "..", "d", "d"]
    want = ["etc/x", "(2)/etc/x", "b", "C:/x/y", "e?[31m", "n?l", "a?b", "?", "d", "(2)/d"]
    for data in (zipped((name, TEXT) for name in names), tarred((name, TEXT) for name in names)):
        assert list(found(data)[0]) == ["o!" + name for name in want]


def test_links_and_devices_are_left_out() -> None:
    link = zipfile.ZipInfo("link")
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    assert found(zipped([(link, b"/etc/shadow"), ("a", TEXT)])) == ({"o!a": TEXT}, {})
    infos = []
    for kind in (tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.DIRTYPE, tarfile.FIFOTYPE):
        info = tarfile.TarInfo("x")
        info.type, info.linkname = kind, "/etc/shadow"
        infos.append((info, b""))
    assert found(tarred([*infos, ("a", TEXT)])) == ({"o!a": TEXT}, {})


def test_encrypted_members_are_told_once() -> None:
    data = bytearray(zipped([("a", TEXT), ("b", TEXT), ("c", TEXT)]))
    for mark, flags in ((b"PK\1\2", 8), (b"PK\3\4", 6)):
        at = -1
        for _ in range(2):
            at = data.index(mark, at + 1)
            data[at + flags] |= 1
    assert found(bytes(data)) == ({"o!c": TEXT}, {"o!a": "is encrypted (and 1 more)"})


@pytest.mark.parametrize("kind", KINDS)
def test_truncated_and_damaged_archives_are_told(kind: str) -> None:
    data = KINDS[kind]
    length = len(data) if kind != "two of gz" else len(data) - 100
    if "tar" in kind:
        length = data.rstrip(b"\0").__len__()
    for cut in (length // 2, length - 9):
        _, problems = found(data[:cut])
        assert len(problems) == 1, (kind, cut)
    if kind == "zip":
        broken = data.replace(data[37:43], b"\xff" * 6, 1)
        texts, problems = found(broken)
        assert texts == {key: text for key, text in TEXTS.items() if key != "o!a.env"}
        assert problems == {"o!a.env": "is damaged"}


def test_kinds_that_python_can_not_read_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    for mark, name in ((b"7z\xbc\xaf\x27\x1c", "7z"), (b"Rar!\x1a\x07\x01\0", "rar")):
        assert found(mark + bytes(100)) == ({}, {"o": f"is packed with {name}, which this Python can't read"})
    odd = bytearray(zipped([("a", TEXT)]))
    for mark, method in ((b"PK\1\2", 10), (b"PK\3\4", 8)):
        struct.pack_into("<H", odd, odd.index(mark) + method, 97)
    assert found(bytes(odd)) == ({}, {"o!a": "is packed in a way that Python can't undo"})


def test_bombs_stop_early_and_in_little_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archive, "MAX_TOTAL", 24 << 20)
    big = b"a" * (17 << 20)
    drawn = secrets.token_hex(1 << 17).encode() * 68  # 17 MiB, of which 256 KiB at a time can't be packed any smaller
    zeros = bytes(40 << 20)
    bombs = {
        "text": (zipped([("a", drawn), ("b", TEXT)]), "is text of more than 16 MiB, which are not scanned"),
        "gz": (gzip.compress(drawn, 1), "is text of more than 16 MiB, which are not scanned"),
        "thin": (gzip.compress(big), "unpacks to more than 100 times its size, and is not scanned"),
        "tar": (gzip.compress(tarred([("z", zeros)])), "unpacks to more than 24 MiB, and the rest was not read"),
        "xz": (lzma.compress(tarred([("z", zeros)])), "unpacks to more than 24 MiB, and the rest was not read"),
        "in zip": (
            zipped([("t.gz", gzip.compress(tarred([("z", zeros)])))]),
            "unpacks to more than 24 MiB, and the rest was not read",
        ),
    }
    for name, (data, problem) in bombs.items():
        tracemalloc.start()
        texts, problems = found(data)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert list(problems.values()) == [problem], name
        assert peak < 40 << 20, name
        assert texts == ({"o!b": TEXT} if name == "text" else {})


def test_binaries_are_not_unpacked() -> None:
    tracemalloc.start()
    assert found(zipped([("z", bytes(50 << 20))])) == ({}, {})
    assert tracemalloc.get_traced_memory()[1] < 55 << 20
    tracemalloc.stop()


def test_too_many_members_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archive, "MAX_MEMBERS", 20)
    many = [(str(number), TEXT) for number in range(30)]
    assert found(zipped(many)) == ({}, {"o": "has more than 20 members"})
    texts, problems = found(tarred(many))
    assert len(texts) == 20
    assert problems == {"o": "has more than 20 members, and the others were not read"}
    outer = zipped((f"{number}.zip", zipped(many[:15])) for number in range(3))
    texts, problems = found(outer)
    assert (len(texts), list(problems)) == (18, ["o"])


def test_a_header_of_tar_that_claims_much_is_damage() -> None:
    for kind in (tarfile.GNUTYPE_LONGNAME, tarfile.XHDTYPE):
        info = tarfile.TarInfo("x")
        info.type, info.size = kind, 1 << 33
        head = info.tobuf(tarfile.GNU_FORMAT)
        assert list(found(head + bytes(2048))[1].values()) == ["is a damaged tar file, and its end was not read"]


@settings(max_examples=600, deadline=None)
@given(kind=st.sampled_from(sorted(KINDS)), edits=st.lists(st.tuples(st.integers(0, 10_000), st.binary(max_size=4))))
@example(kind="zip", edits=[(984, bytes(4))])  # a member without a name
def test_disturbed_archives_never_raise(kind: str, edits: list[tuple[int, bytes]]) -> None:
    data = bytearray(KINDS[kind])
    for at, new in edits:
        data[at % len(data) : at % len(data) + len(new)] = new
    for one in members(Blob("o", bytes(data))):
        assert one.path.startswith("o")
        assert (one.data is None) == bool(one.problem)


@settings(max_examples=300, deadline=None)
@given(mark=st.sampled_from([mark for mark, _ in packed._MARKS]), rest=st.binary(max_size=600))
def test_any_bytes_behind_a_mark_never_raise(mark: bytes, rest: bytes) -> None:
    assert all(one.problem or one.data is not None for one in members(Blob("o", mark + rest)))
