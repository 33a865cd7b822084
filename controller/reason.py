"""Why a document was not delivered, in the three forms that it takes: stored, short, and explained. Pure.

State keeps a reason as canonical JSON of its causes; tables show the short form; a plan explains it with a way out. No
form holds more than names.
"""

from __future__ import annotations

import json
import shlex
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sealer.errors import BoundElsewhere, CannotOpen, EnvelopeError, NoKey, SealerError
from sealer.formats.wire import canonical_json

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

BOUND = "bound"
CLOSED = "closed"
COLLISION = "collision"
COMPROMISED = "compromised"
FOREIGN = "foreign"
GONE = "gone"
MALFORMED = "malformed"
NEVER = "never"
NO_KEY = "no-key"
STORE = "store"
TEMPLATE = "template"
UNAVAILABLE = "unavailable"
UNREADABLE = "unreadable"

ITS_OWN = (BOUND, CLOSED, COMPROMISED, MALFORMED, NO_KEY, TEMPLATE)
"""Causes that lie in a document and the keyring alone: it is not opened again until one of them changes."""

OF_STORES = (STORE, UNAVAILABLE)
"""Causes that lie in one store: what its document delivered to the others is delivered."""

_SHORT = {
    BOUND: "bound elsewhere",
    CLOSED: "cannot be opened",
    COLLISION: "two documents",
    COMPROMISED: "compromised key",
    GONE: "gone from the source",
    FOREIGN: "belongs to another source",
    MALFORMED: "malformed",
    NEVER: "never delivered",
    NO_KEY: "no such key",
    STORE: "store refused",
    TEMPLATE: "template",
    UNAVAILABLE: "store unavailable",
    UNREADABLE: "unreadable",
}
_SAID_ELSEWHERE = (COLLISION, COMPROMISED, FOREIGN, TEMPLATE, UNREADABLE)
"""Causes whose text is too long for a table."""
_KINDS: Sequence[tuple[type[SealerError], str]] = (
    (BoundElsewhere, BOUND),
    (CannotOpen, CLOSED),
    (EnvelopeError, MALFORMED),
    (NoKey, NO_KEY),
)


@dataclass(frozen=True, slots=True)
class Cause:
    """One cause: its code, the items that it is about (none: the whole document), and what a person is told."""

    code: str
    items: tuple[str, ...] = ()
    text: str = ""
    way_out: str = ""


def dump(*causes: Cause) -> str:
    """The stored form. Texts may repeat names out of documents: none of them can begin a line, or colour one."""
    stored = [[each.code, list(each.items), _printable(each.text), _printable(each.way_out)] for each in causes]
    return canonical_json(stored).decode("ascii")


def load(text: str) -> tuple[Cause, ...]:
    """The causes of a stored form."""
    if not text.startswith("["):
        return (Cause(STORE, (), text),) if text else ()
    return tuple(Cause(code, tuple(items), said, way_out) for code, items, said, way_out in json.loads(text))


def of_items(failures: Mapping[str, SealerError]) -> str:
    """The stored form of what went wrong with the items of one document."""
    groups: dict[tuple[str, str], list[str]] = {}
    for item in sorted(failures):
        error = failures[item]
        code = next((code for kind, code in _KINDS if isinstance(error, kind)), MALFORMED)
        groups.setdefault((code, error.what if code in (MALFORMED, NO_KEY) else ""), []).append(item)
    return dump(*(Cause(code, tuple(items), text) for (code, text), items in groups.items()))


def short(text: str) -> str:
    """The form for a table: `cookie-key: bound elsewhere`."""
    return "; ".join(_short(each) for each in load(text))


def explain(text: str, ref: str, path: str, cluster: str) -> tuple[tuple[str, str], ...]:
    """What happened and the way out, for each cause."""
    return tuple((_said(each, ref, cluster), _way_out(each, path, cluster)) for each in load(text))


def items(text: str) -> tuple[str, ...]:
    """All items that a reason names."""
    return tuple(item for each in load(text) for item in each.items)


def _printable(text: str) -> str:
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in text)


def _short(cause: Cause) -> str:
    word = _SHORT.get(cause.code, cause.code)
    if cause.items:
        return f"{_few(cause.items)}: {word}"
    return word if cause.code in _SAID_ELSEWHERE else cause.text or word


def _said(cause: Cause, ref: str, cluster: str) -> str:
    named = _few(cause.items)
    was = "was" if len(cause.items) == 1 else "were"
    if cause.code == BOUND:
        return f"{named} {was} not sealed for {ref}: renamed, moved or pasted"
    if cause.code == CLOSED:
        return f"{named} cannot be opened: changed, or sealed for another name or key"
    if cause.code == NO_KEY:
        return f"{named}: {cause.text.partition(';')[0]}; cluster {cluster} holds no such key"
    return f"{named}: {cause.text}" if named else cause.text or _SHORT.get(cause.code, cause.code)


def _way_out(cause: Cause, path: str, cluster: str) -> str:
    if cause.way_out:
        return cause.way_out
    if cause.code == COMPROMISED:  # `check` names each item with its command
        return f"sealer keys fetch --cluster {cluster}; sealer check {shlex.quote(path)}"
    if not cause.items:
        return ""
    seal = f"sealer set {shlex.quote(path)} {cause.items[0]}"
    return f"sealer keys fetch --cluster {cluster}; {seal}" if cause.code == NO_KEY else seal


def _few(names: Sequence[str]) -> str:
    return ", ".join(names) if len(names) <= 3 else f"{', '.join(names[:3])} and {len(names) - 3} more"
