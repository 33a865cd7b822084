"""One text and its values in, bytes out. Short texts are compiled once; errors are TemplateRefused with their place."""

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
from sealer.template.language.stream import Allowance
from sealer.template.limits import Run
from sealer.template.values import STRING_MAP, Map

_CACHED, _CACHED_LENGTH = 64, 4_096
"""How many templates are kept, and how long one may be: what is made of it takes up to a thousand times its length."""


def run(now: Callable[[], int] = time.time_ns, random: Callable[[int], bytes] = os.urandom) -> Run:
    """The sources and the limits of one render."""
    return Run(now, random)


def allowed() -> Allowance:
    """What the templates of one document may have together."""
    return Allowance()


def render(item: str, text: str, values: Mapping[str, bytes], limits: Run, allowance: Allowance | None = None) -> bytes:
    """The text of a template with `values` as dot, a map of strings. Raises TemplateRefused, which quotes no value.

    `allowance`, here and below, is what is left for the templates of its document; by default it is alone.
    """
    program = compiled(item, text, allowance)
    dot = Map({key.encode("utf-8", "surrogatepass"): value for key, value in values.items()}, STRING_MAP)
    try:
        return program.render(State(limits, dot), dot)
    except Failed as failed:
        raise _refused(item, text, failed.at, failed.what, failed.function) from None
    except RecursionError:
        raise _refused(item, text, 0, "nested too deep") from None


def compiled(item: str, text: str, allowance: Allowance | None = None) -> Program:
    """A template, ready to run. Raises TemplateRefused."""
    tree = parsed(item, text, allowance)
    return Program(tree, find) if len(text) > _CACHED_LENGTH else _compiled_once(item, text)


def parsed(item: str, text: str, allowance: Allowance | None = None) -> nodes.Tree:
    """A template as a tree. Raises TemplateRefused."""
    allowance = allowance or allowed()
    if len(text) > _CACHED_LENGTH:
        return _parsed(item, text, allowance)
    # What is kept takes as much of the allowance as what is read, what is refused as much as it could have.
    try:
        tree = _parsed_once(item, text)
    except TemplateRefused:
        allowance.left = max(0, allowance.left - len(text))
        raise
    try:
        allowance.take(tree.tokens)
    except Malformed as error:
        raise _refused(item, text, error.at, error.what) from None
    return tree


@lru_cache(_CACHED)
def _compiled_once(item: str, text: str) -> Program:
    return Program(_parsed_once(item, text), find)


@lru_cache(_CACHED)
def _parsed_once(item: str, text: str) -> nodes.Tree:
    return _parsed(item, text, Allowance())


def forget() -> None:
    """Compile each template anew."""
    _compiled_once.cache_clear()
    _parsed_once.cache_clear()


def _parsed(item: str, text: str, allowance: Allowance) -> nodes.Tree:
    try:
        return parse(item, text, is_function, allowance)
    except Malformed as error:
        raise _refused(item, text, error.at, error.what) from None
    except RecursionError:
        raise _refused(item, text, 0, "nested too deep") from None


def draws(item: str, text: str, allowance: Allowance | None = None) -> bool:
    """Whether a template has a function that asks for the clock or for random numbers."""
    tree = parsed(item, text, allowance)
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
