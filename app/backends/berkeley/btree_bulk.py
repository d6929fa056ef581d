"""Large btree files of Berkeley DB: what `btree` does entry by entry, done with numpy for many leaves at a time.

Nothing here says what damage is: whatever looks unusual is left to the code that goes entry by entry.
"""

from array import array
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from operator import le
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from app.backends.berkeley.pages import BTREE_LEAF, ITEM_DATA, Page
from app.backends.bulk_keys import Numbers, by_size, bytes_at, joined_at, values_at
from app.backends.key_index import IndexChunk

_Flags = NDArray[np.bool_]

_HEAD: Final = 3
"""Bytes of an item before its content."""
_SMALLEST: Final = 4
"""Bytes of an item without content."""
_SLOT_BITS: Final = 16
_SLOT_MASK: Final = (1 << _SLOT_BITS) - 1
_MOST_PADDED: Final = 1 << 23
"""Bytes of keys, each as long as the longest, up to which they are compared all at once."""


@dataclass(frozen=True, slots=True)
class Shape:
    """Where things are on the pages of one file; ``mark`` is the byte order."""

    size: int
    header_bytes: int
    mark: str

    @property
    def slot(self) -> np.dtype[np.uint16]:
        return np.dtype(f"{self.mark}u2")


class Leaves:
    """Successive leaves whose contents are joined. ``usual`` tells of each whether it can be listed from here."""

    def __init__(self, shape: Shape, pages: Sequence[Page], content: bytes) -> None:
        self._shape = shape
        self._content = content
        counts = np.array([page.entries for page in pages], np.int64)
        self._numbers = np.array([page.number for page in pages], np.int64)
        is_whole = (counts % 2 == 0) & (shape.header_bytes + 2 * counts <= shape.size)
        counts[~is_whole] = 0
        self._firsts = np.concatenate(([0], np.cumsum(counts)))
        self._page_of = np.repeat(np.arange(len(counts)), counts)
        self._read(counts)
        used = np.array([page.used for page in pages], np.int64)
        self.usual: list[bool] = (is_whole & self._usual(counts, used)).tolist()

    def _read(self, counts: Numbers) -> None:
        """Find the place, size and room of each item (bytes in the joined contents)."""
        shape, most = self._shape, int(counts.max(initial=0))
        table = np.ndarray((len(counts), most), shape.slot, self._content, shape.header_bytes, (shape.size, 2))
        slots = table[np.arange(most) < counts[:, None]].astype(np.int64)
        lowest = shape.header_bytes + 2 * counts[self._page_of]
        self._is_inside = (slots >= lowest) & (slots <= shape.size - _SMALLEST)
        self._slots = np.where(self._is_inside, slots, shape.size - _SMALLEST)
        self._places = self._page_of * shape.size + self._slots
        self._sizes, kinds = _heads_at(shape, self._content, self._places)
        self._is_inside &= kinds == ITEM_DATA
        self._rooms = (self._sizes + _HEAD + 3) & ~3

    def _usual(self, counts: Numbers, used: Numbers) -> _Flags:
        """Tell of which leaves all items are plain and fill their room, and none begins before where they say."""
        size = self._shape.size
        lowest = np.full(len(counts), size, np.int64)
        filled = np.flatnonzero(counts)
        if len(filled):
            lowest[filled] = np.minimum.reduceat(self._slots, self._firsts[filled])
        usual: _Flags = (lowest & _SLOT_MASK == used) & ~self._with(~self._is_inside, len(counts))
        # Where entries came in the order of their keys, each item ends where the one before it begins.
        ends = np.empty_like(self._places)
        ends[1:] = self._places[:-1]
        ends[self._firsts[filled]] = (filled + 1) * size
        is_last = self._places + self._rooms != ends
        others = usual & self._with(is_last, len(counts))
        if others.any():
            usual[others] = ~self._with(self._gaps(others), len(counts))[others]
        return usual

    def _with(self, flags: _Flags, count: int) -> _Flags:
        """Tell which pages have an item with a flag."""
        found = np.zeros(count, bool)
        found[self._page_of[flags]] = True
        return found

    def _gaps(self, wanted: _Flags) -> _Flags:
        """Tell which items of some pages do not end where the next one, or else the page, does."""
        items = np.flatnonzero(wanted[self._page_of])
        places, first = np.unique(self._places[items], return_index=True)
        ends = np.append(places[1:], len(self._content))
        ends = np.minimum(ends, (places // self._shape.size + 1) * self._shape.size)
        flags = np.zeros(len(self._places), bool)
        flags[items[first]] = places + self._rooms[items[first]] != ends
        return flags

    def run(self, start: int, end: int) -> "Run":
        """Return the entries of usual leaves, from one to another."""
        first, last = int(self._firsts[start]), int(self._firsts[end])
        numbers = np.arange(first, last, 2) + 1 - self._firsts[self._page_of[first:last:2]]
        locators = self._numbers[self._page_of[first:last:2]] << _SLOT_BITS | numbers
        places, sizes = self._places[first:last] + _HEAD, self._sizes[first:last]
        key_places, key_sizes = places[::2], sizes[::2]
        keys, ends = joined_at(self._content, key_places, key_sizes), np.cumsum(key_sizes)
        columns = (array("q", column.tobytes()) for column in (ends, locators, sizes[1::2]))
        is_new = np.diff(key_places, prepend=-1) != 0
        rises = _rise(keys, ends, key_sizes)
        return Run(IndexChunk(keys, *columns), np.flatnonzero(is_new), rises, self._content, places[1::2])


@dataclass(frozen=True, slots=True)
class Run:
    """Entries of successive leaves. ``rows``: those whose key is another item than the one before.

    ``rises``: whether no key is less than the one before; ``places``: where the values lie in ``content``.
    """

    chunk: IndexChunk
    rows: Numbers
    rises: bool
    content: bytes
    places: Numbers

    def values(self) -> Iterator[bytes]:
        return values_at(self.content, self.places, np.frombuffer(self.chunk.sizes, np.int64))

    @property
    def first_keys(self) -> list[bytes]:
        """The first two keys, of so many that have an item of their own."""
        return [self.chunk.key(row) for row in self.rows[:2].tolist()]

    @property
    def last_keys(self) -> list[bytes]:
        """The last two keys; none when they are among the first two."""
        return [self.chunk.key(row) for row in self.rows[-2:].tolist()] if len(self.rows) > 2 else []


def _numbers_in(content: bytes, kind: np.dtype[Any], places: Numbers) -> NDArray[Any]:
    """Return the numbers that lie at places of ``content``, all of which are known to be inside."""
    return np.ndarray((len(content) - kind.itemsize + 1,), kind, content, 0, (1,))[places]


def _heads_at(shape: Shape, content: bytes, places: Numbers) -> tuple[Numbers, Numbers]:
    """Return sizes and types of the items at places."""
    heads = _numbers_in(content, np.dtype(f"{shape.mark}u4"), places).astype(np.int64)
    return (heads & 0xFFFF, heads >> 16 & 0xFF) if shape.mark == "<" else (heads >> 16, heads >> 8 & 0xFF)


def _rise(keys: bytes, ends: Numbers, sizes: Numbers) -> bool:
    """Tell whether no key, of those that are joined, is less than the one before it."""
    starts, longest = ends - sizes, int(sizes.max(initial=0))
    groups = by_size(sizes) if len(sizes) * longest <= _MOST_PADDED else None
    if groups is None:
        listed = list(values_at(keys, starts, sizes))
        return all(map(le, listed, islice(listed, 1, None)))
    padded = np.zeros((len(sizes), longest or 1), np.uint8)
    for size, rows in groups:
        padded[rows, :size] = bytes_at(keys, size, starts[rows])
    found = padded.view(f"S{padded.shape[1]}")[:, 0]
    others = np.flatnonzero(found[:-1] >= found[1:])
    # Those that are equal now differ in zeros at their ends at most.
    return bool(((found[others] == found[others + 1]) & (sizes[others] <= sizes[others + 1])).all())


class Wanted:
    """Entries of which the values are wanted: the rows of a chunk that may be read together."""

    def __init__(self, chunk: IndexChunk) -> None:
        self._chunk = chunk
        locators = np.frombuffer(chunk.locators, np.int64)
        self._in_trees = bool((locators < 0).any())
        self.numbers, self._page_of = np.unique(locators >> _SLOT_BITS, return_inverse=True)
        self._slots = locators & _SLOT_MASK

    def pages(self, count: int) -> list[int] | None:
        """Return the numbers of the pages, or None where one of ``count`` pages of a file is not meant."""
        if self._in_trees or int(self.numbers[0]) <= 0 or int(self.numbers[-1]) >= count:
            return None
        numbers: list[int] = self.numbers.tolist()
        return numbers

    def values(self, shape: Shape, content: bytes) -> Iterator[bytes] | None:
        """Return the values, given the joined pages, or None where an entry is not as it was listed."""
        heads = np.ndarray((len(self.numbers),), _page_head(shape), content, 0, (shape.size,))
        counts = heads["entries"].astype(np.int64)
        is_leaf = (heads["number"] == self.numbers) & (heads["type"] == BTREE_LEAF)
        is_leaf &= shape.header_bytes + 2 * counts <= shape.size
        if not is_leaf.all() or not ((self._slots % 2 == 1) & (self._slots < counts[self._page_of])).all():
            return None
        lowest = shape.header_bytes + 2 * counts[self._page_of]
        keys, values = (self._contents(shape, content, lowest, step) for step in (1, 0))
        if keys is None or values is None or not np.array_equal(values[1], np.frombuffer(self._chunk.sizes, np.int64)):
            return None
        ends = np.frombuffer(self._chunk.ends, np.int64)
        if not np.array_equal(np.cumsum(keys[1]), ends) or joined_at(content, *keys) != self._chunk.keys:
            return None
        return values_at(content, *values)

    def _contents(self, shape: Shape, content: bytes, lowest: Numbers, step: int) -> tuple[Numbers, Numbers] | None:
        """Return the places and sizes of the items ``step`` slots before those of the values."""
        pages = self._page_of * shape.size
        slots = _numbers_in(content, shape.slot, pages + shape.header_bytes + 2 * (self._slots - step)).astype(np.int64)
        if not ((slots >= lowest) & (slots <= shape.size - _SMALLEST)).all():
            return None
        places = pages + slots
        sizes, kinds = _heads_at(shape, content, places)
        if not ((kinds == ITEM_DATA) & (slots + _HEAD + sizes <= shape.size)).all():
            return None
        return places + _HEAD, sizes


def _page_head(shape: Shape) -> np.dtype[np.void]:
    """Return where the header of a page has what is looked at."""
    names, formats, offsets = ["number", "entries", "type"], [f"{shape.mark}u4", f"{shape.mark}u2", "u1"], [8, 20, 25]
    return np.dtype({"names": names, "formats": formats, "offsets": offsets, "itemsize": 26})
