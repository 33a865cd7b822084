"""Which kind of store is built by what: one line a kind, the SDK of each imported inside its function.

A store is built from its configuration, or again from what the state remembers of it: what was delivered to a store
that is configured no more can still be withdrawn. A dry run builds every store and writes to none.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from controller.configuration.model import Retention, StoreConfig
from controller.effects import Effects
from sealer.errors import SourceError

if TYPE_CHECKING:
    from controller.model import StoreSpec
    from controller.state import State
    from controller.stores.base import Store


@dataclass(frozen=True, slots=True)
class Context:
    """What stores are built with.

    `state` is None where there is none yet: the store `local` is then empty. `state_keys` gives ids and keys, newest
    first, when the first value is read or written; `held` are their ids, None if not known. With `read_only` nothing
    is cleared away either.
    """

    state: State | None
    state_keys: Callable[[], Sequence[tuple[str, bytes]]] = field(repr=False)
    clock: Callable[[], int]
    held: Collection[str] | None = None
    effects: Effects = field(default_factory=Effects)
    retention: Retention = field(default_factory=Retention)
    read_only: bool = False


def build(config: StoreConfig, context: Context) -> Store:
    """The store that is configured. Opens nothing: what is wrong with its place is said when it is used."""
    return _KINDS[config.kind](config, context)


def rebuild(spec: StoreSpec, context: Context) -> Store:
    """A store as the state remembers it. Raises SourceError if this program doesn't know its kind."""
    known = json.loads(spec.spec)
    if spec.kind not in _KINDS:
        raise SourceError(f"is of kind {spec.kind}, which this program doesn't know", where=f"store {spec.label}")
    config = StoreConfig(
        spec.label,
        spec.kind,
        root=str(known.get("root", "")),
        address=str(known.get("address", "")),
        mount=str(known.get("mount", "")),
        prefix=str(known.get("prefix", "")),
        allow_disk=bool(known.get("allowDisk", False)),
    )
    return build(config, context)


def _local(config: StoreConfig, context: Context) -> Store:
    from controller.stores.local import CAPS, LocalStore
    from controller.stores.memory import MemoryStore

    if context.state is None:
        return MemoryStore(config.uid, caps=CAPS)
    days = context.retention.deleted_days
    return LocalStore(context.state, context.state_keys, context.clock, context.held, days)


def _files(config: StoreConfig, context: Context) -> Store:
    from controller.stores.files import FilesStore, Place

    place = Place(config.root, config.uid, config.allow_disk)
    return FilesStore(place, context.clock, effects=context.effects, read_only=context.read_only)


_KINDS: Mapping[str, Callable[[StoreConfig, Context], Store]] = {"local": _local, "files": _files}
