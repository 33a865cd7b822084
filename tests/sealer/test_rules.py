"""Matching of paths: against a reference by regular expression, and that it can't be made slow."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from sealer.configuration.config import Cluster, Config
from sealer.configuration.rules import MAX_PATTERN, Rule, compile_pattern, match, matches
from sealer.errors import FormatError, NameRefused
from sealer.formats.binding import Scope


def _match(pattern: str, path: str) -> dict[str, str] | None:
    return compile_pattern(pattern).match(tuple(path.split("/")))


def _config(*rules: Rule, clusters: tuple[str, ...] = ("staging", "prod")) -> Config:
    return Config(Path("/repo"), ".sealer.yaml", {name: Cluster(name) for name in clusters}, rules=rules)


# -- the reference: what each part means, as a regular expression ------------------------------------------------------


def _reference(pattern: str) -> re.Pattern[str]:
    expression = ""
    segments = pattern.split("/")
    for index, segment in enumerate(segments):
        final = index == len(segments) - 1
        if segment == "**":
            expression += r"(?:[^/]*/)*?[^/]*" if final else r"(?:[^/]*/)*?"
            continue
        for part in re.split(r"(\*|\{[a-z]+\})", segment):
            if part == "*":
                expression += r"[^/]*?"
            elif part.startswith("{"):
                expression += rf"(?P<{part[1:-1]}>[^/]+?)"
            else:
                expression += re.escape(part)
        expression += "" if final else "/"
    return re.compile(expression, re.DOTALL)


_LITERAL = st.text("ab-.", min_size=1, max_size=3)


@st.composite
def _segments(draw: st.DrawFn, captures: list[str]) -> str:
    parts = []
    for index in range(draw(st.integers(1, 4))):
        if index % 2 == draw(st.sampled_from([0, 1])) and not (parts and parts[-1][-1] in "*}"):
            capture = draw(st.booleans()) and captures
            parts.append("{" + captures.pop() + "}" if capture else "*")
        else:
            parts.append(draw(_LITERAL))
    return "".join(parts)


@st.composite
def _patterns(draw: st.DrawFn) -> str:
    captures = draw(st.permutations(["cluster", "namespace", "name"]))
    count = draw(st.integers(1, 5))
    return "/".join("**" if draw(st.integers(0, 2)) == 0 else draw(_segments(list(captures))) for _ in range(count))


def _valid(pattern: str) -> bool:
    try:
        compile_pattern(pattern)
    except FormatError:
        return False
    return True


@given(
    pattern=_patterns().filter(_valid), path=st.lists(st.text("ab-.", min_size=1, max_size=6), min_size=1).map("/".join)
)
@example(pattern="**/{namespace}/**/{name}.yaml", path="a/b/c/d.yaml")
@example(pattern="{namespace}-{name}.yaml", path="a-b-c.yaml")
@example(pattern="**/a/**", path="a/a")
@example(pattern="a/**", path="a")
def test_a_match_is_what_the_reference_says(pattern: str, path: str) -> None:
    expected = _reference(pattern).fullmatch(path)
    assert _match(pattern, path) == (expected.groupdict() if expected else None)


@given(pattern=_patterns().filter(_valid), data=st.data())
def test_a_path_made_from_a_pattern_matches_it(pattern: str, data: st.DataObject) -> None:
    def fill(hole: re.Match[str]) -> str:
        return data.draw(st.text("abx", min_size=1, max_size=3))

    segments = []
    for segment in pattern.split("/"):
        if segment == "**":
            segments += data.draw(st.lists(st.sampled_from(["x", "ab"]), min_size=1, max_size=2))
        else:
            segments.append(re.sub(r"\*|\{[a-z]+\}", fill, segment))
    assert _match(pattern, "/".join(segments)) is not None


@pytest.mark.parametrize(
    ("pattern", "path", "captured"),
    [
        ("secrets/{namespace}/{name}.yaml", "secrets/web/db.yaml", {"namespace": "web", "name": "db"}),
        ("secrets/{namespace}/{name}.yaml", "secrets/web/db.prod.yaml", {"namespace": "web", "name": "db.prod"}),
        ("secrets/{namespace}/{name}.yaml", "secrets/web/.yaml", None),
        ("secrets/{namespace}/{name}.yaml", "secrets/web/x/db.yaml", None),
        ("secrets/{namespace}/{name}.yaml", "Secrets/web/db.yaml", None),
        ("vm/billing/**/*.yaml", "vm/billing/a.yaml", {}),
        ("vm/billing/**/*.yaml", "vm/billing/x/y/a.yaml", {}),
        ("vm/billing/**/*.yaml", "vm/billing/x/y/a.json", None),
        ("vm/**", "vm", None),
        ("vm/**", "vm/x", {}),
        ("**/testdata/**", "testdata/x", {}),
        ("**/testdata/**", "a/b/testdata/c/d", {}),
        ("**/testdata/**", "a/testdata", None),
        ("**", "a/b", {}),
        ("a*b*c", "abbc", {}),
        ("a*b*c", "ac", None),
        ("ab*ba", "aba", None),
    ],
)
def test_what_a_pattern_matches(pattern: str, path: str, captured: dict[str, str] | None) -> None:
    assert _match(pattern, path) == captured
    assert matches(pattern, path) is (captured is not None)


@pytest.mark.parametrize(
    ("pattern", "said"),
    [
        ("", "characters"),
        ("a" * (MAX_PATTERN + 1), "characters"),
        ("/etc/passwd", "not below"),
        ("~/x", "not below"),
        ("../x", "'..'"),
        ("a/../x", "'..'"),
        ("./a", "'.'"),
        ("a//b", "empty"),
        ("a/", "empty"),
        ("a/{name}/{name}", "twice"),
        ("{name}{namespace}", "side by side"),
        ("{name}*", "side by side"),
        ("a**", "**"),
        ("a/***", "**"),
        ("{team}/x", "capture"),
        ("{staging,prod}/x", "capture"),
        ("{name", "capture"),
        ("name}", "'}'"),
        ("a?", "'?'"),
        ("[ab]", "'['"),
        ("a\\b", "'\\'"),
        ("a\x1bb", "\\x1b"),
    ],
)
def test_a_pattern_that_means_nothing_is_refused_with_a_way_out(pattern: str, said: str) -> None:
    with pytest.raises(FormatError, match=re.escape(said)) as refused:
        compile_pattern(pattern)
    assert refused.value.way_out or "characters" in said


def test_no_pattern_takes_more_than_linear_time() -> None:
    hostile = ["a*" * 400 + "b", "**/" * 300 + "b", "**/a*a*a*a*/" * 60 + "b", "*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*b"]
    paths = ["a" * 4000, "/".join("a" * 2000), "/".join(["a" * 250] * 16)]
    compiled = [compile_pattern(pattern) for pattern in hostile]
    # A backtracking matcher needs longer than the age of the universe.
    assert all(pattern.match(tuple(path.split("/"))) is None for pattern in compiled for path in paths)


def test_the_first_rule_that_matches_decides() -> None:
    config = _config(
        Rule("clusters/{cluster}/{namespace}/{name}.yaml", 7),
        Rule("vm/billing/**/*.yaml", 9, ("prod",), "billing", None, Scope.NAMESPACE_WIDE, ("vault-prod",)),
        Rule("**/*.yaml", 12, ("staging",)),
    )
    first = match(config, "clusters/prod/web/db.yaml")
    assert first is not None
    assert (first.rule.line, first.clusters, first.namespace, first.name) == (7, ("prod",), "web", "db")
    second = match(config, "vm/billing/x/y.yaml")
    assert second is not None
    assert (second.clusters, second.namespace, second.name) == (("prod",), "billing", None)
    assert (second.scope, second.stores) == (Scope.NAMESPACE_WIDE, ("vault-prod",))
    third = match(config, "clusters/prod/db.yaml")
    assert third is not None
    assert third.rule.line == 12
    assert match(config, "README.md") is None


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("clusters/qa/web/db.yaml", "'qa'"),
        ("clusters/prod/Web/db.yaml", "'Web'"),
        ("clusters/prod/web/D_B.yaml", "'D_B'"),
    ],
)
def test_a_captured_field_that_can_not_be_is_said_by_the_match(path: str, said: str) -> None:
    found = match(_config(Rule("clusters/{cluster}/{namespace}/{name}.yaml", 7)), path)
    assert found is not None
    assert said in found.problem
    assert ".sealer.yaml:7" in found.problem
    with pytest.raises(NameRefused, match="7") as refused:
        found.checked()
    assert refused.value.way_out


def test_a_match_without_a_problem_is_itself() -> None:
    found = match(_config(Rule("{cluster}/x.yaml")), "prod/x.yaml")
    assert found is not None
    assert found.checked() is found
