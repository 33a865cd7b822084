"""Rules of `.sealer.yaml`: which clusters, names and scope a path stands for (DESIGN section 12). Pure.

A pattern is matched segment by segment: `*` and `{cluster}`, `{namespace}`, `{name}` stand within one segment, `**` for
any number of whole segments. It is no regular expression: each hole takes the shortest text that fits, from the left,
and what was taken is never tried again, so that a pattern out of a pull request can't burn time.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from sealer.errors import FormatError, NameRefused
from sealer.formats.binding import Scope, check_name, check_namespace

if TYPE_CHECKING:
    from sealer.configuration.config import Config

CAPTURES = ("cluster", "namespace", "name")
MAX_PATTERN = 1024
"""Longest pattern, in characters."""


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule as it is written; `line` is where it begins in `.sealer.yaml`."""

    pattern: str
    line: int = 0
    clusters: tuple[str, ...] = ()
    namespace: str | None = None
    name: str | None = None
    scope: Scope | None = None
    stores: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Match:
    """A rule with its captures filled in. `problem` says why the path can't be what the rule makes of it."""

    rule: Rule
    clusters: tuple[str, ...]
    namespace: str | None
    name: str | None
    scope: Scope | None
    stores: tuple[str, ...]
    problem: str = ""
    way_out: str = ""

    def checked(self) -> Match:
        """This match, if nothing is wrong with it; else NameRefused."""
        if self.problem:
            raise NameRefused(self.problem, way_out=self.way_out)
        return self


def match(config: Config, relative_path: str) -> Match | None:
    """The first rule that a path (from the folder of `.sealer.yaml`, with `/`) matches, with its captures."""
    segments = tuple(relative_path.split("/"))
    for rule in config.rules:
        captured = compile_pattern(rule.pattern).match(segments)
        if captured is not None:
            return _filled(config, rule, captured)
    return None


def matches(pattern: str, relative_path: str) -> bool:
    """Whether a path matches a pattern (of `run.files`, `scan.exclude`)."""
    return compile_pattern(pattern).match(tuple(relative_path.split("/"))) is not None


def _filled(config: Config, rule: Rule, captured: dict[str, str]) -> Match:
    cluster = captured.get("cluster")
    found = Match(
        rule,
        (cluster,) if cluster is not None else rule.clusters,
        captured.get("namespace", rule.namespace),
        captured.get("name", rule.name),
        rule.scope,
        rule.stores,
    )
    problem, way_out = _problem(config, captured)
    if not problem:
        return found
    said = f"rule '{rule.pattern}' ({config.file}:{rule.line}) {problem}"
    return Match(rule, found.clusters, found.namespace, found.name, rule.scope, rule.stores, said, way_out)


def _problem(config: Config, captured: dict[str, str]) -> tuple[str, str]:
    cluster = captured.get("cluster")
    if cluster is not None and cluster not in config.clusters:
        known = ", ".join(config.clusters)
        return (
            f"takes cluster '{cluster}' from the path, which is none of: {known}",
            "move the file, or add the cluster",
        )
    try:
        if "namespace" in captured:
            check_namespace(captured["namespace"])
        if "name" in captured:
            check_name(captured["name"])
    except NameRefused as error:
        return f"can't be used: {error.what}", "rename the file or folder, or change the rule"
    return "", ""


@dataclass(frozen=True, slots=True)
class Segment:
    """One segment between slashes: literals with holes between them; a hole is a capture's name or "" for `*`."""

    literals: tuple[str, ...]
    holes: tuple[str, ...] = ()

    def fit(self, text: str, captured: dict[str, str]) -> bool:
        """Whether `text` fits; what the holes take is put into `captured`."""
        head, tail = self.literals[0], self.literals[-1]
        if not self.holes:
            return text == head
        at, end = len(head), len(text) - len(tail)
        if at > end or not text.startswith(head) or not text.endswith(tail):
            return False
        for hole, following in zip(self.holes[:-1], self.literals[1:-1], strict=True):
            found = text.find(following, at + bool(hole), end)
            if found < 0:
                return False
            _take(hole, text[at:found], captured)
            at = found + len(following)
        _take(self.holes[-1], text[at:end], captured)
        return end - at >= bool(self.holes[-1])


