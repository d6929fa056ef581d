"""The first page of a hash file of Berkeley DB 1.85, what its other pages hold, and the hash of its keys.

References: hash/hash.h (HASHHDR, BUCKET_TO_PAGE, OADDR_TO_PAGE), page.h and hash_func.c of Berkeley DB 1.85.
"""

from dataclasses import dataclass
from operator import mul
from struct import Struct
from typing import Final, Self

from app.backends.base import ByteOrder

MAGIC: Final = 0x061561
HEADER_BYTES: Final = 196
NEXT_PAGE, PARTIAL_KEY, FULL_KEY, FULL_KEY_DATA = 0, 1, 2, 3
"""What stands in the place of a value's offset beside a link, and on the pages of a big entry."""
_CHARKEY: Final = b"%$sniglet^&\0"
"""What writers hash to tell which hash function they were given."""
_SPLIT_BITS: Final = 11
_ORDERS: Final[dict[int, ByteOrder]] = {1234: "little", 4321: "big"}

Span = tuple[int, int]
"""Where bytes are: start in the file, and length."""


@dataclass(frozen=True, slots=True)
class Header:
    """Fields of the first page; sizes in bytes."""

    byte_order: ByteOrder
    page_size: int
    max_bucket: int
    high_mask: int
    low_mask: int
    key_count: int
    header_pages: int
    char_key: int
    spares: tuple[int, ...]

    @classmethod
    def parse(cls, head: bytes) -> Self | None:
        """Return the fields, or None when the page is cut or impossible."""
        order = next((mark for mark in "><" if head[:4] == Struct(f"{mark}I").pack(MAGIC)), None)
        if order is None or len(head) < HEADER_BYTES:
            return None
        fields = Struct(f"{order}49I").unpack_from(head)
        pages = _ORDERS.get(fields[2])
        if pages is None or not 16 <= fields[3] <= 65536 or not fields[15]:
            return None
        return cls(
            byte_order=pages,
            page_size=fields[3],
            max_bucket=fields[10],
            high_mask=fields[11],
            low_mask=fields[12],
            key_count=fields[14],
            header_pages=fields[15],
            char_key=fields[16],
            spares=fields[17:],
        )

    @property
    def has_own_hash(self) -> bool:
        """Whether the program that wrote the file brought its own hash function."""
        return self.char_key != key_hash(_CHARKEY)

    @property
    def has_possible_masks(self) -> bool:
        """Whether masks and number of buckets fit each other."""
        is_mask = self.high_mask & (self.high_mask + 1) == 0
        return is_mask and self.low_mask == self.high_mask >> 1 and self.low_mask <= self.max_bucket <= self.high_mask

    def page_of_bucket(self, bucket: int) -> int:
        return bucket + self.header_pages + (self.spares[bucket.bit_length() - 1] if bucket else 0)

    def page_of_overflow(self, address: int) -> int:
        doubling = address >> _SPLIT_BITS
        return self.page_of_bucket((1 << doubling) - 1) + (address & (1 << _SPLIT_BITS) - 1)

    def bucket_of(self, key: bytes) -> int:
        hash_ = key_hash(key)
        bucket = hash_ & self.high_mask
        return bucket if bucket <= self.max_bucket else hash_ & self.low_mask


@dataclass(frozen=True, slots=True)
class HashPage:
    """``offset`` is its place in the file; ``words`` are the count, the offsets, and two more numbers."""

    number: int
    offset: int
    size: int
    words: tuple[int, ...]

    @property
    def count(self) -> int:
        return self.words[0]

    @property
    def kind(self) -> int:
        """Return what stands beside the first offset: a mark of a big entry, or where a value starts."""
        return self.words[2] if self.count else NEXT_PAGE

    @property
    def tail(self) -> Span:
        """Return the piece of a big entry that reaches to the end of the page."""
        return self.offset + self.words[1], self.size - self.words[1]

    @property
    def link(self) -> int:
        """Return the overflow address of the page that follows in the chain."""
        return self.words[self.count - 1]

    def end_of(self, place: int) -> int:
        """Return where the key ends whose offset stands at ``place``."""
        if place == 1:
            return self.size
        before = self.words[place - 1]
        return before if before > FULL_KEY_DATA else self.words[place - 2]


_PIECE: Final = 64
_POWERS: Final = tuple(pow(33, exponent, 1 << 32) for exponent in range(_PIECE + 1))


def key_hash(key: bytes) -> int:
    """Return the 32-bit hash of a key (``hash4``)."""
    value = 0
    for start in range(0, len(key), _PIECE):
        piece = key[start : start + _PIECE]
        value = (value * _POWERS[len(piece)] + sum(map(mul, piece[::-1], _POWERS))) & 0xFFFFFFFF
    return value
