"""The pinned keys of a cluster: `.sealer/keys/<cluster>.bundle`, or a bare certificate as `.pem` (FORMATS section 6).

Git holds the keys, `sealer.pinning.trust` says whether they are the right ones. The highest sequence moves forward
here, each time that keys which stand the check are used (`pinned`) or written (`write`): a colleague's fetch that
comes in by `git pull` counts as one's own, and rolling it back is noticed at once.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path

from sealer import files
from sealer.configuration.config import Config, shown, within
from sealer.errors import FormatError, KeyFormatError, Refused, SourceError, Untrusted, UsageError
from sealer.formats import bundle as bundles
from sealer.formats import keys
from sealer.formats.bundle import Bundle, BundleKey
from sealer.formats.keyrecord import Status
from sealer.formats.strictjson import format_time
from sealer.formats.wire import canonical_json, pem_blocks
from sealer.pinning import repository, trust
from sealer.shell import quote

MAX_KEYS = 1024 * 1024
"""Largest bundle or certificate, in bytes."""
WARN_DAYS = 30
REFRESH = timedelta(days=45)
"""A pinned bundle that is good for longer is not replaced by one with the same keys."""

NOT_AUTHENTICATED = "not authenticated: nobody has trusted this fingerprint yet on this machine"


@dataclass(frozen=True, slots=True)
class Keys:
    """Keys as they stand in a file or came over a wire; whether they are to be trusted is not said here."""

    bundle: Bundle
    pin: str
    certificate: str = ""

    @property
    def subject(self) -> trust.Subject:
        """What has to be trusted."""
        return trust.Subject(
            self.bundle.cluster, self.pin, self.bundle.sequence, _digest(self.bundle), self.bundle.had(keys.KEM)
        )


@dataclass(frozen=True, slots=True)
class Pinned:
    """The keys of a cluster, checked. `fingerprint` is SHA256:..., or the key id of a bare certificate.

    `authenticated` is false only where nothing was recorded yet and the caller asked not to record.
    """

    bundle: Bundle
    fingerprint: str
    bare: bool = False
    authenticated: bool = True
    lost_v2: bool = False
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Change:
    """What `write` found and did. `before` is None for new or unreadable keys; `first` all clusters recorded first."""

    before: Keys | None
    written: bool
    after: Keys
    first: tuple[trust.Subject, ...] = ()


def pinned(config: Config, cluster: str, *, now: datetime, record: bool = True, envelope: str | None = None) -> Pinned:
    """The keys of a cluster, checked against SEALER_TRUST or `trust.json`. Raises Untrusted, SourceError, FormatError.

    The first use of a repository records all its clusters and says so in the warnings; with `record=False` (for those
    who only look: `check`, `keys list`) such keys are returned as not authenticated. To seal, keys that once had a v2
    key and show none now are refused, unless `envelope` (the flag) or `.sealer.yaml` says v1.
    """
    found = read(config, cluster)
    where = shown(path(config, cluster))
    try:
        result = _checked(config, found, now, record)
    except Untrusted as error:
        raise error.at(where) from None
    if result.lost_v2 and record and (envelope or config.clusters[cluster].envelope) != "v1":
        fetch = f"sealer keys fetch --cluster {cluster}"
        raise Refused(lost_v2_line(cluster), where=where, way_out=f"{fetch}; to seal v1 on purpose: --envelope v1")
    return result


def lost_v2_line(cluster: str) -> str:
    """What is said of an identity that went back from v2 keys to v1 only."""
    return f"cluster {cluster} once had a v2 key and shows none now"


def read(config: Config, cluster: str) -> Keys:
    """The keys of a cluster as Git holds them, unchecked. Raises SourceError, FormatError."""
    place = path(config, cluster)
    try:
        return parse(files.read(place, limit=MAX_KEYS), cluster)
    except FormatError as error:
        error.way_out = error.way_out or f"sealer keys fetch --cluster {cluster}"
        raise error.at(shown(place)) from None


def path(config: Config, cluster: str) -> Path:
    """The file that holds a cluster's keys. Raises UsageError for an unknown cluster, SourceError without a file."""
    if cluster not in config.clusters:
        known = ", ".join(config.clusters)
        raise UsageError(
            f"unknown cluster {cluster}; known: {known}", where=config.file, way_out="sealer init --cluster"
        )
    kinds = [place for place in _places(config, cluster) if place.is_file()]
    if len(kinds) == 2:
        what = f"cluster {cluster} has both a bundle and a bare certificate; which one counts is not guessed"
        raise SourceError(what, where=shown(kinds[1]), way_out=f"git rm {quote(shown(kinds[1]))}")
    if not kinds:
        where = shown(_places(config, cluster)[0])
        raise SourceError(
            f"no keys of cluster {cluster}", where=where, way_out=f"sealer keys fetch --cluster {cluster}"
        )
    return kinds[0]


