"""All keys that there are at one moment, and what follows from having exactly these. Pure.

The newest key seals. Which one that is doesn't depend on the order in which keys were seen: every replica that sees the
same Secrets names the same one. All older keys are `retired`: they go on opening, as with Bitnami's.

Times have whole seconds, so several keys may have the latest one. Among these the newest is the key
1. whose Secret was created first; of those created in one second
2. one with a label rather than the one that is known by its name alone; of several
3. the first by name.
Bitnami's controller chooses so when it starts with up to 12 key Secrets; with more, its sort leaves the order of equals
open. A key that it made since its start it takes for the newest, by fractions of a second.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from controller.kube.keysecret import CODE, Identity, SealingKey, StateKey, Unreadable
from controller.model import Problem
from sealer.formats.keyid import KEM, RSA
from sealer.formats.keyrecord import Status
from sealer.formats.wire import canonical_json

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from datetime import datetime

    from controller.kube.keysecret import Found, Kind
    from sealer.formats.keys import PrivateKey

Order = Literal["CertNotBefore", "SecretCreationTimestamp"]


@dataclass(frozen=True, slots=True)
class KeySet:
    """`sealing` in the order in which they were made, each key once. `uids`: of all key Secrets, also those out of use.

    `broken` are kinds of which a Secret is there that can't be read; `names` those of all key Secrets.
    """

    sealing: tuple[SealingKey, ...] = ()
    identity: Identity | None = None
    state: StateKey | None = None
    problems: tuple[Problem, ...] = ()
    status: Mapping[str, Status] = field(default_factory=dict)
    uids: Mapping[Kind, frozenset[str]] = field(default_factory=dict)
    names: frozenset[str] = frozenset()
    broken: frozenset[Kind] = frozenset()
    digest: str = ""
    order: Order = "CertNotBefore"
    opens: Mapping[str, PrivateKey] = field(default_factory=dict, repr=False, compare=False)
    """By id, the newest first: all that are not compromised."""
    opens_all: Mapping[str, PrivateKey] = field(default_factory=dict, repr=False, compare=False)

    def time(self, key: SealingKey) -> datetime:
        """What a key is ordered by."""
        return key.made if self.order == "CertNotBefore" else key.place.created

    def newest(self, algorithm: str) -> SealingKey | None:
        """The key that is sealed to; None if there is none. Of two of one time it is the one that was made first."""
        fit = [key for key in self.sealing if key.key.algorithm == algorithm and key.status is Status.ACTIVE]
        return max(fit, key=self.time, default=None)

    def overtaken(self, algorithm: str, now: datetime) -> bool:
        """Whether a newer key than the newest was taken out of sealing, so that one of before it seals again."""
        newest = self.newest(algorithm)
        out = [key for key in self.sealing if key.key.algorithm == algorithm and key.status is not Status.ACTIVE]
        return newest is not None and any(self.time(newest) < self.time(key) <= now for key in out)


def of(found: Iterable[tuple[Kind, str, str, Found | None]], order: Order = "CertNotBefore") -> KeySet:
    """The set of these Secrets, each as kind, name, uid, and what was read of it."""
    # One that two lists show, since its labels just changed or say two things, counts once.
    secrets = sorted({each[1]: each for each in found}.values(), key=lambda each: each[1])
    uids: dict[Kind, frozenset[str]] = {}
    for kind, _, uid, _ in secrets:
        uids[kind] = uids.get(kind, frozenset()) | {uid}
    read = [each for _, _, _, each in secrets]
    identity, others = _oldest([each for each in read if isinstance(each, Identity)])
    states = [each for each in read if isinstance(each, StateKey)]
    # Made first stands first, also where two are of one time: sorting keeps that.
    time = KeySet(order=order).time
    sealing = tuple(sorted(_sealing(read, time), key=time))
    bare = KeySet(sealing, order=order)
    newest = [bare.newest(algorithm) for algorithm in (KEM, RSA)]
    status = {
        key.key.id: Status.RETIRED if key.status is Status.ACTIVE and key not in newest else key.status
        for key in sealing
    }
    newest_first = sorted(sealing, key=bare.time, reverse=True)
    return KeySet(
        sealing=sealing,
        identity=identity,
        state=max(states, key=lambda key: (key.created, key.id), default=None),
        problems=(*(each.problem for each in read if isinstance(each, Unreadable)), *others),
        status=status,
        uids=uids,
        names=frozenset(name for _, name, _, _ in secrets),
        broken=frozenset(kind for kind, _, _, each in secrets if isinstance(each, Unreadable)),
        digest=_digest(sealing),
        order=order,
        opens={key.key.id: key.key for key in newest_first if key.status is not Status.COMPROMISED},
        opens_all={key.key.id: key.key for key in newest_first},
    )


def _sealing(read: Iterable[Found | None], time: Callable[[SealingKey], datetime]) -> tuple[SealingKey, ...]:
    """Each sealing key once, as they were made.

    Of several Secrets that hold the same key the one with the gravest status counts, and of these the latest: the
    key's certificate may have been renewed. `time`: what orders keys.
    """
    by_id: dict[str, SealingKey] = {}
    gravity = list(Status)
    found = (each for each in read if isinstance(each, SealingKey))
    for each in sorted(found, key=_made):
        known = by_id.get(each.key.id)
        if known is None or (gravity.index(each.status), time(each)) > (gravity.index(known.status), time(known)):
            by_id[each.key.id] = each
    return tuple(sorted(by_id.values(), key=_made))


def _made(key: SealingKey) -> tuple[datetime, bool, str]:
    """Sorts keys as they were made."""
    return key.place.created, not key.labelled, key.place.name


def _oldest(found: list[Identity]) -> tuple[Identity | None, tuple[Problem, ...]]:
    """The identity that is used: the one that was pinned first; and a problem for each other one."""
    first, *others = sorted(found, key=lambda each: (each.created, each.place.name)) or (None,)
    return first, tuple(
        Problem(
            str(each.place),
            0,
            CODE,
            f"is a second identity, and not used: {first.place} is older",
            f"kubectl delete secret -n {each.place.namespace} {each.place.name}",
        )
        for each in others
        if each is not None and first is not None
    )


def _digest(sealing: Iterable[SealingKey]) -> str:
    """Hex SHA-256 of what decides whether something opens: which keys, and whether they are compromised."""
    opens = sorted([key.key.id, key.status is Status.COMPROMISED] for key in sealing)
    return hashlib.sha256(canonical_json(opens)).hexdigest()


def rsa(keys: Mapping[str, PrivateKey]) -> tuple[PrivateKey, ...]:
    """Those of RSA, in their order."""
    return tuple(key for key in keys.values() if key.algorithm == RSA)
