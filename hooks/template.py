"""Values that something else fills in: {{ }}, {% %}, <% %>, ${X}, $(X), %X%, @X@, __X__, [[ ]], ((x)). Pure.

What is filled in later is no leak; what stands beside it may be: a default inside the expression, or a literal under
another key of the same configuration file.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from hooks import lazy

HOLE = "\x00"
"""What an expression is replaced with, so that what it touches is known to be no literal."""

_EXPRESSION = lazy.compile(
    r"\{\{[^{}]{0,4000}\}\}|\{\{.{0,500}?\}\}|\{%.{0,500}?%\}|<%.{0,500}?%>|\[\[.{0,500}?\]\]|\(\([\w./-]{1,99}\)\)|#\{[^{}]{0,500}\}#?"
    r"|\$\{\{.{0,500}?\}\}|\$\{[^{}]{0,500}\}|\$\([^()]{0,500}\)|%\{[^{}]{0,500}\}"
    r"|(?<![A-Za-z0-9])__[A-Za-z][A-Za-z0-9_.-]*__(?![A-Za-z0-9])|@@?[A-Z][A-Z0-9_.]*@@?|%[A-Z][A-Z0-9_]*%",
    re.DOTALL,
)
_SHELL_DEFAULT = lazy.compile(r"\$\{\w+:?[-=]([^{}]+)\}")
_HELM_LITERAL = lazy.compile(
    r"""\{\{-?\s*\(?\s*(?:b64enc\s+|quote\s+|print\s+)?(["'`])([^"'`]+)\1\s*\)?\s*(?:\||-?\}\})"""
)
_HELM_URL = lazy.compile(r"""\bprintf\s+(["`])([^"`]*://[^"`]*)\1""")
_VERB = lazy.compile(r"%[-+#0-9.\[\]]*[a-zA-Z]")
_FALLS_BACK = lazy.compile(r"\b(?:default|coalesce|ternary|or|else|d)\b")
_QUOTED = lazy.compile(r"""(["'`])([^"'`\s%]{8,500})\1""")
_HELM_DEFAULT = lazy.compile(r"""\bdefault\s+(["'`])([^"'`]+)\1""")


def holes(bare: str) -> str:
    """A text with a hole for each expression; unchanged if there is none."""
    return _EXPRESSION.sub(HOLE, bare)


def literals(bare: str) -> Iterator[str]:
    """Texts that an expression yields as they stand: `{{ "x" | b64enc }}`, `{{ .x | default "x" }}`, `${X:-x}`."""
    for found in (*_HELM_LITERAL.finditer(bare), *_HELM_DEFAULT.finditer(bare)):
        yield found[2]
    for found in _HELM_URL.finditer(bare):
        yield _VERB.sub("${v}", found[2])
    for found in _SHELL_DEFAULT.finditer(bare):
        yield found[1]


def fallbacks(bare: str) -> Iterator[str]:
    """Texts of expressions that choose: `{{ coalesce .x "y" }}`, `{{ x | default('y') }}`. Some are names in calls."""
    for expression in _EXPRESSION.findall(bare):
        if _FALLS_BACK.search(expression):
            for found in _QUOTED.finditer(expression):
                yield found[2]
