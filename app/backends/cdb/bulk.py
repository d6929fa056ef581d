"""Large CDB files, by numpy: imported only where there are many entries."""

from array import array
from collections.abc import Iterator, Sequence
from mmap import mmap
from typing import Final

import numpy as np
from numpy.typing import NDArray

from app.backends.bulk_hashes import hashes_of as bulk_hashes_of
from app.backends.bulk_hashes import joined
from app.backends.bulk_keys import items_at, values_at
from app.backends.cdb.layout import EMPTY_HASH, HEAD, PAIR, TABLES, key_hash
from app.backends.key_index import IndexChunk

_Numbers = NDArray[np.int64]
_Slots = NDArray[np.uint64]

_PLACE_BITS: Final = np.uint64(32)
_LAST_HASH: Final = np.uint64(0xFFFFFFFF)
"""A slot of no larger number names no place."""
_AT_ONCE: Final = 8 << 20
"""Bytes of values that may be in memory together."""


def hashes_of(chunk: IndexChunk) -> NDArray[np.uint32]:
    """Return the hashes (uint32) of all keys of a chunk."""
    return bulk_hashes_of(chunk, EMPTY_HASH, _step, key_hash)


def _step(values: NDArray[np.uint32], column: NDArray[np.uint8]) -> NDArray[np.uint32]:
    return values * np.uint32(33) ^ column


def counts_of(hashes: "array[int]") -> list[int]:
    """Return how many entries each table leads to."""
    counts: list[int] = np.bincount(_tables_of(hashes), minlength=TABLES).tolist()
    return counts


def _tables_of(hashes: "array[int]") -> NDArray[np.uint8]:
    return np.frombuffer(hashes, np.uint32).astype(np.uint8)


