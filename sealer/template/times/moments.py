"""time.Time and its kin as values: what `now` and `toDate` give, with the methods that templates use."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sealer.template.text.runes import kept, raw
from sealer.template.times import calendar, durations, layouts
from sealer.template.times.calendar import SECOND, UTC_ZONE, Moment, Zone
from sealer.template.values import BOOL, FLOAT64, INT, INT64, STRING, Function, Kind, Opaque, Sized, Type, wrap

TIME = Type("time.Time", Kind.STRUCT)
DURATION = Type("time.Duration", Kind.INT64)
MONTH = Type("time.Month", Kind.INT)
WEEKDAY = Type("time.Weekday", Kind.INT)

_STRING = "2006-01-02 15:04:05.999999999 -0700 MST"
_JSON = "2006-01-02T15:04:05.999999999Z07:00"


class Time(Opaque):
    """time.Time."""

    __slots__ = ("moment",)
    type = TIME

    def __init__(self, moment: Moment) -> None:
        self.moment = moment

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Time) and self.moment == other.moment

    def __hash__(self) -> int:
        return hash(self.moment)

    def text(self) -> bytes:
        """As String() writes it."""
        return layouts.formatted(self.moment, _STRING).encode()

    def json(self) -> Any:
        """RFC 3339."""
        return layouts.formatted(self.moment, _JSON).encode()

    def moved(self, nanoseconds: int) -> Time:
        """The time so many nanoseconds later."""
        return Time(self.moment._replace(nanoseconds=self.moment.nanoseconds + nanoseconds))

    def within(self, zone: Zone) -> Time:
        """The same time, shown in another zone."""
        return Time(self.moment._replace(zone=zone))


class Named(Sized):
    """time.Month, time.Weekday and time.Duration: integers that print as a name, and count as numbers."""

    def text(self) -> bytes:
        """What %v prints."""
        if self.type is MONTH:
            return layouts.MONTHS[self - 1].encode()
        return layouts.DAYS[self].encode() if self.type is WEEKDAY else durations.shown(int(self)).encode()


class Duration(Named):
    """time.Duration."""


def duration(nanoseconds: int) -> Duration:
    """A duration; what is too large is the largest there is."""
    most = (1 << 63) - 1
    return Duration(max(min(nanoseconds, most), -most - 1), DURATION)


def _declare(
    methods: dict[str, Function], name: str, result: Type, call: Callable[..., Any], *parameters: Type
) -> None:
    methods[name] = Function(name, call, parameters, None, result)


def _clock(part: str) -> Callable[[Time], int]:
    return lambda time: int(getattr(time.moment.clock(), part))


def _added(time: Time, years: int, months: int, days: int) -> Time:
    clock = time.moment.clock()
    seconds = clock.hour * 3600 + clock.minute * 60 + clock.second
    fixed = Zone("", clock.zone, clock.offset)
    found = calendar.moment(
        clock.year + years, clock.month + months, clock.day + days, seconds, clock.nanosecond, fixed
    )
    return Time(Moment(found.nanoseconds, time.moment.zone))


def _unix(divisor: int) -> Callable[[Time], int]:
    return lambda time: wrap(time.moment.nanoseconds // divisor, INT64)


_TIME: dict[str, Function] = {}
for _name, _part in (
    ("Year", "year"),
    ("Day", "day"),
    ("Hour", "hour"),
    ("Minute", "minute"),
    ("Second", "second"),
    ("Nanosecond", "nanosecond"),
    ("YearDay", "year_day"),
):
    _declare(_TIME, _name, INT, _clock(_part))
for _name, _divisor in (("Unix", SECOND), ("UnixMilli", 1_000_000), ("UnixMicro", 1_000), ("UnixNano", 1)):
    _declare(_TIME, _name, INT64, _unix(_divisor))
_declare(_TIME, "Month", MONTH, lambda time: Named(time.moment.clock().month, MONTH))
_declare(_TIME, "Weekday", WEEKDAY, lambda time: Named(time.moment.clock().weekday, WEEKDAY))
_declare(_TIME, "Format", STRING, lambda time, form: raw(layouts.formatted(time.moment, kept(form))), STRING)
_declare(_TIME, "String", STRING, lambda time: time.text())
_declare(_TIME, "UTC", TIME, lambda time: time.within(UTC_ZONE))
_declare(_TIME, "Local", TIME, lambda time: time.within(UTC_ZONE))
_declare(_TIME, "IsZero", BOOL, lambda time: time.moment.nanoseconds == calendar.ZERO.nanoseconds)
_declare(_TIME, "After", BOOL, lambda time, other: time.moment.nanoseconds > other.moment.nanoseconds, TIME)
_declare(_TIME, "Before", BOOL, lambda time, other: time.moment.nanoseconds < other.moment.nanoseconds, TIME)
_declare(_TIME, "Equal", BOOL, lambda time, other: time.moment.nanoseconds == other.moment.nanoseconds, TIME)
_declare(_TIME, "Add", TIME, lambda time, size: time.moved(int(size)), DURATION)
_declare(_TIME, "Sub", DURATION, lambda time, other: duration(time.moment.nanoseconds - other.moment.nanoseconds), TIME)
_declare(_TIME, "AddDate", TIME, _added, INT, INT, INT)
Time.methods = _TIME

_DURATION: dict[str, Function] = {}
for _name, _size in (("Hours", 3600 * SECOND), ("Minutes", 60 * SECOND), ("Seconds", SECOND)):
    _declare(_DURATION, _name, FLOAT64, (lambda size: lambda each: (each // size) + (each % size) / size)(_size))
for _name, _size in (("Milliseconds", 1_000_000), ("Microseconds", 1_000), ("Nanoseconds", 1)):
    _declare(_DURATION, _name, INT64, (lambda size: lambda each: wrap(int(int(each) / size), INT64))(_size))
_declare(_DURATION, "String", STRING, lambda each: each.text())
Duration.methods = _DURATION
Named.methods = {"String": Function("String", lambda each: each.text(), (), None, STRING)}
