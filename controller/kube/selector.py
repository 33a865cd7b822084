"""Whether a text is a label selector, as the API server reads one (apimachinery, `labels.Parse`). Pure.

One that it can't read is answered with 400 to each list, for ever: better to say so before anything is begun.
"""

from __future__ import annotations

import re

from sealer.errors import UsageError

_NAME = r"[A-Za-z0-9](?:[-_.A-Za-z0-9]{0,61}[A-Za-z0-9])?"
_KEY = rf"(?:[a-z0-9][-.a-z0-9]{{0,252}}/)?{_NAME}"
_VALUE = rf"(?:{_NAME})?"
_ONE = re.compile(
    rf"""\s* (?:
        !\s*{_KEY}
      | {_KEY} (?:
            \s*(?:==?|!=)\s*{_VALUE}
          | \s*[<>]\s*[0-9]+
          | \s+(?:in|notin)\s*\(\s*{_VALUE}(?:\s*,\s*{_VALUE})*\s*\)
        )?
    ) \s*""",
    re.ASCII | re.VERBOSE,
)


def checked(text: str, flag: str = "label-selector") -> str:
    """`text`, if it selects by labels; empty selects all. Raises UsageError."""
    at = 0
    while text.strip():
        found = _ONE.match(text, at)
        if found is None or (found.end() < len(text) and text[found.end()] != ","):
            way_out = f"--{flag}='app=shop,tier!=test,env in (a,b),owner,!old'"
            raise UsageError("is no label selector", where=f"--{flag}", way_out=way_out)
        if found.end() == len(text):
            break
        at = found.end() + 1
    return text
