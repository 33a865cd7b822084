"""`sealer render FILE [KEY]`: what the templates of a sealed file give; without a key, whether they can give anything.

With a private key that opens the items the Secret is printed, or the bytes of KEY. Without one the templates are
checked: syntax, unknown functions, items that are not there (DESIGN section 11).
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from sealer import console, files, template
from sealer.commands.unseal import check, chosen, item_of, manifests, read
from sealer.errors import NoKey, TemplateRefused, UsageError
from sealer.keyrings import private
from sealer.sealing import sealedfile

if TYPE_CHECKING:
    from sealer.documents.document import SealedSecret


def run(
    path: str,
    key: str | None = None,
    *,
    private_keys: Sequence[str] = (),
    output: str | None = None,
    format: str | None = None,  # noqa: A002  # the option's name
    namespace: str | None = None,
    name: str | None = None,
) -> int:
    """Print what the templates of a file give, or check them; 1 if one of them is refused."""
    check(path, private_keys, output, key, format)
    file = read(path)
    docs = chosen(file, namespace, name)
    if key is not None:
        doc = sealedfile.pick(file, namespace=namespace, name=name)
        if doc.template.data.get(key) is None:
            raise UsageError(f"{key} is no item of its template", where=str(doc.place), way_out=_items(doc))
        docs = [doc]
    if not _check(docs, key):
        return console.NO
    try:
        keys = private.load(private_keys)
        data = manifests(docs, keys, format or file.format) if key is None else item_of(docs[0], key, keys)
    except TemplateRefused as error:
        console.report(error)
        return console.NO
    except NoKey as error:
        if private_keys:
            raise
        return _checked_only(docs, key, error)
    if output is None:
        console.out_bytes(data)
    else:
        files.write_atomic(sealedfile.stays(Path(output)), data, mode=0o600)
    return console.OK


def _items(doc: SealedSecret) -> str:
    return f"it has: {', '.join(sorted(doc.template.data)) or 'none'}; sealer unseal FILE KEY prints a sealed item"


def _check(docs: Sequence[SealedSecret], key: str | None) -> bool:
    """Whether all templates are well-formed; says what is wrong, and which items they don't find."""
    fine = True
    for doc in docs:
        try:
            template.check(doc.template, doc.place.file, key)
        except TemplateRefused as error:
            console.report(error)
            fine = False
            continue
        for item, said in template.missing(doc.template, doc.items):
            if key in (None, item):
                console.warn(f"{doc.place.file}: {said}")
    return fine


def _checked_only(docs: Sequence[SealedSecret], key: str | None, error: NoKey) -> int:
    count = sum(
        template.is_template(text or "")
        for doc in docs
        for item, text in doc.template.data.items()
        if key in (None, item)
    )
    said = f"{count} template{'' if count == 1 else 's'} checked, not rendered: {error.what}"
    console.note(said)
    # Whoever asked for one value and gets none must not take the empty output for it.
    return console.OK if key is None else console.CANNOT_TELL
