"""Where else in its text a value stands that was found: in a comment, an argument, a log line. Pure.

Beside a name it was told to be a credential; what is the same to the letter is the same credential, whatever is beside
it, and has to go as well. Only values that nobody writes by chance are looked for: with a digit, and unlike words.
"""

from __future__ import annotations

from hooks import lazy

TYPE_CHECKING = False  # typing's own would be an import.
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from hooks.finding import Hit, Value

_MOST = 100
"""Values of one text whose places are told; where more repeat, nobody looks for them one by one."""
_MOST_READ = 1 << 28
"""Characters that are gone through for all values of a text together."""
_MOST_LINES = 10_000
"""Lines of one finding, of which more say no more."""
_SHORTEST, _LONGEST = 8, 500
_DRAWN = 0.72
_GOES_ON = frozenset("_-+/=.%")
"""What a value may go on with, beside letters and digits: then it is a part of another one."""
_OTHERS = frozenset(("env-file",))
"""Rules that speak of whatever stands in a file, credential or not."""
_NEAR = 80
_NAME = lazy.compile(r"([\w.\-]{2,60})[\"'\])]{0,3}[ \t]{0,20}(?:[=:]|=>|:=)[ \t]{0,20}[\"'`]?$")


def hits(text: str, found: Sequence[Hit]) -> list[Hit]:
    """One more hit for each line where a value of the found ones stands that none of them tells of."""
    first: dict[Value, Hit] = {}

    def worth(said: str) -> bool:
        # Most stand there once, and for these nothing is imported: a hook waits for it.
        return _SHORTEST <= len(said) <= _LONGEST and text.count(said) > 1 and _is_unlike_words(said)

    for hit in found[: _MOST_READ // (len(text) + 1)]:
        if hit.value is not None and hit.rule.id not in _OTHERS and hit.value.satisfies(worth):
            first.setdefault(hit.value, hit)
            if len(first) == _MOST:
                break
    places = {value: lines for value in first if len(lines := _lines(text, value)) > 1}
    if not places:
        return []
    known: dict[int, list[Value]] = {}
    for hit in found:
        if hit.value is not None:
            for line in range(hit.line, min(hit.end, hit.line + _MOST_LINES) + 1):
                known.setdefault(line, []).append(hit.value)
    return [
        first[value].but(line=line, end=line, sealable=False, decoded="")
        for value, lines in places.items()
        for line in lines
        if not any(other.holds(value) for other in known.get(line, ()))
    ]


def _is_unlike_words(value: str) -> bool:
    from hooks.letters import share

    if any(map(str.isspace, value)) or not any(map(str.isdigit, value)) or not any(map(str.isalpha, value)):
        return False
    return share(value) >= _DRAWN


def _lines(text: str, value: Value) -> list[int]:
    """The lines where a value stands by itself, from 1."""
    found: list[int] = []
    value.satisfies(lambda said: found.extend(_numbers(text, _alone(text, said))))
    return found


def _alone(text: str, said: str) -> Iterator[int]:
    at = text.find(said)
    while at >= 0:
        end = at + len(said)
        if not (_is_part(text[at - 1 : at]) or _is_part(text[end : end + 1]) or _is_setting(text, at)):
            yield at
            # A line of megabytes may be full of it: it is told once.
            end = text.find("\n", end)
        at = text.find(said, end) if end >= 0 else -1


def _is_part(char: str) -> bool:
    return char.isalnum() or char in _GOES_ON if char else False


def _is_setting(text: str, at: int) -> bool:
    """Whether a name before it says that this is no credential: who has his name for a password keeps the name."""
    from hooks import keyname

    before = text[max(text.rfind("\n", max(at - _NEAR, 0), at) + 1, at - _NEAR) : at] if at else ""
    if not before.rstrip(" \t\"'`").endswith(("=", ":", ">")):
        return False  # as most are, and looking for a name takes longer
    name = _NAME.search(before)
    return name is not None and keyname.is_plain(name[1])


def _numbers(text: str, offsets: Iterable[int]) -> Iterator[int]:
    number, counted, last = 1, 0, 0
    for offset in offsets:
        number += text.count("\n", counted, offset)
        counted = offset
        if number != last:
            yield number
        last = number
