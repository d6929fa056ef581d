"""Time zones: the standard library's, pytz's and dateutil's, by name and offset alone.

No time zone database is asked: a key from the file never becomes part of a path.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import ClassVar

from app.codecs.known.base import Known, KnownType, PlainText, Preview, type_name
from app.codecs.known.shape import Shape, integer, integers, shape_of, text
from app.codecs.nodes import Kind, PickleNodes
from app.codecs.screen import escape_text

_DAY = timedelta(days=1)
_SECOND = timedelta(seconds=1)


@dataclass(frozen=True, slots=True)
class Zone:
    """A time zone: the offset from UTC where the pickle gives one, and a name where it has one."""

    offset: timedelta | None
    name: str = ""

    @property
    def suffix(self) -> str:
        """What follows an ISO time, as in ``+01:00[Europe/Berlin]``."""
        return (offset_text(self.offset) if self.offset is not None else "") + (f"[{self.name}]" if self.name else "")

    @property
    def title(self) -> str:
        if self.name or self.offset is None:
            return self.name
        return f"UTC{offset_text(self.offset) if self.offset else ''}"


def zone_of(nodes: PickleNodes, slot: int) -> Zone | None:
    """Return the zone of a ``tzinfo``; one of an unknown class has its class as its name. None when it is no object."""
    if nodes.kind(slot) is not Kind.OBJECT:
        return None
    shape = shape_of(nodes, slot)
    return _known_zone(nodes, shape) or Zone(None, shape.name or "unknown time zone")


def timedelta_of(nodes: PickleNodes, slot: int) -> timedelta | None:
    """Return a timedelta that is built from its days, seconds and microseconds."""
    if nodes.kind(slot) is not Kind.OBJECT:
        return None
    shape = shape_of(nodes, slot)
    return duration(nodes, shape) if shape.name == "datetime.timedelta" else None


def duration(nodes: PickleNodes, shape: Shape) -> timedelta | None:
    """Return what ``timedelta(days, seconds, microseconds)`` is, when that is how it is called."""
    numbers = integers(nodes, shape.args) if shape.is_bare_call and len(shape.args) <= 3 else None
    if numbers is None:
        return None
    try:
        return timedelta(*numbers)
    except OverflowError:
        return None


def offset_text(offset: timedelta) -> str:
    """Return ``+05:30``, with seconds and microseconds only where there are any."""
    sign, rest = ("-", -offset) if offset < timedelta(0) else ("+", offset)
    minutes, seconds = divmod(rest, timedelta(minutes=1))
    text_of_seconds = f":{seconds.seconds:02d}" if seconds else ""
    fraction = f".{seconds.microseconds:06d}" if seconds.microseconds else ""
    return f"{sign}{minutes // 60:02d}:{minutes % 60:02d}{text_of_seconds}{fraction}"


def _known_zone(nodes: PickleNodes, shape: Shape) -> Zone | None:
    read = _READERS.get(shape.name)
    if read is None or shape.kwargs or shape.listitems or shape.dictitems:
        return None
    return read(nodes, shape.args)


def _utc(nodes: PickleNodes, args: tuple[int, ...]) -> Zone | None:
    return None if args else Zone(timedelta(0))


def _timezone(nodes: PickleNodes, args: tuple[int, ...]) -> Zone | None:
    offset = timedelta_of(nodes, args[0]) if 1 <= len(args) <= 2 else None
    if offset is None or abs(offset) >= _DAY:
        return None
    name = text(nodes, args[1]) if len(args) == 2 else ""
    return None if name is None else Zone(offset, name)


def _zone_info(nodes: PickleNodes, args: tuple[int, ...]) -> Zone | None:
    name = text(nodes, args[0]) if 1 <= len(args) <= 2 else None
    return Zone(None, name) if name else None


def _pytz(nodes: PickleNodes, args: tuple[int, ...]) -> Zone | None:
    """Return the zone of ``_p(name)`` or ``_p(name, offset in seconds, daylight saving, abbreviation)``."""
    name = text(nodes, args[0]) if args else None
    if not name:
        return None
    fixed = _fixed(integer(nodes, args[1]), _SECOND) if len(args) > 1 else None
    return Zone(fixed.offset if fixed else None, name)


def _pytz_fixed(nodes: PickleNodes, args: tuple[int, ...]) -> Zone | None:
    return _fixed(integer(nodes, args[0]), timedelta(minutes=1)) if args else None


def _dateutil_offset(nodes: PickleNodes, args: tuple[int, ...]) -> Zone | None:
    """Return the zone of ``tzoffset(name, seconds)``, where seconds is a number or a timedelta."""
    if len(args) != 2:
        return None
    offset = timedelta_of(nodes, args[1])
    return _fixed(integer(nodes, args[1]) if offset is None else offset // _SECOND, _SECOND)


def _fixed(count: int | None, unit: timedelta) -> Zone | None:
    if count is None or abs(count) >= _DAY // unit:
        return None
    return Zone(count * unit)


_READERS: dict[str, Callable[[PickleNodes, tuple[int, ...]], Zone | None]] = {
    "datetime.timezone": _timezone,
    "zoneinfo.ZoneInfo": _zone_info,
    "zoneinfo.ZoneInfo._unpickle": _zone_info,
    "backports.zoneinfo.ZoneInfo": _zone_info,
    "backports.zoneinfo.ZoneInfo._unpickle": _zone_info,
    "pytz._UTC": _utc,
    "pytz.UTC": _utc,
    "dateutil.tz.tzutc": _utc,
    "dateutil.tz.tz.tzutc": _utc,
    "pytz._p": _pytz,
    "pytz._FixedOffset": _pytz_fixed,
    "dateutil.tz.tzoffset": _dateutil_offset,
    "dateutil.tz.tz.tzoffset": _dateutil_offset,
}


class Zones(KnownType):
    """Every time zone that `zone_of` reads."""

    names: ClassVar[tuple[str, ...]] = tuple(_READERS)

    def describe(self, nodes: PickleNodes, shape: Shape, preview: Preview) -> Known | None:
        zone = _known_zone(nodes, shape)
        if zone is None:
            return None
        name = type_name(shape.name.removesuffix("._unpickle"))
        return Known(name, escape_text(zone.title), PlainText(zone.title))


TYPES: tuple[KnownType, ...] = (Zones(),)
