"""Files of record numbers of Berkeley DB 2 and later (``bsddb.rnopen``).

A key is the number of the record, from 1, as 4 little-endian bytes. It stands nowhere: it is counted along the
leaves, and where damage has cut leaves off, by the counts that the pages above them hold. A deleted record
keeps its number unless the file is one that renumbers.
The locator is the page number times 65,536 plus the number of the slot.

References: btree/bt_recno.c, btree/bt_rsearch.c and dbinc/db_page.h (RINTERNAL) of Berkeley DB 5.3.
"""

from collections.abc import Iterator
from typing import ClassVar

from app.backends.base import Match, Problem
from app.backends.berkeley.file import SLOT_BITS, SLOT_MASK, BdbBackend, Listed
from app.backends.berkeley.pages import RECNO_INTERNAL, RECNO_LEAF, Item, Page, Pages
from app.backends.berkeley.tree_check import OF_NUMBERS, TreeCheck
from app.backends.binary import Damage
from app.backends.record_numbers import HIGHEST, NUMBER
from app.cancel import CancelToken


class BdbRecnoBackend(BdbBackend):
    """One file of numbered records."""

    format_id: ClassVar[str] = "bdb-recno"

    def __init__(self, match: Match, pages: Pages | None = None) -> None:
        super().__init__(match, pages)
        self._firsts: dict[int, tuple[int, Page]] = {}
        """By page number: the number of the first record, and the page's header."""

    @property
    def numbers_records(self) -> bool:
        return True

    def listed(self, token: CancelToken) -> Iterator[Listed]:
        self._firsts = {}
        for page, first in self._numbered_leaves(token):
            token.check()
            if first + page.entries > HIGHEST:
                self.report(f"The records of page {page.number} have impossible numbers.", page.offset)
                continue
            try:
                slots = self._pages.slots(page)
            except Damage as error:
                self._report(error)
                continue
            self._firsts[page.number] = first, page
            ends = self._pages.ends(slots)
            for number, slot in enumerate(slots):
                item = self._checked_item(page, slot, ends)
                if item is not None:
                    yield NUMBER.pack(first + number), page.number << SLOT_BITS | number, item.size

    def _numbered_leaves(self, token: CancelToken) -> Iterator[tuple[Page, int]]:
        """Yield each leaf and the number of its first record; last what is left when the root is lost."""
        is_empty = True
        for page, first in self._leaves_below(self._pages.meta.root):
            is_empty = False
            yield page, first
        lost = {page.number: page for page in self._pages.unclaimed(token) if page.type == RECNO_LEAF and page.entries}
        start = next((page for page in lost.values() if not page.previous), None)
        if is_empty and start:
            self.report("The root is lost; its records are listed as far as they can be counted.", start.offset)
            yield from self._counted_along(start, lost)
        if lost:
            message = f"The records of {len(lost):,} leaves are left out: their numbers are lost."
            self.report(message, min(lost) * self._pages.size)

    def _leaves_below(self, root: int) -> Iterator[tuple[Page, int]]:
        """Yield the leaves in the order of the tree; a lost one takes as many numbers as it is said to have."""
        waiting: list[tuple[int, int, int | None]] = [(root, 1, None)]
        while waiting:
            number, first, count = waiting.pop()
            try:
                page = self._pages.page(number)
                if page.type not in {RECNO_LEAF, RECNO_INTERNAL} or not self._pages.claim(number):
                    raise self._file.damage(f"page {number} does not belong into the tree", page.offset)
                if page.type == RECNO_LEAF:
                    self._compare(page, page.entries, count)
                    yield page, first
                else:
                    waiting.extend(reversed(self._children(page, first, count)))
            except Damage as error:
                self.report(f"A part of the tree cannot be reached from its root: {error.detail}.", error.offset)

    def _children(self, page: Page, first: int, count: int | None) -> list[tuple[int, int, int | None]]:
        """Return page number, number of the first record and count of records of what a page leads to."""
        content = self._pages.content(page)
        child = self._pages.reference
        children: list[tuple[int, int, int | None]] = []
        reached = first
        for slot in self._pages.slots(page):
            if not self._pages.header_bytes <= slot <= self._pages.size - child.size:
                raise self._file.damage(f"a link on page {page.number} is damaged", page.offset)
            number, records = child.unpack_from(content, slot)
            children.append((number, reached, records))
            reached += records
        self._compare(page, reached - first, count)
        return children

    def _compare(self, page: Page, found: int, count: int | None) -> None:
        if count is not None and found != count:
            message = f"Page {page.number} has {found:,} records where {count:,} were counted; numbers may be wrong."
            self.report(message, page.offset)

    def _counted_along(self, start: Page, lost: dict[int, Page]) -> Iterator[tuple[Page, int]]:
        """Yield what the chain from the very first leaf leads to, and take it out of ``lost``."""
        page: Page | None = start
        first = 1
        while page is not None and self._pages.claim(page.number):
            del lost[page.number]
            yield page, first
            first += page.entries
            following = lost.get(page.next)
            page = following if following and following.previous == page.number else None

    def check_own(self, token: CancelToken) -> Iterator[Problem]:
        return TreeCheck(self._pages, token).problems(OF_NUMBERS, sorts_duplicates=False)

    def _found(self, key: bytes, locator: int) -> Item | None:
        first, listed = self._firsts.get(locator >> SLOT_BITS, (0, None))
        number = locator & SLOT_MASK
        if listed is None or key != NUMBER.pack(first + number) or self._pages.page(listed.number) != listed:
            return None
        return self._pages.item(listed, self._pages.slot(listed, number))
