"""Btree files of Berkeley DB 2 and later (``bsddb.btopen``), in the order of their leaves.

The locator of a value on a leaf page is the page number times 65,536 plus the number of its slot; the slot
before it is the key's.

References: btree/bt_cursor.c, btree/bt_put.c (B_DELETE) and dbinc/db_page.h of Berkeley DB 5.3.
"""

from collections.abc import Iterable, Iterator
from itertools import chain, groupby, islice
from typing import ClassVar, Final

from app.backends.base import Match, Problem
from app.backends.berkeley.btree_write import BdbBtreeWriter, kept_settings
from app.backends.berkeley.duplicate_order import COMPARED, DuplicateOrder
from app.backends.berkeley.file import SLOT_BITS, SLOT_MASK, Listed, Scanned
from app.backends.berkeley.items import BdbKeyedBackend
from app.backends.berkeley.pages import BTREE_LEAF, ITEM_BLOB, ITEM_DATA, ITEM_DUPLICATES, Item, Page, Pages
from app.backends.berkeley.rewritable import AS_ANOTHER
from app.backends.berkeley.tree import leaves, lost_leaves
from app.backends.berkeley.tree_check import TreeCheck, main_tree
from app.backends.binary import Damage
from app.backends.key_index import ChunkBuilder, IndexChunk
from app.backends.key_order import KeyOrder
from app.cancel import CancelToken

_LEAVES: Final = frozenset({BTREE_LEAF})
_BULK_BYTES: Final = 1 << 21
"""The size of a file from which on numpy is worth its import."""
_BULK_VALUES: Final = 1 << 10
"""Entries from which on numpy reads values faster."""
_AT_ONCE: Final = 1 << 20
"""Bytes of pages that are looked at together, and of entries whose values are."""
_MOST_BYTES: Final = 1 << 23
"""Bytes of pages that are held to read values from: leaves may be all but empty."""


