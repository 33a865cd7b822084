"""`trust.json`: whose keys this user accepts, both directions, and the rules about it (FORMATS section 6).

The pin stands outside of Git, else one line in a pull request would read every later secret. `identities` remembers of
each identity its cluster, its highest sequence with a digest of the keys at that sequence, and whether it ever had a
v2 key; `repositories` which identity (or key id, for a bare certificate) each cluster of a repository has.

The rules are pure functions from one `Trust` to the next that raise Untrusted; `load` and `update` are the file.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from sealer import files, paths
from sealer.errors import FormatError, NameRefused, SourceError, Untrusted, UsageError
from sealer.formats.binding import check_cluster
from sealer.formats.strictjson import Members, dumps, loads
from sealer.shell import quote

VARIABLE = "SEALER_TRUST"
PIN = r"SHA256:[A-Za-z0-9+/]{43}|[0-9a-f]{16}"
MAX_TRUST = 16 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Identity:
    """What is remembered of one identity, in every repository."""

    cluster: str
    sequence: int
    keys: str
    v2: bool


@dataclass(frozen=True, slots=True)
class Subject:
    """What keys say about themselves: `pin` is the identity's fingerprint, or the key id of a bare certificate.

    A certificate has sequence 0: it can't be compared with an older one.
    """

    cluster: str
    pin: str
    sequence: int
    keys: str
    v2: bool


@dataclass(frozen=True, slots=True)
class Trust:
    """The whole of `trust.json`."""

    identities: Mapping[str, Identity] = field(default_factory=dict)
    repositories: Mapping[str, Mapping[str, str]] = field(default_factory=dict)


def check(trust: Trust, repository: str, subject: Subject) -> None:
    """Raise Untrusted unless this repository is recorded with these keys for this cluster."""
    recorded = trust.repositories.get(repository, {}).get(subject.cluster)
    if recorded is None:
        what = f"cluster {subject.cluster} ({subject.pin}) was not there when this repository was first used"
        raise _untrusted(what, subject)
    if recorded != subject.pin:
        raise _untrusted(f"the keys of {subject.cluster} are those of {subject.pin}; {recorded} is trusted", subject)
    check_identity(trust, subject)


def check_identity(trust: Trust, subject: Subject) -> None:
    """Raise Untrusted if what is known of an identity, in whatever repository, contradicts these keys."""
    known = trust.identities.get(subject.pin)
    if known is None:
        return
    if known.cluster != subject.cluster:
        what = f"{subject.pin} is known as {known.cluster}, and signs for {subject.cluster} here"
        raise _untrusted(what, subject)
    if subject.sequence < known.sequence:
        what = f"the keys of {subject.cluster} are of sequence {subject.sequence}; {known.sequence} was seen before"
        raise _older(what, subject)
    if subject.sequence == known.sequence and subject.keys != known.keys:
        what = f"the keys of {subject.cluster} are others than those seen before, both of sequence {subject.sequence}"
        raise _older(what, subject)


def lost_v2(trust: Trust, subject: Subject) -> bool:
    """Whether an identity that once had a v2 key shows none now."""
    known = trust.identities.get(subject.pin)
    return known is not None and known.v2 and not subject.v2


def advance(trust: Trust, subject: Subject) -> Trust:
    """Remember the sequence of keys that were checked. That an identity once had a v2 key is never forgotten."""
    if subject.sequence == 0:
        return trust
    identity = Identity(subject.cluster, subject.sequence, subject.keys, subject.v2 or lost_v2(trust, subject))
    return replace(trust, identities={**trust.identities, subject.pin: identity})


def first_use(trust: Trust, repository: str, subjects: Iterable[Subject], *, confirmed: bool = False) -> Trust:
    """Record a repository with the keys of all its clusters. Raises Untrusted if they contradict each other.

    A submodule of a known repository may have come with a pull request: of its keys those count that the outer one
    has, and the first of `subjects` if a person `confirmed` it.
    """
    outer = next((clusters for name, clusters in trust.repositories.items() if repository.startswith(f"{name}/")), None)
    trust = replace(trust, repositories={**trust.repositories, repository: {}})
    for number, subject in enumerate(subjects):
        if outer is not None and outer.get(subject.cluster) != subject.pin and not (confirmed and number == 0):
            if number:
                continue
            what = f"this is a submodule with keys of its own: {subject.cluster} is {subject.pin}"
            raise _untrusted(what, subject)
        check_identity(trust, subject)
        trust = _record(trust, repository, subject)
    return trust


def accept(trust: Trust, repository: str, subject: Subject) -> Trust:
    """Record keys whose fingerprint a person has compared; also an older sequence. Never one identity for two."""
    for cluster, pin in trust.repositories.get(repository, {}).items():
        if pin == subject.pin and cluster != subject.cluster and subject.sequence:
            what = f"{pin} is {cluster} in this repository; one identity can't be {subject.cluster} as well"
            raise Untrusted(what, way_out="ask the operator for the keys of the right controller")
    return _record(trust, repository, subject)


def _record(trust: Trust, repository: str, subject: Subject) -> Trust:
    clusters = {**trust.repositories.get(repository, {}), subject.cluster: subject.pin}
    return advance(replace(trust, repositories={**trust.repositories, repository: clusters}), subject)


def _untrusted(what: str, subject: Subject) -> Untrusted:
    command = f"sealer keys fetch --cluster {subject.cluster} --trust {subject.pin}"
    return Untrusted(what, way_out=f"ask the operator whether that is their fingerprint; if so: {command}")


def _older(what: str, subject: Subject) -> Untrusted:
    fetch = f"sealer keys fetch --cluster {subject.cluster}"
    return Untrusted(what, way_out=f"{fetch}; if the controller itself went back: {fetch} --trust {subject.pin}")


def from_environment() -> tuple[tuple[str | None, str], ...] | None:
    """(cluster or None, pin) of each entry in SEALER_TRUST, which replaces the file; None where it is not set."""
    value = os.environ.get(VARIABLE)
    if value is None:
        return None
    if not value.strip():
        # A CI variable that is not there for this job: to fall back to trust on first use would accept any key.
        raise UsageError("is set, and names nobody", where=VARIABLE, way_out=f"unset {VARIABLE}; or name fingerprints")
    entries: list[tuple[str | None, str]] = []
    for number, entry in enumerate(value.split(","), 1):
        name, named, pin = entry.strip().rpartition("=")
        if not re.fullmatch(PIN, pin, re.ASCII):
            raise _malformed(number)
        try:
            entries.append((check_cluster(name) if named else None, pin))
        except NameRefused:
            raise _malformed(number) from None
    return tuple(entries)


def _malformed(number: int) -> UsageError:
    what = f"entry {number} is neither SHA256:... nor a key id of 16 hex digits"
    return UsageError(what, where=VARIABLE, way_out=f"{VARIABLE}=prod=SHA256:...,staging=SHA256:...")


def check_environment(entries: Iterable[tuple[str | None, str]], subject: Subject) -> None:
    """Raise Untrusted unless SEALER_TRUST has these keys; entries that name the cluster exclude those without name."""
    named = [pin for name, pin in entries if name == subject.cluster]
    allowed = named or [pin for name, pin in entries if name is None]
    if subject.pin not in allowed:
        what = f"the keys of {subject.cluster} are those of {subject.pin}, which {VARIABLE} doesn't have"
        raise Untrusted(what, way_out=f"if that is the right fingerprint, add {subject.cluster}={subject.pin} to it")


def load() -> Trust:
    """The `trust.json` of this user; empty without one. Raises SourceError, FormatError."""
    path = paths.trust_file()
    try:
        files.check_private(path)
    except FileNotFoundError:
        return Trust()
    try:
        return parse(files.read(path, limit=MAX_TRUST))
    except FormatError as error:
        aside = f"mv {quote(str(path))} {quote(f'{path}.broken')}"
        error.way_out = f"{aside}   (the next use of each repository is its first then)"
        raise error.at(str(path)) from None


def update(change: Callable[[Trust], Trust]) -> Trust:
    """Replace `trust.json` by what `change` makes of it, under a lock; if `change` raises, nothing is written."""
    with _locked():
        before = load()
        after = change(before)
        if after != before:
            files.write_atomic(paths.trust_file(), render(after), mode=0o600, sync=True)
        return after


@contextlib.contextmanager
def _locked() -> Iterator[None]:
    path = paths.trust_file()
    # A file of its own: trust.json is replaced by rename, and a lock on the old one would hold nobody.
    lock = path.with_name(f"{path.name}.lock")
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        what = f"can't be written: {files.reason(error)}"
        raise SourceError(what, where=str(lock), way_out=f"{VARIABLE}=SHA256:... takes its place") from None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def parse(data: bytes) -> Trust:
    """The value of a `trust.json`. Raises FormatError."""
    top = Members.of(loads(data, FormatError), "", FormatError, ("version", "identities", "repositories"))
    if top.integer("version") != 1:
        top.refuse("version", "is unknown to this program")
    identities = {pin: _identity(pin, value) for pin, value in _object(top, "identities").items()}
    repositories = {name: _clusters(name, value) for name, value in _object(top, "repositories").items()}
    return Trust(identities, repositories)


def render(trust: Trust) -> bytes:
    """The bytes of a `trust.json`."""
    identities = {
        pin: {"cluster": known.cluster, "sequence": known.sequence, "keys": known.keys, "v2": known.v2}
        for pin, known in trust.identities.items()
    }
    repositories = {name: dict(clusters) for name, clusters in trust.repositories.items()}
    return dumps({"version": 1, "identities": identities, "repositories": repositories})


def _object(members: Members, name: str) -> dict[str, Any]:
    value = members.value[name]
    if not isinstance(value, dict):
        members.refuse(name)
    return value


def _identity(pin: str, value: Any) -> Identity:
    path = f"identities.{pin}"
    if not re.fullmatch(PIN, pin, re.ASCII) or not pin.startswith("SHA256:"):
        raise FormatError("identities holds a name that is no fingerprint")
    entry = Members.of(value, path, FormatError, ("cluster", "sequence", "keys", "v2"))
    if not isinstance(entry.value["v2"], bool):
        entry.refuse("v2")
    cluster = _name(entry.text("cluster"), path)
    return Identity(cluster, entry.integer("sequence"), entry.text("keys", r"[0-9a-f]{64}"), entry.value["v2"])


def _clusters(repository: str, value: Any) -> dict[str, str]:
    if not repository.startswith("/") or not isinstance(value, dict):
        raise FormatError("repositories is not of the form path -> cluster -> fingerprint")
    entry = Members(value, "repositories", FormatError)
    return {_name(cluster, "repositories"): entry.text(cluster, PIN) for cluster in value}


def _name(text: str, path: str) -> str:
    try:
        return check_cluster(text)
    except NameRefused:
        raise FormatError(f"{path} holds a name that no cluster can have") from None
