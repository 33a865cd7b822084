"""What is open while a source is applied, once or again and again: state, audit log, stores (DELIVERY section 4).

A dry run reads the state if there is one, takes no lock, and makes nothing: it has no log either.
"""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from controller.audit.log import Log
from controller.effects import Effects
from controller.model import StoreSpec
from controller.places import Place, Places
from controller.state import State
from controller.stores import table
from sealer.errors import SealerError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from controller.configuration import Configuration
    from controller.look import Job
    from controller.settings import Settings
    from controller.stores.base import Store


@dataclass(frozen=True, slots=True)
class Session:
    """`state` is None in a dry run where there is none; `log` in every dry run."""

    state: State | None
    log: Log | None
    effects: Effects
    clock: Callable[[], int]

    def places(self, job: Job) -> Places:
        """The stores of a run: the configured ones, and those that hold something of an earlier configuration."""
        context = self._context(job.settings, job.configuration)
        places = [Place(each, table.build(each, context)) for each in job.configuration.stores.values()]
        specs = [StoreSpec(each.config.uid, each.config.label, each.config.kind, each.config.spec) for each in places]
        known = {spec.uid for spec in specs}
        former: dict[StoreSpec, Store] = {}
        remembered = self.state.stores() if self.state is not None else ()
        for spec in remembered:
            if spec.uid not in known and not job.dry_run:
                with contextlib.suppress(SealerError):
                    former[spec] = table.rebuild(spec, context)
        return Places.of(job.owner, places, specs, former, remembered)

    def _context(self, settings: Settings, configuration: Configuration) -> table.Context:
        ring = settings.ring
        return table.Context(
            self.state,
            ring.state_keys if ring else tuple,
            self.clock,
            [each.id for each in ring.record.state_keys] if ring else None,
            self.effects,
            configuration.retention,
            read_only=self.log is None,
        )


@contextlib.contextmanager
def opened(job: Job, clock: Callable[[], int], effects: Effects | None = None) -> Iterator[Session]:
    """Open what a run needs; the state's lock is held until the end. Raises SealerError."""
    port = effects or Effects()
    directory = job.settings.state
    with contextlib.ExitStack() as stack:
        if job.dry_run:
            exists = State.exists(directory)
            state = stack.enter_context(State.open(directory, read_only=True)) if exists else None
            yield Session(state, None, port, clock)
            return
        state = stack.enter_context(State.open(directory, lock_timeout=job.lock_timeout, effects=port))
        if job.settings.ring is not None:
            job.settings.ring.refresh()
        log = Log.open(directory, now=clock, effects=port, max_bytes=job.configuration.audit_max_bytes)
        yield Session(state, log, port, clock)
