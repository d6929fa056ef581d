"""Columns of pandas: numpy's arrays, and pandas' own around them (categories, missing values, time zones)."""

from collections.abc import Callable
from dataclasses import dataclass

from app.codecs.known.base import Preview
from app.codecs.known.dtypes import ObjectType
from app.codecs.known.ndarrays import NdArray, read_array
from app.codecs.known.packed import offset_of
from app.codecs.known.shape import Shape, attributes, class_name, integer, memory, sequence, shape_of, text
from app.codecs.known.zones import zone_of
from app.codecs.nodes import Kind, PickleNodes
from app.codecs.screen import escape_text

_NEAR = 1 << 16
"""Bytes at the start of an array that are decoded by themselves; for what lies behind, all of it is."""

_MAX_AXIS = 1 << 62
INDEX_MAKERS = (
    "pandas.core.indexes.base._new_Index",
    "pandas.core.indexes.datetimes._new_DatetimeIndex",
    "pandas.core.indexes.timedeltas._new_TimedeltaIndex",
    "pandas.core.indexes.period._new_PeriodIndex",
    "pandas.core.indexes.interval._new_IntervalIndex",
    "pandas.indexes.base._new_Index",
    "pandas.tseries.index._new_DatetimeIndex",
    "pandas.core.index._new_Index",
)
"""Functions that make indexes."""

_VALUES = ("_ndarray", "_data", "_codes")
_NAMES = {"CategoricalDtype": "category", "BooleanDtype": "boolean", "StringDtype": "string", "PeriodDtype": "period"}
_MISSING = "<NA>"
_MOST_LEVELS = 16


@dataclass(frozen=True, slots=True)
class Column:
    """Values of one type: ``text`` returns one for the screen by its position."""

    dtype: str
    length: int
    text: Callable[[int], str]

    def first(self, count: int) -> list[str]:
        return [self.text(place) for place in range(min(count, self.length))]


