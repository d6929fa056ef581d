"""date, time, datetime and timedelta, from the packed states that pickles of Python 2 and 3 hold."""

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import ClassVar

from app.codecs.known.base import Known, KnownType, Patches, PlainText, Preview
from app.codecs.known.makers.call import int_atom
from app.codecs.known.moment_texts import date_of, datetime_of, duration_of, time_of
from app.codecs.known.replacing import arguments_patch, int_patches, octets_patch
from app.codecs.known.shape import Shape, integers, octets
from app.codecs.known.states import FOLD_PROTOCOL, date_state, datetime_state, time_state
from app.codecs.known.zone_texts import zone_written
from app.codecs.known.zones import Zone, duration, zone_of
from app.codecs.model import Atom, Style
from app.codecs.nodes import Kind, PickleNodes
from app.codecs.screen import escape_text
from app.errors import EncodeError

_INTS = (Kind.INT, Kind.LONG)
_FOLD = 0x80
"""The bit of the month, or of a time's hour, that says *the second of two equal wall times*."""


class Dates(KnownType):
    """Four bytes: year, month, day."""

    names: ClassVar[tuple[str, ...]] = ("datetime.date",)
    editor: ClassVar[str] = "date"

    def describe(self, nodes: PickleNodes, shape: Shape, preview: Preview) -> Known | None:
        value = self.literal(nodes, shape)
        return None if value is None else Known("datetime.date", value, PlainText(value))

    def literal(self, nodes: PickleNodes, shape: Shape) -> str | None:
        fields = _fields(nodes, shape, 4)
        if fields is None or len(shape.args) not in (1, 3):
            return None
        try:
            return date(*fields).isoformat()
        except (ValueError, TypeError, OverflowError):
            return None

    def replaced(self, nodes: PickleNodes, shape: Shape, text: str, style: Style) -> Patches:
        value = date_of(text)
        return _state_patches(nodes, shape, date_state(value), [value.year, value.month, value.day], style)


@dataclass(frozen=True, slots=True)
class _Moment:
    """The ISO text without a zone, the zone, and whether it is the second of two equal wall times."""

    iso: str
    zone: Zone
    fold: bool

    @property
    def text(self) -> str:
        shown = escape_text(self.iso.replace("T", " ", 1) + self.zone.suffix)
        return shown + (" fold=1" if self.fold else "")

    @property
    def plain(self) -> PlainText:
        return PlainText(self.iso + self.zone.suffix)


class _Moments(KnownType):
    """What times and datetimes have in common: a packed state, and a time zone behind it."""

    def describe(self, nodes: PickleNodes, shape: Shape, preview: Preview) -> Known | None:
        found = self._moment(nodes, shape)
        return Known(self.names[0], found.text, found.plain) if found else None

    def literal(self, nodes: PickleNodes, shape: Shape) -> str | None:
        found = self._moment(nodes, shape)
        return found.text if found else None

    def _moment(self, nodes: PickleNodes, shape: Shape) -> _Moment | None:
        raise NotImplementedError

    def _check_fold(self, nodes: PickleNodes, shape: Shape, fold: int, style: Style) -> None:
        """Refuse a fold where the pickle has no place for one."""
        if not fold or (found := self._moment(nodes, shape)) is None or found.fold:
            return
        if style.is_python2 or style.protocol < FOLD_PROTOCOL:
            raise EncodeError(f"fold=1 is only kept since protocol {FOLD_PROTOCOL}; change the protocol first.")
        if nodes.kind(shape.args[0]) in _INTS:
            raise EncodeError("This time is written as single numbers, which have no place for fold=1.")


class Times(_Moments):
    """Six bytes: hour, minute, second, microseconds; then the time zone."""

    names: ClassVar[tuple[str, ...]] = ("datetime.time",)
    editor: ClassVar[str] = "time"

    def _moment(self, nodes: PickleNodes, shape: Shape) -> _Moment | None:
        fields = _fields(nodes, shape, 6)
        zone = _zone(nodes, shape)
        if fields is None or zone is None:
            return None
        fold = _take_fold(fields, 0)
        try:
            hour, minute, second, microsecond = _filled(fields, 4)
            return _Moment(time(hour, minute, second, microsecond).isoformat(), zone, fold)
        except (ValueError, TypeError, OverflowError):
            return None

    def replaced(self, nodes: PickleNodes, shape: Shape, text: str, style: Style) -> Patches:
        written = time_of(text)
        value = written.value
        self._check_fold(nodes, shape, value.fold, style)
        numbers = [value.hour, value.minute, value.second, value.microsecond]
        patches = _state_patches(nodes, shape, time_state(value), numbers, style)
        return _with_zone(nodes, shape, patches, written.suffix, style)


