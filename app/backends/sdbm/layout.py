"""Pages, directory and hashes of SDBM and classic ndbm, which write no header: all is told by what fits.

References: pair.c, sdbm.c (getpage, makroom) and hash.c of SDBM in perl, Ruby and APR; ndbm.c of 4.3BSD.
"""

import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from operator import mul
from typing import Final

from app.backends.base import Buffer, ByteOrder

PAGE_SIZES: Final = (512, 1024, 2048, 4096, 8192, 16384, 32768)
"""Rising: pages read at twice their size look whole but hide every other one; at half of it they never fit."""
MULTIPLIERS: Final = (65599, 65587)
"""Of the hashes of keys: SDBM's own, and that of Ruby's copy."""
PAIR_BITS: Final = 16
"""Bits of a locator that are the number of a pair on its page; the others are the page's."""
_PIECE: Final = 64
"""Bytes of a key that are hashed in one step."""
_FIRST_SLOTS_END: Final = 6
"""Where count and first two slots of a page end (bytes)."""
_HIGH_BITS: Final = bytes(byte & 0x80 for byte in range(256))


@dataclass(frozen=True, slots=True)
class Geometry:
    """Size of a page in bytes, and byte order."""

    page_size: int
    byte_order: ByteOrder

    @property
    def mark(self) -> str:
        """Return the byte order as `struct` writes it."""
        return "<" if self.byte_order == "little" else ">"

    def __str__(self) -> str:
        return f"pages of {self.page_size:,} bytes, {self.byte_order}-endian"


NEW: Final = Geometry(1024, "little")
"""What perl, Ruby and classic ndbm use on most machines."""


@dataclass(frozen=True, slots=True)
class Convention:
    """How a writer lays a database out; ``multiplier`` is that of the hash, or 0 when the hash is unknown.

    ``signed``: whether C's ``char`` is, on the writer's machine. ``by_level``: whether .dir is in the order of
    classic ndbm.
    """

    geometry: Geometry
    multiplier: int = MULTIPLIERS[0]
    signed: bool = True
    by_level: bool = False

    @property
    def longest_pair(self) -> int:
        """Return how long a key and its value may be together (bytes), for SDBM to take them."""
        return _LONGEST_PAIRS.get(self.geometry.page_size, self.geometry.page_size - 16)

    def key_hash(self, key: bytes) -> int:
        return key_hashes(key, self.multiplier)[-1 if self.signed else 0]


_LONGEST_PAIRS: Final = {8192: 8008}
"""PAIRMAX of APR; that of perl and Ruby, 1,008, is 16 less than their pages."""


def find_geometry(data: bytes) -> Geometry | None:
    """Return the geometry in which the pages at the start of ``data`` are whole; one in four may be damaged."""
    if data and not any(data[start : start + 2].strip(b"\0") for start in range(0, len(data), PAGE_SIZES[0])):
        return NEW  # pages that were emptied tell nothing
    orders: tuple[ByteOrder, ...] = ("little", "big")
    for page_size in PAGE_SIZES:
        for order in orders:
            geometry = Geometry(page_size, order)
            if _fits(data, geometry):
                return geometry
    return None


def _fits(data: bytes, geometry: Geometry) -> bool:
    size = geometry.page_size
    pages = [data[start : start + size] for start in range(0, len(data) - size + 1, size)]
    filled = [page for page in pages if page[:2] != b"\0\0"]
    allowed = len(filled) // 4
    for page in filled:
        allowed -= page_offsets(page, geometry) is None
        if allowed < 0:
            return False
    return bool(pages)


def page_offsets(page: bytes, geometry: Geometry) -> tuple[int, ...] | None:
    """Return where key and value of each pair start, in turn, or None when that cannot be.

    A key ends where the value before it starts, the first one at the end of the page; a value ends at its key.
    """
    offsets = unchecked_offsets(page, geometry)
    if offsets is None or not are_falling((len(page), *offsets, 2 * len(offsets) + 2)):
        return None
    return offsets


def unchecked_offsets(page: bytes, geometry: Geometry) -> tuple[int, ...] | None:
    """Return the offsets that a page has, in any order, or None when not even their number can be."""
    count = int.from_bytes(page[:2], geometry.byte_order)
    if count % 2 or 2 * count + 2 > len(page):
        return None
    return struct.unpack_from(f"{geometry.mark}{count}H", page, 2)


def are_falling(offsets: tuple[int, ...]) -> bool:
    return all(before >= after for before, after in pairwise(offsets))


