"""What is to be scanned, as blobs: the index, a range of commits, the work tree, paths, stdin (DESIGN section 3).

Names come first and cheaply, contents one by one. A blob that can't be read carries the reason instead of its bytes:
a hook that could not read what it should scan has to say so, never to pass. Symlinks and submodules hold nothing of
this repository and are left out; what Git ignores is, too, unless it is named.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterable, Iterator, Sequence

from hooks import gitpipe
from sealer.errors import SealerError, SourceError, UsageError

_REGULAR = ("100644", "100755")


class Blob:
    """One file's bytes under the name that users know. `data` is None for a binary, and where `problem` says why.

    No dataclass: their import costs a hook 15 ms. The bytes show in no repr.
    """

    __slots__ = ("commit", "data", "path", "problem", "way_out")

    def __init__(
        self, path: str, data: bytes | None, *, problem: str = "", way_out: str = "", commit: str = ""
    ) -> None:
        self.path = path
        self.data = data
        self.problem = problem
        self.way_out = way_out
        self.commit = commit

    def __repr__(self) -> str:
        return f"Blob({self.path!r})"


class Source:
    """Names of blobs and how to read them. `entries` are (path, object id or "", commit or "")."""

    __slots__ = ("_stdin", "entries", "kind")

    def __init__(self, kind: str, entries: Sequence[tuple[str, str, str]], stdin: bytes | None = None) -> None:
        self.kind = kind
        self.entries = entries
        self._stdin = stdin

    def __len__(self) -> int:
        return len(self.entries)

    def blobs(self) -> Iterator[Blob]:
        """Each blob, read when it is asked for."""
        if self._stdin is not None:
            yield Blob("stdin", None if gitpipe.is_binary(self._stdin) else self._stdin)
        elif self.entries and self.entries[0][1]:
            with gitpipe.Contents() as contents:
                for path, oid, commit in self.entries:
                    yield _blob(path, contents.read, oid, commit)
        else:
            for path, _, _ in self.entries:
                yield _blob(path, _read, path)


def staged(only: Sequence[str] = ()) -> Source:
    """What the index holds that HEAD does not: the content that would be committed, not that of the work tree."""
    try:
        changed = _staged_against("HEAD")
    except SourceError:
        if _commit("HEAD"):
            raise
        # Before the first commit all of the index is new. The id of no tree at all depends on the repository's hash.
        changed = _staged_against(gitpipe.output("hash-object", "-t", "tree", os.devnull).decode("ascii").strip())
    entries: list[tuple[str, str, str]] = []
    for path, mode, oid, status, _ in _raw(changed):
        if status == "U":
            raise SourceError("is not merged yet", where=path, way_out="resolve the conflict, then git add it")
        if mode in _REGULAR:
            entries.append((path, oid, ""))
    return Source("staged", _below(entries, only))


def commits(text: str, only: Sequence[str] = ()) -> Source:
    """What the commits of `A..B` or `A...B` brought in: every version, also one that a later commit removed again."""
    left, dots, right = text.partition("...") if "..." in text else text.partition("..")
    if not dots or not left:
        raise UsageError("--range takes A..B or A...B", where=text, way_out="sealer-scan --range origin/main..HEAD")
    old, new = (_commit(name) or _no_commit(name, text) for name in (left, right or "HEAD"))
    if _is_shallow() or dots == "...":
        _merge_base(old, new, text)
    entries: dict[tuple[str, str], str] = {}
    revisions = ("rev-list", "--reverse", f"{old}..{new}")
    differ = ("diff-tree", "--stdin", "-r", "-c", "--root", *_RAW)
    for path, mode, oid, _, commit in _raw(gitpipe.piped(revisions, differ)):
        if mode in _REGULAR:
            entries.setdefault((path, oid), commit)
    return Source("range", _below([(path, oid, commit[:12]) for (path, oid), commit in entries.items()], only))


def work_tree(paths: Sequence[str] = ()) -> Source:
    """Files of the repository, tracked or not, less the ignored ones; or of the paths. Outside of Git: all files."""
    found: dict[str, None] = {}
    for path in paths or [_top()]:
        if not os.path.lexists(path):
            raise SourceError("no such file or directory", where=path)
        found.update(dict.fromkeys(_files(path) if os.path.isdir(path) else [path]))
    return Source("paths" if paths else "work tree", [(path, "", "") for path in found])


def stdin(data: bytes) -> Source:
    """One blob from a pipe."""
    return Source("stdin", [("stdin", "", "")], data)


_RAW = ("-z", "--raw", "--no-renames", "--no-abbrev", "--no-relative", "--ignore-submodules=all")


def _staged_against(tree: str) -> bytes:
    return gitpipe.output("diff-index", "--cached", *_RAW, tree, "--")


def _raw(listed: bytes) -> Iterator[tuple[str, str, str, str, str]]:
    """(path, mode, object id, status, commit) of what `git diff --raw -z` lists, less the deletions.

    A merge has a colon, a mode and an id for each parent; only files that differ from all parents are listed. With
    `--stdin` each commit's id stands before its files.
    """
    commit = ""
    fields = iter(listed.split(b"\0")[:-1])
    for field in fields:
        head = field.decode("ascii")
        if not head.startswith(":"):
            commit = head
            continue
        words = head.lstrip(":").split(" ")
        parents = len(head) - len(head.lstrip(":"))
        path, status, oid = os.fsdecode(next(fields)), words[-1], words[2 * parents + 1]
        if status == "U" or oid.strip("0"):
            yield path, words[parents], oid, status, commit


def _below(entries: Iterable[tuple[str, str, str]], only: Sequence[str]) -> list[tuple[str, str, str]]:
    """Entries as seen from here (Git counts from the top), less what is outside of the paths that were asked for."""
    if here := _prefix():
        entries = [(os.path.relpath(path, here), oid, commit) for path, oid, commit in entries]
    if not only:
        return list(entries)
    wanted = [os.path.normpath(path) for path in only]
    return [
        entry for entry in entries if any(path in (".", entry[0]) or entry[0].startswith(path + "/") for path in wanted)
    ]


def _prefix() -> str:
    """Where we are below the top of the work tree; asked for only where it can matter, since asking costs 3 ms."""
    if os.path.lexists(".git") and "GIT_WORK_TREE" not in os.environ:
        return ""
    return os.fsdecode(gitpipe.output("rev-parse", "--show-prefix").removesuffix(b"\n"))


def _commit(name: str) -> str:
    """The id of a commit; "" if there is none of that name."""
    if name.startswith("-"):
        return ""
    try:
        return gitpipe.output("rev-parse", "--verify", "--quiet", f"{name}^{{commit}}").decode("ascii").strip()
    except SourceError as error:
        from sealer.git import NoRepository

        if isinstance(error, NoRepository):
            raise
        return ""


def _no_commit(name: str, text: str) -> str:
    if not name.strip("0"):
        what = "all zeros stands for no commit: there is nothing to compare with"
        raise SourceError(what, where=text, way_out="sealer-scan --range origin/main..HEAD")
    if _is_shallow():
        what = f"{name} is not in this shallow clone, so the range can't be scanned"
        raise SourceError(what, where=text, way_out="git fetch --unshallow (CI: fetch-depth 0)")
    raise SourceError(f"{name} is no commit of this repository", where=text, way_out="git fetch, or name another")


def _is_shallow() -> bool:
    return gitpipe.output("rev-parse", "--is-shallow-repository").strip() == b"true"


def _merge_base(old: str, new: str, text: str) -> None:
    try:
        base = gitpipe.output("merge-base", old, new)
    except SourceError:
        base = b""
    if not base:
        what = "no common ancestor is in this clone, so commits between the two may be missing"
        raise SourceError(what, where=text, way_out="git fetch --unshallow (CI: fetch-depth 0)")


def _top() -> str:
    try:
        top = os.fsdecode(gitpipe.output("rev-parse", "--show-cdup").removesuffix(b"\n"))
    except SourceError as error:
        from sealer.git import NoRepository

        if not isinstance(error, NoRepository):
            raise
        return "."
    return top or "."


def _files(folder: str) -> Iterator[str]:
    """Files below a folder: those that Git would not ignore; all of them where there is no repository."""
    from pathlib import Path

    from sealer import git

    try:
        listed = git.run(Path(folder), "ls-files", "-z", "--cached", "--others", "--exclude-standard", "--", ".")
    except git.NoRepository:
        listed = b""
    if not listed:
        # No repository, or a folder that Git ignores: whoever names it wants it scanned.
        yield from _walk(folder)
    for name in sorted(set(listed.split(b"\0")[:-1])):
        path = os.path.normpath(os.path.join(folder, os.fsdecode(name)))
        # Submodules and nested repositories are listed as one name; what is deleted in the work tree still is.
        if os.path.lexists(path) and not os.path.isdir(path):
            yield path


def _walk(folder: str) -> Iterator[str]:
    def refuse(error: OSError) -> None:
        reason = (error.strerror or "can't be read").lower()
        raise SourceError(f"can't be read: {reason}", where=str(error.filename))

    for root, folders, names in os.walk(folder, onerror=refuse):
        folders[:] = sorted(name for name in folders if name != ".git")
        yield from (os.path.normpath(os.path.join(root, name)) for name in sorted(names))


def _blob(path: str, read: Callable[[str], bytes | None], which: str, commit: str = "") -> Blob:
    try:
        return Blob(path, read(which), commit=commit)
    except SealerError as error:
        return Blob(path, None, problem=error.what, way_out=error.way_out, commit=commit)


def _read(path: str) -> bytes | None:
    """The bytes of a regular file; None if it is binary, or none at all (a socket, a symlink)."""
    try:
        if not stat.S_ISREG(os.lstat(path).st_mode):
            return None
        with open(path, "rb") as stream:
            data = stream.read(gitpipe.SNIFF)
            if gitpipe.is_binary(data):
                return None
            size = os.fstat(stream.fileno()).st_size
            if size > gitpipe.MAX_BYTES:
                raise gitpipe.TooLarge(gitpipe.too_large(size))
            return data + stream.read()
    except OSError as error:
        raise SourceError(f"can't be read: {(error.strerror or 'unknown reason').lower()}") from None
