"""Repositories that are not on this machine's disk as a work tree: one bare clone a URL, in the XDG cache.

A clone holds the full history of what was asked for, each branch, tag or commit under a name of ours, so that no
name of the remote's can get in another's way. It is made beside its place and moved there; one that is damaged, or
that a fetch doesn't get on with, is made anew. Nothing in it is worth keeping.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from controller import flock
from controller.sources import remote
from controller.sources.remote import RemoteError
from controller.sources.repository import Repository, ambiguous, check_ref, is_id
from sealer import console, files, git, paths
from sealer.errors import SourceError, UsageError
from sealer.shell import quote

if TYPE_CHECKING:
    from controller.sources.address import Address

_DAMAGED = "damaged"
_NAME = re.compile(r"[^\x00-\x20\x7f~^:?*\[\\]+")
_FETCH = ("-c", "fetch.prune=false", "fetch", "--no-tags", "--no-recurse-submodules", "--no-write-fetch-head")


def fetch(address: Address, ref: str | None) -> tuple[Repository, str]:
    """The clone of a repository, and the commit of a branch, tag or id in it (default: the remote's HEAD)."""
    if ref is not None:
        check_ref(ref)
        if not _NAME.fullmatch(ref) or ".." in ref or "@{" in ref:
            raise UsageError("is no branch, tag or full commit id", where="--ref")
    place = _folder() / hashlib.sha256(os.fsencode(address.url)).hexdigest()[:32]
    with _locked(place.with_name(f"{place.name}.lock"), address) as held:
        clone = _Clone(place, address, held)
        commit = clone.of_id(ref) if ref is not None and is_id(ref) else clone.of_name(ref)
    return Repository.bare(place), commit


def damaged(directory: Path) -> SourceError:
    """Mark a clone, so that it is made anew next time; the error that says so."""
    with contextlib.suppress(OSError):
        (directory / _DAMAGED).touch()
    return SourceError("is damaged; it is made anew next time", where=str(directory), way_out="apply again")


class _Clone:
    """One clone, under its lock."""

    def __init__(self, place: Path, address: Address, held: int) -> None:
        self._place = place
        self._address = address
        self._held = held
        self._repository = Repository.bare(place)

    def of_name(self, ref: str | None) -> str:
        """The commit that a branch or tag is at now; one call if nothing is new."""
        full, oid = self._ask(ref)
        ours = _ours(full)
        if self._at(ours) != oid or not self._whole(ours):
            self._bring(full, ours, len(oid))
        return self._commit(ours, ref or "HEAD")

    def of_id(self, oid: str) -> str:
        """The commit of an id; no call if it is here."""
        ours = _ours(oid)
        if self._at(ours) == oid and self._whole(ours):
            return self._commit(ours, oid)
        try:
            self._bring(oid, ours, len(oid))
        except RemoteError as error:
            if not error.final:
                raise
            # A server may not give what no branch names: then it comes with all branches and tags, if they hold it.
            self._bring("refs/heads/*", "refs/sealer/all/heads/*", len(oid), also="+refs/tags/*:refs/sealer/all/tags/*")
            if not self._repository.has(oid):
                raise self._none(oid, error.what) from None
            git.run(self._place, "update-ref", ours, oid, env=self._repository.env)
        return self._commit(ours, oid)

    def _ask(self, ref: str | None) -> tuple[str, str]:
        """Full name and object of a branch or tag of the remote."""
        wanted = ("HEAD",) if ref in (None, "HEAD") else (f"refs/heads/{ref}", f"refs/tags/{ref}")
        if ref is not None and ref.startswith("refs/"):
            wanted = (ref,)
        listed = remote.call(self._address, ["ls-remote", "--quiet", "--", self._address.url, *wanted])
        pairs = [line.split("\t", 1) for line in os.fsdecode(listed).splitlines() if "\t" in line]
        found = {name: oid for oid, name in pairs if name in wanted and is_id(oid)}
        if len(found) > 1:
            raise ambiguous(str(ref))
        if not found:
            raise self._none(ref)
        return next(iter(found.items()))

    def _bring(self, name: str, ours: str, digits: int, also: str = "") -> None:
        """Fetch; into a new clone if there is none yet, or the old one is in the way."""
        try:
            if self._usable():
                self._fetch(self._place, name, ours, also)
                self._tidy()
                return
        except RemoteError as error:
            if error.final:
                raise
        new = self._place.with_name(f"{self._place.name}.new")
        shutil.rmtree(new, ignore_errors=True)
        try:
            new.mkdir(mode=0o700)
            form = "sha256" if digits == 64 else "sha1"
            options = ("--quiet", "--bare", "--template=", f"--object-format={form}")
            git.run(new, "init", *options, str(new), env=git.apart())
            (new / "url").write_text(self._address.url + "\n")
            self._fetch(new, name, ours, also)
            shutil.rmtree(self._place, ignore_errors=True)
            new.rename(self._place)
        except OSError as error:
            raise _unwritable(new, error) from None
        finally:
            shutil.rmtree(new, ignore_errors=True)

    def _fetch(self, place: Path, name: str, ours: str, also: str) -> None:
        options = ["--update-shallow", "--progress"]
        if (place / "shallow").exists():  # of a remote that was shallow; it may have become whole
            options.append("--unshallow")
        if also:  # a branch `a` that is gone stands in the way of `a/b`
            options.append("--prune")
        specs = [f"+{name}:{ours}", *([also] if also else [])]
        words = [*_FETCH, *options, "--", self._address.url, *specs]
        remote.call(self._address, words, directory=place, held=self._held)

    def _tidy(self) -> None:
        """Many small fetches leave many small packs. Nothing depends on it."""
        with contextlib.suppress(SourceError):
            git.run(self._place, "-c", "gc.autoDetach=false", "gc", "--auto", "--quiet", env=self._repository.env)

    def _usable(self) -> bool:
        return self._place.is_dir() and not (self._place / _DAMAGED).exists()

    def _at(self, ours: str) -> str:
        """The object that a name of ours is at; "" if there is none."""
        if not self._usable():
            return ""
        try:
            return git.run(self._place, "rev-parse", "--verify", ours, env=self._repository.env).decode().strip()
        except SourceError:
            return ""

    def _whole(self, ours: str) -> bool:
        """Whether a commit can be read, as far as its top."""
        try:
            self._repository.entries(f"{ours}^{{tree}}", ("x",))
            return True
        except SourceError:
            return False

    def _commit(self, ours: str, ref: str) -> str:
        try:
            return self._repository.resolve(ours)
        except SourceError:
            raise SourceError(
                "is not a commit", where=f"--ref {ref}", way_out=f"git ls-remote {quote(self._address.url)}"
            ) from None

    def _none(self, ref: str | None, said: str = "") -> SourceError:
        if ref is None or ref == "HEAD":
            return SourceError(
                "has no commit yet, or its HEAD names a branch that isn't there",
                where=self._address.url,
                way_out="name one: --ref BRANCH",
            )
        what = f"no such commit: {said}" if said else "no such branch or tag (a commit needs its full id)"
        return SourceError(what, where=f"--ref {ref}", way_out=f"git ls-remote {quote(self._address.url)}")


def _ours(name: str) -> str:
    return f"refs/sealer/{hashlib.sha256(os.fsencode(name)).hexdigest()[:32]}"


def _folder() -> Path:
    """The folder of all clones, for nobody else to read: what is not public may be in them."""
    place = paths.cache_home() / "git"
    try:
        place.mkdir(mode=0o700, parents=True, exist_ok=True)
        files.check_private(place)
    except OSError as error:
        raise _unwritable(place, error) from None
    return place


@contextlib.contextmanager
def _locked(path: Path, address: Address) -> Iterator[int]:
    """One run at a time fetches into a clone; another waits for it. Yields the descriptor that holds the lock."""
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    except OSError as error:
        raise _unwritable(path, error) from None
    try:
        said = f"waiting for another run that fetches {address.url}"
        if not flock.taken(descriptor, within=remote.LIMIT, waiting=lambda: console.note(said)):
            raise SourceError("is being fetched by another run, for too long", where=address.url)
        yield descriptor
    finally:
        os.close(descriptor)


def _unwritable(path: Path, error: OSError) -> SourceError:
    what = f"can't be written: {files.reason(error)}"
    return SourceError(what, where=str(path), way_out="name another cache: XDG_CACHE_HOME=DIR")
