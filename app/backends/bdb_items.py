"""What the hash and the btree backend of Berkeley DB share: opening, off-page duplicates, reading items.

The 64-bit locator of an entry is not negative when the value stands, or its overflow chain begins, beside the
key; each backend has its own code for that. A negative one is the complement of a number in two tables, made
while indexing, of off-page duplicates: the locator of the key's own item, and ``place`` of the value, which
is its page number times 65,536 plus its slot number.
"""

from abc import abstractmethod
from array import array
from collections.abc import Iterator
from typing import ClassVar, Final

from app.backends.base import Backend, Match
from app.backends.bdb_meta import META_BYTES, Meta, Method, parse_meta
from app.backends.bdb_pages import DUPLICATE_LEAF, RECNO_LEAF, Item, Page, Pages
from app.backends.bdb_tree import leaves
from app.backends.binary import Damage, MappedFile
from app.backends.key_index import ChunkBuilder, IndexChunk
from app.cancel import CancelToken
from app.errors import AppError, BackendMissing, StaleIndex

SLOT_BITS: Final = 16
SLOT_MASK: Final = (1 << SLOT_BITS) - 1
_USED_MASK: Final = 0xFFFF
"""An empty page of 65,536 bytes writes the start of its items as 0."""
_DUPLICATE_LEAVES: Final = frozenset({RECNO_LEAF, DUPLICATE_LEAF})

Listed = tuple[bytes, int, int]
"""Key, locator, and size of the value in bytes."""


class BdbBackend(Backend):
    """One Berkeley DB file of version 4.1 or later; nothing is locked."""

    method: ClassVar[Method]

    def __init__(self, match: Match) -> None:
        super().__init__(match)
        if match.unsupported:
            raise BackendMissing(match.unsupported, path=match.path)
        self._file = MappedFile(match.path, match.byte_order or "little")
        try:
            self._pages = Pages(self._file, self._readable_meta())
        except AppError:
            self._file.close()
            raise
        self._owners = array("q")
        self._places = array("q")
        self._note_cut_file()
        self._opening_problems = len(self.problems)

    def _readable_meta(self) -> Meta:
        meta = parse_meta(self._file.buffer[:META_BYTES])
        if meta is None or meta.method != self.method or meta.byte_order != self._file.byte_order:
            raise self._file.damage("the first page is damaged; restore the file from a backup", 0)
        if meta.unsupported:
            raise BackendMissing(f"{self._file.path.name} {meta.unsupported}.", path=self._file.path)
        return meta

    def _note_cut_file(self) -> None:
        missing = self._pages.meta.last_page + 1 - self._pages.count
        if missing > 0:
            self.report(f"The file is cut: {missing:,} of its pages are missing.", self._file.size)

    def index(self, token: CancelToken) -> Iterator[IndexChunk]:
        self._file.check_not_cut()
        del self.problems[self._opening_problems :]
        self._pages.start_over()
        self._owners, self._places = array("q"), array("q")
        builder = ChunkBuilder()
        for key, locator, size in self._listed(token):
            if builder.add(key, locator, size):
                yield builder.take()
                self._file.check_not_cut()
        if len(builder):
            yield builder.take()

    @abstractmethod
    def _listed(self, token: CancelToken) -> Iterator[Listed]:
        """Yield all entries, duplicates in their order."""

    @abstractmethod
    def _located(self, locator: int) -> tuple[Item, Item | None]:
        """Return key and value at a locator that is not negative; no value where off-page duplicates hang.

        Raises:
            Damage: there is no entry.
        """

    def _slots_of_pairs(self, page: Page) -> tuple[int, ...]:
        """Return where keys and values start in turn; a count of them that cannot be right is reported."""
        slots = self._pages.slots(page)
        if len(slots) % 2 or min(slots, default=self._pages.size) & _USED_MASK != page.used:
            self.report(f"Page {page.number} says that it has {page.entries} items, which cannot be.", page.offset)
        return slots

    def _duplicates(self, key: bytes, owner: int, root: int) -> Iterator[Listed]:
        """List the off-page duplicates of a key whose own item is at ``owner``."""
        for page in leaves(self._pages, root, _DUPLICATE_LEAVES, self.report):
            try:
                slots = self._pages.slots(page)
            except Damage as error:
                self._report(error)
                continue
            ends = self._pages.ends(slots)
            for number, slot in enumerate(slots):
                item = self._checked_item(page, slot, ends)
                if item is not None:
                    self._owners.append(owner)
                    self._places.append(page.number << SLOT_BITS | number)
                    yield key, ~(len(self._places) - 1), item.size

    def _checked_item(self, page: Page, slot: int, ends: dict[int, int]) -> Item | None:
        """Return an item of a btree or duplicate page, or None when it is deleted or (reported) damaged."""
        try:
            item = self._pages.item(page, slot, ends)
        except Damage as error:
            self._report(error)
            return None
        if item is not None and item.overflow:
            self._check_overflow(item)
        return item

    def _check_overflow(self, item: Item) -> None:
        """Report a broken chain; its entry is listed all the same, as the key is good."""
        try:
            self._pages.claim_overflow(item.overflow, item.size)
        except Damage as error:
            self.report(f"A value cannot be read whole: {error.detail}.", error.offset)

    def _report(self, damage: Damage) -> None:
        self.report(f"{damage.detail[:1].upper()}{damage.detail[1:]}.", damage.offset)

    def _bytes_of(self, item: Item, limit: int) -> bytes:
        if item.overflow:
            return self._pages.overflow(item.overflow, item.size, limit)
        return self._file.slice(item.start, min(item.size, limit))

    def read(self, key: bytes, locator: int, size: int) -> bytes:
        return self.read_prefix(key, locator, size, size)

    def read_prefix(self, key: bytes, locator: int, size: int, limit: int) -> bytes:
        self._file.check_not_cut()
        try:
            found = self._found(key, locator)
        except Damage as error:
            raise self._stale(key) from error
        if found is None or found.size != size:
            raise self._stale(key)
        return self._bytes_of(found, limit)

    def _found(self, key: bytes, locator: int) -> Item | None:
        """Return the value of ``key`` at ``locator``, or None when that is not there any more."""
        row = ~locator
        if row >= len(self._owners):
            return None
        found, value = self._located(locator if locator >= 0 else self._owners[row])
        if found.size != len(key) or self._bytes_of(found, found.size) != key:
            return None
        return value if locator >= 0 else self._duplicate_at(self._places[row])

    def _duplicate_at(self, place: int) -> Item | None:
        page = self._pages.page(place >> SLOT_BITS)
        if page.type not in _DUPLICATE_LEAVES:
            return None
        return self._pages.item(page, self._pages.slot(page, place & SLOT_MASK))

    def _stale(self, key: bytes) -> StaleIndex:
        message = f"{self._file.path.name} changed: {key!s:.80} is not where it was listed; list it again."
        return StaleIndex(message, path=self._file.path)

    def close(self) -> None:
        self._file.close()
