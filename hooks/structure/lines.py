"""Line numbers of offsets; and pairs by lines alone, for what is too big to be read whole. Pure."""

from __future__ import annotations

import functools
import re
from bisect import bisect_right
from collections.abc import Iterator, Sequence

from hooks import keyname, lazy, place
from hooks.structure.pair import Pair

_WORDS = ("pass", "pw", "secret", "token", "key", "cred", "auth", "dsn", "webhook", "connection", *keyname.FOREIGN)
_REST = lazy.compile(
    r"""[\w.\-]{0,40}+["']?[ \t]*(?:=>|:=|[:=])[ \t]*"""
    r"""(?:"(?P<double>(?:[^"\\\n]|\\.)*+)"|'(?P<single>[^'\n]*+)'|(?P<word>[^\s,;#"'\[\]{}]++))"""
)
_KEYED = lazy.compile(r"""(?<![\w.-])(?:name|key|parameterkey|variable)["'\\]{0,4}[ \t]*:[ \t]*["'\\]{0,4}\Z""")
_FOLLOWS = lazy.compile(r"[\w.\-]{0,40}+")
_REACH = 1000
_NAME = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-"


class Lines:
    """Which line an offset of a text is on, from 1."""

    __slots__ = ("starts",)

    def __init__(self, text: str) -> None:
        self.starts = [0]
        at = text.find("\n")
        while at >= 0:
            self.starts.append(at + 1)
            at = text.find("\n", at + 1)

    def span(self, start: int, end: int) -> tuple[int, int]:
        """The first and last line of what stands from `start` to `end`."""
        return bisect_right(self.starts, start), bisect_right(self.starts, max(start, end - 1))


def pairs(text: str, where: str) -> Iterator[Pair]:
    """Names of credentials with a value behind them in the same line."""
    at = Lines(text)
    low = _lower(text)
    done = 0
    for start in sorted(_places(low)):
        match = _REST.match(text, start) if start >= done else None
        if match is None:
            continue
        group = match.lastgroup or "word"
        name = re.split(r"[\"'\s:=]", text[max(done, _begin(text, start)) : match.start(group)], maxsplit=1)[0]
        done = match.end()
        yield Pair(name, name, match[group], *at.span(*match.span(group)), group != "word", where)


def _begin(text: str, start: int) -> int:
    """Where the name begins that a word at `start` is in."""
    return max(0, start - 40) + len(text[max(0, start - 40) : start].rstrip(_NAME))


_ASCII = {upper: upper + 32 for upper in range(65, 91)}


def _lower(text: str) -> str:
    """A text in lower case, of the same length: of some letters the lower ones are more."""
    low = text.lower()
    return low if len(low) == len(text) else text.translate(_ASCII)


def _places(low: str) -> Iterator[int]:
    for word in _WORDS:
        at = low.find(word)
        while at >= 0:
            yield at
            at = low.find(word, at + 1)


# What may follow a name in a format with levels: a value on its line, which tells by itself; a block, a list, `value:`
# as the next key, or something else that only the whole text tells.
_FOLLOWED = lazy.compile(
    r"""(?P<rest>[\w.\-]{0,40}+)[\\"'\]]{0,4}(?:[ \t]*(?:=>|:=|[:=])[ \t]*(?:[&!]\S{1,80}[ \t]+)?(?:"""
    r"""\\*(?P<quote>["'])(?P<literal>[^"'\n\\]{4,4000})(?P<close>["'])?|(?P<word>[^\s{}\[\]"'#,|>*][^\s{}\[\],]{3,400})"""
    r"""|(?P<more>[|>*]|\[\s*["'\w]|\r?\n[ \t]*(?:-[ \t]+)?[^\s:]{4,}[ \t\r]*$"""
    r"""|\\*(?P<open>["'])(?![^"'\n]{0,3}["'])))"""
    r"""|(?P<named>[\s,]{1,80}["']?(?i:value|default|parametervalue)\b))""",
    re.MULTILINE,
)


# A whole list of plain texts, in brackets or line by line, where nothing can go on with it.
_PLAIN = r"""(?:"[\w./+: ][\w./+:#@ \-]{0,99}"|'[\w./+: ][\w./+:#@ \-]{0,99}'|[\w./+][\w./+\-]{0,99})"""
_LISTED = lazy.compile(
    rf"\[\s*{_PLAIN}(?:\s*,\s*{_PLAIN}){{0,19}}\s*\]"
    rf"|(?:\n[ \t]*-[ \t]+{_PLAIN}[ \t]*(?=\n|\Z)){{1,20}}"
    r"""(?=\s*(?:\Z|[\]}]|---|["']?[\w.$/][^\n:"'#]{0,99}["']?:[ \n]))"""
)
_LISTED_TEXT = lazy.compile(r"""[\w./+:](?:[\w./+:#@ \-]*[\w./+:#@\-])?""")
_ITEM = rb"""[ \t]*(?:-[ \t]+)?(?:"[^"\\\n:]{0,100}"|'[^'\\\n:]{0,100}'|[\w./+\-]{1,100}),?[ \t\r]*"""
_IS_ITEM = lazy.compile(_ITEM)
_ITEMS = lazy.compile(rb"(?:\n" + _ITEM + rb"(?=\n)){0,20}+(?:\n[^\n]{0,200}|\Z)")

