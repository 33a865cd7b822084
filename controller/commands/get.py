"""`sealer-controller get NAMESPACE/NAME [ITEM]`: a secret out of the local store (DESIGN section 11).

The one command that prints what was delivered. It takes no lock and writes nothing; its audit record, one line before
anything is printed, comes with the audit log.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from controller import loop, settings
from sealer import console
from sealer.documents import render
from sealer.emit import refuse_format
from sealer.errors import Refused, UsageError
from sealer.files import write_atomic
from sealer.formats.binding import check_name, check_namespace
from sealer.secret import Ref

if TYPE_CHECKING:
    from controller.settings import Options, Settings
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
    secret = _read(settings.resolve(options), ref)
    data = _item(secret, ref, item) if item is not None else render.stream([render.secret_body(secret)], format or "")
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


def _read(found: Settings, ref: Ref) -> Secret:
    from controller.state import State
    from controller.stores.base import Conflict
    from controller.stores.local import LocalStore

    keys = found.ring.state_keys if found.ring else tuple
    with State.open(found.state, create=False, read_only=True) as state:
        store = LocalStore(state, keys, lambda: 0)
        try:
            return loop.run(store.read(store.target(ref)))
        except Conflict:
            raise Refused(
                f"the local store of cluster {found.cluster} holds no such secret",
                where=str(ref),
                way_out="sealer-controller status",
            ) from None


def _item(secret: Secret, ref: Ref, item: str) -> bytes:
    if item not in secret.items:
        held = ", ".join(sorted(secret.items)) or "none"
        raise Refused("has no such item", where=str(ref), way_out=f"it has: {held}")
    return secret.items[item]
