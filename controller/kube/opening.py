"""One SealedSecret opened: its Secret, or why not in the words of a status. Plaintext leaves it as a `Secret` only.

v2 is opened at once: a trip to a thread would cost more than the operation. v1 goes to threads, where RSA leaves the
interpreter's lock, and namespaces have turns.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from controller.kube import legacy as legacy_format
from controller.kube import wanted
from controller.kube.effort import Effort, TooMuch
from controller.kube.threads import Threads
from sealer import template
from sealer.errors import BoundElsewhere, CannotOpen, NameRefused, NoKey, SealerError, TemplateRefused
from sealer.formats import envelope_v2
from sealer.sealing import unseal
from sealer.secret import Secret

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sealer.documents.document import SealedSecret
    from sealer.sealing.unseal import PrivateKeys

_V1_FAILED = "no key could decrypt secret"
"""Bitnami's words, for every cause."""
_AGAIN = "seal it again with this cluster's keys: sealer keys fetch --from-cluster, or kubeseal --fetch-cert"
_RENAME = "give the item a name of these alone, and seal it under that"
NO_KEY = "NoMatchingKey"
_SCOPE, _MALFORMED, _CLOSED = "ScopeMismatch", "Malformed", "CannotOpen"
_GRAVEST = (_SCOPE, _CLOSED, _MALFORMED, NO_KEY)


class NotOpened(SealerError):
    """Why a SealedSecret has no Secret. `reason` is the word in the status."""

    def __init__(self, reason: str, text: str, *, way_out: str = "") -> None:
        super().__init__(text, way_out=way_out)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Opened:
    """The Secret, the ids of the keys that opened it, whether its template drew, and how many items of each format."""

    secret: Secret = field(repr=False)
    keys: tuple[str, ...]
    drew: frozenset[str] = frozenset()
    v1: int = 0
    v2: int = 0


_LARGE = 16_384
"""Characters of templates; a program takes a thousand times their bytes."""
_IN_VAIN = 16
"""Items that are tried with every key; who has more of them waits for no more of them to be named."""


class Opener:
    """Opens documents; to be closed, since it has threads."""

    def __init__(self) -> None:
        count = (os.cpu_count() or 1) + 1
        self._pool = Threads(count + 1, "open", most=count)
        self._large = Threads(1, "large", most=1)

    def close(self) -> None:
        """Begin no more work."""
        self._pool.close()
        self._large.close()

    async def open(self, document: SealedSecret, legacy: str | None, keys: PrivateKeys) -> Opened:
        """The Secret of a document. Raises NotOpened."""
        if legacy is None and _is_quick(document):
            return opened(document, None, keys)
        pool = self._large if _is_large(document) else self._pool
        return await pool.run(document.namespace or "", lambda: opened(document, legacy, keys))


def opened(document: SealedSecret, legacy: str | None, keys: PrivateKeys) -> Opened:
    """As `Opener.open`, here and now."""
    try:
        template.check(document.template)
    except TemplateRefused as error:
        raise NotOpened("TemplateError", error.what) from None
    if legacy is not None:
        return _legacy(document, legacy, keys)
    try:
        found = unseal.open_all(document, Effort(_most(document, keys)).bounded(keys))
    except TooMuch:
        said = f"{_V1_FAILED} (more than {_IN_VAIN} items)"
        raise NotOpened(NO_KEY, said, way_out=_way_out(document, NO_KEY, v1=True)) from None
    if found.failures:
        raise _failed(document, found.failures)
    try:
        items = template.render(document.template, found.items)
    except TemplateRefused as error:
        raise NotOpened("TemplateError", error.what) from None
    drew = _drew(document)
    secret = Secret(
        name=document.name,
        namespace=document.namespace,
        items=items,
        type=document.template.type or "Opaque",
        labels=document.template.labels,
        annotations=document.template.annotations,
        immutable=document.template.immutable,
    )
    v2 = sum(text.startswith(envelope_v2.PREFIX) for text in document.items.values())
    return Opened(wanted.of(secret), tuple(sorted(found.keys)), drew, len(document.items) - v2, v2)


