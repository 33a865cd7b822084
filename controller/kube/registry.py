"""The keys of a cluster, as the Secrets in the controller's own namespace have them at this moment.

Three watches, each with values: one for each of the two labels and one for the old name. A selector can't say "or"; a
list of all Secrets' metadata would have to read each key in a second request, which a handler can't wait for; and a
list of all Secrets with values would show us every other Secret of the namespace, which is kube-system by default.
What is out of use is watched too (the selectors ask for a label, not for a value), so that a key that is labelled
`active` again comes back, and the status of one that is compromised is known.

A set of keys is replaced as a whole, so that readers in other threads never see half a change.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from controller.fingerprint import derive
from controller.kube import keybundle, keysecret, keyset, names
from controller.kube.keyhints import Hints, Opening
from controller.kube.keyset import KeySet
from controller.kube.reflector import Reflector
from controller.model import Keys
from sealer.errors import NoKey
from sealer.formats.keyid import RSA

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from datetime import datetime

    from controller.fingerprint import FingerprintKey
    from controller.kube.keysecret import Found, Identity, Kind, SealingKey
    from controller.kube.keyset import Order
    from controller.kube.reflector import Handler
    from controller.model import Problem
    from sealer.errors import SealerError
    from sealer.formats.bundle import BundleKey
    from sealer.formats.keyrecord import Status
    from sealer.formats.keys import PrivateKey
    from sealer.kube.client import Client

    _Secret = tuple[Kind, str, str, Found | None]

PREFIX = "sealed-secrets-key"
_LATER = "ask again in a moment"


@dataclass(frozen=True, slots=True)
class Source:
    """One of the lists that keys come from: what selects its Secrets, and who is told of them."""

    select: dict[str, str]
    handler: Handler


@dataclass(frozen=True, slots=True)
class _Settled:
    """Keys under the number that they were published with."""

    identity: Identity
    number: int
    shown: tuple[BundleKey, ...] = field(repr=False)


class KeyRegistry:
    """Keys by id and by age; implements `sealer.sealing.unseal.PrivateKeys` with all that are not compromised.

    `cluster` is the name that the key bundle bears, `prefix` the name of the old key Secret without a label.
    """

    def __init__(
        self, namespace: str, *, cluster: str = "", prefix: str = PREFIX, order: Order = "CertNotBefore"
    ) -> None:
        self.namespace = namespace
        self.current = KeySet(order=order)
        self._cluster = cluster
        self.prefix = prefix
        self._order: Order = order
        self.lock = threading.Lock()
        self._listeners: list[Callable[[], None]] = []
        self._hints = Hints()
        self._settled: _Settled | None = None
        self._told = False
        # What a label says counts before what a name says, hence last (`keyset.of`).
        selects = (
            {"fieldSelector": f"metadata.name={prefix}"},
            {"labelSelector": names.KEY_LABEL},
            {"labelSelector": names.OUR_KEY},
        )
        self._handlers = [_Handler(self, labelled="labelSelector" in select) for select in selects]
        self.sources = tuple(map(Source, selects, self._handlers))

    def __len__(self) -> int:
        return len(self.current.sealing)

    # What is followed.

    def reflectors(
        self, client: Client, failed: Callable[[str, SealerError], None] = lambda *_: None
    ) -> tuple[Reflector, ...]:
        """Those that feed this registry, to be run."""
        path = names.secrets(self.namespace)
        return tuple(Reflector(client, path, each.handler, select=each.select, failed=failed) for each in self.sources)

    @property
    def ready(self) -> bool:
        """Whether all keys that there were at the start are known."""
        return all(each.completed for each in self._handlers)

    def on_change(self, listener: Callable[[], None]) -> None:
        """Call this whenever the set of keys, or what is wrong with one, is another; first when all are known."""
        self._listeners.append(listener)

    def refresh(self) -> None:
        """Take over what the handlers were told. Called by them."""
        with self.lock:
            found = [each for handler in self._handlers for each in handler.found()]
            former, was = self.current, self._settled
            self.current = now = keyset.of(found, self._order)
            self._settle(now)
            changed = now != former or self._settled != was
        if self.ready and (changed or not self._told):
            self._told = True
            for each in self._listeners:
                each()

    # What opens.

    def get(self, key_id: str) -> PrivateKey | None:
        """The key with this id, unless it is compromised."""
        return self.current.opens.get(key_id)

    def rsa(self) -> Sequence[PrivateKey]:
        """All RSA keys but compromised ones, newest first."""
        return keyset.rsa(self.current.opens)

    def opening(self, namespace: str, prefer: Iterable[str] = (), *, compromised: bool = False) -> Opening:
        """The keys for one document of a namespace, in an order that makes it cheap.

        `prefer`: ids that opened it before, as its mark has them. `compromised`: also with such keys; for a document
        that was delivered before, and for one that is sealed again.
        """
        now = self.current
        opens = now.opens_all if compromised else now.opens
        # A status may name tens of thousands that are none, and each item of a document goes through all that is left.
        first = dict.fromkeys(each for each in (*prefer, *self._hints.of(namespace)) if each in opens)
        return Opening(opens, first)

    def opened(self, namespace: str, ids: Iterable[str]) -> None:
        """Remember which keys opened a document of a namespace."""
        self._hints.opened(namespace, ids)

    # What is said of them.

    def newest(self, algorithm: str) -> SealingKey:
        """The key that is sealed to. Raises NoKey."""
        found = self.current.newest(algorithm)
        if found is None:
            raise NoKey(f"there is no active {algorithm} key", where=f"namespace {self.namespace}", way_out=_LATER)
        return found

    @property
    def certificate(self) -> str:
        """The PEM of the newest RSA key's certificate, for kubeseal. Raises NoKey."""
        return self.newest(RSA).key.public.certificate

    @property
    def digest(self) -> str:
        """Changes whenever what could be opened changes."""
        return self.current.digest

    @property
    def status(self) -> Mapping[str, Status]:
        """Of each key by id: active is the newest of its algorithm, retired what opens only, or compromised."""
        return self.current.status

    @property
    def problems(self) -> tuple[Problem, ...]:
        """Secrets that call themselves keys and are none, by name."""
        return self.current.problems

    @property
    def fingerprint_key(self) -> FingerprintKey | None:
        """What fingerprints are made with; None if there is no state key yet."""
        state = self.current.state
        return derive(state.id, state.key) if state else None

    def keys(self) -> Keys:
        """What triage may know of the keys."""
        now = self.current
        status = {key_id: str(status) for key_id, status in now.status.items()}
        return Keys(now.digest, status, now.state.id[:8] if now.state else "")

    def bundle(self, now: datetime) -> bytes:
        """The signed bundle of /v1/keys, issued now. Raises NoKey as long as there is none.

        While keys that are new here have no number yet, it is the former one: no reader is shown one number twice.
        """
        settled = self._settled
        if settled is None:
            raise NoKey("no key bundle has been published yet", where=f"namespace {self.namespace}", way_out=_LATER)
        return keybundle.render(self._cluster, settled.identity, settled.number, settled.shown, now)

    @property
    def published(self) -> bool:
        """Whether there is a bundle with all that there is."""
        return self._settled is not None

    def _settle(self, now: KeySet) -> None:
        if now.identity is None:
            self._settled = None
            return
        shown, stands = keybundle.published(now), keybundle.sequence(now.identity)
        if stands.number and stands.digest == keybundle.digest(shown):
            self._settled = _Settled(now.identity, stands.number, shown)
        elif self._settled is not None and self._settled.identity.line != now.identity.line:
            self._settled = None


