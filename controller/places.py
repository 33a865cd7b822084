"""The stores of one run: the configured ones, and former ones that still hold something (DELIVERY section 1)."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from controller.configuration import StoreConfig
    from controller.model import Ref, StoreSpec, Target
    from controller.stores.base import Store


@dataclass(frozen=True, slots=True)
class Place:
    """One configured store, and whom it serves."""

    config: StoreConfig
    store: Store

    def target(self, ref: Ref) -> Target:
        """Where a secret goes."""
        return self.store.target(ref)

    def serves(self, namespace: str) -> bool:
        """Whether secrets of a namespace may be delivered here."""
        return self.config.serves(namespace)


@dataclass(frozen=True, slots=True)
class Places:
    """`by_label` are the configured ones, `by_uid` all that can be reached; `owner` is who owns what is delivered."""

    owner: str
    by_label: Mapping[str, Place]
    by_uid: Mapping[str, Store]
    specs: tuple[StoreSpec, ...]
    labels: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(
        cls,
        owner: str,
        places: Iterable[Place],
        specs: Iterable[StoreSpec],
        former: Mapping[StoreSpec, Store],
        remembered: Iterable[StoreSpec] = (),
    ) -> Places:
        """`former` are stores that something was delivered to and that are configured no more.

        `remembered` are all that anything was ever delivered to, by the names that they had.
        """
        by_label = {each.config.label: each for each in places}
        specs = tuple(specs)
        return cls(
            owner,
            by_label,
            {
                **{spec.uid: store for spec, store in former.items()},
                **{p.store.uid: p.store for p in by_label.values()},
            },
            specs,
            {spec.uid: spec.label for spec in (*remembered, *former, *specs)},
        )

    def label(self, uid: str) -> str:
        """A store for people."""
        return self.labels.get(uid, uid)

    def adopts(self, uid: str, standing: str) -> bool:
        """Whether what stands in a store and belongs to `standing` may be taken over."""
        place = next((each for each in self.by_label.values() if each.store.uid == uid), None)
        return place is not None and place.config.adopt and not kin(self.owner, standing)


def kin(owner: str, other: str) -> bool:
    """Whether two owners are sources of one cluster: between those the first keeps what it has."""
    return owner.partition("/")[0] == other.partition("/")[0]
