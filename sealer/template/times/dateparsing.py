"""Dates read by a layout (package time, parse of format.go)."""

from __future__ import annotations

import re

from sealer.template.times.calendar import SECOND, UTC_ZONE, Moment, Zone, days_in, is_leap, moment
from sealer.template.times.layouts import CHUNK, DAYS, MONTHS

_ZONE_NAME = re.compile(
    r"ChST|MeST|GMT(?:[+-][0-9]+)?|[+-][0-9]+|[A-Z]{4}T(?![A-Z])|[A-Z]{3}T(?![A-Z])|WITA(?![A-Z])|[A-Z]{3}(?![A-Z])"
)


class NotADate(Exception):
    """A text that its layout does not fit."""


def parsed(layout: str, text: str) -> Moment:
    """The moment of a text. Raises NotADate."""
    reader = _Reader(layout, text)
    reader.run()
    return reader.moment()


class _Reader:
    def __init__(self, layout: str, text: str) -> None:
        self._layout = layout
        self._rest = text
        self._numbers: dict[str, int] = {}
        self._half = ""
        self._zone: Zone | None = None
        self._offset: int | None = None
        self._zone_name = ""

    def run(self) -> None:
        """Read all of the text, chunk by chunk."""
        at = 0
        for found in CHUNK.finditer(self._layout):
            self._skip(self._layout[at : found.start()])
            at = found.end()
            self._chunk(found[0], self._layout[at:])
        self._skip(self._layout[at:])
        if self._rest:
            raise NotADate

    def _skip(self, prefix: str) -> None:
        """Text of the layout that must stand in the value; spaces match any number of spaces."""
        while prefix:
            if prefix[0] == " ":
                if self._rest and self._rest[0] != " ":
                    raise NotADate
                prefix, self._rest = prefix.lstrip(" "), self._rest.lstrip(" ")
                continue
            if not self._rest or self._rest[0] != prefix[0]:
                raise NotADate
            prefix, self._rest = prefix[1:], self._rest[1:]

    def _take(self, pattern: str) -> str:
        found = re.compile(pattern).match(self._rest)
        if found is None:
            raise NotADate
        self._rest = self._rest[found.end() :]
        return found[0]

    def _number(self, name: str, pattern: str, least: int, most: int) -> None:
        value = int(self._take(pattern))
        if not least <= value <= most:
            raise NotADate
        self._numbers[name] = value

    def _name(self, names: list[str], length: int | None) -> int:
        for number, name in enumerate(names):
            short = name[:length]
            if self._rest[: len(short)].lower() == short.lower():
                self._rest = self._rest[len(short) :]
                return number
        raise NotADate

    def _chunk(self, chunk: str, following: str) -> None:
        if chunk in _NUMBERS:
            self._number(*_NUMBERS[chunk])
            if chunk in ("5", "05"):
                self._unasked_fraction(following)
            return
        match chunk:
            case "January" | "Jan":
                self._numbers["month"] = self._name(MONTHS, None if chunk == "January" else 3) + 1
            case "Monday" | "Mon":
                self._name(DAYS, None if chunk == "Monday" else 3)
            case "06":
                year = int(self._take("[0-9]{2}|[+-][0-9]"))
                self._numbers["year"] = year + (1900 if year >= 69 else 2000)
            case "_2" | "__2":
                self._rest = re.sub(rf"\A {{1,{len(chunk) - 1}}}", "", self._rest)
                self._number(*(("day", "[0-9]{1,2}", 0, 99) if chunk == "_2" else ("yday", "[0-9]{1,3}", 0, 999)))
            case "PM" | "pm":
                self._half = self._take("PM|AM" if chunk == "PM" else "pm|am").upper()
            case "MST":
                self._named_zone()
            case _ if chunk[0] in ".,":
                self._fraction(chunk)
            case _:
                self._offset_zone(chunk)

    def _unasked_fraction(self, following: str) -> None:
        """Fractions of seconds are read even where the layout has none."""
        upcoming = CHUNK.search(following)
        if upcoming is not None and upcoming[0][0] in ".,":
            return
        if re.match(r"[.,][0-9]", self._rest):
            self._nanoseconds(self._take(r"[.,][0-9]+"))

    def _fraction(self, chunk: str) -> None:
        if chunk[1] == "9":
            if re.match(r"[.,][0-9]", self._rest):
                self._nanoseconds(self._take(r"[.,][0-9]+"))
        else:
            self._nanoseconds(self._take(rf"[.,][0-9]{{{len(chunk) - 1}}}"))

    def _nanoseconds(self, digits: str) -> None:
        self._numbers["nanosecond"] = int(digits[1:10].ljust(9, "0"))

    def _named_zone(self) -> None:
        if self._rest.startswith("UTC"):
            self._rest = self._rest[3:]
            self._zone = UTC_ZONE
            return
        found = _ZONE_NAME.match(self._rest)
        if found is None:
            raise NotADate
        name = found[0]
        if (hours := re.search(r"[+-]([0-9]+)", name)) and int(hours[1]) > 23:
            # GMT keeps its name then; a bare offset is none.
            if name[0] in "+-":
                raise NotADate
            name = "GMT"
        self._rest = self._rest[len(name) :]
        self._zone_name = name

    def _offset_zone(self, chunk: str) -> None:
        if chunk[0] == "Z" and self._rest.startswith("Z"):
            self._rest = self._rest[1:]
            self._zone = UTC_ZONE
            return
        text = self._take("[+-]" + re.sub("[0-9]", "[0-9]", chunk[1:]))
        digits = text[1:].replace(":", "").ljust(6, "0")
        hours, minutes, seconds = int(digits[:2]), int(digits[2:4]), int(digits[4:])
        if hours > 24 or minutes > 60 or seconds > 60:
            raise NotADate
        offset = (hours * 60 + minutes) * 60 + seconds
        self._offset = -offset if text[0] == "-" else offset

    def moment(self) -> Moment:
        """The moment that was read."""
        hour = self._numbers.get("hour", 0)
        if self._half == "PM" and hour < 12:
            hour += 12
        elif self._half == "AM" and hour == 12:
            hour = 0
        year = self._numbers.get("year", 0)
        month, day = self._date(year)
        if not 1 <= day <= days_in(year, month):
            raise NotADate
        seconds = hour * 3600 + self._numbers.get("minute", 0) * 60 + self._numbers.get("second", 0)
        zone = self._location()
        found = moment(year, month, day, seconds, self._numbers.get("nanosecond", 0), zone)
        # A zone that is known by its name alone only changes how the moment is shown, GMT+3 as well.
        named = self._zone is None and self._offset is None
        return found._replace(nanoseconds=found.nanoseconds + zone.offset * SECOND) if named else found

    def _date(self, year: int) -> tuple[int, int]:
        month, day, yday = (self._numbers.get(name) for name in ("month", "day", "yday"))
        if yday is None:
            return (1 if month is None else month), (1 if day is None else day)
        if not 1 <= yday <= 365 + is_leap(year):
            raise NotADate
        found = 1
        while yday > days_in(year, found):
            yday -= days_in(year, found)
            found += 1
        if month not in (None, found) or day not in (None, yday):
            raise NotADate
        return found, yday

    def _location(self) -> Zone:
        """UTC; or, where an offset or a zone was read, that one, unless it is the local zone's."""
        if self._zone is not None:
            return self._zone
        if self._offset is not None:
            # -1 means in Go that none was read.
            same = self._offset == 0 and self._zone_name in ("", "UTC")
            return UTC_ZONE if same or self._offset == -1 else Zone("", self._zone_name, self._offset)
        if self._zone_name:
            hours = self._zone_name[3:] if self._zone_name.startswith("GMT") else ""
            return Zone("", self._zone_name, int(hours or 0) * 3600)
        return UTC_ZONE


_NUMBERS: dict[str, tuple[str, str, int, int]] = {
    "2006": ("year", "[0-9]{4}", 0, 9999),
    "01": ("month", "[0-9]{2}", 1, 12),
    "1": ("month", "[0-9]{1,2}", 1, 12),
    "02": ("day", "[0-9]{2}", 0, 99),
    "2": ("day", "[0-9]{1,2}", 0, 99),
    "002": ("yday", "[0-9]{3}", 0, 999),
    "15": ("hour", "[0-9]{1,2}", 0, 23),
    "03": ("hour", "[0-9]{2}", 0, 12),
    "3": ("hour", "[0-9]{1,2}", 0, 12),
    "04": ("minute", "[0-9]{2}", 0, 59),
    "4": ("minute", "[0-9]{1,2}", 0, 59),
    "05": ("second", "[0-9]{2}", 0, 59),
    "5": ("second", "[0-9]{1,2}", 0, 59),
}
