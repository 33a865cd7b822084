"""`sealer unseal FILE [KEY]`: the Secret manifest of a sealed file, or the bytes of one item (DESIGN section 11)."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from sealer import console, files, template
from sealer.configuration import config
from sealer.documents import document, render
from sealer.documents.document import SealedSecret
from sealer.emit import refuse_format
from sealer.errors import NoKey, SourceError, UsageError
from sealer.keyrings import private
from sealer.sealing import sealedfile, source, unseal

if TYPE_CHECKING:
    from sealer.documents.document import File
    from sealer.sealing.unseal import PrivateKeys

_STDIN = "-"


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
    """Open the sealed documents of a file; a Secret is printed whole or not at all."""
    check(path, private_keys, output, key, format)
    file = read(path)
    keys = private.load(private_keys)
    if key is not None:
        data = item_of(sealedfile.pick(file, namespace=namespace, name=name), key, keys)
    else:
        data = manifests(chosen(file, namespace, name), keys, format or file.format)
    if output is None:
        console.out_bytes(data)
    else:
        files.write_atomic(sealedfile.stays(Path(output)), data, mode=0o600)
    return console.OK


def check(path: str, sources: Sequence[str], output: str | None, key: str | None, form: str | None) -> None:
    """Raise UsageError for options that contradict each other."""
    if path == _STDIN and _STDIN in sources:
        raise UsageError("FILE and --private-key both read stdin", way_out="save one of them to a file")
    if key is not None and form is not None:
        raise UsageError("--format is about a manifest, and KEY asks for bytes", way_out="leave one of them out")
    refuse_format(output)


def read(path: str) -> File:
    """The documents of a file, or of stdin for `-`."""
    if path == _STDIN:
        return document.parse_strict(source.stdin(files.MAX_DOCUMENT), "stdin")
    return document.parse_strict(files.read(path), config.shown(path))


def chosen(file: File, namespace: str | None, name: str | None) -> list[SealedSecret]:
    """The sealed documents of a file that have this namespace and name. Raises SourceError for none."""
    sealed = [each for each in file.documents if isinstance(each, SealedSecret)]
    fit = [each for each in sealed if namespace in (None, each.namespace) and name in (None, each.name)]
    if not fit:
        sealedfile.pick(file, namespace=namespace, name=name)
        raise SourceError("holds no SealedSecret of that name", where=file.path)
    return fit


def item_of(doc: SealedSecret, key: str, keys: PrivateKeys) -> bytes:
    """The bytes of one item, sealed or of the template."""
    if key not in doc.items and doc.template.data.get(key) is not None:
        return _rendered(doc, key, keys)
    if key not in doc.items:
        raise UsageError(
            "has no such item", where=str(doc.place), way_out=f"it has: {', '.join(sorted(doc.items)) or 'none'}"
        )
    try:
        value, _ = unseal.open_item(doc.items[key], doc.binding, key, keys)
    except NoKey:
        raise _named(doc, keys) from None
    except unseal.OF_AN_ITEM as error:
        raise unseal.failed({key: error}, doc) from None
    return value


def _rendered(doc: SealedSecret, key: str, keys: PrivateKeys) -> bytes:
    """An item of the template; only one that is a template needs the other items, and so a private key."""
    if not template.is_template(doc.template.data[key] or ""):
        return template.render_item(doc.template, key, {})
    opened = unseal.open_all(doc, keys)
    if opened.failures:
        error = unseal.failed(opened.failures, doc)
        raise _named(doc, keys) if isinstance(error, NoKey) else error
    return template.render_item(doc.template, key, opened.items, doc.place.file)


def _named(doc: SealedSecret, keys: PrivateKeys) -> NoKey:
    """The error for a document of others that names both sides by their clusters."""
    from sealer.checking import recipients

    held = ", ".join(getattr(keys, "clusters", ())) or "no such private key"
    known = recipients.known(config.find(Path.cwd()))
    return NoKey(
        f"sealed to {recipients.describe(doc, known)}, you hold {held}",
        where=str(doc.place),
        way_out="pass the key: --private-key SRC",
    )


def manifests(docs: Sequence[SealedSecret], keys: PrivateKeys, form: str) -> bytes:
    """The Secrets of documents, whole, as YAML or JSON."""
    bodies = []
    for doc in docs:
        try:
            bodies.append(render.secret_body(unseal.unseal(doc, keys)[0]))
        except NoKey:
            raise _named(doc, keys) from None
    return render.stream(bodies, form)