def whole_pairs(page: bytes, geometry: Geometry) -> Iterator[tuple[int, int, int, int]]:
    """Yield the pairs of a damaged page whose offsets agree with those before and behind them.

    Of each the number, where its key ends and starts, and where its value starts (bytes); it ends at the key.
    """
    offsets = unchecked_offsets(page, geometry) or ()
    borders = (len(page), *offsets, 2 * len(offsets) + 2)
    for pair in range(len(offsets) // 2):
        around = borders[max(2 * pair - 1, 0) : 2 * pair + 4]
        end, start, middle = borders[2 * pair : 2 * pair + 3]
        if around[0] <= len(page) and around[-1] >= borders[-1] and are_falling(around):
            yield pair, end, start, middle


def has_lost_count(page: bytes) -> bool:
    """Tell whether a page holds something, but neither its count nor the first two slots do.

    No program leaves that: removing pairs lessens the count, and the slots of the first pair keep what they had.
    """
    return not page[:_FIRST_SLOTS_END].strip(b"\0") and bool(page.strip(b"\0"))


def pairs_behind_lost_count(page: bytes, geometry: Geometry) -> Iterator[tuple[int, int, int]]:
    """Yield where a key ends and starts, and where its value starts (bytes), of the pairs whose slots remain."""
    slots = struct.unpack(f"{geometry.mark}{len(page) // 2}H", page)
    first = next(at for at, slot in enumerate(slots) if slot)
    at = first + first % 2  # keys start at odd slots, and the end of one whose slot is the first left is lost
    end, at = min(slots[at : at + 1], default=0), at + 1
    while 2 * (at + 2) <= end <= len(page):
        start, middle = slots[at : at + 2]
        if not 2 * (at + 2) <= middle <= start <= end:
            return
        if middle < end:
            yield end, start, middle
        end, at = middle, at + 2


def stale_pairs(page: bytes, geometry: Geometry) -> Iterator[tuple[bytes, bytes, int]]:
    """Yield key, value, and place of the value of each removed pair that a whole page still has, as far as can be told.

    SDBM takes a pair out by moving all that lie below it up, and lessens the number of offsets; below the last
    pair, and behind the last offset, remains what was there.
    """
    offsets = page_offsets(page, geometry)
    if offsets is None:
        return
    borders = (len(page), *offsets)
    live = [
        (page[start:end], page[middle:start])
        for end, start, middle in zip(borders[::2], borders[1::2], borders[2::2], strict=False)
    ]
    before = live[-1] if live else None
    end, place = borders[-1], 2 * len(offsets) + 2
    while place + 4 <= end:
        start, middle = struct.unpack_from(f"{geometry.mark}2H", page, place)
        place += 4
        if not place <= middle <= start <= end:
            return
        key, value = page[start:end], page[middle:start]
        end = middle
        # Of a pair that was moved the old copy remains, and where the one before it began is not known any more.
        if before is not None and before[1] == value and (key.startswith(before[0]) or before[0].startswith(key)):
            continue
        before = key, value
        if before not in live:
            yield key, value, middle


def key_hashes(key: bytes, multiplier: int) -> tuple[int, ...]:
    """Return the low 32 bits of a key's hashes: with C's ``char`` unsigned, and signed where that differs."""
    unsigned = _hash(key, multiplier)
    if key.isascii():
        return (unsigned,)
    return unsigned, (unsigned - 2 * _hash(key.translate(_HIGH_BITS), multiplier)) & 0xFFFFFFFF


def _hash(key: bytes, multiplier: int) -> int:
    powers = short_key_powers(multiplier)
    value = 0
    for start in range(0, len(key), _PIECE):
        piece = key[start : start + _PIECE]
        value = (value * powers[len(piece)] + sum(map(mul, piece[::-1], powers))) & 0xFFFFFFFF
    return value


@cache
def short_key_powers(multiplier: int) -> tuple[int, ...]:
    """Return what the bytes of a key, the last one first, are multiplied by; enough for keys of 65 bytes."""
    return tuple(pow(multiplier, exponent, 1 << 32) for exponent in range(_PIECE + 1))


REVERSED_BYTES: Final = bytes(int(f"{byte:08b}"[::-1], 2) for byte in range(256))


def reversed_bits(value: int) -> int:
    """Return 32 bits, the lowest one first."""
    return int.from_bytes(value.to_bytes(4, "little").translate(REVERSED_BYTES), "big")


class Directory:
    """The bitmap of .dir: which pages were split, and so how many bits of a hash tell a page."""

    def __init__(self, bits: Buffer) -> None:
        self._bits = bits
        self._count = 8 * len(bits)

    def _has(self, place: int) -> bool:
        return place < self._count and bool(self._bits[place >> 3] >> (place & 7) & 1)

    def trie_mask(self, number: int) -> int:
        """Return the mask that gives the page for hashes that end in the bits of ``number``, as SDBM finds it."""
        node = depth = 0
        while self._has(node):
            node = 2 * node + 1 + (number >> depth & 1)
            depth += 1
        return (1 << depth) - 1

    def level_mask(self, number: int) -> int:
        """Return the same as classic ndbm finds it, whose bitmap is ordered by level and page."""
        mask = 0
        while self._has((number & mask) + mask):
            mask = 2 * mask + 1
        return mask


MaskOf = Callable[[int], int]


def highest_sibling(number: int, mask: int) -> int:
    """Return the highest page that was split off on the way to a page; it was written when that happened."""
    bits = (1 << depth for depth in range(mask.bit_length()))
    return max((number & (bit - 1) | bit for bit in bits), default=0)
