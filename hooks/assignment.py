"""A name and the literal that it is given, at one place of a line: is it an assignment, and of what. Pure.

What languages differ in (types, sigils, declarations) stands to the left of the name or between it and the literal, and
is passed over (`hooks.code`).
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from hooks import keyname, lazy, syntax, syntax_row
from hooks.structure.pair import Pair

NAME = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-.$")
"""Characters of a name."""
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
# What follows a value in a query or a form: client_secret=x&grant_type=y
_PARAMETER = lazy.compile(r"&(?:amp$|[A-Za-z_][\w.\-\[\]]*=)")
# What servers answer while they hand tokens out (RFC 5849, 2; RFC 6749, 5.1) is in tests and manuals of clients, and
# lasts an hour elsewhere.
_STEP = lazy.compile(r"&(?:amp;)?(?:oauth_\w+|token_type\w*)=")
_SIZE = lazy.compile(r"[\dx.,/*]+(?:px|r?em|pt|[cm]m|v[hw]|%|dpi?|kW?|W)?")
_SHORTEST_PW = 8
"""Characters of what notes give behind `pw:`, which is a width, a power or a page elsewhere."""
_APOSTROPHE = lazy.compile(r"(?<=[A-Za-z])'(?=[a-z])")
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


def assigned(line: str, start: int, number: int, beyond: int = 0) -> Iterator[Pair]:
    """The pair whose name begins at an offset of a line, if its literal begins at `beyond` or later."""
    match = _ASSIGN.match(line, start)
    if match and match.start("q") >= beyond and _holds(line, match):
        name = _annotated(line, start) + syntax.last(match["key"])
        value = syntax.unescaped(match["value"], match["prefix"])
        where = "argument" if match["op"] in (",", "(") else "code"
        yield Pair(name, match["key"], value, number, number, True, where)
        return
    bare = _BARE.match(line, start) if not beyond else None
    if bare and bare["key"].lower() == "pw" and _is_width(bare):
        return
    if bare and _ends(line, bare) and not (bare["op"] == ":" and _is_other(line, start, bare)):
        value = bare["value"].rstrip(".!?:*`_" if bare["op"] != "=" else "`*")
        if bare["op"] == "=" and "&" in value:
            if _STEP.search(value):
                return
            value = _PARAMETER.split(value, maxsplit=1)[0]
        where = "said" if bare["op"][0].isalpha() else "prose"
        name = _annotated(line, start) + syntax.last(bare["key"])
        yield Pair(name, bare["key"], value, number, number, bool(bare["mark"]), where)


def _is_width(bare: re.Match[str]) -> bool:
    """Whether `pw` is no password: `pw: 1200px`, `pw = 640x480`."""
    short = bare["op"] == ":" and len(bare["value"]) < _SHORTEST_PW
    return short or _SIZE.fullmatch(bare["value"]) is not None


def _is_other(line: str, start: int, bare: re.Match[str]) -> bool:
    """Whether a name is a part of `arn:aws:secretsmanager:eu-west-1:123456789012:secret:name`, or no name of a value.

    Suites of tests print `PASS: x86 cpuid` and `PASS: ld-elf/note4`, `grep` prints `/etc/passwd:bob:x:1000:...`.
    """
    if (
        bare["key"].endswith("passwd")
        and line[start - 1 : start] in ("/", ":")
        and line[start - 2 : start - 1].isalnum()
    ):
        return True
    if bare["key"] == "PASS" and line[:start] in ("", "--- "):
        rest = line[bare.end() :].strip()
        if "/" in bare["value"] or (rest and ":" not in rest):
            return True
    return line[start - 1 : start] == ":" and line[:start].split()[-1].lstrip("\"'`(").startswith("arn:")


def _annotated(line: str, start: int) -> str:
    """What stands before the slash of a name: `checksum/secret` is not called as `secret` is."""
    if line[start - 1 : start] != "/":
        return ""
    begin = start - 1
    while begin and line[begin - 1] in NAME and start - begin < 80:
        begin -= 1
    return line[begin:start]


def _ends(line: str, bare: re.Match[str]) -> bool:
    """Whether a value without quotes is a whole one, and none of an expression."""
    after = line[bare.end() : bare.end() + 1]
    if bare["mark"]:
        # "application:" + key is a literal that is only a part of what is assigned.
        return bare["value"][-1].isalnum() or not _joins(line[bare.end() :].lstrip())
    return (after in ("", ",", ";", '"', "'", "`", ")", "|", "\\", "}") or after.isspace()) and (
        bare["value"][0] not in "=~>:&$"
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
