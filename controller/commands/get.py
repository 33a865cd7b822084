"""`sealer-controller get NAMESPACE/NAME [ITEM]`: a secret out of the local store (DESIGN section 11).

The one command that prints what was delivered. It takes no lock of the state. One record in the audit log, not a pair,
stands there before anything is printed; where it can't be written, nothing is.
"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from controller import loop, settings
from controller.audit.log import Head, Log
from controller.audit.operation import failure, now
from controller.audit.record import Entry
from sealer import console
from sealer.documents import render
from sealer.emit import refuse_format
from sealer.errors import Refused, SealerError, UsageError
from sealer.files import write_atomic
from sealer.formats.binding import check_name, check_namespace
from sealer.secret import Ref

if TYPE_CHECKING:
    from collections.abc import Iterator

    from controller.settings import Options, Settings
    from controller.state import State
    from sealer.secret import Secret


def run(
    name: str,
    item: str | None,
    options: Options,
    *,
    format: str | None = None,  # noqa: A002  # the option's name
    output: str | None = None,
) -> int:
    """Print a Secret manifest, or the bytes of one item alone."""
    refuse_format(output)
    if item is not None and format is not None:
        raise UsageError("--format is about a manifest, and ITEM asks for bytes", way_out="leave one of them out")
    ref = _ref(name)
    found = settings.resolve(options)
    with _opened(found) as (state, log):
        try:
            secret = _read(found, state, ref)
            data = _item(secret, ref, item) if item is not None else _manifest(secret, format)
        except SealerError as error:
            log.append([Entry("event", "get", str(ref), outcome=failure(error), reason=error.what)])
            raise
        log.append([Entry("event", "get", str(ref), outcome="done", reason=f"item {item}" if item else "")])
    if output is None:
        console.out_bytes(data)
    else:
        write_atomic(output, data, mode=0o600)
    return console.OK


def _ref(text: str) -> Ref:
    namespace, slash, name = text.partition("/")
    if not slash:
        raise UsageError("is not NAMESPACE/NAME", where="NAMESPACE/NAME", way_out="sealer-controller status")
    return Ref(check_namespace(namespace), check_name(name))


@contextlib.contextmanager
def _opened(found: Settings) -> Iterator[tuple[State, Log]]:
    """The state, and the audit log that it vouches for."""
    from controller.state import State

    with State.open(found.state, create=False, read_only=True) as state:
        log = Log.open(found.state, now=now)
        known = state.meta().get("audit_head")
        log.check(Head.load(known) if known else None)
        yield state, log


def _read(found: Settings, state: State, ref: Ref) -> Secret:
    from controller.stores.base import Conflict
    from controller.stores.local import LocalStore

    keys = found.ring.state_keys if found.ring else tuple
    store = LocalStore(state, keys, lambda: 0)
    try:
        return loop.run(store.read(store.target(ref)))
    except Conflict:
        raise Refused(
            f"the local store of cluster {found.cluster} holds no such secret",
            where=str(ref),
            way_out="sealer-controller status",
        ) from None


def _manifest(secret: Secret, form: str | None) -> bytes:
    return render.stream([render.secret_body(secret)], form or "")


def _item(secret: Secret, ref: Ref, item: str) -> bytes:
    if item not in secret.items:
        held = ", ".join(sorted(secret.items)) or "none"
        raise Refused("has no such item", where=str(ref), way_out=f"it has: {held}")
    return secret.items[item]
