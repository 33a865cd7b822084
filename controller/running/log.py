"""The log of a daemon: one record a line on stderr, as JSON (`schemas/log-record.v1.json`) or for people.

A record holds names, places, counts and reasons: never a value, and nothing that came in over HTTP. A log that can't
be written stops nothing.
"""

from __future__ import annotations

import contextlib
import io
import json
import re
import threading
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any, Literal, TextIO

from sealer import console

Level = Literal["debug", "info", "warning", "error"]
Form = Literal["text", "json"]

LEVELS: tuple[Level, ...] = ("debug", "info", "warning", "error")
_BARE = re.compile(r"[-\w./:@%+~]+", re.ASCII)
_COLOURS = {"debug": "dim", "warning": "yellow", "error": "red"}
_WARNING = "warning: "


class Log:
    """Where records go, from any thread. `clock` gives milliseconds; what is below `least` is left out."""

    def __init__(self, stream: TextIO, form: Form, clock: Callable[[], int], least: Level = "info") -> None:
        self._stream = stream
        self._form = form
        self._clock = clock
        self._least = LEVELS.index(least)
        self._lock = threading.RLock()  # a signal's handler writes on the thread that may be writing

    def debug(self, event: str, **fields: Any) -> None:
        """What is of use while one looks for something."""
        self._write("debug", event, fields)

    def info(self, event: str, **fields: Any) -> None:
        """What happened."""
        self._write("info", event, fields)

    def warning(self, event: str, **fields: Any) -> None:
        """What somebody should look at."""
        self._write("warning", event, fields)

    def error(self, event: str, **fields: Any) -> None:
        """What was not done."""
        self._write("error", event, fields)

    @contextlib.contextmanager
    def notes(self, before: set[str] | None = None) -> Iterator[None]:
        """What is said on stderr meanwhile becomes records: warnings of the flow, which knows of no log.

        What is in `before` is left out, and what is said now stands in it afterwards: a poll says the same each time.
        """
        kept = io.StringIO()
        try:
            with contextlib.redirect_stderr(kept):
                yield
        finally:
            lines = [line.strip() for line in kept.getvalue().splitlines() if line.strip()]
            for line in lines:
                if before is not None and line in before:
                    continue
                text = line.removeprefix(_WARNING)
                (self.info if text == line else self.warning)("note", text=text)
            if before is not None:
                before.clear()
                before.update(lines)

    def _write(self, level: Level, event: str, fields: Mapping[str, Any]) -> None:
        if LEVELS.index(level) < self._least:
            return
        said = {name: value for name, value in fields.items() if value not in ("", None, [], {})}
        line = _json if self._form == "json" else self._text
        # RuntimeError: a signal's handler came while another record was being written.
        with contextlib.suppress(OSError, ValueError, RuntimeError), self._lock:
            self._stream.write(line(time(self._clock()), level, event, said) + "\n")
            self._stream.flush()

    def _text(self, at: str, level: Level, event: str, fields: Mapping[str, Any]) -> str:
        colour = _COLOURS.get(level)
        word = console.style(f"{level:7}", colour, self._stream) if colour else f"{level:7}"
        return f"{at} {word} " + console.line(console.printable(" ".join([event, *_pairs(fields)])))


def time(milliseconds: int) -> str:
    """A time as RFC 3339 has it, in UTC."""
    return datetime.fromtimestamp(milliseconds / 1000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _json(at: str, level: Level, event: str, fields: Mapping[str, Any]) -> str:
    return json.dumps({"version": 1, "time": at, "level": level, "event": event, **fields}, separators=(",", ":"))


def _pairs(fields: Mapping[str, Any]) -> Iterator[str]:
    for name, value in fields.items():
        if isinstance(value, Mapping):
            yield from _pairs({key: count for key, count in value.items() if count})
        elif isinstance(value, list):
            yield f"{name}={json.dumps(', '.join(_short(each) for each in value), ensure_ascii=False)}"
        else:
            text = str(value)
            yield f"{name}={text if _BARE.fullmatch(text) else json.dumps(text, ensure_ascii=False)}"


def _short(change: Mapping[str, str]) -> str:
    reason = change.get("reason")
    return f"{change['action']} {change['name']}" + (f" ({reason})" if reason else "")
