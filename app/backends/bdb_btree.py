"""Btree files of Berkeley DB 2 and later (``bsddb.btopen``), in the order of their leaves.

The locator of a value on a leaf page is the page number times 65,536 plus the number of its slot; the slot
before it is the key's.

References: btree/bt_cursor.c, btree/bt_put.c (B_DELETE) and dbinc/db_page.h of Berkeley DB 5.3.
"""

from collections.abc import Iterator
from typing import ClassVar, Final

from app.backends.bdb_file import SLOT_BITS, SLOT_MASK, Listed
from app.backends.bdb_items import BdbKeyedBackend
from app.backends.bdb_pages import BTREE_LEAF, ITEM_BLOB, ITEM_DATA, ITEM_DUPLICATES, Item, Page
from app.backends.bdb_tree import leaves, lost_leaves
from app.backends.binary import Damage
from app.backends.key_order import KeyOrder
from app.cancel import CancelToken

_LEAVES: Final = frozenset({BTREE_LEAF})


class BdbBtreeBackend(BdbKeyedBackend):
    """One btree file."""

    format_id: ClassVar[str] = "bdb-btree"

    def _listed(self, token: CancelToken) -> Iterator[Listed]:
        self._order = KeyOrder()
        for page in self._all_leaves(token):
            token.check()
            try:
                yield from self._entries(page)
            except Damage as error:
                self._report(error)
        self._order.judge(self)

    def _all_leaves(self, token: CancelToken) -> Iterator[Page]:
        """Yield the leaves from the root, last those that damage has cut off."""
        yield from leaves(self._pages, self._pages.meta.root, _LEAVES, self.report)
        self._order.start_over()
        yield from lost_leaves(self._pages, _LEAVES, self.report, token)

    def _entries(self, page: Page) -> Iterator[Listed]:
        """List one leaf: the hot loop of indexing, with plain keys and values checked in line."""
        pages, order = self._pages, self._order
        content, slots = pages.content(page), self._slots_of_pairs(page)
        ends, item_head = pages.ends(slots), pages.item_head.unpack_from
        lowest, highest = pages.header_bytes + 2 * len(slots), pages.size - 4
        key_slot, key = -1, None
        for number in range(1, len(slots), 2):
            if slots[number - 1] != key_slot:
                key_slot, key = slots[number - 1], None
                if lowest <= key_slot <= highest:
                    length, kind = item_head(content, key_slot)
                    if kind == ITEM_DATA and (key_slot + 6 + length) & ~3 == ends[key_slot]:
                        key = content[key_slot + 3 : key_slot + 3 + length]
                if key is None:
                    key = self._other_key(page, key_slot, ends)
                if key is not None:
                    order.add(key, page.offset)
            if key is None:
                continue
            slot = slots[number]
            if lowest <= slot <= highest:
                length, kind = item_head(content, slot)
                if kind == ITEM_DATA and (slot + 6 + length) & ~3 == ends[slot]:
                    yield key, page.number << SLOT_BITS | number, length
                    continue
            yield from self._other_value(key, page, number, ends)

    def _other_key(self, page: Page, slot: int, ends: dict[int, int]) -> bytes | None:
        """Return a key that stands on overflow pages, or None when it is (reported) damaged."""
        try:
            item = self._pages.item(page, slot, ends)
            if item is None:
                raise self._file.damage(f"a key on page {page.number} is marked as deleted", page.offset)
            if item.overflow:
                self._pages.claim_overflow(item.overflow, item.size)
            return self._bytes_of(item, item.size)
        except Damage as error:
            self.report(f"A key is lost: {error.detail}.", error.offset)
            return None

    def _other_value(self, key: bytes, page: Page, number: int, ends: dict[int, int]) -> Iterator[Listed]:
        """List what is no plain value on the page: an overflow chain, off-page duplicates, nothing if deleted."""
        slot = self._pages.slot(page, number)
        locator = page.number << SLOT_BITS | number
        kind = self._file.u8(page.offset + slot + 2) if slot <= self._pages.size - 12 else ITEM_DATA
        if kind == ITEM_DUPLICATES and slot + 12 == ends[slot]:
            yield from self._duplicates(key, locator, self._file.u32(page.offset + slot + 4))
        elif kind == ITEM_BLOB:
            self.report(
                f"The value of {key!s:.80} is in an external file (a blob); it is left out.", page.offset + slot
            )
        else:
            item = self._checked_item(page, slot, ends)
            if item is not None:
                yield key, locator, item.size

    def _located(self, locator: int) -> tuple[Item, Item | None]:
        page = self._pages.page(locator >> SLOT_BITS)
        number = locator & SLOT_MASK
        key = None
        if page.type == BTREE_LEAF and number % 2:
            key = self._pages.item(page, self._pages.slot(page, number - 1))
        if key is None:
            raise self._file.damage(f"page {page.number} has no key {number}", page.offset)
        slot = self._pages.slot(page, number)
        if self._file.u8(page.offset + slot + 2) == ITEM_DUPLICATES:
            return key, None
        return key, self._pages.item(page, slot)
