"""Bodies of `sealer keys list` and `sealer keys fetch` (DESIGN sections 11 and 13)."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sealer import paths, report
from sealer.configuration import config as configs
from sealer.console import NO, OK, exit_code, note, out, warn
from sealer.console import report as report_error
from sealer.errors import BundleError, FormatError, SealerError, SourceError, Untrusted, UsageError
from sealer.formats.binding import check_cluster
from sealer.formats.keyrecord import Status
from sealer.formats.strictjson import format_time
from sealer.kube.where import SCHEME, Where, told
from sealer.pinning import fetch as fetching
from sealer.pinning import pins
from sealer.pinning import trust as trusting
from sealer.pinning.pins import Change, Keys
from sealer.shell import quote

if TYPE_CHECKING:
    from sealer.configuration.config import Config

_HEAD = ("CLUSTER", "KEY", "ALGORITHM", "STATUS", "VALID TO", "TRUST")


@dataclass(frozen=True, slots=True)
class Listed:
    """What stands in the list for one cluster. `trust`: trusted, not yet, refused, missing or unreadable."""

    cluster: str
    trust: str
    keys: Keys | None = None


@dataclass(frozen=True, slots=True)
class Obtained:
    """Keys from outside, unchecked. `own`: from one's own keyring."""

    keys: Keys
    data: bytes = b""
    own: bool = False


def list_(*, format: str) -> int:  # noqa: A002  # the contract's name
    """Show the pinned keys of every cluster; records nothing."""
    config = configs.require(Path.cwd())
    now, code = datetime.now(UTC), OK
    listed = []
    for cluster in config.clusters:
        entry, error = _listed(config, cluster, now)
        listed.append(entry)
        if error:
            report_error(error)
            code = max(code, exit_code(error))
    if format == "json":
        out(json.dumps({"version": 1, "clusters": [_json(entry) for entry in listed]}, indent=2, sort_keys=True))
    else:
        for lines in report.table([_HEAD, *(row for entry in listed for row in _rows(entry))]):
            out("\n".join(lines))
    return code


def place(source: str | None, where: Where, *, of: bool) -> str | None:
    """SRC as it was given, or `of` the controller in a cluster. Raises UsageError."""
    if not of:
        if where != Where():
            raise UsageError("no cluster is asked", way_out="add --from-cluster, or leave its options out")
        return source
    if source is not None:
        raise UsageError("SRC and --from-cluster name two sources", way_out="leave one of them out")
    return where.src()


def fetch(*, source: str | None, cluster: str | None, check: bool, trust: str | None) -> int:
    """Pin the keys that a source holds, or with `check` compare them with the pinned ones and write nothing."""
    config = configs.require(Path.cwd())
    if trust is not None and not re.fullmatch(trusting.PIN, trust, re.ASCII):
        raise UsageError("--trust takes SHA256:... or a key id of 16 hex digits", way_out="copy it from the operator")
    if trust is not None and check:
        raise UsageError("--trust writes, and --check doesn't", way_out="leave one of them out")
    if cluster is not None and cluster not in config.clusters:
        raise _unknown(config, cluster, source)
    if source is not None or cluster is not None or len(config.clusters) == 1:
        return _one(config, source, cluster, check=check, trust=trust)
    if trust is not None:
        raise UsageError("--trust is about one cluster", way_out=f"--cluster {next(iter(config.clusters))}")
    return _all(config, check=check)


def _all(config: Config, *, check: bool) -> int:
    """Every cluster, one after the other: what is wrong with one doesn't keep the others from being refreshed."""
    code = OK
    for name in config.clusters:
        try:
            if _default_source(config, name) is None and not check:
                note(f"left alone: {name} has no url, and you hold no keyring of that name")
            else:
                code = max(code, _one(config, None, name, check=check, trust=None))
        except SealerError as error:
            report_error(error)
            code = max(code, exit_code(error))
    return code


