"""What becomes of a request to an API server that doesn't succeed: no answer, a refusal, too long an answer. Pure.

What is sent or answered is in no message: a Status may quote what it refuses. Only its reason and the fields that it
names are told.
"""

from __future__ import annotations

from typing import Any

from sealer.errors import SealerError, SourceError
from sealer.kube import rights

_MOST_FIELDS = 5
_UNAUTHORIZED, _FORBIDDEN = 401, 403


class Unreachable(SealerError):
    """No answer: no connection, none in time, or one that broke off. Whether anything was done is not known."""


class ApiError(SealerError):
    """An answer that is no success. `status` is HTTP's, `reason` that of the Status (Conflict, Expired, ...).

    `fields`: those of the object that the Status calls wrong, at most five.
    `retry_after`: seconds that the server asks for, at least. `continue_token`: of an expired list, where to go on.
    """

    def __init__(self, status: int, reason: str, *, where: str, fields: tuple[str, ...] = ()) -> None:
        said = f"{status} {reason}" if reason else str(status)
        what = f"the API server answered {said}" + (f" ({', '.join(fields)})" if fields else "")
        asks = {_UNAUTHORIZED: "kubectl auth whoami", _FORBIDDEN: rights.command(where)}
        super().__init__(what, where=where, way_out=asks.get(status, ""))
        self.status = status
        self.reason = reason
        self.fields = fields
        self.retry_after = 0.0
        self.continue_token = ""


class TooLarge(SourceError):
    """An answer of more bytes than somebody wants to read."""


def of_status(said: Any, status: int, where: str, retry_after: str = "") -> ApiError:
    """The error of a Status (meta/v1), from an answer or an ERROR event of a watch."""
    said = said if isinstance(said, dict) else {}
    details = said.get("details") if isinstance(said.get("details"), dict) else {}
    causes = [each for each in details.get("causes") or () if isinstance(each, dict)]
    fields = dict.fromkeys(str(each["field"]) for each in causes if each.get("field"))
    reason = said.get("reason")
    code = said.get("code")
    error = ApiError(
        code if isinstance(code, int) and code else status,
        reason if isinstance(reason, str) else "",
        where=where,
        fields=tuple(fields)[:_MOST_FIELDS],
    )
    seconds = retry_after if retry_after.isdigit() else details.get("retryAfterSeconds", 0)
    error.retry_after = float(seconds or 0)
    metadata = said.get("metadata")
    error.continue_token = str(metadata.get("continue") or "") if isinstance(metadata, dict) else ""
    return error
