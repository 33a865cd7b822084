"""A cluster in memory, and whole controllers beside it in one loop: every request can be counted, lost or the last one.

The loop's time passes only when all wait, and what other programs give to threads is done at once: the same run makes
the same requests in the same order, and a minute of leases and back-offs takes milliseconds.
"""

from __future__ import annotations

import asyncio
import re
import selectors
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Literal, Self, TypeVar

import msgspec

from controller.kube import app as apps
from controller.kube.flags import Flags, KeyFlags
from controller.kube.lease import Election
from controller.kube.opening import Opener
from controller.kube.queue import Queue
from controller.kube.renewal import Renewal
from sealer.kube.client import JSON, ApiError, Unreachable
from tests.controller.kube.objects import _merged

if TYPE_CHECKING:
    import pytest

T = TypeVar("T")
Item = dict[str, Any]
Fault = Literal["before", "after", "lost", "conflict", "refused"]
"""Of one request: the process is killed before it came, or before its answer does; the answer alone is lost; it is
refused with 409 or 500."""

OWN = "vault"
_PATH = re.compile(r"/(?:api/v1|apis/[^/]+/[^/]+)(?:/namespaces/([^/]+))?/([a-z]+)(?:/([^/]+))?(?:/(status))?")
_FLAGS = Flags(keys=KeyFlags(size=2048))


# Time.


class _Jump(selectors.DefaultSelector):
    """Waits for nothing: the time that a loop would wait is past."""

    now = 1000.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout is None:
            raise AssertionError("all wait, and nothing will ever wake them")
        self.now += timeout + 1e-9 if timeout > 0 else 0  # more than a clock's rounding
        return super().select(0)


class Loop(asyncio.SelectorEventLoop):
    """Time jumps, and threads are none."""

    def __init__(self) -> None:
        self._jump = _Jump()
        super().__init__(self._jump)

    def time(self) -> float:
        return self._jump.now

    def run_in_executor(self, executor: Any, func: Callable[..., Any], *args: Any) -> Any:  # type: ignore[override]
        """Here and now."""
        done = self.create_future()
        try:
            done.set_result(func(*args))
        except Exception as error:
            done.set_exception(error)
        return done


def run(test: Coroutine[Any, Any, T]) -> T:
    """Run a test in such a loop."""
    with asyncio.Runner(loop_factory=Loop) as runner:
        return runner.run(test)


# The API server.


@dataclass(frozen=True)
class Asked:
    """A request: who asked, its verb and what for. `body` as it came."""

    client: int
    verb: str
    plural: str
    key: str
    status: bool = False
    body: Any = field(default=None, repr=False)


Wrong = Fault | ApiError | None
Faults = Callable[[int, Asked], Wrong | Awaitable[Wrong]]
"""What goes wrong with the n-th request of a client, from 1 on; an error is the answer. It may take a while."""


@dataclass(frozen=True)
class _Change:
    version: int
    plural: str
    before: Item | None
    now: Item | None


