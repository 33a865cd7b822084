"""`sealer-controller audit verify | query | restart` (DESIGN section 11)."""

from __future__ import annotations

import contextlib
import json
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

from controller.audit import folder, read
from controller.audit import query as queries
from controller.audit.folder import FOLDER
from controller.audit.log import MAX_BYTES, Head, Log
from controller.audit.operation import now
from controller.audit.record import Verb
from controller.audit.verify import Report, verify
from controller.effects import Effects
from controller.settings import STATE_VARIABLE, require_extra, state_directory
from sealer.console import NO, OK, line, note, out, printable, warn
from sealer.errors import FormatError, Refused, SealerError, UsageError
from sealer.keyrings import keyring
from sealer.report import count, table, wrapped
from sealer.shell import quote

if TYPE_CHECKING:
    from collections.abc import Mapping

    from controller.audit.record import Record
    from controller.audit.verify import Place

_HEADINGS = ("TIME", "VERB", "OUTCOME", "SECRET", "STORE")
VERBS: tuple[str, ...] = get_args(Verb)
_SHOWN = 20  # open intents: a run that goes on has up to 512 of them


def run_verify(directory: Path, *, format_: str) -> int:
    """Check the whole chain, and that it reaches as far as the state knows."""
    log = _lost(directory) or read.place(directory)
    head = _head(log)
    found = verify(read.content(log), head)
    if format_ == "json":
        out(_json(_verify_json(found, log, head)))
    else:
        _say(found, log, head)
    return NO if found.problems else OK


def run_query(
    directory: Path,
    *,
    ref: str | None,
    verbs: list[str],
    outcome: str | None,
    since: str | None,
    until: str | None,
    source: str | None,
    limit: int | None,
    format_: str,
) -> int:
    """Print the records that pass every filter."""
    clock = datetime.now(UTC)
    if unknown := [each for each in verbs if each not in VERBS]:
        raise UsageError(f"no such verb: {line(unknown[0])}", where="--verb", way_out=f"one of {', '.join(VERBS)}")
    wanted = queries.Wanted(
        ref or "",
        frozenset(verbs),
        outcome or "",
        queries.moment(since, clock, option="--since") if since else "",
        queries.moment(until, clock, option="--until", end=True) if until else "",
        source or "",
    )
    log = read.place(directory)
    found = queries.select((line for file in read.content(log) for line in file.lines), wanted, limit)
    if format_ == "json":
        out(_json({"version": 1, "log": str(log), "records": [each.as_json() for each in found.records]}))
    elif format_ == "jsonl":
        for record in found.records:
            out(_json(record.as_json(), indent=None))
    else:
        _show(found.records, _labels(log))
    if found.unreadable:
        warn(f"{count(found.unreadable, 'line')} can't be read", way_out="sealer-controller audit verify")
    return OK


def run_restart(directory: Path, *, reason: str) -> int:
    """Go on behind a log that was damaged: recorded in it, and accepted by the state."""
    if not reason.strip():
        raise UsageError("says nothing", where="--reason")
    if folder.names(directory / FOLDER) and not (directory / "state.db").is_file():
        return _restarted_alone(directory, reason)
    require_extra()
    from controller.state import State

    with State.open(directory, create=False) as state:
        meta = state.meta()
        lost = _loaded(meta.get("audit_head"))
        # Not Log.open: that refuses a log whose end is damaged.
        log = Log.unchecked(directory, now=now, effects=Effects(), max_bytes=MAX_BYTES)
        if lost is not None and _is_whole(directory, lost, int(meta.get("audit_since", "1"))):
            raise Refused("the log holds all that the state knows, and goes on as it is", where=str(log.directory))
        head = log.restart(reason, lost, max((each.audit for each in state.intents()), default=0))
        with state.begin("audit restart") as transaction:
            transaction.put_meta(audit_head=head.dump(), audit_since=str(head.sequence + 1))
    return _restarted(log, head)


def _restarted_alone(directory: Path, reason: str) -> int:
    """Go on behind a log that no state vouches for, as `run kubernetes` writes it; it may be running."""
    log = Log.unchecked(directory, now=now)
    try:
        log.prepare()
    except Refused:
        return _restarted(log, log.restart(reason, None))
    raise Refused("the log's end is whole, and goes on as it is", where=str(log.directory))


def _restarted(log: Log, head: Head) -> int:
    out(f"restarted the audit log with record {head.sequence}  {log.directory / head.file}")
    note("what stands before it stays, and `audit verify` goes on to name what is wrong there")
    return OK


def place(state: Path | None, cluster: str | None, ring: Path | None) -> Path:
    """The state directory that is meant, by the options that every command takes."""
    if state is not None or os.environ.get(STATE_VARIABLE):
        return state_directory(state, "")
    return state_directory(state, keyring.read_record(keyring.find(cluster, ring)).cluster)


def _is_whole(directory: Path, head: Head, since: int) -> bool:
    with contextlib.suppress(Refused):
        log = Log.open(directory, now=now)
        log.check(head)
        log.scan(since)
        return True
    return False


def _lost(directory: Path) -> Path | None:
    """The log's folder, if it holds nothing, and a state beside it knows that it should: a finding, not an error."""
    log = directory if directory.name == FOLDER else directory / FOLDER
    return None if folder.names(log) or _head(log) is None else log


def _goes_on(log: Path, head: Head | None, found: Report) -> bool:
    """Whether a state takes its log as it is, so that `restart` has nothing to do. Writes nothing."""
    if head is None or found.files == 0:
        return False
    with contextlib.suppress(Refused, FormatError):
        end = folder.tail(log)
        reader = Log.unchecked(log.parent, now=now)
        reader.check(head)
        reader.scan(_since(log.parent))
        return end.sequence >= head.sequence
    return False


