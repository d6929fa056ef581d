"""Queues of Berkeley DB 3.2 and later: records of one length in numbered places, taken from the front.

A key is the number of the record as 4 little-endian bytes, and the locator is that number. The numbers
start again at 1 after the highest one.

References: qam/qam.c, dbinc/qam.h and dbinc/db_page.h (QMETA33, QPAGE) of Berkeley DB 5.3.
"""

from collections.abc import Iterator
from contextlib import suppress
from itertools import count
from typing import ClassVar, Final

from app.backends.base import Match, Problem
from app.backends.berkeley.checksums import check_sums, tells_sums
from app.backends.berkeley.file import BdbBackend, Listed
from app.backends.berkeley.pages import Item, Pages
from app.backends.berkeley.queue_pages import QueuePage, QueuePages
from app.backends.binary import Damage
from app.backends.record_numbers import HIGHEST, NUMBER
from app.backends.records import pieces_of
from app.cancel import CancelToken
from app.errors import CannotOpen

_IS_THERE, _WAS_SET = 1, 2
_FIELDS_AT: Final = (72, 76, 80, 88)


class BdbQueueBackend(BdbBackend):
    """One queue, with or without extent files."""

    format_id: ClassVar[str] = "bdb-queue"

    def __init__(self, match: Match, pages: Pages | None = None) -> None:
        super().__init__(match, pages)
        self._first, self._behind, self._length, self._per_page = (self._file.u32(offset) for offset in _FIELDS_AT)
        self._room = (self._length + 4) & ~3
        self._queue = QueuePages(self._pages, match.path)
        self._header_bytes = self._queue.header_bytes
        room_on_page = self._pages.size - self._header_bytes
        if not (self._first and self._behind and 0 < self._per_page * self._room <= room_on_page):
            self.close()
            raise self._file.damage("the fields of the queue contradict each other; restore it from a backup", 0)

    @property
    def numbers_records(self) -> bool:
        return True

    def listed(self, token: CancelToken) -> Iterator[Listed]:
        """Yield the records from the front of the queue on; bounded by the pages of its files."""
        for page, lowest, highest in self._pages_in_use(token):
            for number, flags in self._flags(page):
                if flags & _IS_THERE and lowest <= number <= highest:
                    yield NUMBER.pack(number), number, self._length

    def check_structure(self, token: CancelToken) -> Iterator[Problem]:
        yield from super().check_structure(token)
        for file, first in self._queue.opened() if tells_sums(self._pages) else ():
            for problem in check_sums(file, self._pages.size, token, first=first):
                # A place means something only where it is in the main file.
                is_main = file is self._file
                yield problem if is_main else Problem(f"{file.path.name}: {problem.message}")

    def removed(self, token: CancelToken) -> Iterator[tuple[bytes, bytes, int]]:
        """Yield keys, values and places (bytes in their files) of records that were taken out and not written over."""
        for number in self._queue.between(1, self._page_of(HIGHEST)):
            token.check()
            try:
                page = self._queue.page(number)
            except (Damage, CannotOpen):
                continue
            for record, flags in self._flags(page):
                if flags & _WAS_SET and not flags & _IS_THERE and 0 < record <= HIGHEST:
                    start = self._start(page, record)
                    yield NUMBER.pack(record), page.file.slice(start, self._length), start

    def _pages_in_use(self, token: CancelToken) -> Iterator[tuple[QueuePage, int, int]]:
        """Yield the pages with records, and between which record numbers those lie."""
        for lowest, highest in self._ranges():
            first, last = self._page_of(lowest), self._page_of(highest)
            missing = last - first + 1
            for number in self._queue.between(first, last):
                token.check()
                missing -= 1
                try:
                    page = self._queue.page(number)
                except (Damage, CannotOpen) as error:
                    self._report_page(error)
                    continue
                if page.is_headless:
                    self._report_page(page.file.damage(f"the header of page {number} is damaged", page.offset))
                if page.is_used:
                    yield page, lowest, highest
            if missing and self._pages.meta.extent_pages:
                self.report(f"Of the pages with records {missing:,} are missing: an extent file is lost or cut.")
            elif missing:
                self.report("The file ends before the page of its last record: it is cut.", self._file.size)

    def _report_page(self, error: Damage | CannotOpen) -> None:
        """Report a page that is lost; its place means something only where it is in the main file."""
        if isinstance(error, Damage) and error.path == self._file.path:
            self._report(error)
        else:
            self.report(error.message)

    def _ranges(self) -> list[tuple[int, int]]:
        """Return the first and last record number that are in use, twice when the numbers have started again."""
        if self._first <= self._behind:
            return [(self._first, self._behind - 1)] if self._first < self._behind else []
        return [(self._first, HIGHEST), *([(1, self._behind - 1)] if self._behind > 1 else [])]

    def _page_of(self, record: int) -> int:
        return 1 + (record - 1) // self._per_page

    def _flags(self, page: QueuePage) -> Iterator[tuple[int, int]]:
        """Yield the record numbers of a page and what is said of each."""
        content = page.file.slice(page.offset, self._pages.size)
        flags = content[self._header_bytes : self._header_bytes + self._room * self._per_page : self._room]
        return zip(count((page.number - 1) * self._per_page + 1), flags, strict=False)

    def _start(self, page: QueuePage, record: int) -> int:
        """Return where a record's value begins in its file (bytes)."""
        return page.offset + self._header_bytes + (record - 1) % self._per_page * self._room + 1

    def _page_with(self, key: bytes, locator: int, size: int) -> QueuePage:
        """Return the page of a record that was listed.

        Raises:
            StaleIndex: it is not there any more.
        """
        self._file.check_not_cut()
        self._queue.check_not_cut()
        if 0 < locator <= HIGHEST and key == NUMBER.pack(locator) and size == self._length:
            with suppress(Damage, CannotOpen):
                page = self._queue.page(self._page_of(locator))
                if page.is_used and page.file.u8(self._start(page, locator) - 1) & _IS_THERE:
                    return page
        raise self._file.moved(key)

    def read_prefix(self, key: bytes, locator: int, size: int, limit: int) -> bytes:
        page = self._page_with(key, locator, size)
        return page.file.slice(self._start(page, locator), min(size, limit))

    def pieces(self, key: bytes, locator: int, size: int) -> Iterator[bytes]:
        return pieces_of(self.read(key, locator, size))

    def place_of(self, key: bytes, locator: int, size: int) -> int:
        return self._start(self._page_with(key, locator, size), locator)

    def _found(self, key: bytes, locator: int) -> Item | None:
        page = self._page_with(key, locator, self._length)
        return Item(self._length, self._start(page, locator))

    def close(self) -> None:
        self._queue.close()
        super().close()
