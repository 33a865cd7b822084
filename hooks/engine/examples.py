"""A repository's own rules against their own examples, when rules are compiled: one that contradicts itself is told."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hooks.engine import build
from hooks.engine.confirm import Confirm
from hooks.engine.template import TemplateError, expand
from hooks.text import Text
from sealer.errors import DocumentError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from hooks.engine.spec import Example, Spec

_PATH = "config/settings"


class _Everywhere:
    """What a first pass says that finds the one rule anywhere."""

    def rules(self) -> list[tuple[int, list[int]]]:
        """The number of a rule, and that all of the text is to be looked at."""
        return [(0, [])]


def check(rules: Iterable[Spec]) -> None:
    """Raises DocumentError where an example under `true` is not found, or one under `false` is."""
    for rule in rules:
        confirm = Confirm(build.build([rule]).records)
        for examples, wanted in ((rule.found, True), (rule.passed, False)):
            for number, one in enumerate(examples, 1):
                if one.path or not (rule.only or rule.never):
                    _check(confirm, rule, one, number, wanted=wanted)


def _check(confirm: Confirm, rule: Spec, one: Example, number: int, *, wanted: bool) -> None:
    word = "true" if wanted else "false"
    what = f"rule {rule.id}: example {number} of `{word}`"
    try:
        text = Text(one.path or _PATH, expand(one.text, f"{rule.id} {number}").encode())
    except TemplateError as error:
        raise DocumentError(f"{what}: {error}", file=rule.file, line=rule.line) from None
    if bool(confirm.hits(text, _Everywhere())) is not wanted:  # type: ignore[arg-type]
        said = "is not found by its pattern" if wanted else "is found by its pattern"
        raise DocumentError(f"{what} {said}", file=rule.file, line=rule.line, way_out="change the example or the rule")
