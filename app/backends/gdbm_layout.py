"""The header of a GDBM file: magics, the three structure layouts, and which of them a file has.

References: gdbm.h.in and gdbmdefs.h (gdbm_file_header, hash_bucket, avail_block), hash.c of GDBM 1.23.
"""

import struct
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import cycle
from operator import mul
from typing import Final

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

    @property
    def element_format(self) -> str:
        """hash, first four bytes of the key, address, key size, data size; without the byte order's mark."""
        return "i4sqii" if self.offset_size == 8 else "i4siii"


LAYOUTS: Final = (
    Layout("64-bit", 8, 104, 112, 24, 136),
    Layout("64-bit offsets of a 32-bit machine", 8, 76, 84, 24, 108),
    Layout("32-bit", 4, 52, 60, 20, 80),
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
_BYTE_ORDERS: Final[tuple[ByteOrder, ...]] = ("little", "big")


@dataclass(frozen=True, slots=True)
class Header:
    """A header whose fields agree with each other; addresses and sizes in bytes."""

    layout: Layout
    byte_order: ByteOrder
    numsync: bool
    block_size: int
    directory: int
    directory_size: int
    directory_bits: int
    bucket_size: int
    bucket_elements: int
    next_block: int

    @property
    def is_consistent(self) -> bool:
        layout = self.layout
        return (
            0 < self.directory_bits < 31
            and self.directory_size == layout.offset_size << self.directory_bits
            and self.directory > 0
            and self.bucket_size >= layout.bucket_head
            and self.bucket_elements == (self.bucket_size - layout.bucket_head) // layout.element + 1
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
    magic = MAGICS[int.from_bytes(head[:4], order)]
    candidates = (
        _header(head, layout, order, numsync=magic.numsync)
        for layout in LAYOUTS
        if layout.offset_size in magic.offset_sizes
    )
    # At most one fits: 28 bytes between the bucket heads of the 64-bit layouts are more than an element, and
    # a header with 64-bit fields read as one with 32-bit fields has a zero among them.
    return next((header for header in candidates if header is not None and header.is_consistent), None)


def _header(head: bytes, layout: Layout, order: ByteOrder, *, numsync: bool) -> Header | None:
    mark = "<" if order == "little" else ">"
    fields = struct.Struct(mark + ("iqiiiiq" if layout.offset_size == 8 else "iiiiiii"))
    if len(head) < 4 + fields.size:
        return None
    return Header(layout, order, numsync, *fields.unpack_from(head, 4))


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


def _weights(length: int) -> Iterable[int]:
    """Return at least ``length`` factors; a hostile key of the file's size must not get a tuple of eight times that."""
    return _WEIGHTS if length <= len(_WEIGHTS) else cycle(_WEIGHTS)