def write(
    config: Config, cluster: str, data: bytes, *, now: datetime, trusted: str | None = None, own: bool = False
) -> Change:
    """Pin new keys: check, write the file, then move trust forward. Raises Untrusted and leaves both as they were.

    `trusted` is the fingerprint that a person compared; `own` says that the keys are of one's own keyring, which is
    proof enough for a cluster that is not recorded yet, but not for one that has other keys. A bundle that differs
    only in its dates replaces the pinned one late in its life, so that a daily fetch is no daily commit.
    """
    after = parse(data, cluster)
    if trusted is not None and trusted != after.pin:
        raise Untrusted(f"the keys of {cluster} are those of {after.pin}, not of {trusted}")
    entries = trust.from_environment()
    if entries is not None:
        trust.check_environment(entries, after.subject)
        return Change(*_store(config, after, data, now), after)
    place = repository.identify(config.root)
    known = trust.load().repositories.get(place)
    first = () if known is not None else (after.subject, *_others(config, cluster))
    stored: list[tuple[Keys | None, bool]] = []

    def change(current: trust.Trust) -> trust.Trust:
        recorded = current.repositories.get(place)
        if recorded is None:
            current = trust.first_use(current, place, first, confirmed=own or trusted is not None)
        elif trusted is not None or (own and cluster not in recorded):
            current = trust.accept(current, place, after.subject)
        else:
            trust.check(current, place, after.subject)
        # Keys first: a crash between the two leaves what `pinned` heals, or refuses until it is trusted again.
        stored.append(_store(config, after, data, now))
        return trust.advance(current, after.subject)

    trust.update(change)
    return Change(*stored[0], after, first)


def parse(data: bytes, cluster: str | None) -> Keys:
    """The keys that some bytes hold: a bundle, or a bare certificate (which needs the cluster's name)."""
    data = data.removeprefix(b"\xef\xbb\xbf")
    if not is_certificate(data):
        bundle = bundles.parse(data, cluster=cluster)
        return Keys(bundle, bundle.fingerprint)
    if cluster is None:
        raise UsageError("a bare certificate doesn't say whose it is", way_out="add --cluster NAME")
    try:
        text = data.decode("ascii")
    except UnicodeDecodeError:
        raise KeyFormatError("a certificate in PEM is ASCII") from None
    # Only the certificate goes on from here: a file that also holds its private key must not end up in Git.
    certificate = next((block for label, _, block in pem_blocks(text) if label == "CERTIFICATE"), "")
    public = keys.load_certificate(certificate)
    start, end = keys.validity(certificate)
    key = BundleKey(public, start, end, Status.ACTIVE)
    return Keys(Bundle(cluster, 0, start, end, "", (key,)), public.id, certificate)


def is_certificate(data: bytes) -> bool:
    """Whether bytes are to be read as a bare certificate, not as a bundle."""
    return b"-----BEGIN CERTIFICATE-----" in data and not data.lstrip().startswith(b"{")


def shared(pinned_keys: Iterable[Pinned]) -> tuple[str, ...]:
    """Warnings about one key in the keys of two clusters: either of them reads what is sealed for the other."""
    owners: dict[str, list[str]] = {}
    for found in pinned_keys:
        for key in found.bundle.keys:
            owners.setdefault(key.id, []).append(found.bundle.cluster)
    return tuple(f"key {key[:8]} belongs to {' and '.join(names)}" for key, names in owners.items() if len(names) > 1)


