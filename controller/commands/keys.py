"""Bodies of `sealer-controller init` and `sealer-controller keys ...`: what they print and their exit codes.

No private key is printed by any of them. What they do to a keyring is in `controller.keyadmin` and
`sealer.formats.backup`. Each but `list` stands in the audit log before it is done, and its outcome before anything is
printed.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from controller import keyadmin
from controller.audit.operation import operation
from controller.settings import state_directory
from sealer import files, paths
from sealer.console import OK, note, out, out_bytes, warn
from sealer.errors import MissingExtra, SealerError, UsageError
from sealer.formats import backup as backups
from sealer.formats import passphrase
from sealer.formats.binding import check_cluster
from sealer.formats.keyid import RSA
from sealer.formats.keyrecord import Status
from sealer.formats.strictjson import format_time
from sealer.keyrings import keyfiles, keyring
from sealer.report import count

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from controller.audit.operation import Told
    from controller.audit.record import KeyVerb
    from sealer.formats.keyrecord import KeyEntry, Record

MAX_EXPIRES = 3650


@dataclass(frozen=True, slots=True)
class Where:
    """Which keyring is meant, and where its passphrase comes from: the options that every command takes."""

    cluster: str | None = None
    directory: Path | None = None
    passphrase_file: str | None = None
    state: Path | None = None

    def find(self) -> Path:
        """The directory of the keyring."""
        return keyring.find(self.cluster, self.directory)

    def ask(self) -> str:
        """The passphrase of the keyring; called at most once, and only if it has one."""
        name = keyring.read_record(self.find()).cluster
        return passphrase.ask(f"Passphrase of keyring {name} (hidden)", file=self.passphrase_file)

    def audited(self, verb: KeyVerb, *, cluster: str = "", about: str = "") -> AbstractContextManager[Told]:
        """The block is done between two records in the audit log of the keyring's cluster."""
        name = cluster or keyring.read_record(self.find()).cluster
        return operation(state_directory(self.state, name), verb, about)


def init(where: Where, *, encrypt: bool) -> int:
    """Make a keyring and say what comes next."""
    cluster = check_cluster(where.cluster or "local")
    directory = where.directory or keyring.from_environment() or paths.keyrings() / cluster
    with where.audited("init", cluster=cluster) as told:
        keyfiles.check_absent(directory)  # before a person types a passphrase for nothing
        secret = None
        if encrypt or where.passphrase_file or passphrase.configured():
            prompt = f"Passphrase for keyring {cluster} (hidden)"
            secret = passphrase.ask(prompt, confirm=True, file=where.passphrase_file)
        record = keyadmin.init(directory, cluster, now=_now(), secret=secret)
        told.reason = f"made {record.keys[0].id}"
    out(f"made keyring {cluster}  {directory}")
    out(f"  identity   {_fingerprint(record)}")
    out(f"  key        {_line(record.keys[0])}")
    out(f"  state key  {record.state_keys[0].id[:8]}")
    note("next:")
    pin = f"sealer init --cluster {cluster}"
    note(f"  {pin:<34}  in a repository: pins these keys")
    note(f"  {'sealer-controller keys backup FILE':<34}  else a lost disk loses every secret")
    return OK


def list_(where: Where, *, format_: str) -> int:
    """Show the keys of a keyring; no passphrase is needed."""
    record = keyring.read_record(where.find())
    if format_ == "json":
        out(json.dumps(as_json(record), indent=2, sort_keys=True))
    else:
        out(f"{record.cluster}  {_fingerprint(record)}  sequence {record.sequence}")
        for entry in record.keys:
            dates = f"{_day(entry.not_before)} to {_day(entry.not_after)}"
            out(f"{entry.id[:8]}  {entry.algorithm:<14}  {entry.status:<11}  {dates}")
    _warn_about(record)
    return OK


def generate(where: Where, *, algorithm: str) -> int:
    """Add a key and retire those of its kind before it."""
    with where.audited("generate", about=algorithm) as told:
        change = keyadmin.generate(where.find(), algorithm, now=_now(), ask=where.ask)
        told.reason = _told(change)
    return _show(change)


