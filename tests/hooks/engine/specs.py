"""The rules that come with the scanner, read once: it takes seconds, and every worker of a run collects all tests."""

from __future__ import annotations

from hooks import engine
from hooks.engine import pack

FILES = engine.rule_files(engine.RULES)
SPECS = pack.load(FILES)
