"""Obtaining keys: from a file, a keyring directory, stdin, a cluster or over https (SRC of DESIGN section 11).

What comes back is bytes that nobody has checked; `sealer.pinning.pins` does. https with the standard library:
certificates verified with the system's store or SSL_CERT_FILE, proxies from the environment, few redirects and never
to http, a limit on size and one on the whole time, however slowly a server drips.
"""

from __future__ import annotations

import http.client
import re
import ssl
import sys
import time
import urllib.error
import urllib.request
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urljoin, urlsplit, urlunsplit

from sealer import files
from sealer.errors import FormatError, MissingExtra, SourceError, UsageError
from sealer.kube.where import SCHEME

LIMIT = 1024 * 1024
"""Most bytes that are read; a bundle of 32 keys has about 100 KiB."""
SECONDS = 20.0
"""Most time that one fetch takes, redirects included."""
REDIRECTS = 5

_SOURCES = "https://HOST/v1/keys, kubernetes://CONTEXT, a file, a keyring or -"
_SCHEME = re.compile(r"[A-Za-z][-+.A-Za-z0-9]*://", re.ASCII)
_REDIRECT = (301, 302, 303, 307, 308)


def load(src: str, *, limit: int = LIMIT, seconds: float = SECONDS) -> bytes:
    """The bytes of a source; of a keyring directory its bundle, as of now. Raises SourceError, UsageError."""
    if src == "-":
        return _stdin(limit)
    if src.startswith(SCHEME):
        return _cluster(src, limit, seconds)
    if _SCHEME.match(src):
        return _https(src, limit, seconds)
    path = Path(src)
    return _keyring(path) if path.is_dir() else files.read(path, limit=limit)


def public(data: bytes) -> bytes:
    """`data`, or if it is a manifest of key Secrets (Bitnami's), the certificate of the newest of them.

    Nothing private is passed on. Raises FormatError for a manifest that holds no such Secret.
    """
    if b"apiVersion" not in data or b"KeyBundle" in data:
        return data
    from sealer.documents.document import Manifest, parse
    from sealer.formats import keys

    certificates = []
    for document in parse(data, "").documents:
        if isinstance(document, Manifest) and "tls.crt" in document.secret.items:
            try:
                pem = document.secret.items["tls.crt"].decode("ascii")
                certificates.append((keys.validity(pem)[0], pem))
            except (UnicodeDecodeError, FormatError):
                continue
    if not certificates:
        raise FormatError("holds no key bundle, no certificate and no key Secret", way_out="sealer keys fetch --help")
    return max(certificates)[1].encode("ascii")


def _stdin(limit: int) -> bytes:
    data = sys.stdin.buffer.read(limit + 1)
    if len(data) > limit:
        raise SourceError(f"is larger than {limit // 1024:,} KiB", where="stdin")
    return data


def _keyring(path: Path) -> bytes:
    from sealer.keyrings.keyring import Keyring

    return Keyring.open(path).bundle(now=datetime.now(UTC))


def _cluster(src: str, limit: int, seconds: float) -> bytes:
    try:
        from sealer.kube import services
    except ImportError:
        raise MissingExtra("asking a cluster needs the extra `kubernetes`", extra="kubernetes") from None
    return services.load(src, limit=limit, seconds=seconds)


def _https(url: str, limit: int, seconds: float) -> bytes:
    deadline = time.monotonic() + seconds
    opener = _opener(_context(deadline))
    for _ in range(REDIRECTS + 1):
        where = _checked(url)
        request = urllib.request.Request(url, headers={"User-Agent": "sealer", "Accept": "*/*"})  # noqa: S310  # checked
        try:
            with opener.open(request, timeout=max(deadline - time.monotonic(), 0.001)) as response:
                return _body(response, limit, where)
        except urllib.error.HTTPError as error:
            # Followed here, not by urllib, which reads the whole body of a redirect, whatever its size.
            error.close()
            url = _location(error, url, where)
        except urllib.error.URLError as error:
            raise _failure(error.reason, where, seconds) from None
        except (OSError, http.client.HTTPException, ValueError) as error:
            raise _failure(error, where, seconds) from None
    raise SourceError(f"redirects more than {REDIRECTS} times", where=where)


