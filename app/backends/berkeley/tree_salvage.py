"""What can still be found in damaged btree files of Berkeley DB, and in those of record numbers.

An entry that was deleted lies marked on its leaf when a cursor was on it, or on a page that was set free.

References: btree/bt_delete.c and db/db_meta.c (__db_free) of Berkeley DB 5.3.
"""

from collections.abc import Iterator
from typing import Final

from app.backends.base import Match
from app.backends.berkeley.free_room import FreeRoom
from app.backends.berkeley.pages import BTREE_LEAF, DELETED, ITEM_DATA, ITEM_OVERFLOW, UNUSED, Item, Page, Pages
from app.backends.berkeley.search import Database, Search
from app.backends.berkeley.subdatabases import BdbSubdatabasesBackend, Parts
from app.backends.berkeley.tree import leaves
from app.backends.binary import Damage
from app.backends.salvage import Found, Origin, Salvage

_LEAVES: Final = frozenset({BTREE_LEAF})


class TreeSearch(Search):
    """One search of one file with trees."""

    def __init__(self, salvage: Salvage, pages: Pages, parts: Parts) -> None:
        super().__init__(salvage, pages)
        self._parts = parts
        self._room = FreeRoom(pages)
        self._reached: bytearray | None = None

    def _opened(self) -> Database:
        salvage, meta = self._salvage, self._pages.meta
        self._reached = self._reachable()
        match = Match("bdb-btree", "", "", salvage.path, salvage.base, (salvage.path,), meta.byte_order)
        if meta.has_subdatabases:
            return BdbSubdatabasesBackend(match, meta, self._parts)
        return self._parts[meta.format_id](match, self._pages)

    def _is_lost(self, database: Database, number: int) -> bool:
        return self._reached is not None and not self._reached[number]

    def _reachable(self) -> bytearray | None:
        """Return which pages are leaves that the tree or their chain leads to; None in files of several trees."""
        if self._pages.meta.has_subdatabases or self._pages.meta.is_recno:
            return None
        reached = bytearray(self._pages.count)
        for page in leaves(self._pages, self._pages.meta.root, _LEAVES, lambda _message, _offset: None):
            reached[page.number] = 1
        self._pages.start_over()
        return reached

    def _lost_entries(self, page: Page) -> Iterator[Found]:
        if page.type == BTREE_LEAF:
            for key, value in self._pairs(page, wants_deleted=False):
                yield from self._found(key, value, Origin.LOST)

    def _pairs(self, page: Page, *, wants_deleted: bool) -> Iterator[tuple[Item, Item]]:
        """Yield the keys and values of a leaf, either those that are there or those that are marked as deleted."""
        keys = list(self._items(page))[::2]
        try:
            slots = self._pages.slots(page)[1::2]
        except Damage:
            return
        for key, slot in zip(keys, slots, strict=False):
            value, is_deleted = self._marked_item(page, slot)
            if key is not None and value is not None and is_deleted is wants_deleted:
                yield key, value

    def _marked_item(self, page: Page, slot: int) -> tuple[Item | None, bool]:
        """Return an item, and whether it is marked as deleted; None for one that is damaged or has a tree."""
        pages = self._pages
        if not pages.header_bytes <= slot <= pages.size - 4:
            return None, False
        length, kind = pages.item_head.unpack_from(pages.file.buffer, page.offset + slot)
        is_deleted = bool(kind & DELETED)
        if kind & ~DELETED == ITEM_DATA and slot + 3 + length <= pages.size:
            return Item(length, page.offset + slot + 3), is_deleted
        if kind & ~DELETED == ITEM_OVERFLOW and slot + 12 <= pages.size:
            number, size = pages.reference.unpack_from(pages.file.buffer, page.offset + slot + 4)
            return Item(size, 0, number), is_deleted
        return None, is_deleted

    def _deleted(self, page: Page) -> Iterator[Found]:
        if page.type not in _LEAVES | {UNUSED}:
            return
        if page.type == BTREE_LEAF:
            for marked in self._pairs(page, wants_deleted=True):
                yield from self._found(*marked, Origin.DELETED)
        start, end = self._room.bounds(page)
        for remains in self._room.remains(page) if page.type == UNUSED else ():
            if self._is_new(remains.value if remains.key is None else (remains.key, remains.value)):
                yield Found(remains.key, remains.value, remains.start, Origin.DELETED)
            end = remains.start
        self._rest.extend((start, end))
