"""Marks in a line: ours, and those of other scanners."""

from __future__ import annotations

import pytest

from hooks.allow import allowed, marked
from hooks.finding import Value

LINE = 'token = "x"'


@pytest.mark.parametrize(
    "line",
    [
        f"{LINE}  # sealer:allow acme-token a fixture",
        f"{LINE}  # gitleaks:allow",
        f"{LINE}  // gitleaks:allow",
        f"{LINE}  # betterleaks:allow",
        f"{LINE}  # trufflehog:ignore",
        f"{LINE}  # pragma: allowlist secret",
        f"{LINE}  // pragma: whitelist secret",
        f"{LINE}  /* pragma: allowlist secret */",
        f"{LINE}  <!-- pragma: allowlist secret -->",
        f"{LINE}  -- pragma: allowlist secret",
    ],
)
def test_marks_accept_their_line_alone(line: str) -> None:
    assert marked(line)
    assert allowed([LINE, line, LINE], 2, "acme-token") == "yes"
    assert allowed([LINE, line, LINE], 1, "acme-token") == ""
    assert allowed([LINE, line, LINE], 3, "acme-token") == ""


def test_the_next_line_is_accepted_from_above() -> None:
    for above in ("# pragma: allowlist nextline secret", "// pragma: allowlist nextline secret"):
        assert marked(above)
        assert allowed([above, LINE, LINE], 2, "acme-token") == "yes"
        assert allowed([above, LINE, LINE], 3, "acme-token") == ""
        assert allowed([above, LINE], 1, "acme-token") == ""


@pytest.mark.parametrize(
    "line",
    [
        f"{LINE}  # gitleaks:allowed",
        f"{LINE}  # my-gitleaks allow",
        f"{LINE}  pragma: allowlist secret",
        f"{LINE}  # pragma: allowlist nextline secret",
        f"{LINE}  # trufflehog:ignored",
    ],
)
def test_what_is_no_mark_accepts_nothing(line: str) -> None:
    assert allowed([LINE, line, LINE], 2, "acme-token") == ""


def test_ours_that_does_not_count_is_told() -> None:
    for mark, said in (("other-token a fixture", "another rule"), ("", "no rule"), (": acme-token", "no rule")):
        assert allowed([f"{LINE}  # sealer:allow {mark}"], 1, "acme-token") == said
        assert allowed([f"# sealer:allow {mark}", LINE], 2, "acme-token") == said
        assert allowed(["# sealer:allow acme-token why", f"{LINE}  # sealer:allow {mark}"], 2, "acme-token") == "yes"
        assert allowed([f"{LINE}  # sealer:allow {mark}  # gitleaks:allow"], 1, "acme-token") == "yes"
    assert allowed([f"{LINE}  # sealer:allow acme-token"], 1, "acme-token") == "no reason"
    assert allowed([f"{LINE}  # sealer:allow acme-token -->"], 1, "acme-token") == "no reason"
    assert allowed([f"{LINE}  # sealer:allow acme-token gitleaks:allow"], 1, "acme-token") == "yes"


def test_ours_is_in_a_comment_or_behind_the_value() -> None:
    value = Value("x")
    for before in (
        '- pw: sealer:allow acme-token "x"',
        'url: https://sealer:allow acme-token "x"',
        "sealer:allow acme-token x",
    ):
        assert allowed([before], 1, "acme-token", value) == ""
        assert allowed([before], 1, "acme-token") == ""
        assert allowed([before.replace("sealer:allow", "gitleaks:allow")], 1, "acme-token", value) == "yes"
    for sign in ("#", "//", "--", ";", "/*", "<!--", "%", "{{/*", "{{!", "'", "REM ", "# noqa"):
        assert allowed([f"{LINE} {sign} sealer:allow acme-token a fixture"], 1, "acme-token", None) == "yes", sign
        assert allowed([f"{sign} sealer:allow acme-token a fixture {LINE}"], 1, "acme-token", None) == "yes", sign
    assert allowed(["TOKEN=x sealer:allow acme-token a fixture"], 1, "acme-token", value) == "yes"


def test_lines_outside_of_the_text_are_no_marks() -> None:
    assert [allowed([], line, "acme-token") for line in (0, 1, 2, 3)] == [""] * 4