class DateTimes(_Moments):
    """Ten bytes: year, month, day, hour, minute, second, microseconds; then the time zone."""

    names: ClassVar[tuple[str, ...]] = ("datetime.datetime",)
    editor: ClassVar[str] = "datetime"

    def _moment(self, nodes: PickleNodes, shape: Shape) -> _Moment | None:
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
        return _Moment(value.isoformat(), zone, fold)

    def replaced(self, nodes: PickleNodes, shape: Shape, text: str, style: Style) -> Patches:
        written = datetime_of(text)
        value = written.value
        self._check_fold(nodes, shape, value.fold, style)
        numbers = [value.year, value.month, value.day, value.hour, value.minute, value.second, value.microsecond]
        patches = _state_patches(nodes, shape, datetime_state(value), numbers, style)
        return _with_zone(nodes, shape, patches, written.suffix, style)


class TimeDeltas(KnownType):
    """Called with days, seconds and microseconds."""

    names: ClassVar[tuple[str, ...]] = ("datetime.timedelta",)
    editor: ClassVar[str] = "timedelta"

    def describe(self, nodes: PickleNodes, shape: Shape, preview: Preview) -> Known | None:
        value = duration(nodes, shape)
        if value is None:
            return None
        return Known("datetime.timedelta", str(value), PlainText(duration_text(value)))

    def literal(self, nodes: PickleNodes, shape: Shape) -> str | None:
        value = duration(nodes, shape)
        return None if value is None else str(value)

    def replaced(self, nodes: PickleNodes, shape: Shape, text: str, style: Style) -> Patches:
        value = duration_of(text)
        if value == duration(nodes, shape):
            return {}
        numbers = [value.days, value.seconds, value.microseconds]
        if any(numbers[len(shape.args) :]):
            return arguments_patch(shape, [int_atom(number, style) for number in numbers])
        return int_patches(nodes, shape.args, numbers[: len(shape.args)], style)


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
    if nodes.kind(shape.args[0]) in _INTS:
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


def _zone(nodes: PickleNodes, shape: Shape) -> Zone | None:
    """Return the zone behind the state, an empty one when there is none, None when something else stands there."""
    return zone_of(nodes, shape.args[-1]) if _has_zone(nodes, shape) else Zone(None)


def _has_zone(nodes: PickleNodes, shape: Shape) -> bool:
    return len(shape.args) > 1 and nodes.kind(shape.args[-1]) not in (*_INTS, Kind.NONE)


def _state_patches(nodes: PickleNodes, shape: Shape, state: bytes, numbers: list[int], style: Style) -> Patches:
    """Return what makes a packed state, or the numbers that the class is called with, those of another moment."""
    if nodes.kind(shape.args[0]) not in _INTS:
        return octets_patch(nodes, shape.args[0], state)
    slots = [slot for slot in shape.args if nodes.kind(slot) in _INTS]
    if any(numbers[len(slots) :]):
        raise EncodeError(f"This {shape.name} is written as {len(slots)} numbers, which have no place for all of it.")
    return int_patches(nodes, slots, numbers[: len(slots)], style)


def _with_zone(nodes: PickleNodes, shape: Shape, patches: Patches, suffix: str, style: Style) -> Patches:
    """Return the patches with one for the zone, where ``suffix`` names another than the one that is there."""
    zone = _zone(nodes, shape)
    if zone is not None and escape_text(zone.suffix) == suffix:
        return patches
    new = zone_written(suffix, style)
    if len(shape.args) > 1 and nodes.kind(shape.args[-1]) not in _INTS:
        if new is not None:
            return {**patches, shape.args[-1]: new}
        if not _has_zone(nodes, shape):
            return patches
    if nodes.kind(shape.args[0]) in _INTS:
        raise EncodeError(f"This {shape.name} is written as single numbers, which have no place for another time zone.")
    state = patches.get(shape.args[0]) or Atom(nodes.kind(shape.args[0]), nodes.scalar(shape.args[0]))
    return arguments_patch(shape, [state] if new is None else [state, new])


TYPES: tuple[KnownType, ...] = (Dates(), Times(), DateTimes(), TimeDeltas())