class _Handler:
    """What one of the lists shows (`reflector.Handler`). Of a Secret only the key is kept."""

    def __init__(self, registry: KeyRegistry, *, labelled: bool) -> None:
        self._registry = registry
        self._labelled = labelled
        self._secrets: dict[str, _Secret] = {}
        self.completed = False

    def found(self) -> tuple[_Secret, ...]:
        """All Secrets that it shows: kind, name, uid and what was read."""
        return tuple(self._secrets.values())

    def seen(self, key: str, item: dict[str, Any], *, listed: bool) -> None:
        """A Secret is there, or is another now."""
        metadata = item["metadata"]
        kind = keysecret.kind_of(item, self._registry.prefix)
        labels = metadata.get("labels") or {}
        labelled = names.KEY_LABEL in labels or names.OUR_KEY in labels
        # What is told of by its label is not told of by its name, too.
        if kind is None or labelled != self._labelled:
            self._take(key, None)
        else:
            self._take(key, (kind, metadata["name"], metadata["uid"], keysecret.read(item, self._registry.prefix)))
        if not listed:
            self._registry.refresh()

    def gone(self, key: str, uid: str) -> None:
        """A Secret is there no more."""
        known = self._secrets.get(key)
        if known is not None and known[2] == uid:
            self._take(key, None)
            self._registry.refresh()

    def _take(self, key: str, secret: _Secret | None) -> None:
        with self._registry.lock:
            self._secrets.pop(key, None)
            if secret is not None:
                self._secrets[key] = secret

    def complete(self) -> None:
        """All that a list shows was seen."""
        self.completed = True
        self._registry.refresh()
