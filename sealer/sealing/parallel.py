"""One function over many items, on all cores: sealing a thousand files is arithmetic, and Python does one at a time.

Plain forks, which inherit everything; results come back in order over pipes, and nothing is written to disk. With few
items, one core, or where forking is not safe, the function simply runs here.
"""

from __future__ import annotations

import contextlib
import os
import pickle
import sys
from collections.abc import Callable, Iterator, Sequence
from typing import BinaryIO, NoReturn, TypeVar

from sealer.errors import SealerError

LEAST = 100
"""Items a process must have to be worth starting it."""

T = TypeVar("T")
R = TypeVar("R")


def each(function: Callable[[T], R], items: Sequence[T]) -> Iterator[R]:
    """`function` of each item, in order; a SealerError is raised in its turn. Forks before it returns.

    What the function changes in memory is lost where it ran in another process: use only what it returns.
    """
    workers = min(_cores(), len(items) // LEAST)
    if workers < 2:
        return map(function, items)
    return _collect(_start(function, items, workers), len(items))


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if sys.platform == "linux" else 1


def _start(function: Callable[[T], R], items: Sequence[T], workers: int) -> list[tuple[int, BinaryIO]]:
    sys.stdout.flush()
    sys.stderr.flush()
    children: list[tuple[int, BinaryIO]] = []
    for number in range(workers):
        reader, writer = os.pipe()
        pid = os.fork()
        if pid == 0:
            os.close(reader)
            for _, earlier in children:  # else who waits to write into one of these would never see that it is closed
                os.close(earlier.fileno())
            _work(function, items[number::workers], writer)
        os.close(writer)
        children.append((pid, os.fdopen(reader, "rb", 1 << 20)))
    return children


def _collect(children: list[tuple[int, BinaryIO]], count: int) -> Iterator[R]:
    try:
        for number in range(count):
            fine, result = pickle.load(children[number % len(children)][1])  # noqa: S301  # our own child wrote it
            if not fine:
                raise result
            yield result
    except EOFError:
        raise ChildProcessError("a worker process ended early") from None
    finally:
        for _, stream in children:
            stream.close()  # a child that is still at work ends when it writes
        for pid, _ in children:
            with contextlib.suppress(ChildProcessError):
                os.waitpid(pid, 0)


def _work(function: Callable[[T], R], items: Sequence[T], writer: int) -> NoReturn:
    """A child's life. It leaves without cleaning up: buffers, locks and the terminal belong to the parent."""
    try:
        with os.fdopen(writer, "wb", 1 << 18) as stream:
            for item in items:
                try:
                    result: tuple[bool, object] = (True, function(item))
                except SealerError as error:
                    result = (False, error)
                pickle.dump(result, stream, pickle.HIGHEST_PROTOCOL)
    except BaseException:  # a closed pipe, Ctrl-C or a defect: the parent sees an early end
        os._exit(1)
    os._exit(0)
