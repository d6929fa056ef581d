"""Dates, times and durations as people write them: ISO 8601 with a space or a T, and what Python's ``str`` gives."""

import re
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Generic, TypeVar

from app.codecs.known.replacing import not_a
from app.errors import EncodeError

T = TypeVar("T", date, time, datetime)

_DAY = r"(?P<year>\d{4})-(?P<month>\d\d)-(?P<day>\d\d)"
_CLOCK = r"(?P<hour>\d\d):(?P<minute>\d\d)(?::(?P<second>\d\d)(?:[.,](?P<fraction>\d{1,6}))?)?"
_REST = r"(?P<suffix>.*?)(?: fold=(?P<fold>[01]))?"
_DATE = re.compile(_DAY, re.ASCII)
_TIME = re.compile(_CLOCK + _REST, re.ASCII | re.DOTALL)
_DATETIME = re.compile(f"{_DAY}(?:[T ]{_CLOCK})?{_REST}", re.ASCII | re.DOTALL)
_OFFSET = re.compile(
    r"(?P<sign>[+-])(?P<hours>\d\d):?(?P<minutes>[0-5]\d)(?::?(?P<seconds>[0-5]\d)(?:\.(?P<fraction>\d{1,6}))?)?",
    re.ASCII,
)
_SPAN = re.compile(
    r"(?:(?P<days>[+-]?\d{1,10}) days?(?:, ?)?)?"
    r"(?P<clock>(?P<sign>[+-])?(?P<hours>\d{1,10}):(?P<minutes>\d\d)(?::(?P<seconds>\d\d)(?:\.(?P<fraction>\d{1,6}))?)?)?",
    re.ASCII,
)
_DURATION = re.compile(
    r"(?P<sign>[+-])?P(?:(?P<weeks>\d{1,10})W)?(?:(?P<days>\d{1,10})D)?"
    r"(?:T(?:(?P<hours>\d{1,12})H)?(?:(?P<minutes>\d{1,14})M)?(?:(?P<seconds>\d{1,15})(?:[.,](?P<fraction>\d{1,6}))?S)?)?",
    re.ASCII,
)


@dataclass(frozen=True, slots=True)
class Written(Generic[T]):
    """What a text says: the value with its fold but without a zone, and the text of the zone behind it."""

    value: T
    suffix: str


def date_of(text: str) -> date:
    """Return the date of ``2026-01-02``."""
    match = _DATE.fullmatch(text.strip())
    if match is None:
        raise not_a("a date", text, "2026-01-31")
    try:
        return date(*(int(part) for part in match.groups()))
    except ValueError as error:
        raise EncodeError(f"There is no such date: {error}.") from error


def time_of(text: str) -> Written[time]:
    """Return the time of ``03:04:05.000678+01:00 fold=1``."""
    match = _TIME.fullmatch(text.strip())
    if match is None:
        raise not_a("a time", text, "23:59:01.5+01:00")
    try:
        return Written(time(*_clock(match), fold=int(match["fold"] or 0)), match["suffix"])
    except ValueError as error:
        raise EncodeError(f"There is no such time: {error}.") from error


def datetime_of(text: str) -> Written[datetime]:
    """Return the moment of ``2026-01-02 03:04:05.000678+01:00[Europe/Berlin] fold=1``; the clock may be left out."""
    match = _DATETIME.fullmatch(text.strip())
    if match is None:
        raise not_a("a date and time", text, "2026-01-31 23:59:01.5+01:00")
    day = (int(match["year"]), int(match["month"]), int(match["day"]))
    try:
        value = datetime(*day, *_clock(match), fold=int(match["fold"] or 0))  # noqa: DTZ001  # the zone stands beside it
    except ValueError as error:
        raise EncodeError(f"There is no such date or time: {error}.") from error
    return Written(value, match["suffix"])


def offset_of(text: str) -> timedelta | None:
    """Return the offset of ``+05:30`` or ``Z``; None when it is something else."""
    if text in ("Z", "z"):
        return timedelta(0)
    match = _OFFSET.fullmatch(text)
    if match is None:
        return None
    offset = _span(match)
    return -offset if match["sign"] == "-" else offset


def duration_of(text: str) -> timedelta:
    """Return the duration of ``-1 day, 0:00:05.5``, ``36:00:00`` or ``P1DT5S``."""
    given = text.strip()
    match = _SPAN.fullmatch(given) or _DURATION.fullmatch(given)
    if match is None or not given or given[-1] in "PT":
        raise not_a("a duration", text, "1 day, 2:03:04.5 or P1DT2H3M4.5S")
    try:
        if match.re is _DURATION:
            span = _span(match) + timedelta(weeks=int(match["weeks"] or 0), days=int(match["days"] or 0))
            return -span if match["sign"] == "-" else span
        clock = _span(match)
        return timedelta(int(match["days"] or 0)) + (-clock if match["sign"] == "-" else clock)
    except OverflowError as error:
        raise EncodeError("The duration is longer than 999,999,999 days.") from error


def _clock(match: re.Match[str]) -> tuple[int, int, int, int]:
    hour, minute, second = (int(match[name] or 0) for name in ("hour", "minute", "second"))
    return hour, minute, second, _micro(match["fraction"])


def _span(match: re.Match[str]) -> timedelta:
    hours, minutes, seconds = (int(match[name] or 0) for name in ("hours", "minutes", "seconds"))
    return timedelta(hours=hours, minutes=minutes, seconds=seconds, microseconds=_micro(match["fraction"]))


def _micro(digits: str | None) -> int:
    """Return the microseconds of the digits behind the point."""
    return int((digits or "").ljust(6, "0"))
