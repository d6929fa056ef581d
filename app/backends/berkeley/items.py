"""What the hash and the btree backend of Berkeley DB share: entries by key, and off-page duplicates.

The 64-bit locator of an entry is not negative when the value stands, or its overflow chain begins, beside the
key; each backend has its own code for that. A negative one is the complement of a number in two tables, made
while indexing, of off-page duplicates: the locator of the key's own item, and ``place`` of the value, which
is its page number times 65,536 plus its slot number.
"""

from abc import abstractmethod
from array import array
from collections.abc import Iterator
from typing import Final

from app.backends.base import Match
from app.backends.berkeley.file import SLOT_BITS, SLOT_MASK, BdbBackend, Listed
from app.backends.berkeley.pages import DUPLICATE_CHAIN, DUPLICATE_LEAF, RECNO_LEAF, Item, Page, Pages
from app.backends.berkeley.rewritable import why_not_rewritable
from app.backends.berkeley.tree import leaves
from app.backends.binary import Damage
from app.backends.rewrite import RewritingBackend
from app.cancel import CancelToken

_USED_MASK: Final = 0xFFFF
"""An empty page of 65,536 bytes writes the start of its items as 0."""
_DUPLICATE_LEAVES: Final = frozenset({DUPLICATE_CHAIN, RECNO_LEAF, DUPLICATE_LEAF})
"""Before Berkeley DB 3.1 off-page duplicates were a mere chain, which is read like the leaves of a tree."""


class BdbKeyedBackend(BdbBackend, RewritingBackend):
    """One Berkeley DB file or sub-database whose entries are found by their keys."""

    def __init__(self, match: Match, pages: Pages | None = None) -> None:
        super().__init__(match, pages)
        self._forget_duplicates()

    @property
    def may_repeat(self) -> bool:
        return bool(self._pages.meta.duplicates)

    @property
    def why_not_rewritable(self) -> str:
        return why_not_rewritable(self._pages, self.match.path)

    def listed(self, token: CancelToken) -> Iterator[Listed]:
        self._forget_duplicates()
        yield from self._listed(token)

    def _forget_duplicates(self) -> None:
        self._owners, self._places = array("q"), array("q")

    def leaf_of(self, locator: int) -> int:
        return super().leaf_of(locator if locator >= 0 else self._owners[~locator])

    @abstractmethod
    def _listed(self, token: CancelToken) -> Iterator[Listed]: ...

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

    def _found(self, key: bytes, locator: int) -> Item | None:
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
