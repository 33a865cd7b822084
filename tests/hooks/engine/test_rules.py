"""Every rule that comes with the scanner finds its true examples, alone, and no false one, by both engines."""

from __future__ import annotations

import functools
import re
from typing import TYPE_CHECKING

import pytest

from hooks import engine
from hooks.engine.template import expand
from hooks.text import Text
from tests.hooks.engine.specs import SPECS

if TYPE_CHECKING:
    from hooks.engine.spec import Example, Spec

DRAWS = 3
"""So many texts are drawn from each template."""


@functools.cache
def loaded(name: str) -> engine.Engine:
    return engine.Engine(engine.rule_files(engine.RULES), name=name)


def found(name: str, text: str, path: str) -> list[str]:
    one = Text(path, text.encode())
    running = loaded(name)
    return sorted(hit.rule.id for hit in running.hits(one, running.candidates(one.data)))


def drawn(rule: Spec, examples: tuple[Example, ...]) -> list[tuple[str, str]]:
    return [
        (expand(one.text, f"{rule.id} {number} {draw}"), one.path or "config/settings")
        for number, one in enumerate(examples)
        for draw in range(DRAWS)
    ]


@pytest.mark.parametrize("name", ["", "re2"])
@pytest.mark.parametrize("rule", SPECS, ids=lambda rule: rule.id)
def test_examples(rule: Spec, name: str) -> None:
    assert rule.found
    for text, path in drawn(rule, rule.found):
        for around in (text, f"\n# comment\n{text}\nlast: line\n"):
            assert set(found(name, around, path)) == {rule.id}, rule.id
    for text, path in drawn(rule, rule.passed):
        assert rule.id not in found(name, text, path), rule.id


@pytest.mark.parametrize("rule", SPECS, ids=lambda rule: rule.id)
def test_tokens_on_adjacent_lines(rule: Spec) -> None:
    """What ends a token, the end of its line, may begin the next one as well."""
    for number, one in enumerate(rule.found):
        texts = [expand(one.text, f"{rule.id} {number} {draw}") for draw in range(DRAWS)]
        if not any("\n" in text for text in texts):
            assert found("", "\n".join(texts), one.path or "config/settings") == [rule.id] * DRAWS


_ADDRESS = re.compile(r"https://(?:[a-z0-9](?:[a-z0-9-]*[a-z0-9])?\.)+[a-z]{2,}(?:/[\w.~%@#=&?+:$/-]*)?")


@pytest.mark.parametrize("spec", SPECS, ids=lambda spec: spec.id)
def test_addresses_to_turn_to_are_well_formed(spec: Spec) -> None:
    for address in re.findall(r"\b\w+://[^\s'\"<>()]+", spec.remediation):
        assert _ADDRESS.fullmatch(address.rstrip(".,;"))
    assert "www." not in spec.remediation or "://www." in spec.remediation