class Api:
    """Objects by kind and `namespace/name`; each is replaced and never changed, so that what was shown stays as it was.

    `applied` are the writes that had an effect. Secrets whose SealedSecret is gone are collected, at once.
    """

    def __init__(self) -> None:
        self.objects: dict[str, dict[str, Item]] = {
            plural: {} for plural in ("secrets", "sealedsecrets", "events", "leases")
        }
        self.applied: list[Asked] = []
        self.clients = 0
        self.in_flight = self.most = 0
        self._made = 0
        self._uids: set[str] = set()  # of SealedSecrets
        self._version = 100
        self._changes: list[_Change] = []
        self._waiters: list[asyncio.Future[None]] = []

    # What tests do.

    def put(self, plural: str, item: Item) -> Item:
        """Create an object, or change it; of a SealedSecret the generation counts."""
        metadata = item["metadata"]
        key = f"{metadata['namespace']}/{metadata['name']}"
        before = self.objects[plural].get(key)
        metadata = {**metadata, "uid": before["metadata"]["uid"] if before else self._uid(metadata["name"])}
        generation = before["metadata"].get("generation", 0) if before else 0
        if plural == "sealedsecrets":
            changed = before is None or before["spec"] != item["spec"]
            metadata["generation"] = generation + changed
            if before and "status" in before:
                item = {**item, "status": before["status"]}
        return self._set(plural, key, {**item, "metadata": metadata})

    def delete(self, plural: str, key: str) -> None:
        """Delete an object, and what it owned."""
        gone = self.objects[plural].pop(key)
        self._version += 1
        gone = {**gone, "metadata": {**gone["metadata"], "resourceVersion": str(self._version)}}
        self._tell(_Change(self._version, plural, gone, None))
        if plural == "sealedsecrets":
            self._uids.discard(gone["metadata"]["uid"])
            for item in list(self.objects["secrets"].values()):
                self._collect(item)

    def all(self, plural: str, namespace: str = "") -> dict[str, Item]:
        """Objects by `namespace/name`."""
        return {
            key: item for key, item in self.objects[plural].items() if not namespace or key.startswith(f"{namespace}/")
        }

    def count(self, verb: str, plural: str, *, status: bool | None = None, namespace: str = "") -> int:
        """How many writes there were."""
        return sum(
            (each.verb, each.plural) == (verb, plural)
            and (status is None or each.status == status)
            and each.key.startswith(namespace)
            for each in self.applied
        )

    # What clients do.

    def list(self, plural: str, namespace: str, select: dict[str, str], metadata_only: bool) -> Item:
        """A page of a list."""
        fit = [item for _, item in sorted(self.all(plural, namespace).items()) if _fits(item, select)]
        start, limit = int(select.get("continue") or 0), int(select.get("limit") or len(fit) or 1)
        found = [_shown(item, metadata_only) for item in fit[start : start + limit]]
        metadata = {"resourceVersion": str(self._version)}
        if start + limit < len(fit):
            metadata["continue"] = str(start + limit)
        return {"metadata": metadata, "items": found}

    def create(self, plural: str, namespace: str, body: Item) -> Item:
        metadata = body["metadata"]
        key = f"{namespace}/{metadata['name']}"
        if key in self.objects[plural]:
            raise ApiError(409, "AlreadyExists", where=key)
        made = {"namespace": namespace, "uid": self._uid(metadata["name"]), "creationTimestamp": "2026-11-26T10:00:00Z"}
        return self._set(plural, key, {**_copied(body), "metadata": {**metadata, **made}})

    def patch(self, plural: str, key: str, body: Item, *, status: bool) -> Item:
        stands = self._named(plural, key, body)
        found = _merged(stands, {"status": body["status"]} if status else body)
        return stands if found == stands else self._set(plural, key, found)

    def replace(self, plural: str, key: str, body: Item, *, status: bool) -> Item:
        stands = self._named(plural, key, body)
        found = {**stands, "status": _copied(body)["status"]} if status else _copied(body)
        return stands if found == stands else self._set(plural, key, found)

    def get(self, plural: str, key: str) -> Item:
        return _shown(self._at(plural, key), False)

    async def changes(
        self, plural: str, namespace: str, select: dict[str, str], metadata_only: bool
    ) -> AsyncIterator[bytes]:
        """The lines of a watch."""
        since = int(select["resourceVersion"])
        at = next((n for n, each in enumerate(self._changes) if each.version > since), len(self._changes))
        while True:
            while at < len(self._changes):
                each = self._changes[at]
                at += 1
                if each.plural == plural and (line := _line(each, namespace, select, metadata_only)):
                    yield line
            waiter = asyncio.get_running_loop().create_future()
            self._waiters.append(waiter)
            await waiter

    def _at(self, plural: str, key: str) -> Item:
        if key not in self.objects[plural]:
            raise ApiError(404, "NotFound", where=key)
        return self.objects[plural][key]

    def _named(self, plural: str, key: str, body: Item) -> Item:
        """What stands, if it is what a write names."""
        stands = self._at(plural, key)
        for name in ("uid", "resourceVersion"):
            if body["metadata"].get(name, stands["metadata"][name]) != stands["metadata"][name]:
                raise ApiError(409, "Conflict", where=key)
        return stands

    def _uid(self, name: str) -> str:
        self._made += 1
        return f"uid-{self._made}-{name}"[:64]

    def _set(self, plural: str, key: str, item: Item) -> Item:
        self._version += 1
        item = {**item, "metadata": {**item["metadata"], "resourceVersion": str(self._version)}}
        before = self.objects[plural].get(key)
        self.objects[plural][key] = item
        self._tell(_Change(self._version, plural, before, item))
        if plural == "sealedsecrets":
            self._uids.add(item["metadata"]["uid"])
        elif plural == "secrets":
            self._collect(item)
        return _shown(item, False)

    def _tell(self, change: _Change) -> None:
        self._changes.append(change)
        waiters, self._waiters = self._waiters, []
        for each in waiters:
            if not each.done():
                each.set_result(None)

    def _collect(self, item: Item) -> None:
        """A Secret, if what it belongs to is gone."""
        owners = {each["uid"] for each in item["metadata"].get("ownerReferences") or ()}
        if owners and not owners & self._uids:
            self.delete("secrets", f"{item['metadata']['namespace']}/{item['metadata']['name']}")


