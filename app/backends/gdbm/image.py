"""What a GDBM file consists of when it is written at once: header, directory, buckets, then keys and values.

Where everything goes follows from hashes and sizes alone, so that values are only seen when their turn comes.

References: gdbmopen.c (compute_directory_size), bucket.c (_gdbm_split_bucket), falloc.c of GDBM 1.23.
"""

from array import array
from bisect import bisect_left
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from mmap import mmap
from struct import Struct
from typing import Final, NamedTuple

from app.backends.base import ByteOrder
from app.backends.gdbm.layout import HASH_BITS, Layout, key_hash, mark_of
from app.backends.key_index import IndexChunk
from app.backends.records import Records
from app.cancel import CancelToken

SMALLEST_FREE: Final = 5
"""Bytes: GDBM drops what is smaller."""
INT_MAX: Final = (1 << 31) - 1
BULK_ENTRIES: Final = 50_000
"""From how many entries on the arrays are worth waiting for numpy."""
_KEY_START: Final = 4
_BATCH: Final = 65_536
"""Directory slots, or bytes of buckets, that are made at a time."""


@dataclass(frozen=True, slots=True)
class Shape:
    """How one GDBM file is laid out; sizes in bytes. ``extension`` is what numsync adds to the header.

    ``signed``: whether keys are hashed as where C's ``char`` is signed.
    """

    layout: Layout
    byte_order: ByteOrder
    magic: int
    block_size: int
    bucket_size: int
    extension: bytes = b""
    signed: bool = True

    @property
    def mark(self) -> str:
        return mark_of(self.byte_order)

    @property
    def elements(self) -> int:
        """Entries that a bucket can hold."""
        return self.layout.elements_in(self.bucket_size)

    @property
    def fewest_bits(self) -> int:
        """The depth of a new file's directory, which is at least a block long."""
        bits = 3
        while self.layout.offset_size << bits < self.block_size and bits < self.layout.deepest:
            bits += 1
        return bits

    @property
    def end(self) -> int:
        """Where a file of this layout has to end at the latest."""
        return 1 << 63 if self.layout.offset_size == 8 else INT_MAX

    def blocks(self, size: int) -> int:
        """Return the bytes of as many blocks as ``size`` bytes need."""
        return -(-size // self.block_size) * self.block_size


@dataclass(frozen=True, slots=True)
class Source:
    """A mapped file; ``size`` in bytes, ``mark`` its byte order as `struct` writes it."""

    buffer: mmap | bytes
    size: int
    layout: Layout
    mark: str
    capacity: int


class Leaf(NamedTuple):
    """One bucket: which of the rows in hash order it holds, and how many bits of the hash lead to it."""

    first: int
    end: int
    depth: int


@dataclass(slots=True)
class EntryTable:
    """What of all entries is needed in memory: 28 bytes each. ``rows`` and ``hashes`` are in hash order.

    ``starts`` are the first four bytes of each key, joined; ``places`` are counted from the first entry's.
    """

    hashes: "array[int]" = field(default_factory=lambda: array("I"))
    rows: "array[int]" = field(default_factory=lambda: array("I"))
    starts: bytearray = field(default_factory=bytearray)
    key_sizes: "array[int]" = field(default_factory=lambda: array("i"))
    value_sizes: "array[int]" = field(default_factory=lambda: array("i"))
    places: "array[int]" = field(default_factory=lambda: array("q"))
    data_size: int = 0

    def __len__(self) -> int:
        return len(self.places)


def entry_table(records: Records, token: CancelToken, *, signed: bool) -> EntryTable:
    """Return the table of all records, none of which is larger than GDBM can store."""
    table = EntryTable()
    add: Callable[[EntryTable, IndexChunk, bool], None] = add_singly
    sort: Callable[[EntryTable], None] = _sort
    if len(records) >= BULK_ENTRIES:
        from app.backends.gdbm import bulk_write  # noqa: PLC0415 - numpy takes longer to load than a small database to save

        add, sort = bulk_write.add_chunk, bulk_write.sort
    for chunk in records.chunks():
        token.check()
        add(table, chunk, signed)
    sort(table)
    return table


def add_singly(table: EntryTable, chunk: IndexChunk, signed: bool) -> None:
    """Add what a chunk lists to the table, one entry after the other."""
    place = table.data_size
    for row, value_size in enumerate(chunk.sizes):
        key = chunk.key(row)
        table.hashes.append(key_hash(key, signed=signed))
        table.starts += key[:_KEY_START].ljust(_KEY_START, b"\0")
        table.key_sizes.append(len(key))
        table.value_sizes.append(value_size)
        table.places.append(place)
        place += len(key) + value_size
    table.data_size = place


def _sort(table: EntryTable) -> None:
    hashes = table.hashes
    table.rows = array("I", sorted(range(len(hashes)), key=hashes.__getitem__))
    table.hashes = array("I", map(hashes.__getitem__, table.rows))


def crowded(shape: Shape, hashes: "array[int]") -> Iterator[int]:
    """Yield the places of hashes, which ascend, that no directory tells apart from a bucket full of others."""
    capacity, shift = shape.elements, HASH_BITS - shape.layout.deepest
    for place in range(capacity, len(hashes)):
        if hashes[place] >> shift == hashes[place - capacity] >> shift:
            yield place


def leaves(shape: Shape, hashes: "array[int]") -> Iterator[Leaf]:
    """Yield the fewest buckets for hashes, which ascend and of which none is `crowded`, in the directory's order."""
    waiting = [(Leaf(0, len(hashes), 0), 0)]
    while waiting:
        leaf, prefix = waiting.pop()
        first, end, depth = leaf
        if end - first <= shape.elements:
            yield leaf
            continue
        ones = prefix << 1 | 1
        middle = bisect_left(hashes, ones << (HASH_BITS - depth - 1), first, end)
        waiting.append((Leaf(middle, end, depth + 1), ones))
        waiting.append((Leaf(first, middle, depth + 1), ones - 1))


class Image:
    """The bytes of a file up to its keys and values, and what follows them."""

    def __init__(self, shape: Shape, table: EntryTable, buckets: list[Leaf]) -> None:
        layout = shape.layout
        self._shape = shape
        self._table = table
        self._buckets = buckets
        self._bits = max(shape.fewest_bits, *(leaf.depth for leaf in buckets))
        self._directory_size = layout.offset_size << self._bits
        self._buckets_at = shape.block_size + shape.blocks(self._directory_size)
        self.data_at = self._buckets_at + len(buckets) * shape.bucket_size
        """Where the first key lies."""
        self._data_end = self.data_at + table.data_size
        self.end = shape.blocks(self._data_end)
        """The size of the file in bytes."""

    def row_at(self, place: int) -> int:
        """Return the row that reaches to a place in the file or over it."""
        return max(0, bisect_left(self._table.places, place - self.data_at) - 1)

    def head(self, token: CancelToken) -> Iterator[bytes]:
        """Yield everything before the first key."""
        yield self._header()
        yield from self._directory()
        yield from self._bucket_pieces(token)

    def tail(self) -> bytes:
        """Return what follows the last value."""
        return bytes(self.end - self._data_end)

    def _header(self) -> bytes:
        shape, layout = self._shape, self._shape.layout
        fields = (
            shape.magic,
            shape.block_size,
            shape.block_size,
            self._directory_size,
            self._bits,
            shape.bucket_size,
            shape.elements,
            self.end,
        )
        head = Struct(shape.mark + "I" + layout.header_format).pack(*fields) + shape.extension
        return (head + self._free_table(shape.block_size - len(head))).ljust(shape.block_size, b"\0")

    def _free_table(self, room: int) -> bytes:
        """Return the header's table of free space, which names the rest of the last block."""
        layout, mark = self._shape.layout, self._shape.mark
        counts, element = Struct(f"{mark}ii{layout.offset_code}"), Struct(mark + layout.free_format)
        free = self.end - self._data_end
        elements = [element.pack(free, self._data_end)] if free >= SMALLEST_FREE else []
        return b"".join([counts.pack((room - counts.size) // element.size, len(elements), 0), *elements])

    def _directory(self) -> Iterator[bytes]:
        address = Struct(self._shape.mark + self._shape.layout.offset_code)
        piece = bytearray()
        for number, leaf in enumerate(self._buckets):
            slot = address.pack(self._buckets_at + number * self._shape.bucket_size)
            left = 1 << (self._bits - leaf.depth)
            while left:
                count = min(left, _BATCH)
                piece += slot * count
                left -= count
                if len(piece) >= _BATCH:
                    yield bytes(piece)
                    piece.clear()
        yield bytes(piece) + bytes(self._buckets_at - self._shape.block_size - self._directory_size)

    def _bucket_pieces(self, token: CancelToken) -> Iterator[bytes]:
        batch = max(1, _BATCH // self._shape.bucket_size)
        make = _buckets
        if len(self._table) >= BULK_ENTRIES:
            from app.backends.gdbm import bulk_write  # noqa: PLC0415 - as in `entry_table`

            make = bulk_write.buckets
        for start in range(0, len(self._buckets), batch):
            token.check()
            yield make(self._shape, self._table, self._buckets[start : start + batch], self.data_at)


def _buckets(shape: Shape, table: EntryTable, some: list[Leaf], data_at: int) -> bytes:
    return b"".join(bucket(shape, table, leaf, data_at) for leaf in some)


def bucket(shape: Shape, table: EntryTable, leaf: Leaf, data_at: int) -> bytes:
    """Return one bucket; each entry lies in the first free slot from the one that its hash names."""
    layout, capacity = shape.layout, shape.elements
    element = Struct(shape.mark + layout.element_format)
    made = bytearray(shape.bucket_size)
    Struct(shape.mark + "ii").pack_into(made, layout.bits_at, leaf.depth, leaf.end - leaf.first)
    slots: list[int | None] = [None] * capacity
    for place in range(leaf.first, leaf.end):
        slot = table.hashes[place] % capacity
        while slots[slot] is not None:
            slot = (slot + 1) % capacity
        slots[slot] = place
    for slot, taken in enumerate(slots):
        at = layout.table_at + slot * layout.element
        if taken is None:
            made[at : at + 4] = b"\xff\xff\xff\xff"
            continue
        row = table.rows[taken]
        start = bytes(table.starts[row * _KEY_START : (row + 1) * _KEY_START])
        address = data_at + table.places[row]
        element.pack_into(made, at, table.hashes[taken], start, address, table.key_sizes[row], table.value_sizes[row])
    return bytes(made)
