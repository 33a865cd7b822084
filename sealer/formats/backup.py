"""The backup of a keyring: one file under a passphrase (FORMATS section 4).

    PEM `SEALER KEYRING BACKUP` of the wrapping of `sealer.formats.passphrase` around canonical JSON
    {"cluster":...,"files":{name: b64},"version":1}

The files stand in it as they are stored: those of a keyring under a passphrase stay under theirs.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from sealer import files, paths
from sealer.errors import FormatError, KeyFormatError, Refused, SourceError, UsageError
from sealer.formats import keyrecord, passphrase
from sealer.formats.keyrecord import BackedUp, Record
from sealer.formats.strictjson import Members, format_time, loads
from sealer.formats.wire import b64decode, b64encode, canonical_json
from sealer.keyrings import keyfiles, keyring

if TYPE_CHECKING:
    from sealer.keyrings.keyring import Keyring

PEM_BACKUP = "SEALER KEYRING BACKUP"


def render(cluster: str, content: Mapping[str, bytes], secret: str) -> str:
    """The text of a backup of these files, under a passphrase."""
    encoded = {name: b64encode(data) for name, data in content.items()}
    return passphrase.wrap(PEM_BACKUP, canonical_json({"version": 1, "cluster": cluster, "files": encoded}), secret)


def parse(text: str, secret: str) -> tuple[Record, dict[str, bytes]]:
    """The record and the files of a backup, `keyring.json` last. Raises SourceError for a wrong passphrase."""
    # Mail and checkouts turn line ends around; nothing else may differ.
    plain = passphrase.unwrap(PEM_BACKUP, text.replace("\r\n", "\n"), secret)
    top = Members.of(loads(plain, KeyFormatError), "", KeyFormatError, ("version", "cluster", "files"))
    if top.integer("version") != 1:
        top.refuse("version", "is unknown to this program")
    stored = top.value["files"]
    if not isinstance(stored, dict) or keyrecord.RECORD not in stored:
        top.refuse("files", f"lacks {keyrecord.RECORD}")
    content = {name: _decoded(data) for name, data in stored.items()}
    record = keyrecord.parse(content[keyrecord.RECORD])
    if record.cluster != top.text("cluster") or set(content) != set(record.file_names()):
        top.refuse("files", f"are not the files of {keyrecord.RECORD}")
    return record, {name: content[name] for name in record.file_names()}


def make(directory: Path, target: Path, secret: str, *, now: datetime) -> Record:
    """Write the backup of a keyring to `target`, and remember in the keyring that it was made."""
    check_target(target)
    with keyring.changing(directory) as ring:
        _check_complete(ring)
        record = replace(ring.record, backed_up=_backed_up(ring.record, now))
        content = {name: keyfiles.read(directory / name) for name in record.file_names() if name != keyrecord.RECORD}
        # The restored keyring, too, is one that has a backup.
        content[keyrecord.RECORD] = keyrecord.render(record)
        files.write_atomic(target, render(record.cluster, content, secret).encode("ascii"), mode=0o600, sync=True)
        ring.save(record, {}, {})
    return record


def read(source: Path, secret: str, *, cluster: str | None = None) -> tuple[Record, dict[str, bytes]]:
    """The record and the files of a backup; UsageError if it is of another cluster than `cluster`."""
    try:
        text = files.read(source).decode("ascii")
        record, content = parse(text, secret)
    except UnicodeDecodeError:
        raise KeyFormatError(f"not a PEM block '{PEM_BACKUP}'", where=str(source)) from None
    except (FormatError, SourceError) as error:
        raise error.at(str(source)) from None
    if cluster is not None and cluster != record.cluster:
        raise UsageError(f"is a backup of cluster {record.cluster}, and --cluster says {cluster}", where=str(source))
    return record, content


def unpack(record: Record, content: Mapping[str, bytes], directory: Path | None = None) -> Path:
    """Make a keyring again from what `read` returned, where none is; returns its directory."""
    target = directory or paths.keyrings() / record.cluster
    keyfiles.create(target, content)
    return target


def restore(source: Path, secret: str, *, cluster: str | None = None, directory: Path | None = None) -> Path:
    """Make a keyring again from a backup, where none is; returns its directory."""
    return unpack(*read(source, secret, cluster=cluster), directory)


def warning(record: Record) -> str:
    """What `status` and `keys list` say where a lost disk would lose keys; empty if the backup has them all."""
    way_out = "run: sealer-controller keys backup FILE"
    if record.backed_up is None:
        return f"keyring has no backup; {way_out}"
    made = [(key.id, key.sequence) for key in record.keys] + [(key.id, key.sequence) for key in record.state_keys]
    saved = record.backed_up
    newer = [key_id[:8] for key_id, sequence in made if sequence > saved.sequence and key_id != saved.state_key]
    if not newer:
        return ""
    noun = "key" if len(newer) == 1 else "keys"
    return f"backup of {format_time(saved.time)[:10]} is older than {noun} {', '.join(newer)}; {way_out}"


def _backed_up(record: Record, now: datetime) -> BackedUp:
    return BackedUp(now.replace(microsecond=0), record.sequence, record.state_key.id)


def _decoded(data: object) -> bytes:
    try:
        if isinstance(data, str):
            return b64decode(data)
    except FormatError:
        pass
    raise KeyFormatError("files holds something that is not base64")


def check_target(target: Path) -> None:
    """A backup may replace an older one, and nothing else: a mistyped name must not cost a file."""
    if target.is_dir():
        raise UsageError("is a directory; name the file of the backup", where=str(target))
    if not target.exists():
        return
    if not files.read(target).startswith(f"-----BEGIN {PEM_BACKUP}-----".encode("ascii")):
        raise Refused("is there already, and is not a backup of a keyring", where=str(target))


def _check_complete(ring: Keyring) -> None:
    """Refuse to back up what could not be used: better now than on the day when it is needed."""
    if ring.is_encrypted():
        return  # each file is authenticated under its own passphrase, which a backup doesn't ask for
    ring.identity()
    ring.state_keys()
    for entry in ring.entries:
        ring.private(entry.id)
