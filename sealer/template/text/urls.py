"""URLs as Go's net/url reads and writes them (RFC 3986, with its exceptions). Bytes in, bytes out."""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass
from functools import cache

from sealer.template.limits import Fault

_UNRESERVED = frozenset(b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.~")
PATH = _UNRESERVED | frozenset(b"$&+,/:;=@")
USER = _UNRESERVED | frozenset(b"$&+,;=")
FRAGMENT = _UNRESERVED | frozenset(b"$&+,/:;=?@!()*")
HOST = _UNRESERVED | frozenset(b"!$&'()*+,;=:[]<>\"")
_ENCODED = frozenset(b"!$&'()*+,;=:@[]%")
_PORT = re.compile(rb"(?::[0-9]*)?")
_USERINFO = re.compile(rb"[A-Za-z0-9._:~!$&'()*+,;=%@-]*")
_SCHEME = re.compile(rb"[A-Za-z][A-Za-z0-9+.-]*:")


@dataclass(slots=True)
class Url:
    """The parts of a URL, decoded; `raw_path` and `raw_fragment` as they were written, where that says more."""

    scheme: bytes = b""
    opaque: bytes = b""
    user: tuple[bytes, bytes | None] | None = None
    host: bytes = b""
    path: bytes = b""
    raw_path: bytes = b""
    query: bytes = b""
    force_query: bool = False
    omit_host: bool = False
    fragment: bytes = b""
    raw_fragment: bytes = b""

    def hostname(self) -> bytes:
        """The host without port and brackets."""
        host = self.host
        colon = host.rfind(b":")
        if colon >= 0 and _PORT.fullmatch(host[colon:]):
            host = host[:colon]
        return host[1:-1] if host.startswith(b"[") and host.endswith(b"]") else host

    def userinfo(self) -> bytes:
        """User and password, escaped."""
        if self.user is None:
            return b""
        name, password = self.user
        return escaped(name, USER) + (b":" + escaped(password, USER) if password is not None else b"")

    def text(self) -> bytes:
        """The whole URL."""
        out = self.scheme + b":" if self.scheme else b""
        out += self.opaque or self._hierarchy(first=not out)
        if self.force_query or self.query:
            out += b"?" + self.query
        if self.fragment:
            out += b"#" + _as_written(self.fragment, self.raw_fragment, FRAGMENT)
        return out

    def _hierarchy(self, *, first: bool) -> bytes:
        out = b""
        named = bool(self.host) or self.user is not None
        if (self.scheme or named) and not (self.omit_host and not named):
            out += b"//" if named or self.path else b""
            out += self.userinfo() + b"@" if self.user is not None else b""
            out += escaped(self.host, HOST)
        path = b"*" if self.path == b"*" and not self.raw_path else _as_written(self.path, self.raw_path, PATH)
        if path and path[:1] != b"/" and self.host:
            out += b"/"
        if first and not out and b":" in path.split(b"/", 1)[0]:
            out += b"./"
        return out + path


def parse(data: bytes) -> Url:
    """A URL. Raises Fault, which quotes nothing of it."""
    rest, _, fragment = data.partition(b"#")
    url = _parse(rest)
    if fragment:
        url.fragment = unescaped(fragment)
        url.raw_fragment = b"" if escaped(url.fragment, FRAGMENT) == fragment else fragment
    return url


def _parse(data: bytes) -> Url:
    if re.search(rb"[\x00-\x1f\x7f]", data):
        raise Fault("invalid control character in URL")
    if data == b"*":
        return Url(path=b"*")
    url = Url()
    if data.startswith(b":"):
        raise Fault("missing protocol scheme")
    scheme = _SCHEME.match(data)
    rest = data[scheme.end() :] if scheme else data
    url.scheme = scheme[0][:-1].lower() if scheme else b""
    if rest.endswith(b"?") and rest.count(b"?") == 1:
        url.force_query, rest = True, rest[:-1]
    else:
        rest, _, url.query = rest.partition(b"?")
    if not rest.startswith(b"/"):
        if url.scheme:
            url.opaque = rest
            return url
        if b":" in rest.split(b"/", 1)[0]:
            raise Fault("first path segment in URL cannot contain colon")
    if rest.startswith(b"//") and (url.scheme or not rest.startswith(b"///")):
        authority, slash, path = rest[2:].partition(b"/")
        rest = slash + path
        _authority(url, authority)
    elif url.scheme and rest.startswith(b"/"):
        url.omit_host = True
    url.path = unescaped(rest)
    url.raw_path = b"" if escaped(url.path, PATH) == rest else rest
    return url


def _authority(url: Url, authority: bytes) -> None:
    userinfo, at, host = authority.rpartition(b"@")
    url.host = _host(url.scheme, host)
    if not at:
        return
    if not _USERINFO.fullmatch(userinfo):
        raise Fault("invalid userinfo in URL")
    name, colon, password = userinfo.partition(b":")
    url.user = (unescaped(name), unescaped(password) if colon else None)


def _host(scheme: bytes, host: bytes) -> bytes:
    bracket = host.rfind(b"[")
    if bracket > 0:
        raise Fault("invalid IP-literal in URL")
    if bracket == 0:
        return _literal(host)
    if b":" in host:
        colon = host.index(b":") if scheme in (b"http", b"https") else host.rindex(b":")
        if not _PORT.fullmatch(host[colon:]):
            raise Fault("invalid port after host in URL")
    return unescaped(host, host=True)


def _literal(host: bytes) -> bytes:
    close = host.rfind(b"]")
    if close < 0:
        raise Fault("missing ']' in host of URL")
    if not _PORT.fullmatch(host[close + 1 :]):
        raise Fault("invalid port after host in URL")
    name = host[1:close]
    zone = name.find(b"%25")
    end = zone if zone >= 0 else len(name)
    name = unescaped(name[:end], host=True) + _zone(name[end:])
    try:
        ipaddress.IPv6Address(name.decode("latin-1"))
    except ValueError:
        raise Fault("invalid host in URL") from None
    return b"[" + name + b"]" + host[close + 1 :]


def _zone(data: bytes) -> bytes:
    for found in re.finditer(rb"%([0-9A-Fa-f]{2})", data):
        byte = int(found[1], 16)
        if found[0] != b"%25" and byte != 0x20 and byte not in HOST:
            raise Fault("invalid URL escape")
    if any(byte < 0x80 and byte not in HOST and byte != 0x25 for byte in data):
        raise Fault("invalid character in host of URL")
    return unescaped(data)


def unescaped(data: bytes, *, host: bool = False) -> bytes:
    """Bytes with %XX undone. Raises Fault where that is malformed, or not allowed in a host."""
    if host:
        for found in re.finditer(rb"%([0-9A-Fa-f]{2})", data):
            if int(found[1], 16) < 0x80 and found[0] != b"%25":
                raise Fault("invalid URL escape")
        if any(byte < 0x80 and byte not in HOST and byte != 0x25 for byte in data):
            raise Fault("invalid character in host of URL")
    if re.search(rb"%(?![0-9A-Fa-f]{2})", data):
        raise Fault("invalid URL escape")
    return re.sub(rb"%([0-9A-Fa-f]{2})", lambda found: bytes([int(found[1], 16)]), data)


def escaped(data: bytes, plain: frozenset[int]) -> bytes:
    """Bytes with all but `plain` ones as %XX."""
    return b"".join(map(_shown(plain).__getitem__, data))


@cache
def _shown(plain: frozenset[int]) -> list[bytes]:
    """Each byte as it is written."""
    return [bytes([byte]) if byte in plain else b"%%%02X" % byte for byte in range(256)]


def _as_written(value: bytes, written: bytes, plain: frozenset[int]) -> bytes:
    """The way that a part was written, if it is a valid one; else the usual one."""
    if written and not written.translate(None, bytes(plain | _ENCODED)):
        return written
    return escaped(value, plain)
