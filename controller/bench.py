"""What a batch of a delivery works with and comes to: values, and the stores and keys that are the same for all."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from controller.effects import Effects
    from controller.fingerprint import FingerprintKey
    from controller.look import Work
    from controller.model import Delivery, Intent, Keys, Observed, Ref, Step, Target
    from controller.open import Opener, Opening
    from controller.places import Places
    from controller.state import State
    from controller.stores.base import Store
    from controller.trail import Trail
    from sealer.documents.document import SealedSecret
    from sealer.errors import SealerError


@dataclass(frozen=True, slots=True)
class Done:
    """What came of one document: `why` is the stored form of a reason, or empty; `steps` are those of its targets.

    `ended` are the targets whose intent came to an end, good or bad.
    """

    work: Work
    why: str = ""
    body: SealedSecret | None = field(default=None, repr=False)
    steps: tuple[Step, ...] = ()
    deliveries: tuple[Delivery, ...] = ()
    ended: tuple[Target, ...] = ()

    @property
    def put(self) -> bool:
        """Whether a value was written, or would be."""
        return any(step.op == "put" for step in self.steps)


@dataclass(frozen=True, slots=True)
class Bench:
    """All that a batch needs, the same for every batch of a run.

    `pending` are intents of an earlier run that did not happen, to be put under their own tokens. `state` is None in a
    dry run.
    """

    places: Places
    deliveries: Mapping[Target, Delivery]
    observed: Mapping[Target, Observed]
    silent: Mapping[Target, SealerError]
    keys: Keys
    opener: Opener
    mark: Callable[[], FingerprintKey]
    load: Callable[[Work], SealedSecret]
    effects: Effects
    trail: Trail
    state: State | None
    pending: Mapping[Target, Intent]
    now: int

    def store(self, uid: str) -> Store:
        """The store of a target."""
        return self.places.by_uid[uid]


@dataclass(frozen=True, slots=True)
class Ready:
    """A batch whose documents are read; those that take long are being opened already.

    `opens` and `puts` are the sequences of what the log was told, by document and by target.
    """

    works: Mapping[Ref, Work]
    bodies: Mapping[Ref, SealedSecret] = field(repr=False)
    failed: Mapping[Ref, str]
    opens: Mapping[Ref, int]
    puts: Mapping[Target, int]
    opening: Opening = field(repr=False)

    @classmethod
    def none(cls) -> Ready:
        """No batch: the end."""
        return cls({}, {}, {}, {}, {}, {})