def _shown(item: Item, metadata_only: bool) -> Item:
    return _copied({"metadata": item["metadata"]} if metadata_only else item)


def _copied(item: Item) -> Item:
    """What comes of it over the wire."""
    return msgspec.json.decode(msgspec.json.encode(item), type=dict[str, Any])


def _fits(item: Item, select: dict[str, str]) -> bool:
    if "labelSelector" in select:
        return select["labelSelector"] in (item["metadata"].get("labels") or {})
    name = item["metadata"]["name"]
    return "fieldSelector" not in select or select["fieldSelector"] == f"metadata.name={name}"


def _line(change: _Change, namespace: str, select: dict[str, str], metadata_only: bool) -> bytes:
    item = change.now or change.before or {}
    if namespace and item["metadata"]["namespace"] != namespace:
        return b""
    was, is_ = (each is not None and _fits(each, select) for each in (change.before, change.now))
    if not was and not is_:
        return b""
    kind = "DELETED" if not is_ else "MODIFIED" if was else "ADDED"
    shown = {"metadata": item["metadata"]} if metadata_only else item
    return msgspec.json.encode({"type": kind, "object": shown})


class Client:
    """What a controller asks the API with (`sealer.kube.client.Client`). `fault` is asked about each request.

    Who was killed asks for nothing any more, whatever its `finally` would like to.
    """

    namespace = OWN

    def __init__(self, api: Api, fault: Faults = lambda number, asked: None) -> None:
        self._api = api
        self._fault = fault
        self.number = api.clients
        api.clients += 1
        self.asked: list[Asked] = []
        self.killed = asyncio.Event()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        pass

    async def read(self, path: str, shape: type[T], *, most: int, accept: str = JSON, **params: str) -> T:
        return msgspec.json.decode(msgspec.json.encode(await self.get(path, accept=accept, **params)), type=shape)

    async def get(self, path: str, *, accept: str = JSON, **params: str) -> Any:
        namespace, plural, name, _ = _parsed(path)
        if name:
            return await self._request("get", path, lambda: self._api.get(plural, f"{namespace}/{name}"))
        only = accept != JSON
        return await self._request("list", path, lambda: self._api.list(plural, namespace, params, only))

    async def create(self, path: str, body: Any, **params: str) -> Any:
        namespace, plural, _, _ = _parsed(path)
        return await self._request("create", path, lambda: self._api.create(plural, namespace, body), body)

    async def replace(self, path: str, body: Any, **params: str) -> Any:
        namespace, plural, name, status = _parsed(path)
        key = f"{namespace}/{name}"
        return await self._request("update", path, lambda: self._api.replace(plural, key, body, status=status), body)

    async def patch(self, path: str, body: Any, kind: str = "merge", **params: str) -> Any:
        namespace, plural, name, status = _parsed(path)
        key = f"{namespace}/{name}"
        return await self._request("patch", path, lambda: self._api.patch(plural, key, body, status=status), body)

    async def delete(self, path: str, *, uid: str = "", version: str = "") -> Any:
        namespace, plural, name, _ = _parsed(path)
        return await self._request("delete", path, lambda: self._api.delete(plural, f"{namespace}/{name}"))

    async def watch(self, path: str, silence: float, *, accept: str = JSON, **params: str) -> AsyncIterator[bytes]:
        namespace, plural, _, _ = _parsed(path)
        await self._request("watch", path, lambda: None)
        async for line in self._api.changes(plural, namespace, params, accept != JSON):
            yield line

    async def _request(self, verb: str, path: str, act: Callable[[], Any], body: Any = None) -> Any:
        if self.killed.is_set():
            await self._die()
        namespace, plural, name, status = _parsed(path)
        name = name or ((body or {}).get("metadata") or {}).get("name", "")
        asked = Asked(self.number, verb, plural, f"{namespace}/{name}", status, body)
        self.asked.append(asked)
        fault = self._fault(len(self.asked), asked)
        if isinstance(fault, Awaitable):
            fault = await fault
        self._api.in_flight += 1
        self._api.most = max(self._api.most, self._api.in_flight)
        try:
            await asyncio.sleep(0)  # on its way
            return await self._answered(fault, asked, path, act)
        finally:
            self._api.in_flight -= 1

    async def _answered(self, fault: Wrong, asked: Asked, path: str, act: Callable[[], Any]) -> Any:
        if self.killed.is_set() or fault == "before":
            await self._die()
        if isinstance(fault, ApiError):
            raise fault
        if fault in ("conflict", "refused"):
            status, reason = (409, "Conflict") if fault == "conflict" else (500, "InternalError")
            raise ApiError(status, reason, where=path)
        try:
            answer = act()
        except ApiError:
            if fault == "after":
                await self._die()
            raise
        if asked.verb not in ("get", "list", "watch"):
            self._api.applied.append(asked)
        if fault == "after":
            await self._die()
        if fault == "lost":
            raise Unreachable("gave no answer", where=path)
        await asyncio.sleep(0)  # on its way back
        if self.killed.is_set():
            await self._die()
        return answer

    async def _die(self) -> None:
        """Never come back."""
        self.killed.set()
        await asyncio.get_running_loop().create_future()


