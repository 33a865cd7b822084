"""What triggers, code pairs and the judge find together, without the rest of the scanner."""

from __future__ import annotations

import functools

import hyperscan

from hooks.code import pairs
from hooks.credential import judge
from hooks.credential_trigger import TRIGGER
from hooks.text import Text


@functools.cache
def _database() -> hyperscan.Database:
    database = hyperscan.Database()
    flags = hyperscan.HS_FLAG_DOTALL | hyperscan.HS_FLAG_MULTILINE
    database.compile(expressions=list(TRIGGER), ids=list(range(len(TRIGGER))), flags=flags)
    return database


def triggers(data: bytes) -> list[int]:
    """Where triggers match."""
    ends: list[int] = []
    _database().scan(data, match_event_handler=lambda _id, _start, end, _flags, _context: ends.append(end))
    return ends


def found(path: str, text: str) -> dict[int, str]:
    """The lines that leak, each with its rule."""
    source = Text(path, text.encode())
    judged = ((pair, judge(pair, path)) for pair in pairs(source, triggers(source.data)))
    return {pair.line: rule.id for pair, rule in judged if rule is not None}
