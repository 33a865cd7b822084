"""Git, as the commands need it: what is tracked, what HEAD and the index hold, what a blob says (DESIGN section 9).

Plain `git`, since this is hot (`check` in a hook, `seal` of many files): starting it costs 3 ms, `ls-files` and
`cat-file --batch` stream. GitPython, the project's library for Git, costs 300 ms to import and serves where that does
not matter: `sealer.comparing.revisions`. Either way: no shell, hooks and fsmonitor off, `--` before paths, names as
bytes between NULs, and the environment that Git gives its hooks (GIT_DIR, GIT_INDEX_FILE) is respected. Nothing here
writes.
"""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Self

from sealer.errors import SourceError
from sealer.files import MAX_DOCUMENT, reason

# A folder that somebody committed can look like a bare repository, with a configuration that runs programs and an
# origin of its choice: only a `.git`, which nobody can commit, makes a repository.
OPTIONS = ("core.quotepath=off", "core.hooksPath=/dev/null", "core.fsmonitor=false", "safe.bareRepository=explicit")
_PATHSPEC_SWITCHES = {f"GIT_{word}_PATHSPECS" for word in ("LITERAL", "GLOB", "NOGLOB", "ICASE")}
_PATHS_A_CALL = 500
REGULAR = (b"100644", b"100755")

_NONE = re.compile(
    "not a git repository|must be run in a work tree|Not a valid object name HEAD|cannot use bare repository",
    re.IGNORECASE,
)
_OWN = ("local", "worktree")
_NO_FILTER = (("clean", ""), ("process", ""), ("required", "false"))

Holds = Callable[[bytes, str], bool]


class NoRepository(SourceError):
    """The place is not inside a work tree of Git."""


