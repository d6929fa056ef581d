"""Pages of new Berkeley DB files of the releases 4.6 to 5.3: headers, items, overflow chains and the first page.

What the writers of hash and btree files share. All sizes are known before any value is read, so every page has
its number before it is made, and pages can be written one after another.

References: dbinc/db_page.h (P_INIT, BKEYDATA, BOVERFLOW, DBMETA), dbinc/btree.h (B_MINKEY_TO_OVFLSIZE) and
db/db_overflow.c (__db_poff) of Berkeley DB 5.3.
"""

import secrets
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import accumulate
from struct import Struct
from typing import Final

from app.backends.base import ByteOrder
from app.backends.berkeley.pages import ITEM_DATA, ITEM_OVERFLOW, OVERFLOW
from app.backends.writer import CreateOptions, refuse_unknown
from app.errors import StaleIndex

HEADER_BYTES: Final = 26
SLOT_BYTES: Final = 2
VERSION: Final = 9
"""The same number for hash files since 4.6 and for btree files since 4.1."""
LARGEST_ITEM: Final = (1 << 32) - 1
"""Bytes: the length of an overflow item has 32 bits."""
LAST_PAGE: Final = (1 << 32) - 2
_DEFAULT_PAGE_SIZE: Final = 4096
_NOT_LOGGED: Final = 1
"""The offset in the log that pages have which no log knows."""

Pieces = Callable[[int], Iterator[bytes]]
"""The value of a row in pieces."""


class PageMaker:
    """Makes pages of one size (bytes) in one byte order.

    ``min_keys``: how many keys at least a btree page has room for.
    """

    def __init__(self, size: int, byte_order: ByteOrder, min_keys: int = 2) -> None:
        self.size: Final = size
        self.byte_order: Final = byte_order
        self.mark: Final = "<" if byte_order == "little" else ">"
        self.room: Final = size - HEADER_BYTES
        """Bytes for slots and items, or for a piece of an overflow item."""
        self.largest_plain: Final = self.room // (2 * min_keys) - 10
        """Bytes of content from which on an item of a btree or duplicate page goes to overflow pages, exclusive."""
        self._header = Struct(self.mark + "IIIIIHHBB")
        self._meta = Struct(self.mark + "IIIIIIBBBBIIIIII20s")
        self._item_head = Struct(self.mark + "HB")
        self._overflow_item = Struct(self.mark + "HBBII")

    def header(
        self,
        number: int,
        kind: int,
        *,
        previous: int = 0,
        following: int = 0,
        entries: int = 0,
        used: int = 0,
        level: int = 0,
    ) -> bytes:
        """Return the header of a page; ``used`` as `pages.Page` has it."""
        return self._header.pack(0, _NOT_LOGGED, number, previous, following, entries, used & 0xFFFF, level, kind)

    def page(
        self,
        number: int,
        kind: int,
        items: Sequence[bytes],
        slots: Sequence[int] | None = None,
        *,
        previous: int = 0,
        following: int = 0,
        level: int = 0,
    ) -> bytes:
        """Return a page whose items fill it from its end on.

        ``slots``: where on the page the items start, when several slots share one; else each item has its own.
        """
        content = b"".join(reversed(items))
        lowest = self.size - len(content)
        if slots is None:
            slots = self.slots_of(items)
        head = self.header(
            number, kind, previous=previous, following=following, entries=len(slots), used=lowest, level=level
        )
        table = Struct(f"{self.mark}{len(slots)}H").pack(*slots)
        return b"".join((head, table, bytes(lowest - len(head) - len(table)), content))

    def slots_of(self, items: Sequence[bytes]) -> list[int]:
        """Return where items start that fill a page from its end on."""
        return [self.size - length for length in accumulate(map(len, items))]

    def item_bytes(self, size: int) -> int:
        """Return the room that content of ``size`` bytes takes on a btree or duplicate page, without its slot."""
        return (size + 6) & ~3 if size <= self.largest_plain else self._overflow_item.size

    def data_item(self, content: bytes) -> bytes:
        """Return an item of a btree or duplicate page that holds its content itself."""
        return self._item_head.pack(len(content), ITEM_DATA) + content + bytes(-(3 + len(content)) & 3)

    def overflow_item(self, number: int, size: int) -> bytes:
        """Return an item of a btree or duplicate page whose content stands on a chain from page ``number`` on."""
        return self._overflow_item.pack(0, ITEM_OVERFLOW, 0, number, size)

    def overflow_pages(self, size: int) -> int:
        """Return how many pages a chain for an item of ``size`` bytes has."""
        return -(-size // self.room)

    def overflow(self, first: int, size: int, pieces: Iterable[bytes], references: int = 1) -> Iterator[bytes]:
        """Yield the chain of pages, ``first`` and those after it, that holds an item.

        ``references``: how many items lead to it.

        Raises:
            StaleIndex: the pieces are not ``size`` bytes in all.
        """
        last, written = first + self.overflow_pages(size) - 1, 0
        for number, piece in enumerate(cut(pieces, self.room), first):
            written += len(piece)
            yield self.header(
                number,
                OVERFLOW,
                previous=number - 1 if number > first else 0,
                following=number + 1 if number < last else 0,
                entries=references if number == first else 1,
                used=len(piece),
            ) + piece.ljust(self.room, b"\0")
        if written != size:
            raise StaleIndex("The database that is read was changed by another program; list it again.")

    def first_page(self, magic: int, kind: int, last_page: int, flags: int, fields: bytes) -> bytes:
        """Return the first page; ``fields`` are those of the access method, which begin at byte 72."""
        head = self._meta.pack(
            0, _NOT_LOGGED, 0, magic, VERSION, self.size, 0, kind, 0, 0, 0, last_page, 0, 0, 0, flags,
            secrets.token_bytes(20),
        )  # fmt: skip
        return (head + fields).ljust(self.size, b"\0")


def cut(pieces: Iterable[bytes], size: int) -> Iterator[bytes]:
    """Yield the same bytes in pieces of ``size``, the last one of what is left."""
    rest = b""
    for piece in pieces:
        rest += piece
        whole = len(rest) // size * size
        for start in range(0, whole, size):
            yield rest[start : start + size]
        rest = rest[whole:]
    if rest:
        yield rest


def maker_for(options: CreateOptions, format_id: str) -> PageMaker:
    """Return the maker of pages that a person chose.

    Raises:
        OptionRejected: Berkeley DB has no such pages, or an option that means nothing to it was chosen.
    """
    refuse_unknown(options, format_id)
    return PageMaker(options.page_size or _DEFAULT_PAGE_SIZE, options.byte_order or "little")


def why_refused(key: bytes, value_size: int) -> str:
    """Return what `Writer.why_refused` does."""
    longest = max(len(key), value_size)
    return f"Berkeley DB stores at most {LARGEST_ITEM:,} bytes at once" if longest > LARGEST_ITEM else ""
