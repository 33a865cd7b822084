"""The one port through which every write of a delivery passes (DELIVERY section 4).

    store.put, store.delete     one batch at one store, called by the flow
    memory.put, .mark, .delete  one item inside the memory store; its mark apart, where it isn't one write
    state.commit                one transaction of the state database
    audit.append, .sync         lines of the audit log, and their fdatasync
    audit.rotate                a new file of the audit log
    files.write, .sync, .link,  one system call of the store `files`
      .rename, .remove
    change.run                  the operator's --on-change command

In production the port does nothing. A test's port counts the calls, writes down their order, answers with an error in
place of the effect, or ends the process before or after call n.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from controller.model import Target
    from controller.stores.base import Delete, Put, Store, StoreError

Call = Literal[
    "store.put", "store.delete", "memory.put", "memory.mark", "memory.delete", "state.commit",
    "audit.append", "audit.sync", "audit.rotate",
    "files.write", "files.sync", "files.link", "files.rename", "files.remove", "change.run",
]  # fmt: skip


class Effects:
    """The port. Override `around`; whatever it raises takes the place of the effect's result."""

    @contextlib.contextmanager
    def around(self, call: Call, what: str) -> Iterator[None]:
        """Entered just before an effect, left just after it. `what` says which: a store, a target, a purpose."""
        del call, what
        yield

    async def put(self, store: Store, batch: Sequence[Put]) -> Mapping[Target, str | StoreError]:
        """Write a batch to a store."""
        with self.around("store.put", store.uid):
            return await store.put(batch)

    async def delete(self, store: Store, batch: Sequence[Delete]) -> Mapping[Target, StoreError | None]:
        """Delete a batch from a store."""
        with self.around("store.delete", store.uid):
            return await store.delete(batch)
