"""What goes wrong again and again is told once a minute, and whenever it is something else."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from controller.kube import names
from sealer.kube.errors import ApiError

if TYPE_CHECKING:
    from collections.abc import Callable

    from sealer.errors import SealerError

_AGAIN = 60.0
"""Seconds."""
_FORBIDDEN, _NOT_FOUND = 403, 404
_NO_TYPE = "sealer-controller manifests --crd-only | kubectl apply --server-side -f -"


class Troubles:
    """Errors by the path that gave them; `log(level, event, fields)`."""

    def __init__(self, log: Callable[..., None], clock: Callable[[], float] = time.monotonic) -> None:
        self._log, self._clock = log, clock
        self._last: dict[str, tuple[str, float]] = {}

    def tell(self, path: str, error: SealerError) -> None:
        """Log it, unless that was done just now."""
        what, at = self._last.get(path, ("", 0.0))
        now = self._clock()
        if what == error.what and now - at < _AGAIN:
            return
        self._last[path] = error.what, now
        way_out = error.way_out or _missing(path, error)
        more = {"try": way_out} if way_out else {}
        self._log("warning", "refused", path=path, reason=error.what, **more)


def forbidden(error: ApiError) -> str:
    """What to look at after a 403, which not only a missing right is answered with; empty for others."""
    if error.status != _FORBIDDEN:
        return ""
    return f"may the controller's account do it ({error.way_out} --as ACCOUNT)? Else a quota or a webhook forbids it"


def _missing(path: str, error: SealerError) -> str:
    """What to make where something isn't there that must be: the type, or one's own namespace; empty for all else."""
    if not isinstance(error, ApiError) or error.status != _NOT_FOUND:
        return ""
    if path.startswith(f"/apis/{names.GROUP}/"):
        return _NO_TYPE
    _, _, rest = path.partition("/namespaces/")
    namespace = rest.partition("/")[0]
    return f"kubectl create namespace {namespace}, or another --namespace" if namespace else ""
