r"""Names and the literals they are given, in source code of any language, in scripts and in prose. Pure, and never raises.

Nothing is parsed: what languages differ in (types, sigils, declarations) stands to the left of a name or between it and
an assignment, and is passed over. Only lines that hold a word of credentials are looked at, and of these only what
follows the name that the word is a part of:

    name = "v"   name: str = "v"   "name": "v"   :name => 'v'   name := `v`   $a['name'] = 'v'   #define NAME "v"
    f("name", "v")   setName("v")   env("name") or "v"   ${name:-v}   <name>v</name>   name == "v"
    NAME=v cmd   name: v   --name v   curl -u x:v   mysql -pv   Authorization: Bearer v   x://y:v@host   ...;Password=v;...
    IDENTIFIED BY 'v'   name is v
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from hooks import keyname
from hooks.structure.pair import Pair

if TYPE_CHECKING:
    from hooks.text import Text

_WORDS = (b"pass", b"pwd", b"secret", b"token", b"cred", b"auth", b"key", b"salt", b"bearer", b"basic", b"pw")
_MARKS = tuple(
    b":// curl sshpass mysql identified redis-cli login connect openssl log_in signin secure ldap mongo hmac jwt btoa community"
    b" @tcp( sp_add fernet cipher".split()
) + (b" -p", b" -a ", b"net user", b"log in")
_ANY_WORD = re.compile(b"|".join((*_WORDS, b"://")))
_LONGEST = 1000
_MOST_LINES = 20_000
_NAME = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-.$")

_QUOTED = (
    r"(?P<prefix>[@$rbuRBULNf]{0,2})(?P<q>\"{3}|'{3}|\\{0,2}[\"'`])(?P<value>(?:\\{1,2}.|(?!(?P=q)).){1,1000}?)(?P=q)"
)
_TYPE = (
    r"(?:(?:\s*:\s*|\s+[Aa]s\s+)[&*]?(?:'\w+\s+)?[A-Za-z_][\w.?&*<>'|\[\],]{0,40}(?:\s*\|\s*\w+)?"
    r"|\s+(?:string|String|str|char\s*\*|text|bytes?|\[\]byte))"
)
_WRAP = (
    r"(?:(?:new\s+[A-Z][\w.]{0,40}|[\w.:]{0,30}(?:[Ss]tring|[Ss]tr|\w*Literal|[Bb]ytes?|Some|Just|Ok|SecretStr|SecureString|encode|decode"
    r"|unicode|[Tt]ext|of|from|quote|trim|literal|password|secret|token|Plain\w*)|\[\]byte|[bBsS]|)\(\s*|\[\s*|~[sS])?"
)
_ASSIGN = re.compile(
    rf"""(?P<key>[A-Za-z_$][\w$.\-]{{0,90}})(?P<close>\\{{0,2}}["'`]?(?:\[\w*\])?[\])]{{0,3}})"""
    rf"""(?:(?P<spaced>[ \t]+)|{_TYPE}?\s*(?:\{{[^{{}}"']*\}}\s*)?(?P<op>:=|=>|<-|[=!]==?|\|\|=?|\?\?=?|\?:|\|=|~=|[:=,(]|\bor\b|\beq\b)\s*){_WRAP}{_QUOTED}""",
)
_BARE = re.compile(
    r"""(?P<key>[A-Za-z_$][\w$.\-]{0,90})(?P<close>[*_`"'\])]{0,4})[ \t]{0,20}(?P<op>[:?]?=|:(?!:)|\bis\b:?|\bwas\b|->)(?P<after>[*`_]{0,3}[ \t]{0,20})"""
    r"""(?P<mark>[`*"']{0,3})(?P<value>[^\s"'`(){}<>\[\]|\\,;]{4,500})(?P=mark)"""
)
_NAMED = re.compile(
    rf"""(?i:name|key|id|field|option|setting|header)\\?["']?\s*[:=]\s*\\?["'](?P<key>[\w.\- ]{{2,80}})\\?["'][\s,;]+(?:@?\\?["']?)(?i:value|default\w*|val|text|content)\\?["']?\s*[:=]\s*{_QUOTED}"""
)
_DEFAULT = re.compile(
    rf"""["']-{{0,2}}(?P<key>[\w.\-]{{2,80}})["'][^"'\n]{{0,120}}\b(?i:default\w*|fallback|value|initial)\s*[=:]\s*{_QUOTED}"""
)
_ELEMENT = re.compile(r"<(?P<key>[A-Za-z][\w.:\-]*)(?:\s[^<>]{0,200})?>\s*(?P<value>[^<>\s]{3,500})\s*</(?P=key)>")
_FALLBACK = re.compile(r"\$\{(?P<key>[\w.\-]{2,80}):[-=]?(?P<value>[^{}$\s]{3,200})\}")
_OPTION = re.compile(
    r"""(?<![\w-])--?(?P<key>[A-Za-z][\w.\-]{2,60})(?:=|[ \t]+|["'][ \t]*,[ \t]*)["']?(?P<value>(?!-)[^\s"'`<>|;&,\]]{4,500})["']?"""
)
_CURL = re.compile(
    r"""\b(?:curl|http|https|wget|xh)\b.{0,300}?\s(?:-u|--user|-a|--auth|-U|--proxy-user)[ =]?["']?(?P<user>[^\s:"'$]{0,80}):(?P<value>[^\s"'@]{3,200})"""
)
_SHORT = re.compile(
    r"""\b(?:(?:sshpass\b.{0,40}?\s-p|mysql\w{0,8}\b.{0,200}?\s-p|mongo\w{0,8}\b.{0,200}?\s-p\s|redis-cli\b.{0,200}?\s-a\s|docker\s+login\b.{0,200}?\s-p\s"""
    r"""|ldap\w+\b.{0,200}?\s-w\s|net\s+use\b.{0,200}?/user:\S+|smbclient\b.{0,200}?\s-U\s?[^\s%]+%|az\s+login\b.{0,200}?\s-p\s|helm\s+\w+.{0,200}?\s-p\s)\s*|pass:)["']?(?P<value>[^\s"'<>|;&$(){}]{4,200})"""
)
_SQL = re.compile(
    r"""(?i:identified\s+(?:with\s+\S+\s+)?by|(?:with|encrypted|set|login|user\s+\S+)\s+password|\bpassword\s*\()\s*=?\s*(?:password\s*)?['"](?P<value>[^'"\n]{3,200})['"]"""
)
_SCHEME = re.compile(
    r"(?i:\b(?P<scheme>bearer|basic)|authorization\W{1,6}(?:token|apikey|key))[ :]+(?P<value>[\w.~+/=\-]{8,4000})"
)
_URL = re.compile(
    r"[a-zA-Z][a-zA-Z0-9+.\-]{1,30}://[^\s/?#@:\"'<>`]{0,100}:[^\s/?#\"'<>`]{1,200}@[^\s\"'<>`),;]{1,200}"
)
_CONNECTION = re.compile(
    r"(?i:(?:^|[;,\"'&?\s])(?:password|pwd|accountkey|sharedaccesskey))\s*=\s*(?P<value>[^;,\"'&\s()]{3,300})(?=[;\"'&\s]|$)"
)
_IS_CONNECTION = re.compile(
    r"(?i:\b(?:server|data source|host|hostname|user id|uid|username|user|database|initial catalog|endpoint|accountname|dbname|dsn|port)\s*=)"
)
_LOGIN = re.compile(
    r"(?i:\b(?:log\s?in|credentials?|creds|user(?:name)?/pass(?:word)?|login/password|account)\b)[^\n\w]{0,4}(?:\s?(?:with|as|is|are|using))?[\s:=`\"'*]{1,5}(?P<user>[\w.@\-]{2,60})[`\"'*]{0,2}\s?[/:|]\s?[`\"'*]{0,2}(?P<value>[^\s`\"'*/|,;()<>]{4,60})(?![^\s`\"'*,.;)])"
)
_SIGN_IN = re.compile(
    r"""(?i:(?:\blog_?in|connect|\bPDO|mysqli\w*|DriverManager\.|\w*auth|\w*credentials?|getConnection|sign_?in)\w*)["']?(?:(?:\.|::)new)?\s*(?:=>|[(=:])\s*[(\[]?\s*(?:[^()]{0,120}?,\s*)?(?:\w+\(\s*)?"""
    r"""[@bu]?["'](?P<user>[\w.@\-]{2,60})["']\s*,\s*[@bu]?["'](?P<value>[^"'\s]{4,200})["']"""
)
_COMPARED = re.compile(
    r"""[@b]?(?P<q>["'])(?P<value>[^"'\s]{4,200})(?P=q)\s*(?:===?|!==?|\.equals\(|\.Equals\(|\.compareTo\()\s*(?:\w+(?:\.|->))*\$?(?P<key>\w{3,60})"""
)
_SET = re.compile(
    r"""^\s*(?:#\s*)?(?:ENV|ARG|setx|set|setenv|export|\$env:)\s*(?P<key>[A-Za-z_]\w{2,60})\s+["']?(?P<value>[^\s"'=]{4,300})["']?(?:\s+/M)?\s*$"""
)
_PIPED = re.compile(
    r"""ConvertTo-SecureString\s+(?:-String\s+)?["'](?P<a>[^"'$]{4,200})["']|\becho\s+(?:-n\s+)?["']?(?:\w+:)?(?P<b>[^\s"'|:$]{4,200})["']?\s*\|\s*(?:sudo\s+)?"""
    r"""(?:ch)?passwd\b|\bnet\s+user\s+\S+\s+(?P<c>[^\s/]{4,100})\s|\bopenssl\s.{0,80}-(?:k|passin|passout)\s+(?:pass:)?(?P<d>[^\s:$]{4,200})"""
)
_APOSTROPHE = re.compile(r"(?<=[A-Za-z])'(?=[a-z])")
_CRYPTO = re.compile(
    r"""(?:\bjwt\.\w+|createHmac|\bhmac\.new|HMAC\.new|signWith|Fernet|createCipher\w*|createDecipher\w*|SecretKeySpec|setSigningKey|hmac_sha\d+)"""
    r"""\(\s*(?:[\w.'"\-]{1,40},\s*){0,2}b?["'](?P<value>[^"'\s]{10,300})["']"""
)
_ENCODED = re.compile(
    r"""(?:btoa|[bB]ase64\w*|b64encode|[eE]ncode\w*)\(\s*b?["'](?P<user>[\w.@\-]{1,60}):(?P<value>[^"'\s]{4,200})["']"""
)
_NETWORK = re.compile(
    r"""["'](?P<user>[\w.\-]{1,60}):(?P<value>[^\s"'@/:]{4,200})@(?:(?:tcp|unix|udp)\(|[\w.\-]+:\d{2,5}\b)"""
)
_DEVICE = re.compile(
    r"\b(?:enable\s+secret|username\s+\S+(?:\s+privilege\s+\d+)?\s+(?:password|secret)|key-string|pre-shared-key|snmp-server\s+community"
    r"|sp_add\w+\s+N?'[^']+',|htpasswd\s+-\w*b\w*\s+(?:-\w+\s+)*\S+\s+\S+)\s+(?:[0-9]\s+)?N?['\"]?(?P<value>[^\s'\"]{5,200})"
)
_KEYED = re.compile(
    r"""<\w[\w.:\-]*\s[^<>]{0,80}?(?:key|name|id)=["'](?P<key>[\w.\-]{3,80})["'][^<>]{0,80}>\s*(?P<value>[^<>\s]{4,300})\s*</"""
)
_INSERT = re.compile(
    r"(?i:insert\s+into\s+\S+\s*)\((?P<names>[^()]{3,500})\)\s*(?i:values)\s*\((?P<values>.{3,1000}?)\)\s*(?:[,;]|$)"
)
_ITEM = re.compile(r"\s*N?'(?P<text>(?:[^'\\]|''|\\.)*)'|[^,]+")
_OPEN_END = re.compile(r"(?:[:=(,]|=>|:=|\+|\\)\s*\\?\s*$")
_VERBS = frozenset(
    "get find fetch read load validate check verify is has hash encrypt decrypt parse create generate delete remove require "
    "ensure assert expect contains includes match matches replace split join index strip trim test throw raise log print "
    "printf println error warn info debug prompt ask input show hide toggle render format compare invalid missing unknown "
    "lookup resolve request send receive handle on register unregister describe it should must new make build revoke "
    "refresh renew forgot reset change update confirm by for to from as like where select escape quote mask redact".split()
)


def pairs(text: Text, near: Iterable[int] | None = None) -> Iterator[Pair]:
    """Every name of a credential with its literal, and credentials that their syntax alone shows.

    `near`: offsets where triggers matched; only the lines there, and those before them, are looked at.
    """
    seen: set[tuple[str, str, int]] = set()
    for number in _lines(text.data) if near is None else _near(text, near):
        raw = text.line_bytes(number)
        for piece in _pieces(raw):
            following = text.line_bytes(number + 1)[:_LONGEST].decode("utf-8", "replace") if len(raw) <= _LONGEST else ""
            for pair in _line(piece, following, number):
                mark = (pair.key, pair.value, pair.line)
                if mark not in seen:
                    seen.add(mark)
                    yield pair


def _near(text: Text, ends: Iterable[int]) -> list[int]:
    """The lines that offsets are on; a name may stand on the line before its value."""
    lines = {text.line(max(end - 1, 0)) for end in ends}
    return sorted({line for number in lines for line in (number - 1, number) if line > 0})[:_MOST_LINES]


def _lines(data: bytes) -> list[int]:
    """The numbers of the lines that hold a word of credentials."""
    low = data.lower()
    starts: set[int] = set()
    for word in (*_WORDS, *_MARKS):
        at = low.find(word)
        while at >= 0 and len(starts) < _MOST_LINES:
            starts.add(low.rfind(b"\n", 0, at) + 1)
            end = low.find(b"\n", at)
            at = low.find(word, end) if end >= 0 else -1
    number, before, found = 1, 0, []
    for start in sorted(starts):
        number += low.count(b"\n", before, start)
        before = start
        found.append(number)
    return found


def _pieces(raw: bytes) -> Iterator[str]:
    """A line, or of a very long one (minified code, data) what is around its words."""
    if len(raw) <= _LONGEST:
        yield raw.decode("utf-8", "replace").rstrip("\r")
        return
    low = raw[: 1 << 20].lower()
    done = 0
    for found in _ANY_WORD.finditer(low):
        if found.start() >= done:
            yield raw[max(found.start() - 80, done) : found.start() + _LONGEST].decode("utf-8", "replace")
            done = found.start() + _LONGEST - 100


def _line(line: str, following: str, number: int) -> Iterator[Pair]:
    low = line.lower()
    for start in _names(line, low):
        yield from _assigned(line, start, number)
    if following and _OPEN_END.search(line):
        joined = line.rstrip().rstrip("\\+").rstrip() + " " + following.strip()
        for start in _names(line, low)[-2:]:
            yield from _assigned(joined, start, number + 1, beyond=len(line.rstrip().rstrip("\\+").rstrip()))
    yield from _by_syntax(line, low, number)


def _names(line: str, low: str) -> list[int]:
    """Where names start that hold a word of credentials."""
    found: set[int] = set()
    for word in ("pass", "pwd", "secret", "token", "cred", "auth", "key", "salt", "pw"):
        at = low.find(word)
        while at >= 0:
            start = at
            while start and line[start - 1] in _NAME and at - start < 80:
                start -= 1
            while start < at and line[start] in "-.0123456789":
                start += 1
            found.add(start)
            at = low.find(word, at + len(word))
    return sorted(found)


def _assigned(line: str, start: int, number: int, beyond: int = 0) -> Iterator[Pair]:
    match = _ASSIGN.match(line, start)
    if match and match.start("q") >= beyond and _holds(line, match):
        name = _key(match["key"])
        value = _unescaped(match["value"], match["prefix"])
        yield Pair(name, match["key"], value, number, number, True, "code")
        return
    bare = _BARE.match(line, start) if not beyond else None
    if bare and _ends(line, bare):
        value = bare["value"].rstrip(".!?:*`_" if bare["op"] != "=" else "`*")
        where = "said" if bare["op"][0].isalpha() else "prose"
        yield Pair(_key(bare["key"]), bare["key"], value, number, number, bool(bare["mark"]), where)


def _ends(line: str, bare: re.Match[str]) -> bool:
    """Whether a value without quotes is a whole one, and none of an expression."""
    after = line[bare.end() : bare.end() + 1]
    return (
        bool(bare["mark"])
        or (after in ("", ",", ";", '"', "'", "`", ")", "|", "\\", "}") or after.isspace())
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
    if before[-1:] not in ("(", "{", "[") or before[-2:-1] in ("", " ", "=", ",", "(", "[") and before[-1:] == "[":
        return False
    return not re.match(r"""[,\s]+["'][^"' ]*["']\s*,\s*["']""", rest)


def _joins(rest: str) -> bool:
    """Whether a literal is only a part of what is assigned: `"Bearer " + token`."""
    return rest.startswith(("+ ", "+$", ". $")) and not re.match(r"\+\s*[\"']", rest) or rest.startswith(".format")


def _by_syntax(line: str, low: str, number: int) -> Iterator[Pair]:
    """Pairs that their syntax shows, whatever language is around it."""
    for form in (_COMPARED, _SET):
        for match in form.finditer(line):
            yield Pair(match["key"], match["key"], match["value"], number, number, form is _COMPARED, "code")
    for form in (_NAMED, _DEFAULT):
        for match in form.finditer(line):
            yield Pair(_key(match["key"]), match["key"], _unescaped(match["value"], ""), number, number, True, "code")
    if "</" in line:
        for match in (*_ELEMENT.finditer(line), *_KEYED.finditer(line)):
            yield Pair(_key(match["key"]), match["key"], match["value"], number, number, True, "code")
    if "${" in line:
        for match in _FALLBACK.finditer(line):
            yield Pair(_key(match["key"]), match["key"], match["value"], number, number, False, "prose")
    if "-" in line:
        for match in _OPTION.finditer(line):
            yield Pair(match["key"], match["key"], match["value"], number, number, False, "prose")
        for form in (_CURL, _SHORT):
            for match in form.finditer(line):
                yield Pair("password", "password", match["value"], number, number, False, "command")
    if "bearer" in low or "basic" in low or "authorization" in low:
        for match in _SCHEME.finditer(line):
            value = f"{match['scheme'] or 'token'} {match['value']}"
            yield Pair("Authorization", "Authorization", value, number, number, True, "header")
    yield from _connections(line, low, number)


def _connections(line: str, low: str, number: int) -> Iterator[Pair]:
    if "://" in line:
        for match in _URL.finditer(line):
            yield Pair("url", "url", match[0], number, number, True, "url")
    if "=" in line and ("password" in low or "pwd" in low or "key" in low) and _IS_CONNECTION.search(line):
        for match in _CONNECTION.finditer(line):
            if ";" in line or line.count("=") > 2:
                yield Pair("password", "password", match["value"], number, number, True, "connection")
    for form in (_CRYPTO, _ENCODED, _NETWORK, _DEVICE):
        for match in form.finditer(line):
            yield Pair("secret", "secret", match["value"], number, number, True, "login")
    if "insert" in low:
        yield from _inserted(line, number)
    if "identified" in low or "password" in low:
        for match in _SQL.finditer(line):
            yield Pair("password", "password", match["value"], number, number, True, "sql")
    for match in _SIGN_IN.finditer(line) if "," in line else ():
        yield Pair("password", "password", match["value"], number, number, True, "login")
    if "secure" in low or "passwd" in low or "user" in low or "openssl" in low:
        for match in _PIPED.finditer(line):
            found = match["a"] or match["b"] or match["c"] or match["d"]
            yield Pair("password", "password", found, number, number, True, "command")
    if "login" in low or "cred" in low or "user" in low or "account" in low or "log in" in low:
        for match in _LOGIN.finditer(line):
            yield Pair("password", "password", match["value"], number, number, False, "login")


def _inserted(line: str, number: int) -> Iterator[Pair]:
    """Values of columns that hold credentials: `INSERT INTO t (name, password) VALUES ('x', 'v')`."""
    for match in _INSERT.finditer(line):
        names = [name.strip(" `\"'[]") for name in match["names"].split(",")]
        for name, item in zip(names, _ITEM.finditer(match["values"]), strict=False):
            if item["text"]:
                yield Pair(name, name, item["text"], number, number, True, "sql")


def _key(name: str) -> str:
    """The last name of a dotted one, with the one before it where it says nothing by itself."""
    parts = [part for part in re.split(r"[.$]+|->|::", name) if part]
    if not parts:
        return name
    return ".".join(parts[-2:]) if parts[-1].lower() in ("key", "keys", "value", "default", "auth") else parts[-1]


def _unescaped(value: str, prefix: str) -> str:
    if "\\" not in value or "r" in prefix.lower() or "@" in prefix:
        return value
    return re.sub(r"\\+([\"'`\\/])", r"\1", value)
