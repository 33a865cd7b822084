"""Git, as the commands need it: what is tracked, what HEAD and the index hold, what a blob says (DESIGN section 9).

Plain `git`, since this is hot (`check` in a hook, `seal` of many files): starting it costs 3 ms, `ls-files` and
`cat-file --batch` stream. GitPython, the project's library for Git, costs 300 ms to import and serves where that does
not matter: `sealer.comparing.revisions`. Either way: no shell, hooks and fsmonitor off, `--` before paths, names as
bytes between NULs, and the environment that Git gives its hooks (GIT_DIR, GIT_INDEX_FILE) is respected. Nothing here
writes.
"""

from __future__ import annotations

import contextlib
import os
import re
import subprocess
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Self

from sealer.errors import SourceError
from sealer.files import MAX_DOCUMENT, reason

# A folder that somebody committed can look like a bare repository, with a configuration that runs programs and an
# origin of its choice: only a `.git`, which nobody can commit, makes a repository.
OPTIONS = ("core.quotepath=off", "core.hooksPath=/dev/null", "core.fsmonitor=false", "safe.bareRepository=explicit")
_PATHSPEC_SWITCHES = {f"GIT_{word}_PATHSPECS" for word in ("LITERAL", "GLOB", "NOGLOB", "ICASE")}
_OF_A_REPOSITORY = frozenset(  # `git rev-parse --local-env-vars`, but for what carries the user's configuration
    f"GIT_{word}"
    for word in (
        *("ALTERNATE_OBJECT_DIRECTORIES", "CONFIG", "OBJECT_DIRECTORY", "DIR", "WORK_TREE", "IMPLICIT_WORK_TREE"),
        *("GRAFT_FILE", "INDEX_FILE", "REPLACE_REF_BASE", "PREFIX", "SHALLOW_FILE", "COMMON_DIR", "NAMESPACE"),
        *("QUARANTINE_PATH", "INTERNAL_SUPER_PREFIX"),
    )
)
LITERALLY = {
    "GIT_NO_REPLACE_OBJECTS": "1",
    "GIT_GRAFT_FILE": "/dev/null",
    "GIT_NO_LAZY_FETCH": "1",
    "GIT_ALLOW_PROTOCOL": "none",  # as the one before, where Git is older
}
"""Objects are those that their ids name: not replaced, not grafted, not fetched when they are missing."""
REGULAR = (b"100644", b"100755")

_NONE = re.compile(
    "not a git repository|must be run in a work tree|Not a valid object name HEAD|cannot use bare repository",
    re.IGNORECASE,
)
_OWN = ("local", "worktree")
_NO_FILTER = (("clean", ""), ("process", ""), ("required", "false"))


class NoRepository(SourceError):
    """The place is not inside a work tree of Git."""