def _loaded(text: str | None) -> Head | None:
    if not text:
        return None
    with contextlib.suppress(FormatError):
        return Head.load(text)
    return None


def _head(log: Path) -> Head | None:
    """What the state beside a log vouches for; None where there is no state."""
    directory = log.parent
    if log.name != FOLDER or not (directory / "state.db").is_file():
        return None
    known = _meta(directory).get("audit_head")
    return Head.load(known) if known else None


def _since(directory: Path) -> int:
    return int(_meta(directory).get("audit_since", "1"))


def _meta(directory: Path) -> dict[str, str]:
    require_extra()
    from controller.state import State

    with State.open(directory, read_only=True) as state:
        return state.meta()


def _labels(log: Path) -> dict[str, str]:
    """What the state beside a log calls its stores; of a copy, or where a state can't be read, nothing is known."""
    directory = log.parent
    if log.name != FOLDER or not (directory / "state.db").is_file():
        return {}
    with contextlib.suppress(SealerError):
        require_extra()
        from controller.state import State

        with State.open(directory, read_only=True) as state:
            return {each.uid: each.label for each in state.stores()}
    return {}


# Text


def _say(found: Report, log: Path, head: Head | None) -> None:
    for each in found.problems:
        out(f"{log / each.where}")
        for each_line in wrapped(f"{each.kind}: {each.what}"):
            out(each_line)
    for place_ in found.restarts:
        out(f"{log / place_.where}")
        for each_line in wrapped(f"restarted {place_.record.time}: {_line(place_.record.entry.reason)}"):
            out(each_line)
    for place_ in found.open[:_SHOWN]:
        out(f"{log / place_.where}")
        for each_line in wrapped(f"open: {_about(place_)}; still going on, or killed"):
            out(each_line)
    if len(found.open) > _SHOWN:
        out(f"{count(len(found.open) - _SHOWN, 'more open intent')}")
    last = f", the last of {found.last.time}" if found.last else ""
    whole = f"{count(found.records, 'record')} in {count(found.files, 'file')}{last}"
    if found.problems:
        out(f"{count(len(found.problems), 'problem')}; {whole}")
        if _goes_on(log, head, found):
            note("the state goes on behind it as it is: keep a copy, and compare it with one from elsewhere")
        else:
            state = _state_option(log)
            note(f"way out: keep a copy of it; sealer-controller audit restart{state} --reason TEXT goes on behind it")
        return
    out(f"whole: {whole}")
    if head is None:
        note("checked by itself: without a state nothing says whether its end is missing")
    elif found.beyond:
        note(f"{count(found.beyond, 'record')} after what the state vouches for: get, key operations, or a killed run")


def _state_option(log: Path) -> str:
    """The option that names the state of a log, for a command to paste."""
    return f" --state {quote(str(log.parent))}" if log.name == FOLDER else ""


def _about(place_: Place) -> str:
    said = place_.record.entry
    return " ".join(_line(each) for each in ("intent to", said.verb, said.ref, said.store) if each)


def _show(records: list[Record], labels: Mapping[str, str]) -> None:
    if not records:
        out("no such record")
        return
    rows = [_HEADINGS, *(_row(each, labels) for each in records)]
    notes = [(), *(_notes(each) for each in records)]
    for lines, more in zip(table(rows), notes, strict=True):
        for each_line in lines:
            out(each_line)
        for text in more:
            for each_line in wrapped(text):
                out(each_line)


def _row(record: Record, labels: Mapping[str, str]) -> tuple[str, ...]:
    said = record.entry
    store = _line(labels.get(said.store, said.store))
    return (f"{record.time[:19]}Z", said.verb, said.outcome or "begun", _line(said.ref) or "-", store)


def _notes(record: Record) -> list[str]:
    """What goes below: why, from where, and by whom, as far as there is something to say."""
    said = record.entry
    source = f"from {said.source}{f' at {said.revision[:12]}' if said.revision else ''}, " if said.source else ""
    by = [f"uid {record.who['uid']} on {record.node}"]
    by += [f"{name}={text}" for name, text in sorted(record.who["ci"].items())]
    if said.phase == "intent":
        return []
    return [_line(each) for each in (said.reason, f"{source}by {', '.join(by)}") if each]


def _line(text: str) -> str:
    """On one line, whatever a stranger's name holds."""
    return printable(line(text).replace("\t", "\\t").replace("\x1b", "\\x1b"))


# JSON


def _verify_json(found: Report, log: Path, head: Head | None) -> dict[str, Any]:
    return {
        "version": 1,
        "log": str(log),
        "whole": not found.problems,
        "files": found.files,
        "records": found.records,
        "last": {"sequence": found.last.sequence, "time": found.last.time} if found.last else None,
        "state": None if head is None else {"sequence": head.sequence, "hash": head.hash, "beyond": found.beyond},
        "problems": [{"kind": e.kind, "file": e.file, "line": e.line, "what": e.what} for e in found.problems],
        "open": [_place_json(each) for each in found.open],
        "restarts": [_place_json(each) for each in found.restarts],
    }


def _place_json(each: Place) -> dict[str, Any]:
    return {"file": each.file, "line": each.line, "record": each.record.as_json()}


def _json(value: Any, indent: int | None = 2) -> str:
    separators = (",", ":") if indent is None else None
    return json.dumps(value, sort_keys=True, indent=indent, separators=separators).replace("\x7f", "\\u007f")
