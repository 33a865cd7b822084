"""Requests to an API server of Kubernetes, over aiohttp: JSON in and out, watches as lines, errors of `kube.errors`.

A request that a rotated token or certificate made fail is tried once more with what is new.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, Self, TypeVar

import aiohttp
import msgspec
from aiohttp.connector import NEEDS_CLEANUP_CLOSED

from sealer.kube import answer, credentials
from sealer.kube.errors import ApiError, TooLarge, Unreachable, of_status

if TYPE_CHECKING:
    import ssl
    from collections.abc import AsyncIterator, Callable, Mapping

    from aiohttp.abc import AbstractStreamWriter

    from sealer.kube.kubeconfig import Access

__all__ = [
    "JSON", "METADATA", "METADATA_LIST", "TIMEOUT", "ApiError", "Client", "Json", "Patch", "TooLarge", "Unreachable",
    "of_status",
]  # fmt: skip

TIMEOUT = 40.0
"""Seconds for one request: an API server whose etcd is gone answers 504 after 34."""
_CONNECT = 10.0
_BUFFER = 1 << 18
_UNAUTHORIZED = 401

JSON = "application/json"
METADATA = f"{JSON};as=PartialObjectMetadata;g=meta.k8s.io;v=v1"
METADATA_LIST = f"{JSON};as=PartialObjectMetadataList;g=meta.k8s.io;v=v1"
"""What to accept where only the metadata of objects is wanted: values of Secrets then never come here."""

Patch = Literal["merge", "apply", "json"]
_CONTENT = {
    "merge": "application/merge-patch+json",
    "json": "application/json-patch+json",
    "apply": "application/apply-patch+yaml",  # JSON is YAML
}
Json = Any
T = TypeVar("T")

_encode = msgspec.json.encode


class _Body(aiohttp.BytesPayload):
    """A body that goes out if that is still allowed just then, which is after a connection was waited for."""

    def __init__(self, data: bytes, only: Callable[[], bool]) -> None:
        super().__init__(data)
        self._only = only

    async def write(self, writer: AbstractStreamWriter) -> None:
        """Once it is asked for, nothing else runs in between."""
        self._check()
        await super().write(writer)

    async def write_with_length(self, writer: AbstractStreamWriter, content_length: int | None) -> None:
        """The same, for later versions of aiohttp."""
        self._check()
        await super().write_with_length(writer, content_length)

    def _check(self) -> None:
        if not self._only():
            raise RuntimeError("is not allowed any more")


class Client:
    """Connections to one API server; an async context manager.

    With `only` no body is sent unless that says True at the last moment; else the request is Unreachable.
    `access` is asked again when what it gave no longer lets in, so that rotated authorities are found.
    """

    def __init__(
        self,
        access: Callable[[], Access],
        *,
        agent: str = "sealer-controller",
        only: Callable[[], bool] | None = None,
    ) -> None:
        self._find, self._only = access, only
        self._agent = agent
        self._access = access()
        self._credentials = credentials.Credentials(self._access)
        self._session: aiohttp.ClientSession | None = None
        self._tls: ssl.SSLContext | bool | None = None
        self._shown = credentials.Shown()
        self._proxy: str | None = None

    @property
    def namespace(self) -> str:
        """Where the access is at home."""
        return self._access.namespace

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def get(self, path: str, *, accept: str = JSON, **params: str) -> Json:
        """An object, or a list of them. Raises ApiError, Unreachable."""
        return await self._request("GET", path, params, accept=accept)

    async def read(self, path: str, shape: type[T], *, most: int, accept: str = JSON, **params: str) -> T:
        """The same, read as a type of msgspec. Raises TooLarge for an answer of more than `most` bytes, too."""
        found: T = await self._request("GET", path, params, accept=accept, shape=shape, most=most)
        return found

    async def raw(self, path: str, *, limit: int) -> bytes:
        """The bytes of a page, no more than `limit`. Raises ApiError, Unreachable, TooLarge."""
        where = f"GET {path}"
        timeout = aiohttp.ClientTimeout(total=TIMEOUT, sock_connect=_CONNECT)
        try:
            async with await self._send("GET", path, {}, None, "", timeout, "*/*") as response:
                return bytes(await _read(response, limit, where))
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise Unreachable(f"gave no answer ({type(error).__name__})", where=where) from None

    async def create(self, path: str, body: Json, *, accept: str = JSON, **params: str) -> Json:
        """A new object in a collection."""
        return await self._request("POST", path, params, body, accept=accept)

    async def replace(self, path: str, body: Json, *, accept: str = JSON, **params: str) -> Json:
        """An object as it is to be, at the resourceVersion that it names."""
        return await self._request("PUT", path, params, body, accept=accept)

    async def patch(self, path: str, body: Json, kind: Patch = "merge", *, accept: str = JSON, **params: str) -> Json:
        """An object changed; `apply` is server-side apply, with `fieldManager` and `force` as parameters."""
        return await self._request("PATCH", path, params, body, _CONTENT[kind], accept)

    async def delete(self, path: str, *, uid: str = "", version: str = "") -> Json:
        """An object deleted, if it is still the one with this uid and version."""
        conditions = {key: value for key, value in (("uid", uid), ("resourceVersion", version)) if value}
        return await self._request("DELETE", path, {}, {"preconditions": conditions} if conditions else None)

    async def watch(self, path: str, silence: float, *, accept: str = JSON, **params: str) -> AsyncIterator[bytes]:
        """The lines of a watch, each a JSON event. Ends when the server ends it.

        `silence`: seconds without a byte after which the connection counts as dead. Raises ApiError, Unreachable.
        """
        where = f"watch {path}"
        timeout = aiohttp.ClientTimeout(total=None, sock_connect=_CONNECT, sock_read=silence)
        response = await self._send("GET", path, {"watch": "true", **params}, None, "", timeout, accept)
        try:
            rest = b""
            async for chunk in response.content.iter_any():
                *lines, rest = (rest + chunk).split(b"\n")
                for line in lines:
                    if line:
                        yield line
            if rest:
                raise Unreachable("the watch broke off in the middle of an event", where=where)
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise Unreachable(f"the watch broke off ({type(error).__name__})", where=where) from None
        finally:
            _abort(response)

    async def _request(
        self,
        method: str,
        path: str,
        params: Mapping[str, str],
        body: Json = None,
        kind: str = JSON,
        accept: str = JSON,
        shape: Any = Any,
        most: int = 0,
    ) -> Json:
        timeout = aiohttp.ClientTimeout(total=TIMEOUT, sock_connect=_CONNECT)
        try:
            async with await self._send(method, path, params, body, kind, timeout, accept) as response:
                data = await (_read(response, most, f"{method} {path}") if most else response.read())
            return answer.decode(data, shape) if data else None
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise Unreachable(f"gave no answer ({type(error).__name__})", where=f"{method} {path}") from None
        except msgspec.DecodeError:
            raise Unreachable("answered with what was not asked for", where=f"{method} {path}") from None

    async def _send(
        self,
        method: str,
        path: str,
        params: Mapping[str, str],
        body: Json,
        kind: str,
        timeout: aiohttp.ClientTimeout,
        accept: str,
    ) -> aiohttp.ClientResponse:
        """The head of an answer that is a success. Raises ApiError, Unreachable."""
        data = None if body is None else _encode(body)
        for attempt in (1, 2):
            session, tls, access = await self._open()
            headers = {"Accept": accept, **({"Content-Type": kind} if data is not None else {})}
            if self._shown.authorization:
                headers["Authorization"] = self._shown.authorization
            try:
                response = await session.request(
                    method,
                    access.cluster.server + path,
                    params=params,
                    data=data if data is None or self._only is None else _Body(data, self._only),
                    headers=headers,
                    timeout=timeout,
                    ssl=tls,
                    proxy=self._proxy,
                    server_hostname=access.cluster.server_name or None,
                    allow_redirects=False,
                )
            except aiohttp.ClientConnectorCertificateError:
                if attempt == 1 and self._renewed(access):
                    continue
                what = "the API server's certificate is not trusted"
                of = "certificate-authority in the kubeconfig" if access.context else "ca.crt of the pod's account"
                way_out = f"{of} has to be the authority of {access.cluster.server}"
                raise Unreachable(what, where=f"{method} {path}", way_out=way_out) from None
            except (aiohttp.ClientError, TimeoutError, OSError) as error:
                what, way_out = (
                    f"gave no answer ({type(error).__name__})",
                    f"look whether {access.cluster.server} is up",
                )
                raise Unreachable(what, where=f"{method} {path}", way_out=way_out) from None
            if response.status < 300:
                return response
            async with response:
                if response.status == _UNAUTHORIZED and attempt == 1 and self._credentials.forget(self._shown):
                    continue
                raise await _refused(response, f"{method} {path}")
        raise AssertionError  # the second attempt returns or raises

    async def _open(self) -> tuple[aiohttp.ClientSession, ssl.SSLContext | bool, Access]:
        """The session, and how to speak TLS now and with whom; `_proxy` is of the same moment.

        What is new applies to new connections. Others have requests on those that there are, which nothing cuts off.
        """
        shown = await self._credentials.shown()
        before = (self._shown.certificate, self._shown.key)
        if self._tls is None or before != (shown.certificate, shown.key):
            self._tls = credentials.tls(self._access.cluster, shown)
            self._proxy = credentials.proxy(self._access.cluster)
        self._shown = shown
        if self._session is None:
            self._session = aiohttp.ClientSession(
                # What a request that is cancelled leaves behind ends with the session, if Python doesn't see to it.
                connector=aiohttp.TCPConnector(limit=0, enable_cleanup_closed=NEEDS_CLEANUP_CLOSED),
                headers={"User-Agent": self._agent},
                read_bufsize=_BUFFER,
                cookie_jar=aiohttp.DummyCookieJar(),
                auto_decompress=True,
            )
        return self._session, self._tls, self._access

    def _renewed(self, tried: Access) -> bool:
        """Whether the access is another one by now, as after a rotation of the cluster's authority."""
        if self._access is not tried:  # another request was faster
            return True
        found = self._find()
        if found == tried:
            return False
        self._access = found
        self._credentials = credentials.Credentials(found)
        self._tls = None
        return True


def _abort(response: aiohttp.ClientResponse) -> None:
    """End what nobody reads any more. TLS's own goodbye waits for the server's: for half a minute if that stands still.

    Nothing would know of such a connection, and so nothing end it with the session.
    """
    connection = response.connection
    if connection is not None and connection.transport is not None:
        connection.transport.abort()
    response.close()


async def _read(response: aiohttp.ClientResponse, limit: int, where: str) -> bytearray:
    data = bytearray()
    async for chunk in response.content.iter_any():
        data += chunk
        if len(data) > limit:
            raise TooLarge(f"the answer is larger than {limit // 1024:,} KiB", where=where)
    return data


async def _refused(response: aiohttp.ClientResponse, where: str) -> ApiError:
    try:
        said = answer.decode(await response.read())
    except (msgspec.DecodeError, aiohttp.ClientError, TimeoutError):
        said = {}
    return of_status(said, response.status, where, response.headers.get("Retry-After", ""))
