"""Rows of a table from the pages of a small SQLite file that SQLite itself handed out, by numpy.

All of a table is looked at before any of it is listed. Where something is unusual, or SQLite might take it for damage,
nothing is said, and all rows are asked for by SQL: which ones SQLite finds around damage depends on how it comes there.

References: the SQLite file format (fileformat2.html), sections 1.6 and 2.1; ``btree.c`` (btreeInitPage,
btreeCellSizeCheck, getAndInitPage, btreeParseCellPtr), whose checks are all made here.
"""

from array import array
from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from app.backends.bulk_keys import Bytes, Numbers, joined_at, values_at
from app.backends.key_index import IndexChunk
from app.backends.sqlite.batches import LONGEST_CELL, Batch
from app.backends.sqlite.cells import BLOB_TYPE, LEAF, LEAF_HEADER_BYTES, Cells, Geometry
from app.backends.sqlite.schema import LAST_ROWID
from app.cancel import CancelToken

_INTERIOR: Final = 5
_INTERIOR_HEADER_BYTES: Final = 12
_CHILD_BYTES: Final = 4
_LEAST_CELL: Final = 4
"""Bytes of the smallest cell."""
_LEAST_ROOM: Final = 6
"""Bytes that a cell and the pointer to it take at least."""
_LEVELS: Final = 16
"""SQLite follows a few more."""
_MORE: Final = 0x80
"""Set in every byte of a number but the last; no number that is believed has more than eight."""
_NO_BLOB: Final = -(1 << 63) | 1
"""What no type of a blob has set once `BLOB_TYPE` is taken from it."""
_LARGEST: Final = 1 << 30
"""Bytes of the largest row; SQLite as it is usually built holds less."""
_AT_ONCE: Final = 3 << 18
"""Bytes of leaves that are listed together: the processor's caches can hold what is made of them."""
_VALUE_BYTES: Final = 8 << 20
"""Bytes of values beyond their leaves that may be in memory together."""


class TableRows:
    """All rows of a plain table, by the stretches of pages that they were found on."""

    def __init__(self, content: bytes, geometry: Geometry, stretches: list["_Rows"]) -> None:
        self._pages = _pages_in(content, geometry)
        self._stretches = stretches
        self._cells = Cells(content, geometry)
        # The system takes its time to give new memory for every stretch.
        self._leaves = np.empty((max(len(rows.leaves) for rows in stretches), geometry.page_size), np.uint8)

    def batches(self, start: int, *, with_values: bool) -> Iterator[Batch]:
        """Yield the rows from a rowid on, once: what was yielded is forgotten."""
        self._stretches.reverse()
        while self._stretches:
            rows = self._stretches.pop()
            first = bisect_left(rows.chunk.locators, start)
            if first < len(rows.chunk):
                chunk = rows.chunk.slice(first, len(rows.chunk))
                values = self._values(rows)[first:] if with_values else []
                yield Batch(chunk, values, is_whole=with_values and not (len(rows.long) and None in values))

    def _values(self, rows: "_Rows") -> list[bytes | None]:
        """Return values, None for those that are very long or cannot be followed."""
        leaves = self._leaves[: len(rows.leaves)]
        self._pages.take(rows.leaves - 1, 0, leaves, "clip")
        flat, starts, sizes = leaves.reshape(-1), rows.places.astype(np.int64), np.array(rows.chunk.sizes)
        sizes[rows.long] = 0
        values: list[bytes | None] = list(values_at(flat, starts, sizes))
        room = _VALUE_BYTES
        for row, end in zip(rows.long.tolist(), rows.leaf_ends.tolist(), strict=True):
            size = rows.chunk.sizes[row]
            part = flat[int(starts[row]) : end + _CHILD_BYTES].tobytes()
            values[row] = self._long(part, size) if size <= min(room, LONGEST_CELL) else None
            room -= len(values[row] or b"")
        return values

    def _long(self, part: bytes, size: int) -> bytes | None:
        """Return a value of which a leaf has a part and the number of the next page; None where the rest is lost."""
        here = part[:-_CHILD_BYTES]
        rest = self._cells.chained(int.from_bytes(part[-_CHILD_BYTES:], "big"), size - len(here))
        return None if rest is None else here + rest


