"""Rules and triggers into what the engines load: records for confirming, expressions for the first pass. Cold path."""

from __future__ import annotations

import marshal
import sys
from binascii import crc32

from hooks.engine.found import DETECTORS

TYPE_CHECKING = False  # typing's own would be an import.
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from typing import Any

    from hooks.engine.spec import Spec

_HEAD = b"sealer rules 1 %s\n" % (sys.implementation.cache_tag or "").encode()
"""The format, and the Python that marshal wrote it for."""

Pattern = tuple[bytes, int, bool]
"""An expression, the number that it reports, and whether once is enough."""


class Record:
    """What of a rule is needed to confirm it, in plain values that `marshal` writes. `window`: 0 for all of a text."""

    FIELDS = (
        "id",
        "description",
        "severity",
        "remediation",
        "pattern",
        "group",
        "window",
        "entropy",
        "checksum",
        "only",
        "never",
        "rank",
        "keywords",
    )
    __slots__ = FIELDS
    if TYPE_CHECKING:
        id: str
        description: str
        severity: str
        remediation: str
        pattern: bytes
        group: int
        window: int
        entropy: float
        checksum: str
        only: str
        never: str
        rank: int
        keywords: tuple[bytes, ...]

    def __init__(self, values: Iterable[Any]) -> None:
        for name, value in zip(self.FIELDS, values, strict=True):
            setattr(self, name, value)

    def plain(self) -> tuple[Any, ...]:
        """Its values, as the constructor takes them."""
        return tuple(getattr(self, name) for name in self.FIELDS)


class Records:
    """Records by number, made of their values when they are asked for: a run needs a few of them."""

    __slots__ = ("_made", "_values")

    def __init__(self, values: Sequence[tuple[Any, ...]]) -> None:
        self._values = values
        self._made: dict[int, Record] = {}

    def __len__(self) -> int:
        return len(self._values)

    def __getitem__(self, number: int) -> Record:
        found = self._made.get(number)
        if found is None:
            found = self._made[number] = Record(self._values[number])
        return found

    def __iter__(self) -> Iterator[Record]:
        return map(self.__getitem__, range(len(self._values)))


class Built:
    """What the rules of a digest are compiled to. Patterns may be as `marshal` wrote them, until they are asked for."""

    __slots__ = ("_patterns", "records")

    def __init__(self, records: Records | Sequence[Record], patterns: bytes | tuple[Pattern, ...]) -> None:
        self.records = records
        self._patterns = patterns

    @property
    def patterns(self) -> tuple[Pattern, ...]:
        """The expressions of the first pass."""
        if isinstance(self._patterns, bytes):
            read: tuple[Pattern, ...] = marshal.loads(self._patterns)  # noqa: S302
            self._patterns = read
        return self._patterns


def build(rules: Sequence[Spec]) -> Built:
    """Records and expressions of rules and of all detectors."""
    from hooks.engine import triggers

    patterns = [
        (expression, number, bool(rule.mentions))
        for number, rule in enumerate(rules)
        for expression in rule.expressions()
    ]
    for number, trigger in enumerate(triggers.all_(rules), DETECTORS):
        patterns += [(pattern, number, trigger.once) for pattern in trigger.patterns]
    return Built(Records([_values(rule) for rule in rules]), tuple(patterns))


def dump(built: Built) -> bytes:
    """As bytes: a line with format and Python, a checksum (CRC-32, 4 bytes), and what marshal writes."""
    body = marshal.dumps((tuple(record.plain() for record in built.records), marshal.dumps(built.patterns)))
    return _HEAD + crc32(body).to_bytes(4, "big") + body


def load(data: bytes | None) -> Built | None:
    """From bytes; None if they are damaged or of another format. Only for a file that is ours: marshal trusts it."""
    if data is None or not data.startswith(_HEAD):
        return None
    body = memoryview(data)[len(_HEAD) + 4 :]
    if crc32(body).to_bytes(4, "big") != data[len(_HEAD) : len(_HEAD) + 4]:
        return None
    try:
        records, patterns = marshal.loads(body)  # noqa: S302
        fits = isinstance(patterns, bytes) and all(len(values) == len(Record.FIELDS) for values in records)
    except (EOFError, TypeError, ValueError):
        return None
    return Built(Records(records), patterns) if fits else None


def _values(rule: Spec) -> tuple[Any, ...]:
    """What a Record holds, in the order of its fields."""
    return (
        rule.id,
        rule.description,
        rule.severity,
        rule.remediation,
        rule.pattern.encode(),
        rule.group,
        rule.window,
        rule.entropy,
        rule.checksum,
        globs(rule.only),
        globs(rule.never),
        rule.rank,
        tuple(word.encode() for word in rule.keywords),
    )


def globs(patterns: Sequence[str]) -> str:
    """Globs as one expression over a path; a glob without a slash is one of the name. Empty for none."""
    return "|".join(rf"(?:{_glob(pattern if '/' in pattern else f'**/{pattern}')})" for pattern in patterns)


def _glob(pattern: str) -> str:
    parts, at = [], 0
    while at < len(pattern):
        if pattern.startswith("**/", at):
            parts.append("(?:.*/)?")
            at += 3
        elif pattern.startswith("**", at):
            parts.append(".*")
            at += 2
        else:
            sign = pattern[at]
            parts.append({"*": "[^/]*", "?": "[^/]"}.get(sign, sign if sign.isalnum() else f"\\{sign}"))
            at += 1
    return "".join(parts)
