"""Moments and spans of time packed in bytes as 64-bit counts of a unit, as ``datetime64`` and pandas have them."""

import re
import struct
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from app.codecs.known.packed import ElementType
from app.codecs.plain.scalars import string_json
from app.codecs.screen import escape_text, shorten
from app.errors import EncodeError

_SHOWN_CHARS = 60
_UNITS = re.compile(r"(?P<count>[+-]?\d{1,19}) ?(?P<unit>[A-Za-z]*)\Z", re.ASCII)
_MOMENT = re.compile(
    r"(?P<year>\d{4})(?:-(?P<month>\d\d)(?:-(?P<day>\d\d)"
    r"(?:[T ](?P<hour>\d\d):(?P<minute>\d\d)(?::(?P<second>\d\d)(?:\.(?P<fraction>\d{1,9}))?)?)?)?)?",
    re.ASCII,
)
_FIELDS = (("year", 1), ("month", 1), ("day", 1), ("hour", 0), ("minute", 0), ("second", 0))
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_NOT_A_TIME = -(1 << 63)
_UNITS_OF_MICROSECOND = {
    "W": 604_800_000_000,
    "D": 86_400_000_000,
    "h": 3_600_000_000,
    "m": 60_000_000,
    "s": 1_000_000,
    "ms": 1_000,
    "us": 1,
}


@dataclass(frozen=True, slots=True)
class Moment(ElementType):
    """64-bit counts of a unit: since 1970 (``is_span`` false), or of time passed."""

    name: str
    size: int
    format: str
    unit: str
    step: int
    is_span: bool

    def text(self, data: bytes, offset: int) -> str:
        count: int = struct.unpack_from(self.format, data, offset)[0]
        if count == _NOT_A_TIME:
            return "NaT"
        moment = None if self.is_span else moment_text(count * self.step, self.unit)
        return moment or f"{count * self.step} {self.unit}"

    def json(self, data: bytes, offset: int) -> str:
        return string_json(self.text(data, offset))

    def packed(self, text: str) -> bytes:
        count = _NOT_A_TIME if text.strip() == "NaT" else self._count(text.strip())
        try:
            return struct.pack(self.format, count)
        except struct.error as error:
            raise EncodeError(f"{escape_text(shorten(text, _SHOWN_CHARS))} does not fit into {self.name}.") from error

    def _count(self, text: str) -> int:
        """Return how many steps of the unit a text is: a number of units, or the ISO text of a moment."""
        number = _UNITS.match(text)
        if number is not None and number["unit"] in (self.unit, "" if self.is_span else self.unit):
            units: int | None = int(number["count"])
        else:
            units = None if self.is_span else moment_count(text, self.unit)
        if units is None:
            shown = escape_text(shorten(text, _SHOWN_CHARS)) or "Nothing"
            example = f"5 {self.unit}" if self.is_span else "2026-01-31T23:59:01"
            raise EncodeError(f"{shown} is no {self.name}; write it as {example}.")
        if units % self.step:
            raise EncodeError(f"{units} {self.unit} is no multiple of {self.step}, which {self.name} counts in.")
        return units // self.step


def moment_text(count: int, unit: str) -> str | None:
    """Return the ISO date or time that is ``count`` units after 1970; None where the calendar does not reach."""
    if unit in ("Y", "M"):
        year, month = divmod(count if unit == "M" else count * 12, 12)
        return f"{1970 + year:04d}-{month + 1:02d}" if 0 < 1970 + year < 10_000 else None
    nanoseconds = count % 1000 if unit == "ns" else 0
    microseconds = count // 1000 if unit == "ns" else count * _UNITS_OF_MICROSECOND.get(unit, 0)
    if unit != "ns" and unit not in _UNITS_OF_MICROSECOND:
        return None
    try:
        moment = (_EPOCH + timedelta(microseconds=microseconds)).replace(tzinfo=None)
    except OverflowError:
        return None
    if unit in ("W", "D"):
        return moment.date().isoformat()
    digits = f"{moment.microsecond:06d}{nanoseconds:03d}".rstrip("0")
    return moment.replace(microsecond=0).isoformat() + (f".{digits}" if digits else "")


def moment_count(text: str, unit: str) -> int | None:
    """Return how many units after 1970 an ISO date or time is; None where it is none, or between two of them."""
    match = _MOMENT.fullmatch(text)
    if match is None:
        return None
    numbers = [int(match[name] or least) for name, least in _FIELDS]
    if unit in ("Y", "M"):
        months = (numbers[0] - 1970) * 12 + numbers[1] - 1
        is_first = numbers[2:] == [1, 0, 0, 0] and not int(match["fraction"] or 0) and 1 <= numbers[1] <= 12
        return (months if unit == "M" else months // 12 if months % 12 == 0 else None) if is_first else None
    try:
        passed = datetime(*numbers, tzinfo=UTC) - _EPOCH  # type: ignore[arg-type, misc]  # six numbers
    except ValueError:
        return None
    nanoseconds = passed // timedelta(seconds=1) * 10**9 + int((match["fraction"] or "").ljust(9, "0"))
    per_unit = 1 if unit == "ns" else _UNITS_OF_MICROSECOND.get(unit, 0) * 1000
    return nanoseconds // per_unit if per_unit and nanoseconds % per_unit == 0 else None
