"""DataFrames and Series as pandas of all versions saves them: axes, and blocks of columns of one type."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from app.codecs.known.base import Preview
from app.codecs.known.columns import Column, Columns
from app.codecs.known.ndarrays import read_array
from app.codecs.known.shape import Shape, attributes, integers, sequence, shape_of
from app.codecs.nodes import Kind, PickleNodes
from app.codecs.screen import ELLIPSIS, shorten
from app.errors import CodecError

_MOST_COLUMNS = 24
_MOST_ROWS = 60
_MOST_BLOCKS = 1_000
_MOST_PLACES = 10_000
_CELL_CHARS = 24
_FIRST = 3
"""Values of a column that a line shows."""

_IN_LINE = 8
"""Columns and labels that a line shows."""

_UNPICKLE_BLOCK = "_unpickle_block"
_INTS = frozenset(f"{sign}int{bits}" for sign in ("", "u") for bits in (8, 16, 32, 64))


@dataclass(frozen=True, slots=True)
class Block:
    """Columns of one type: ``places`` are their positions in the frame, in the order of the rows of ``values``."""

    values: int
    places: Sequence[int]


@dataclass(frozen=True, slots=True)
class Frame:
    """The axes and blocks of a DataFrame; a Series has no ``labels`` and one column."""

    columns: Columns
    labels: Column | None
    index: Column
    blocks: Sequence[Block]

    @property
    def width(self) -> int:
        return 1 if self.labels is None else self.labels.length

    def column(self, place: int) -> Column | None:
        """Return the column at a position; None where its values cannot be read."""
        for block in self.blocks:
            if self.labels is None:
                return self.columns.at(block.values)
            if place in block.places:
                return self.columns.at(block.values, block.places.index(place))
        return None

    @property
    def line(self) -> str:
        """What a row shows: sizes, and for the first columns their names, types and first values."""
        if self.labels is None:
            return f"{self.index.length:,} rows: {_listed(self.index, _IN_LINE)}{self._values_of_series()}"
        shown = [self._in_line(place) for place in range(min(self.width, _IN_LINE))]
        more = [ELLIPSIS] if self.width > len(shown) else []
        columns = ", ".join([*shown, *more])
        return f"{self.index.length:,} rows, {self.width:,} columns{': ' if columns else ''}{columns}"

    def _values_of_series(self) -> str:
        column = self.column(0)
        return "" if column is None or not column.length else f" = {column.dtype} [{_listed(column, _IN_LINE)}]"

    def _in_line(self, place: int) -> str:
        column = self.column(place)
        name = self.labels.text(place) if self.labels is not None else ""
        return name if column is None else f"{name} {column.dtype} [{_listed(column, _FIRST)}]"

    def table(self) -> Iterator[str]:
        """Yield the lines of a table: names, types and first rows of the first columns."""
        width = min(self.width, _MOST_COLUMNS)
        height = min(self.index.length, _MOST_ROWS)
        columns = [self._cells(place, height) for place in range(width)]
        table = [["", "", *_first(self.index, height)], *columns]
        widths = [max(map(len, map(_cell, column))) for column in table]
        for row in range(height + 2):
            padded = (_cell(column[row]).ljust(size) for column, size in zip(table, widths, strict=True))
            yield "  ".join(padded).rstrip()
        if self.index.length > height or self.width > width:
            yield f"{ELLIPSIS} {self.index.length:,} rows, {self.width:,} columns"

    def _cells(self, place: int, height: int) -> list[str]:
        column = self.column(place)
        name = self.labels.text(place) if self.labels is not None else ""
        if column is None:
            return [name, "?", *["?"] * height]
        return [name, column.dtype, *_first(column, height)]


def frame_of(nodes: PickleNodes, manager: int, preview: Preview) -> Frame | None:
    """Return what a manager of blocks holds; None when its axes cannot be read."""
    if nodes.kind(manager) is not Kind.OBJECT:
        return None
    shape = shape_of(nodes, manager)
    state = sequence(nodes, shape.states[0], 8) if len(shape.states) == 1 else None
    slot = state[0] if state else shape.args[1] if len(shape.args) > 1 else None
    if slot is None:
        return None
    slots = [slot] if nodes.kind(slot) is Kind.OBJECT else sequence(nodes, slot, 2)
    columns = Columns(nodes, preview)
    axes = [columns.labels(axis) for axis in slots or ()]
    blocks = _saved_blocks(nodes, state) if state else _given_blocks(nodes, shape)
    match axes:
        case [Column() as index]:
            return Frame(columns, None, index, blocks)
        case [Column() as labels, Column() as index]:
            return Frame(columns, labels, index, blocks)
    return None


def _saved_blocks(nodes: PickleNodes, state: list[int]) -> list[Block]:
    """Return the blocks of a state: since pandas 0.14 a fourth item tells where their columns stand."""
    saved = attributes(nodes, state[3]) if len(state) > 3 else None
    newest = attributes(nodes, saved["0.14.1"]) if saved and "0.14.1" in saved else None
    found = sequence(nodes, newest["blocks"], _MOST_BLOCKS) if newest and "blocks" in newest else None
    if found is None:
        values = sequence(nodes, state[1], 1) if len(state) > 1 else None
        return [Block(values[0], range(1))] if values else []
    blocks = [attributes(nodes, slot) or {} for slot in found]
    return _blocks(
        nodes, [(each["values"], each["mgr_locs"]) for each in blocks if {"values", "mgr_locs"} <= each.keys()]
    )


def _given_blocks(nodes: PickleNodes, shape: Shape) -> list[Block]:
    """Return the blocks that a manager is called with: one, or a tuple of them."""
    slots = (
        [shape.args[0]] if nodes.kind(shape.args[0]) is Kind.OBJECT else sequence(nodes, shape.args[0], _MOST_BLOCKS)
    )
    calls = [shape_of(nodes, slot) for slot in slots or () if nodes.kind(slot) is Kind.OBJECT]
    found = [call.args for call in calls if call.name.endswith(_UNPICKLE_BLOCK) and len(call.args) >= 2]
    return _blocks(nodes, [(args[0], args[1]) for args in found])


def _blocks(nodes: PickleNodes, found: list[tuple[int, int]]) -> list[Block]:
    """Return blocks of the slots of their values and positions, as long as the positions are not too many."""
    blocks: list[Block] = []
    left = _MOST_PLACES
    for values, placement in found:
        places = _places(nodes, placement, left)
        left -= 0 if isinstance(places, range) else len(places)
        blocks.append(Block(values, places))
    return blocks


def _places(nodes: PickleNodes, slot: int, most: int) -> Sequence[int]:
    """Return the positions of a slice, of an array of them, or of pandas' object around one."""
    if nodes.kind(slot) is not Kind.OBJECT:
        return ()
    shape = shape_of(nodes, slot)
    if shape.name.endswith("BlockPlacement") and len(shape.args) == 1:
        slot = shape.args[0]
        shape = shape_of(nodes, slot) if nodes.kind(slot) is Kind.OBJECT else Shape("", -1)
    if shape.name in ("builtins.slice", "__builtin__.slice") and len(shape.args) == 3:
        numbers = integers(nodes, [arg for arg in shape.args if nodes.kind(arg) is not Kind.NONE])
        if numbers is not None and len(numbers) in (2, 3) and (len(numbers) == 2 or numbers[2]):
            return range(*numbers)
    array = read_array(nodes, slot)
    column = Columns(nodes, str).at(slot) if array is not None else None
    return [int(text) for text in column.first(most)] if column is not None and column.dtype in _INTS else ()


def _first(column: Column, count: int) -> list[str]:
    """Return as many texts, with a mark for values that are damaged or not there."""
    try:
        texts = column.first(count)
    except CodecError:
        texts = []
    return [*texts, *["?"] * (count - len(texts))]


def _listed(column: Column, count: int) -> str:
    shown = [_cell(text) for text in column.first(count)]
    return ", ".join([*shown, ELLIPSIS] if column.length > len(shown) else shown)


def _cell(text: str) -> str:
    return shorten(text, _CELL_CHARS)