class Blobs:
    """One `git cat-file --batch` for many reads; a context manager. Objects are named by id, never by path.

    `read` is one round trip. Who wants many at once writes with `ask`, in a thread, and takes them with `head`, `take`.
    """

    def __init__(self, start: Path, env: Mapping[str, str] | None = None) -> None:
        self._process = subprocess.Popen(
            [*command(), "cat-file", "--batch"],
            cwd=start,
            env=env or environment(),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        # The output first: git may wait for it to be read, and a thread of ours for git.
        for stream in (self._stdout, self._stdin):
            with contextlib.suppress(OSError):
                stream.close()
        self._process.wait()

    def read(self, oid: str, *, limit: int = MAX_DOCUMENT) -> bytes | None:
        """The bytes of a blob; None if there is no such object or it is larger than `limit`. Raises SourceError."""
        self.ask((oid,))
        head = self.head()
        if head is None:
            return None
        kind, size = head
        wanted = kind == b"blob" and size <= limit
        data = b"".join(self.take(size)) if wanted else None
        if not wanted:
            self.pass_over(size)
        return data

    def ask(self, oids: Iterable[str]) -> None:
        """Ask for objects; their answers come in this order, and have to be taken."""
        try:
            for oid in oids:
                self._stdin.write(oid.encode("ascii") + b"\n")
            self._stdin.flush()
        except (OSError, ValueError) as error:
            said = reason(error) if isinstance(error, OSError) else "closed"
            raise SourceError(f"git cat-file stopped: {said}") from None

    def head(self) -> tuple[bytes, int] | None:
        """Kind and size of the next answer; None: there is no such object, and nothing to take."""
        try:
            head = self._stdout.readline().split()
        except OSError as error:
            raise SourceError(f"git cat-file stopped: {reason(error)}") from None
        if not head:
            raise SourceError("git cat-file stopped")
        return (head[1], int(head[2])) if len(head) == 3 else None

    def take(self, size: int) -> Iterator[bytes]:
        """The bytes of the answer whose head was read, in pieces; all of them have to be taken."""
        left = size
        while left > 0:
            piece = self._stdout.read(min(left, MAX_DOCUMENT))
            if not piece:
                raise SourceError("git cat-file stopped")
            left -= len(piece)
            yield piece
        _pass_over(self._stdout, 1)

    def pass_over(self, size: int) -> None:
        """Leave out the bytes of the answer whose head was read."""
        _pass_over(self._stdout, size + 1)

    @property
    def _stdin(self) -> IO[bytes]:
        return _open(self._process.stdin)

    @property
    def _stdout(self) -> IO[bytes]:
        return _open(self._process.stdout)


@dataclass(frozen=True, slots=True)
class State:
    """Where a directory stands: its commit ("" before the first one), and whether anything in it differs."""

    commit: str
    dirty: bool


def root(start: Path, env: Mapping[str, str] | None = None) -> Path:
    """The top of the work tree that holds `start`. Raises NoRepository, SourceError."""
    return Path(os.fsdecode(run(start, "rev-parse", "--show-toplevel", env=env).removesuffix(b"\n")))


def tracked(start: Path, suffixes: Sequence[str] = ("",)) -> list[str]:
    """Every tracked file of the whole repository whose name ends so, relative to `start`. Raises NoRepository.

    Submodules and symlinks are left out; what is tracked but deleted in the work tree is not.
    """
    specs = [f":(top,icase)*{suffix}" for suffix in suffixes]
    listed = run(start, "ls-files", "-z", "--stage", "--", *specs)
    return list(dict.fromkeys(os.fsdecode(path) for _, path in staged(listed)))


def untracked(top: Path, only: Sequence[str] = ()) -> list[str]:
    """Files that are neither tracked nor ignored, relative to `top`, below any of `only`."""
    listed = run(top, "ls-files", "-z", "--others", "--exclude-standard", "--", *only, literal=True)
    return [os.fsdecode(name) for name in listed.split(b"\0")[:-1]]


def state(directory: Path) -> State | None:
    """Commit and cleanliness, in its own repository, of a directory (untracked files count); None outside Git."""
    try:
        env = _without_programs(directory)
        listed = ("status", "--porcelain", "-z", "--untracked-files=normal", "--ignore-submodules=dirty", "--", ".")
        changed = run(directory, *listed, env=env)
    except NoRepository:
        return None
    return State(head(directory, env=env), bool(changed))


def _without_programs(directory: Path) -> dict[str, str]:
    """The environment in which `status` starts no program that the repository's own configuration names as a filter."""
    try:
        wanted = ("--show-scope", "-z", "--name-only", "--get-regexp", r"^filter\..*\.[a-z]+$")
        found = run(directory, "config", *wanted, env=apart())
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
    result = apart() | {"GIT_CONFIG_COUNT": str(first + len(values))}
    for number, (name, value) in enumerate(values, first):
        result |= {f"GIT_CONFIG_KEY_{number}": name, f"GIT_CONFIG_VALUE_{number}": value}
    return result


def command() -> list[str]:
    """How every git of ours begins: no hooks, no fsmonitor, no folder that only looks like a repository."""
    return ["git", *(word for option in OPTIONS for word in ("-c", option))]


def environment() -> dict[str, str]:
    """Our environment for git: what Git gave a hook, with paths made absolute; messages in English; no prompts."""
    kept = {name: value for name, value in os.environ.items() if name not in _PATHSPEC_SWITCHES}
    for name in ("GIT_DIR", "GIT_INDEX_FILE", "GIT_WORK_TREE", "GIT_COMMON_DIR", "GIT_OBJECT_DIRECTORY"):
        if kept.get(name):
            # Git gives its hooks paths relative to their folder, and we may start git in another one.
            kept[name] = os.path.abspath(kept[name])
    return kept | {"LC_ALL": "C", "LANGUAGE": "", "GIT_OPTIONAL_LOCKS": "0", "GIT_TERMINAL_PROMPT": "0"}


def apart(directory: Path | None = None) -> dict[str, str]:
    """An environment for git on one repository, whatever a hook or the caller has set up for another.

    `directory` is a bare one; without it, Git looks upward from where it is started.
    """
    kept = {name: value for name, value in environment().items() if name not in _OF_A_REPOSITORY}
    return kept | LITERALLY | ({"GIT_DIR": str(directory)} if directory else {})


def run(
    start: Path,
    *args: str,
    literal: bool = False,
    env: Mapping[str, str] | None = None,
) -> bytes:
    """Output of a git command that only reads. Raises NoRepository or SourceError in our words, not Git's."""
    words = [*command(), *(("--literal-pathspecs",) if literal else ()), *args]
    try:
        done = subprocess.run(words, cwd=start, env=env or environment(), capture_output=True, check=False)
    except FileNotFoundError:
        if not start.is_dir():
            raise NoRepository("no such directory", where=str(start)) from None
        raise SourceError("git is not installed, or not in PATH") from None
    if done.returncode:
        raise _error(done.stderr.decode(errors="replace"), start, args[0])
    return done.stdout


def _error(text: str, start: Path, name: str) -> SourceError:
    if owned := re.search(r"dubious ownership in repository at '([^']*)'", text):
        return SourceError(
            "this Git repository belongs to another user, so Git refuses to read it",
            where=owned[1],
            way_out=f"git config --global --add safe.directory '{owned[1]}'",
        )
    if _NONE.search(text):
        return NoRepository("not in the work tree of a Git repository", where=str(start))
    last = text.strip().splitlines()[-1:] or ["no message"]
    return SourceError(f"git {name} failed: {last[0].removeprefix('fatal: ')}", where=str(start))


def staged(listed: bytes) -> Iterator[tuple[str, bytes]]:
    """(blob id, path) of the regular files that ls-tree or `ls-files --stage` listed."""
    # `mode oid stage TAB path` of ls-files, `mode type oid TAB path` of ls-tree.
    for entry in listed.split(b"\0")[:-1]:
        head, _, path = entry.partition(b"\t")
        mode, second, third = head.split(b" ")
        if mode in REGULAR:
            yield (third if second == b"blob" else second).decode("ascii"), path


def head(start: Path, *options: str, env: Mapping[str, str] | None = None) -> str:
    """The commit that HEAD is at; "" before the first one."""
    try:
        return run(start, "rev-parse", *options, "HEAD", env=env).decode().strip()
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
