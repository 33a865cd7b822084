"""Our own JSON files, read strictly (FORMATS, head of the page): key bundle, keyring.json, backup.

Duplicate members, floats, non-ASCII text, unknown or missing members are refused. Errors name the path inside the
file and never quote what stands there. Documents of users are read by `sealer.documents.jsonio`, which keeps positions.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, NoReturn

from sealer.errors import NameRefused
from sealer.formats.binding import check_cluster

if TYPE_CHECKING:
    from sealer.errors import FormatError

_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", re.ASCII)
_MAX_INTEGER = 2**53 - 1


def loads(data: bytes, error: type[FormatError]) -> Any:
    """The value of a JSON text in ASCII; anything unusual raises `error`."""

    def refuse(_: str) -> NoReturn:
        raise error("holds a number that is not an integer")

    def members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        value = dict(pairs)
        if len(value) != len(pairs):
            raise error("holds a member twice")
        return value

    try:
        text = data.decode("ascii")
        return json.loads(text, object_pairs_hook=members, parse_float=refuse, parse_constant=refuse)
    except (ValueError, RecursionError):
        raise error("is not JSON in ASCII") from None


def dumps(value: Any) -> bytes:
    """The form that goes to disk: sorted members, two spaces, a newline at the end, so that Git shows small diffs."""
    return json.dumps(value, sort_keys=True, indent=2, ensure_ascii=True).encode("ascii") + b"\n"


def format_time(moment: datetime) -> str:
    """`YYYY-MM-DDThh:mm:ssZ`."""
    return moment.astimezone(UTC).replace(tzinfo=None, microsecond=0).isoformat() + "Z"


def parse_time(text: str) -> datetime:
    """The moment of a text that `format_time` writes; else ValueError."""
    if not _TIME.fullmatch(text):
        raise ValueError("not a time of the form YYYY-MM-DDThh:mm:ssZ")
    return datetime.fromisoformat(text)


@dataclass(frozen=True, slots=True)
class Members:
    """The members of one object, each taken by name and kind; `path` is where it stands, for messages."""

    value: dict[str, Any]
    path: str
    error: type[FormatError]

    @classmethod
    def of(
        cls, value: Any, path: str, error: type[FormatError], required: Iterable[str], optional: Iterable[str] = ()
    ) -> Members:
        """`value`, if it is an object with all of `required`, some of `optional`, and nothing else."""
        if not isinstance(value, dict):
            raise error(f"{path or 'the whole'} is not an object")
        known = set(required)
        missing = known - value.keys()
        if missing:
            raise error(f"{path or 'the whole'} lacks {', '.join(sorted(missing))}")
        if value.keys() - known - set(optional):
            raise error(f"{path or 'the whole'} holds a member that is not part of the format")
        return cls(value, path, error)

    def text(self, name: str, pattern: str = r"[\s\S]+") -> str:
        """An ASCII string of this pattern."""
        value = self.value[name]
        if not isinstance(value, str) or not value.isascii() or not re.fullmatch(pattern, value, re.ASCII):
            self.refuse(name)
        return value

    def cluster(self, name: str) -> str:
        """The name of a cluster."""
        try:
            return check_cluster(self.text(name))
        except NameRefused:
            self.refuse(name)

    def integer(self, name: str) -> int:
        """An integer from 1 to 2^53 - 1."""
        value = self.value[name]
        if type(value) is not int or not 1 <= value <= _MAX_INTEGER:
            self.refuse(name)
        return value

    def time(self, name: str) -> datetime:
        """A moment in UTC, to the second."""
        try:
            return parse_time(self.text(name))
        except ValueError:
            self.refuse(name)

    def objects(self, name: str, required: Iterable[str], optional: Iterable[str] = ()) -> list[Members]:
        """An array of objects, each with these members."""
        value = self.value[name]
        if not isinstance(value, list):
            self.refuse(name)
        return [
            Members.of(entry, f"{self._at(name)}[{number}]", self.error, required, optional)
            for number, entry in enumerate(value)
        ]

    def refuse(self, name: str, why: str = "is not of the form that the format asks for") -> NoReturn:
        """Raise: this member is wrong."""
        raise self.error(f"{self._at(name)} {why}")

    def _at(self, name: str) -> str:
        return f"{self.path}.{name}" if self.path else name
