"""Time zones: the standard library's, pytz's and dateutil's, by name and offset alone.

No time zone database is asked: a key from the file never becomes part of a path.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import ClassVar

from app.codecs.known.base import Known, KnownType, Patches, PlainText, Preview, type_name
from app.codecs.known.makers.call import int_atom
from app.codecs.known.moment_texts import offset_of
from app.codecs.known.replacing import arguments_patch, int_patches, not_a, text_patch
from app.codecs.known.shape import Shape, integer, integers, shape_of, state_attributes, text
from app.codecs.known.states import checked_zone_key
from app.codecs.model import Style
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
    return read(nodes, shape)


def _utc(nodes: PickleNodes, shape: Shape) -> Zone | None:
    """Return UTC whatever stands in its state: there is only one."""
    return Zone(timedelta(0))


def _timezone(nodes: PickleNodes, shape: Shape) -> Zone | None:
    args = shape.args
    offset = timedelta_of(nodes, args[0]) if 1 <= len(args) <= 2 else None
    if offset is None or abs(offset) >= _DAY:
        return None
    name = text(nodes, args[1]) if len(args) == 2 else ""
    return None if name is None else Zone(offset, name)


def _zone_info(nodes: PickleNodes, shape: Shape) -> Zone | None:
    args = shape.args
    name = text(nodes, args[0]) if 1 <= len(args) <= 2 else None
    return Zone(None, name) if name else None


def _pytz(nodes: PickleNodes, shape: Shape) -> Zone | None:
    """Return the zone of ``_p(name)`` or ``_p(name, offset in seconds, daylight saving, abbreviation)``."""
    args = shape.args
    name = text(nodes, args[0]) if args else None
    if not name:
        return None
    fixed = _fixed(integer(nodes, args[1]), _SECOND) if len(args) > 1 else None
    return Zone(fixed.offset if fixed else None, name)


def _pytz_fixed(nodes: PickleNodes, shape: Shape) -> Zone | None:
    args = shape.args
    return _fixed(integer(nodes, args[0]), timedelta(minutes=1)) if args else None


def _dateutil_offset(nodes: PickleNodes, shape: Shape) -> Zone | None:
    """Return the zone of ``tzoffset(name, seconds)``: a number, a timedelta, or one in the state."""
    state = state_attributes(nodes, shape) or {}
    slot = shape.args[1] if len(shape.args) == 2 else state.get("_offset", -1)
    if slot < 0:
        return None
    offset = timedelta_of(nodes, slot)
    return _fixed(integer(nodes, slot) if offset is None else offset // _SECOND, _SECOND)


def _dateutil_file(nodes: PickleNodes, shape: Shape) -> Zone | None:
    """Return the zone of a file of the time zone database, by the name that it was asked for."""
    name = text(nodes, shape.args[1]) if len(shape.args) > 1 else None
    return Zone(None, name) if name else None


def _dateutil_text(nodes: PickleNodes, shape: Shape) -> Zone | None:
    """Return the zone of a text such as ``EST5EDT``."""
    state = state_attributes(nodes, shape) or {}
    name = text(nodes, state["_s"]) if "_s" in state else None
    return Zone(None, name) if name else None


def _local(nodes: PickleNodes, shape: Shape) -> Zone | None:
    return Zone(None, "local time")


def _fixed(count: int | None, unit: timedelta) -> Zone | None:
    if count is None or abs(count) >= _DAY // unit:
        return None
    return Zone(count * unit)


_READERS: dict[str, Callable[[PickleNodes, Shape], Zone | None]] = {
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
    "pytz.FixedOffset": _pytz_fixed,
    "dateutil.tz.tzoffset": _dateutil_offset,
    "dateutil.tz.tz.tzoffset": _dateutil_offset,
    "dateutil.tz.tzfile": _dateutil_file,
    "dateutil.tz.tz.tzfile": _dateutil_file,
    "dateutil.tz._tzfile._unpickle": _dateutil_file,
    "dateutil.tz.tzstr": _dateutil_text,
    "dateutil.tz.tz.tzstr": _dateutil_text,
    "dateutil.tz.tzlocal": _local,
    "dateutil.tz.tz.tzlocal": _local,
}


class Zones(KnownType):
    """Every time zone that `zone_of` reads."""

    names: ClassVar[tuple[str, ...]] = tuple(_READERS)
    editor: ClassVar[str] = "timezone"

    def describe(self, nodes: PickleNodes, shape: Shape, preview: Preview) -> Known | None:
        zone = _known_zone(nodes, shape)
        if zone is None:
            return None
        name = type_name(shape.name.removesuffix("._unpickle"))
        return Known(name, escape_text(zone.title), PlainText(zone.title))

    def literal(self, nodes: PickleNodes, shape: Shape) -> str | None:
        zone = _known_zone(nodes, shape)
        if zone is None or not (_is_zone_info(shape) or (shape.name == "datetime.timezone" and len(shape.args) == 1)):
            return None
        return escape_text(zone.title)

    def replaced(self, nodes: PickleNodes, shape: Shape, text: str, style: Style) -> Patches:
        if _is_zone_info(shape):
            return text_patch(nodes, shape.args[0], checked_zone_key(text.strip()))
        rest = text.strip().removeprefix("UTC")
        offset = offset_of(rest) if rest else timedelta(0)
        if offset is None or abs(offset) >= _DAY:
            raise not_a("an offset", text, "UTC+01:00")
        if offset == timedelta_of(nodes, shape.args[0]):
            return {}
        inner = shape_of(nodes, shape.args[0])
        numbers = (offset.days, offset.seconds, offset.microseconds)
        if len(inner.args) < len(numbers):
            return arguments_patch(inner, [int_atom(number, style) for number in numbers])
        return int_patches(nodes, inner.args, numbers, style)


def _is_zone_info(shape: Shape) -> bool:
    return "zoneinfo.ZoneInfo" in shape.name


TYPES: tuple[KnownType, ...] = (Zones(),)
