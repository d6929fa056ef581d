"""date, time, datetime and timedelta, from the packed states that pickles of Python 2 and 3 hold."""

from datetime import date, datetime, time, timedelta
from typing import ClassVar

from app.codecs.known.base import Known, KnownType, PlainText, Preview
from app.codecs.known.shape import Shape, integers, octets
from app.codecs.known.zones import Zone, duration, zone_of
from app.codecs.nodes import Kind, PickleNodes
from app.codecs.screen import escape_text

_FOLD = 0x80
"""The bit of the month, or of a time's hour, that says *the second of two equal wall times*."""


class Dates(KnownType):
    """Four bytes: year, month, day."""

    names: ClassVar[tuple[str, ...]] = ("datetime.date",)

    def describe(self, nodes: PickleNodes, shape: Shape, preview: Preview) -> Known | None:
        fields = _fields(nodes, shape, 4)
        if fields is None or len(shape.args) not in (1, 3):
            return None
        try:
            value = date(*fields).isoformat()
        except (ValueError, TypeError, OverflowError):
            return None
        return Known("datetime.date", value, PlainText(value))


class Times(KnownType):
    """Six bytes: hour, minute, second, microseconds; then the time zone."""

    names: ClassVar[tuple[str, ...]] = ("datetime.time",)

    def describe(self, nodes: PickleNodes, shape: Shape, preview: Preview) -> Known | None:
        fields = _fields(nodes, shape, 6)
        zone = _zone(nodes, shape)
        if fields is None or zone is None:
            return None
        fold = _take_fold(fields, 0)
        try:
            hour, minute, second, microsecond = _filled(fields, 4)
            value = time(hour, minute, second, microsecond).isoformat() + zone.suffix
        except (ValueError, TypeError, OverflowError):
            return None
        return Known("datetime.time", escape_text(value) + _fold_text(fold=fold), PlainText(value))


class DateTimes(KnownType):
    """Ten bytes: year, month, day, hour, minute, second, microseconds; then the time zone."""

    names: ClassVar[tuple[str, ...]] = ("datetime.datetime",)

    def describe(self, nodes: PickleNodes, shape: Shape, preview: Preview) -> Known | None:
        fields = _fields(nodes, shape, 10)
        zone = _zone(nodes, shape)
        if fields is None or zone is None:
            return None
        fold = _take_fold(fields, 1)
        try:
            year, month, day, hour, minute, second, microsecond = _filled(fields, 7)
            value = datetime(year, month, day, hour, minute, second, microsecond)  # noqa: DTZ001  # zone: the suffix
        except (ValueError, TypeError, OverflowError):
            return None
        iso = value.isoformat() + zone.suffix
        shown = escape_text(iso.replace("T", " ", 1)) + _fold_text(fold=fold)
        return Known("datetime.datetime", shown, PlainText(iso))


class TimeDeltas(KnownType):
    """Called with days, seconds and microseconds."""

    names: ClassVar[tuple[str, ...]] = ("datetime.timedelta",)

    def describe(self, nodes: PickleNodes, shape: Shape, preview: Preview) -> Known | None:
        value = duration(nodes, shape)
        if value is None:
            return None
        return Known("datetime.timedelta", str(value), PlainText(duration_text(value)))


def duration_text(value: timedelta) -> str:
    """Return the ISO 8601 duration, as in ``P5DT3S`` or ``-PT0.5S``."""
    sign, rest = ("-", -value) if value < timedelta(0) else ("", value)
    minutes, seconds = divmod(rest.seconds, 60)
    hours, minutes = divmod(minutes, 60)
    fraction = f".{rest.microseconds:06d}".rstrip("0").rstrip(".")
    clock = (f"{hours}H" if hours else "") + (f"{minutes}M" if minutes else "")
    if seconds or fraction:
        clock += f"{seconds}{fraction}S"
    days = f"{rest.days}D" if rest.days else ""
    return f"{sign}P{days}T{clock}" if clock else f"{sign}P{days}" if days else "PT0S"


def _fields(nodes: PickleNodes, shape: Shape, size: int) -> list[int] | None:
    """Return the numbers of a packed state of ``size`` bytes, or those that the class is called with."""
    if not shape.args or not shape.is_bare_call:
        return None
    if nodes.kind(shape.args[0]) in (Kind.INT, Kind.LONG):
        return integers(nodes, [slot for slot in shape.args if nodes.kind(slot) is not Kind.OBJECT])
    state = octets(nodes, shape.args[0], size)
    if state is None:
        return None
    fields = [] if size == 6 else [int.from_bytes(state[:2], "big"), state[2], state[3]]
    if size > 4:
        clock = state[-6:]
        fields += [*clock[:3], int.from_bytes(clock[3:], "big")]
    return fields


def _filled(fields: list[int], count: int) -> list[int]:
    """Return the fields with zeros for what a call left out."""
    return fields + [0] * (count - len(fields))


def _take_fold(fields: list[int], place: int) -> bool:
    """Tell whether the fold bit is set, and clear it."""
    if len(fields) <= place or not _FOLD <= fields[place] <= 0xFF:
        return False
    fields[place] -= _FOLD
    return True


def _fold_text(*, fold: bool) -> str:
    return " fold=1" if fold else ""


def _zone(nodes: PickleNodes, shape: Shape) -> Zone | None:
    """Return the zone behind the state, an empty one when there is none, None when something else stands there."""
    if len(shape.args) <= 1 or nodes.kind(shape.args[-1]) in (Kind.INT, Kind.LONG, Kind.NONE):
        return Zone(None)
    return zone_of(nodes, shape.args[-1])


TYPES: tuple[KnownType, ...] = (Dates(), Times(), DateTimes(), TimeDeltas())