@dataclass(frozen=True, slots=True)
class Columns:
    """Reads columns. ``depth`` bounds how often one stands in another: labels in categories, levels in an index."""

    nodes: PickleNodes
    preview: Preview
    depth: int = 4

    def _deeper(self, levels: int = 1) -> "Columns":
        return Columns(self.nodes, self.preview, self.depth - levels)

    def at(self, slot: int, row: int = 0) -> Column | None:
        """Return the values of an array, or of row ``row`` of one with two axes; None when they cannot be read."""
        array = read_array(self.nodes, slot)
        if array is not None:
            return self._plain(array, row)
        if self.nodes.kind(slot) is not Kind.OBJECT or self.depth <= 0:
            return None
        shape = shape_of(self.nodes, slot)
        return self._deeper().of_index(shape) if shape.name in INDEX_MAKERS else self.of_array(shape, row)

    def of_array(self, shape: Shape, row: int = 0) -> Column | None:
        """Return the values of pandas' own array around one of numpy."""
        members = self._members(shape)
        values = next((members[name] for name in _VALUES if name in members), -1)
        column = self._deeper().at(values, row) if values >= 0 else None
        return self._wrapped(column, members) if column is not None else None

    def labels(self, slot: int) -> Column | None:
        """Return the labels of an index."""
        is_object = self.nodes.kind(slot) is Kind.OBJECT
        return self.of_index(shape_of(self.nodes, slot)) if is_object else None

    def of_index(self, shape: Shape) -> Column | None:
        """Return the labels of an index whose shape is known."""
        made_by_call = shape.name in INDEX_MAKERS and len(shape.args) == 2
        data = attributes(self.nodes, shape.args[1]) if made_by_call and self.depth > 0 else None
        if data is None:
            return None
        if {"start", "stop", "step"} <= data.keys():
            return self._range(data)
        if "levels" in data:
            return self._levels(data)
        if {"left", "right"} <= data.keys():
            return self._intervals(data)
        return self._deeper().at(data["data"]) if "data" in data else None

    def _plain(self, array: NdArray, row: int) -> Column | None:
        if len(array.shape) not in (1, 2) or (len(array.shape) == 2 and not 0 <= row < array.shape[0]):
            return None
        first = row * array.shape[1] if len(array.shape) == 2 else 0
        name = escape_text(array.element.name)
        return Column(name, array.shape[-1], lambda place: self._element(array, first + place))

    def _element(self, array: NdArray, number: int) -> str:
        if isinstance(array.element, ObjectType):
            place = offset_of(array.shape, 1, number, by_columns=array.by_columns)
            return self.preview(self.nodes.items(array.content, place, 1)[0])
        size = array.element.size
        start = offset_of(array.shape, size, number, by_columns=array.by_columns)
        if start + size <= _NEAR:
            return array.element.text(memory(self.nodes, array.content, start + size), start)
        return array.element.text(bytes(self.nodes.view(array.content)[start : start + size]), 0)

    def _members(self, shape: Shape) -> dict[str, int]:
        """Return the attributes of pandas' own array by name, however its class saves them."""
        found: dict[str, int] = {}
        for state in shape.states:
            for part in sequence(self.nodes, state, 4) or [state]:
                found.update(attributes(self.nodes, part) or {})
                if self.nodes.kind(part) is Kind.OBJECT:
                    found.setdefault("_data" if read_array(self.nodes, part) is not None else "_dtype", part)
        return found

    def _wrapped(self, column: Column, members: dict[str, int]) -> Column:
        """Return a column with its categories, its missing values or its time zone."""
        nodes = self.nodes
        dtype = members.get("_dtype", -1)
        shape = shape_of(nodes, dtype) if dtype >= 0 and nodes.kind(dtype) is Kind.OBJECT else Shape("", -1)
        inside = {name: slot for state in shape.states for name, slot in (attributes(nodes, state) or {}).items()}
        categories = inside.get("categories", members.get("_categories", -1))
        if categories >= 0 and (labels := self._deeper().labels(categories)) is not None:
            return Column("category", column.length, lambda place: _category(labels, column.text(place)))
        if "_mask" in members and (mask := self._deeper().at(members["_mask"])) is not None:
            name = _dtype_name(shape) or column.dtype.capitalize()
            return Column(name, column.length, lambda place: _unless(mask, place, column))
        if "tz" in inside and (zone := zone_of(nodes, inside["tz"])) is not None:
            name = f"{column.dtype.rstrip(']')}, {escape_text(zone.title)}]"
            return Column(name, column.length, lambda place: _in_utc(column.text(place)))
        return Column(_dtype_name(shape) or column.dtype, column.length, column.text)

    def _range(self, data: dict[str, int]) -> Column | None:
        start, stop, step = (integer(self.nodes, data[name]) for name in ("start", "stop", "step"))
        if start is None or stop is None or not step or max(abs(start), abs(stop), abs(step)) > _MAX_AXIS:
            return None
        labels = range(start, stop, step)
        return Column("int64", len(labels), lambda place: str(labels[place]))

    def _levels(self, data: dict[str, int]) -> Column | None:
        """Return the labels of a MultiIndex: a code for each level, which has the labels themselves."""
        codes = [sequence(self.nodes, data[name], _MOST_LEVELS) for name in ("codes", "labels") if name in data]
        levels = sequence(self.nodes, data["levels"], _MOST_LEVELS)
        if not codes or not codes[0] or not levels or len(codes[0]) != len(levels):
            return None
        inner = self._deeper(2)
        numbers = [inner.at(slot) for slot in codes[0]]
        labels = [inner.labels(slot) for slot in levels]
        columns = [(one, other) for one, other in zip(numbers, labels, strict=True) if one and other]
        if len(columns) != len(levels) or len({one.length for one, _ in columns}) != 1:
            return None

        def shown(place: int) -> str:
            return f"({', '.join(_category(names, code.text(place)) for code, names in columns)})"

        return Column("object", columns[0][0].length, shown)

    def _intervals(self, data: dict[str, int]) -> Column | None:
        left, right = (self._deeper().labels(data[side]) for side in ("left", "right"))
        if left is None or right is None or left.length != right.length:
            return None
        closed = text(self.nodes, data["closed"]) if "closed" in data else "right"
        start = "[" if closed in ("left", "both") else "("
        end = "]" if closed in ("right", "both") else ")"
        return Column("interval", left.length, lambda place: f"{start}{left.text(place)}, {right.text(place)}{end}")


def _dtype_name(shape: Shape) -> str:
    """Return what pandas calls a type by its class; empty for numpy's."""
    name = shape.name.rpartition(".")[2]
    return escape_text(_NAMES.get(name, name.removesuffix("Dtype"))) if name.endswith("Dtype") else ""


def _category(labels: Column, code: str) -> str:
    digits = code.removeprefix("-")
    place = int(code) if digits.isascii() and digits.isdigit() else -1
    return labels.text(place) if 0 <= place < labels.length else "NaN"


def _unless(mask: Column, place: int, column: Column) -> str:
    return _MISSING if place < mask.length and mask.text(place) == "True" else column.text(place)


def _in_utc(moment: str) -> str:
    return moment if moment == "NaT" else f"{moment}Z"


def array_class(nodes: PickleNodes, shape: Shape) -> str:
    """Return the class of pandas' own array, which some functions are given as their first argument."""
    return (class_name(nodes, shape.args[0]) if shape.args else "") or shape.name
