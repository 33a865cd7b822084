"""`sealer run -f FILE... -- COMMAND`: the command sees the items as variables, or as files with `--files`.

Its exit code is ours. What goes wrong before it starts is 125; a command that can't be executed 126, not found 127.
"""

from __future__ import annotations

import os
import shlex
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from sealer import child, config, console, files, runfolder, variables
from sealer.errors import NoKey, Refused, SealerError, SourceError, UsageError
from sealer.shell import quote

if TYPE_CHECKING:
    from sealer.config import Config
    from sealer.document import SealedSecret
    from sealer.unseal import PrivateKeys

OURS = 125


def run(
    command: Sequence[str],
    *,
    files: Sequence[str] = (),
    only: Sequence[str] = (),
    prefix: str = "",
    as_files: bool = False,
    preserve_env: bool = False,
    private_keys: Sequence[str] = (),
) -> int:
    """Run the command; does not come back without `as_files`, since this process becomes the command."""
    chosen: list[variables.Chosen] = []

    def prepare() -> int:
        if not command or not command[0]:
            raise UsageError("no command to run", way_out="sealer run -f FILE -- COMMAND")
        items = _items(files, private_keys, command)
        chosen.append(variables.choose(items, only=only, prefix=prefix, as_files=as_files))
        return console.OK

    code = console.run(prepare)
    if code:
        return code if code == console.INTERRUPTED else OURS
    _name_skipped(chosen[0].skipped)
    try:
        if as_files:
            return _with_files(command, chosen[0].values)
        values = {name: os.fsdecode(value) for name, value in chosen[0].values.items()}
        child.replace(command, variables.environment(os.environ, values, preserve=preserve_env))
    except child.NotStarted as error:
        console.report(error)
        return error.code
    except SealerError as error:
        console.report(error)
        return OURS


def _with_files(command: Sequence[str], values: Mapping[str, bytes]) -> int:
    place, in_memory = runfolder.home()
    if not in_memory:
        console.warn(f"no tmpfs here: while the command runs, the files are on disk, in {place}")
    with child.signals_held() as mask, runfolder.folder(values, place) as made:
        environment = variables.environment(os.environ, {}, preserve=True, added=[(runfolder.VARIABLE, str(made))])
        return child.supervise(command, environment, mask)


def _name_skipped(skipped: Sequence[str]) -> None:
    if skipped:
        console.warn(f"no variable can be named {', '.join(skipped)}: skipped", way_out="--files")


def _items(named: Sequence[str], sources: Sequence[str], command: Sequence[str]) -> dict[str, bytes]:
    """All items of all files; of a key that stands twice, the later one."""
    from sealer import private

    settings = config.find(Path.cwd())
    keys = private.load(sources)
    result: dict[str, bytes] = {}
    for path in _paths(named, settings):
        for doc in _sealed(path):
            result |= _open(doc, keys, settings, command)
    return result


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


def _sealed(path: str) -> Iterable[SealedSecret]:
    from sealer import document

    documents = document.parse_strict(files.read(path), path).documents
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
    from sealer import unseal

    try:
        return unseal.unseal(doc, keys)[0].items
    except NoKey as error:
        raise _no_key(doc, keys, settings, command) or error from None


def _no_key(
    doc: SealedSecret, keys: PrivateKeys, settings: Config | None, command: Sequence[str]
) -> SealerError | None:
    """The error that names both sides: who it is sealed to, whom we are, and the file that we could open instead."""
    from sealer import recipients

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
    from sealer.private import Held, Local

    if isinstance(keys, Held):
        return keys.keyrings.clusters if keys.keyrings else (), [key.id for key in keys.keys]
    return keys.clusters if isinstance(keys, Local) else (), ()