def tables_of(hashes: "array[int]") -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the rows (int64) by table, those of each in their order, and where in them each table ends (int64)."""
    return np.argsort(_tables_of(hashes), kind="stable"), np.cumsum(counts_of(hashes))


def table_of(hashes: "array[int]", places: "array[int]", rows: NDArray[np.int64]) -> bytes:
    """Return what `layout.table_of` does for some rows."""
    slots = 2 * len(rows)
    wanted = np.frombuffer(hashes, np.uint32)[rows]
    first = (wanted >> 8).astype(np.int64) % max(slots, 1)
    order = np.argsort(first, kind="stable")
    numbers = np.arange(len(rows))
    slot = numbers + np.maximum.accumulate(first[order] - numbers)
    inside = int(np.searchsorted(slot, slots))
    content = np.zeros((slots, 2), "<u4")
    pairs = np.stack((wanted, np.frombuffer(places, np.uint32)[rows]), axis=1)[order]
    content[slot[:inside]] = pairs[:inside]
    free = np.flatnonzero(content[:, 1] == 0)[: len(rows) - inside]
    content[free] = pairs[inside:]
    return content.tobytes()


class Listing:
    """All entries of an undamaged file as its hash tables name them, 8 bytes each; the tables are read once."""

    def __init__(self, slots: _Slots, end: int) -> None:
        self._slots = slots
        """Those that are used, places rising: as one number, a slot is its place before its hash."""
        self._end = end

    def __len__(self) -> int:
        return len(self._slots)

    def row_at(self, place: int) -> int:
        """Return which entry begins at a place, or how many there are when none does."""
        row = int(np.searchsorted(self._slots, np.uint64(place << _PLACE_BITS)))
        return row if row < len(self) and _places_in(self._slots[row : row + 1])[0] == place else len(self)

    def chunk(self, buffer: mmap | bytes, first: int, last: int) -> IndexChunk | None:
        """Return some entries, or None when one of them does not end where the next begins or has another hash."""
        slots = self._slots[first:last]
        starts = _places_in(slots)
        following = _places_in(self._slots[last : last + 1]) if last < len(self) else [self._end]
        heads = items_at(buffer, PAIR.size, starts).view("<u4").reshape(-1, 2).astype(np.int64)
        lengths, sizes = heads[:, 0], heads[:, 1]
        if (starts + PAIR.size + lengths + sizes != np.append(starts[1:], following)).any():
            return None
        keys = joined(buffer, starts + PAIR.size, lengths)
        chunk = IndexChunk(keys, *(array("q", numbers.tobytes()) for numbers in (np.cumsum(lengths), starts, sizes)))
        return chunk if (hashes_of(chunk) == slots.astype(np.uint32)).all() else None


def _places_in(slots: _Slots) -> NDArray[np.int64]:
    return (slots >> _PLACE_BITS).astype(np.int64)


def listing(buffer: mmap | bytes, tables: Sequence[tuple[int, int]], end: int) -> Listing | None:
    """Return the entries up to ``end`` (bytes), or None when a slot cannot be reached or two name one place."""
    found = [np.empty(0, np.uint64)]
    for number, (place, count) in enumerate(tables):
        if place < end or place + PAIR.size * count > len(buffer):
            return None
        slots = np.frombuffer(buffer[place : place + PAIR.size * count], "<u8").astype(np.uint64, copy=False)
        is_empty = slots <= _LAST_HASH
        used = np.flatnonzero(~is_empty)
        hashes = slots[used].astype(np.uint32)
        if not _are_reached(is_empty, used, hashes) or (hashes % TABLES != number).any():
            return None
        found.append(slots[used])
    rising = np.concatenate(found)
    if not len(rising):
        return Listing(rising, end) if end == HEAD.size else None
    rising.sort()
    first, last = _places_in(rising[[0, -1]]).tolist()
    return Listing(rising, end) if first == HEAD.size and last <= end - PAIR.size else None


def _are_reached(is_empty: NDArray[np.bool_], used: NDArray[np.int64], hashes: NDArray[np.uint32]) -> bool:
    """Tell whether no empty slot lies between the one where the search for a hash begins, and its own."""
    if not len(used):
        return True
    before = np.concatenate(([0], np.cumsum(is_empty)))
    first = (hashes >> 8).astype(np.int64) % len(is_empty)
    gaps = before[used] - before[first] + np.where(first <= used, 0, before[-1])
    return not gaps.any()


def _columns(chunk: IndexChunk) -> tuple[_Numbers, _Numbers, _Numbers]:
    """Return place, length of the key and size of the value of each entry (bytes)."""
    ends, places, sizes = (np.frombuffer(numbers, np.int64) for numbers in (chunk.ends, chunk.locators, chunk.sizes))
    return places, np.diff(ends, prepend=0), sizes


def is_as_listed(buffer: mmap | bytes, chunk: IndexChunk) -> bool:
    """Tell whether all entries of a chunk are where they were listed."""
    places, lengths, sizes = _columns(chunk)
    most = len(buffer)
    if (places < HEAD.size).any() or max(places.max(), sizes.max()) > most:
        return False
    if (places + PAIR.size + lengths + sizes > most).any():
        return False
    heads = items_at(buffer, PAIR.size, places).view("<u4").reshape(-1, 2)
    is_same = bool((heads[:, 0] == lengths).all() and (heads[:, 1] == sizes).all())
    return is_same and joined(buffer, places + PAIR.size, lengths) == chunk.keys


def values_in(buffer: mmap | bytes, chunk: IndexChunk) -> Iterator[bytes]:
    """Return the values of a chunk whose entries are where they were listed."""
    places, lengths, sizes = _columns(chunk)
    starts = places + PAIR.size + lengths
    if int(sizes.sum()) <= _AT_ONCE:
        return values_at(buffer, starts, sizes)
    return map(buffer.__getitem__, map(slice, starts.tolist(), (starts + sizes).tolist()))


def stretch_of(chunk: IndexChunk) -> tuple[int, int] | None:
    """Return where the entries of a chunk begin and end (bytes), or None when they do not lie side by side."""
    places, lengths, sizes = _columns(chunk)
    ends = places + PAIR.size + lengths + sizes
    return (int(places[0]), int(ends[-1])) if (places[1:] == ends[:-1]).all() else None


def places_of(chunk: IndexChunk, start: int, limit: int) -> tuple["array[int]", int] | None:
    """Return where the entries of a chunk begin when they follow each other from ``start`` on, and where they end.

    None when that is behind ``limit``, which 32 bits can hold.
    """
    _places, lengths, sizes = _columns(chunk)
    ends = start + np.cumsum(PAIR.size + lengths + np.minimum(sizes, limit))
    places = np.append(start, ends[:-1]).astype(np.uint32)
    return (array("I", places.tobytes()), int(ends[-1])) if ends[-1] <= limit else None
