"""What the scanner is measured on: a folder of real source, and a repository with a long history made of it.

Both come from what is installed (packages of Python, the Go module cache), in a fixed order and with a fixed seed: on
one machine they are the same in every run.
"""

from __future__ import annotations

import os
import random
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Iterator
from pathlib import Path
from typing import IO

TREE_BYTES = 120_000_000
HISTORY_BYTES = 1_050_000_000
_LEAST = 100_000_000
_COMPILED = (".so", ".pyc", ".a", ".o", ".zip", ".dll", ".exe", ".gz")
_LARGEST = 100_000
_NEAR = 300
_START = 1_700_000_000


def work_tree(scratch: Path) -> Path:
    """A folder with at least 100 MB of source; it is no repository."""
    folder = scratch / "source"
    if folder.exists():
        return folder
    making = scratch / "source.part"
    size = 0
    for root, path in _sources():
        target = making / root.name / path.relative_to(root)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, target)
        size += target.stat().st_size
        if size >= TREE_BYTES:
            break
    if size < _LEAST:
        raise SystemExit(f"bench: only {size / 1e6:.0f} MB of source are installed: fill the Go module cache")
    making.rename(folder)
    return folder


def history(scratch: Path, size: int = HISTORY_BYTES) -> Path:
    """A repository with so many bytes of unique blobs: real files, edited line by line in thousands of commits."""
    folder = scratch / f"history-{size // 1_000_000}"
    if folder.exists():
        return folder
    making = folder.with_name(folder.name + ".part")
    shutil.rmtree(making, ignore_errors=True)
    making.mkdir(parents=True)
    subprocess.run(["git", "init", "-q", "-b", "main", "."], cwd=making, check=True)
    command = ["git", "fast-import", "--quiet", "--depth=50"]
    with subprocess.Popen(command, cwd=making, stdin=subprocess.PIPE) as process:
        assert process.stdin
        _write(process.stdin, size)
        process.stdin.close()
    if process.returncode:
        raise SystemExit("bench: git fast-import failed")
    # Sorted and checked out as in a clone.
    subprocess.run(["git", "repack", "-q", "-a", "-d"], cwd=making, check=True)
    subprocess.run(["git", "reset", "-q", "--hard"], cwd=making, check=True)
    making.rename(folder)
    return folder


def unique_bytes(folder: Path) -> int:
    """The size of all blobs of a repository."""
    command = ["git", "cat-file", "--batch-all-objects", "--batch-check=%(objecttype) %(objectsize)", "--unordered"]
    listed = subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True).stdout
    return sum(int(line[5:]) for line in listed.splitlines() if line.startswith("blob "))


def forget(folder: Path) -> None:
    """Make the scanner's next run the first one."""
    shutil.rmtree(folder / ".git" / "sealer", ignore_errors=True)


def _sources() -> Iterator[tuple[Path, Path]]:
    """(root, file) of what is installed, in a fixed order."""
    roots = [Path(sysconfig.get_path("purelib")), Path(sysconfig.get_path("stdlib"))]
    go = Path(os.environ.get("GOMODCACHE") or Path(os.environ.get("GOPATH") or Path.home() / "go") / "pkg" / "mod")
    for root in (go, *roots):
        for folder, folders, names in os.walk(root):
            folders[:] = sorted(name for name in folders if name not in {".git", "cache", "__pycache__"})
            for name in sorted(names):
                path = Path(folder, name)
                if not name.endswith(_COMPILED) and path.is_file() and not path.is_symlink():
                    yield root, path


def _texts() -> list[tuple[str, list[bytes]]]:
    """Names and lines of small texts of every kind that there is."""
    found = []
    for number, (root, path) in enumerate(_sources()):
        if number % 6 == 0 and 200 < path.stat().st_size < _LARGEST:
            data = path.read_bytes()
            if b"\0" not in data:
                name = path.relative_to(root).as_posix().encode("ascii", "replace").decode().replace("?", "_")
                found.append((f"{root.name}/{name}", data.splitlines(keepends=True)))
    return found


def _write(stream: IO[bytes], size: int) -> None:
    """All versions of each file as blobs, then the commits that bring them in."""
    chance = random.Random(5)
    texts = _texts()
    pool = [line for _, lines in texts[::7] for line in lines]
    events: list[tuple[float, int, str]] = []
    written = mark = 0
    mean = sum(len(line) for _, lines in texts for line in lines)
    for name, lines in texts:
        # Most files change a few times, some all the time.
        versions = max(1, round(size / mean * chance.paretovariate(1.6) / 2.4))
        times = sorted(chance.random() for _ in range(versions))
        for moment in times:
            data = b"".join(lines)
            if written > size:
                break
            mark += 1
            stream.write(b"blob\nmark :%d\ndata %d\n%b\n" % (mark, len(data), data))
            written += len(data)
            events.append((moment, mark, name))
            _edit(chance, lines, pool)
    if written < size:
        print(f"bench: the history has only {written / 1e6:,.0f} MB", file=sys.stderr)
    _commits(chance, stream, sorted(events))


def _commits(chance: random.Random, stream: IO[bytes], events: list[tuple[float, int, str]]) -> None:
    """Commits in the order of time. Each changes files that are near to each other, as commits do."""
    number = 0
    for at in range(0, len(events), _NEAR):
        some = sorted(events[at : at + _NEAR], key=lambda event: event[2])
        while some:
            number += 1
            size = chance.choice((1, 1, 2, 3, 5, 8, 13, 40))
            # Of two versions of a file the second one comes later.
            now = {name: mark for _, mark, name in reversed(some[:size])}
            taken = set(now.values())
            some = [event for event in some if event[1] not in taken]
            who = b"Dev %d <dev%d@localhost> %d +0000" % (number % 17, number % 17, _START + number * 600)
            message = b"Change %d" % number
            stream.write(b"commit refs/heads/main\ncommitter %b\ndata %d\n%b\n" % (who, len(message), message))
            for name, mark in now.items():
                stream.write(b"M 100644 :%d %b\n" % (mark, name.encode()))
            stream.write(b"\n")


def _edit(chance: random.Random, lines: list[bytes], pool: list[bytes]) -> None:
    """One to three hunks: lines of other files come in, some go out. Now and then a token comes with them."""
    for _ in range(chance.choice((1, 1, 1, 2, 3))):
        at = chance.randrange(len(lines) + 1)
        start = chance.randrange(len(pool))
        lines[at : at + chance.randrange(5)] = pool[start : start + chance.randrange(6)]
    if chance.random() < 0.001:
        token = "".join(chance.choices("ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz23456789", k=36))
        lines.insert(chance.randrange(len(lines) + 1), b"# token gh" + b"p_" + token.encode() + b"\n")
    if not lines:
        lines.append(b"empty\n")
