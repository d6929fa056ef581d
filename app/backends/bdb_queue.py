"""Queues of Berkeley DB 3.2 and later: records of one length in numbered places, taken from the front.

A key is the number of the record as 4 little-endian bytes, and the locator is that number. The numbers
start again at 1 after the highest one.

References: qam/qam.c, dbinc/qam.h and dbinc/db_page.h (QMETA33, QPAGE) of Berkeley DB 5.3.
"""

from collections.abc import Iterator
from typing import ClassVar, Final

from app.backends.base import Match
from app.backends.bdb_file import BdbBackend, Listed
from app.backends.bdb_pages import QUEUE, UNUSED, Item, Page, Pages
from app.backends.binary import Damage
from app.backends.record_numbers import HIGHEST, NUMBER
from app.cancel import CancelToken

_IS_THERE: Final = 1
_FIELDS_AT: Final = (72, 76, 80, 88)


class BdbQueueBackend(BdbBackend):
    """One queue in a single file."""

    format_id: ClassVar[str] = "bdb-queue"

    def __init__(self, match: Match, pages: Pages | None = None) -> None:
        super().__init__(match, pages)
        self._first, self._behind, self._length, self._per_page = (self._file.u32(offset) for offset in _FIELDS_AT)
        self._header_bytes = 48 if self._pages.meta.has_checksums else 28
        self._room = (self._length + 4) & ~3
        room_on_page = self._pages.size - self._header_bytes
        if not (self._first and self._behind and 0 < self._per_page * self._room <= room_on_page):
            self.close()
            raise self._file.damage("the fields of the queue contradict each other; restore it from a backup", 0)

    def listed(self, token: CancelToken) -> Iterator[Listed]:
        """Yield the records from the front of the queue on; bounded by the pages of the file."""
        last_page = self._pages.count - 1
        for lowest, highest in self._ranges():
            if self._page_of(highest) > last_page:
                self.report("The file ends before the page of its last record: it is cut.", self._file.size)
            for number in range(self._page_of(lowest), min(self._page_of(highest), last_page) + 1):
                token.check()
                try:
                    page = self._pages.page(number)
                    if page.type not in {QUEUE, UNUSED}:
                        raise self._file.damage(f"page {number} is none of a queue: its records are lost", page.offset)
                except Damage as error:
                    self._report(error)
                    continue
                if page.type == QUEUE:
                    yield from self._records(page, lowest, highest)

    def _ranges(self) -> list[tuple[int, int]]:
        """Return the first and last record number that are in use, twice when the numbers have started again."""
        if self._first <= self._behind:
            return [(self._first, self._behind - 1)] if self._first < self._behind else []
        return [(self._first, HIGHEST), *([(1, self._behind - 1)] if self._behind > 1 else [])]

    def _page_of(self, record: int) -> int:
        return 1 + (record - 1) // self._per_page

    def _records(self, page: Page, lowest: int, highest: int) -> Iterator[Listed]:
        before = (page.number - 1) * self._per_page
        content = self._pages.content(page)
        flags = content[self._header_bytes : self._header_bytes + self._room * self._per_page : self._room]
        for place, flag in enumerate(flags, before + 1):
            if flag & _IS_THERE and lowest <= place <= highest:
                yield NUMBER.pack(place), place, self._length

    def _found(self, key: bytes, locator: int) -> Item | None:
        if not 0 < locator <= HIGHEST or key != NUMBER.pack(locator):
            return None
        page = self._pages.page(self._page_of(locator))
        start = page.offset + self._header_bytes + (locator - 1) % self._per_page * self._room
        if page.type != QUEUE or not self._file.u8(start) & _IS_THERE:
            return None
        return Item(self._length, start + 1)
