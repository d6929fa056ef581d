"""pandas' Series, DataFrame, indexes and moments: how many there are of what, where the pickle tells."""

from datetime import timedelta
from typing import ClassVar

from app.codecs.known.base import Known, KnownType, Patches, PlainText, Preview, type_name
from app.codecs.known.columns import INDEX_MAKERS, Column, Columns, array_class
from app.codecs.known.datetimes import duration_text
from app.codecs.known.frames import frame_of
from app.codecs.known.moment_texts import duration_of
from app.codecs.known.packed_moments import moment_count, moment_text
from app.codecs.known.replacing import int_patch, not_a
from app.codecs.known.shape import Shape, class_name, integer, state_attributes
from app.codecs.known.zones import Zone, zone_of
from app.codecs.model import Style
from app.codecs.nodes import PickleNodes
from app.codecs.screen import ELLIPSIS, escape_text
from app.errors import EncodeError

_UNITS = {7: "s", 8: "ms", 9: "us", 10: "ns"}
_SHOWN = 8
_INT64 = range(-(1 << 63) + 1, 1 << 63)
_PER_SECOND = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}


class Timestamps(KnownType):
    """Called with a count of a unit since 1970, a frequency, a time zone and the unit's number."""

    names: ClassVar[tuple[str, ...]] = (
        "pandas._libs.tslibs.timestamps._unpickle_timestamp",
        "pandas._libs.tslibs.timestamps.Timestamp",
        "pandas._libs.tslib.Timestamp",
        "pandas.tslib.Timestamp",
    )

    editor: ClassVar[str] = "datetime"

    def describe(self, nodes: PickleNodes, shape: Shape, preview: Preview) -> Known | None:
        value = self._value(nodes, shape)
        return Known("pandas.Timestamp", escape_text(value.replace("T", " ", 1)), PlainText(value)) if value else None

    def _value(self, nodes: PickleNodes, shape: Shape) -> str | None:
        if not shape.is_bare_call or not 1 <= len(shape.args) <= 4:
            return None
        count, unit = integer(nodes, shape.args[0]), _unit(nodes, shape.args[3:])
        if count is None or unit is None:
            return None
        zone = _zone(nodes, shape)
        moment = _wall_time(count, unit, zone)
        return moment + (zone.suffix if zone else "") if moment else None

    def literal(self, nodes: PickleNodes, shape: Shape) -> str | None:
        value = self._value(nodes, shape)
        return escape_text(value.replace("T", " ", 1)) if value else None

    def replaced(self, nodes: PickleNodes, shape: Shape, text: str, style: Style) -> Patches:
        """Return another count of the unit; the time zone stays."""
        zone, unit = _zone(nodes, shape), _unit(nodes, shape.args[3:]) or "ns"
        suffix = escape_text(("Z" if zone.offset is None else "") + zone.suffix) if zone else ""
        count = moment_count(text.strip().removesuffix(suffix), unit)
        if count is None or not text.strip().endswith(suffix):
            raise not_a(f"a date and time in {unit}", text, f"2026-01-31 23:59:01{suffix}")
        if zone is not None and zone.offset is not None:
            count -= zone.offset // timedelta(seconds=1) * _PER_SECOND[unit]
        if count not in _INT64:
            raise EncodeError(f"{text.strip()} is too far from 1970 to be counted in {unit}.")
        return int_patch(nodes, shape.args[0], count, style)


class NotATimes(KnownType):
    """The missing moment."""

    names: ClassVar[tuple[str, ...]] = tuple(
        f"{module}.{name}"
        for module in ("pandas._libs.tslibs.nattype", "pandas._libs.tslib", "pandas.tslib")
        for name in ("_nat_unpickle", "__nat_unpickle")
    )

    def describe(self, nodes: PickleNodes, shape: Shape, preview: Preview) -> Known | None:
        return Known("pandas.NaT", "NaT", PlainText("NaT"))


