"""What a run came to, for the log, the metrics and the schedule. Pure. Names, counts and reasons only."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from controller import reason
from controller.report import SHORT

if TYPE_CHECKING:
    from controller.report import Change, Report
    from controller.running.schedule import End
    from sealer.errors import SealerError

Result = Literal["unchanged", "changed", "incomplete", "failed", "stopped"]

RESULTS: tuple[Result, ...] = ("unchanged", "changed", "incomplete", "failed", "stopped")
ACTIONS = {
    "create": "created", "update": "updated", "delete": "deleted", "withdraw": "withdrawn", "gone": "kept",
    "fail": "failed",
}  # fmt: skip
NAMED = 20
"""Changes that a record names; `status` and the audit log have all."""

# Other than these is of the document or the source, and stays as it is until one of them changes.
_MAY_PASS = (reason.STORE, reason.UNAVAILABLE)


def result(report: Report) -> Result:
    """The one word of a run."""
    if report.stopped:
        return "stopped"
    if not report.ok:
        return "incomplete"
    return "changed" if report.changed else "unchanged"


def end(report: Report) -> End:
    """Whether it helps to try again though nothing changes: a store may be back, the operator's command may work."""
    return "again" if report.hook or any(_may_pass(each) for each in report.changes) else "done"


def fields(report: Report) -> dict[str, Any]:
    """The fields of a record."""
    changes = report.sorted
    failed_first = [*(each for each in changes if each.op == "fail"), *(each for each in changes if each.op != "fail")]
    return {
        "result": result(report),
        "revision": report.revision.removesuffix("-dirty")[:SHORT] if report.revision else "",
        "counts": {
            **{word: report.count(op) for op, word in ACTIONS.items()},  # type: ignore[arg-type]
            "unchanged": report.unchanged,
            "others": report.others,
        },
        "changes": [_change(each) for each in failed_first[:NAMED]],
        "more": max(0, len(changes) - NAMED) or None,
        "refusal": report.refusal,
        "hook": report.hook,
        "seconds": round(report.seconds, 3),
    }


def of_error(error: SealerError) -> dict[str, Any]:
    """The fields of a record of a run that failed as a whole."""
    return {"error": error.what, "where": error.where, "wayOut": error.way_out}


def of_defect(error: Exception) -> dict[str, Any]:
    """The same for what should not happen. Without the exception's text: it could quote a value."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    place = f"{trace.tb_frame.f_globals.get('__name__', '')}:{trace.tb_lineno}" if trace else "unknown place"
    return {
        "error": f"a defect of this program: {type(error).__name__} in {place}",
        "wayOut": "please report this line",
    }


def _change(change: Change) -> dict[str, str]:
    found = {"action": ACTIONS[change.op], "name": change.name}
    if change.why:
        found["reason"] = reason.short(change.why)
    return found


def _may_pass(change: Change) -> bool:
    return bool(change.why) and any(cause.code in _MAY_PASS for cause in reason.load(change.why))
