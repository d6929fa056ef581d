"""What buckets of a GDBM file leave behind: found by their elements, whose hashes agree with the keys they name.

A bucket that was split stays where it was until its room is needed, and so does what a deleted element said, all
but its hash.

References: bucket.c (_gdbm_split_bucket), gdbmdelete.c of GDBM 1.23.
"""

from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Mapping
from struct import Struct
from typing import Final, NamedTuple

from app.backends.base import ByteOrder
from app.backends.binary import MappedFile
from app.backends.gdbm.layout import BUCKET_FREE, HASH_BITS, LAYOUTS, Layout, key_hashes, mark_of
from app.cancel import CancelToken

_LONG_KEY: Final = 1024
"""Bytes of a key from which on it is looked at last: zeros and noise name long keys more often than entries do."""
_SHORT_ALLOWANCE: Final = 16
"""How many times the file's size the shorter keys that are looked at may have together."""
_LONG_ALLOWANCE: Final = 4
"""The same of long ones, which overlap each other only where they are false."""
_FREE_BYTES: Final = 1 << 23
"""Bytes of keys that may be looked at in however small a file."""
_LONG_ONES: Final = 1 << 18
"""Elements with long keys that are remembered."""
_WINDOW: Final = 1 << 20
"""Bytes that are searched between two looks at the token."""
_FEW_BYTES: Final = 1 << 19
"""A file up to this size is searched without numpy."""
_BUCKET_SIZES: Final = tuple(1 << bits for bits in range(9, 17))

Range = tuple[int, int]
Fields = tuple[int, bytes, int, int, int]
"""Hash, first four bytes of the key, address, key size, data size."""
_KEY_SIZE: Final = 3


class TableShape(NamedTuple):
    """How the buckets of a file look."""

    layout: Layout
    byte_order: ByteOrder
    bucket_size: int

    @property
    def capacity(self) -> int:
        return self.layout.elements_in(self.bucket_size)


def possible_shapes() -> tuple[TableShape, ...]:
    """Return how the buckets of a file without a header can look."""
    orders: tuple[ByteOrder, ...] = ("little", "big")
    return tuple(TableShape(layout, order, size) for order in orders for layout in LAYOUTS for size in _BUCKET_SIZES)


class Trace(NamedTuple):
    """An entry that an element names. ``start`` is where its key lies, ``hash`` None where it was deleted."""

    key: bytes
    start: int
    value_size: int
    hash: int | None

    @property
    def end(self) -> int:
        return self.start + len(self.key) + self.value_size


class Bucket(NamedTuple):
    """A bucket at an address, for hashes that begin with the ``bits`` of ``prefix``."""

    address: int
    shape: TableShape
    bits: int
    prefix: int

    @property
    def end(self) -> int:
        return self.address + self.shape.bucket_size

    def takes(self, hash_: int) -> bool:
        return hash_ >> (HASH_BITS - self.bits) == self.prefix


