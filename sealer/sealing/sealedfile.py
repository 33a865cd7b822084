"""One sealed document of a file that is about to be changed, and writing many changed files."""

from __future__ import annotations

import os
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from sealer import files
from sealer.configuration import config
from sealer.documents import document
from sealer.documents.document import Manifest, SealedSecret
from sealer.errors import NameRefused, SealerError, SourceError, UsageError
from sealer.formats.binding import check_item
from sealer.pinning import repository
from sealer.report import count
from sealer.sealing.targets import EXPOSED, split_list
from sealer.shell import quote

if TYPE_CHECKING:
    from sealer.documents.document import File

ENDINGS = (".yaml", ".yml", ".json")


@dataclass(frozen=True, slots=True)
class Change:
    """The new content of one file."""

    path: Path
    data: bytes = field(repr=False)


def key(text: str) -> str:
    """KEY of `set` and `unset`, if it can be one. A refusal doesn't repeat it: it may be a value typed by mistake."""
    try:
        return check_item(text)
    except NameRefused:
        raise NameRefused(
            "the last argument can't be the key of an item (letters, digits, '-', '_', '.')",
            way_out="name the key last; the value is asked for, or read from stdin",
        ) from None


def distinct(paths: Sequence[str]) -> list[Path]:
    """The files that some paths name, each once."""
    return list({os.path.realpath(path): Path(path) for path in reversed(paths)}.values())[::-1]


def read(path: Path) -> tuple[bytes, File]:
    """The bytes and documents of a file that is to be written. Raises SourceError, DocumentError."""
    files.refuse_special(path)  # else this waits for a pipe, and has nothing to replace then
    data = files.read(path)
    return data, document.parse_strict(data, config.shown(path))


def pick(file: File, *, namespace: str | None = None, name: str | None = None) -> SealedSecret:
    """The sealed document of a file that is meant: the only one, or the one that flags name. Raises UsageError."""
    sealed = [each for each in file.documents if isinstance(each, SealedSecret)]
    if not sealed:
        plain = any(isinstance(each, Manifest) for each in file.documents)
        what = "holds a Secret in plaintext, and nothing sealed" if plain else "holds no SealedSecret"
        raise UsageError(
            what,
            where=file.path,
            way_out=f"sealer seal --in-place {quote(file.path)}" if plain else "name a sealed file",
        )
    if len(sealed) == 1:
        return sealed[0]
    fit = [each for each in sealed if namespace in (None, each.namespace) and name in (None, each.name)]
    if len(fit) == 1:
        return fit[0]
    named = ", ".join(title(each.namespace, each.name) for each in sealed[:6])
    raise UsageError(
        f"holds {count(len(sealed), 'SealedSecret')}: {named}",
        where=file.path,
        way_out="say which: --namespace, --name",
    )


def title(namespace: str | None, name: str) -> str:
    """How a secret is called in messages: `namespace/name`."""
    return f"{namespace}/{name}" if namespace is not None else name


def exposed_without(doc: SealedSecret, items: Collection[str]) -> dict[str, str | None]:
    """The annotation that marks leaked items, less `items`, whose value is new or gone; {} if nothing changes."""
    marked = split_list(doc.annotations.get(EXPOSED, ""))
    left = [item for item in marked if item not in items]
    return {} if len(left) == len(marked) else {EXPOSED: ",".join(left) or None}


def write_all(changes: Sequence[Change]) -> None:
    """Write files one by one, each atomically; if one can't be written, the error says which were."""
    for change in changes:
        stays(change.path)
    for number, change in enumerate(changes):
        try:
            change.path.parent.mkdir(parents=True, exist_ok=True)
            files.write_atomic(change.path, change.data)
        except (OSError, SealerError) as error:
            what = error.what if isinstance(error, SealerError) else f"can't be written: {files.reason(error)}"
            raise SourceError(
                f"{what}; {_written(changes[:number], len(changes))}", where=config.shown(change.path)
            ) from None


def stays(path: Path) -> Path:
    """`path`, if what is written there lands in the work tree that it names: links come with a checkout, too."""
    top = repository.work_tree(Path.cwd())
    if top is not None and Path(os.path.abspath(path)).is_relative_to(top):
        return config.within(top, path)
    if path.is_symlink():
        return config.within(repository.work_tree(path.parent) or path.parent, path)
    return path


def _written(done: Sequence[Change], total: int) -> str:
    if not done:
        return "nothing was written" if total > 1 else "it was not changed"
    names = ", ".join(config.shown(change.path) for change in done[:5]) + (", ..." if len(done) > 5 else "")
    return f"written before it, {len(done):,} of {total:,}: {names}"
