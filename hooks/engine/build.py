"""Rules and triggers into what the engines load: records for confirming, expressions for the first pass. Cold path."""

from __future__ import annotations

import marshal
import zlib
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from hooks.engine import triggers
from hooks.engine.found import DETECTORS

if TYPE_CHECKING:
    from hooks.engine.spec import Spec

Pattern = tuple[bytes, int, bool]
"""An expression, the number that it reports, and whether once is enough."""


class Record(NamedTuple):
    """What of a rule is needed to confirm it, in plain values that `marshal` writes. `window`: 0 for all of a text."""

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


class Built(NamedTuple):
    """What the rules of a digest are compiled to."""

    records: tuple[Record, ...]
    patterns: tuple[Pattern, ...]


def build(rules: Sequence[Spec]) -> Built:
    """Records and expressions of rules and of all detectors."""
    patterns = [(rule.expression(), number, bool(rule.mentions)) for number, rule in enumerate(rules)]
    for number, trigger in enumerate(triggers.all_(rules), DETECTORS):
        patterns += [(pattern, number, trigger.once) for pattern in trigger.patterns]
    return Built(tuple(_record(rule) for rule in rules), tuple(patterns))


def dump(built: Built) -> bytes:
    """As bytes, with a checksum in front."""
    body = marshal.dumps((tuple(map(tuple, built.records)), built.patterns))
    return zlib.crc32(body).to_bytes(4, "big") + body


def load(data: bytes | None) -> Built | None:
    """From bytes; None if they are damaged. Only for bytes of a file that is ours: marshal trusts them."""
    if data is None or zlib.crc32(data[4:]).to_bytes(4, "big") != data[:4]:
        return None
    records: Any
    records, patterns = marshal.loads(data[4:])  # noqa: S302
    return Built(tuple(Record(*record) for record in records), patterns)


def _record(rule: Spec) -> Record:
    return Record(
        id=rule.id,
        description=rule.description,
        severity=rule.severity,
        remediation=rule.remediation,
        pattern=rule.pattern.encode(),
        group=rule.group,
        window=rule.window,
        entropy=rule.entropy,
        checksum=rule.checksum,
        only=globs(rule.only),
        never=globs(rule.never),
        rank=rule.rank,
        keywords=tuple(word.encode() for word in rule.keywords),
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