def _most(document: SealedSecret, keys: PrivateKeys) -> int:
    """Private operations that one document is worth: each v1 item that no key opens costs one of each key."""
    return 2 * len(document.items) + _IN_VAIN * len(keys.rsa())


def _templates(document: SealedSecret) -> list[str]:
    return [text for text in document.template.data.values() if text and template.is_template(text)]


def _is_large(document: SealedSecret) -> bool:
    """Whether to render it may take much memory, so that it is done one at a time: regular expressions do, too."""
    found = _templates(document)
    return sum(map(len, found)) > _LARGE or any("regex" in text or "Regex" in text for text in found)


def _is_quick(document: SealedSecret) -> bool:
    """Whether it is opened before a thread would have begun: RSA takes a millisecond, and a template up to seconds."""
    return not _templates(document) and all(text.startswith(envelope_v2.PREFIX) for text in document.items.values())


def _drew(document: SealedSecret) -> frozenset[str]:
    """Items that another render would make anew."""
    texts = {item: text for item, text in document.template.data.items() if text is not None}
    if not any(template.is_template(text) for text in texts.values()):
        return frozenset()
    from sealer.template import rendering

    return frozenset(
        item
        for item, text in texts.items()
        if item not in document.items and template.is_template(text) and rendering.draws(item, text)
    )


def _legacy(document: SealedSecret, text: str, keys: PrivateKeys) -> Opened:
    """The old format: one envelope of a whole Secret. A template beside it counts for nothing, as in Bitnami's."""
    try:
        found = legacy_format.unpack(text, document.binding, keys)
    except (NoKey, CannotOpen):
        raise NotOpened(NO_KEY, _V1_FAILED, way_out=_way_out(document, NO_KEY, v1=True)) from None
    except SealerError:
        raise NotOpened(_MALFORMED, _V1_FAILED, way_out=_AGAIN) from None
    secret = Secret(
        name=document.name,
        namespace=document.namespace,
        items=found.items,
        type=found.type or "Opaque",
        labels=found.labels,
        annotations=found.annotations,
        immutable=found.immutable,
    )
    return Opened(wanted.of(secret), (found.key_id,), v1=1)


def _failed(document: SealedSecret, failures: Mapping[str, SealerError]) -> NotOpened:
    """One error for all items, sorted; of those that say several things the gravest gives the word."""
    causes: dict[str, list[str]] = {}
    words: set[str] = set()
    v1 = False
    for item in sorted(failures):
        v2 = document.items[item].startswith(envelope_v2.PREFIX)
        word, text = _said(failures[item], v2=v2)
        causes.setdefault(text, []).append(item)
        words.add(word)
        v1 |= word == NO_KEY and not v2
    what = "; ".join(f"{said} ({', '.join(items)})" for said, items in causes.items())
    gravest = next(word for word in _GRAVEST if word in words)
    if all(isinstance(each, NameRefused) for each in failures.values()):  # the same key would bring the same error
        return NotOpened(gravest, what, way_out=_RENAME)
    return NotOpened(gravest, what, way_out=_way_out(document, gravest, v1=v1))


def _way_out(document: SealedSecret, word: str, *, v1: bool) -> str:
    """What may be wrong, and what to do. Only what its author wrote is in it: what a v1 envelope is of, no key says."""
    here = f"here it is {document.namespace}/{document.name}, {document.scope.value}"
    if word == _SCOPE:
        return f"{here}; {_AGAIN}"
    if word != NO_KEY:
        return _AGAIN
    where = f"for another namespace, name or scope ({here}), or " if v1 else ""
    return f"it was sealed {where}with a key that this controller doesn't have; {_AGAIN}"


def _said(error: SealerError, *, v2: bool) -> tuple[str, str]:
    if isinstance(error, NoKey):
        return NO_KEY, _V1_FAILED
    if isinstance(error, CannotOpen):
        # Which of a wrong key, name or namespace it is, a v1 envelope doesn't tell: another key may still come.
        return (_CLOSED, error.what) if v2 else (NO_KEY, _V1_FAILED)
    return (_SCOPE if isinstance(error, BoundElsewhere) else _MALFORMED), error.what