def import_(where: Where, *, sources: Sequence[str]) -> int:
    """Add keys that were made elsewhere."""
    from controller import keyimport

    if [*sources, where.passphrase_file].count("-") > 1:
        raise UsageError("stdin can be read only once")
    with where.audited("import") as told:
        read = keyimport.read([(_name(source), _bytes(source)) for source in sources])
        change = keyadmin.import_(where.find(), read.found, now=_now(), ask=where.ask)
        told.reason = _told(change)
    for reason in read.skipped:
        warn(f"skipped: {reason}")
    return _show(change)


def retire(where: Where, *, key: str) -> int:
    """Take a key out of sealing."""
    with where.audited("retire", about=_key_id(key)) as told:
        change = keyadmin.retire(where.find(), key)
        told.reason = _told(change)
    return _show(change)


def compromise(where: Where, *, key: str) -> int:
    """Mark a key as known to others, and name the secrets that it opened here."""
    with where.audited("compromise", about=_key_id(key)) as told:
        change = keyadmin.compromise(where.find(), key, now=_now(), ask=where.ask)
        told.reason = _told(change)
    _show(change)
    entry = (*change.changed, *change.known)[0]
    for name in _delivered(state_directory(where.state, change.record.cluster), entry.id):
        out(f"change       {name}")
    warn(
        f"whoever has it reads all that was ever sealed to {entry.id[:8]}, in Git history too; only new values help",
        way_out="sealer keys fetch in each repository, then sealer set FILE KEY for each item",
    )
    return OK


def bundle(where: Where, *, output: str | None, certificate: bool, expires: int | None) -> int:
    """Print or write the signed key bundle, or the certificate for v1."""
    if expires is not None and not 1 <= expires <= MAX_EXPIRES:
        raise UsageError(f"--expires takes 1 to {MAX_EXPIRES} days")
    if certificate and expires is not None:
        raise UsageError("--expires is of a bundle; a certificate has its own dates")
    with where.audited("bundle", about="certificate" if certificate else "") as told:
        ring = keyring.Keyring.open(where.find(), passphrase=where.ask)
        now = _now()
        data = (
            keyadmin.certificate(ring, now=now).encode("ascii") if certificate else ring.bundle(now=now, days=expires)
        )
        told.reason = f"sequence {ring.sequence}"
        if output not in (None, "-"):
            files.write_atomic(output, data)
    for algorithm in () if certificate else keyadmin.missing(ring.record, now=now):
        warn(f"no {algorithm} key in this bundle may be sealed to", way_out=_generate(algorithm))
    if output is None or output == "-":
        out_bytes(data)
    else:
        what = "certificate" if certificate else f"bundle, sequence {ring.sequence},"
        note(f"wrote {what} of {ring.cluster} to {output}")
    return OK


def backup(where: Where, *, file: str) -> int:
    """Write the whole keyring to one file under a passphrase."""
    directory = where.find()
    with where.audited("backup") as told:
        backups.check_target(Path(file))
        secret = passphrase.ask("Passphrase for the backup (hidden)", confirm=True, file=where.passphrase_file)
        record = backups.make(directory, Path(file), secret, now=_now())
        told.reason = f"sequence {record.sequence}"
    out(f"wrote backup of {record.cluster}  sequence {record.sequence}, {count(len(record.keys), 'key')}  {file}")
    note("keep it apart from this machine, and the passphrase apart from it")
    return OK


def restore(where: Where, *, file: str) -> int:
    """Make a keyring again from its backup."""
    secret = passphrase.ask("Passphrase of the backup (hidden)", file=where.passphrase_file)
    target = where.directory or keyring.from_environment()
    # Only the backup itself says whose it is: a passphrase that doesn't open it can't be told to any log.
    record, content = backups.read(Path(file), secret, cluster=where.cluster)
    with where.audited("restore", cluster=record.cluster) as told:
        directory = backups.unpack(record, content, target)
        told.reason = f"sequence {record.sequence}"
    out(f"restored keyring {record.cluster}  {directory}")
    for entry in record.keys:
        out(f"  {_line(entry)}")
    return OK


