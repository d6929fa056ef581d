"""What can still be found in a Berkeley DB file that is cut, damaged, or has lost its first page.

What listing the database finds comes first, then what lies on pages that nothing leads to. What was removed can
still lie on pages that were set free and in free room of others; values that begin like a pickle are found there
without their keys, too.

References: db/db_meta.c (__db_free) of Berkeley DB 5.3.
"""

from abc import ABC, abstractmethod
from array import array
from bisect import bisect_left
from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Final

from app.backends.berkeley.file import BdbBackend
from app.backends.berkeley.lost_meta import meta_of
from app.backends.berkeley.meta import META_BYTES, parse_meta
from app.backends.berkeley.pages import DUPLICATE_CHAIN, DUPLICATE_LEAF, OVERFLOW, RECNO_LEAF, Item, Page, Pages
from app.backends.berkeley.subdatabases import BdbSubdatabasesBackend
from app.backends.binary import Damage, MappedFile
from app.backends.carving import ValueSearch
from app.backends.salvage import Found, Origin, Salvage, report_problems
from app.errors import AppError

_VALUE_PAGES: Final = frozenset({DUPLICATE_LEAF, RECNO_LEAF, DUPLICATE_CHAIN})
_BYTES_ALLOWED: Final = 4
"""How many times the size of the file its values may have together: hostile items can share overflow pages."""

Database = BdbBackend | BdbSubdatabasesBackend


@contextmanager
def pages_of(salvage: Salvage) -> Iterator[Pages | None]:
    """Give the pages of a file, even of one that has lost its first page; None when it has none at all.

    Raises:
        CannotOpen: there is no file that can be read.
    """
    with closing(MappedFile(salvage.path)) as file:
        meta = meta_of(file, salvage.token)
    if meta is None:
        salvage.report(f"{salvage.path.name} has no page of a Berkeley DB file.", None)
        yield None
        return
    with closing(MappedFile(salvage.path, meta.byte_order)) as file:
        pages = Pages(file, meta)
        if parse_meta(file.buffer[:META_BYTES]) != meta:
            salvage.report(f"The first page of {salvage.path.name} is lost; the others had to tell what it said.", 0)
        if pages.why_cut:
            salvage.report(pages.why_cut, file.size)
        yield pages


