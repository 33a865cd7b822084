"""Rules that a team wrote for gitleaks, as rules of ours: the engine takes them beside its own."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from hooks.compat import gitleaks
from hooks.engine.spec import Spec, read
from hooks.engine.syntax import PatternError

if TYPE_CHECKING:
    from hooks.compat.gitleaks import Own


def use(file: str) -> None:
    """Let the engine look for what the rules of a `.gitleaks.toml` look for. Raises SourceError or DocumentError."""
    from hooks import engine

    if rules := specs(Path(file)):
        engine.use(rules)


def specs(path: Path) -> list[Spec]:
    """The rules of a `.gitleaks.toml` that can be run."""
    from sealer import console

    found = gitleaks.load(path, path.name, Path(os.path.realpath(path.parent)))
    made = []
    for own in found.own:
        try:
            made.append(spec(own, path.name))
        except PatternError as error:
            console.warn(f"{path.name}: rule {own.name} is passed over: its regex {error}")
    return made


def spec(own: Own, file: str) -> Spec:
    """One rule. Raises PatternError."""
    pattern = with_value(own.regex, own.group)
    return Spec(
        id=own.name,
        description=own.description,
        pattern=pattern,
        keywords=own.keywords,
        entropy=own.entropy,
        file=file,
        tree=read(pattern),
    )


def with_value(regex: str, number: int) -> str:
    """An expression whose group of that number is named `value`; unchanged for 0 (the first group, or all)."""
    at, group, in_class = 0, 0, False
    while at < len(regex) and number > 0:
        if regex.startswith("\\Q", at):
            end = regex.find("\\E", at)
            at = len(regex) if end < 0 else end + 2
            continue
        sign = regex[at]
        if sign == "\\":
            at += 2
            continue
        if in_class:
            in_class = sign != "]"
        elif sign == "[":
            in_class = True
            # A bracket that comes first in a class stands for itself.
            at += 1 + regex.startswith("^", at + 1)
            at += regex.startswith("]", at) - 1
        elif sign == "(":
            named = regex.startswith(("(?P<", "(?<"), at)
            group += named or not regex.startswith("(?", at)
            if group == number and (named or not regex.startswith("(?", at)):
                after = regex.index(">", at) + 1 if named else at + 1
                return f"{regex[:at]}(?P<value>{regex[after:]}"
        at += 1
    return regex