def _one(config: Config, source: str | None, cluster: str | None, *, check: bool, trust: str | None) -> int:
    now = datetime.now(UTC)
    name = cluster or (None if source else next(iter(config.clusters)))
    place = source or _default_source(config, name or "")
    if place is None and name is not None:
        if check:
            return _compare(config, name, None, now)
        # Nothing to fetch from, but keys to trust: those that stand in the repository.
        place = str(pins.path(config, name)) if trust else None
    if place is None:
        way_out = (
            f"sealer keys fetch SRC --cluster {name}; of a controller in Kubernetes: sealer keys fetch "
            f"--from-cluster --cluster {name}; or make one: sealer-controller init --cluster {name}"
        )
        raise UsageError(f"cluster {name} has no url, and you hold no keyring of that name", way_out=way_out)
    only = next(iter(config.clusters)) if len(config.clusters) == 1 else None
    found = obtain(place, name, now=now, fallback=only, unsigned=check)
    name = found.keys.bundle.cluster
    if name not in config.clusters:
        raise _unknown(config, name, source)
    if check:
        return _compare(config, name, found.keys, now)
    pin(config, found, now=now, source=source, trust=trust)
    return OK


def obtain(
    source: str, cluster: str | None, *, now: datetime, fallback: str | None = None, unsigned: bool = False
) -> Obtained:
    """The keys of a source. A bare certificate is `cluster`'s, else `fallback`'s: it doesn't say whose it is.

    With `unsigned` a keyring is only looked at, which asks for no passphrase.
    """
    path = Path(source)
    own = path.is_dir() and Path(os.path.realpath(path)).parent == Path(os.path.realpath(paths.keyrings()))
    if unsigned and path.is_dir():
        from sealer.keyrings.keyring import Keyring

        bundle = Keyring.open(path).published(now=now)
        if cluster is not None and bundle.cluster != cluster:
            raise BundleError(f"is the keyring of cluster {bundle.cluster}, not of {cluster}", where=source)
        return Obtained(Keys(bundle, bundle.fingerprint), own=own)
    try:
        data = fetching.public(fetching.load(source))
        bare = pins.is_certificate(data)
        found = Obtained(pins.parse(data, (cluster or fallback) if bare else None), data, own)
        _check_name(found.keys.bundle.cluster, cluster, source)
    except FormatError as error:
        raise error.at("stdin" if source == "-" else told(source)) from None
    return found


def _check_name(found: str, cluster: str | None, source: str) -> None:
    """Raises BundleError if keys are of another cluster than the one that is meant."""
    if cluster is None or found == cluster:
        return
    if not source.startswith(SCHEME):
        raise BundleError(f"is the bundle of cluster {found}, not of {cluster}")
    way_out = f"start the controller with --cluster {cluster}, or fetch with --cluster {found}"
    raise BundleError(f"calls its cluster {found}, not {cluster}", way_out=way_out)


def pin(config: Config, found: Obtained, *, now: datetime, source: str | None, trust: str | None = None) -> None:
    """Pin keys and say so. Raises Untrusted; its way out names the source, if it was named."""
    try:
        change = pins.write(config, found.keys.bundle.cluster, found.data, now=now, trusted=trust, own=found.own)
    except Untrusted as error:
        if source and source != "-":
            error.way_out = error.way_out.replace("keys fetch --", f"keys fetch {quote(source)} --")
        raise
    _say(config, change, now=now, own=found.own)


def _say(config: Config, change: Change, *, now: datetime, own: bool) -> None:
    before, after = change.before, change.after
    name = after.bundle.cluster
    for line in pins.first_use_lines(subject for subject in change.first if not own or subject.cluster != name):
        note(line)
    words = ["pinned" if change.written else "unchanged", name, _summary(after)]
    if not after.certificate:
        was = f" (was {before.bundle.sequence})" if before and before.bundle.sequence != after.bundle.sequence else ""
        words.append(f"sequence {after.bundle.sequence}{was}")
    out("  ".join(words))
    note(f"  {after.pin}{', your own keyring' if own else ''}")
    if before and before.pin != after.pin:
        warn(f"cluster {name} was {before.pin} and is {after.pin} now")
    elif before and before.bundle.sequence > after.bundle.sequence:
        warn(f"the keys of {name} went back from sequence {before.bundle.sequence} to {after.bundle.sequence}")
    for text in pins.ages(after.bundle, now=now, bare=bool(after.certificate)):
        warn(text)
    if change.written:
        note(f"  commit {configs.shown(pins.path(config, name))}")


