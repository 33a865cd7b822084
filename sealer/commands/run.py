"""`sealer run -f FILE... -- COMMAND`: the command sees the items as variables, or as files with `--files`.

With `--watch` we stay beside it, keys at hand, and act when the values in the sealed files change
(`sealer.running.watch`).

Its exit code is ours. What goes wrong before it starts is 125; a command that can't be executed 126, not found 127.
"""

from __future__ import annotations

import contextlib
import os
import shlex
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from sealer import console
from sealer import files as filesystem
from sealer.configuration import config
from sealer.errors import NoKey, Refused, SealerError, SourceError, UsageError
from sealer.formats import passphrase
from sealer.keyrings import private
from sealer.running import child, runfolder, variables
from sealer.shell import quote

if TYPE_CHECKING:
    from sealer.configuration.config import Config
    from sealer.documents.document import SealedSecret
    from sealer.running.watch import Contents, Target, Watcher
    from sealer.sealing.unseal import PrivateKeys

OURS = 125


def run(
    command: Sequence[str],
    *,
    files: Sequence[str] = (),
    only: Sequence[str] = (),
    prefix: str = "",
    as_files: bool = False,
    preserve_env: bool = False,
    watch: str | None = None,
    private_keys: Sequence[str] = (),
) -> int:
    """Run the command; does not come back without `as_files` or `watch`, since this process becomes the command."""
    ready: list[tuple[Contents, variables.Chosen, Watcher | None]] = []

    def prepare() -> int:
        if not command or not command[0]:
            raise UsageError("no command to run", way_out="sealer run -f FILE -- COMMAND")
        watcher = _watcher(watch, as_files)
        settings = config.find(Path.cwd())
        source = _Sealed(
            _paths(files, settings),
            private.load(private_keys),
            settings,
            command,
            lambda items: variables.choose(items, only=only, prefix=prefix, as_files=as_files),
        )
        if watcher:
            watcher.watch(source)
        contents = source.read()
        ready.append((contents, source.open(contents), watcher))
        return console.OK

    code = console.run(prepare)
    if code:
        return code if code == console.INTERRUPTED else OURS
    contents, chosen, watcher = ready[0]
    _name_skipped(chosen.skipped)
    try:
        if not (as_files or watcher):
            child.replace(command, _Variables(preserve_env).environment(chosen.values))
        with child.signals_held() as mask, _target(chosen.values, as_files, preserve_env) as target:
            if watcher:
                passphrase.hands_off()
                watcher.begin(contents, chosen, target)
            return child.supervise(command, target.environment(chosen.values), mask, watcher)
    except child.NotStarted as error:
        console.report(error)
        return error.code
    except SealerError as error:
        console.report(error)
        return OURS


@dataclass(frozen=True, slots=True)
class _Sealed:
    """The sealed files and what of them was asked for: opened once, or again and again."""

    paths: Sequence[str]
    keys: PrivateKeys = field(repr=False)
    settings: Config | None
    command: Sequence[str]
    choose: Callable[[Mapping[str, bytes]], variables.Chosen]

    def read(self) -> Contents:
        return [(path, filesystem.read(path)) for path in self.paths]

    def open(self, contents: Contents) -> variables.Chosen:
        """All items of all files; of a key that stands twice, the later one."""
        result: dict[str, bytes] = {}
        for path, data in contents:
            for doc in _sealed(data, path):
                result |= _open(doc, self.keys, self.settings, self.command)
        return self.choose(result)


@dataclass(frozen=True, slots=True)
class _Variables:
    """Values go into the environment, where only a new process finds others."""

    preserve: bool

    def put(self, old: Mapping[str, bytes], new: Mapping[str, bytes]) -> None:
        pass

    def environment(self, values: Mapping[str, bytes]) -> dict[str, str]:
        chosen = {name: os.fsdecode(value) for name, value in values.items()}
        return variables.environment(os.environ, chosen, preserve=self.preserve)


