"""Rule files (`hooks/rules/*.yaml`, `.sealer/rules/*.yaml`) into rules; errors name file and line. For cold paths."""

from __future__ import annotations

import os
import re
from collections.abc import Container, Iterable, Sequence
from typing import TYPE_CHECKING, Any

from hooks.engine import checksum, shape
from hooks.engine.spec import Example, Spec, assigned, read, read_assigned
from hooks.engine.syntax import PatternError
from hooks.rule import ERROR
from sealer.errors import DocumentError, SourceError

if TYPE_CHECKING:
    from hooks.engine.tree import Tree
    from sealer.documents.node import Node

# Examples are `true` and `false`, which YAML reads as booleans: nobody should have to know that here.
_BOOLEAN = re.compile(rb"^([ \t]+)(true|false)(?=:\s)", re.MULTILINE)


def load(paths: Iterable[str], outlined: Container[str] = (), *, checked: Container[str] = ()) -> list[Spec]:
    """The rules of files. Raises DocumentError or SourceError.

    `checked`: files that come with the scanner, which our tests hold against the schema and against RE2: that is not
    done again. `outlined`: such files of rules that are only spoken of; these have no `tree`, which is the rest of
    the time.
    """
    rules: dict[str, Spec] = {}
    for path in paths:
        for rule in parse(_read(path), _shown(path), outlined=path in outlined, checked=path in checked):
            if rule.id in rules:
                first = rules[rule.id]
                what = f"rule {rule.id} is in {first.file}:{first.line} already"
                raise DocumentError(what, file=rule.file, line=rule.line, way_out="give it another id")
            rules[rule.id] = rule
    return list(rules.values())


def parse(data: bytes, file: str, *, outlined: bool = False, checked: bool = False) -> list[Spec]:
    """The rules of one file's bytes. Raises DocumentError."""
    from sealer.documents import yamlio

    node = yamlio.load(_BOOLEAN.sub(rb'\1"\2"', data), file)
    if node is None:
        raise DocumentError("is empty", file=file, way_out="write `version: 1` and `rules:`")
    if not (outlined or checked):
        from sealer import schema

        schema.validate(node.plain(), "scan-rules", file=file, node=node)
    listed = node.get("rules")
    return [_rule(one, file, outlined=outlined, checked=checked) for one in (listed.children if listed else ())]


def _read(path: str) -> bytes:
    try:
        with open(path, "rb") as stream:
            return stream.read()
    except OSError as error:
        raise SourceError(f"can't be read: {(error.strerror or 'unknown reason').lower()}", where=path) from None


def _shown(path: str) -> str:
    short = os.path.relpath(path)
    return path if short.startswith("..") else short


def _rule(node: Node, file: str, *, outlined: bool, checked: bool) -> Spec:
    said: dict[str, Any] = node.plain()
    name = said["id"]
    place = node.get("pattern") or node.get("assigned") or node
    by_name = said.get("assigned")
    names = [each.lower() for each in by_name["names"]] if by_name else []
    pattern = assigned(names, by_name["value"]) if by_name else said["pattern"]
    try:
        tree: Tree = shape.EMPTY
        if not outlined:
            tree = read_assigned(names, by_name["value"]) if by_name else read(pattern)
        if not (outlined or checked):
            _check(pattern)
    except PatternError as error:
        raise DocumentError(f"rule {name}: the pattern {error}", file=file, line=place.line) from None
    if said.get("checksum", "") not in ("", *checksum.CHECKS):
        known = ", ".join(sorted(checksum.CHECKS))
        raise DocumentError(f"rule {name}: there is no such checksum", file=file, line=node.line, way_out=known)
    mentions = tuple(said.get("mentions", ()))
    keywords = mentions or said.get("keywords") or _keywords(names)
    paths, examples = said.get("paths", {}), said.get("examples", {})
    return Spec(
        id=name,
        description=said["description"],
        pattern=pattern,
        keywords=tuple(keywords),
        entropy=float(said.get("entropy", 0)),
        checksum=said.get("checksum", ""),
        only=tuple(paths.get("only", ())),
        never=tuple(paths.get("not", ())),
        severity=said.get("severity", ERROR),
        remediation=said.get("remediation", ""),
        assigned=by_name is not None,
        generic=said.get("generic", False),
        found=_examples(examples.get("true", ())),
        passed=_examples(examples.get("false", ())),
        file=file,
        line=node.line,
        tree=tree,
        names=tuple(names),
        mentions=mentions,
    )


def _check(pattern: str) -> None:
    """Whether RE2 takes an expression; what our reader accepts may still be too large."""
    import re2

    from hooks.engine.confirm import exact

    try:
        exact(pattern.encode())
    except re2.error:
        raise PatternError("is more than RE2 takes (make repetitions shorter, or fewer)") from None


def _keywords(names: Sequence[str]) -> list[str]:
    """The names, less those that hold another."""
    return [name for name in names if not any(other != name and other in name for other in names)]


def _examples(said: Sequence[Any]) -> tuple[Example, ...]:
    return tuple(Example(one) if isinstance(one, str) else Example(one["text"], one["path"]) for one in said)
