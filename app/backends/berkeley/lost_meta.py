"""What a Berkeley DB file must have said on its first page, told from its other pages when that one is lost.

References: dbinc/db_page.h (PAGE) of Berkeley DB 5.3.
"""

from collections import Counter
from collections.abc import Iterator
from struct import Struct
from typing import Final

from app.backends.base import ByteOrder
from app.backends.berkeley.meta import META_BYTES, Meta, Method, parse_meta
from app.backends.berkeley.pages import (
    BTREE_INTERNAL,
    BTREE_LEAF,
    DUPLICATE_CHAIN,
    DUPLICATE_LEAF,
    HASH,
    HASH_UNSORTED,
    OVERFLOW,
    RECNO_INTERNAL,
    RECNO_LEAF,
)
from app.backends.binary import MappedFile
from app.cancel import CancelToken

_PAGE_SIZES: Final = tuple(512 << step for step in range(8))
_ORDERS: Final[tuple[ByteOrder, ...]] = ("little", "big")
_SAMPLE: Final = 4096
"""Pages that are looked at for each size and byte order."""
_BTREE: Final = frozenset({BTREE_INTERNAL, BTREE_LEAF})
_RECNO: Final = frozenset({RECNO_INTERNAL, RECNO_LEAF})
_HASH: Final = frozenset({HASH, HASH_UNSORTED})
_NO_DECISION: Final = frozenset({DUPLICATE_CHAIN, OVERFLOW, DUPLICATE_LEAF})
_WITH_PLACES: Final = _BTREE | _RECNO | _HASH | {DUPLICATE_LEAF}
_PLAIN_HEADER, _CHECKED_HEADER = 26, 32
_RECNO_FLAG, _SUBDATABASES_FLAG = 2, 0x20
_ROOT: Final = 1
"""The root of the first tree of a file: it keeps its page, whatever becomes of the tree."""
_LAST_VERSION: Final[dict[Method, int]] = {"hash": 9, "btree": 9}


def meta_of(file: MappedFile, token: CancelToken) -> Meta | None:
    """Return the fields of the first page, or those that the other pages suggest; None when nothing does."""
    meta = parse_meta(file.buffer[:META_BYTES])
    if meta is not None and not meta.unsupported:
        return meta
    best, votes = None, 0
    for order in _ORDERS:
        for size in _PAGE_SIZES:
            token.check()
            kinds = Counter(_kinds(file, size, order))
            if kinds.total() * size > votes:
                best, votes = _guess(file, size, order, kinds), kinds.total() * size
    return best


def _kinds(file: MappedFile, size: int, order: ByteOrder) -> Iterator[int]:
    """Yield the types of the pages whose headers say their own numbers."""
    header = Struct(("<" if order == "little" else ">") + "8xIIIHHBB")
    for number in range(1, min(file.size // size, _SAMPLE)):
        found, previous, following, entries, _, level, kind = header.unpack_from(file.buffer, number * size)
        is_linked = number not in (previous, following) and _PLAIN_HEADER + 2 * entries <= size
        if found == number and is_linked and kind in _BTREE | _RECNO | _HASH | _NO_DECISION and level < 64:
            yield kind


def _guess(file: MappedFile, size: int, order: ByteOrder, kinds: Counter[int]) -> Meta:
    hash_, btree, recno = (sum(kinds[kind] for kind in group) for group in (_HASH, _BTREE, _RECNO))
    # Record numbers are those of duplicates, too, in files of either method.
    method: Method = "hash" if hash_ > btree else "btree"
    flags = _RECNO_FLAG if recno and not btree and method == "btree" else 0
    if _has_subdatabases(file, size, order):
        method, flags = "btree", _SUBDATABASES_FLAG
    return Meta(
        method,
        _LAST_VERSION[method],
        order,
        size,
        has_checksums=_have_checksums(file, size, order),
        last_page=file.size // size - 1,
        flags=flags,
        root=_ROOT,
    )


def _has_subdatabases(file: MappedFile, size: int, order: ByteOrder) -> bool:
    """Tell whether a page of a file is the first one of a database within it."""
    for number in range(2, min(file.size // size, _SAMPLE)):
        meta = parse_meta(file.buffer[number * size : number * size + META_BYTES])
        number_at = number * size + 8
        written = int.from_bytes(file.buffer[number_at : number_at + 4], order)
        if meta is not None and (meta.page_size, meta.byte_order) == (size, order) and written == number:
            return True
    return False


def _have_checksums(file: MappedFile, size: int, order: ByteOrder) -> bool:
    """Tell whether the places of items begin where they do behind checksums on more pages than elsewhere."""
    votes = 0
    header = Struct(("<" if order == "little" else ">") + "8xI8xHHBB")
    for number in range(1, min(file.size // size, _SAMPLE)):
        found, entries, used, _, kind = header.unpack_from(file.buffer, number * size)
        if found == number and kind in _WITH_PLACES and entries and _CHECKED_HEADER + 2 * entries <= size:
            places = Struct(f"{header.format[0]}{entries}H")
            plain, checked = (
                min(places.unpack_from(file.buffer, number * size + start)) == used
                for start in (_PLAIN_HEADER, _CHECKED_HEADER)
            )
            votes += checked - plain
    return votes > 0
