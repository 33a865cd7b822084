"""The first pass over some blobs at a time: each has the findings that it has alone, and they come in order."""

from __future__ import annotations

import secrets
import string
import tracemalloc
from collections.abc import Iterator

from hooks import blobs, scanner
from hooks.reading import Blob


def _token() -> str:
    return "gh" + "p_" + "".join(secrets.choice(string.ascii_letters + string.digits) for _ in range(36))


def _many() -> list[Blob]:
    return [
        Blob(f"{number:03}.py", f"x = {number}\n# {_token()}\n".encode() if number % 7 == 0 else b"x = 1\n")
        for number in range(200)
    ]


def test_each_blob_has_what_it_has_alone() -> None:
    token = _token()
    odd = [
        Blob("empty", b""),
        Blob("binary", None),
        Blob("wide.txt", b"\xff\xfe" + f"# {token}\n".encode("utf-16-le")),
        Blob(".env", b"NOTHING=\n"),
    ]
    all_ = [*_many(), *odd]
    alone = [[(one.path, one.line, one.rule.id) for one in scanner.scan(blob)] for blob in all_]
    ahead = [[(one.path, one.line, one.rule.id) for one in scanner.scan(blob)] for blob in scanner.ahead(all_)]
    assert ahead == alone
    assert sum(map(bool, alone)) == 30


def test_a_blob_that_was_trimmed_is_scanned_whole_once_something_is_found() -> None:
    blob = Blob("a.py", f"# {_token()}\n".encode())
    blob.whole = b"\n" * 9 + (blob.data or b"")
    (same,) = scanner.ahead([blob])
    assert [one.line for one in blobs.findings(same, scanner.scan)] == [10]


def test_of_trimmed_blobs_all_bytes_count() -> None:
    """What is left of each version of a large file is small; all of it is held until the blob was scanned."""
    held: list[str] = []

    def versions() -> Iterator[Blob]:
        for number in range(20):
            blob = Blob(f"{number}.txt", b"x\n")
            blob.whole = bytes(1 << 20)
            held.append(blob.path)
            yield blob

    for blob in scanner.ahead(versions()):
        assert held == [blob.path]
        held.clear()


def test_large_blobs_do_not_wait_for_each_other() -> None:
    scanner.load()
    tracemalloc.start()
    try:
        for _ in scanner.ahead(Blob("a.bin", bytes(3 << 20)) for _ in range(20)):
            pass
        assert tracemalloc.get_traced_memory()[1] < 10 << 20
    finally:
        tracemalloc.stop()
