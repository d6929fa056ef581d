"""Buckets of a GDBM file that nothing leads to: told by where elements lie and by what their heads count.

A bucket that was split stays where it was until its room is needed.

References: bucket.c (_gdbm_split_bucket) of GDBM 1.23.
"""

from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Sequence
from struct import Struct
from typing import Final, NamedTuple

from app.backends.base import ByteOrder
from app.backends.binary import MappedFile
from app.backends.gdbm.layout import BUCKET_FREE, HASH_BITS, LAYOUTS, Layout, mark_of
from app.cancel import CancelToken

_BUCKET_SIZES: Final = tuple(1 << bits for bits in range(9, 17))
FEW_BYTES: Final = 1 << 19
"""A file up to this size is searched without numpy."""

Fields = tuple[int, bytes, int, int, int]
"""Hash, first four bytes of the key, address, key size, data size."""


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


class Home(NamedTuple):
    """Where a bucket would lie so that ``elements`` are at the slots their hashes name; ``hash`` is one of those."""

    address: int
    elements: int
    hash: int


def elements_of(file: MappedFile, address: int, shape: TableShape) -> Iterator[Fields]:
    """Yield all elements of a bucket, as far as the file goes."""
    element = Struct(mark_of(shape.byte_order) + shape.layout.element_format)
    start = address + shape.layout.table_at
    count = max(min(shape.capacity, (file.size - start) // element.size), 0)
    return element.iter_unpack(file.slice(start, count * element.size))


def buckets_around(
    file: MappedFile, hits: Sequence[tuple[int, int]], shapes: Iterable[TableShape], token: CancelToken
) -> dict[int, Bucket]:
    """Return the buckets that lie around elements, by their addresses, in the shape that suits most of them.

    ``hits`` are place (bytes) and hash of each element. Of one shape, what looks like a bucket elsewhere has fewer
    elements at home than the one that it lies across.
    """
    best, most = dict[int, Bucket](), -1
    for shape, homes in _homes(file, hits, shapes, token):
        found, elements = _apart(file, homes, shape)
        if elements > most:
            best, most = found, elements
    return best


def _homes(
    file: MappedFile, hits: Sequence[tuple[int, int]], shapes: Iterable[TableShape], token: CancelToken
) -> Iterator[tuple[TableShape, Iterable[Home]]]:
    """Yield each shape and what may be its buckets, those with most elements first."""
    if file.size <= FEW_BYTES:
        for shape in shapes:
            token.check()
            yield shape, _few_homes(hits, shape)
    else:
        from app.backends.gdbm.likely import Elements  # noqa: PLC0415 - numpy: not for small files

        elements = Elements(hits)
        for shape in shapes:
            token.check()
            yield shape, elements.homes(file.buffer, file.size, shape)


def _few_homes(hits: Iterable[tuple[int, int]], shape: TableShape) -> list[Home]:
    homes: dict[int, list[int]] = {}
    for place, hash_ in hits:
        slot = hash_ % shape.capacity
        homes.setdefault(place - shape.layout.table_at - slot * shape.layout.element, []).append(hash_)
    found = (Home(address, len(hashes), hashes[0]) for address, hashes in homes.items())
    return sorted(found, key=lambda home: -home.elements)


def _apart(file: MappedFile, homes: Iterable[Home], shape: TableShape) -> tuple[dict[int, Bucket], int]:
    """Return the buckets that do not lie across one before them, and how many elements are at home in them."""
    found, elements = dict[int, Bucket](), 0
    addresses: list[int] = []
    for address, count, hash_ in homes:
        number = bisect_left(addresses, address)
        around = addresses[max(number - 1, 0) : number + 1]
        if any(abs(other - address) < shape.bucket_size for other in around):
            continue
        bits = _bits_of(file, address, shape)
        if bits is not None:
            addresses.insert(number, address)
            found[address] = Bucket(address, shape, bits, hash_ >> (HASH_BITS - bits))
            elements += count
    return found, elements


def _bits_of(file: MappedFile, address: int, shape: TableShape) -> int | None:
    """Return the depth of the bucket at an address, or None when its counts do not agree with what it holds."""
    head = Struct(mark_of(shape.byte_order) + "ii")
    place = address + shape.layout.bits_at
    if address <= 0 or place + head.size > file.size:
        return None
    bits, count = file.unpack(head, place)
    free = int.from_bytes(file.slice(address, 4), shape.byte_order)
    if not 0 <= bits <= HASH_BITS or not 0 < count <= shape.capacity or free > BUCKET_FREE:
        return None
    used = sum(fields[0] != -1 for fields in elements_of(file, address, shape))
    is_cut = address + shape.bucket_size > file.size
    return int(bits) if used == count or (is_cut and used < count) else None


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