@dataclass(frozen=True, slots=True)
class _Folder:
    """Values go into files of a folder."""

    made: Path

    def put(self, old: Mapping[str, bytes], new: Mapping[str, bytes]) -> None:
        changed = {name: value for name, value in new.items() if old.get(name) != value}
        runfolder.renew(self.made, changed, old.keys() - new.keys())

    def environment(self, values: Mapping[str, bytes]) -> dict[str, str]:  # noqa: ARG002  # they are in the folder
        return variables.environment(os.environ, {}, preserve=True, added=[(runfolder.VARIABLE, str(self.made))])


@contextlib.contextmanager
def _target(values: Mapping[str, bytes], as_files: bool, preserve: bool) -> Iterator[Target]:
    if not as_files:
        yield _Variables(preserve)
        return
    place, in_memory = runfolder.home()
    if not in_memory:
        console.warn(f"no tmpfs here: while the command runs, the files are on disk, in {place}")
    with runfolder.folder(values, place) as made:
        yield _Folder(made)


def _watcher(word: str | None, as_files: bool) -> Watcher | None:
    if word is None:
        return None
    from sealer.running import watch

    return watch.Watcher(watch.action(word, as_files=as_files), _name_skipped)


def _name_skipped(skipped: Sequence[str]) -> None:
    if skipped:
        console.warn(f"no variable can be named {', '.join(skipped)}: skipped", way_out="--files")


def _paths(named: Sequence[str], settings: Config | None) -> list[str]:
    if "-" in named:
        raise UsageError("-f -: stdin belongs to the command", way_out="name the file")
    if named:
        return list(named)
    if settings is None or not settings.run_files:
        raise UsageError(
            "no file named, and no `run: {files: [...]}` in .sealer.yaml", way_out="sealer run -f FILE -- COMMAND"
        )
    found = [path for pattern in settings.run_files for path in _matching(settings, pattern)]
    return list(dict.fromkeys(found))


def _matching(settings: Config, pattern: str) -> Iterator[str]:
    found = sorted(path for path in settings.root.glob(pattern) if path.is_file())
    if not found:
        raise UsageError(f"run.files: no file matches '{pattern}'", where=settings.file)
    return (config.shown(path) for path in found)


def _sealed(data: bytes, path: str) -> Iterable[SealedSecret]:
    from sealer.documents import document

    documents = document.parse_strict(data, path).documents
    plain = next((each for each in documents if isinstance(each, document.Manifest)), None)
    if plain is not None:
        raise Refused(
            "is a Secret in plaintext, not sealed",
            where=str(plain.place),
            way_out=f"sealer seal --in-place {quote(path)}",
        )
    sealed = [each for each in documents if isinstance(each, document.SealedSecret)]
    if not sealed:
        raise SourceError("holds no SealedSecret", where=path)
    return sealed


def _open(doc: SealedSecret, keys: PrivateKeys, settings: Config | None, command: Sequence[str]) -> Mapping[str, bytes]:
    from sealer.sealing import unseal

    try:
        return unseal.unseal(doc, keys)[0].items
    except NoKey as error:
        raise _no_key(doc, keys, settings, command) or error from None


def _no_key(
    doc: SealedSecret, keys: PrivateKeys, settings: Config | None, command: Sequence[str]
) -> SealerError | None:
    """The error that names both sides: who it is sealed to, whom we are, and the file that we could open instead."""
    from sealer.checking import recipients

    known = recipients.known(settings)
    held, others = _held(keys)
    mine = ", ".join([*held, *(known.named(key_id) for key_id in others)]) or "no private key"
    what = f"sealed to {recipients.describe(doc, known)}, you hold {mine}"
    ours = [*held, *(name for key_id in others for name, _ in known.holders(key_id))]
    sibling = recipients.sibling(doc.place.file, recipients.clusters_of(doc, known, settings), ours)
    return NoKey(
        what,
        where=doc.place.file,
        way_out=f"sealer run -f {quote(sibling)} -- {shlex.join(command)}"
        if sibling
        else "pass the key: --private-key SRC",
    )


def _held(keys: PrivateKeys) -> tuple[Sequence[str], Sequence[str]]:
    """The names of the keyrings at hand, and the ids of keys that were named one by one."""
    from sealer.keyrings.private import Held, Local

    if isinstance(keys, Held):
        return keys.keyrings.clusters if keys.keyrings else (), [key.id for key in keys.keys]
    return keys.clusters if isinstance(keys, Local) else (), ()
