"""The file of a baseline, both ways: YAML of which every entry is a line of its own, sorted.

Two branches that both add entries change different lines, and what Git can't keep apart its union merge puts together
(`.gitattributes`). So a reader takes what such a merge makes: several keys (which are lines of the same list, so that
two new files can be merged, too), lines out of order, lines twice.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

from hooks.baseline import DEFAULT
from hooks.baseline.entry import Entry, mac_of, path_text
from sealer.errors import DocumentError

if TYPE_CHECKING:
    from hooks.finding import Finding
    from sealer.configuration.config_reader import Value

UNION = "merge=union"
_KEY_BYTES = 32
_MOST_BYTES = 64 * 1024 * 1024
_HEAD = """\
# +argocd:skip-file-rendering
# Accepted findings: sealer scan baseline. Values are not in here, and can't be computed from it.
version: 1
accepted:
"""
_SALT = "salt"
_FIELDS = ("rule", "mac", "path", "key", "reason", "expires", "history")
_RULE = re.compile(r"[a-z0-9][-a-z0-9]{0,62}", re.ASCII)
_HEX = re.compile(r"(?:[0-9a-f]{2})+", re.ASCII)
_EXPECTED = "a line is  - {rule: ID, mac: HEX, reason: TEXT}  or has path and key, not mac; take it out, or from Git"
_UNMERGED = re.compile(rb"^(?:<{7} |={7}$|>{7} )", re.MULTILINE)


@dataclass(slots=True)
class Baseline:
    """Accepted findings, and which of them were asked for."""

    name: str = DEFAULT
    keys: tuple[bytes, ...] = field(default=(), repr=False)
    entries: tuple[Entry, ...] = ()
    used: set[tuple[str, ...]] = field(default_factory=set)
    _by_identity: dict[tuple[str, ...], Entry] = field(default_factory=dict, repr=False)

    def __post_init__(self) -> None:
        for entry in self.entries:
            known = self._by_identity.get(entry.identity)
            if known is None or _later(entry, known):
                self._by_identity[entry.identity] = entry

    def find(self, one: Finding, path: str) -> Entry | None:
        """The entry for a finding, expired or not; `path` is from the top of the repository."""
        for key in self.keys:
            mac = mac_of(one, key)
            if not mac:
                break
            if found := self._by_identity.get((one.rule.id, mac)):
                self.used.add(found.identity)
                return found
        found = (
            None
            if self.keys and mac_of(one, self.keys[0])
            else self._by_identity.get((one.rule.id, path_text(path), one.key))
        )
        if found:
            self.used.add(found.identity)
        return found

    def unused(self) -> list[Entry]:
        """Entries that no finding asked for."""
        return [entry for entry in self._by_identity.values() if entry.identity not in self.used]

    def with_entries(self, entries: Iterable[Entry]) -> Baseline:
        """This baseline with these entries in place of its own, and a key at least."""
        return Baseline(self.name, self.keys or (secrets.token_bytes(_KEY_BYTES),), tuple(entries))

    def render(self) -> bytes:
        """The bytes of the file."""
        lines = sorted(f'  - {{{_SALT}: "{key.hex()}"}}\n' for key in set(self.keys))
        lines += sorted(f"  - {entry.text()}\n" for entry in self._by_identity.values())
        return (_HEAD + "".join(lines)).encode()


def load(path: Path | str, name: str) -> Baseline:
    """The baseline in a file. Raises SourceError or DocumentError."""
    from hooks import regular

    return read(regular.read(path, limit=_MOST_BYTES), name)


def read(data: bytes, name: str) -> Baseline:
    """The baseline that bytes hold. Raises DocumentError that names the line."""
    from sealer.configuration.config_reader import Value
    from sealer.documents import yamlio

    if found := _UNMERGED.search(data):
        line = data.count(b"\n", 0, found.start()) + 1
        way_out = "keep the entries of both sides, take out the marks, then: sealer scan baseline --prune"
        raise DocumentError("is not merged yet", file=name, line=line, way_out=way_out)
    try:
        top = yamlio.load(data, name)
    except DocumentError as error:
        error.way_out = "; ".join(filter(None, (error.way_out, _EXPECTED)))
        raise
    if top is None:
        raise DocumentError("is empty", file=name, line=1, way_out="sealer scan baseline --reason TEXT")
    fields = Value(top, "", name).mapping(("version", "accepted"))
    for wanted in ("version", "accepted"):
        if wanted not in fields:
            raise DocumentError(f"lacks {wanted}", file=name, line=top.line)
    if fields["version"].node.text != "1":
        raise fields["version"].error("is a version that this program does not know", "update sealer")
    items = [(value, value.mapping()) for value in fields["accepted"].list()]
    keys = tuple(dict.fromkeys(_key(item[_SALT]) for _, item in items if _SALT in item))
    if not keys:
        raise fields["accepted"].error(f"holds no {_SALT}", "sealer scan baseline --reason TEXT makes a new file")
    return Baseline(name, keys, tuple(_entries(value for value, item in items if _SALT not in item)))


def _entries(values: Iterable[Value]) -> Iterator[Entry]:
    for value in values:
        fields = value.mapping(_FIELDS)
        by_value, place = "mac" in fields, {"path", "key"} & fields.keys()
        if "rule" not in fields or "reason" not in fields or len(place) != (0 if by_value else 2):
            raise value.error("needs rule, reason, and either mac or path and key", _EXPECTED)
        history = "history" in fields and fields["history"].node.text == "true"
        yield Entry(
            _matching(fields["rule"], _RULE, "is not the id of a rule"),
            _matching(fields["mac"], _HEX, "is not hexadecimal") if by_value else "",
            fields["path"].text() if place else "",
            fields["key"].node.text if place else "",
            fields["reason"].text(),
            _date(fields["expires"]) if "expires" in fields else None,
            history,
            value.line,
        )


def _key(value: Value) -> bytes:
    key = bytes.fromhex(_matching(value, _HEX, "is not hexadecimal"))
    if len(key) != _KEY_BYTES:
        raise value.error(f"is not a key of {_KEY_BYTES} bytes", "take it from Git: without it nothing is recognised")
    return key


def _matching(value: Value, pattern: re.Pattern[str], otherwise: str) -> str:
    text = value.text()
    if not pattern.fullmatch(text):
        raise value.error(otherwise, _EXPECTED)
    return text


def _date(value: Value) -> date:
    try:
        return date.fromisoformat(value.text())
    except ValueError:
        raise value.error("is not a date", "write it as 2027-01-31") from None


def _later(one: Entry, other: Entry) -> bool:
    """Whether an entry counts for longer than another for the same."""
    return other.expires is not None and (one.expires is None or one.expires > other.expires)