def ages(found: Bundle, *, now: datetime, bare: bool = False) -> tuple[str, ...]:
    """Warnings about dates: bundle expired, newest active key of an algorithm at its end or near it."""
    said = []
    if not bare and found.expired(now):
        said.append(f"the keys of {found.cluster} expired on {found.expires:%Y-%m-%d}: fetch them again")
    newest = {key.public.algorithm: key for key in found.keys if key.status is Status.ACTIVE}
    for key in newest.values():
        if key.not_after < now + timedelta(days=WARN_DAYS):
            verb = "ended" if key.not_after < now else "ends"
            said.append(f"key {key.id[:8]} of {found.cluster} {verb} on {key.not_after:%Y-%m-%d}")
    return tuple(said)


def _checked(config: Config, found: Keys, now: datetime, record: bool) -> Pinned:
    bare = bool(found.certificate)
    result = Pinned(found.bundle, found.pin, bare, warnings=ages(found.bundle, now=now, bare=bare))
    entries = trust.from_environment()
    if entries is not None:
        trust.check_environment(entries, found.subject)
        return result
    place = repository.identify(config.root)
    known = trust.load()
    if place not in known.repositories and not record:
        trust.check_identity(known, found.subject)
        said = f"the keys of {found.bundle.cluster} ({found.pin}) are {NOT_AUTHENTICATED}"
        return replace(result, authenticated=False, warnings=(*result.warnings, said))
    subjects = (found.subject, *_others(config, found.bundle.cluster)) if place not in known.repositories else ()

    def change(current: trust.Trust) -> trust.Trust:
        if place not in current.repositories:
            current = trust.first_use(current, place, subjects)
        trust.check(current, place, found.subject)
        return trust.advance(current, found.subject) if record else current

    # Most runs change nothing, and take no lock.
    lost = trust.lost_v2(known, found.subject)
    if (after := change(known)) != known:
        after = trust.update(change)
    subjects = tuple(each for each in subjects if after.repositories[place].get(each.cluster) == each.pin)
    gone = (lost_v2_line(found.bundle.cluster),) if lost else ()
    return replace(result, lost_v2=lost, warnings=(*first_use_lines(subjects), *result.warnings, *gone))


def first_use_lines(subjects: Iterable[trust.Subject]) -> tuple[str, ...]:
    """What is said when a repository is used for the first time; nothing if it is not."""
    lines = [f"first use: {subject.cluster} is {subject.pin}" for subject in subjects]
    return (*lines, "trusted from now on; compare with what each operator says") if lines else ()


def _others(config: Config, cluster: str) -> tuple[trust.Subject, ...]:
    """The other clusters of a repository at its first use. Unreadable keys are not recorded: they are refused later."""
    found = []
    for name in config.clusters:
        if name != cluster:
            try:
                found.append(read(config, name).subject)
            except (SourceError, FormatError):
                continue
    return tuple(found)


def _store(config: Config, after: Keys, data: bytes, now: datetime) -> tuple[Keys | None, bool]:
    """Write the keys and remove the other kind of file; what stood there before, and whether it was replaced."""
    try:
        before = read(config, after.bundle.cluster)
    except (SourceError, FormatError):
        before = None
    if before and before.subject == after.subject and (after.certificate or before.bundle.expires - now > REFRESH):
        return before, False
    bundle, certificate = _places(config, after.bundle.cluster)
    place, other = (certificate, bundle) if after.certificate else (bundle, certificate)
    within(config.root, place)
    config.keys.mkdir(parents=True, exist_ok=True)
    files.write_atomic(place, after.certificate.encode("ascii") if after.certificate else data)
    other.unlink(missing_ok=True)
    return before, True


def _places(config: Config, cluster: str) -> tuple[Path, Path]:
    return config.keys / f"{cluster}.bundle", config.keys / f"{cluster}.pem"


def _digest(bundle: Bundle) -> str:
    """What two bundles of one sequence must have in common: hex SHA-256 of their keys, whatever their order."""
    said: list[Mapping[str, str]] = [
        {
            "algorithm": key.public.algorithm,
            "certificate": key.public.certificate,
            "key": hashlib.sha256(key.public.raw).hexdigest(),
            "notAfter": format_time(key.not_after),
            "notBefore": format_time(key.not_before),
            "status": str(key.status),
        }
        for key in sorted(bundle.keys, key=lambda key: key.id)
    ]
    return hashlib.sha256(canonical_json(said)).hexdigest()