def table_rows(content: bytes, geometry: Geometry, root: int, token: CancelToken) -> TableRows | None:
    """Return all rows of the table with a root page; None where one of its pages is not plain."""
    found = _leaves(content, geometry, root)
    if found is None:
        return None
    leaves, bounds = found
    pages, stretches = _pages_in(content, geometry), list[_Rows]()
    at_once = max(1, _AT_ONCE // geometry.page_size)
    for first in range(0, len(leaves), at_once):
        token.check()
        part = slice(first, first + at_once)
        lowers = np.append(bounds[first - 1] if first else -1, bounds[part][:-1])
        rows = _rows_on(pages, geometry, leaves[part], lowers, bounds[part])
        if rows is None:
            return None
        stretches.append(rows)
    return TableRows(content, geometry, stretches)


def _leaves(content: bytes, geometry: Geometry, root: int) -> tuple[Numbers, Numbers] | None:
    """Return the leaves of a table in the order of their rows, and the greatest rowid that may be on each."""
    pages = _pages_in(content, geometry)
    numbers, bounds = np.array([root], np.int64), np.array([LAST_ROWID], np.int64)
    for _ in range(_LEVELS):
        if not ((numbers >= 2) & (numbers <= len(pages))).all():
            return None
        kinds = pages[numbers - 1, 0]
        if (kinds == LEAF).all():
            return numbers, bounds
        below = _children(pages, geometry, numbers, bounds) if (kinds == _INTERIOR).all() else None
        if below is None:
            return None
        numbers, bounds = below
    return None


def _pages_in(content: bytes, geometry: Geometry) -> Bytes:
    """Return the pages of a file as rows of a matrix."""
    return np.frombuffer(content, np.uint8).reshape(-1, geometry.page_size)


def _children(pages: Bytes, geometry: Geometry, above: Numbers, bounds: Numbers) -> tuple[Numbers, Numbers] | None:
    """Return the pages below some interior ones, and the greatest rowid that may be below each."""
    content = pages[above - 1].reshape(-1)
    slots = _slots_on(content, geometry, _INTERIOR_HEADER_BYTES)
    if slots is None or len(slots.places) + len(above) > len(pages):
        return None
    keys, ends = _numbers_at(content, slots.places + _CHILD_BYTES)
    if (keys < 0).any() or not slots.hold(ends, geometry):
        return None
    lasts = np.cumsum(slots.counts + 1) - 1
    below, limits = (np.empty(len(keys) + len(above), np.int64) for _ in range(2))
    others = np.ones(len(below), bool)
    others[lasts] = False
    below[lasts], limits[lasts] = _items(content, ">u4", slots.starts + 8), bounds
    below[others], limits[others] = _items(content, ">u4", slots.places), keys
    return (below, limits) if (limits[1:] > limits[:-1]).all() else None


@dataclass(frozen=True, slots=True)
class _Slots:
    """Where some joined pages start, how many cells each has, which is its first, and the places of all cells."""

    starts: Numbers
    counts: Numbers
    firsts: Numbers
    places: Numbers

    def hold(self, ends: Numbers, geometry: Geometry) -> bool:
        """Tell whether all cells end on their pages."""
        return bool((np.maximum.reduceat(ends, self.firsts) <= self.starts + geometry.usable).all())


def _slots_on(content: Bytes, geometry: Geometry, header_bytes: int) -> _Slots | None:
    """Return what the pointers of some joined pages lead to; None where that cannot be cells."""
    starts = np.arange(0, len(content), geometry.page_size)
    counts = _items(content, ">u2", starts + 3).astype(np.int64)
    if not ((counts >= 1) & (counts <= (geometry.usable - header_bytes) // _LEAST_ROOM)).all():
        return None
    ends = np.cumsum(counts)
    firsts = ends - counts
    pointers = np.repeat(starts + header_bytes - 2 * firsts, counts) + np.arange(0, 2 * int(ends[-1]), 2)
    slots = _items(content, ">u2", pointers).astype(np.int64)
    # A cell with a child ends one byte further from the end at least, or SQLite takes it for damage.
    highest = geometry.usable - _LEAST_CELL - (header_bytes != LEAF_HEADER_BYTES)
    if (np.minimum.reduceat(slots, firsts) < header_bytes + 2 * counts).any() or int(slots.max()) > highest:
        return None
    return _Slots(starts, counts, firsts, np.repeat(starts, counts) + slots)


@dataclass(frozen=True, slots=True)
class _Rows:
    """Rows of successive leaves; ``places`` is where in the joined leaves their values are (bytes).

    ``long`` are those whose values go on elsewhere: from ``leaf_ends`` on, where the number of a page is.
    """

    leaves: Numbers
    chunk: IndexChunk
    places: NDArray[np.int32]
    long: Numbers
    leaf_ends: Numbers


def _rows_on(pages: Bytes, geometry: Geometry, leaves: Numbers, lowers: Numbers, uppers: Numbers) -> _Rows | None:
    """Return the rows of some leaves, each above a lower and up to an upper rowid.

    None where one of them is not two blobs in a sound cell.
    """
    content = pages[leaves - 1].reshape(-1)
    slots = _slots_on(content, geometry, LEAF_HEADER_BYTES)
    if slots is None:
        return None
    sizes, places = _numbers_at(content, slots.places)
    rowids, headers = _numbers_at(content, places)
    firsts, lasts = slots.firsts, slots.firsts + slots.counts - 1
    if (rowids[1:] <= rowids[:-1]).any() or (rowids[firsts] <= lowers).any() or (rowids[lasts] > uppers).any():
        return None
    key_types, places = _numbers_at(content, headers + 1)
    value_types, keys = _numbers_at(content, places)
    key_types, value_types = key_types - BLOB_TYPE, value_types - BLOB_TYPE
    key_sizes, value_sizes = key_types >> 1, value_types >> 1
    values = keys + key_sizes
    if ((key_types | value_types) & _NO_BLOB).any() or (keys - headers != _bytes_at(content, headers)).any():
        return None
    if int(sizes.max()) > _LARGEST or (values + value_sizes - headers != sizes).any():
        return None
    leaf_ends = headers + _local_sizes(sizes, geometry)
    long = np.flatnonzero(leaf_ends - headers < sizes)
    ends = leaf_ends.copy()
    ends[long] += _CHILD_BYTES
    # Cells that overlap could make more of a page than it holds.
    is_full = (np.add.reduceat(ends - slots.places, firsts) > geometry.usable).any()
    if is_full or not slots.hold(ends, geometry) or (values[long] > leaf_ends[long]).any():
        return None
    columns = (array("q", column.tobytes()) for column in (np.cumsum(key_sizes), rowids, value_sizes))
    chunk = IndexChunk(joined_at(content, keys, key_sizes), *columns)
    return _Rows(leaves, chunk, values.astype(np.int32), long, leaf_ends[long])


def _local_sizes(sizes: Numbers, geometry: Geometry) -> Numbers:
    """Return what `Geometry.local` does for each row."""
    most, least = geometry.most_local, geometry.least_local
    if int(sizes.max(initial=0)) <= most:
        return sizes
    surplus = least + (sizes - least) % (geometry.usable - 4)
    return np.where(sizes <= most, sizes, np.where(surplus <= most, surplus, least))


def _items(content: Bytes, kind: str, places: Numbers) -> NDArray[Any]:
    """Return the numbers of a kind that lie at places, all of which are known to be inside."""
    item = np.dtype(kind)
    return np.ndarray((len(content) - item.itemsize + 1,), item, content, 0, (1,))[places]


def _bytes_at(content: Bytes, places: Numbers) -> Bytes:
    """Return the bytes at places; the last one for those behind the end."""
    found: Bytes = content.take(places, mode="clip")
    return found


def _numbers_at(content: Bytes, places: Numbers) -> tuple[Numbers, Numbers]:
    """Return the numbers of one to eight bytes at places, and where each ends; -1 for a longer one."""
    parts = _bytes_at(content, places)
    numbers, ends = (parts & (_MORE - 1)).astype(np.int64), places + 1
    more = parts >= _MORE
    for _ in range(7):
        count = np.count_nonzero(more)
        if not count:
            return numbers, ends
        rows = slice(None) if count == len(more) else more
        parts = _bytes_at(content, ends[rows])
        numbers[rows] = numbers[rows] << 7 | parts & (_MORE - 1)
        ends[rows] += 1
        more[rows] = parts >= _MORE
    numbers[more] = -1
    return numbers, ends
