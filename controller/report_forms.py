"""What `apply` says, for machines and for pull requests: JSON (`schemas/{plan,apply}.v1.json`) and markdown. Pure."""

from __future__ import annotations

import json
from typing import Any

from controller import reason
from controller.report import (
    DONE,
    ORDER,
    Change,
    Report,
    caveats,
    fitted,
    heading,
    remarks,
    result,
    summary,
)
from sealer.checking.lint_report import cell


def as_json(report: Report) -> str:
    """The same for machines."""
    commit = report.revision.removesuffix("-dirty")
    value: dict[str, Any] = {
        "version": 1,
        "cluster": report.cluster,
        "source": {
            "id": report.source,
            "path": report.shown,
            "commit": commit,
            "dirty": report.revision != commit,
        },
        "key": report.key,
        "changes": [_change(each, report) for each in report.sorted],
        "counts": {
            "create" if report.dry_run else "created": report.count("create"),
            "update" if report.dry_run else "updated": report.count("update"),
            "delete" if report.dry_run else "deleted": report.count("delete"),
            "withdraw" if report.dry_run else "withdrawn": report.count("withdraw"),
            "gone": report.count("gone"),
            "failed": report.count("fail"),
            "unchanged": report.unchanged,
            "others": report.others,
        },
    }
    value["remarks"] = [{"message": said, "wayOut": way_out} for said, way_out in remarks(report)]
    if report.dry_run:
        value |= {"opened": report.opened, "remembered": report.remembered}
    else:
        value["seconds"] = round(report.seconds * 1000) / 1000
    return json.dumps(value, indent=2) + "\n"


def _change(change: Change, report: Report) -> dict[str, Any]:
    words = _SIGN_WORDS if report.dry_run else _DONE_WORDS
    namespace, _, name = change.name.partition("/") if change.name != change.path else ("", "", "")
    causes = zip(
        reason.load(change.why), reason.explain(change.why, change.name, change.path, report.cluster), strict=True
    )
    return {
        "action": words[change.op],
        "namespace": namespace or None,
        "name": name or None,
        "path": change.path,
        "line": change.line,
        "stores": [{"store": label, "version": version} for label, version in change.stores],
        "items": list(change.items),
        "note": change.note,
        "reasons": [
            {"code": cause.code, "items": list(cause.items), "message": said, "wayOut": way_out}
            for cause, (said, way_out) in causes
        ],
    }


_SIGN_WORDS = {**{op: op for op in ORDER}, "gone": "keep"}
_DONE_WORDS = {**DONE, "fail": "failed"}


def markdown(report: Report) -> str:
    """The same as a comment on a pull request."""
    title = "Plan for" if report.dry_run else "Applied to"
    lines = [f"**{title} {cell(heading(report))}:** {cell(summary(report))}", ""]
    lines += [f"> {cell(said)}" for said in caveats(report)]
    lines += [""] if caveats(report) else []
    changes = report.sorted
    shown = [each for each in changes if each.op != "fail"]
    if shown:
        last = "items" if report.dry_run else "result"
        lines += [f"| | secret | store | {last} |", "|---|---|---|---|"]
    for each in shown:
        labels = ", ".join(label for label, _ in each.stores)
        said = fitted(each, 400) if report.dry_run else result(each)
        word = (_SIGN_WORDS if report.dry_run else _DONE_WORDS)[each.op]
        lines.append(f"| {word} | {cell(each.name)} | {cell(labels)} | {cell(said)} |")
    failed = [each for each in changes if each.op == "fail"]
    if failed:
        lines += [""] if shown else []
        lines += ["| failed | where | why | way out |", "|---|---|---|---|"]
    for each in failed:
        explained = reason.explain(each.why, each.name, each.path, report.cluster)
        why = "<br>".join(cell(said) for said, _ in explained)
        ways = "<br>".join(cell(way_out) for _, way_out in explained if way_out)
        lines.append(f"| {cell(each.name)} | {cell(each.where)} | {why} | {ways} |")
    for said, way_out in remarks(report):
        lines += ["", f"> **{cell(said)}** ({cell(way_out)})"]
    if report.dry_run:
        lines += ["", "Dry run: nothing written."]
    return "\n".join(lines) + "\n"