def _parsed(path: str) -> tuple[str, str, str, bool]:
    found = _PATH.fullmatch(path)
    assert found is not None, path
    return found[1] or "", found[2], found[3] or "", found[4] is not None


# Controllers.


@dataclass
class Log:
    """What a controller says."""

    records: list[dict[str, Any]] = field(default_factory=list)

    def __getattr__(self, level: str) -> Callable[..., None]:
        if level.startswith("_"):
            raise AttributeError(level)
        return lambda event, **fields: self.records.append({"event": event, **fields})


class Controller:
    """One replica, which runs from `start` until `stop` or `kill`."""

    def __init__(self, api: Api, client: Client, flags: Flags) -> None:
        self.api, self.client = api, client
        self.log = Log()
        environ = {"POD_NAMESPACE": OWN, "POD_NAME": f"pod-{client.number}"}
        self.app = apps.App(flags, lambda: client, self.log, "test", environ)  # type: ignore[arg-type,return-value]
        self._opener = Opener()
        self._tasks: list[asyncio.Task[None]] = []

    def start(self) -> Controller:
        """Watch, and stand for the lease."""
        jobs: list[Coroutine[Any, Any, None]] = [self.app._follow(), self.app._lead(self._opener)]
        self._tasks = [asyncio.ensure_future(each) for each in jobs]
        return self

    async def stop(self) -> None:
        """As at SIGTERM."""
        await self.app._drain()
        await self._end()

    async def kill(self) -> None:
        """As at SIGKILL."""
        self.client.killed.set()
        await self._end()

    async def until_killed(self, others: Awaitable[None]) -> bool:
        """Let the others do what they do until that has ended, or this one was killed; whether it was."""
        doing = asyncio.ensure_future(others)
        killed = asyncio.ensure_future(self.client.killed.wait())
        await asyncio.wait([doing, killed, *self._tasks], return_when=asyncio.FIRST_COMPLETED)
        for each in self._tasks:
            assert not each.done(), each
        killed.cancel()
        if self.client.killed.is_set():
            doing.cancel()
            await asyncio.gather(doing, return_exceptions=True)
            await self._end()
            return True
        await doing
        return False

    async def _end(self) -> None:
        for each in self._tasks:
            each.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._opener.close()

    @property
    def opens(self) -> int:
        """How many SealedSecrets it opened."""
        return sum(each["event"] == "opened" for each in self.log.records)

    @property
    def defects(self) -> list[dict[str, Any]]:
        """What it says of itself that it did wrong."""
        return [each for each in self.log.records if each["event"] == "defect"]


def on_the_loops_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """Controllers count their seconds on the loop, and jitter is none."""

    def now() -> float:
        return asyncio.get_running_loop().time()

    def longest(low: float, high: float) -> float:
        return high

    monkeypatch.setattr(apps, "Client", lambda access, **_: access())
    monkeypatch.setattr(apps, "Queue", lambda most: Queue(now, longest, most))
    monkeypatch.setattr(apps, "Election", lambda *arguments, **named: Election(*arguments, **named, clock=now))
    monkeypatch.setattr(apps, "Renewal", lambda *arguments, **named: Renewal(*arguments, **named, clock=now))


def flags(**more: Any) -> Flags:
    """Those of a controller of the whole cluster."""
    return replace(_FLAGS, **more)
