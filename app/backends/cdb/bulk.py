"""Large CDB files, by numpy: imported only where there are many entries."""

from array import array
from collections.abc import Iterator, Sequence
from mmap import mmap

import numpy as np
from numpy.typing import NDArray

from app.backends.bulk_hashes import hashes_of as bulk_hashes_of
from app.backends.bulk_hashes import joined
from app.backends.bulk_keys import items_at, values_at
from app.backends.cdb.layout import EMPTY_HASH, HEAD, PAIR, TABLES, key_hash
from app.backends.key_index import IndexChunk


def hashes_of(chunk: IndexChunk) -> NDArray[np.uint32]:
    """Return the hashes (uint32) of all keys of a chunk."""
    return bulk_hashes_of(chunk, EMPTY_HASH, _step, key_hash)


def _step(values: NDArray[np.uint32], column: NDArray[np.uint8]) -> NDArray[np.uint32]:
    return values * np.uint32(33) ^ column


def tables_of(hashes: "array[int]") -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the rows (int64) by table, those of each in their order, and where in them each table ends (int64)."""
    tables = (np.frombuffer(hashes, np.uint32) & (TABLES - 1)).astype(np.uint8)
    return np.argsort(tables, kind="stable"), np.cumsum(np.bincount(tables, minlength=TABLES))


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
    """All entries of an undamaged file as its hash tables name them, 16 bytes each; the tables are read once."""

    def __init__(self, starts: NDArray[np.int64], hashes: NDArray[np.uint32], end: int) -> None:
        self._starts = starts
        self._hashes = hashes
        self._end = end

    def __len__(self) -> int:
        return len(self._starts)

    def row_at(self, place: int) -> int:
        """Return which entry begins at a place, or how many there are when none does."""
        row = int(np.searchsorted(self._starts, place))
        return row if row < len(self) and self._starts[row] == place else len(self)

    def chunk(self, buffer: mmap | bytes, first: int, last: int) -> IndexChunk | None:
        """Return some entries, or None when one of them does not end where the next begins or has another hash."""
        starts = self._starts[first:last]
        following = self._starts[last] if last < len(self) else self._end
        heads = items_at(buffer, PAIR.size, starts).view("<u4").reshape(-1, 2).astype(np.int64)
        lengths, sizes = heads[:, 0], heads[:, 1]
        if (starts + PAIR.size + lengths + sizes != np.append(starts[1:], following)).any():
            return None
        keys = joined(buffer, starts + PAIR.size, lengths)
        chunk = IndexChunk(keys, *(array("q", numbers.tobytes()) for numbers in (np.cumsum(lengths), starts, sizes)))
        return chunk if (hashes_of(chunk) == self._hashes[first:last]).all() else None


def listing(buffer: mmap | bytes, tables: Sequence[tuple[int, int]], end: int) -> Listing | None:
    """Return the entries up to ``end`` (bytes), or None when a slot cannot be reached or two name one place."""
    starts, hashes = [np.empty(0, np.uint32)], [np.empty(0, np.uint32)]
    for number, (place, slots) in enumerate(tables):
        if place < end or place + PAIR.size * slots > len(buffer):
            return None
        pairs = np.frombuffer(buffer[place : place + PAIR.size * slots], "<u4").reshape(-1, 2)
        used = np.flatnonzero(pairs[:, 1])
        named = pairs[used, 0]
        if not _are_reached(pairs[:, 1] == 0, used, named) or (named % TABLES != number).any():
            return None
        hashes.append(named)
        starts.append(pairs[used, 1])
    joined_starts = np.concatenate(starts)
    order = np.argsort(joined_starts, kind="stable")
    rising = joined_starts[order].astype(np.int64)
    if len(rising) and (rising[0] != HEAD.size or rising[-1] > end - PAIR.size or (np.diff(rising) < PAIR.size).any()):
        return None
    return Listing(rising, np.concatenate(hashes)[order], end) if len(rising) or end == HEAD.size else None


def _are_reached(is_empty: NDArray[np.bool_], used: NDArray[np.int64], hashes: NDArray[np.uint32]) -> bool:
    """Tell whether no empty slot lies between the one where the search for a hash begins, and its own."""
    if not len(used):
        return True
    before = np.concatenate(([0], np.cumsum(is_empty)))
    first = (hashes >> 8).astype(np.int64) % len(is_empty)
    gaps = before[used] - before[first] + np.where(first <= used, 0, before[-1])
    return not gaps.any()


def values_of(buffer: mmap | bytes, chunk: IndexChunk) -> Iterator[bytes] | None:
    """Return the values of a chunk, or None when one of its entries is not where it was listed."""
    ends, places, sizes = (np.frombuffer(numbers, np.int64) for numbers in (chunk.ends, chunk.locators, chunk.sizes))
    lengths = np.diff(ends, prepend=0)
    starts = places + PAIR.size + lengths
    if (places < HEAD.size).any() or (starts + sizes > len(buffer)).any():
        return None
    heads = items_at(buffer, PAIR.size, places).view("<u4").reshape(-1, 2)
    is_same = (heads[:, 0] == lengths).all() and (heads[:, 1] == sizes).all()
    if not is_same or joined(buffer, places + PAIR.size, lengths) != chunk.keys:
        return None
    return values_at(buffer, starts, sizes)
