"""/v1/verify: whether SealedSecrets open with the keys of this cluster. Pure.

Templates are not even read: rendering them made this an oracle for what is sealed (0.39.0 upstream, #2019). The first
item that doesn't open ends it. So nothing comes out but one bit, and the cost is bounded (`effort`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from controller.kube import legacy
from sealer.errors import Refused
from sealer.sealing.unseal import OF_AN_ITEM, open_item

if TYPE_CHECKING:
    from controller.kube.effort import Effort
    from controller.kube.posted import Posted
    from sealer.sealing.unseal import PrivateKeys

Opening = Callable[[str], "PrivateKeys"]
"""The keys for a document of a namespace."""


def opens(posted: Iterable[Posted], opening: Opening, effort: Effort, *, accept_legacy: bool = True) -> bool:
    """Whether all of them open. One that holds nothing does. Raises TooMuch.

    What the controller would refuse for its form (an item that is no envelope, both fields) doesn't open either.
    """
    return all(_opens(each, effort.bounded(opening(each.namespace)), accept_legacy) for each in posted)


def _opens(posted: Posted, keys: PrivateKeys, accept_legacy: bool) -> bool:
    try:
        legacy.check(posted, accept_legacy)
    except Refused:
        return False
    try:
        if posted.legacy is not None:
            legacy.unpack(posted.legacy, posted.binding, keys)
        for item in sorted(posted.items):
            open_item(posted.items[item], posted.binding, item, keys)
    except OF_AN_ITEM:
        return False
    return True