class Traces:
    """A search of one file."""

    def __init__(self, file: MappedFile, token: CancelToken) -> None:
        self._file = file
        self._token = token
        self._short = self._long = 0
        self._allow()
        self.is_incomplete = False
        """Whether keys were passed over because those looked at had too many bytes together."""

    def _allow(self) -> None:
        """Give anew what keys may have together: one search must not use up what the next one needs."""
        self._short = _FREE_BYTES + _SHORT_ALLOWANCE * self._file.size
        self._long = _FREE_BYTES + _LONG_ALLOWANCE * self._file.size

    def elements(self, ranges: Iterable[Range], shape: TableShape) -> Iterator[tuple[int, Trace]]:
        """Yield the elements within ranges of the file, each with its place; those with long keys come last."""
        self._allow()
        long_ones: list[tuple[int, int, Fields]] = []
        places: set[int] = set()
        for place, fields in self._likely(ranges, shape):
            self._token.check()
            if fields[_KEY_SIZE] <= _LONG_KEY:
                trace = self._trace(*fields)
                if trace is not None:
                    places.add(place)
                    yield place, trace
            elif len(long_ones) < _LONG_ONES:
                long_ones.append((fields[_KEY_SIZE], place, fields))
            else:
                self.is_incomplete = True
        # The shorter keys first: one false long key must not use up what is left for many.
        width = shape.layout.element
        for _, place, fields in sorted(long_ones):
            self._token.check()
            if places.isdisjoint(range(place - width + 1, place + width)):
                trace = self._trace(*fields)
                if trace is not None:
                    yield place, trace

    def _likely(self, ranges: Iterable[Range], shape: TableShape) -> Iterator[tuple[int, Fields]]:
        """Yield the places whose fields can be those of an element."""
        mark, width, size = mark_of(shape.byte_order), shape.layout.element, self._file.size
        is_small = size <= _FEW_BYTES
        for first, end in ranges:
            for window in range(first, end, _WINDOW):
                self._token.check()
                self._file.check_not_cut()
                stop = min(window + _WINDOW, end)
                if is_small:
                    for start in range(window, min(window + width, stop)):
                        yield from self._one_by_one(Struct(mark + shape.layout.element_format), start, stop)
                else:
                    from app.backends.gdbm.likely import likely  # noqa: PLC0415 - numpy: not for small files

                    yield from likely(self._file.buffer, size, window, stop, shape.layout, mark)

    def _one_by_one(self, element: Struct, start: int, end: int) -> Iterator[tuple[int, Fields]]:
        buffer, size = self._file.buffer, self._file.size
        count = (min(end + element.size - 1, size) - start) // element.size
        content = buffer[start : start + max(count, 0) * element.size]
        for place, fields in enumerate(element.iter_unpack(content)):
            if 0 < fields[2] < size and fields[0] >= 0 <= fields[_KEY_SIZE] and fields[4] >= 0:
                yield start + place * element.size, fields

    def _trace(self, hash_: int, key_start: bytes, data: int, key_size: int, value_size: int) -> Trace | None:
        """Return what an element names if the key there is its own; of one that was deleted as far as can be told."""
        if key_size < 0 or value_size < 0 or not 0 < data <= self._file.size - key_size - value_size:
            return None
        buffer = self._file.buffer
        if buffer[data : data + min(key_size, 4)] != key_start[:key_size] or not self._may_look_at(key_size):
            return None
        key = buffer[data : data + key_size]
        if hash_ < 0:
            return Trace(key, data, value_size, None)
        return Trace(key, data, value_size, hash_) if hash_ in key_hashes(key) else None

    def _may_look_at(self, key_size: int) -> bool:
        """Take the bytes of a key from what is allowed, and tell whether they were left."""
        is_long = key_size > _LONG_KEY
        if key_size > (self._long if is_long else self._short):
            self.is_incomplete = True
            return False
        if is_long:
            self._long -= key_size
        else:
            self._short -= key_size
        return True

    def buckets_around(self, hits: Mapping[int, Trace], shape: TableShape) -> tuple[int, dict[int, Bucket]]:
        """Return the buckets by their addresses, and how many of their elements lie at the slots their hashes name.

        What looks like a bucket elsewhere has fewer of them than the one that it lies across.
        """
        homes: dict[int, list[int]] = {}
        for place, trace in hits.items():
            if trace.hash is not None:
                slot = trace.hash % shape.capacity
                homes.setdefault(place - shape.layout.table_at - slot * shape.layout.element, []).append(trace.hash)
        found: dict[int, Bucket] = {}
        addresses: list[int] = []
        for address, hashes in sorted(homes.items(), key=lambda home: -len(home[1])):
            number = bisect_left(addresses, address)
            around = addresses[max(number - 1, 0) : number + 1]
            if any(abs(other - address) < shape.bucket_size for other in around):
                continue
            bits = self._bits_of(address, shape)
            if bits is not None:
                addresses.insert(number, address)
                found[address] = Bucket(address, shape, bits, hashes[0] >> (HASH_BITS - bits))
        return sum(len(homes[address]) for address in found), found

    def _bits_of(self, address: int, shape: TableShape) -> int | None:
        """Return the depth of the bucket at an address, or None when its counts do not agree with what it holds."""
        head = Struct(mark_of(shape.byte_order) + "ii")
        place = address + shape.layout.bits_at
        if address <= 0 or place + head.size > self._file.size:
            return None
        bits, count = self._file.unpack(head, place)
        free = int.from_bytes(self._file.slice(address, 4), shape.byte_order)
        if not 0 <= bits <= HASH_BITS or not 0 < count <= shape.capacity or free > BUCKET_FREE:
            return None
        used = sum(fields[0] != -1 for fields in self._table(address, shape))
        is_cut = address + shape.bucket_size > self._file.size
        return int(bits) if used == count or (is_cut and used < count) else None

    def _table(self, address: int, shape: TableShape) -> Iterator[tuple[int, bytes, int, int, int]]:
        element = Struct(mark_of(shape.byte_order) + shape.layout.element_format)
        start = address + shape.layout.table_at
        count = max(min(shape.capacity, (self._file.size - start) // element.size), 0)
        return element.iter_unpack(self._file.slice(start, count * element.size))

    def entries(self, bucket: Bucket, *, deleted: bool) -> Iterator[Trace]:
        """Yield what a bucket's elements name, or what those did that were deleted."""
        for fields in self._table(bucket.address, bucket.shape):
            self._token.check()
            if (fields[0] == -1) != deleted:
                continue
            trace = self._trace(*fields)
            if trace is not None and any(map(bucket.takes, key_hashes(trace.key))):
                yield trace


class Cover:
    """The hashes that some buckets are for."""

    def __init__(self, buckets: Iterable[Bucket]) -> None:
        self._buckets = {(bucket.bits, bucket.prefix) for bucket in buckets}
        self._depths = {bits for bits, _ in self._buckets}

    def takes(self, hash_: int) -> bool:
        return any((bits, hash_ >> (HASH_BITS - bits)) in self._buckets for bits in self._depths)


def is_superseded(buckets: Iterable[Bucket]) -> Callable[[Bucket], bool]:
    """Return what tells whether other buckets have taken the place of one: a split leaves two that are deeper."""
    deeper = {(bucket.bits, bucket.prefix) for bucket in buckets}
    above = {(bits - up, prefix >> up) for bits, prefix in deeper for up in range(1, bits + 1)}
    return lambda bucket: (bucket.bits, bucket.prefix) in above
