"""Paths with slashes, and URLs, as Sprig has them. The functions in os are the same, since controllers run on Linux."""

from __future__ import annotations

from sealer.template.functions.table import Table
from sealer.template.limits import Fault
from sealer.template.text import urls
from sealer.template.values import BOOL, DICT, STRING, Map, type_of

TABLE = define = Table()


@define("base osBase", STRING, result=STRING)
def _base(path: bytes) -> bytes:
    """The last part, slashes at the end left out: `b` of `a/b/`; `.` of "", `/` of slashes alone."""
    if not path:
        return b"."
    return path.rstrip(b"/").rpartition(b"/")[2] or b"/"


@define("clean osClean", STRING, result=STRING)
def _clean(path: bytes) -> bytes:
    """The shortest path that means the same, without `.`, `..` and double slashes; `.` of ""."""
    rooted = path.startswith(b"/")
    parts: list[bytes] = []
    for part in path.split(b"/"):
        if part in (b"", b"."):
            continue
        if part != b"..":
            parts.append(part)
        elif parts and parts[-1] != b"..":
            parts.pop()
        elif not rooted:
            parts.append(part)
    return (b"/" if rooted else b"") + b"/".join(parts) or b"."


@define("dir osDir", STRING, result=STRING)
def _dir(path: bytes) -> bytes:
    """All but the last part, cleaned: `a/b` of `a/b/`, `.` of `a`."""
    head, slash, _ = path.rpartition(b"/")
    return _clean(head + slash)


@define("ext osExt", STRING, result=STRING)
def _ext(path: bytes) -> bytes:
    """From the last dot of the last part on: `.gz` of `a.tar.gz`, and all of `.profile`, unlike Python."""
    name = path.rpartition(b"/")[2]
    dot = name.rfind(b".")
    return name[dot:] if dot >= 0 else b""


@define("isAbs osIsAbs", STRING, result=BOOL)
def _is_abs(path: bytes) -> bool:
    """Whether a path begins with a slash."""
    return path.startswith(b"/")


@define("urlParse", STRING, result=DICT)
def _url_parse(data: bytes) -> Map:
    """A dict of scheme, host (with port), hostname, path, query, opaque, fragment, userinfo; refuses what is no URL."""
    url = urls.parse(data)
    return Map(
        {
            b"scheme": url.scheme,
            b"host": url.host,
            b"hostname": url.hostname(),
            b"path": url.path,
            b"query": url.query,
            b"opaque": url.opaque,
            b"fragment": url.fragment,
            b"userinfo": url.userinfo(),
        }
    )


@define("urlJoin", DICT, result=STRING)
def _url_join(parts: Map) -> bytes:
    """A URL of such a dict: what is missing is "", hostname isn't read; refuses values that are no strings."""
    found = [_part(parts, name) for name in (b"scheme", b"host", b"path", b"query", b"opaque", b"fragment")]
    scheme, host, path, query, opaque, fragment = found
    url = urls.Url(scheme=scheme, host=host, path=path, query=query, opaque=opaque, fragment=fragment)
    if userinfo := _part(parts, b"userinfo"):
        url.user = urls.parse(b"proto://" + userinfo + b"@host").user
    return url.text()


def _part(parts: Map, name: bytes) -> bytes:
    value = parts.items.get(name, b"")
    if not isinstance(value, bytes):
        kind = "nil" if value is None else type_of(value).kind
        raise Fault(f"unable to parse {name.decode()} key, must be of type string, but {kind} found")
    return value
