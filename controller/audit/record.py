"""One record of the audit log, as the line that it is on disk, both ways. Pure.

A line is canonical JSON, and names the SHA-256 of the line before it. It is put together by hand, which is five times
as fast as sorting a dictionary each time; a test holds it against `canonical_json`. A reader encodes what it has read
again and compares, so that one record has one text.
"""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, get_args

from sealer.errors import FormatError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from controller.audit.actor import Actor

VERSION = 1
ZEROS = "0" * 64
MAX_LINE = 128 * 1024
"""Longest line, in bytes. The longest that the limits below allow is shorter."""

Phase = Literal["intent", "outcome", "event"]
KeyVerb = Literal["init", "generate", "import", "retire", "compromise", "bundle", "backup", "restore"]
Verb = Literal[
    "open", "read", "put", "delete", "withdraw", "refuse", "get", "change", "rotate-state", "cut", "restart", KeyVerb,
]  # fmt: skip
Outcome = Literal["done", "unchanged", "failed", "refused", "abandoned", "recovered", "unknown"]

KEY_VERBS = frozenset(get_args(KeyVerb))
"""What is done to a keyring, by whoever holds its lock: the state's holder can't know whether it is still going on."""

_PHASES, _VERBS, _OUTCOMES = (frozenset(get_args(each)) for each in (Phase, Verb, Outcome))
_MEMBERS = frozenset((
    "actor", "intent", "node", "outcome", "phase", "prev", "reason", "ref", "revision", "sequence", "source", "store",
    "time", "verb", "version",
))  # fmt: skip
MAX_REASON, MAX_REF = 500, 320
"""Characters: what is longer is cut."""
_TEXTS = {"node": 253, "reason": MAX_REASON, "ref": MAX_REF, "revision": 200, "source": 4096, "store": 64}
_MAX_INTEGER = 2**53 - 1
_HASH = re.compile(r"[0-9a-f]{64}", re.ASCII)
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", re.ASCII)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_quote = json.encoder.encode_basestring_ascii
_encoder = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=True)
"""As `canonical_json`, of values whose members are known to be strings, integers and objects of them."""


class Entry(NamedTuple):
    """What a caller says; the log adds version, sequence, time, node, actor and the hash of the line before.

    A tuple, since each document makes several: to set the fields of a frozen dataclass takes five times as long.
    `store` is a uid. `reason` is a few words, never a value. `intent`: of an outcome, the sequence of the intent that
    it closes.
    """

    phase: Phase
    verb: Verb
    ref: str = ""
    source: str = ""
    revision: str = ""
    store: str = ""
    outcome: Outcome | Literal[""] = ""
    reason: str = ""
    intent: int = 0


@dataclass(frozen=True, slots=True)
class Record:
    """One line, read. `who` is the actor as it stands there: a uid and the CI's own variables."""

    sequence: int
    time: str
    node: str
    who: dict[str, Any]
    entry: Entry
    prev: str

    def as_json(self) -> dict[str, Any]:
        """All members, as on disk."""
        said = self.entry
        return {
            "version": VERSION,
            "sequence": self.sequence,
            "time": self.time,
            "node": self.node,
            "actor": self.who,
            "phase": said.phase,
            "verb": said.verb,
            "ref": said.ref,
            "source": said.source,
            "revision": said.revision,
            "store": said.store,
            "outcome": said.outcome,
            "reason": said.reason,
            "intent": said.intent,
            "prev": self.prev,
        }


def digest(line: bytes) -> str:
    """The hash that the next line names: of a line without its LF."""
    return hashlib.sha256(line).hexdigest()


def chain(entries: Sequence[Entry], actor: Actor, *, time: str, after: int, prev: str) -> tuple[list[bytes], list[str]]:
    """The lines of entries, without LF, and their hashes; the first follows the line of sequence `after`, hash `prev`.

    Text that is too long is cut. ValueError for an entry that could not be read back.
    """
    lines: list[bytes] = []
    hashes: list[str] = []
    for number, entry in enumerate(entries, after + 1):
        line = encode(entry, actor, sequence=number, time=time, prev=prev)
        prev = hashlib.sha256(line).hexdigest()
        lines.append(line)
        hashes.append(prev)
    return lines, hashes