class BdbBtreeBackend(BdbKeyedBackend):
    """One btree file."""

    format_id: ClassVar[str] = "bdb-btree"

    def __init__(self, match: Match, pages: Pages | None = None) -> None:
        super().__init__(match, pages)
        self._order = KeyOrder()
        self._duplicate_order = DuplicateOrder()

    @property
    def why_not_rewritable(self) -> str:
        name = self.match.path.name
        if self._order.is_own or self._duplicate_order.is_own:
            what = "keys" if self._order.is_own else "values of equal keys"
            return f"The {what} of {name} are in an order that only the program that wrote it knows: {AS_ANOTHER}."
        return super().why_not_rewritable

    def writer(self) -> BdbBtreeWriter:
        return BdbBtreeWriter(BdbBtreeBackend, kept_settings(self._pages.meta))

    def check_own(self, token: CancelToken) -> Iterator[Problem]:
        kind = main_tree(counts=self._pages.meta.counts_records, compares=not self._order.is_own)
        sorts_duplicates = self._pages.meta.duplicates == "sorted" and not self._duplicate_order.is_own
        return TreeCheck(self._pages, token).problems(kind, sorts_duplicates=sorts_duplicates)

    def _listed(self, token: CancelToken) -> Iterator[Listed]:
        listed = self._in_leaves(token)
        if self._pages.meta.duplicates != "sorted":
            return listed
        self._duplicate_order = DuplicateOrder()
        return self._duplicate_order.watched(listed, self._beginning_at, self)

    def _beginning_at(self, locator: int) -> bytes | None:
        """Return how the value at a locator begins, or None when it cannot be read, which others report."""
        place = locator if locator >= 0 else self._places[~locator]
        try:
            page = self._pages.page(place >> SLOT_BITS)
            item = self._pages.item(page, self._pages.slot(page, place & SLOT_MASK))
            return None if item is None else self._bytes_of(item, COMPARED)
        except Damage:
            return None

    def _in_leaves(self, token: CancelToken) -> Iterator[Listed]:
        self._order = KeyOrder()
        for found in self._all_leaves(token):
            for page in found:
                token.check()
                yield from self._entries_of(page)
        self._order.judge(self)

    def _all_leaves(self, token: CancelToken) -> Iterator[Iterator[Page]]:
        """Yield the leaves from the root, then those that damage has cut off, among which any key can be first."""
        yield leaves(self._pages, self._pages.meta.root, _LEAVES, self.report)
        self._order.start_over()
        yield lost_leaves(self._pages, _LEAVES, self.report, token)

    def _entries_of(self, page: Page) -> Iterator[Listed]:
        try:
            yield from self._entries(page)
        except Damage as error:
            self._report(error)

    def _chunks(self, token: CancelToken) -> Iterator[Scanned]:
        if self._pages.count * self._pages.size < _BULK_BYTES or self._pages.meta.duplicates == "sorted":
            return super()._chunks(token)
        return self._bulk_chunks(token)

    def _bulk_chunks(self, token: CancelToken) -> Iterator[Scanned]:
        """Yield all entries, a first few soon, the others by numpy."""
        self._forget_duplicates()
        self._order = KeyOrder()
        builder = ChunkBuilder()
        for found in self._all_leaves(token):
            for page in found:
                is_full = False
                for entry in self._entries_of(page):
                    is_full |= builder.add(*entry)
                if is_full:
                    break
            if len(builder):
                yield builder.take(), None
            yield from self._by_numpy(found, token)
        self._order.judge(self)

    def _by_numpy(self, found: Iterator[Page], token: CancelToken) -> Iterator[Scanned]:
        from app.backends.berkeley import btree_bulk  # noqa: PLC0415 - numpy takes longer to load than a small file to list

        shape = btree_bulk.Shape(self._pages.size, self._pages.header_bytes, self._file.mark)
        while pages := list(islice(found, _AT_ONCE // self._pages.size)):
            token.check()
            self._file.check_not_cut()
            batch = btree_bulk.Leaves(shape, pages, b"".join(map(self._pages.content, pages)))
            for usual, rows in groupby(range(len(pages)), batch.usual.__getitem__):
                some = list(rows)
                run = batch.run(some[0], some[-1] + 1) if usual else None
                if run is not None and run.rises:
                    self._order.add_rising(run.first_keys, run.last_keys, pages[some[0]].offset)
                    chunks: Iterable[Scanned] = ((run.chunk, chain.from_iterable(map(btree_bulk.Run.values, (run,)))),)
                else:
                    chunks = ((chunk, None) for chunk in self._one_by_one(pages[row] for row in some))
                yield from (scanned for scanned in chunks if len(scanned[0]))

    def _one_by_one(self, pages: Iterable[Page]) -> Iterator[IndexChunk]:
        builder = ChunkBuilder()
        for page in pages:
            for entry in self._entries_of(page):
                if builder.add(*entry):
                    yield builder.take()
        yield builder.take()

    def values(self, chunk: IndexChunk) -> Iterator[bytes]:
        parts = 1 + (len(chunk.keys) + sum(chunk.sizes)) // _AT_ONCE
        rows = len(chunk) // parts
        if rows < _BULK_VALUES:
            return super().values(chunk)
        starts = range(0, len(chunk), rows)
        return chain.from_iterable(
            self._values_in_bulk(chunk.slice(row, min(row + rows, len(chunk)))) for row in starts
        )

    def _values_in_bulk(self, chunk: IndexChunk) -> Iterator[bytes]:
        from app.backends.berkeley import btree_bulk  # noqa: PLC0415 - as in `_by_numpy`

        self._file.check_not_cut()
        shape = btree_bulk.Shape(self._pages.size, self._pages.header_bytes, self._file.mark)
        wanted, size = btree_bulk.Wanted(chunk), self._pages.size
        numbers = wanted.pages(self._pages.count) or []
        if not 0 < len(numbers) * size <= _MOST_BYTES:
            return super().values(chunk)
        content = b"".join([self._file.buffer[number * size : (number + 1) * size] for number in numbers])
        found = wanted.values(shape, content)
        return super().values(chunk) if found is None else found

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
