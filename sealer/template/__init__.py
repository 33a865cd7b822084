"""What surrounds the items of a SealedSecret when it becomes a Secret: `spec.template.data`.

Values without `{{` are copied, null leaves an item out, an encrypted item wins over a template's of the same name
(reference/bitnami-sealed-secrets.md section 2.4). The template engine itself is not built yet: whatever needs it is
refused here by item, line, column and function, never by quoting text.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from sealer.errors import TemplateRefused

if TYPE_CHECKING:
    from sealer.documents.document import Template

_OPEN = "{{"
_KEYWORDS = frozenset(
    ("if", "else", "end", "range", "with", "define", "template", "block", "break", "continue", "nil", "true", "false")
)
# Comments, string and character literals, fields and variables are passed over; what is left over is a word. Those that
# are never closed go to the end: a stranger's text must not be searched again from each place where one may begin.
_TOKEN = re.compile(
    r"""/\*.*?(?:\*/|\Z) | "(?:\\.|[^"\\])*+(?:"|\\?\Z) | `[^`]*+(?:`|\Z) | '(?:\\.|[^'\\])*+(?:'|\\?\Z)
    | [.$][\w.]* | \d[\w.]* | (?P<word>[A-Za-z_]\w{0,63})""",
    re.VERBOSE | re.DOTALL,
)


def check(template: Template, file: str = "") -> None:
    """Raise TemplateRefused for the first value that needs the template engine; `file` is where the template stands."""
    for item, text in sorted(template.data.items()):
        if text is not None and _OPEN in text:
            line, column, function = _first_action(text)
            named = f" (function {function})" if function else ""
            raise TemplateRefused(
                f"template of item {item}, line {line}, column {column}: templates are not rendered yet{named}",
                where=f"{file}:{template.lines[item]}" if item in template.lines else file,
                way_out="seal the rendered text as an item instead",
            )


def render(template: Template, items: Mapping[str, bytes]) -> dict[str, bytes]:
    """All items of the Secret: `items` less those that the template drops, plus the template's own."""
    check(template)
    result = {item: value for item, value in items.items() if template.data.get(item, "") is not None}
    for item, text in template.data.items():
        if text is not None and item not in items:
            result[item] = text.encode("utf-8")
    return result


def _first_action(text: str) -> tuple[int, int, str]:
    start = text.index(_OPEN)
    line = text.count("\n", 0, start) + 1
    column = start - (text.rfind("\n", 0, start) + 1) + 1
    return line, column, next(_functions(text), "")


def _functions(text: str) -> Iterator[str]:
    for action in re.finditer(r"\{\{-?(.*?)(?:-?\}\}|\Z)", text, re.DOTALL):
        for token in _TOKEN.finditer(action[1]):
            word = token["word"]
            if word and word not in _KEYWORDS:
                yield word
