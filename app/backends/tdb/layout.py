"""The header of TDB files, and how they hash their keys.

References: common/tdb_private.h (tdb_header), common/open.c, common/hash.c (tdb_old_hash, tdb_header_hash) of TDB 1.4.
"""

from dataclasses import dataclass
from itertools import cycle
from operator import mul
from struct import unpack_from
from typing import Final

from app.backends.base import ByteOrder

MAGIC: Final = b"TDB file\n"
HEADER_BYTES: Final = 168
_VERSIONS: Final = (0x26011967 + 6, 0x26011967 + 7)
_HAS_FEATURES: Final = 0xBAD1A52
_MUTEXES: Final = 1
_WEIGHTS: Final = tuple(1 << (place * 5 % 24) for place in range(24))


@dataclass(frozen=True, slots=True)
class Header:
    """``base``: where the database begins (bytes), behind the mutexes if there are any; all offsets count from it."""

    byte_order: ByteOrder
    chains: int
    has_first_hash: bool
    base: int


def parse_header(head: bytes) -> Header | None:
    """Return what the first bytes say, or None when they are not the header of a TDB file."""
    orders: tuple[ByteOrder, ...] = ("little", "big")
    for order in orders:
        if len(head) >= HEADER_BYTES and int.from_bytes(head[32:36], order) in _VERSIONS and head.startswith(MAGIC):
            words = unpack_from(f"{'<' if order == 'little' else '>'}8I", head, 36)
            chains, features_mark, _, _, hash_of_magic, _, features, mutex_bytes = words
            has_mutexes = features_mark == _HAS_FEATURES and features & _MUTEXES
            has_first_hash = hash_of_magic == key_hash(MAGIC + b"\0")
            return Header(order, chains, has_first_hash, mutex_bytes if has_mutexes else 0)
    return None


def key_hash(key: bytes) -> int:
    """Return the 32-bit hash of a key by TDB's first function; files tell whether it is theirs."""
    value: int = 0x238F13AF * len(key) + sum(map(mul, key, cycle(_WEIGHTS)))
    return (1103515243 * value + 12345) & 0xFFFFFFFF
