"""One accepted finding. Pure.

A value that can't be guessed is named by a keyed hash of it, so that it stays accepted wherever it is moved, and
another value on its line is not. Of one that could be guessed no hash is kept: it is accepted by rule, path and key.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from hooks.finding import Finding

LEAST_BITS = 64
"""A value of fewer could be found again by trying."""

_MAC_BYTES = 16


@dataclass(frozen=True, slots=True)
class Entry:
    """What is accepted: a rule, and either `mac` or `path` and `key`; why, and until when (that day included)."""

    rule: str
    mac: str = ""
    path: str = ""
    key: str = ""
    reason: str = ""
    expires: date | None = None
    history: bool = False
    """It was found in history: a look at the work tree alone does not say that it is unused."""
    line: int = 0

    @property
    def identity(self) -> tuple[str, ...]:
        """What it accepts, apart from why and until when."""
        return (self.rule, self.mac) if self.mac else (self.rule, self.path, self.key)

    @property
    def name(self) -> str:
        """How a message names it."""
        if self.mac:
            return f"{self.rule}, a value"
        return f"{self.rule}, {self.path}" + (f", {self.key}" if self.key else "")

    def expired(self, today: date) -> bool:
        """Whether it no longer counts."""
        return self.expires is not None and self.expires < today

    def text(self) -> str:
        """Its line in the file, without the dash."""
        fields = {"rule": self.rule}
        fields |= {"mac": self.mac} if self.mac else {"path": self.path, "key": self.key}
        fields["reason"] = self.reason
        if self.expires:
            fields["expires"] = self.expires.isoformat()
        words = [f"{name}: {_quoted(text)}" for name, text in fields.items()]
        return "{" + ", ".join([*words, *(["history: true"] if self.history else [])]) + "}"


def of(one: Finding, path: str, key: bytes, *, reason: str, expires: date | None, history: bool) -> Entry:
    """The entry that accepts a finding; `path` is its place from the top, `key` the baseline's."""
    about = {"reason": reason, "expires": expires, "history": history}
    mac = mac_of(one, key)
    if mac:
        return Entry(one.rule.id, mac, **about)  # type: ignore[arg-type]
    return Entry(one.rule.id, path=path_text(path), key=one.key, **about)  # type: ignore[arg-type]


def mac_of(one: Finding, key: bytes) -> str:
    """The keyed hash that stands for a finding's value; empty if it could be guessed from it, or there is no value."""
    if one.value is None or one.value.bits < LEAST_BITS:
        return ""
    return one.value.mac(key, b"sealer/baseline " + one.rule.id.encode())[:_MAC_BYTES].hex()


def path_text(path: str) -> str:
    """A path as text that any file can hold; bytes that are no UTF-8 are escaped."""
    return os.fsencode(path).decode("utf-8", "backslashreplace")


def _quoted(text: str) -> str:
    """A text in double quotes as YAML reads it, on one line."""
    quoted = json.dumps(text, ensure_ascii=False)
    return "".join(c if c.isprintable() else f"\\U{ord(c):08x}" for c in quoted)
