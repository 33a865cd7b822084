"""Dates, as Sprig has them. The local zone is UTC: a controller's container has no other, and previews are as it is."""

from __future__ import annotations

from typing import Any

from sealer.template.functions.table import Table
from sealer.template.limits import Fault, Run
from sealer.template.text.runes import kept, raw
from sealer.template.times import calendar, durations, layouts
from sealer.template.times.calendar import SECOND, Moment
from sealer.template.times.dateparsing import NotADate, parsed
from sealer.template.times.moments import TIME, Time
from sealer.template.values import ANY, STRING, Kind, type_of

TABLE = define = Table()

_HTML = b"2006-01-02"
_LONGEST = 1000
_HOUR = 3_600 * SECOND
_ROUND = (
    (_HOUR * 24 * 365, "y"),
    (_HOUR * 24 * 30, "mo"),
    (_HOUR * 24, "d"),
    (_HOUR, "h"),
    (60 * SECOND, "m"),
    (SECOND, "s"),
)


@define("now", result=TIME, draws=True)
def _now(run: Run) -> Time:
    """The moment of the render, in UTC."""
    return Time(Moment(run.now()))


def _moment(run: Run, value: Any, kinds: tuple[Kind, ...] = (Kind.INT, Kind.INT64, Kind.INT32)) -> Moment:
    """A time, or seconds since 1970; anything else is now, as in Sprig."""
    if isinstance(value, Time):
        return value.moment
    if isinstance(value, int) and not isinstance(value, bool) and type_of(value).kind in kinds:
        return Moment(int(value) * SECOND)
    return Moment(run.now())


@define("date", STRING, ANY, result=STRING, draws=True)
def _date(run: Run, layout: bytes, value: Any) -> bytes:
    """`date LAYOUT TIME` in UTC, a layout of Go (`2006-01-02 15:04:05`, no %Y). TIME as in ago; a text is now."""
    return _in_zone(run, layout, value, b"Local")


@define("dateInZone date_in_zone", STRING, ANY, STRING, result=STRING, draws=True)
def _in_zone(run: Run, layout: bytes, value: Any, zone: bytes) -> bytes:
    """`dateInZone LAYOUT TIME ZONE`: as date, in a zone of the time zone database; in UTC where it has no such zone."""
    found = calendar.load(kept(zone)) or calendar.UTC_ZONE
    moment = _moment(run, value)
    return raw(layouts.formatted(Moment(moment.nanoseconds, found), kept(layout)))


@define("htmlDate", ANY, result=STRING, draws=True)
def _html_date(run: Run, value: Any) -> bytes:
    """The day in UTC, `2006-01-02`; TIME as in date."""
    return _in_zone(run, _HTML, value, b"Local")


@define("htmlDateInZone", ANY, STRING, result=STRING, draws=True)
def _html_date_in_zone(run: Run, value: Any, zone: bytes) -> bytes:
    """`htmlDateInZone TIME ZONE`: the day there, `2006-01-02`; zones as in dateInZone."""
    return _in_zone(run, _HTML, value, zone)


@define("ago", ANY, result=STRING, draws=True)
def _ago(run: Run, value: Any) -> bytes:
    """How long ago a time was, rounded to seconds (`1h2m3s`); an int is seconds since 1970, what is no time is now."""
    since = run.now() - _moment(run, value, (Kind.INT, Kind.INT64)).nanoseconds
    whole, rest = divmod(abs(since), SECOND)
    whole += rest * 2 >= SECOND
    return durations.shown((-whole if since < 0 else whole) * SECOND).encode()


@define("dateModify date_modify", STRING, TIME, result=TIME)
def _date_modify(text: bytes, time: Time) -> Time:
    """`dateModify DURATION TIME`: later by `1h30m`, sooner by `-1.5h`; no days. As it is for what is no duration."""
    found = durations.parsed(kept(text))
    return time if found is None else time.moved(found)


@define("mustDateModify must_date_modify", STRING, TIME, result=TIME)
def _must_date_modify(text: bytes, time: Time) -> Time:
    """`mustDateModify DURATION TIME`: as dateModify, but refuses what is no duration."""
    found = durations.parsed(kept(text))
    if found is None:
        raise Fault("invalid duration")
    return time.moved(found)


@define("duration", ANY, result=STRING)
def _duration(value: Any) -> bytes:
    """Seconds as `1h2m3s`: a text of digits or an int64. Anything else counts as 0 s, an int and a float too."""
    seconds = 0
    if isinstance(value, bytes):
        text = value.decode("latin-1")
        digits = text[1:] if text[:1] in ("+", "-") else text
        if digits.isascii() and digits.isdecimal():
            seconds = max(min(int(text), (1 << 63) - 1), -(1 << 63)) if len(digits) < 4000 else (1 << 63) - 1
    elif isinstance(value, int) and not isinstance(value, bool) and type_of(value).kind is Kind.INT64:
        seconds = int(value)
    wrapped = (seconds * SECOND + (1 << 63)) % (1 << 64) - (1 << 63)
    return durations.shown(wrapped).encode()


@define("durationRound", ANY, result=STRING, draws=True)
def _duration_round(run: Run, value: Any) -> bytes:
    """The largest unit that a duration is longer than, as a whole number: `1d` for `36h`, but `24h` for `24h`.

    It is a text, nanoseconds as an int64, or the time since a time; anything else counts as 0.
    """
    size = 0
    if isinstance(value, bytes):
        size = durations.parsed(kept(value)) or 0
    elif isinstance(value, Time):
        size = run.now() - value.moment.nanoseconds
    elif isinstance(value, int) and not isinstance(value, bool) and type_of(value).kind is Kind.INT64:
        size = int(value)
    for unit, name in _ROUND:
        if abs(size) > unit:
            return f"{abs(size) // unit}{name}".encode()
    return b"0s"


def _read(layout: bytes, text: bytes) -> Moment:
    """A date by its layout. Raises NotADate, and Fault for what is longer than any: each chunk copies what is left."""
    if len(layout) > _LONGEST:
        raise Fault(f"takes a layout of more than {_LONGEST} bytes")
    return parsed(kept(layout), kept(text))


@define("toDate", STRING, STRING, result=TIME)
def _to_date(layout: bytes, text: bytes) -> Time:
    """`toDate LAYOUT TEXT`: a time by Go's layout, in UTC without a zone; for what is no date the zero time, year 1."""
    try:
        return Time(_read(layout, text))
    except NotADate:
        return Time(calendar.ZERO)


@define("mustToDate", STRING, STRING, result=TIME)
def _must_to_date(layout: bytes, text: bytes) -> Time:
    """`mustToDate LAYOUT TEXT`: as toDate, but refuses what is no date."""
    try:
        return Time(_read(layout, text))
    except NotADate:
        raise Fault("this is no date of that layout") from None


@define("unixEpoch", TIME, result=STRING)
def _unix_epoch(time: Time) -> bytes:
    """Seconds since 1970 as a text; takes a time, no number."""
    return b"%d" % time.moment.unix
