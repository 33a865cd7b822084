"""The operator's command that is told what changed (DESIGN section 11, `--on-change`). Names only, as JSON on stdin.

It runs once after a run that changed something. What it is to be told stands in the state before it runs, and until it
ends well: after a failure or a kill it is told again, together with what changed since.
"""

from __future__ import annotations

import json
import os
import shlex
import subprocess
from typing import TYPE_CHECKING, Any

from controller.outcome import of_intent
from sealer import files
from sealer.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from controller.effects import Effects
    from controller.look import Job
    from controller.recover import Settled
    from controller.report import Change
    from controller.state import State
    from controller.trail import Trail

TIMEOUT = 300.0
"""Seconds."""
_ACTIONS = {"create": "created", "update": "updated", "delete": "deleted", "withdraw": "withdrawn"}
_NOT_PASSED_ON = ("SEALER_PASSPHRASE_FILE", "SEALER_PRIVATE_KEY", "SEALER_PRIVATE_KEY_FILE")


def words(command: str) -> tuple[str, ...]:
    """A command line as the words of a program and its arguments; no shell ever sees it."""
    try:
        found = tuple(shlex.split(command))
    except ValueError as error:
        raise UsageError(f"can't be split into words: {error}", where="--on-change") from None
    if not found:
        raise UsageError("names no command", where="--on-change")
    return found


def key(source: str) -> str:
    """The entry of `meta` that holds what is still to be told of a source."""
    return f"on_change:{source}"


def gathered(before: str, changes: Iterable[Change]) -> str:
    """What is to be told: what was not told before, and what changed now; the newest of each name and store."""
    newest: dict[tuple[str, str, str], tuple[str, str | None]] = {}
    for each in [*(json.loads(before) if before else []), *_told(changes)]:
        for place in each["stores"]:
            at = (each["namespace"], each["name"], place["store"])
            newest.pop(at, None)
            newest[at] = (each["action"], place["version"])
    told: dict[tuple[str, str, str], dict[str, Any]] = {}
    for (namespace, name, store), (action, version) in newest.items():
        new = {"action": action, "namespace": namespace, "name": name, "stores": []}
        told.setdefault((namespace, name, action), new)["stores"].append({"store": store, "version": version})
    return json.dumps(list(told.values()), separators=(",", ":")) if told else ""


def interrupted(
    meta: Mapping[str, str], done: Iterable[Settled], label: Callable[[str], str], deaf: str
) -> dict[str, str]:
    """Entries of `meta`: what earlier runs did and could not say, by the source that each was for; `deaf` asks no more.

    They belong into the transaction that records what was done: the run that does so may end before any other.
    """
    changes: dict[str, list[Change]] = {}
    for each in done:
        if each[0].source != deaf:
            changes.setdefault(each[0].source, []).append(of_intent(each, label))
    return {key(source): gathered(meta.get(key(source), ""), mine) for source, mine in changes.items()}


def tell(job: Job, state: State, effects: Effects, trail: Trail) -> str:
    """Run the command if there is something to be told; what went wrong, or nothing."""
    waiting = state.meta().get(key(job.location.source), "")
    if not waiting or not job.on_change:
        return ""
    revision = trail.revision
    event = {
        "version": 1,
        "cluster": job.settings.cluster,
        "source": job.location.source,
        "revision": revision,
        "changes": json.loads(waiting),
    }
    with effects.around("change.run", job.on_change[0]):
        wrong = _run(job.on_change, json.dumps(event) + "\n")
    trail.end((), [trail.run("change", "failed" if wrong else "done", wrong)])
    if wrong:
        return wrong
    with state.begin("on-change") as transaction:
        transaction.put_meta(**{key(job.location.source): ""})
    return ""


def _told(changes: Iterable[Change]) -> list[dict[str, Any]]:
    found = []
    for each in changes:
        if each.op in _ACTIONS:
            namespace, _, name = each.name.partition("/")
            stores = [{"store": label, "version": version} for label, version in each.stores]
            found.append({"action": _ACTIONS[each.op], "namespace": namespace, "name": name, "stores": stores})
    return found


def _run(command: tuple[str, ...], text: str) -> str:
    passed = {name: value for name, value in os.environ.items() if name not in _NOT_PASSED_ON}
    try:
        done = subprocess.run(command, input=text.encode(), env=passed, timeout=TIMEOUT, check=False)
    except subprocess.TimeoutExpired:
        return f"did not end within {TIMEOUT:.0f} s"
    except OSError as error:
        return f"can't be run: {files.reason(error)}"
    if done.returncode < 0:
        return f"was ended by signal {-done.returncode}"
    return f"ended with {done.returncode}" if done.returncode else ""
