"""Every rule that comes with the scanner has what it needs; how fast each is, is measured by `hooks.engine.lint`."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from hooks.engine import lint, pack
from tests.hooks.engine.specs import SPECS

if TYPE_CHECKING:
    from hooks.engine.spec import Spec

ONE = next(rule for rule in SPECS if rule.id == "github-pat")


@pytest.mark.parametrize("rule", SPECS, ids=lambda rule: rule.id)
def test_no_rule_has_a_fault(rule: Spec) -> None:
    assert list(lint.faults(rule)) == []


def test_there_are_enough() -> None:
    assert len(SPECS) >= 250
    assert len({rule.id for rule in SPECS}) == len(SPECS)


def test_what_is_a_fault() -> None:
    assert list(lint.faults(ONE)) == []
    assert list(lint.faults(replace(ONE, keywords=("ghq_",)))) == ["may match without any of its keywords"]
    assert list(lint.faults(replace(ONE, found=(), passed=(), remediation=""))) == [
        "has no example of what it finds",
        "has no example of what it leaves alone",
        "doesn't say how to revoke what it finds",
    ]
    tree = pack.read("[a-z]{20}")
    (fault,) = lint.faults(replace(ONE, tree=tree, keywords=(), checksum=""))
    assert fault == "has neither keywords nor a fixed text of its own nor a checksum"


def test_speed_is_measured() -> None:
    rules = pack.parse(b"version: 1\nrules:\n  - {id: a-b, description: x, pattern: 'zqzq[a-z]{4}'}\n", "r.yaml")
    measured: dict[str, float] = {}
    for name, speed in lint.speeds(rules, [b"nothing to see here " * 50_000]):
        measured[name] = speed
        # Each is compiled alone: all of the triggers would take many seconds.
        if "a-b" in measured and name.startswith("trigger "):
            break
    assert measured["a-b"] > 0
    assert any(name.startswith("trigger ") and speed > 0 for name, speed in measured.items())