def _take(hole: str, value: str, captured: dict[str, str]) -> None:
    if hole:
        captured[hole] = value


@dataclass(frozen=True, slots=True)
class Pattern:
    """A compiled pattern: runs of segments; between two runs stands a `**`."""

    runs: tuple[tuple[Segment, ...], ...]
    captures: frozenset[str] = field(default_factory=frozenset)

    def match(self, path: tuple[str, ...]) -> dict[str, str] | None:
        """What the captures take from a path's segments; None if it doesn't match."""
        captured: dict[str, str] = {}
        first, last = self.runs[0], self.runs[-1]
        if len(self.runs) == 1:
            return captured if len(path) == len(first) and _fit_run(first, path, 0, captured) else None
        # A closing ** stands for at least one segment: `vm/**` is what lies below vm, not a file of that name.
        end = len(path) - (len(last) or 1)
        if len(first) > end or not _fit_run(first, path, 0, captured):
            return None
        at = len(first)
        for run in self.runs[1:-1]:
            starts = (start for start in range(at, end - len(run) + 1) if _fit_run(run, path, start, captured))
            found = next(starts, None)
            if found is None:
                return None
            at = found + len(run)
        return captured if _fit_run(last, path, end, captured) else None


def _fit_run(run: tuple[Segment, ...], path: tuple[str, ...], at: int, captured: dict[str, str]) -> bool:
    for number, segment in enumerate(run, at):  # noqa: SIM110  # `all` costs as much again: this is asked of each path
        if not segment.fit(path[number], captured):
            return False
    return True


@functools.lru_cache(maxsize=4096)
def compile_pattern(text: str) -> Pattern:
    """The pattern that a text means. Raises FormatError, with a way out, for what it can't mean."""
    if not text or len(text) > MAX_PATTERN:
        raise FormatError(f"a path pattern has 1 to {MAX_PATTERN} characters")
    runs: list[tuple[Segment, ...]] = []
    run: list[Segment] = []
    captures: list[str] = []
    for segment in text.split("/"):
        _refuse_escape(segment, text)
        if segment == "**":
            runs.append(tuple(run))
            run = []
            continue
        run.append(_segment(segment))
        captures += [hole for hole in run[-1].holes if hole]
    for capture in captures:
        if captures.count(capture) > 1:
            raise FormatError(f"captures {{{capture}}} twice", way_out=f"keep one {{{capture}}}, and write * elsewhere")
    return Pattern((*runs, tuple(run)), frozenset(captures))


def _refuse_escape(segment: str, text: str) -> None:
    if text.startswith(("/", "~")):
        raise FormatError("is not below the folder of .sealer.yaml", way_out="write it from that folder, without /")
    if segment in ("", ".", ".."):
        named = f"'{segment}'" if segment else "an empty"
        raise FormatError(f"has {named} segment: it leaves the folder or never matches", way_out="write the plain path")


def _segment(text: str) -> Segment:
    literals, holes = [""], list[str]()
    for token, hole in _tokens(text):
        if hole is None:
            literals[-1] += token
        elif holes and not literals[-1]:
            raise FormatError("has two wildcards side by side", way_out="put a character between them, as in {a}-{b}")
        else:
            holes.append(hole)
            literals.append("")
    return Segment(tuple(literals), tuple(holes))


def _tokens(text: str) -> Iterator[tuple[str, str | None]]:
    """(literal, None) or ("", hole) for each part of a segment."""
    if "**" in text:
        raise FormatError("has ** beside other characters", way_out="write ** as a whole segment, as in a/**/*.yaml")
    while text:
        if text[0] == "*":
            yield "", ""
            text = text[1:]
        elif text[0] == "{":
            name, closed, rest = text[1:].partition("}")
            if not closed or name not in CAPTURES:
                raise FormatError("has braces that are no capture", way_out="use {cluster}, {namespace} or {name}")
            yield "", name
            text = rest
        elif text[0] in "}?[]!\\" or not text[0].isprintable():
            shown = text[0] if text[0].isprintable() else f"\\x{ord(text[0]):02x}"
            raise FormatError(f"has '{shown}', which means nothing here", way_out="use * for any text in a segment")
        else:
            yield text[0], None
            text = text[1:]
