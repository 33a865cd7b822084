"""When a key is made, and the making of it: the first ones, one each period, and at a signal. None is ever deleted.

Only the holder of the lease makes keys, and lists the Secrets anew right before. Even so two may be about to: one that
was stopped in between, and its successor. So a new Secret's name is not left to the server: it follows from which key
Secrets of its kind the maker saw. Two that saw the same ask for the same name, and the second is refused; who lists
after that sees the key of the first. The name looks as the server's do (generateName, prefix and five characters).

The number of the key bundle is counted here too (`keybundle`), since the leader alone may.
"""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from controller.keyadmin import BACKDATED, VALID
from controller.kube import keybundle, names, newkey
from controller.kube.audit import Audit
from controller.kube.keyschedule import due, reason, suffix
from controller.kube.registry import KeyRegistry
from sealer.errors import SealerError, UsageError
from sealer.formats.keyid import KEM, RSA
from sealer.formats.keys import RSA_BITS, generate_kem, generate_rsa
from sealer.kube.client import ApiError, Unreachable

if TYPE_CHECKING:
    from controller.kube.flags import KeyFlags
    from controller.kube.keysecret import Kind
    from controller.kube.keyset import KeySet
    from sealer.kube.client import Client

_ALGORITHM: dict[Kind, str] = {"sealing": KEM, "bitnami": RSA}
_KINDS: tuple[Kind, ...] = ("identity", "state", "sealing", "bitnami")
"""In this order: an RSA key takes seconds."""
_TRIES = 8
_CONFLICT, _NOT_FOUND = 409, 404
_FIRST, _CAP = 1.0, 60.0
"""Seconds after a failure, and the most."""
_LONGEST = 300.0
"""Seconds after which the clock is looked at again: it may have been set meanwhile."""
_SETTLES = 30.0
"""Seconds for a watch to show a key that was made."""


