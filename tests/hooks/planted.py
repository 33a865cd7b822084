"""All that a run could show of its findings, and all forms in which a planted value could be in it."""

from __future__ import annotations

import gc
import types
from collections.abc import Iterable, Iterator, Sequence
from urllib.parse import quote

from hooks import formats, report
from hooks.decode.trigger import literals
from hooks.finding import Finding, Value
from hooks.options import FORMATS

_PART = 10
# These are the program, not what it found.
_PROGRAM = (type, types.ModuleType, types.FunctionType, types.BuiltinFunctionType, types.MethodType, types.CodeType)


def shown(findings: Sequence[Finding]) -> str:
    """Every report of findings, and the repr of every object that can be reached from one."""
    whole = report.Report("staged", findings, files=1, bytes=1)
    rendered = [formats.render(name, whole) for name in FORMATS]
    return "\n".join([*rendered, repr(whole), *map(repr, reachable(findings))])


def reachable(roots: Iterable[object]) -> Iterator[object]:
    """What can be reached from objects, up to the wall that a `Value` is and the program itself."""
    todo, seen = list(roots), set[int]()
    while todo:
        one = todo.pop()
        if id(one) in seen or isinstance(one, _PROGRAM):
            continue
        seen.add(id(one))
        yield one
        if not isinstance(one, Value):
            todo += gc.get_referents(one)


def forms(value: str) -> dict[str, str]:
    """A value as it could be written: parts of it, encoded, backwards."""
    data = value.encode()
    found = {f"part at {at}": value[at : at + _PART] for at in range(max(len(value) - _PART, 0) + 1)}
    found |= {f"literal {number}": one.decode() for number, one in enumerate(literals([value]))}
    found |= {
        "reversed": value[::-1][:_PART],
        "percent": "".join(f"%{byte:02X}" for byte in data),
        "quoted": quote(value),
    }
    found |= {"numbers": ", ".join(map(str, data)), "bytes": repr(data)[2:-1], "spaced": data.hex(" ")}
    return found


def leaks(value: str, text: str) -> list[str]:
    """The forms of a value that are in a text; their names only, so that a failing test shows no more than it must."""
    return [name for name, form in forms(value).items() if form in text]
