"""Secret manifests in, sealed files out: what `seal` makes of one input. Nothing is read or written here.

Every file is a value (`Output`) before the first one is written, so that an error in the last leaves all untouched.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sealer.documents import edit, render
from sealer.documents.document import Manifest, SealedSecret
from sealer.errors import SealerError, UsageError
from sealer.sealing import sealedfile
from sealer.sealing.resolver import Resolver, recipients_of
from sealer.sealing.seal import seal_item
from sealer.sealing.targets import STORES, Said, Sealed, Target
from sealer.shell import quote

if TYPE_CHECKING:
    from sealer.documents.document import File
    from sealer.secret import Secret

_CARRIED = (STORES, "sealer.dev/on-delete")  # meant for the controller, which reads them from the sealed document


@dataclass(frozen=True, slots=True)
class Plain:
    """A secret that is to be sealed; `index` is its document in the input, None if it was made of items."""

    secret: Secret
    said: Said
    index: int | None = None


@dataclass(frozen=True, slots=True)
class Input:
    """One input with all its secrets. `path` is None for stdin and items; `others` counts its other documents."""

    where: str
    path: Path | None
    data: bytes = field(repr=False)
    format: str
    secrets: tuple[Plain, ...]
    others: int = 0

    @classmethod
    def of(cls, file: File, data: bytes, path: Path | None, *, empty: bool = True) -> Input:
        """The secrets of a file that was parsed; those without items only if `empty`."""
        secrets = tuple(
            Plain(each.secret, Said.of(each), each.place.index)
            for each in file.documents
            if isinstance(each, Manifest) and (empty or each.secret.items)
        )
        return cls(file.path, path, data, file.format, secrets, len(file.documents) - len(secrets))


@dataclass(frozen=True, slots=True)
class Done:
    """One secret that was sealed, in words: its title, path, scope and readers, and its items."""

    title: str
    path: str
    how: str
    items: tuple[str, ...]
    dropped: tuple[str, ...] = ()
    kept: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Output:
    """A file's new content (`path` None: for stdout) and what happened in it; `before` is what it replaces."""

    path: Path | None
    data: bytes = field(repr=False)
    format: str
    done: tuple[Done, ...]
    others: int = 0
    before: bytes = field(default=b"", repr=False)


@dataclass(frozen=True, slots=True)
class Job:
    """One input with a target for each of its secrets: what is left is arithmetic, and `output` does it.

    The content is for a new file, for the input's own file, or for stdout.
    """

    given: Input
    path: Path | None
    format: str
    targets: tuple[Target, ...]

    def output(self) -> Output:
        """The input with each Secret replaced; other documents keep every byte."""
        given = self.given
        sealed = [_seal(plain, target) for plain, target in zip(given.secrets, self.targets, strict=True)]
        bodies = [body for _, body in sealed]
        lone = self.format == "yaml" and len(bodies) == 1 and not given.others and _is_plain(given.data)
        if lone or not given.data or self.format != given.format:
            data = render.stream(bodies, self.format)
        else:
            data = _replaced(
                given.data,
                given.where,
                {plain.index: body for plain, (_, body) in zip(given.secrets, sealed, strict=True)},
            )
        before = given.data if self.path == given.path else b""
        return Output(self.path, data, self.format, tuple(done for done, _ in sealed), given.others, before)


class Sealing:
    """Finds targets for inputs under one Resolver."""

    def __init__(self, resolver: Resolver, *, allow_empty: bool = False) -> None:
        self.resolver = resolver
        self.allow_empty = allow_empty

    def job(self, given: Input, path: Path | None, form: str | None = None) -> Job:
        """The input with its targets. A change of format is refused where it would lose other documents."""
        form = form or given.format
        if given.others and form != given.format:
            raise UsageError(
                f"holds documents that are no Secret, which can't be written as {form}",
                where=given.where,
                way_out=f"leave --format out, or name a file for {given.format}",
            )
        return Job(given, path, form, tuple(self._target(plain, path) for plain in given.secrets))

    def onto(self, given: Input, path: Path, data: bytes, file: File, *, merge: bool) -> Output:
        """The content of a file that exists: each secret takes the place of the SealedSecret of its name."""
        done = []
        for plain in given.secrets:
            old = self._old(plain, path, file)
            target = self._target(plain, path, recipients_of(old, plain.secret.items) if merge else None)
            one, body = _seal(plain, target)
            only_old = tuple(sorted(set(old.items) - set(one.items)))
            if merge:
                _check_merge(target, old)
                data = _merged(data, file.path, old, plain.secret, body)
                done.append(replace(one, kept=only_old))
            else:
                data = edit.replace_document(data, file.path, old.place.index, body)
                done.append(replace(one, dropped=only_old))
        return Output(path, data, file.format, tuple(done), len(file.documents) - len(done))

    def _target(self, plain: Plain, path: Path | None, sealed: Sealed | None = None) -> Target:
        try:
            self._check_empty(plain.secret)
            return self.resolver.resolve(path, said=plain.said, sealed=sealed)
        except SealerError as error:
            raise error.at(plain.said.where) from None

    def _check_empty(self, secret: Secret) -> None:
        if self.allow_empty:
            return
        empty = sorted(key for key, value in secret.items.items() if not value)
        if empty or not secret.items:
            what = f"the value of {', '.join(empty)} is empty" if empty else f"Secret {secret.name} has no items"
            raise UsageError(what, way_out="to seal it all the same: --allow-empty")

    def _old(self, plain: Plain, path: Path, file: File) -> SealedSecret:
        """The SealedSecret that a secret replaces. Anything else is never overwritten."""
        bound = self.resolver.bound(path, plain.said)
        for each in file.documents:
            same = isinstance(each, SealedSecret) and each.name == bound.name
            if same and each.namespace in (None, bound.namespace):  # type: ignore[union-attr]
                return each  # type: ignore[return-value]
        title = sealedfile.title(bound.namespace, bound.name)
        raise UsageError(
            f"exists and holds no SealedSecret {title}, so it is not overwritten",
            where=file.path,
            way_out=f"name another file, or seal its own Secrets: sealer seal --in-place {quote(file.path)}",
        )


