"""Known differences from Go (cases/differences.yaml), each of which has to be there, as it is written down."""

from __future__ import annotations

import base64
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from sealer.errors import TemplateRefused
from sealer.template import rendering
from tests.sealer.template.test_go import CASES, DATA, asked

GROUPS = yaml.safe_load((CASES / "differences.yaml").read_text())
KNOWN = [case for group in GROUPS for case in group["cases"]]
RENDERS = 30
"""So often Go is asked for what varies; six keys come out in one order each time once in 8**29 runs at most."""
_PLACE = re.compile(r"^template: k:\d+:(\d+): ")


class Outcome:
    """What came of one render: a text, or a refusal with its column, counted from 1."""

    def __init__(self, text: str | None, said: str = "", column: int = 0) -> None:
        self.text = text
        self.said = said
        self.column = column

    def __repr__(self) -> str:
        return repr(self.text) if self.text is not None else f"column {self.column}: {self.said}"


def theirs(program: Path, template: str, times: int) -> list[Outcome]:
    data = {key: base64.b64encode(value).decode() for key, value in DATA.items()}
    request = {"op": "render", "name": "k", "template": template, "data": data}
    return [_of_go(answer) for answer in asked(program, [request] * times)]


def _of_go(answer: dict[str, Any]) -> Outcome:
    if "value" in answer:
        return Outcome(base64.b64decode(answer["value"]).decode())
    place = _PLACE.match(answer["refused"])
    return Outcome(None, answer["refused"], int(place[1]) + 1 if place else 0)


def ours(template: str) -> Outcome:
    try:
        return Outcome(rendering.render("k", template, DATA, rendering.run()).decode())
    except TemplateRefused as error:
        return Outcome(None, error.what, int(re.findall(r"column (\d+)", error.what)[0]))


def fits(outcome: Outcome, expected: str | dict[str, Any]) -> bool:
    if isinstance(expected, str):
        return outcome.text == expected
    if "refused" in expected:
        column = expected.get("column", outcome.column)
        return outcome.text is None and expected["refused"] in outcome.said and column == outcome.column
    pattern = expected.get("varies") or expected["matches"]
    return outcome.text is not None and re.fullmatch(pattern, outcome.text) is not None


@pytest.mark.parametrize("case", KNOWN, ids=[case["template"] for case in KNOWN])
def test_a_known_difference_is_still_there(case: dict[str, Any], go_templates: Path) -> None:
    expected, varies = case["go"], isinstance(case["go"], dict) and "varies" in case["go"]
    found, own = theirs(go_templates, case["template"], RENDERS if varies else 1), ours(case["template"])
    assert all(fits(outcome, expected) for outcome in found), found
    assert fits(own, case["we"]), own
    if varies:
        assert len({outcome.text for outcome in found}) > 1, "Go gives the same each time"
    else:
        assert not fits(own, expected), "we give what Go gives: this is no difference any more"


def test_each_difference_is_justified() -> None:
    assert all(len(group["why"].split()) > 8 for group in GROUPS)
