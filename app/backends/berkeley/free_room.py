"""Entries of btree leaves of Berkeley DB that lie whole on pages which are free now.

A page that is set free gets a new header, no more: where its slots still lead to items that fill it from its end
on, each value right before its key, those are entries. The free room of a leaf has no such order: splitting a page
leaves copies of what moved away, and later items cut them into pieces.

References: db/db_dup.c (__db_pitem), btree/bt_split.c (__bam_copy) and db/db_meta.c (__db_free) of Berkeley DB 5.3.
"""

from collections.abc import Iterator
from struct import Struct
from typing import Final, NamedTuple

from app.backends.berkeley.pages import BTREE_LEAF, DELETED, ITEM_DATA, Page, Pages

_STEP: Final = 4
"""Items begin at multiples of it."""
_HEAD: Final = 3


class Remains(NamedTuple):
    """An entry in free room. ``key`` is None where it was written over, ``start`` is where its lowest item begins."""

    key: bytes | None
    value: bytes
    start: int


class FreeRoom:
    """The free room of the leaves and free pages of one file."""

    def __init__(self, pages: Pages) -> None:
        self._pages = pages
        self._pair = Struct(pages.file.mark + "HH")

    def bounds(self, page: Page) -> tuple[int, int]:
        """Return where the free room of a page begins and ends (bytes in the file)."""
        start, end = page.offset + self._pages.header_bytes, page.offset + self._pages.size
        if page.type != BTREE_LEAF:
            return start, end
        return start + 2 * page.entries, page.offset + min(page.used or self._pages.size, self._pages.size)

    def _item(self, place: int, end: int) -> int:
        """Return where the item at a place ends; 0 when there is none, or none on the page itself."""
        if place + _STEP > end:
            return 0
        length, kind = self._pages.item_head.unpack_from(self._pages.file.buffer, place)
        behind: int = place + (length + 6 & ~3)
        return behind if kind & ~DELETED == ITEM_DATA and behind <= end else 0

    def _content(self, place: int) -> bytes:
        length, _kind = self._pages.item_head.unpack_from(self._pages.file.buffer, place)
        return self._pages.file.slice(place + _HEAD, length)

    def remains(self, page: Page) -> Iterator[Remains]:
        """Yield the entries of a page that was set free, as long as its slots lead from one to the next."""
        start, end = self.bounds(page)
        places = start
        while places + self._pair.size <= end:
            key, value = (page.offset + slot for slot in self._pair.unpack_from(self._pages.file.buffer, places))
            places += self._pair.size
            if key < places or self._item(key, end) != end:
                return
            if not places <= value < key or self._item(value, key) != key:
                if end == page.offset + self._pages.size:  # the last value to go, which took the room of its key
                    yield Remains(None, self._content(key), key)
                return
            yield Remains(self._content(key), self._content(value), value)
            end = value
