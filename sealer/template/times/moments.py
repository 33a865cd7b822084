"""time.Time and its kin as values: what `now` and `toDate` give, with the methods that templates use."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sealer.template.text.runes import kept, raw
from sealer.template.times import calendar, durations, layouts
from sealer.template.times.calendar import SECOND, UTC_ZONE, Moment, Zone
from sealer.template.values import BOOL, FLOAT64, INT, INT64, STRING, Function, Kind, Map, Opaque, Sized, Type, wrap

TIME = Type("time.Time", Kind.STRUCT)
DURATION = Type("time.Duration", Kind.INT64)
MONTH = Type("time.Month", Kind.INT)
WEEKDAY = Type("time.Weekday", Kind.INT)
LOCATION = Type("*time.Location", Kind.POINTER)

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


class Location(Opaque):
    """*time.Location: what a time's `Location` gives, for another's `In`."""

    __slots__ = ("zone",)
    type = LOCATION

    def __init__(self, zone: Zone) -> None:
        self.zone = zone

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Location) and self.zone == other.zone

    def __hash__(self) -> int:
        return hash(self.zone)

    def json(self) -> Any:
        """An empty object: what Go's has for a struct of private fields."""
        return Map({})

    def text(self) -> bytes:
        """Its name in the time zone database, or the abbreviation of a fixed offset."""
        return (self.zone.key or self.zone.name).encode()


Location.methods = {"String": Function("String", lambda each: each.text(), (), None, STRING)}


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


def _rounded(time: Time, step: int) -> Time:
    """To a multiple of a duration since the year 1, halves up."""
    rest = _over(time, step)
    return time.moved(-rest if rest + rest < step or step <= 0 else step - rest)


def _over(time: Time, step: int) -> int:
    return (time.moment.nanoseconds - calendar.ZERO.nanoseconds) % step if step > 0 else 0


def _rounded_duration(size: int, step: int) -> int:
    """To a multiple of another, halves away from zero."""
    if step <= 0:
        return size
    rest = abs(size) % step
    found = abs(size) + (step - rest if rest + rest >= step else -rest)
    return found if size >= 0 else -found


def _truncated(size: int, step: int) -> int:
    return size - _sign(size) * (abs(size) % step) if step > 0 else size


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


def _sign(number: int) -> int:
    return (number > 0) - (number < 0)


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
_declare(_TIME, "Location", LOCATION, lambda time: Location(time.moment.zone))
_declare(_TIME, "In", TIME, lambda time, location: time.within(location.zone), LOCATION)
_declare(_TIME, "Truncate", TIME, lambda time, step: time.moved(-_over(time, int(step))), DURATION)
_declare(_TIME, "Round", TIME, lambda time, step: _rounded(time, int(step)), DURATION)
_declare(_TIME, "Compare", INT, lambda time, other: _sign(time.moment.nanoseconds - other.moment.nanoseconds), TIME)
Time.methods = _TIME

_DURATION: dict[str, Function] = {}
for _name, _size in (("Hours", 3600 * SECOND), ("Minutes", 60 * SECOND), ("Seconds", SECOND)):
    _declare(_DURATION, _name, FLOAT64, (lambda size: lambda each: (each // size) + (each % size) / size)(_size))
for _name, _size in (("Milliseconds", 1_000_000), ("Microseconds", 1_000), ("Nanoseconds", 1)):
    _declare(_DURATION, _name, INT64, (lambda size: lambda each: wrap(int(int(each) / size), INT64))(_size))
_declare(_DURATION, "Abs", DURATION, lambda each: duration(abs(int(each))))
_declare(_DURATION, "Round", DURATION, lambda each, step: duration(_rounded_duration(int(each), int(step))), DURATION)
_declare(_DURATION, "Truncate", DURATION, lambda each, step: duration(_truncated(int(each), int(step))), DURATION)
_declare(_DURATION, "String", STRING, lambda each: each.text())
Duration.methods = _DURATION
Named.methods = {"String": Function("String", lambda each: each.text(), (), None, STRING)}
