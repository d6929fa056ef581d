"""The header of a GDBM file: magics, the three structure layouts, and which of them a file has.

References: gdbm.h.in and gdbmdefs.h (gdbm_file_header, hash_bucket, avail_block), hash.c of GDBM 1.23.
"""

import struct
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import cycle
from operator import mul
from typing import Final, Literal

from app.backends.base import ByteOrder


@dataclass(frozen=True, slots=True)
class Layout:
    """Sizes in bytes that the writer's C compiler gave the structures."""

    name: str
    offset_size: int
    bits_at: int
    table_at: int
    element: int
    bucket_head: int
    """sizeof(hash_bucket), which holds one element already."""
    free_format: str
    """An element of a table of free space: its size and its address; without the byte order's mark."""

    @property
    def element_format(self) -> str:
        """hash, first four bytes of the key, address, key size, data size; without the byte order's mark."""
        return "i4sqii" if self.offset_size == 8 else "i4siii"

    @property
    def header_format(self) -> str:
        """The fields of `Header` behind the magic, in their order; without the byte order's mark."""
        return "iqiiiiq" if self.offset_size == 8 else "iiiiiii"

    @property
    def offset_code(self) -> Literal["q", "i"]:
        """An address in the file, as `struct` and `array` call it."""
        return "q" if self.offset_size == 8 else "i"

    @property
    def header_size(self) -> int:
        """Bytes before the table of free space, or before what numsync adds."""
        return 4 + struct.calcsize("<" + self.header_format)

    @property
    def bucket_free_at(self) -> int:
        """Where in a bucket its table of free space starts; the count of its elements comes first in the bucket."""
        return self.bits_at - BUCKET_FREE * struct.calcsize("<" + self.free_format)

    @property
    def deepest(self) -> int:
        """The most bits that a directory can have: GDBM counts its bytes in an int, and doubles it below 2**30."""
        return 30 - self.offset_size.bit_length() + 1

    def elements_in(self, bucket_size: int) -> int:
        return (bucket_size - self.bucket_head) // self.element + 1


BUCKET_FREE: Final = 6
"""Elements in a bucket's own table of free space."""
LAYOUTS: Final = (
    Layout("64-bit", 8, 104, 112, 24, 136, "i4xq"),
    Layout("64-bit offsets of a 32-bit machine", 8, 76, 84, 24, 108, "iq"),
    Layout("32-bit", 4, 52, 60, 20, 80, "ii"),
)


@dataclass(frozen=True, slots=True)
class _Magic:
    offset_sizes: tuple[int, ...]
    numsync: bool = False


MAGICS: Final = {
    0x13579ACE: _Magic((8, 4)),
    0x13579ACD: _Magic((4,)),
    0x13579ACF: _Magic((8,)),
    0x13579AD0: _Magic((4,), numsync=True),
    0x13579AD1: _Magic((8,), numsync=True),
}
HEADER_BYTES: Final = 40
"""The longest header without what numsync adds."""
EXTENSION_BYTES: Final = 32
"""What numsync adds: a version, the count of syncs, and room."""
HASH_BITS: Final = 31
_BYTE_ORDERS: Final[tuple[ByteOrder, ...]] = ("little", "big")


@dataclass(frozen=True, slots=True)
class Header:
    """A header whose fields agree with each other; addresses and sizes in bytes."""

    layout: Layout
    byte_order: ByteOrder
    magic: int
    block_size: int
    directory: int
    directory_size: int
    directory_bits: int
    bucket_size: int
    bucket_elements: int
    next_block: int

    @property
    def numsync(self) -> bool:
        return MAGICS[self.magic].numsync

    @property
    def free_at(self) -> int:
        """Where the table of free space starts."""
        return self.layout.header_size + EXTENSION_BYTES * self.numsync

    @property
    def is_consistent(self) -> bool:
        layout = self.layout
        return (
            0 < self.directory_bits < 31
            and self.directory_size == layout.offset_size << self.directory_bits
            and self.directory > 0
            and self.bucket_size >= layout.bucket_head
            and self.bucket_elements == layout.elements_in(self.bucket_size)
        )


def magic_order(head: bytes) -> ByteOrder | None:
    """Return the byte order in which the first four bytes are a GDBM magic."""
    for order in _BYTE_ORDERS:
        if len(head) >= 4 and int.from_bytes(head[:4], order) in MAGICS:
            return order
    return None


def parse_header(head: bytes) -> Header | None:
    """Return the header under the layout that fits, or None: no magic, cut, or its fields contradict each other."""
    order = magic_order(head)
    if order is None:
        return None
    magic = int.from_bytes(head[:4], order)
    candidates = (
        _header(head, layout, order, magic) for layout in LAYOUTS if layout.offset_size in MAGICS[magic].offset_sizes
    )
    # At most one fits: 28 bytes between the bucket heads of the 64-bit layouts are more than an element, and
    # a header with 64-bit fields read as one with 32-bit fields has a zero among them.
    return next((header for header in candidates if header is not None and header.is_consistent), None)


def _header(head: bytes, layout: Layout, order: ByteOrder, magic: int) -> Header | None:
    fields = struct.Struct(mark_of(order) + layout.header_format)
    if len(head) < 4 + fields.size:
        return None
    return Header(layout, order, magic, *fields.unpack_from(head, 4))


def mark_of(order: ByteOrder) -> Literal["<", ">"]:
    """Return a byte order as `struct` writes it."""
    return "<" if order == "little" else ">"


_WEIGHTS: Final = tuple(1 << (place * 5 % 24) for place in range(24))


def key_hashes(key: bytes) -> tuple[int, ...]:
    """Return the 31-bit hashes that writers store for a key.

    The second one is that of machines where C's ``char`` is signed; it is left out where it is the same.
    GDBM adds the shifted bytes modulo 2**31 step by step; sums and products commute with that.
    """
    length = len(key)
    total = 0x238F13AF * length + sum(map(mul, key, _weights(length)))
    unsigned = (1103515243 * (total & 0x7FFFFFFF) + 12345) & 0x7FFFFFFF
    if key.isascii():
        return (unsigned,)
    total -= sum(weight << 8 for byte, weight in zip(key, _weights(length), strict=False) if byte > 127)
    return unsigned, (1103515243 * (total & 0x7FFFFFFF) + 12345) & 0x7FFFFFFF


def can_hash_to(key: bytes, hash_: int) -> bool:
    """Tell whether the low eight bits of a hash are those of a key: they take but every third byte of a long one.

    Whether C's ``char`` is signed makes no difference to them. The weight of byte 5 * n is 2**n, and comes again
    every 24 bytes.
    """
    total = 0x238F13AF * len(key)
    for bit in range(8):
        total += sum(key[5 * bit % 24 :: 24]) << bit
        if (1103515243 * total + 12345 ^ hash_) & (2 << bit) - 1:
            return False
    return True


def key_hash(key: bytes, *, signed: bool) -> int:
    """Return the 31-bit hash that a writer stores whose C ``char`` is signed, or is not."""
    return key_hashes(key)[-1 if signed else 0]


def hashes_signed(order: ByteOrder) -> bool:
    """Return how the likeliest machine of a byte order hashes: x86 signed, IBM Z and big-endian POWER unsigned."""
    return order == "little"


def _weights(length: int) -> Iterable[int]:
    """Return at least ``length`` factors; a hostile key of the file's size must not get a tuple of eight times that."""
    return _WEIGHTS if length <= len(_WEIGHTS) else cycle(_WEIGHTS)
