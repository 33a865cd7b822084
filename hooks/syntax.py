"""Credentials that syntax alone shows, whatever language is around it: options, URLs, SQL, sign-ins, elements. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator

from hooks import lazy
from hooks.structure.pair import Pair
from hooks.syntax_commands import COMMANDS
from hooks.syntax_notes import NOTES
from hooks.syntax_row import QUOTED, Row

ROWS = (
    *COMMANDS,
    *NOTES,
    # "v".equals(password)
    Row(
        "== != equals( compareto(",
        r"[@b]?(?P<q>[\"'])(?P<value>[^\"'\s]{4,200})(?P=q)\s*(?:===?|!==?|\.[eE]quals\(|\.compareTo\()"
        r"\s*(?:\w+(?:\.|->))*\$?(?P<key>\w{3,60})",
        literal=True,
    ),
    # ENV NAME v
    Row(
        "env arg set export",
        r"^\s*(?:#\s*)?(?:ENV|ARG|setx|set|setenv|export|\$env:)\s*(?P<key>[A-Za-z_]\w{2,60})\s+"
        r"[\"']?(?P<value>[^\s\"'=]{4,300})[\"']?(?:\s+/M)?\s*$",
        quoted=False,
    ),
    # name: "password", value: "v"
    Row(
        "value default val text content",
        r"(?i:name|key|id|field|option|setting|header)\\?[\"']?\s*[:=]\s*\\?[\"'](?P<key>[\w.\- ]{2,80})\\?[\"'][\s,;]+"
        r"@?\\?[\"']?(?i:value|default\w*|val|text|content)\\?[\"']?\s*[:=]\s*" + QUOTED,
        literal=True,
        part=r"[:=]\s*\\?[\"'][\w.\- ]{2,80}\\?[\"'][\s,;]+@?\\?[\"']?(?i:value|default|val|text|content)",
    ),
    # ("--password", default="v")
    Row(
        "default fallback value initial",
        r"[\"']-{0,2}(?P<key>[\w.\-]{2,80})[\"'][^\"'\n]{0,120}\b(?i:default\w*|fallback|value|initial)\s*[=:]\s*"
        + QUOTED,
        literal=True,
    ),
    # <password>v</password>, <entry key="password">v</entry>
    Row(
        "</",
        r"<(?P<key>[A-Za-z][\w.:\-]*)(?:\s[^<>]{0,200})?>\s*(?:<!\[CDATA\[\s*)?(?P<value>[^<>\s]{3,500}?)\s*(?:\]\]>\s*)?"
        r"</(?P=key)>",
    ),
    Row(
        "</",
        r"<\w[\w.:\-]*\s[^<>]{0,80}?(?:key|name|id)=[\"'](?P<key>[\w.\-]{3,80})[\"'][^<>]{0,80}>\s*"
        r"(?P<value>[^<>\s]{4,300})\s*</",
    ),
    # ${name:-v}
    Row("${", r"\$\{(?P<key>[\w.\-]{2,80}):[-=]?(?P<value>[^{}$\s]{3,200})\}", where="prose", quoted=False),
    # --name v, "--name", "v"
    Row(
        "-",
        r"-(?<![\w-]-)-?(?P<key>[A-Za-z][\w.\-]{2,60})(?:=|[ \t]+|[\"'][ \t]*,[ \t]*)[\"']?"
        r"(?P<value>(?!-)[^\s\"'`<>|;&,\]]{4,500})[\"']?",
        where="prose",
        quoted=False,
    ),
    # x://name:v@host, name:v@host:6379, "name:v@tcp(host)"
    Row(
        "://",
        r"(?P<value>[a-zA-Z][a-zA-Z0-9+.\-]{1,30}://[^\s/?#@:\"'<>`]{0,100}(?:@[\w.\-]{1,60})?:[^\s/?\"'<>`]{1,200}@[^\s\"'<>`),;]{1,200})",
        "url",
        "url",
        part=r"://[^\s/?#@:\"'<>`]{0,100}(?:@[\w.\-]{1,60})?:[^\s/?\"'<>`]{1,200}@",
    ),
    Row(
        "@tcp(",
        r"[\"'`][\w.\-]{1,60}:(?P<value>[^\s\"'@/:`]{4,200})@tcp\((?!localhost|127\.|0\.0\.0\.0|\[::1)",
        "password",
        "taken",
        literal=True,
    ),
    Row(
        "@",
        r"(?:^|[\s\"'=`])(?!mailto:|sips?:|xmpp:)[\w.\-]{0,60}:(?P<value>[^\s\"'@/:`]{4,200})"
        r"@(?!sha\d)(?:(?:tcp|unix|udp)\(|[\w.\-]+:\d{2,5}\b)",
        "password",
        "login",
        part=r":[^\s\"'@/:`]{4,200}@[\w.\-]+[:(]",
    ),
    # what is hashed to be kept as a password: Hash::make("v"), bcrypt.hash("v", 10)
    Row(
        "hash make_password hashpw encoder generatefrompassword",
        r"(?:\bHash::make|\bbcrypt\w{0,10}\.(?:hash\w{0,10}|GenerateFromPassword)|\bargon2\w{0,4}\.hash|\bBCrypt\.hashpw|\b\w{0,20}[pP]assword_?[hH]ash"
        r"|\b(?:get_)?[hH]ash_?[pP]assword|\bmake_password|\b(?:\w{0,20}[pP]assword|[bB][cC]rypt)Encoder(?:\(\))?\.encode)\(\s*(?:\[\]byte\(\s*)?b?"
        r"[\"'](?P<value>[^\"'\s$]{4,200})[\"']",
        "password",
        "hashed",
        literal=True,
        part=r"(?:make|hash\w{0,10}|Hash|[pP]assword|hashpw|encode)\(\s*(?:\[\]byte\(\s*)?b?[\"']",
    ),
    # keyStore.load(stream, "v".toCharArray())
    Row(
        "tochararray",
        r"(?:\bload|[kK]ey[sS]tore|\bgetKey|\bgetEntry|PBEKeySpec|PasswordProtection|[pP]ass(?:w\w*)?|\.init|[dD]ecrypt\w*"
        r"|[eE]ncrypt\w*)\W[^;\n]{0,160}?(?<![\w\\])\"(?P<value>[^\"\s\\]{4,200})\"\s*\.toCharArray\b",
        "password",
        "login",
        literal=True,
    ),
    # jwt.sign(x, "v"), createHmac("sha256", "v"), btoa("name:v")
    Row(
        "jwt.",
        r"\bjwt\.(?:sign|verify|encode|decode)\w*\(\s*(?:[\w.'\"\-]{1,40}(?:\([^()\n]{0,60}\))?|\{[^{}]{0,120}\}),\s*"
        r"(?:[\w.]{1,60}\s*(?:\|\||\?\?)\s*)?b?"
        r"[\"'](?P<value>[^\"'\s]{4,300})[\"']",
        "jwt_secret",
        "taken",
        literal=True,
    ),
    # session({ secret: "v" })
    Row(
        "session(",
        r"(?i:\b(?:cookie)?session\()\s*\{[^{}\n]{0,200}?\bsecret:\s*[\"'](?P<value>[^\"'\s$]{4,200})[\"']",
        "session_secret",
        "taken",
        literal=True,
    ),
    Row(
        "hmac signwith fernet cipher keyspec signingkey",
        r"(?:createHmac|\bhmac\.new|HMAC\.new|signWith|Fernet|create(?:C|Dec)ipher\w*|SecretKeySpec|setSigningKey"
        r"|hmac_sha\d+)\(\s*(?:[\w.'\"\-]{1,40},\s*){0,2}b?[\"'](?P<value>[^\"'\s]{10,300})[\"']",
        "secret",
        "login",
        literal=True,
    ),
    # the key that a cipher is made with, and what a text is ciphered with
    Row(
        "newcipher( cryptojs. cryptr( symmetricsecuritykey(",
        r"(?:\bNewCipher\(|\bCryptoJS\.\w+\.(?:en|de)crypt\(\s*(?:[^,\"'\n]{1,80}|[\"'][^\"'\n]{0,80}[\"']),|\bCryptoJS\.Hmac\w+\(\s*[^,\"'\n]{1,80},"
        r"|\bnew\s+Cryptr\(|\bSymmetricSecurityKey\()\s*(?:\[\]byte\(\s*|[\w.]{1,40}GetBytes\(\s*)?[\"'`]"
        r"(?P<value>[^\"'`\s]{6,300})[\"'`]",
        "secret_key",
        literal=True,
    ),
    # page.type("#password", "v")
    Row(
        "passw",
        r"(?:\.(?:type|fill|setValue|send_?[kK]eys|setInput\w*)\(|\bfill_in[ (])"
        r"\s*(?P<o>[\"'])[^\n]{0,40}?[pP]assw(?:or)?d[^\n]{0,20}?(?P=o)"
        r"\]?\s*,\s*(?:with:\s*)?[\"'`](?P<value>[^\"'`\s]{4,200})[\"'`]",
        "password",
        "login",
        literal=True,
        part=r"\.(?:type|fill|setV|send|setI)|fill_in",
    ),
    # page.locator("#password").fill("v"), By.id("password")).sendKeys("v")
    Row(
        "passw",
        r"\(\s*[\"'][^\"'\n]{0,60}[pP]assw(?:or)?d[^\"'\n]{0,40}[\"'][^\"'\n;]{0,60}\)\s*\.(?:type|fill|setValue|send_?[kK]eys|val)\("
        r"\s*[\"'`](?P<value>[^\"'`\s]{4,200})[\"'`]",
        "password",
        "login",
        literal=True,
        part=r"\)\s*\.(?:type|fill|setV|send|val)",
    ),
    Row(
        "btoa encode base64",
        r"(?:btoa|[bB]ase64\w*|b64encode|[eE]ncode\w*)\(\s*b?[\"'][\w.@\-]{1,60}:(?P<value>[^\"'\s]{4,200})[\"']",
        "password",
        "login",
        literal=True,
    ),
    # DBI->connect($dsn, "name", "v"), keyring.set_password("service", "name", "v"), NetworkCredential("name", "v")
    Row(
        "dbi->connect keyring.set_password( networkcredential(",
        r"(?:\bDBI->connect(?:_cached)?\(\s*(?:\"[^\"\n]{0,200}\"|'[^'\n]{0,200}'|[^,\"'\n]{1,80}),|\bkeyring\.set_password\([^,\n]{1,80},"
        r"|\bNetworkCredential\()\s*(?:[\"'][^\"'\n]{1,60}[\"']|[\w$.>-]{1,60})\s*,\s*@?[\"'](?P<value>[^\"'\s$]{4,200})[\"']",
        "password",
        "taken",
        literal=True,
    ),
    # IDENTIFIED BY 'v'
    Row(
        "identified password",
        r"(?i:identified\s+(?:with\s+\S+\s+)?by|(?:with|encrypted|set|login|(?:user|role)\s+\S+)\s+password|\bpassword\s*\()\s*=?\s*"
        r"(?i:password\s*)?['\"](?P<value>[^'\"\n]{3,200})['\"]",
        "password",
        "taken",
        literal=True,
    ),
    # and without quotes, as a name is written in SQL: ALTER USER x IDENTIFIED BY v
    Row(
        "identified password",
        r"(?i:\b(?:create|alter)\s+(?:user|role|login)\s[^;\n]{0,120}?\s(?:identified\s+by|password)\s+)"
        r"(?=\S{0,40}\d)(?=\S{0,40}[a-z])(?=\S{0,40}[A-Z])"
        r"(?P<value>[A-Za-z0-9][^\s\"'`<>(){}$:&;,\\]{5,60})(?=[\s\"'`;,\\]|$)",
        "password",
        "taken",
        quoted=False,
        part=r"(?i:user|role|login)\s",
    ),
    # connect(host, "name", "v"), where the function says which argument the password is
    Row(
        "getconnection( mysql_real_connect( mysql_connect( mysqli_connect( mysql_pconnect( mysqli( pdo( sequelize(",
        r"(?:\bmysql_real_connect\(\s*[&\w.>-]{1,60}\s*,|(?:\bgetConnection|\bmysqli?_p?connect|\bnew\s+\\?(?:mysqli|PDO|Sequelize))\()\s*"
        r"(?:\"[^\"\n]{0,200}\"|'[^'\n]{0,200}'|[\w$.>\[\]-]{1,80})\s*,\s*"
        r"(?:[\"'][\w.@\-]{1,60}[\"']|[\w$.>-]{1,60})\s*,\s*[\"'](?P<value>[^\"'\s$]{4,200})[\"']",
        "password",
        literal=True,
    ),
    Row(
        "wifi.begin(",
        r"\bWiFi\.begin\(\s*(?:\"[^\"\n]{1,80}\"|[\w.]{1,60})\s*,\s*\"(?P<value>[^\"\s]{8,63})\"",
        "password",
        literal=True,
    ),
    # password.equals("v")
    Row(
        "equals",
        r"(?P<key>\w{3,60})\.[eE]quals(?:IgnoreCase)?\(\s*\"(?P<value>[^\"\s]{4,200})\"\s*\)",
        literal=True,
    ),
    # buildConfigField "String", "API_KEY", "\"v\""
    Row(
        "buildconfigfield resvalue",
        r"\b(?:buildConfigField|resValue)\s*\(?\s*[\"'][sS]tring[\"']\s*,\s*[\"'](?P<key>\w{2,80})[\"']\s*,\s*"
        r"(?P<q>[\"'])(?:\\?\")?(?P<value>[^\"'\\\s]{4,300})\\?",
        literal=True,
    ),
    # login("name", "v")
    Row(
        "login log_in connect pdo mysqli auth credential signin sign_in",
        r"(?i:(?:\blog_?in|connect(?!ivity|or|signal)|\bPDO|mysqli|auth(?!or|flow)|credentials?|sign_?in)\w{0,40})[\"']?(?:(?:\.|::)(?:new|basic))?\s*"
        r"(?:=>|[(=:])\s*[(\[]?\s*(?:[^()]{0,120}?,\s*)?(?:\w{1,40}\(\s*)?[@bu]?[\"'][\w.@\-]{2,60}[\"']\s*,\s*(?:Some\(\s*)?"
        r"[@bu]?[\"'](?P<value>[^\"'\s]{4,200})[\"']",
        "password",
        "login",
        literal=True,
        part=r"[\"'][\w.@\-]{2,60}[\"']\s*,\s*(?:Some\(\s*)?[@bu]?[\"']",
    ),
)
_BARE = tuple(each for each in ROWS if not each.literal)
_SCHEME = lazy.compile(
    r"(?i:\b(?P<scheme>bearer|basic)|authorization\W{1,6}(?:token|apikey|key))[ :]+"
    r"(?P<value>(?:\d{1,9}\|)?[\w.~+/=\-]{8,4000})"
)
_CONNECTION = lazy.compile(
    r"(?i:(?:^|[;,\"'&?\s])(?:password|pwd|accountkey|sharedaccesskey))\s*=\s*"
    r"(?P<value>[^;,\"'&\s()]{3,300})(?=[;\"'&\s]|$)"
)
_IS_CONNECTION = lazy.compile(
    r"(?i:\b(?:server|data source|host|hostname|user id|uid|username|user|database|initial catalog|endpoint|accountname"
    r"|dbname|dsn|port)\s*=)"
)


def pairs(line: str, low: str) -> Iterator[Pair]:
    """The pairs of one line, whose number is 0 here. `low`: the line in lower case."""
    for row in ROWS if '"' in line or "'" in line else _BARE:
        for mark in row.marks:
            if mark in low:
                break
        else:
            continue
        if row.part is not None and not row.part.search(line):
            continue
        for match in row.pattern.finditer(line):
            name = row.key or match["key"]
            yield Pair(last(name), name, unescaped(match["value"], ""), 0, 0, row.quoted, row.where)
    if "bearer" in low or "basic" in low or "authorization" in low:
        for match in _SCHEME.finditer(line):
            value = f"{match['scheme'] or 'token'} {match['value']}"
            yield Pair("Authorization", "Authorization", value, 0, 0, True, "header")
    named = "password" in low or "pwd" in low or "accountkey" in low or "sharedaccesskey" in low
    if named and "=" in line and (";" in line or line.count("=") > 2) and _IS_CONNECTION.search(line):
        for match in _CONNECTION.finditer(line):
            yield Pair("password", "password", match["value"], 0, 0, True, "connection")


_SILENT = frozenset(("key", "keys", "value", "default", "auth"))


def last(name: str) -> str:
    """The last name of a dotted one, with the one before it where it says nothing by itself."""
    parts = [part for part in re.split(r"[.$]+|->|::", name) if part]
    if not parts:
        return name
    return ".".join(parts[-2:]) if parts[-1].lower() in _SILENT else parts[-1]


def unescaped(value: str, prefix: str) -> str:
    """A literal as its program sees it, but for escapes of signs that credentials don't have."""
    if "\\" not in value or "r" in prefix.lower() or "@" in prefix:
        return value
    return re.sub(r"\\+([\"'`\\/$])", r"\1", value)