class Timedeltas(KnownType):
    """Called with a count of a unit and the unit's number; with nanoseconds alone before pandas 1.5."""

    names: ClassVar[tuple[str, ...]] = (
        "pandas._libs.tslibs.timedeltas._timedelta_unpickle",
        "pandas._libs.tslibs.timedeltas.Timedelta",
        "pandas._libs.tslib.Timedelta",
        "pandas.tslib.Timedelta",
    )
    editor: ClassVar[str] = "timedelta"

    def literal(self, nodes: PickleNodes, shape: Shape) -> str | None:
        known = self.describe(nodes, shape, str)
        return known.text if known is not None and known.plain is not None else None

    def replaced(self, nodes: PickleNodes, shape: Shape, text: str, style: Style) -> Patches:
        unit = _unit(nodes, shape.args[1:]) or "ns"
        count, rest = divmod(duration_of(text) // timedelta(microseconds=1) * _PER_SECOND[unit], 10**6)
        if rest or count not in _INT64:
            raise EncodeError(f"{escape_text(text.strip())} cannot be counted in {unit}.")
        return int_patch(nodes, shape.args[0], count, style)

    def describe(self, nodes: PickleNodes, shape: Shape, preview: Preview) -> Known | None:
        count = integer(nodes, shape.args[0]) if 1 <= len(shape.args) <= 2 and shape.is_bare_call else None
        unit = _unit(nodes, shape.args[1:])
        if count is None or unit is None:
            return None
        microseconds, rest = divmod(count * 10**9 // _PER_SECOND[unit], 1000)
        try:
            value = timedelta(microseconds=microseconds)
        except OverflowError:
            return None
        if not rest:
            return Known("pandas.Timedelta", str(value), PlainText(duration_text(value)))
        return Known("pandas.Timedelta", f"{value}{'' if value.microseconds else '.000000'}{rest:03d}")


class Indexes(KnownType):
    """Called with a class and a dict of its data."""

    names: ClassVar[tuple[str, ...]] = INDEX_MAKERS

    def describe(self, nodes: PickleNodes, shape: Shape, preview: Preview) -> Known | None:
        labels = Columns(nodes, preview).of_index(shape)
        if labels is None:
            return None
        name = _public(class_name(nodes, shape.args[0])) or "pandas.Index"
        return Known(name, f"{labels.length:,} labels: {_listed(labels)}")


class OwnArrays(KnownType):
    """pandas' own arrays: categories, missing values, texts, moments in a time zone."""

    names: ClassVar[tuple[str, ...]] = (
        "pandas._libs.arrays.__pyx_unpickle_NDArrayBacked",
        "pandas._libs.tslibs.period.__pyx_unpickle_PeriodMixin",
        *(
            f"{module}.{name}"
            for module, names in {
                "pandas": ("Categorical",),
                "pandas.arrays": ("IntegerArray", "FloatingArray", "BooleanArray", "DatetimeArray", "TimedeltaArray"),
                "pandas.core.categorical": ("Categorical",),
                "pandas.core.arrays.categorical": ("Categorical",),
                "pandas.core.arrays.integer": ("IntegerArray",),
                "pandas.core.arrays.floating": ("FloatingArray",),
                "pandas.core.arrays.boolean": ("BooleanArray",),
                "pandas.core.arrays.datetimes": ("DatetimeArray",),
                "pandas.core.arrays.timedeltas": ("TimedeltaArray",),
            }.items()
            for name in names
        ),
    )

    def describe(self, nodes: PickleNodes, shape: Shape, preview: Preview) -> Known | None:
        column = Columns(nodes, preview).of_array(shape)
        if column is None:
            return None
        name = _public(array_class(nodes, shape))
        return Known(name, f"{column.length:,} values: {column.dtype} [{_listed(column)}]")


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
        frame = frame_of(nodes, manager, preview) if manager is not None else None
        if frame is None:
            return None
        return Known(_public(shape.name), frame.line, lines=frame.table)


def _listed(column: Column) -> str:
    shown = column.first(_SHOWN)
    return ", ".join([*shown, ELLIPSIS] if column.length > len(shown) else shown)


def _zone(nodes: PickleNodes, shape: Shape) -> Zone | None:
    return zone_of(nodes, shape.args[2]) if len(shape.args) > 2 else None


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


TYPES: tuple[KnownType, ...] = (Timestamps(), NotATimes(), Timedeltas(), Indexes(), OwnArrays(), Frames())
