"""One text and its values in, bytes out. Texts are compiled once; errors are TemplateRefused with their place."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping
from functools import lru_cache

from sealer.errors import TemplateRefused
from sealer.template.functions import find, is_function
from sealer.template.language import nodes
from sealer.template.language.call import Failed
from sealer.template.language.expressions import State
from sealer.template.language.lexer import Malformed
from sealer.template.language.parser import parse
from sealer.template.language.statements import Program
from sealer.template.limits import Run
from sealer.template.values import STRING_MAP, Map

_CACHED = 256


def run(now: Callable[[], int] = time.time_ns, random: Callable[[int], bytes] = os.urandom) -> Run:
    """The sources and the limits of one render."""
    return Run(now, random)


def render(item: str, text: str, values: Mapping[str, bytes], limits: Run) -> bytes:
    """The text of a template with `values` as dot, a map of strings. Raises TemplateRefused, which quotes no value."""
    program = compiled(item, text)
    dot = Map({key.encode("utf-8", "surrogatepass"): value for key, value in values.items()}, STRING_MAP)
    try:
        return program.render(State(limits, dot), dot)
    except Failed as failed:
        raise _refused(item, text, failed.at, failed.what, failed.function) from None
    except RecursionError:
        raise _refused(item, text, 0, "nested too deep") from None


@lru_cache(_CACHED)
def compiled(item: str, text: str) -> Program:
    """A template, ready to run. Raises TemplateRefused."""
    return Program(parsed(item, text), find)


@lru_cache(_CACHED)
def parsed(item: str, text: str) -> nodes.Tree:
    """A template as a tree. Raises TemplateRefused."""
    try:
        return parse(item, text, is_function)
    except Malformed as error:
        raise _refused(item, text, error.at, error.what) from None
    except RecursionError:
        raise _refused(item, text, 0, "nested too deep") from None


def draws(item: str, text: str) -> bool:
    """Whether a template has a function that asks for the clock or for random numbers."""
    tree = parsed(item, text)
    bodies = [tree.nodes, *tree.defined.values()]
    return any(find(name).draws for body in bodies for name in nodes.functions(body))


def place(item: str, text: str, at: int) -> str:
    """Item, line and column of an offset."""
    line = text.count("\n", 0, at) + 1
    column = at - (text.rfind("\n", 0, at) + 1) + 1
    return f"template of item {item}, line {line}, column {column}"


def _refused(item: str, text: str, at: int, what: str, function: str = "") -> TemplateRefused:
    return TemplateRefused(f"{place(item, text, at)}: {what}", way_out=_way_out(text, at, what, function))


def _way_out(text: str, at: int, what: str, function: str) -> str:
    if function == "fail":
        return "see what the template says before it calls fail"
    if what == "bad character after name" and text[at : at + 1] == "-":
        return 'write index . "KEY" for a key with a dash'
    if what.endswith("is not defined") and what.startswith("function "):
        return "templates have the functions of Go's text/template and of Sprig, without env, expandenv, getHostByName"
    return "correct the template; sealer render FILE shows what it gives"
