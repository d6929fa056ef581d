"""Laying out large GDBM databases: what `image` does entry by entry, done with numpy."""

from array import array
from collections.abc import Sequence
from typing import Final

import numpy as np

from app.backends.bulk_keys import Bytes, Hashes, Numbers, by_size, bytes_at, hashes_of, within
from app.backends.gdbm.bulk import element_type
from app.backends.gdbm.image import EntryTable, Leaf, Shape, add_singly, bucket
from app.backends.key_index import IndexChunk

_KEY_START: Final = 4


def add_chunk(table: EntryTable, chunk: IndexChunk, signed: bool) -> None:
    """Add what a chunk lists to the table."""
    ends = np.frombuffer(chunk.ends, np.int64)
    key_sizes, value_sizes = np.diff(ends, prepend=0), np.frombuffer(chunk.sizes, np.int64)
    groups = by_size(key_sizes)
    if groups is None:
        add_singly(table, chunk, signed)
        return
    hashes, starts = np.empty(len(chunk), np.uint32), np.empty(len(chunk), np.uint32)
    for size, rows in groups:
        keys = bytes_at(chunk.keys, size, ends[rows] - size)
        hashes[rows] = hashes_of(keys, signed=signed)
        starts[rows] = _first_bytes(keys)
    places = np.cumsum(key_sizes + value_sizes) + table.data_size
    table.data_size = int(places[-1])
    table.hashes.frombytes(hashes.tobytes())
    table.starts += starts.tobytes()
    table.key_sizes.frombytes(key_sizes.astype(np.int32).tobytes())
    table.value_sizes.frombytes(value_sizes.astype(np.int32).tobytes())
    table.places.frombytes((places - key_sizes - value_sizes).tobytes())


def _first_bytes(keys: Bytes) -> Hashes:
    first = np.zeros((len(keys), _KEY_START), np.uint8)
    size = min(keys.shape[1], _KEY_START)
    first[:, :size] = keys[:, :size]
    return first.view(np.uint32)[:, 0]


def sort(table: EntryTable) -> None:
    """Bring rows and hashes into the order of the hashes."""
    joined = np.frombuffer(table.hashes, np.uint32).astype(np.uint64) << np.uint64(32)
    joined |= np.arange(len(joined), dtype=np.uint64)
    joined.sort()
    table.rows = array("I", joined.astype(np.uint32).tobytes())
    table.hashes = array("I", (joined >> np.uint64(32)).astype(np.uint32).tobytes())


def buckets(shape: Shape, table: EntryTable, some: Sequence[Leaf], data_at: int) -> bytes:
    """Return successive buckets, joined."""
    layout, capacity = shape.layout, shape.elements
    first, counts = some[0].first, np.array([leaf.end - leaf.first for leaf in some])
    order, numbers, slots = _slots(np.frombuffer(table.hashes, np.uint32)[first : some[-1].end], counts, capacity)
    elements = np.zeros((len(some), capacity), element_type(layout, shape.mark))
    elements["hash"] = -1
    fits = slots < capacity
    numbers, slots, places = numbers[fits], slots[fits], first + order[fits]
    rows = np.frombuffer(table.rows, np.uint32)[places]
    for name, column in (
        ("hash", np.frombuffer(table.hashes, np.uint32)[places]),
        ("start", np.frombuffer(table.starts, np.uint32)[rows]),
        ("data", np.frombuffer(table.places, np.int64)[rows] + data_at),
        ("key_size", np.frombuffer(table.key_sizes, np.int32)[rows]),
        ("value_size", np.frombuffer(table.value_sizes, np.int32)[rows]),
    ):
        elements[name][numbers, slots] = column
    made = np.zeros((len(some), shape.bucket_size), np.uint8)
    depths = np.array([leaf.depth for leaf in some])
    made[:, layout.bits_at : layout.table_at] = np.stack([depths, counts], 1).astype(f"{shape.mark}i4").view(np.uint8)
    made[:, layout.table_at : layout.table_at + capacity * layout.element] = elements.view(np.uint8)
    for number in set(range(len(some))) - set(np.flatnonzero(np.bincount(numbers, minlength=len(some)) == counts)):
        made[number] = np.frombuffer(bucket(shape, table, some[number], data_at), np.uint8)
    return made.tobytes()


def _slots(hashes: Hashes, counts: Numbers, capacity: int) -> tuple[Numbers, Numbers, Numbers]:
    """Return an order of the entries of buckets, and for each the bucket's number and its slot there.

    Entries in the order of the slots that their hashes name take the next free ones, which may lie behind the
    bucket's last: such a bucket goes round, and is made in another way.
    """
    numbers = np.repeat(np.arange(len(counts)), counts)
    homes = hashes.astype(np.int64) % capacity
    order = np.argsort(numbers * capacity + homes, kind="stable")
    nth = within(counts, np.cumsum(counts) - counts, len(hashes))
    apart = numbers * (2 * capacity)  # keeps one bucket's entries from pushing the next one's
    return order, numbers, np.maximum.accumulate(homes[order] - nth + apart) - apart + nth