class Search(ABC):
    """One search of one file."""

    def __init__(self, salvage: Salvage, pages: Pages) -> None:
        self._salvage = salvage
        self._pages = pages
        self._allowance = _BYTES_ALLOWED * pages.file.size
        self._deleted_before = set[int]()
        self._known = array("q")
        """Hashes of the entries and the values that are there; in order once they are complete."""
        self._rest = array("Q")
        """Free room in which no entry was found: starts and ends in turn (bytes in the file)."""

    @abstractmethod
    def _opened(self) -> Database:
        """Return the database on the pages."""

    @abstractmethod
    def _is_lost(self, database: Database, number: int) -> bool:
        """Tell whether nothing leads to a page from which entries are being listed."""

    @abstractmethod
    def _lost_entries(self, page: Page) -> Iterator[Found]:
        """Yield the entries of a page that nothing leads to, and that listing did not find."""

    @abstractmethod
    def _deleted(self, page: Page) -> Iterator[Found]:
        """Yield what was removed from a page, or lies on a page that is free; note where else there is free room."""

    def run(self) -> Iterator[Found]:
        """Yield all that is found, what is there first."""
        database = self._opened()
        try:
            yield from self._listed(database)
            # Checking also claims the keys that only pages above the leaves lead to.
            report_problems(database, self._salvage)
        finally:
            if isinstance(database, BdbSubdatabasesBackend):
                database.close()
        taken = database.claims.taken
        self._known = array("q", sorted(self._known))
        for number in range(1, self._pages.count):
            self._salvage.token.check()
            try:
                page = self._pages.page(number)
            except Damage:
                continue
            if not taken[number]:
                yield from self._lost(page, taken)
            if self._salvage.deleted:
                yield from self._deleted(page)
        yield from self._carved()

    def _listed(self, database: Database) -> Iterator[Found]:
        for chunk in database.index(self._salvage.token):
            for row in range(len(chunk)):
                self._salvage.token.check()
                key, locator, size = chunk.key(row), chunk.locators[row], chunk.sizes[row]
                if not self._allows(size):
                    continue
                try:
                    value, place = database.read(key, locator, size), database.place_of(key, locator, size)
                except AppError as error:
                    self._salvage.report(error.sentence, error.offset)
                    continue
                self._known.extend((hash((key, value)), hash(value)))
                is_lost = self._is_lost(database, database.leaf_of(locator))
                yield Found(key, value, place, Origin.LOST if is_lost else Origin.LIVE)

    def _allows(self, size: int) -> bool:
        """Take bytes from what may be read, and tell whether that was left; the first refusal is reported."""
        had = self._allowance
        self._allowance -= size
        if had >= 0 > self._allowance:
            self._salvage.report("Values have more bytes than the file; the rest of them is left out.", None)
        return self._allowance >= 0

    def _lost(self, page: Page, taken: bytearray) -> Iterator[Found]:
        """Yield what lies on a page that nothing leads to."""
        if page.type in _VALUE_PAGES:
            for item in self._items(page):
                if item is not None:
                    yield from self._found(None, item, Origin.LOST)
        elif page.type == OVERFLOW:
            if not self._goes_on(page):
                yield self._chain(page, taken)
        else:
            yield from self._lost_entries(page)

    def _goes_on(self, page: Page) -> bool:
        """Tell whether an overflow page continues the one that it says is before it."""
        try:
            before = self._pages.page(page.previous)
        except Damage:
            return False
        return before.type == OVERFLOW and before.next == page.number

    def _chain(self, page: Page, taken: bytearray) -> Found:
        """Return what is left of an overflow chain from a page on."""
        offset, pieces = page.offset, list[bytes]()
        while True:
            taken[page.number] = 1
            start = page.offset + self._pages.header_bytes
            pieces.append(self._pages.file.buffer[start : min(start + page.used, page.offset + self._pages.size)])
            try:
                following = self._pages.page(page.next)
            except Damage:
                break
            if following.type != OVERFLOW or taken[following.number]:
                break
            page = following
        return Found(None, b"".join(pieces), offset + self._pages.header_bytes, Origin.LOST)

    def _found(self, key: Item | None, value: Item, origin: Origin) -> Iterator[Found]:
        if not self._allows(value.size + (key.size if key else 0)):
            return
        try:
            name = None if key is None else self._content(key)
            content = self._content(value)
        except Damage as error:
            if origin is Origin.LOST:
                self._salvage.report(error.sentence, error.offset)
            return
        yield Found(name, content, value.start or value.overflow * self._pages.size, origin)

    def _content(self, item: Item) -> bytes:
        if item.overflow:
            return self._pages.overflow(item.overflow, item.size, item.size)
        return self._pages.file.slice(item.start, item.size)

    def _items(self, page: Page) -> Iterator[Item | None]:
        """Yield the items of a page, None for those that are deleted or damaged."""
        try:
            slots = self._pages.slots(page)
        except Damage:
            return
        ends = self._pages.ends(slots)
        for slot in slots:
            try:
                yield self._pages.item(page, slot, ends)
            except Damage:
                yield None

    def _carved(self) -> Iterator[Found]:
        """Yield the values that stand in free room without a key."""
        ranges = zip(self._rest[::2], self._rest[1::2], strict=True)
        for found in ValueSearch(self._salvage).carve(self._pages.file.buffer, ranges, origin=Origin.DELETED):
            if self._is_new(found.value):
                yield found

    def _is_new(self, found: bytes | tuple[bytes, bytes]) -> bool:
        """Tell whether an entry or a value is neither there nor was found before: split pages leave copies."""
        number = hash(found)
        at = bisect_left(self._known, number)
        if self._known[at : at + 1] == array("q", (number,)) or number in self._deleted_before:
            return False
        self._deleted_before.add(number)
        return True