def _location(error: urllib.error.HTTPError, url: str, where: str) -> str:
    location = error.headers.get("location") if error.code in _REDIRECT else None
    if not location:
        raise SourceError(f"the server answers {error.code}", where=where)
    target = urljoin(url, location)
    if not target.lower().startswith("https://"):
        way_out = "give the URL that it should end at"
        raise SourceError("redirects to somewhere that is not https", where=where, way_out=way_out)
    return target


def _checked(url: str) -> str:
    """The URL as it may be shown: without user, password and query. Raises UsageError unless it is plain https."""
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        raise UsageError("the source is not a URL") from None
    where = urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", ""))
    if "@" in parts.netloc:
        what = "the URL holds a user name or password: keys are public, publish them without one"
        raise UsageError(what, where=where, way_out=where)
    if parts.scheme == "http":
        what = "plain http: whoever sits between could swap the keys; also on localhost"
        raise UsageError(what, where=where, way_out="use https://, or fetch the file yourself and give its path")
    if parts.scheme != "https" or not parts.hostname or re.search(r"[\s\x00-\x20\x7f]", url) or not url.isascii():
        raise UsageError("not an https URL", where=where, way_out=_SOURCES)
    return where


def _context(deadline: float) -> ssl.SSLContext:
    class Bounded(ssl.SSLSocket):
        """A socket whose every wait ends at the deadline: a timeout for each read would let a server drip for ever."""

        def recv_into(self, *args: Any, **kwargs: Any) -> int:
            left = deadline - time.monotonic()
            if left <= 0:
                raise TimeoutError
            self.settimeout(left)
            return super().recv_into(*args, **kwargs)

    context = ssl.create_default_context()
    context.sslsocket_class = Bounded
    return context


def _opener(context: ssl.SSLContext) -> urllib.request.OpenerDirector:
    # Not build_opener: that one would also open file:, ftp:, data: and http: URLs, and follow redirects to them.
    opener = urllib.request.OpenerDirector()
    for handler in (
        urllib.request.ProxyHandler(),
        urllib.request.HTTPSHandler(context=context),
        urllib.request.HTTPErrorProcessor(),
        urllib.request.HTTPDefaultErrorHandler(),
        urllib.request.UnknownHandler(),
    ):
        opener.add_handler(handler)
    return opener


def _body(response: Any, limit: int, where: str) -> bytes:
    if response.status != 200:
        raise SourceError(f"the server answers {response.status}", where=where)
    data: bytes = response.read(limit + 1)
    if len(data) > limit:
        raise SourceError(f"is larger than {limit // 1024:,} KiB", where=where)
    if response.length:
        raise SourceError("the server closed the connection before the end", where=where)
    return data


def _failure(reason: object, where: str, seconds: float) -> SourceError:
    if isinstance(reason, ssl.SSLCertVerificationError):
        what = f"the server's certificate is refused: {reason.verify_message}"
        return SourceError(what, where=where, way_out="SSL_CERT_FILE=your-ca.pem if an authority of your own signed it")
    if isinstance(reason, TimeoutError):
        return SourceError(f"no complete answer within {seconds:g} seconds", where=where)
    if isinstance(reason, ssl.SSLError):
        return SourceError("TLS failed", where=where)
    if isinstance(reason, http.client.HTTPException):
        return SourceError("the answer is not HTTP", where=where)
    if type(reason) is OSError and reason.errno is None:
        return SourceError("the proxy that the environment names refuses to connect", where=where)
    if isinstance(reason, OSError):
        return SourceError(f"can't be reached: {files.reason(reason)}", where=where)
    return SourceError("can't be fetched", where=where)