class Blobs:
    """One `git cat-file --batch` for many reads; a context manager. Objects are named by id, never by path."""

    def __init__(self, start: Path) -> None:
        self._process = subprocess.Popen(
            [*_git(), "cat-file", "--batch"],
            cwd=start,
            env=environment(),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for stream in (self._stdin, self._stdout):
            stream.close()
        self._process.wait()

    def read(self, oid: str, *, limit: int = MAX_DOCUMENT) -> bytes | None:
        """The bytes of a blob; None if there is no such object or it is larger than `limit`. Raises SourceError."""
        try:
            self._stdin.write(oid.encode("ascii") + b"\n")
            self._stdin.flush()
            head = self._stdout.readline().split()
        except OSError as error:
            raise SourceError(f"git cat-file stopped: {reason(error)}") from None
        if not head:
            raise SourceError("git cat-file stopped")
        if len(head) != 3:
            return None
        size = int(head[2])
        wanted = head[1] == b"blob" and size <= limit
        data = self._stdout.read(size) if wanted else None
        _pass_over(self._stdout, 1 if wanted else size + 1)
        return data

    @property
    def _stdin(self) -> IO[bytes]:
        return _open(self._process.stdin)

    @property
    def _stdout(self) -> IO[bytes]:
        return _open(self._process.stdout)


@dataclass(frozen=True, slots=True)
class State:
    """Where a directory stands: its short commit ("" before the first one), and whether anything in it differs."""

    commit: str
    dirty: bool


def root(start: Path) -> Path:
    """The top of the work tree that holds `start`. Raises NoRepository, SourceError."""
    return Path(os.fsdecode(run(start, "rev-parse", "--show-toplevel").removesuffix(b"\n")))


def tracked(start: Path, suffixes: Sequence[str] = ("",)) -> list[str]:
    """Every tracked file of the whole repository whose name ends so, relative to `start`. Raises NoRepository.

    Submodules and symlinks are left out; what is tracked but deleted in the work tree is not.
    """
    specs = [f":(top,icase)*{suffix}" for suffix in suffixes]
    listed = run(start, "ls-files", "-z", "--stage", "--", *specs)
    return list(dict.fromkeys(os.fsdecode(path) for _, path in _staged(listed)))


def untracked(top: Path, only: Sequence[str] = ()) -> list[str]:
    """Files that are neither tracked nor ignored, relative to `top`, below any of `only`."""
    listed = run(top, "ls-files", "-z", "--others", "--exclude-standard", "--", *only, literal=True)
    return [os.fsdecode(name) for name in listed.split(b"\0")[:-1]]


def state(directory: Path) -> State | None:
    """Short commit and cleanliness of a directory (untracked files count); None outside Git."""
    try:
        quiet = _without_programs(directory)
        listed = ("status", "--porcelain", "-z", "--untracked-files=normal", "--ignore-submodules=dirty", "--", ".")
        changed = run(directory, *listed, extra=quiet)
    except NoRepository:
        return None
    return State(_short_head(directory), bool(changed))


def plaintext_in_history(paths: Iterable[Path], *, holds: Holds | None = None) -> dict[Path, str]:
    """Which of these files HEAD or the index hold in plaintext: path -> HEAD's short commit, or "" if only staged.

    `holds` decides on bytes and path; by default whether a plaintext Secret stands in them. Older commits are not
    searched (that is `sealer scan --history`), and outside Git nothing is in history.
    """
    if holds is None:
        from sealer.checking.lint import holds_plaintext

        holds = holds_plaintext
    found: dict[Path, str] = {}
    for top, names in _by_repository(paths).items():
        committed = dict(_ls(top, ("ls-tree", "-z", "--full-tree", "HEAD"), list(names)))
        staged = dict(_ls(top, ("ls-files", "-z", "--stage"), list(names)))
        if not committed and not staged:
            continue
        with Blobs(top) as blobs:
            head = {name for name, oid in committed.items() if holds(blobs.read(oid) or b"", name)}
            index = {n for n, oid in staged.items() if committed.get(n) != oid and holds(blobs.read(oid) or b"", n)}
        commit = _short_head(top) if head else ""
        found |= {names[name]: commit if name in head else "" for name in names if name in head | index}
    return found


def _without_programs(directory: Path) -> dict[str, str]:
    """The environment in which `status` starts no program that the repository's own configuration names as a filter."""
    try:
        found = run(directory, "config", "--show-scope", "-z", "--name-only", "--get-regexp", r"^filter\..*\.[a-z]+$")
    except NoRepository:
        raise
    except SourceError:
        found = b""  # there are none
    words = iter(os.fsdecode(found).split("\0")[:-1])
    names = dict.fromkeys(name.rpartition(".")[0] for scope, name in zip(words, words, strict=True) if scope in _OWN)
    values = [(f"{name}.{key}", value) for name in names for key, value in _NO_FILTER]
    given = os.environ.get("GIT_CONFIG_COUNT", "")
    first = int(given) if given.isdigit() else 0
    # Not `-c`: a name may hold a `=`.
    result = {"GIT_NO_LAZY_FETCH": "1", "GIT_CONFIG_COUNT": str(first + len(values))}
    for number, (name, value) in enumerate(values, first):
        result |= {f"GIT_CONFIG_KEY_{number}": name, f"GIT_CONFIG_VALUE_{number}": value}
    return result


def _git() -> list[str]:
    return ["git", *(word for option in OPTIONS for word in ("-c", option))]


def environment() -> dict[str, str]:
    """Our environment for git: what Git gave a hook, with paths made absolute; messages in English; no prompts."""
    kept = {name: value for name, value in os.environ.items() if name not in _PATHSPEC_SWITCHES}
    for name in ("GIT_DIR", "GIT_INDEX_FILE", "GIT_WORK_TREE", "GIT_COMMON_DIR", "GIT_OBJECT_DIRECTORY"):
        if kept.get(name):
            # Git gives its hooks paths relative to their folder, and we may start git in another one.
            kept[name] = os.path.abspath(kept[name])
    return kept | {"LC_ALL": "C", "LANGUAGE": "", "GIT_OPTIONAL_LOCKS": "0", "GIT_TERMINAL_PROMPT": "0"}


def run(start: Path, *args: str, literal: bool = False, extra: Mapping[str, str] | None = None) -> bytes:
    """Output of a git command that only reads. Raises NoRepository or SourceError in our words, not Git's."""
    command = [*_git(), *(("--literal-pathspecs",) if literal else ()), *args]
    try:
        done = subprocess.run(
            command, cwd=start, env=environment() | dict(extra or {}), capture_output=True, check=False
        )
    except FileNotFoundError:
        if not start.is_dir():
            raise NoRepository("no such directory", where=str(start)) from None
        raise SourceError("git is not installed, or not in PATH") from None
    if done.returncode:
        raise _error(done.stderr.decode(errors="replace"), start, args[0])
    return done.stdout


def _error(text: str, start: Path, command: str) -> SourceError:
    if owned := re.search(r"dubious ownership in repository at '([^']*)'", text):
        return SourceError(
            "this Git repository belongs to another user, so Git refuses to read it",
            where=owned[1],
            way_out=f"git config --global --add safe.directory '{owned[1]}'",
        )
    if _NONE.search(text):
        return NoRepository("not in the work tree of a Git repository", where=str(start))
    last = text.strip().splitlines()[-1:] or ["no message"]
    return SourceError(f"git {command} failed: {last[0].removeprefix('fatal: ')}", where=str(start))


def _ls(top: Path, command: tuple[str, ...], names: Sequence[str]) -> Iterator[tuple[str, str]]:
    """(name, blob id) of regular files, from ls-tree or ls-files --stage; nothing before the first commit."""
    for start in range(0, len(names), _PATHS_A_CALL):
        try:
            listed = run(top, *command, "--", *names[start : start + _PATHS_A_CALL], literal=True)
        except NoRepository:
            return
        for oid, path in _staged(listed):
            yield os.fsdecode(path), oid


def _staged(listed: bytes) -> Iterator[tuple[str, bytes]]:
    # `mode oid stage TAB path` of ls-files, `mode type oid TAB path` of ls-tree.
    for entry in listed.split(b"\0")[:-1]:
        head, _, path = entry.partition(b"\t")
        mode, second, third = head.split(b" ")
        if mode in REGULAR:
            yield (third if second == b"blob" else second).decode("ascii"), path


def _by_repository(paths: Iterable[Path]) -> Mapping[Path, Mapping[str, Path]]:
    groups: dict[Path, dict[str, Path]] = {}
    for path in paths:
        resolved = real(path)
        top = _top(resolved.parent)
        if top is not None:
            groups.setdefault(top, {})[os.path.relpath(resolved, top)] = path
    return groups


def _top(directory: Path) -> Path | None:
    """The top of the work tree. Without GIT_DIR it is looked up here: a process for each directory would be slow."""
    if os.environ.get("GIT_DIR"):
        try:
            return root(directory)
        except NoRepository:
            return None
    return next((folder for folder in (directory, *directory.parents) if (folder / ".git").exists()), None)


def _short_head(start: Path) -> str:
    try:
        return run(start, "rev-parse", "--short", "HEAD").decode().strip()
    except SourceError:
        return ""


def real(path: Path) -> Path:
    """`path` with its folder resolved, but not itself: Git tracks a symlink, not what it points to."""
    return Path(os.path.realpath(path.parent)) / path.name


def _pass_over(stream: IO[bytes], size: int) -> None:
    while size > 0:
        size -= len(stream.read(min(size, 1 << 20)) or b" " * size)


def _open(stream: IO[bytes] | None) -> IO[bytes]:
    if stream is None:
        raise SourceError("git cat-file is not running")
    return stream
