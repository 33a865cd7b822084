"""`sealer unset FILE... KEY`: remove one item from each FILE; needs no key."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from sealer import console, report
from sealer.documents import edit
from sealer.errors import UsageError
from sealer.report import count
from sealer.sealing import sealedfile
from sealer.sealing.sealedfile import Change


def run(paths: Sequence[str], key: str, *, namespace: str | None = None, name: str | None = None) -> int:
    """Remove item `key` from each file; if one of them doesn't have it, nothing is written."""
    sealedfile.key(key)
    changes, rows = [], []
    for path in sealedfile.distinct(paths):
        change, left = _without(path, key, namespace, name)
        changes.append(change)
        rows.append((f"removed {key}", str(path), left))
    sealedfile.write_all(changes)
    for lines in report.table(rows):
        console.out("\n".join(lines))
    console.note("where it was committed, its old values stay in Git history: revoke them")
    return console.OK


def _without(path: Path, key: str, namespace: str | None, name: str | None) -> tuple[Change, str]:
    data, file = sealedfile.read(path)
    doc = sealedfile.pick(file, namespace=namespace, name=name)
    if key not in doc.items:
        # KEY is not repeated: it may be a value typed by mistake.
        raise UsageError(
            "has no such item", where=str(doc.place), way_out=f"it has: {', '.join(sorted(doc.items)) or 'none'}"
        )
    data = edit.remove_items(data, file.path, doc.place.index, [key])
    if annotations := sealedfile.exposed_without(doc, {key}):
        data = edit.set_annotations(data, file.path, doc.place.index, annotations)
    left = sorted(set(doc.items) - {key})
    return Change(path, data), f"{count(len(left), 'item')} left" + (f": {', '.join(left)}" if left else "")
