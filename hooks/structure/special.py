"""Small formats that are nothing but credentials: netrc, pgpass, htpasswd, git's, mail's; PHP's define(). Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator

from hooks import lazy
from hooks.structure.lines import Lines
from hooks.structure.pair import Pair

_NETRC = lazy.compile(
    r"(?<!\S)(?:machine\s+(?P<host>\S+)|default)(?P<rest>(?:\s+(?!machine\b|default\b|macdef\b)\S+)*+)"
)
_NETRC_WORD = lazy.compile(r"(?<!\S)(?P<name>login|password|account)\s+(?P<value>\S+)")
_ANONYMOUS = lazy.compile(r"\blogin\s+(?:anonymous|ftp)(?!\S)")
_PGPASS = lazy.compile(
    r"^(?P<host>[^:#\s\n][^:\n]*|\*):(?P<port>\d+|\*):(?P<db>[^:\n]*):(?P<user>[^:\n]*):(?P<value>(?:\\.|[^\n\\])+)$",
    re.MULTILINE,
)
_HTPASSWD = lazy.compile(r"^(?P<user>[^:#\s\n]+):(?P<value>[^:\n]{3,200})$", re.MULTILINE)
# What Git writes is escaped; what people write into it by hand is not.
_URL = lazy.compile(r"^\w+://(?P<user>[^:/\s]*):(?P<value>[^/\s]+)@(?P<host>[^@\s]+)", re.MULTILINE)
_MAIL = lazy.compile(
    r"""(?<!\S)(?P<name>password|passwd|pass)[ \t]+(?:is[ \t]+)?["']?(?P<value>[^"'\s]+)""", re.IGNORECASE
)
# Of PPP `client server secret address`, of davfs2 `url user password`, of Postfix `[host]:port user:password`.
_COLUMNS = lazy.compile(
    r"""^[ \t]*(?!\#)(?:"[^"\n]*"|\S+)[ \t]+(?:(?:"[^"\n]*"|[^\s":]+)[ \t]+|[^\s:"]+:)?"""
    r"""(?:"(?P<quoted>[^"\n]*)"|(?P<value>[^\s"\#]\S*))(?=[ \t]|\r?$)""",
    re.MULTILINE,
)
_PGBOUNCER = lazy.compile(r'^"[^"\n]+"[ \t]+"(?!md5[0-9a-f]{32}"|SCRAM-SHA-256\$)(?P<value>[^"\n]+)"', re.MULTILINE)
_CURL = lazy.compile(
    r"""^[ \t]*-{0,2}(?:u|user|proxy-user|U)[ \t]*[=: ][ \t]*["']?[^\s:"']+:(?P<value>[^\s"']+)""", re.MULTILINE
)
_DEFINE = lazy.compile(
    r"""\bdefine\s*\(\s*["'](?P<name>\w+)["']\s*,\s*(?:"(?P<double>[^"\n]*+)"|'(?P<single>(?:[^'\\\n]|\\.)*+)')"""
)


def netrc(text: str, depth: int = 0) -> Iterator[Pair]:  # noqa: ARG001
    """login, password and account of every machine."""
    at = Lines(text)
    for machine in _NETRC.finditer(text):
        if _ANONYMOUS.search(machine["rest"]):
            continue  # whose password is anybody's address
        host = machine["host"] or "default"
        for match in _NETRC_WORD.finditer(text, machine.start("rest"), machine.end("rest")):
            place = at.span(*match.span("value"))
            yield Pair(match["name"], f"{host}.{match['name']}", match["value"].strip("\"'"), *place, False, "ini")


def pgpass(text: str, depth: int = 0) -> Iterator[Pair]:  # noqa: ARG001
    """The passwords of host:port:database:user:password."""
    at = Lines(text)
    for match in _PGPASS.finditer(text):
        value = re.sub(r"\\(.)", r"\1", match["value"].rstrip("\r"))
        yield Pair("password", f"{match['user']}.password", value, *at.span(*match.span("value")), False, "ini")


def htpasswd(text: str, depth: int = 0) -> Iterator[Pair]:  # noqa: ARG001
    """What stands behind each user: a hash, or a password in clear."""
    at = Lines(text)
    for match in _HTPASSWD.finditer(text):
        value = match["value"].rstrip("\r")
        yield Pair("password", f"{match['user']}.password", value, *at.span(*match.span("value")), False, "ini")


def credentials(text: str, depth: int = 0) -> Iterator[Pair]:  # noqa: ARG001
    """The passwords of git's stored URLs."""
    from urllib.parse import unquote

    at = Lines(text)
    for match in _URL.finditer(text):
        place = at.span(*match.span("value"))
        yield Pair(
            "password", f"{match['host'][:100]}.password", unquote(match["value"]), *place, False, "git-credentials"
        )


def mail(text: str, depth: int = 0) -> Iterator[Pair]:  # noqa: ARG001
    """`password x` of programs that fetch and send mail."""
    at = Lines(text)
    for match in _MAIL.finditer(text):
        name = match["name"].lower()
        yield Pair(name, name, match["value"], *at.span(*match.span("value")), False, "ini")


def columns(text: str, depth: int = 0) -> Iterator[Pair]:  # noqa: ARG001
    """The last of two or three columns: who, to whom, and the secret; or `user:password` behind a server."""
    at = Lines(text)
    for match in _COLUMNS.finditer(text):
        group = "quoted" if match["quoted"] is not None else "value"
        yield Pair("password", "password", match[group], *at.span(*match.span(group)), False, "ini")


def pgbouncer(text: str, depth: int = 0) -> Iterator[Pair]:  # noqa: ARG001
    """`"user" "password"`, but for hashes."""
    at = Lines(text)
    for match in _PGBOUNCER.finditer(text):
        yield Pair("password", "password", match["value"], *at.span(*match.span("value")), True, "ini")


def curl(text: str, depth: int = 0) -> Iterator[Pair]:  # noqa: ARG001
    """`user = "name:password"`."""
    at = Lines(text)
    for match in _CURL.finditer(text):
        yield Pair("password", "user.password", match["value"], *at.span(*match.span("value")), True, "ini")


def defines(text: str, depth: int = 0) -> Iterator[Pair]:  # noqa: ARG001
    """define('NAME', 'value') as in wp-config.php."""
    at = Lines(text)
    for match in _DEFINE.finditer(text):
        group = match.lastgroup or "single"
        yield Pair(match["name"], match["name"], match[group], *at.span(*match.span(group)), True, "code")
