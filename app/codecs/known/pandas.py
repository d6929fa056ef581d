"""pandas' Series, DataFrame, indexes and moments: how many there are of what, where the pickle tells."""

from dataclasses import dataclass
from datetime import timedelta
from typing import ClassVar

from app.codecs.known.base import Known, KnownType, PlainText, Preview, type_name
from app.codecs.known.datetimes import duration_text
from app.codecs.known.ndarrays import NdArray, read_array
from app.codecs.known.packed import moment_text
from app.codecs.known.shape import Shape, attributes, class_name, integer, sequence, shape_of, state_attributes
from app.codecs.known.zones import Zone, zone_of
from app.codecs.nodes import Kind, PickleNodes
from app.codecs.screen import ELLIPSIS, escape_text

_UNITS = {7: "s", 8: "ms", 9: "us", 10: "ns"}
_SHOWN = 8
_PER_SECOND = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}
_MAX_AXIS = 1 << 62


@dataclass(frozen=True, slots=True)
class Axis:
    """An index: its length, and the texts of its first labels where they can be read."""

    length: int
    labels: tuple[str, ...] = ()

    @property
    def shown(self) -> str:
        return ", ".join([*self.labels, ELLIPSIS] if self.length > len(self.labels) else self.labels)


class Timestamps(KnownType):
    """Called with a count of a unit since 1970, a frequency, a time zone and the unit's number."""

    names: ClassVar[tuple[str, ...]] = (
        "pandas._libs.tslibs.timestamps._unpickle_timestamp",
        "pandas._libs.tslibs.timestamps.Timestamp",
        "pandas._libs.tslib.Timestamp",
        "pandas.tslib.Timestamp",
    )

    def describe(self, nodes: PickleNodes, shape: Shape, preview: Preview) -> Known | None:
        if not shape.is_bare_call or not 1 <= len(shape.args) <= 4:
            return None
        count, unit = integer(nodes, shape.args[0]), _unit(nodes, shape.args[3:])
        if count is None or unit is None:
            return None
        zone = zone_of(nodes, shape.args[2]) if len(shape.args) > 2 else None
        moment = _wall_time(count, unit, zone)
        if moment is None:
            return None
        value = moment + (zone.suffix if zone else "")
        return Known("pandas.Timestamp", escape_text(value.replace("T", " ", 1)), PlainText(value))


class NotATimes(KnownType):
    """The missing moment."""

    names: ClassVar[tuple[str, ...]] = (
        "pandas._libs.tslibs.nattype._nat_unpickle",
        "pandas._libs.tslibs.nattype.__nat_unpickle",
    )

    def describe(self, nodes: PickleNodes, shape: Shape, preview: Preview) -> Known | None:
        return Known("pandas.NaT", "NaT", PlainText("NaT"))


