"""One text and its values in, bytes out. Texts are compiled once; errors are TemplateRefused with its place."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping
from functools import lru_cache

from sealer.errors import TemplateRefused
from sealer.template.functions import find, is_function
from sealer.template.language.call import Failed
from sealer.template.language.expressions import State
from sealer.template.language.lexer import Malformed
from sealer.template.language.parser import parse
from sealer.template.language.statements import Program
from sealer.template.limits import Run
from sealer.template.values import STRING_MAP, Map

_CACHED = 4096


def run(now: Callable[[], int] = time.time_ns, random: Callable[[int], bytes] = os.urandom) -> Run:
    """The sources and the limits of one render."""
    return Run(now, random)


def render(name: str, text: str, values: Mapping[str, bytes], limits: Run) -> bytes:
    """The text of a template with `values` as dot, a map of strings. Raises TemplateRefused, which quotes no value."""
    program = compiled(name, text)
    dot = Map({key.encode(): value for key, value in values.items()}, STRING_MAP)
    try:
        return program.render(State(limits, dot), dot)
    except Failed as failed:
        raise _refused(name, text, failed.at, failed.what, failed.function) from None
    except RecursionError:
        raise _refused(name, text, 0, "nested too deep", "") from None


@lru_cache(_CACHED)
def compiled(name: str, text: str) -> Program:
    """A template, parsed and compiled. Raises TemplateRefused."""
    try:
        return Program(parse(name, text, is_function), find)
    except Malformed as error:
        raise _refused(name, text, error.at, error.what, "") from None
    except RecursionError:
        raise _refused(name, text, 0, "nested too deep", "") from None


def _refused(name: str, text: str, at: int, what: str, function: str) -> TemplateRefused:
    line = text.count("\n", 0, at) + 1
    column = at - (text.rfind("\n", 0, at) + 1) + 1
    del function
    return TemplateRefused(f"template of item {name}, line {line}, column {column}: {what}")