class Renewal:
    """Makes keys for one registry; `run` is work for who leads. Raises UsageError for flags that no key can have.

    `leads` is asked before each write; `place` is what no other cluster calls itself. `made` is told of each new
    Secret's name, `failed` of what went wrong and will be tried again.
    """

    def __init__(
        self,
        client: Client,
        registry: KeyRegistry,
        flags: KeyFlags,
        leads: Callable[[], bool],
        *,
        place: Callable[[], str] = lambda: "",
        audit: Audit | None = None,
        made: Callable[[str], None] = lambda _: None,
        failed: Callable[[SealerError], None] = lambda _: None,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
    ) -> None:
        if flags.size not in RSA_BITS:
            raise UsageError("is none of 2048 to 8192 bits", where="--key-size", way_out="--key-size=4096")
        if flags.ttl < 1:
            raise UsageError("is less than a second", where="--key-ttl", way_out="--key-ttl=87600h")
        self._client, self._registry, self._flags, self._leads = client, registry, flags, leads
        self._place, self._made, self._failed, self._audit = place, made, failed, audit or Audit()
        self._now, self._clock, self._sleep = now, clock, sleep
        self._asked: dict[str, str] = {}
        self._last: dict[Kind, tuple[float, str]] = {}
        self._wake = asyncio.Event()
        self._failures = 0
        registry.on_change(self._wake.set)

    def renew(self) -> bool:
        """Make new sealing keys now (SIGUSR1). False: this one doesn't lead, and nothing will happen."""
        if not self._leads():
            return False
        now = self._registry.current
        for algorithm in _ALGORITHM.values():
            newest = now.newest(algorithm)
            self._asked[algorithm] = newest.key.id if newest else ""
        self._wake.set()
        return True

    async def run(self) -> None:
        """Until cancelled. Nothing is made before all keys that there are have been seen."""
        try:
            while True:
                self._wake.clear()
                pause = _LONGEST
                if self._registry.ready and self._leads():
                    pause = await self._turn()
                if self._failures:
                    await self._sleep(pause)  # whatever changes: what is refused may be refused again
                else:
                    await self._pause(pause)
        finally:
            # Here and not at the beginning: a request may come between the election and the first step.
            self._asked.clear()
            self._failures = 0

    async def _turn(self) -> float:
        """Make what is to be made; seconds until the next turn. What fails keeps nothing else from being made."""
        errors: list[SealerError] = []
        for kind in _KINDS:
            try:
                if self._wanted(kind, self._registry.current):
                    await self._make(kind)
                elif kind in _ALGORITHM:
                    self._asked.pop(_ALGORITHM[kind], None)
            except SealerError as error:
                errors.append(error)
        try:
            await self._count()
        except SealerError as error:
            errors.append(error)
        for each in errors:
            self._failed(each)
        self._failures = self._failures + 1 if errors else 0
        if errors:
            asked = max((error.retry_after for error in errors if isinstance(error, ApiError)), default=0.0)
            return max(min(_FIRST * 2.0 ** min(self._failures - 1, 16), _CAP), asked)
        view = self._registry.current
        return min(_LONGEST, *(self._left(kind, view) for kind in _KINDS))

    def _wanted(self, kind: Kind, view: KeySet) -> bool:
        """Whether a key of this kind is to be made now, going by these: the schedule says so, or somebody asked."""
        algorithm = _ALGORITHM.get(kind)
        if algorithm in self._asked:
            newest = view.newest(algorithm)
            return self._asked[algorithm] == (newest.key.id if newest else "")
        return self._left(kind, view) <= 0

    def _left(self, kind: Kind, view: KeySet) -> float:
        """Seconds until the next key of a kind by the schedule."""
        if kind not in _ALGORITHM:
            # An identity that can't be read is not missing: whoever trusts it would have to trust another.
            there = view.state if kind == "state" else view.identity or kind in view.broken
            return float("inf") if there else self._rest(kind, _SETTLES)
        newest = view.newest(_ALGORITHM[kind])
        if newest is None:
            return self._rest(kind, _SETTLES)
        now, period = self._now(), self._flags.renew_period
        at = due(view.time(newest), period=timedelta(seconds=period), cutoff=self._flags.cutoff, now=now)
        if view.overtaken(_ALGORITHM[kind], now):
            at = now
        if at is None:
            return float("inf")
        # What was made here counts from when it was made: the clock by which keys are ordered may be another.
        mine = self._last.get(kind, (0.0, ""))[1] == newest.place.name
        shortest = (period or float("inf")) if mine else min(period or _SETTLES, _SETTLES)
        return max((at - now).total_seconds(), self._rest(kind, shortest))

    def _rest(self, kind: Kind, seconds: float) -> float:
        """What is left of these seconds since a key of this kind was last made, or found; 0.0 if there is none."""
        if kind not in self._last:
            return 0.0
        return max(self._last[kind][0] + seconds - self._clock(), 0.0)

    async def _make(self, kind: Kind) -> None:
        """Make a key and its Secret, unless there is one by then."""
        if not self._wanted(kind, await self._listed()):
            self._done(kind)
            return
        body = await self._new(kind)
        prefix = self._flags.prefix if kind == "bitnami" else f"sealer-{kind}-"
        labels, annotations = dict(self._flags.labels), dict(self._flags.annotations)
        for attempt in range(_TRIES):
            view = await self._listed()
            if not self._wanted(kind, view):
                self._done(kind)
                return
            if not self._leads():
                return
            secret = newkey.made(body, prefix, suffix(kind, view, attempt, self._place()), labels, annotations)
            path, name = names.secrets(self._registry.namespace), secret["metadata"]["name"]
            try:
                async with self._audit.making(self._registry.namespace, name, f"{kind} key: {self._why(kind, view)}"):
                    await self._client.create(path, secret, fieldManager=names.MANAGER)
            except ApiError as error:
                # Of another maker, whose key the next list shows; or of a Secret that is no key.
                if error.status == _CONFLICT and attempt < _TRIES - 1:
                    continue
                raise
            self._done(kind, name)
            self._made(name)
            return

    def _why(self, kind: Kind, view: KeySet) -> str:
        algorithm = _ALGORITHM.get(kind, "")
        newest = view.newest(algorithm) if algorithm else None
        asked = algorithm in self._asked
        return reason(view.time(newest) if newest else None, asked=asked, cutoff=self._flags.cutoff, now=self._now())

    def _done(self, kind: Kind, name: str = "") -> None:
        """There is a key, ours or another's; the watch will show it."""
        self._last[kind] = (self._clock(), name)
        self._asked.pop(_ALGORITHM.get(kind, ""), None)

    async def _new(self, kind: Kind) -> dict[str, Any]:
        """A new key as a Secret without a name."""
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

        flags, now = self._flags, self._now().replace(microsecond=0)
        if kind == "identity":
            return newkey.identity(Ed25519PrivateKey.generate(), now)
        if kind == "state":
            return newkey.state(os.urandom(32), now)
        ttl = timedelta(seconds=int(flags.ttl))
        if kind == "sealing":
            # A year, as in a keyring; but never so short that none is left before the next is made.
            period = timedelta(seconds=flags.renew_period)
            valid = max(VALID, 2 * period) if period else max(VALID, ttl)
            return newkey.sealing(generate_kem(), now - BACKDATED, now + valid, now)
        # From now on and not from before, as Bitnami's: a key that is older than the cutoff would never be new enough.
        key = await asyncio.to_thread(
            lambda: generate_rsa(
                now=now, valid=ttl, backdated=timedelta(), bits=flags.size, common_name=flags.common_name
            )
        )
        return newkey.bitnami(key)

    async def _listed(self) -> KeySet:
        """The keys that there are at this moment, past all caches."""
        fresh = KeyRegistry(self._registry.namespace, prefix=self._flags.prefix, order=self._flags.order)
        for source in fresh.sources:
            path = names.secrets(self._registry.namespace)
            found = await self._client.get(path, **source.select)
            if not isinstance(found, dict) or not isinstance(found.get("items") or [], list):
                raise Unreachable("answered with what is no list of objects", where=path)
            for item in found.get("items") or ():
                source.handler.seen(f"{self._registry.namespace}/{item['metadata']['name']}", item, listed=True)
            source.handler.complete()
        return fresh.current

    async def _count(self) -> None:
        """Number the key bundle, if it shows other keys than its number is for."""
        view = self._registry.current
        if view.identity is None or not view.sealing:
            return
        patch = keybundle.counted(view.identity, keybundle.published(view))
        if patch is None or not self._leads():
            return
        try:
            path = names.secrets(self._registry.namespace, view.identity.place.name)
            await self._client.patch(path, patch, fieldManager=names.MANAGER)
        except ApiError as error:
            if error.status not in (_CONFLICT, _NOT_FOUND):  # another one than we know; its change will be seen
                raise

    async def _pause(self, seconds: float) -> None:
        """For this long, or until something changes."""
        both = [asyncio.ensure_future(self._sleep(seconds)), asyncio.ensure_future(self._wake.wait())]
        try:
            await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for each in both:
                each.cancel()