def as_json(record: Record) -> dict[str, Any]:
    """What `keys list --format json` prints (schemas/key-list.v1.json)."""
    saved = record.backed_up
    return {
        "version": 1,
        "cluster": record.cluster,
        "sequence": record.sequence,
        "identity": record.identity,
        "fingerprint": _fingerprint(record),
        "keys": [
            {
                "id": entry.id,
                "algorithm": entry.algorithm,
                "status": str(entry.status),
                "notBefore": format_time(entry.not_before),
                "notAfter": format_time(entry.not_after),
                "created": format_time(entry.created),
            }
            for entry in record.keys
        ],
        "backedUp": {"time": format_time(saved.time), "sequence": saved.sequence} if saved else None,
    }


def _show(change: keyadmin.Change) -> int:
    for entry in change.made:
        out(f"made         {_line(entry)}")
    for entry in change.changed:
        out(f"{entry.status:<11}  {entry.id[:8]}  {entry.algorithm}")
    for entry in change.known:
        note(f"unchanged    {entry.id[:8]}  {entry.algorithm}  {entry.status}")
    if change.made or change.changed:
        note("next: sealer keys fetch  in each repository, so that it seals to the new keys")
    _warn_about(change.record)
    return OK


def _told(change: keyadmin.Change) -> str:
    """What the audit log keeps of a change: the ids of its keys."""
    said = [f"made {entry.id}" for entry in change.made]
    said += [f"{entry.status} {entry.id}" for entry in change.changed]
    said += [f"unchanged {entry.id}" for entry in change.known]
    return ", ".join(said)


def _key_id(typed: str) -> str:
    """What was typed, if it is an id of a key: anything else may be a value, typed by mistake."""
    return typed.lower() if re.fullmatch(r"[0-9a-fA-F]{8,16}", typed) else ""


def _delivered(directory: Path, key_id: str) -> list[str]:
    """The secrets that this controller delivered with a key. Empty where it has no state, as on a laptop."""
    try:
        from controller.state import State

        if not State.exists(directory):
            return []
        with State.open(directory, create=False, read_only=True) as state:
            return sorted({str(each.ref) for each in state.deliveries() if key_id in each.keys})
    except MissingExtra:
        return []
    except SealerError as error:
        warn(f"can't tell which secrets it opened: {error}")
        return []


def _warn_about(record: Record) -> None:
    now = _now()
    for algorithm in keyadmin.missing(record, now=now):
        warn(f"no {algorithm} key may be sealed to", way_out=_generate(algorithm))
    for entry in keyadmin.ending(record, now=now):
        word = "ended" if entry.not_after < now else "ends"
        warn(f"key {entry.id[:8]} {word} {_day(entry.not_after)}", way_out=_generate(entry.algorithm))
    if text := backups.warning(record):
        warn(text)


def _line(entry: KeyEntry) -> str:
    until = f" to {_day(entry.not_after)}" if entry.status is Status.ACTIVE else ""
    return f"{entry.id[:8]}  {entry.algorithm}  {entry.status}{until}"


def _generate(algorithm: str) -> str:
    return "sealer-controller keys generate" + (" --algorithm rsa" if algorithm == RSA else "")


def _fingerprint(record: Record) -> str:
    from sealer.formats import sshsig

    return sshsig.fingerprint(record.identity)


def _bytes(source: str) -> bytes:
    if source == "-":
        data = sys.stdin.buffer.read(files.MAX_DOCUMENT + 1)
        if len(data) > files.MAX_DOCUMENT:
            raise UsageError("is larger than 16 MiB", where="stdin")
        return data
    return files.read(source)


def _name(source: str) -> str:
    return "stdin" if source == "-" else source


def _day(moment: datetime) -> str:
    return format_time(moment)[:10]


def _now() -> datetime:
    return datetime.now(UTC)
