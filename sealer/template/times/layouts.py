"""Go's time layouts: the reference time, Mon Jan 2 15:04:05 MST 2006, written as dates shall be (package time)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from sealer.template.times.calendar import Clock, Moment

MONTHS = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
]
DAYS = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"]

# In the order in which the package looks: the first that fits at the leftmost place is taken.
CHUNK = re.compile(
    r"""January | Jan(?![a-z]) | Monday | Mon(?![a-z]) | MST | 0[1-6] | 002 | 15 | 1 | 2006 | 2
    | (?<=_)2006 | _2(?!006) | __2 | 3 | 4 | 5 | PM | pm
    | [-Z]070000 | [-Z]07:00:00 | [-Z]0700 | [-Z]07:00 | [-Z]07 | [.,](?:0+|9+)(?![0-9])""",
    re.VERBOSE,
)


def formatted(moment: Moment, layout: str) -> str:
    """A moment as a layout says."""
    clock = moment.clock()
    return CHUNK.sub(lambda found: _shown(found[0], clock), layout)


def _shown(chunk: str, clock: Clock) -> str:
    plain = _PLAIN.get(chunk)
    if plain is not None:
        return plain(clock)
    if chunk[0] in ".,":
        return _fraction(chunk, clock.nanosecond)
    return _offset(chunk, clock.offset)


def _number(value: int, width: int) -> str:
    return f"{'-' if value < 0 else ''}{abs(value):0{width}d}"


def _zone(clock: Clock) -> str:
    if clock.zone and clock.zone[0] not in "+-":
        return clock.zone
    return clock.zone or _offset("-0700", clock.offset)


_PLAIN: dict[str, Callable[[Clock], str]] = {
    "January": lambda clock: MONTHS[clock.month - 1],
    "Jan": lambda clock: MONTHS[clock.month - 1][:3],
    "Monday": lambda clock: DAYS[clock.weekday],
    "Mon": lambda clock: DAYS[clock.weekday][:3],
    "MST": _zone,
    "01": lambda clock: f"{clock.month:02d}",
    "02": lambda clock: f"{clock.day:02d}",
    "03": lambda clock: f"{(clock.hour - 1) % 12 + 1:02d}",
    "04": lambda clock: f"{clock.minute:02d}",
    "05": lambda clock: f"{clock.second:02d}",
    "06": lambda clock: f"{abs(clock.year) % 100:02d}",
    "002": lambda clock: f"{clock.year_day:03d}",
    "15": lambda clock: f"{clock.hour:02d}",
    "1": lambda clock: str(clock.month),
    "2006": lambda clock: _number(clock.year, 4),
    "2": lambda clock: str(clock.day),
    "_2": lambda clock: f"{clock.day:2d}",
    "__2": lambda clock: f"{clock.year_day:3d}",
    "3": lambda clock: str((clock.hour - 1) % 12 + 1),
    "4": lambda clock: str(clock.minute),
    "5": lambda clock: str(clock.second),
    "PM": lambda clock: "PM" if clock.hour >= 12 else "AM",
    "pm": lambda clock: "pm" if clock.hour >= 12 else "am",
}


def _fraction(chunk: str, nanosecond: int) -> str:
    digits = f"{nanosecond:09d}".ljust(len(chunk) - 1, "0")[: len(chunk) - 1]
    if chunk[1] == "9":
        digits = digits.rstrip("0")
        return chunk[0] + digits if digits else ""
    return chunk[0] + digits


def _offset(chunk: str, offset: int) -> str:
    """An offset in the form of a chunk; Z stands for none."""
    if offset == 0 and chunk[0] == "Z":
        return "Z"
    # Minutes are cut towards zero, as in Go.
    minutes, seconds = abs(offset) // 60, abs(offset) % 60
    sign = "-" if offset < 0 and minutes else "+"
    form = chunk[1:]
    parts = [f"{minutes // 60:02d}", f"{minutes % 60:02d}", f"{seconds:02d}"]
    count = 1 if form == "07" else 2 if form in ("0700", "07:00") else 3
    return sign + (":" if ":" in form else "").join(parts[:count])
