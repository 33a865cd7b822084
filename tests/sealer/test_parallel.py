"""Work spread over processes: the same results in the same order, errors in their turn, nothing left behind."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from sealer.errors import DocumentError
from sealer.sealing import parallel


@pytest.fixture(autouse=True)
def two_cores(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(parallel, "_cores", lambda: 2)
    fork, children = os.fork, []

    def forked() -> int:
        child = fork()
        children.append(child)
        return child

    monkeypatch.setattr(os, "fork", forked)
    yield
    for child in filter(None, children):
        with pytest.raises(ChildProcessError):  # every child was waited for
            os.waitpid(child, os.WNOHANG)


def test_order_and_processes() -> None:
    found = list(parallel.each(lambda number: (number, os.getpid()), range(501)))
    assert [number for number, _ in found] == list(range(501))
    assert len({pid for _, pid in found}) == 2
    assert os.getpid() not in {pid for _, pid in found}


def test_few_items_stay_here() -> None:
    assert set(parallel.each(lambda _: os.getpid(), range(150))) == {os.getpid()}


def test_large_results() -> None:
    found = list(parallel.each(lambda number: bytes([number % 256]) * 100_000, range(300)))
    assert all(data == bytes([number % 256]) * 100_000 for number, data in enumerate(found))


def test_an_error_comes_in_its_turn_with_place_and_way_out() -> None:
    def work(number: int) -> int:
        if number in (77, 78, 250):
            raise DocumentError("is wrong", file="f.yaml", line=number, way_out="mend it")
        return number

    results = parallel.each(work, range(400))
    assert [next(results) for _ in range(77)] == list(range(77))
    with pytest.raises(DocumentError) as caught:
        next(results)
    assert (caught.value.where, caught.value.way_out, caught.value.line) == ("f.yaml:77", "mend it", 77)


def test_a_defect_ends_the_work() -> None:
    def work(number: int) -> int:
        return 1 // (number - 300)

    with pytest.raises(ChildProcessError):
        list(parallel.each(work, range(400)))
