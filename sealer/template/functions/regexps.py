"""Regular expressions, as Sprig has them: Go's are RE2's, and so are these.

Texts that are no UTF-8 are matched by RE2 as they are; Go takes each such byte for U+FFFD.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from sealer.template.functions.table import Table
from sealer.template.limits import MAX_ELEMENTS, Fault, Run, fits
from sealer.template.text.runes import kept, raw
from sealer.template.values import BOOL, INT, STRING, STRINGS, Slice

TABLE = define = Table()

_NAME = re.compile(r"\$(?:(?P<dollar>\$)|\{(?P<braced>\w+)\}|(?P<plain>\w+))?")
_LITERAL = re.compile(rb"\\Q.*?(?:\\E|\Z)", re.DOTALL)
_ESCAPES = re.compile(rb"\\(.)", re.DOTALL)
_META = re.compile(rb"[\\.+*?()|\[\]{}^$]")
_MAX_MEMORY = 8 << 20
_SEARCH, _WORK_A_STEP, _WORK_A_STEP_AGAIN = 2, 64, 16_384
"""Steps of a search, and bytes times instructions that take another one."""
_COSTLY = re.compile(rb"\\[pP]|\{")
_BYTES_A_STEP, _COSTLY_STEPS, _INSTRUCTION_STEPS, _REFUSED_STEPS = 2, 400, 2, 100_000
"""Of compiling: to read a pattern, each class of Unicode and each repetition in it (half a millisecond, 50 kB), each
instruction made of it, forwards and backwards, and one that RE2 gives up, however late."""


def _compiled(run: Run, pattern: bytes) -> Any:
    """An expression. Raises Fault, without quoting it. Its steps are taken once, as long as the render keeps it."""
    found = _kept(run, pattern)
    if isinstance(found, str):
        raise Fault(found)
    return found


def _kept(run: Run, pattern: bytes) -> Any:
    """An expression, or what is wrong with it."""
    return run.keep(("pattern", pattern), lambda: _compilation(run, pattern))


def _compilation(run: Run, pattern: bytes) -> Any:
    run.spend(len(pattern) // _BYTES_A_STEP + _COSTLY_STEPS * len(_COSTLY.findall(pattern)))
    try:
        found = _expression(pattern)
    except Fault as fault:
        run.spend(_REFUSED_STEPS)
        return fault.what
    run.spend(_INSTRUCTION_STEPS * int(found.programsize))
    return found


def _expression(pattern: bytes) -> Any:
    """An expression, new each time. Raises Fault."""
    import re2

    # RE2 alone has \C, one byte; Go refuses it.
    if b"C" in _ESCAPES.findall(_LITERAL.sub(b"", pattern)):
        raise Fault("error parsing regexp: invalid escape sequence")
    options = re2.Options()
    options.log_errors = False
    options.max_mem = _MAX_MEMORY
    try:
        found = re2.compile(pattern.decode().encode(), options)
    except UnicodeDecodeError:
        raise Fault("error parsing regexp: invalid UTF-8") from None
    except re2.error:
        raise Fault("error parsing regexp") from None
    finally:
        # The module keeps the last 128 by itself, of up to 8 MiB each.
        re2.purge()
    # Names of groups are ASCII in Go.
    if not all(bytes(name).isascii() if isinstance(name, bytes) else name.isascii() for name in found.groupindex):
        raise Fault("error parsing regexp: invalid named capture")
    return found


def _search(run: Run, expression: Any, data: bytes, at: int = 0) -> Any:
    """The next match, or None. Its steps: a program is run over the text once, and for each match again over a part."""
    work = (len(data) - at) * int(expression.programsize)
    run.spend(_SEARCH + work // (_WORK_A_STEP if at == 0 else _WORK_A_STEP_AGAIN))
    return expression.search(data, at)


def _matches(run: Run, pattern: bytes, data: bytes, count: int) -> Iterator[Any]:
    """Matches from left to right, an empty one not where the one before ends (regexp.allMatches)."""
    expression = _compiled(run, pattern)
    at, ended, found = 0, -1, 0
    while at <= len(data) and (count < 0 or found < count):
        match = _search(run, expression, data, at)
        if match is None:
            return
        start, end = match.span()
        accepted = not (end == at and start == ended)
        at = end if end != at else at + _width(data, at)
        ended = end
        if accepted:
            found += 1
            if found > MAX_ELEMENTS:
                raise Fault(f"finds more than {MAX_ELEMENTS:,} matches")
            yield match


def _width(data: bytes, at: int) -> int:
    """Bytes of the character at a place; more than none at the end."""
    for size in (1, 2, 3, 4):
        try:
            data[at : at + size].decode()
        except UnicodeDecodeError:
            continue
        return size
    return 1


@define("mustRegexMatch", STRING, STRING, result=BOOL, run=True)
def _must_match(run: Run, pattern: bytes, data: bytes) -> bool:
    """`mustRegexMatch PATTERN TEXT`: whether it matches anywhere, not only at the start; refuses what is no pattern."""
    return _search(run, _compiled(run, pattern), data) is not None


@define("regexMatch", STRING, STRING, result=BOOL, run=True)
def _match(run: Run, pattern: bytes, data: bytes) -> bool:
    """`regexMatch PATTERN TEXT`: as mustRegexMatch, but false for what is no pattern."""
    expression = _kept(run, pattern)
    return not isinstance(expression, str) and _search(run, expression, data) is not None


@define("regexFind mustRegexFind", STRING, STRING, result=STRING, run=True)
def _find(run: Run, pattern: bytes, data: bytes) -> bytes:
    """`regexFind PATTERN TEXT`: the first match, "" if there is none; both names refuse what is no pattern."""
    match = _search(run, _compiled(run, pattern), data)
    return match.group() if match is not None else b""


@define("regexFindAll mustRegexFindAll", STRING, STRING, INT, result=STRINGS, run=True)
def _find_all(run: Run, pattern: bytes, data: bytes, count: int) -> Slice:
    """`regexFindAll PATTERN TEXT COUNT`: a []string of whole matches, at most COUNT, all if it is below 0."""
    found = [match.group() for match in _matches(run, pattern, data, count)]
    return Slice(found, STRINGS, nil=not found)


@define("regexReplaceAll mustRegexReplaceAll", STRING, STRING, STRING, result=STRING, run=True)
def _replace_all(run: Run, pattern: bytes, data: bytes, template: bytes) -> bytes:
    """`regexReplaceAll PATTERN TEXT NEW`: each match; TEXT comes second, so that it can't be piped.

    `${1}` and `${name}` in NEW stand for groups, `$$` for a dollar; `$1x` is a group of the name 1x, or nothing.
    """
    text = kept(template)
    return _replaced(run, pattern, data, lambda match: _expanded(text, match))


@define("regexReplaceAllLiteral mustRegexReplaceAllLiteral", STRING, STRING, STRING, result=STRING, run=True)
def _replace_all_literal(run: Run, pattern: bytes, data: bytes, replacement: bytes) -> bytes:
    """`regexReplaceAllLiteral PATTERN TEXT NEW`: as regexReplaceAll, but `$` in NEW is a character as any."""
    return _replaced(run, pattern, data, lambda _match: replacement)


def _replaced(run: Run, pattern: bytes, data: bytes, replacement: Any) -> bytes:
    """regexp.replaceAll: no replacement of nothing right behind a match."""
    expression = _compiled(run, pattern)
    out: list[bytes] = []
    size = at = ended = 0
    while at <= len(data) and (match := _search(run, expression, data, at)) is not None:
        start, end = match.span()
        out.append(data[ended:start])
        if end > ended or start == 0:
            out.append(replacement(match))
            size += len(out[-1])
            fits(size)
        ended = end
        width = _width(data, at) if at < len(data) else 0
        if at + width > end:
            at += width
        else:
            at = max(end, at + 1)
    return b"".join(out) + data[ended:]


def _expanded(template: str, match: Any) -> bytes:
    groups = match.re.groupindex
    named = {(name.decode() if isinstance(name, bytes) else name): number for name, number in groups.items()}

    def group(found: re.Match[str]) -> str:
        if found["dollar"]:
            return "$"
        name = found["braced"] or found["plain"]
        if not name:
            return found[0]
        number = _group_number(name, named)
        value = match.group(number) if number is not None and number <= match.re.groups else None
        return kept(value or b"")

    return raw(_NAME.sub(group, template))


def _group_number(name: str, named: dict[str, int]) -> int | None:
    if name.isascii() and name.isdecimal() and (name == "0" or name[0] != "0") and len(name) < 10:
        return int(name)
    return named.get(name)


@define("regexSplit mustRegexSplit", STRING, STRING, INT, result=STRINGS, run=True)
def _split(run: Run, pattern: bytes, data: bytes, count: int) -> Slice:
    """`regexSplit PATTERN TEXT COUNT`: a []string of what stands between matches, never of groups as Python's.

    At most COUNT parts, all if it is below 0, none if it is 0.
    """
    _compiled(run, pattern)
    if count == 0:
        return Slice([], STRINGS, nil=True)
    if pattern and not data:
        return Slice([b""], STRINGS)
    parts: list[bytes] = []
    start = end = 0
    for match in _matches(run, pattern, data, count):
        if 0 < count <= len(parts) + 1:
            break
        end = match.start()
        if match.end():
            parts.append(data[start:end])
        start = match.end()
    if end != len(data):
        parts.append(data[start:])
    return Slice(parts, STRINGS)


@define("regexQuoteMeta", STRING, result=STRING)
def _quote_meta(data: bytes) -> bytes:
    r"""A text as a pattern that matches it: a backslash before each of `\.+*?()|[]{}^$`."""
    return _META.sub(lambda found: b"\\" + found[0], data)
