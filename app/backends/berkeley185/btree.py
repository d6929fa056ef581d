"""Btree files of Berkeley DB 1.85 and 1.86, in the order of their leaves, and recno files, which are btrees too.

The keys of a recno file are its record numbers, as 4 bytes in little-endian order. A locator is the page number
times 65,536 plus the number of the item on the page.

References: btree/btree.h, bt_seq.c and recno/rec_get.c of Berkeley DB 1.85.
"""

from collections.abc import Iterator
from typing import ClassVar, Final

from app.backends.base import Backend, Match
from app.backends.berkeley.pages import BTREE_LEAF, RECNO_LEAF, Page
from app.backends.berkeley.tree import leaves, lost_leaves
from app.backends.berkeley185.pages import META_BYTES, WHY_READ_ONLY, Meta, Pages185, Span
from app.backends.binary import Damage, MappedFile
from app.backends.key_index import ChunkBuilder, IndexChunk
from app.backends.key_order import KeyOrder
from app.backends.record_numbers import HIGHEST, NUMBER
from app.cancel import CancelToken
from app.errors import AppError

_ROOT: Final = 1
_SLOT_BITS: Final = 16
_SLOT_MASK: Final = (1 << _SLOT_BITS) - 1

_Listed = tuple[bytes, int, int]
"""Key, locator, and size of the value in bytes."""


class Bdb185BtreeBackend(Backend):
    """One btree or recno file; nothing is locked."""

    format_id: ClassVar[str] = "bdb185-btree"

    def __init__(self, match: Match) -> None:
        super().__init__(match)
        self._file = MappedFile(match.path, match.byte_order or "little")
        try:
            self._meta = self._readable_meta()
        except AppError:
            self._file.close()
            raise
        self._pages = Pages185(self._file, self._meta)
        self._leaf_types = frozenset({RECNO_LEAF if self._meta.is_recno else BTREE_LEAF})
        if self._file.size % self._pages.size:
            self.report("The file is cut: it ends within a page.", self._pages.count * self._pages.size)
        self._opening_problems = len(self.problems)

    def _readable_meta(self) -> Meta:
        meta = Meta.parse(self._file.buffer[:META_BYTES], self._file.byte_order)
        if meta is None:
            raise self._file.damage("the first page is damaged; restore the file from a backup", 0)
        return meta

    @property
    def why_read_only(self) -> str:
        return WHY_READ_ONLY

    @property
    def may_repeat(self) -> bool:
        return not self._meta.is_recno

    @property
    def numbers_records(self) -> bool:
        return self._meta.is_recno

    def index(self, token: CancelToken) -> Iterator[IndexChunk]:
        self._file.check_not_cut()
        del self.problems[self._opening_problems :]
        self.notes.clear()
        self._pages.start_over()
        builder = ChunkBuilder()
        for key, locator, size in self._records(token) if self._meta.is_recno else self._entries(token):
            if builder.add(key, locator, size):
                yield builder.take()
                self._file.check_not_cut()
        if len(builder):
            yield builder.take()

    def _entries(self, token: CancelToken) -> Iterator[_Listed]:
        self._order = KeyOrder()
        for page in self._all_leaves(token):
            token.check()
            for locator, slot, end in self._items(page):
                try:
                    key, value = self._pages.pair(page, slot, end)
                    self._pages.claim_overflow(key)
                    found = self._pages.bytes_of(key, key.size)
                except Damage as error:
                    self._report("An entry is lost", error)
                    continue
                self._order.add(found, page.offset)
                self._claim_value(value)
                yield found, locator, value.size
        self._order.judge(self)

    def _records(self, token: CancelToken) -> Iterator[_Listed]:
        number = 0
        for page in self._all_leaves(token):
            token.check()
            for locator, slot, end in self._items(page):
                number += 1
                if number > HIGHEST:
                    self.report("There are more records than can be numbered; the rest is left out.", page.offset)
                    return
                try:
                    value = self._pages.record(page, slot, end)
                except Damage as error:
                    self._report("A record is lost", error)
                    continue
                self._claim_value(value)
                yield NUMBER.pack(number), locator, value.size

    def _all_leaves(self, token: CancelToken) -> Iterator[Page]:
        """Yield the leaves from the root, last those that damage has cut off."""
        yield from leaves(self._pages, _ROOT, self._leaf_types, self.report)
        try:
            self._pages.claim_free_pages()
        except Damage as error:
            self._report("The list of free pages is broken", error)
        if not self._meta.is_recno:
            self._order.start_over()
        yield from lost_leaves(self._pages, self._leaf_types, self.report, token)

    def _items(self, page: Page) -> Iterator[tuple[int, int, int | None]]:
        """Yield locator, place on the page, and end of the room of each item."""
        slots = self._pages.slots(page)
        ends = self._pages.ends(slots)
        for number, slot in enumerate(slots):
            yield page.number << _SLOT_BITS | number, slot, ends.get(slot)

    def _claim_value(self, value: Span) -> None:
        """Report a broken chain; its entry is listed all the same, as the key is good."""
        try:
            self._pages.claim_overflow(value)
        except Damage as error:
            self._report("A value cannot be read whole", error)

    def _report(self, what: str, error: Damage) -> None:
        self.report(f"{what}: {error.detail}.", error.offset)

    def read(self, key: bytes, locator: int, size: int) -> bytes:
        return self.read_prefix(key, locator, size, size)

    def read_prefix(self, key: bytes, locator: int, size: int, limit: int) -> bytes:
        self._file.check_not_cut()
        try:
            value = self._found(key, locator)
        except Damage as error:
            raise self._file.moved(key) from error
        if value is None or value.size != size:
            raise self._file.moved(key)
        return self._pages.bytes_of(value, limit)

    def _found(self, key: bytes, locator: int) -> Span | None:
        """Return the value at a locator, or None when another key stands there; records have no keys to check."""
        page = self._pages.page(locator >> _SLOT_BITS)
        if page.type not in self._leaf_types:
            return None
        slot = self._pages.slot(page, locator & _SLOT_MASK)
        if self._meta.is_recno:
            return self._pages.record(page, slot)
        found, value = self._pages.pair(page, slot)
        return value if found.size == len(key) and self._pages.bytes_of(found, found.size) == key else None

    def close(self) -> None:
        self._file.close()