def _seal(plain: Plain, target: Target) -> tuple[Done, dict[str, Any]]:
    """One secret's sealed document, and what is said of it."""
    secret, bound = plain.secret, target.binding
    try:
        texts = {key: seal_item(value, bound, key, target.recipients) for key, value in sorted(secret.items.items())}
    except SealerError as error:
        raise error.at(plain.said.where or target.path) from None
    annotations = {key: secret.annotations[key] for key in _CARRIED if key in secret.annotations}
    if target.stores:
        annotations[STORES] = ",".join(target.stores)
    body = render.sealed_body(bound, texts, None, annotations=annotations, secret=secret)
    how = f"{bound.scope.value}, {target.recipients.envelope}, {target.recipients}"
    return Done(sealedfile.title(bound.namespace, bound.name), target.path, how, tuple(texts)), body


def _check_merge(target: Target, old: SealedSecret) -> None:
    if old.scope is not target.binding.scope:
        raise UsageError(
            f"scope: {old.place} says {old.scope.value}, the input says {target.binding.scope.value}",
            where=target.path,
            way_out=f"seal it whole, without --merge; or --scope {old.scope.value}",
        )


def _is_plain(data: bytes) -> bool:
    """Whether a file of one document holds nothing beside it that has to stay: no comment, marker, BOM, CRLF or List.

    Then its edit is its rendering, which saves two passes over each of a thousand files.
    """
    return not any(mark in data for mark in (b"#", b"---", b"...", b"%", b"\r", b"List", b"\xef\xbb\xbf"))


def _replaced(data: bytes, where: str, bodies: Mapping[int | None, Mapping[str, Any]]) -> bytes:
    return edit.replace_documents(data, where, {index: body for index, body in bodies.items() if index is not None})


def _merged(data: bytes, where: str, old: SealedSecret, secret: Secret, body: Mapping[str, Any]) -> bytes:
    """The old document with new items; whole again only if the input brings labels, annotations or a type."""
    texts = body["spec"]["encryptedData"]
    marks = sealedfile.exposed_without(old, texts)
    metadata = body["spec"]["template"]["metadata"]
    template = old.template
    brings = (
        dict(metadata.get("labels", {})).items() <= dict(template.labels).items()
        and dict(metadata.get("annotations", {})).items() <= dict(template.annotations).items()
        and secret.type in (template.type, "Opaque")
    )
    if brings:
        data = edit.set_items(data, where, old.place.index, texts)
        return edit.set_annotations(data, where, old.place.index, marks) if marks else data
    return edit.replace_document(data, where, old.place.index, _whole(old, body, marks))


def _whole(old: SealedSecret, body: Mapping[str, Any], marks: Mapping[str, str | None]) -> dict[str, Any]:
    """`body` with everything of the old document that it doesn't say itself."""
    merged = _deep(old.body, body)
    annotations = {**merged["metadata"].get("annotations", {}), **marks}
    merged["metadata"]["annotations"] = {key: value for key, value in annotations.items() if value is not None}
    return merged


def _deep(old: Mapping[str, Any], new: Mapping[str, Any]) -> dict[str, Any]:
    merged = dict(old)
    for key, value in new.items():
        before = old.get(key)
        both = isinstance(before, Mapping) and isinstance(value, Mapping)
        merged[key] = _deep(before, value) if both else value  # type: ignore[arg-type]
    return merged
