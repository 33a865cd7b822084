r"""Names and the literals that they are given, in source code of any language, in scripts and in prose. Never raises.

Nothing is parsed: what languages differ in (types, sigils, declarations) stands to the left of a name or between it and
an assignment, and is passed over. Only lines where triggers matched are looked at, and of these only what follows a
name that holds a word of credentials:

    name = "v"   name: str = "v"   "name": "v"   :name => 'v'   name := `v`   $a['name'] = 'v'   #define NAME "v"
    f("name", "v")   setName("v")   env("name") or "v"   name == "v"   NAME=v cmd   name: v   name is v

What needs no such name, as a URL with a password, is `hooks.syntax`'s.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable, Iterator

from hooks import apart, keyname, lazy, syntax, syntax_row
from hooks.structure.pair import Pair

TYPE_CHECKING = False  # typing's own would be an import.
if TYPE_CHECKING:
    from hooks.text import Text

_WORDS = (b"pass", b"pwd", b"secret", b"token", b"cred", b"auth", b"key", b"salt", b"bearer", b"basic", b"pw")
_MARKS = (
    *b":// curl sshpass mysql identified redis-cli login connect openssl log_in signin secure ldap".split(),
    *b"mongo hmac jwt btoa community @tcp( sp_add fernet cipher".split(),
    *(b" -p", b" -a ", b"net user", b"log in"),
)
_ANY_WORD = lazy.compile(b"|".join((*_WORDS, b"://")))
_CHUNK = 1 << 20
_LONGEST = 1000
_REMEMBERED = 200
"""Bytes of a line whose pairs are kept: with 4,096 of them that is a few MB at most."""
_MOST_LINES = 20_000
"""So many lines that may name a credential are looked at; of a longer one 250 bytes, or two pairs, are as much work."""
_AS_LONG = 250
_AS_MANY = 2
_NAME = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-.$")

_TYPE = (
    r"(?:(?:\s*:\s*|\s+[Aa]s\s+)[&*]?(?:'\w+\s+)?[A-Za-z_][\w.?&*<>'|\[\],]{0,40}(?:\s*\|\s*\w+)?"
    r"|\s+(?:string|String|str|char\s*\*|text|bytes?|\[\]byte))"
)
# What a literal may be wrapped in without being another one: String("v"), []byte("v"), SecretStr("v")
_WRAP = (
    r"(?:(?:new\s+[A-Z][\w.]{0,40}|[\w.:]{0,30}(?:[Ss]tring|[Ss]tr|\w*Literal|[Bb]ytes?|Some|Just|Ok|SecretStr|encode"
    r"|decode|unicode|[Tt]ext|of|from|quote|trim|literal|password|secret|token|Plain\w*|[Mm][Dd]5|[Ss][Hh][Aa]\d{0,3})|\[\]byte|[bBsS]|)\(\s*|\[\s*"
    r"|~[sS])?"
)
# What is asked first, where a literal stands in: `os.environ.get("KEY") or "v"`, `process.env.KEY ?? "v"`.
_ELSE = r"(?:[A-Za-z_$][\w.$]{0,60}(?:[(\[]\s*[\"'][\w.\-]{1,60}[\"']\s*[)\]])?!?\s*(?:\|\||\?\?|\bor\b)\s*)?"
_ASSIGN = lazy.compile(
    r"(?P<key>(?:[^\W\d]|\$)[\w$.\-]{0,90})(?P<close>\\{0,2}[\"'`]?(?:\[\w*\])?(?:[ \t]\])?[\])]{0,3})"
    r"(?:(?P<spaced>[ \t]+)|"
    + _TYPE
    + r"?\s*(?:\{[^{}\"']*\}\s*)?(?P<op>:=|=>|<-|[=!]==?|\|\|=?|\?\?=?|\?:|\|=|~=|[:=,(]|\bor\b|\beq\b)\s*)"
    + _ELSE
    + _WRAP
    + syntax_row.QUOTED
)
_BARE = lazy.compile(
    r"(?P<key>[A-Za-z_$][\w$.\-]{0,90})[*_`\"'\])]{0,4}[ \t]{0,20}(?P<op>[:?]?=|:(?!:)|\bis\b:?|\bwas\b|->)"
    r"[*`_]{0,3}[ \t]{0,20}(?P<mark>[`*\"']{0,3})(?P<value>[^\s\"'`(){}<>\[\]|\\,;]{4,500})(?P=mark)"
)
_APOSTROPHE = lazy.compile(r"(?<=[A-Za-z])'(?=[a-z])")
_OPEN_END = lazy.compile(r"(?:[:=(,]|=>|:=|\+|\\)\s*\\?\s*$")
_GOES_ON = frozenset((b":", b"=", b"(", b",", b">", b"+", b"\\"))
# Functions of these do something with a credential, and take a name or a message.
_VERBS = keyname.word_set(
    "get find fetch read load validate check verify is has hash encrypt decrypt parse create generate delete remove",
    "require ensure assert expect contains includes match matches replace split join index strip trim test throw",
    "raise log",
    "print printf println error warn info debug prompt ask input show hide toggle render format compare invalid",
    "missing",
    "unknown lookup resolve request send receive handle on register unregister describe it should must new make build",
    "revoke refresh renew forgot reset change update confirm by for to from as like where select escape quote",
    "mask redact",
)


def pairs(text: Text, near: Iterable[int] | None = None) -> Iterator[Pair]:
    """Every name of a credential with its literal, and credentials that their syntax alone shows.

    `near`: offsets where triggers matched; only the lines there, and those before them, are looked at.
    """
    data = text.data
    seen: set[tuple[str, str, int]] = set()
    number, counted, looked = 1, 0, 0.0
    for start, end in _all(data) if near is None else _near(data, near):
        for size, found in _of_line(data[start:end], _following(data, end)):
            looked += max(1.0, size / _AS_LONG)
            if looked > _MOST_LINES:
                what = "lines" if end - start <= _LONGEST else "lines, or parts of a long one,"
                text.partly = (
                    f"more than {_MOST_LINES:,} of its {what} may name a credential, and only the first were looked at"
                )
                return
            for among, pair in enumerate(found):
                # Most lines hold nothing: only of those that do it is asked which they are.
                number += data.count(b"\n", counted, start)
                counted = start
                looked += 1 / _AS_MANY if among >= _AS_MANY else 0
                mark = (pair.key, pair.value, pair.line + number)
                if mark not in seen:
                    seen.add(mark)
                    yield pair.moved(number)


def _of_line(raw: bytes, following: bytes) -> Iterable[tuple[int, Iterable[Pair]]]:
    """The pairs of a line, whose number is 0 here, or of each part of a long one, with its size.

    `following`: the beginning of the next one.
    """
    if len(raw) <= _REMEMBERED and len(following) <= _REMEMBERED:
        return ((len(raw), _remembered(raw, following)),)
    if len(raw) <= _LONGEST:
        found = _line(raw.decode("utf-8", "replace").rstrip("\r"), following.decode("utf-8", "replace"))
        return ((len(raw), found),)
    return ((len(piece), _line(piece.decode("utf-8", "replace"), "")) for piece in _pieces(raw))


@functools.lru_cache(maxsize=1 << 12)
def _remembered(raw: bytes, following: bytes) -> tuple[Pair, ...]:
    # Versions of a file repeat most of their lines, and so do licences, settings and what was generated.
    return tuple(_line(raw.decode("utf-8", "replace").rstrip("\r"), following.decode("utf-8", "replace")))


def _near(data: bytes, ends: Iterable[int]) -> Iterator[tuple[int, int]]:
    """The lines that matches end on, in order, and those before them that a value may go on from."""
    done = 0
    for offset in sorted(ends):
        if offset <= done and done:
            continue
        start = data.rfind(b"\n", 0, max(offset - 1, 0)) + 1
        end = data.find(b"\n", max(offset - 1, 0))
        end = len(data) if end < 0 else end
        if start > max(done, 1) and data[max(start - 40, 0) : start].rstrip()[-1:] in _GOES_ON:
            yield data.rfind(b"\n", 0, start - 1) + 1, start - 1
        yield start, end
        done = end + 1


def _following(data: bytes, end: int) -> bytes:
    """The beginning of the line behind the one that ends at an offset."""
    after = data.find(b"\n", end + 1)
    return data[end + 1 : min(len(data) if after < 0 else after, end + 1 + _LONGEST)]


def _all(data: bytes) -> Iterator[tuple[int, int]]:
    """The lines that hold a word of credentials."""
    low = data.lower()
    found: dict[int, int] = {}
    for word in (*_WORDS, *_MARKS):
        at = low.find(word)
        while at >= 0:
            end = low.find(b"\n", at)
            found[low.rfind(b"\n", 0, at) + 1] = end if end >= 0 else len(data)
            at = low.find(word, end) if end >= 0 else -1
    yield from sorted(found.items())


def _pieces(raw: bytes) -> Iterator[bytes]:
    """Of a very long line (minified code, data) what is around its words, each only once."""
    done = 0
    seen: set[bytes] = set()
    for base in range(0, len(raw), _CHUNK):
        # A word that begins in one chunk ends in the next, which is why each looks a little beyond its end.
        for found in _ANY_WORD.finditer(raw[base : base + _CHUNK + 80].lower()):
            at = base + found.start()
            if at >= done:
                piece = raw[max(at - 80, done) : at + _LONGEST]
                done = at + _LONGEST - 100
                if piece not in seen:
                    seen.add(piece)
                    yield piece


def _line(line: str, following: str) -> Iterator[Pair]:
    """The pairs of a line, whose number is 0 here, and of the next one if that goes on with it."""
    low = line.lower()
    names = _names(line, low)
    apart_ = tuple(apart.pairs(line, low))
    if following:
        yield from apart.listed(line, following)
        if "insert" in low and low.rstrip().endswith((")", "values")):
            joined = f"{line.rstrip()} {following.strip()}"
            yield from (pair.moved(1) for pair in apart.inserted(joined))
    given = {pair.path for pair in apart_}
    if following.startswith(_RESULTS):
        given.add("PASS")
    for start in names:
        # In `USER, PASSWORD = "bob", x` it is the first name that the first literal is given to.
        yield from (pair for pair in _assigned(line, start, 0) if pair.path not in given)
    if names and following and _OPEN_END.search(line, max(len(line) - 40, 0)):
        begun = line.rstrip().rstrip("\\+").rstrip()
        joined = begun + " " + following.strip()
        for start in names[-2:]:
            yield from _assigned(joined, start, 1, beyond=len(begun))
    yield from syntax.pairs(line, low)
    yield from apart_


_RESULTS = ("PASS: ", "FAIL: ", "XPASS: ", "XFAIL: ", "SKIP: ", "UNSUPPORTED: ", "UNTESTED: ", "UNRESOLVED: ")
_IN_NAMES = (
    *("pass", "pwd", "secret", "token", "cred", "auth", "key", "salt", "pw", "nonce", "seed"),
    *filter(str.isascii, keyname.FOREIGN),
)
_IV = lazy.compile(
    r"(?<![\w.$])(?:[\w.]{0,40}_)?(?:iv|IV)(?![A-Za-z_])"
    r"|(?<![\w.$])[A-Za-z][\w.]{0,40}(?:Iv|(?<=[a-z])IV)(?![A-Za-z_])"
)


def _names(line: str, low: str) -> list[int]:
    """Where names start that hold a word of credentials."""
    found: set[int] = set()
    for word in _IN_NAMES if low.isascii() else (*_IN_NAMES, *keyname.FOREIGN):
        at = low.find(word)
        while at >= 0:
            start = at
            while start and line[start - 1] in _NAME and at - start < 80:
                start -= 1
            while start < at and line[start] in "-.0123456789":
                start += 1
            found.add(start)
            at = low.find(word, at + len(word))
    if "iv" in low:
        found.update(match.start() for match in _IV.finditer(line))
    return sorted(found)


def _assigned(line: str, start: int, number: int, beyond: int = 0) -> Iterator[Pair]:
    match = _ASSIGN.match(line, start)
    if match and match.start("q") >= beyond and _holds(line, match):
        name = _annotated(line, start) + syntax.last(match["key"])
        value = syntax.unescaped(match["value"], match["prefix"])
        where = "argument" if match["op"] in (",", "(") else "code"
        yield Pair(name, match["key"], value, number, number, True, where)
        return
    bare = _BARE.match(line, start) if not beyond else None
    if bare and _ends(line, bare) and not (bare["op"] == ":" and _is_other(line, start, bare)):
        value = bare["value"].rstrip(".!?:*`_" if bare["op"] != "=" else "`*")
        where = "said" if bare["op"][0].isalpha() else "prose"
        name = _annotated(line, start) + syntax.last(bare["key"])
        yield Pair(name, bare["key"], value, number, number, bool(bare["mark"]), where)


def _is_other(line: str, start: int, bare: re.Match[str]) -> bool:
    """Whether a name is a part of `arn:aws:secretsmanager:eu-west-1:123456789012:secret:name`, or a test's result.

    Suites of tests print `PASS: x86 cpuid` and `PASS: ld-elf/note4`.
    """
    if bare["key"] == "PASS" and ("/" in bare["value"] or line[bare.end() :].strip()):
        return True
    return line[start - 1 : start] == ":" and line[:start].split()[-1].lstrip("\"'`(").startswith("arn:")


def _annotated(line: str, start: int) -> str:
    """What stands before the slash of a name: `checksum/secret` is not called as `secret` is."""
    if line[start - 1 : start] != "/":
        return ""
    begin = start - 1
    while begin and line[begin - 1] in _NAME and start - begin < 80:
        begin -= 1
    return line[begin:start]


def _ends(line: str, bare: re.Match[str]) -> bool:
    """Whether a value without quotes is a whole one, and none of an expression."""
    after = line[bare.end() : bare.end() + 1]
    return bool(bare["mark"]) or (
        (after in ("", ",", ";", '"', "'", "`", ")", "|", "\\", "}") or after.isspace())
        and (bare["value"][0] not in "=~>:&$")
    )


def _holds(line: str, match: re.Match[str]) -> bool:
    """Whether a match is an assignment: of calls only those that take the value as a credential."""
    op, close, rest = match["op"], match["close"], line[match.end() :].lstrip()
    words = keyname.words(match["key"].rpartition(".")[2])
    if rest.startswith((":", "=>", "= ", "==")) and op in (",", "("):
        return False
    if rest[:1] in ("+", ".") and rest[:2] not in (".t", "..") and match["q"] != '"""' and _joins(rest):
        return False
    if _inside(line, match.start("q"), match["q"]):
        return False
    if match["spaced"] is not None:
        before = line[: match.start()].rstrip(" \t")
        return not close and (
            before[-1:] in ("(", ":", "{", ";", "") or before.endswith(("define", "setq", "set", "ENV"))
        )
    if op == "(":
        if words[:1] == ("set",):  # keyring.set_password("service", "name", x)
            return not close and not rest.startswith(",")
        return not close and bool(words) and words[0] not in _VERBS
    if op == ",":
        return _is_argument(line, match.start(), rest)
    return True


def _inside(line: str, at: int, quote: str) -> bool:
    """Whether a quote closes a literal that began before it: `"NAME=" + x + ", "`."""
    sign = quote[-1]
    before = line[:at].replace("\\" + sign, "") if len(quote) == 1 else ""
    if sign == "'":
        before = _APOSTROPHE.sub("", before)
    return before.count(sign) % 2 == 1


def _is_argument(line: str, start: int, rest: str) -> bool:
    """Whether a name and what follows its comma are two arguments or a pair, not two of a list of names."""
    bare = line[:start].rstrip(":-@")
    before = bare.rstrip("\\\"'`")
    if before == bare and before[-1:] != "{" and not line[:start].endswith(":"):
        return False
    is_list = before[-1:] == "[" and before[-2:-1] in ("", " ", "=", ",", "(", "[")
    if before[-1:] not in ("(", "{", "[") or is_list:
        return False
    return not re.match(r"""[,\s]+["'][^"' ]*["']\s*,\s*["']""", rest)


def _joins(rest: str) -> bool:
    """Whether a literal is only a part of what is assigned: `"Bearer " + token`."""
    if rest.startswith(".format"):
        return True
    return rest.startswith(("+ ", "+$", ". $")) and not re.match(r"\+\s*[\"']", rest)
