"""Listing and reading large GDBM databases: many buckets and entries at once, with numpy.

Nothing here says what damage is: whatever looks unusual is left to the code that goes entry by entry.
"""

from array import array
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from mmap import mmap
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from app.backends.bulk_keys import (
    Bytes,
    Numbers,
    Rows,
    by_size,
    bytes_at,
    copies_at,
    hashes_of,
    items_at,
    put_at,
)
from app.backends.gdbm.image import Source
from app.backends.gdbm.layout import Layout
from app.backends.key_index import IndexChunk

_KEY_BYTES: Final = 1 << 22
"""Keys that are longer together are not worth arrays of several times their size."""
_VALUE_BYTES: Final = 1 << 22
"""Values that are longer together are not held all at once."""
_KEY_START: Final = 4


@lru_cache
def element_type(layout: Layout, mark: str) -> np.dtype[Any]:
    """Return a bucket's element; ``start`` is the first four bytes of the key, in whatever order they are."""
    address = f"{mark}i{layout.offset_size}"
    number = f"{mark}i4"
    return np.dtype(
        [("hash", number), ("start", "=u4"), ("data", address), ("key_size", number), ("value_size", number)]
    )


@dataclass(frozen=True, slots=True)
class Listed:
    """Entries of some buckets; ``signs`` as `GdbmBackend` collects them, ``starts`` where values lie in ``buffer``."""

    chunk: IndexChunk
    signs: frozenset[bool]
    buffer: mmap | bytes
    starts: Numbers

    def values(self) -> Iterator[bytes] | None:
        """Return all values as they are now, or None where they are too large for that."""
        sizes = np.frombuffer(self.chunk.sizes, np.int64)
        return None if sizes.sum() > _VALUE_BYTES else copies_at(self.buffer, self.starts, sizes)


def listed(source: Source, some: Sequence[tuple[int, int, int]], allowance: int) -> Listed | None:
    """Return the entries of buckets, or None where one of them is not as it should be.

    ``some`` are the address of each bucket and the lowest and the highest hash that belong into it;
    the keys may have ``allowance`` bytes together.
    """
    layout = source.layout
    addresses, lowest, highest = np.array(some, np.int64).T
    addresses = addresses + layout.table_at
    length = source.capacity * layout.element
    tables = b"".join([source.buffer[address : address + length] for address in addresses.tolist()])
    kind = element_type(layout, source.mark)
    used = np.flatnonzero(np.frombuffer(tables, kind)["hash"] != -1)
    elements = np.frombuffer(tables, f"V{kind.itemsize}")[used].view(kind)  # not field by field
    numbers, slots = np.divmod(used, source.capacity)
    data, key_sizes, value_sizes = (elements[name].astype(np.int64) for name in ("data", "key_size", "value_size"))
    hashes = elements["hash"]
    lies_inside = (key_sizes >= 0) & (value_sizes >= 0) & (data > 0) & (data <= source.size)
    lies_inside &= data + key_sizes + value_sizes <= source.size
    belongs = (lowest[numbers] <= hashes) & (hashes <= highest[numbers])
    if not (lies_inside & belongs).all() or key_sizes.sum() > min(allowance, _KEY_BYTES):
        return None
    keys = _Keys.read(source, data, key_sizes)
    signs = None if keys is None else keys.signs(hashes, elements["start"])
    if keys is None or signs is None:
        return None
    locators = addresses[numbers] + slots * layout.element
    columns = (array("q", column.tobytes()) for column in (keys.ends, locators, value_sizes))
    return Listed(IndexChunk(keys.joined(), *columns), signs, source.buffer, data + key_sizes)


@dataclass(frozen=True, slots=True)
class _Keys:
    """The keys of some entries; those of one length, and which they are, are together in one of the groups."""

    ends: Numbers
    groups: tuple[tuple[Rows, Bytes], ...]

    @classmethod
    def read(cls, source: Source, places: Numbers, sizes: Numbers) -> "_Keys | None":
        groups = by_size(sizes)
        if groups is None:
            return None
        taken = ((rows, bytes_at(source.buffer, size, places[rows])) for size, rows in groups)
        return cls(np.cumsum(sizes), tuple(taken))

    def joined(self) -> bytes:
        if len(self.groups) == 1:
            return self.groups[0][1].tobytes()
        total = int(self.ends[-1]) if len(self.ends) else 0
        flat = np.empty(total, np.uint8)
        for rows, keys in self.groups:
            put_at(flat, self.ends[rows] - keys.shape[1], keys)
        return flat.tobytes()

    def signs(self, hashes: NDArray[Any], starts: NDArray[Any]) -> frozenset[bool] | None:
        """Return which hashes were stored of keys that have two, or None when one key is not that of its element."""
        found: set[bool] = set()
        for rows, keys in self.groups:
            signs = _signs(keys, hashes[rows])
            if signs is None or not _begin_with(keys, starts[rows]):
                return None
            found |= signs
        return frozenset(found)


def _begin_with(keys: Bytes, starts: NDArray[Any]) -> bool:
    """Tell whether the first four bytes of all keys are those; shorter ones have fewer."""
    count, size = keys.shape
    if size < _KEY_START:
        return np.array_equal(starts.reshape(-1, 1).view(np.uint8)[:, :size], keys)
    return np.array_equal(np.ndarray((count,), starts.dtype, keys, 0, (size,)), starts)


def _signs(keys: Bytes, stored: NDArray[Any]) -> set[bool] | None:
    unsigned = hashes_of(keys, signed=False)
    is_unsigned = unsigned == stored
    if keys.max(initial=0) < 128:
        return set() if is_unsigned.all() else None
    signed = hashes_of(keys, signed=True)
    is_signed = signed == stored
    if not (is_unsigned | is_signed).all():
        return None
    return set(is_signed[signed != unsigned].tolist())


def parts(chunk: IndexChunk) -> Iterator[range]:
    """Yield successive rows whose values may be held all at once; or one whose value may not."""
    totals, start, before = np.cumsum(np.frombuffer(chunk.sizes, np.int64)), 0, 0
    while start < len(chunk):
        end = max(int(np.searchsorted(totals, before + _VALUE_BYTES, "right")), start + 1)
        yield range(start, end)
        start, before = end, int(totals[end - 1])


def values_of(source: Source, chunk: IndexChunk, rows: range) -> Iterator[bytes] | None:
    """Return the values of successive rows, or None where an entry is not as it was listed."""
    locators, sizes = (
        np.frombuffer(column, np.int64)[rows.start : rows.stop] for column in (chunk.locators, chunk.sizes)
    )
    kind = element_type(source.layout, source.mark)
    if not ((locators >= 0) & (locators <= source.size - kind.itemsize)).all():
        return None
    elements = items_at(source.buffer, kind.itemsize, locators).view(kind)
    ends = np.frombuffer(chunk.ends, np.int64)[rows.start : rows.stop]
    first = chunk.ends[rows.start - 1] if rows.start else 0
    key_sizes = np.diff(ends, prepend=first)
    data = elements["data"].astype(np.int64)
    starts = data + key_sizes
    is_same = (elements["hash"] >= 0) & (elements["key_size"] == key_sizes) & (elements["value_size"] == sizes)
    is_same &= (data > 0) & (data <= source.size) & (starts + sizes <= source.size)
    if not is_same.all() or key_sizes.sum() > _KEY_BYTES or sizes.sum() > _VALUE_BYTES:
        return None
    keys = _Keys.read(source, data, key_sizes)
    if keys is None or keys.joined() != chunk.keys[first : chunk.ends[rows.stop - 1]]:
        return None
    return copies_at(source.buffer, starts, sizes)