class Timedeltas(KnownType):
    """Called with a count of a unit and the unit's number."""

    names: ClassVar[tuple[str, ...]] = ("pandas._libs.tslibs.timedeltas._timedelta_unpickle",)

    def describe(self, nodes: PickleNodes, shape: Shape, preview: Preview) -> Known | None:
        count = integer(nodes, shape.args[0]) if len(shape.args) == 2 and shape.is_bare_call else None
        unit = _unit(nodes, shape.args[1:])
        if count is None or unit is None or (unit == "ns" and count % 1000):
            return None
        try:
            value = timedelta(microseconds=count * 10**6 // _PER_SECOND[unit])
        except OverflowError:
            return None
        return Known("pandas.Timedelta", str(value), PlainText(duration_text(value)))


class Indexes(KnownType):
    """Called with a class and a dict of its data."""

    names: ClassVar[tuple[str, ...]] = (
        "pandas.core.indexes.base._new_Index",
        "pandas.core.indexes.datetimes._new_DatetimeIndex",
    )

    def describe(self, nodes: PickleNodes, shape: Shape, preview: Preview) -> Known | None:
        axis = _axis(nodes, shape, preview)
        if axis is None:
            return None
        name = _public(class_name(nodes, shape.args[0])) or "pandas.Index"
        return Known(name, f"{axis.length:,} labels: {axis.shown}")


class Frames(KnownType):
    """A state that holds a manager of blocks with their axes; the first axis of a DataFrame is its columns."""

    names: ClassVar[tuple[str, ...]] = (
        "pandas.Series",
        "pandas.core.series.Series",
        "pandas.DataFrame",
        "pandas.core.frame.DataFrame",
    )

    def describe(self, nodes: PickleNodes, shape: Shape, preview: Preview) -> Known | None:
        state = state_attributes(nodes, shape)
        manager = state.get("_mgr", state.get("_data")) if state else None
        axes = _axes(nodes, manager, preview) if manager is not None else None
        if axes is None:
            return None
        match axes:
            case [rows]:
                text = f"{rows.length:,} rows: {rows.shown}"
            case [columns, rows]:
                text = f"{rows.length:,} rows, {columns.length:,} columns: {columns.shown}"
            case _:
                return None
        return Known(_public(shape.name), text)


def _axes(nodes: PickleNodes, manager: int, preview: Preview) -> list[Axis] | None:
    """Return the axes of a manager: in its state, or its second argument (one index, or a list of them)."""
    if nodes.kind(manager) is not Kind.OBJECT:
        return None
    shape = shape_of(nodes, manager)
    state = sequence(nodes, shape.states[0], 8) if len(shape.states) == 1 else None
    slot = state[0] if state else shape.args[1] if len(shape.args) > 1 else None
    if slot is None:
        return None
    slots = [slot] if nodes.kind(slot) is Kind.OBJECT else sequence(nodes, slot, 2)
    if slots is None or any(nodes.kind(axis) is not Kind.OBJECT for axis in slots):
        return None
    axes = [_axis(nodes, shape_of(nodes, axis), preview) for axis in slots]
    found = [axis for axis in axes if axis is not None]
    return found if len(found) == len(axes) else None


def _axis(nodes: PickleNodes, shape: Shape, preview: Preview) -> Axis | None:
    data = attributes(nodes, shape.args[1]) if shape.name in Indexes.names and len(shape.args) == 2 else None
    if data is None:
        return None
    if {"start", "stop", "step"} <= data.keys():
        return _range_axis(nodes, data)
    array = _backing_array(nodes, data["data"]) if "data" in data else None
    if array is None or len(array.shape) != 1:
        return None
    return Axis(array.count, tuple(array.first_texts(preview)))


def _range_axis(nodes: PickleNodes, data: dict[str, int]) -> Axis | None:
    start, stop, step = (integer(nodes, data[name]) for name in ("start", "stop", "step"))
    if start is None or stop is None or not step or max(abs(start), abs(stop), abs(step)) > _MAX_AXIS:
        return None
    labels = range(start, stop, step)
    return Axis(len(labels), tuple(map(str, labels[:_SHOWN])))


def _backing_array(nodes: PickleNodes, slot: int) -> NdArray | None:
    """Return a numpy array, or the one in the state of pandas' own arrays around it."""
    array = read_array(nodes, slot)
    if array is not None or nodes.kind(slot) is not Kind.OBJECT:
        return array
    for state in shape_of(nodes, slot).states:
        for part in sequence(nodes, state, 4) or ():
            if (array := read_array(nodes, part)) is not None:
                return array
    return None


def _unit(nodes: PickleNodes, slots: tuple[int, ...]) -> str | None:
    if not slots:
        return "ns"
    number = integer(nodes, slots[0])
    return None if number is None else _UNITS.get(number)


def _wall_time(count: int, unit: str, zone: Zone | None) -> str | None:
    """Return what the clock shows in a zone; in one whose offset the pickle does not give, the time in UTC with a Z."""
    if zone is None:
        return moment_text(count, unit)
    if zone.offset is None:
        moment = moment_text(count, unit)
        return f"{moment}Z" if moment else None
    return moment_text(count + zone.offset // timedelta(seconds=1) * _PER_SECOND[unit], unit)


def _public(name: str) -> str:
    """Return ``pandas.Series`` for ``pandas.core.series.Series``."""
    return f"pandas.{name.rpartition('.')[2]}" if name.startswith("pandas.") else type_name(name)


TYPES: tuple[KnownType, ...] = (Timestamps(), NotATimes(), Timedeltas(), Indexes(), Frames())
