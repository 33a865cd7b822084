"""Configuration files that hold nothing but settings: every value is a word, a number, a host or the like. Pure.

A Secret often holds a whole file, since some tools read theirs from Secrets only. Such a file leaks if one of its
values may be a credential; whoever can't tell from the outside has to look at each of them.
"""

from __future__ import annotations

from hooks import keyname, lazy
from hooks.value import Verdict, judge

_WORDS = lazy.compile(r"[A-Za-z][a-z]*(?:[-_ ./,][A-Za-z][a-z]*){0,12}[.:!?]?")
_NUMBER = lazy.compile(
    r"[-+]?\d{1,6}(?:\.\d+){0,3}(?:ms|s|m|h|d|[kmgKMG]i?[bB]?|%)?|v\d{1,3}(?:\.\d{1,4}){0,3}(?:[a-z]+\d+)?"
)
_HOST = lazy.compile(
    r"(?:[a-z][a-z\d-]{0,60}\.)+[a-z]{2,20}(?::\d{1,5})?|\d{1,3}(?:\.\d{1,3}){3}(?::\d{1,5})?(?:/\d{1,2})?"
)
_MOST = 100_000


def are_all(key: str, text: str) -> bool:
    """Whether a text is a file of YAML or JSON, all of whose values are settings. `key`: its name."""
    bare = text.strip()
    braces = bare[:1] in ("{", "[") and bare[-1:] in ("}", "]")
    if len(bare) > _MOST or not (braces or ("\n" in bare and ":" in bare)):
        return False
    from hooks.structure.formats import inner, json, yaml

    read = json if braces else inner(key, bare)
    if read not in (json, yaml):
        return False
    if not _is_whole(bare, braces=braces):
        return False
    if braces and ":" not in bare:  # `[a, b]`, `{S}`: values without a name, which no reader gives
        return all(_is_setting("", part.strip("\"' ")) for part in bare[1:-1].split(","))
    return all(_is_setting(pair.key, pair.value) for pair in read(bare, 1))


def _is_whole(text: str, *, braces: bool) -> bool:
    """Whether a text is read to the letter: what only looks like a file is none of it."""
    from hooks.structure.secrets import is_json
    from hooks.structure.yaml import roots

    if braces and is_json(text):
        return True
    found = list(roots(text))
    return bool(found) and all(root.exact and all(child.entries for _, child in root.entries) for root in found)


def _is_setting(key: str, value: str) -> bool:
    bare = value.strip()
    verdict = judge(key, bare)
    if verdict < Verdict.WEAK or keyname.is_credential(key):
        return verdict < Verdict.WEAK
    return any(known.fullmatch(bare) for known in (_WORDS, _NUMBER, _HOST))
