"""`sealer set FILE... KEY`: one value, sealed as an item of each FILE (DESIGN section 11).

All that can be refused is refused before the value is asked for; all files are computed before one is written.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from sealer import console, files, report
from sealer.configuration import config
from sealer.documents import edit, render
from sealer.errors import SealerError, UsageError
from sealer.sealing import seal, sealedfile, source
from sealer.sealing.resolver import Resolver, recipients_of
from sealer.sealing.sealedfile import Change
from sealer.sealing.targets import STORES, Flags, Target
from sealer.secret import Secret

if TYPE_CHECKING:
    from sealer.documents.document import SealedSecret
    from sealer.sealing.source import ValueFlags


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to become of one file; `document` is None where the file is new."""

    path: Path
    data: bytes = field(repr=False)
    document: SealedSecret | None
    target: Target

    def state(self, key: str) -> str:
        """What happens to the item, in a word or two."""
        if self.document is None:
            return "new file"
        return "replaced" if key in self.document.items else "added"


def run(paths: Sequence[str], key: str, *, value: ValueFlags, flags: Flags) -> int:
    """Seal one value as item `key` of each file."""
    sealedfile.key(key)
    value.check()
    resolver = Resolver(flags)
    _check_new(paths)
    plans = [_plan(resolver, path, key) for path in sealedfile.distinct(paths)]
    for text in resolver.warnings:
        console.warn(text)
    plaintext = source.value(value, key)
    sealedfile.write_all([Change(plan.path, _sealed(plan, key, plaintext)) for plan in plans])
    rows = [(f"sealed {key}", plan.target.path, plan.state(key), str(plan.target.recipients)) for plan in plans]
    for lines in report.table(rows):
        console.out("\n".join(lines))
    return console.OK


def _check_new(paths: Sequence[str]) -> None:
    for number, path in enumerate(paths, 1):
        if not path.lower().endswith(sealedfile.ENDINGS) and not os.path.exists(path):
            # Not one argument is repeated: `set db.yaml password hunter2` would put a password on the screen.
            raise UsageError(
                f"FILE {number} doesn't exist, and a new file has to end in .yaml, .yml or .json",
                way_out="sealer set FILE... KEY; the value is asked for, or read from stdin",
            )


def _plan(resolver: Resolver, path: Path, key: str) -> Plan:
    files.refuse_special(path)
    if not path.exists() or not files.read(path).strip():
        return Plan(path, b"", None, resolver.resolve(path))
    data, file = sealedfile.read(path)
    doc = sealedfile.pick(file, namespace=resolver.flags.namespace, name=resolver.flags.name)
    return Plan(path, data, doc, resolver.resolve(path, doc, sealed=recipients_of(doc, {key})))


def _sealed(plan: Plan, key: str, plaintext: bytes) -> bytes:
    """The file's new content."""
    target, doc = plan.target, plan.document
    try:
        text = seal.seal_item(plaintext, target.binding, key, target.recipients)
        stores = {STORES: ",".join(target.stores)} if target.stores else {}
        if doc is None:
            secret = Secret(target.binding.name, target.binding.namespace)
            body = render.sealed_body(target.binding, {key: text}, None, annotations=stores, secret=secret)
            return render.to_json(body) if plan.path.suffix.lower() == ".json" else render.to_yaml(body)
        data = edit.set_items(plan.data, target.path, doc.place.index, {key: text})
        annotations = sealedfile.exposed_without(doc, {key})
        if STORES not in doc.annotations:
            annotations |= stores
        return edit.set_annotations(data, target.path, doc.place.index, annotations) if annotations else data
    except SealerError as error:
        raise error.at(config.shown(plan.path)) from None