def encode(entry: Entry, actor: Actor, *, sequence: int, time: str, prev: str) -> bytes:
    """The line of one entry, without LF."""
    if _refused(entry):
        raise ValueError(f"no {entry.phase} of the audit log: {entry.verb} {entry.outcome}")
    reason, ref, source = entry.reason, entry.ref, entry.source
    if len(reason) > 500 or len(ref) > 320 or len(source) > 4096 or len(entry.revision) > 200 or len(entry.store) > 64:
        reason, ref, source = (cut(text, _TEXTS[name]) for name, text in _free(entry))
    return (
        f'{{"actor":{actor.json},"intent":{entry.intent},"node":{actor.node_json},"outcome":"{entry.outcome}",'
        f'"phase":"{entry.phase}","prev":"{prev}","reason":{_quote(reason)},"ref":{_quote(ref)},'
        f'"revision":{_quote(entry.revision[:200])},"sequence":{sequence},"source":{_quote(source)},'
        f'"store":{_quote(entry.store[:64])},"time":"{time}","verb":"{entry.verb}","version":1}}'
    ).encode("ascii")


def parse(line: bytes) -> Record:
    """The record of a line without LF. FormatError for whatever `encode` doesn't write; nothing is quoted."""
    try:
        value = json.loads(line.decode("ascii"))
    except (ValueError, RecursionError):
        raise FormatError("is not JSON in ASCII") from None
    if not isinstance(value, dict) or value.keys() != _MEMBERS:
        raise FormatError("is no record: a member is missing or unknown")
    if value["version"] != VERSION:
        raise FormatError("is of a version that is unknown to this program")
    if wrong := _wrong(value):
        raise FormatError(f"is no record: {wrong} is not of the form that the format asks for")
    entry = Entry(
        value["phase"], value["verb"], value["ref"], value["source"], value["revision"], value["store"],
        value["outcome"], value["reason"], value["intent"],
    )  # fmt: skip
    if _refused(entry):
        raise FormatError("is no record: phase, outcome and intent don't go together")
    if _encoder.encode(value).encode("ascii") != line:  # nor has it a member twice, or a float
        raise FormatError("is not canonical JSON")
    return Record(value["sequence"], value["time"], value["node"], value["actor"], entry, value["prev"])


def stamp(milliseconds: int) -> str:
    """`YYYY-MM-DDThh:mm:ss.mmmZ` of milliseconds since 1970."""
    moment = _EPOCH + timedelta(milliseconds=milliseconds)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{milliseconds % 1000:03d}Z"


def cut(text: str, limit: int) -> str:
    """`text` in at most `limit` characters."""
    return text if len(text) <= limit else text[: limit - 1] + "…"


def _free(entry: Entry) -> tuple[tuple[str, str], ...]:
    return ("reason", entry.reason), ("ref", entry.ref), ("source", entry.source)


def _refused(entry: Entry) -> bool:
    """An intent has no outcome yet; an outcome closes an intent; an event stands alone."""
    if entry.phase == "intent":
        return entry.outcome != "" or entry.intent != 0 or entry.verb not in _VERBS
    closes = entry.intent > 0 if entry.phase == "outcome" else entry.intent == 0 and entry.phase == "event"
    return not closes or entry.outcome not in _OUTCOMES or entry.verb not in _VERBS


def _wrong(value: dict[str, Any]) -> str:
    """The first member that is of another type or form; empty if none is."""
    for name, limit in _TEXTS.items():
        if not isinstance(value[name], str) or len(value[name]) > limit:
            return name
    for name, least in (("sequence", 1), ("intent", 0), ("version", 1)):
        if type(value[name]) is not int or not least <= value[name] <= _MAX_INTEGER:
            return name
    for name, known in (("phase", _PHASES), ("verb", _VERBS), ("outcome", _OUTCOMES | {""})):
        if not isinstance(value[name], str) or value[name] not in known:
            return name
    for name, form in (("prev", _HASH), ("time", _TIME)):
        if not isinstance(value[name], str) or not form.fullmatch(value[name]):
            return name
    return "" if _is_actor(value["actor"]) else "actor"


def _is_actor(value: object) -> bool:
    if not isinstance(value, dict) or value.keys() != {"ci", "uid"}:
        return False
    found, uid = value["ci"], value["uid"]
    if type(uid) is not int or not 0 <= uid <= _MAX_INTEGER or not isinstance(found, dict) or len(found) > 16:
        return False
    return all(len(key) <= 64 and isinstance(text, str) and len(text) <= 200 for key, text in found.items())
