"""Days of the proleptic Gregorian calendar for any year, and moments with their zone, as Go's time package has them."""

from __future__ import annotations

from typing import NamedTuple

SECOND = 1_000_000_000
DAY = 86_400
_MAX_ZONED = 253_402_300_799 - DAY  # zoneinfo ends with the year 9999


def days_from(year: int, month: int, day: int) -> int:
    """Days since 1970-01-01; months and days may be out of range and carry over."""
    year, month = year + (month - 1) // 12, (month - 1) % 12 + 1
    shifted = year - (month <= 2)
    era, of_era = divmod(shifted, 400)
    of_year = (153 * (month + (-3 if month > 2 else 9)) + 2) // 5
    return era * 146_097 + of_era * 365 + of_era // 4 - of_era // 100 + of_year + day - 1 - 719_468


def date_of(days: int) -> tuple[int, int, int]:
    """Year, month and day of a number of days since 1970-01-01."""
    era, of_era = divmod(days + 719_468, 146_097)
    year = (of_era - of_era // 1460 + of_era // 36_524 - of_era // 146_096) // 365
    of_year = of_era - (365 * year + year // 4 - year // 100)
    shifted = (5 * of_year + 2) // 153
    month = shifted + (3 if shifted < 10 else -9)
    return year + era * 400 + (month <= 2), month, of_year - (153 * shifted + 2) // 5 + 1


def is_leap(year: int) -> bool:
    """Whether a year has 366 days."""
    return year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)


def days_in(year: int, month: int) -> int:
    """The days of a month."""
    return days_from(year, month + 1, 1) - days_from(year, month, 1)


class Zone(NamedTuple):
    """A location by its name in the time zone database, or a fixed offset in seconds if `key` is empty."""

    key: str
    name: str = ""
    offset: int = 0

    def at(self, seconds: int) -> tuple[str, int]:
        """The zone's abbreviation and its offset at a moment."""
        if not self.key:
            return self.name, self.offset
        from datetime import UTC, datetime
        from zoneinfo import ZoneInfo

        moment = datetime.fromtimestamp(min(max(seconds, -_MAX_ZONED // 5), _MAX_ZONED), UTC)
        local = moment.astimezone(ZoneInfo(self.key))
        offset = local.utcoffset()
        return local.tzname() or "", int(offset.total_seconds()) if offset is not None else 0


UTC_ZONE = Zone("", "UTC", 0)
"""Local as well: a controller's container has no other."""


def load(name: str) -> Zone | None:
    """A location of the time zone database; None if there is none of this name."""
    if name in ("", "UTC", "Local"):
        return UTC_ZONE
    if ".." in name or name[0] in "/\\" or "\\" in name:
        return None
    from zoneinfo import ZoneInfo

    try:
        ZoneInfo(name)
    except (ValueError, OSError, KeyError):  # names of no zone, of folders, and none that a file could have
        return None
    return Zone(name)


class Moment(NamedTuple):
    """A moment in nanoseconds since 1970, shown in a zone."""

    nanoseconds: int
    zone: Zone = UTC_ZONE

    @property
    def unix(self) -> int:
        """Whole seconds since 1970."""
        return self.nanoseconds // SECOND

    def clock(self) -> Clock:
        """What calendar and clock show in its zone."""
        name, offset = self.zone.at(self.unix)
        days, rest = divmod(self.unix + offset, DAY)
        date = date_of(days)
        hour, minute, second = rest // 3600, rest // 60 % 60, rest % 60
        return Clock(*date, hour, minute, second, self.nanoseconds % SECOND, days, name, offset)


class Clock(NamedTuple):
    """A moment as it is read. `days` counts from 1970-01-01 in its zone; `offset` is in seconds."""

    year: int
    month: int
    day: int
    hour: int
    minute: int
    second: int
    nanosecond: int
    days: int
    zone: str
    offset: int

    @property
    def weekday(self) -> int:
        """0 is Sunday."""
        return (self.days + 4) % 7

    @property
    def year_day(self) -> int:
        """1 is the first of January."""
        return self.days - days_from(self.year, 1, 1) + 1


ZERO = Moment(days_from(1, 1, 1) * DAY * SECOND)
"""Go's zero time."""


def moment(year: int, month: int, day: int, seconds: int, nanosecond: int = 0, zone: Zone = UTC_ZONE) -> Moment:
    """The moment of a date and of seconds of that day in a zone of fixed offset."""
    unix = days_from(year, month, day) * DAY + seconds - zone.offset
    return Moment(unix * SECOND + nanosecond, zone)