# The value of a variable of Terraform is some lines below its name.
_VARIABLE = lazy.compile(r"""\bvariable\s+"[\w-]*(?:passw|secret|token|_key|_pw|_pwd|cred)""")


# `content` of a secret of Compose, right below its name.
_CONTENT = lazy.compile(r"""(?:^|\n)[ \t]+["']?[\w.-]+["']?:[ \t\r]*\n[ \t]+content:[ \t]+\S""")


def may_hold_near(data: bytes, near: Sequence[int], form: str, where: str = place.STORE) -> bool:
    """Whether a credential may stand around one of some offsets: two lines before to one line behind it, or a list."""
    return any(_known(part.decode("utf-8", "replace"), form, where) for part in _around(data, near))


def _around(data: bytes, near: Sequence[int]) -> Iterator[bytes]:
    low = high = -1
    for offset in near:
        if offset <= high:
            continue
        start = max(offset - 1, 0)
        for _ in range(3):
            start = data.rfind(b"\n", max(offset - _REACH, 0), max(start, 0))
        end = data.find(b"\n", offset, offset + _REACH)
        if end >= 0:
            after = data.find(b"\n", end + 1, end + _REACH)
            # A list is seen to its end, since each of its texts may be one.
            more = _ITEMS.match(data, after) if after > 0 and _IS_ITEM.fullmatch(data, end + 1, after) else None
            end = more.end() if more else after
        if low >= 0:
            yield data[low:high]
        low = start + 1 if start >= 0 else max(offset - _REACH, 0)
        high = end if end >= 0 else offset + _REACH
    if low >= 0:
        yield data[low:high]


@functools.lru_cache(maxsize=1 << 13)
def _known(part: str, form: str, where: str) -> bool:
    return may_hold(part, form, where)


def may_hold(text: str, form: str, where: str = place.STORE) -> bool:
    """Whether a credential may stand in a text with levels, so that reading all of it is worth it.

    `form`: its format; `where`: the kind of place where it stands (`hooks.place`), by default the one where most things
    are credentials.
    """
    low = _lower(text)
    if (form == "json" and '"random_password"' in low) or (form == "hcl" and _VARIABLE.search(low)):
        return True
    if form == "yaml" and "content:" in low and _CONTENT.search(low):
        return True
    options, values = "--" in low, "value" in low
    for start in _places(low):
        match = _FOLLOWED.match(text, start)
        if match is not None and _may_be_one(text[_begin(text, start) : match.end("rest")], match, form, where):
            return True
        if options and "--" in low[max(0, start - 60) : start] and text.startswith("--", _begin(text, start)):
            return True
        if values and ":" in low[max(0, start - 40) : start] and _is_name(text, low, start):
            return True
    return False


def _is_name(text: str, low: str, start: int) -> bool:
    """Whether `{"value": x, "name": "DB_PASS"}` stands here, in any order."""
    begin = _begin(text, start)
    if not _KEYED.search(low, max(0, begin - 30), begin):
        return False
    if "value" not in low[max(0, start - 400) : start + 400]:
        return False
    rest = _FOLLOWS.match(text, start)
    return rest is not None and bool(keyname.kind(text[begin : rest.end()]))


@functools.lru_cache(maxsize=4096)
def _is_credential(name: str, value: str, quoted: bool, form: str, where: str) -> bool:
    from hooks import credential

    return credential.judge_in(Pair(name, name, value, 1, 1, quoted, form), where) is not None


def _may_be_one(name: str, match: re.Match[str], form: str, where: str) -> bool:
    value = match["literal"] or match["word"]
    if value is None or (match["literal"] and not match["close"]):
        if keyname.kind(name) not in ("password", "secret", "token", "api-key"):
            return False
        if match["named"] and match.string[match.end("rest") : match.end("named")].strip(" \t").isalpha():
            return False  # words of a sentence: `the token value`
        listed = _LISTED.match(match.string, match.start("more")) if match["more"] else None
        return listed is None or _is_one_of(name, listed[0], form, where)
    return _is_credential(name, value, match["word"] is None, form, where) or name.lower() in ("auth", "_auth")


def _is_one_of(name: str, listed: str, form: str, where: str) -> bool:
    """Whether one of the texts of a list may be a credential."""
    from hooks.structure.parts import parts

    for text in _LISTED_TEXT.findall(listed):
        if any(_is_credential(name, text, quoted, form, where) for quoted in (False, True)):
            return True
        if next(parts(Pair(name, name, text, 1, 1, True, form)), None) is not None:
            return True
    return False