def _compare(config: Config, cluster: str, published: Keys | None, now: datetime) -> int:
    """Whether pinned keys are those that were published, trusted, and not at their end. Writes nothing."""
    try:
        found = pins.pinned(config, cluster, now=now, record=False)
        pinned = pins.read(config, cluster)
    except SourceError as error:
        report_error(error)
        return NO
    problems = [*(_drift(pinned, published) if published else ()), *_ended(pinned, now)]
    for text in problems:
        out(f"{cluster}  {text}")
    if not problems:
        out(f"{cluster}  up to date  {_summary(pinned)}")
        for text in found.warnings:
            warn(text)
    if problems:
        note(f"  way out: sealer keys fetch --cluster {cluster}")
    return NO if problems else OK


def _drift(pinned: Keys, published: Keys) -> Iterable[str]:
    if pinned.pin != published.pin:
        yield f"drift: pinned is {pinned.pin}, published {published.pin}"
        return
    if pinned.bundle.sequence != published.bundle.sequence:
        yield f"drift: pinned is sequence {pinned.bundle.sequence}, published {published.bundle.sequence}"
    elif pinned.subject != published.subject:
        yield f"drift: other keys are published under sequence {published.bundle.sequence}"


def _ended(pinned: Keys, now: datetime) -> Iterable[str]:
    if not pinned.certificate and pinned.bundle.expired(now):
        yield f"expired on {pinned.bundle.expires:%Y-%m-%d}"
    newest = {key.public.algorithm: key for key in pinned.bundle.keys if key.status is Status.ACTIVE}
    for key in newest.values():
        if not key.seals(now):
            yield f"key {key.id[:8]} is not valid today: {key.not_before:%Y-%m-%d} to {key.not_after:%Y-%m-%d}"
    if not newest:
        yield "no active key"


def _summary(keys: Keys) -> str:
    """The active keys with their last day."""
    active = [key for key in keys.bundle.keys if key.status is Status.ACTIVE]
    return ", ".join(f"{key.id[:8]} to {key.not_after:%Y-%m-%d}" for key in active) or "no active key"


def _default_source(config: Config, cluster: str) -> str | None:
    url = config.clusters[cluster].url
    keyring = paths.keyrings() / cluster
    return url or (str(keyring) if keyring.is_dir() else None)


def _unknown(config: Config, cluster: str, source: str | None) -> UsageError:
    check_cluster(cluster)
    keys = f" --keys {quote(source)}" if source and source != "-" else " --keys SRC"
    known = ", ".join(config.clusters)
    what = f"unknown cluster {cluster}; known: {known}"
    return UsageError(what, where=config.file, way_out=f"sealer init --cluster {cluster}{keys}")


def _listed(config: Config, cluster: str, now: datetime) -> tuple[Listed, SealerError | None]:
    try:
        keys = pins.read(config, cluster)
    except SourceError:
        return Listed(cluster, "missing"), None
    except FormatError as error:
        return Listed(cluster, "unreadable"), error
    try:
        found = pins.pinned(config, cluster, now=now, record=False)
    except Untrusted as error:
        return Listed(cluster, "refused", keys), error
    for text in found.warnings:
        warn(text)
    return Listed(cluster, "trusted" if found.authenticated else "not yet", keys), None


def _rows(entry: Listed) -> Iterable[Sequence[str]]:
    if entry.keys is None:
        yield (entry.cluster, "-", "-", "-", "-", entry.trust)
        return
    for key in entry.keys.bundle.keys:
        day = f"{key.not_after:%Y-%m-%d}"
        yield (entry.cluster, key.id[:8], key.public.algorithm, str(key.status), day, entry.trust)


def _json(entry: Listed) -> dict[str, Any]:
    said: dict[str, Any] = {"cluster": entry.cluster, "trust": entry.trust, "pin": None, "keys": []}
    if entry.keys is None:
        return said
    said["pin"] = entry.keys.pin
    if not entry.keys.certificate:
        said["sequence"] = entry.keys.bundle.sequence
        said["expires"] = format_time(entry.keys.bundle.expires)
    said["keys"] = [
        {
            "id": key.id,
            "algorithm": key.public.algorithm,
            "status": str(key.status),
            "notBefore": format_time(key.not_before),
            "notAfter": format_time(key.not_after),
        }
        for key in entry.keys.bundle.keys
    ]
    return said
