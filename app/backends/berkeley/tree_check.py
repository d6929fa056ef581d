"""What listing the leaves of a Berkeley DB tree passes over: levels, keys above the leaves, counts, references.

References: btree/bt_verify.c (__bam_vrfy_structure, __bam_vrfy_treeorder) and db/db_vrfy.c of Berkeley DB 5.3.
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from struct import Struct
from typing import Final, NamedTuple

from app.backends.base import Problem
from app.backends.berkeley.pages import (
    BTREE_INTERNAL,
    BTREE_LEAF,
    DELETED,
    DUPLICATE_CHAIN,
    DUPLICATE_LEAF,
    ITEM_DATA,
    ITEM_DUPLICATES,
    ITEM_OVERFLOW,
    RECNO_INTERNAL,
    RECNO_LEAF,
    Page,
    Pages,
)
from app.backends.binary import Damage
from app.cancel import CancelToken

_LEVEL_AT: Final = 24
_LEAF_LEVEL: Final = 1
_HEAD_BYTES: Final = 12
"""Of an item above the leaves, before its key."""
_COMPARED: Final = 1 << 16
"""Bytes of a key on overflow pages that are compared."""


@dataclass(frozen=True, slots=True)
class TreeKind:
    """``step``: slots of an entry on a leaf. ``counts``: whether pages above tell how many entries are below."""

    internal: int
    leaf: int
    step: int = 1
    counts: bool = True
    compares: bool = True


OF_NUMBERS: Final = TreeKind(RECNO_INTERNAL, RECNO_LEAF, compares=False)


class _Place(NamedTuple):
    """What leads to a page, and what it must therefore be like: its keys are not below ``lower``, but ``upper``."""

    number: int
    level: int | None = None
    entries: int | None = None
    lower: bytes | None = None
    upper: bytes | None = None


class _Child(NamedTuple):
    number: int
    entries: int
    key: bytes | None


def _is_behind(key: bytes, upper: bytes) -> bool:
    """Tell whether a key is not less than another one, of which there may be but the beginning."""
    return key >= upper and not (len(upper) == _COMPARED and key.startswith(upper))


class TreeCheck:
    """Goes through the trees of one database once; no page is looked at twice."""

    def __init__(self, pages: Pages, token: CancelToken) -> None:
        self._pages = pages
        self._token = token
        self._seen = bytearray(pages.count)
        self._references: Counter[int] = Counter()
        self._roots: list[int] = []
        self._internal = Struct(pages.file.mark + "HBxII")

    def problems(self, kind: TreeKind, *, sorts_duplicates: bool) -> Iterator[Problem]:
        """Yield what is wrong with the tree from the root on, with its trees of duplicates, with overflow chains."""
        yield from self._tree(self._pages.meta.root, kind)
        yield from self.of_duplicates(self._roots, sorted_=sorts_duplicates and kind.compares)
        yield from self.wrong_references()

    def of_duplicates(self, roots: Iterable[int], *, sorted_: bool) -> Iterator[Problem]:
        """Yield what is wrong with trees of duplicates."""
        of_values = TreeKind(BTREE_INTERNAL, DUPLICATE_LEAF, compares=sorted_)
        for root in roots:
            page = self._page(root)
            if page is not None and page.type != DUPLICATE_CHAIN:
                is_numbered = page.type in {RECNO_INTERNAL, RECNO_LEAF}
                yield from self._tree(root, OF_NUMBERS if is_numbered else of_values)

    def _page(self, number: int) -> Page | None:
        """Return a page; one that is illegible was a problem of the index already."""
        try:
            return self._pages.page(number)
        except Damage:
            return None

    def _tree(self, root: int, kind: TreeKind) -> Iterator[Problem]:
        waiting, before = [_Place(root)], 0
        last: Page | None = None
        while waiting:
            self._token.check()
            place = waiting.pop()
            page = self._page(place.number)
            if page is None or page.type not in {kind.internal, kind.leaf} or self._seen[page.number]:
                continue
            self._seen[page.number] = 1
            yield from self._wrong_level(page, place, kind)
            try:
                if page.type == kind.internal:
                    children = list(self._children(page, kind))
                    yield from self._wrong_count(page, place, sum(child.entries for child in children), kind)
                    waiting.extend(self._places(page, place, children))
                    continue
                yield from self._leaf_problems(page, place, kind)
            except Damage as error:
                yield Problem(f"{error.detail[:1].upper()}{error.detail[1:]}.", error.offset)
            if page.previous != before:
                yield Problem(f"Page {page.number} does not know the leaf before it.", page.offset)
            yield from self._wrong_next(last, page.number)
            before, last = page.number, page
        yield from self._wrong_next(last, 0)

    def _wrong_next(self, page: Page | None, following: int) -> Iterator[Problem]:
        if page is not None and page.next != following:
            yield Problem(f"Page {page.number} does not know the leaf behind it.", page.offset)

    def _wrong_level(self, page: Page, place: _Place, kind: TreeKind) -> Iterator[Problem]:
        level = self._pages.file.u8(page.offset + _LEVEL_AT)
        is_wrong = place.level is not None and level != place.level
        if is_wrong or (level == _LEAF_LEVEL) is not (page.type == kind.leaf):
            yield Problem(f"Page {page.number} says that it is on level {level} of the tree, and is not.", page.offset)

    def _wrong_count(self, page: Page, place: _Place, found: int, kind: TreeKind) -> Iterator[Problem]:
        wanted = place.entries
        if wanted is None and page.type == kind.internal:
            wanted = page.previous  # the root counts all entries where other pages name the one before them
        if kind.counts and wanted is not None and found != wanted:
            yield Problem(f"Page {page.number} has {found:,} entries where {wanted:,} were counted.", page.offset)

    def _children(self, page: Page, kind: TreeKind) -> Iterator[_Child]:
        content = self._pages.content(page)
        for slot in self._pages.slots(page):
            if kind.internal == RECNO_INTERNAL:
                if self._pages.header_bytes <= slot <= self._pages.size - 8:
                    number, count = self._pages.reference.unpack_from(content, slot)
                    yield _Child(number, count, None)
                    continue
            elif self._pages.header_bytes <= slot <= self._pages.size - _HEAD_BYTES:
                length, item, number, count = self._internal.unpack_from(content, slot)
                yield _Child(number, count, self._key(page, slot, length, item))
                continue
            raise self._pages.file.damage(f"an item on page {page.number} is damaged", page.offset + slot)

    def _key(self, page: Page, slot: int, length: int, item: int) -> bytes:
        start = page.offset + slot + _HEAD_BYTES
        if item == ITEM_DATA and slot + _HEAD_BYTES + length <= self._pages.size:
            return self._pages.file.slice(start, length)
        if item != ITEM_OVERFLOW or slot + 2 * _HEAD_BYTES > self._pages.size:
            raise self._pages.file.damage(f"a key on page {page.number} is damaged", start)
        number, size = self._pages.file.unpack(self._pages.reference, start + 4)
        self.refer(number, size)
        return self._pages.overflow(number, size, _COMPARED)

    def refer(self, number: int, size: int) -> None:
        """Count a way to an overflow chain, and take its pages if no listed entry did."""
        self._references[number] += 1
        if 0 < number < self._pages.count and not self._pages.claims.taken[number]:
            self._pages.claim_overflow(number, size)

    def _places(self, page: Page, place: _Place, children: list[_Child]) -> list[_Place]:
        """Return where the children are and what they must be like, the last one first."""
        level = self._pages.file.u8(page.offset + _LEVEL_AT) - 1
        lowers = [place.lower, *(child.key for child in children[1:])]
        uppers = [*lowers[1:], place.upper]
        rows = zip(children, lowers, uppers, strict=True) if children else ()
        return [_Place(child.number, level, child.entries, lower, upper) for child, lower, upper in rows][::-1]

    def _leaf_problems(self, page: Page, place: _Place, kind: TreeKind) -> Iterator[Problem]:
        content, slots = self._pages.content(page), self._pages.slots(page)
        highest = self._pages.size - 4
        kinds = [content[slot + 2] if slot <= highest else ITEM_DATA for slot in slots]
        for slot in {slot for slot, item in zip(slots, kinds, strict=True) if item != ITEM_DATA}:
            self._follow(page, slot, content)
        # The deleted records of a tree of numbers keep their numbers.
        deleted = (
            0 if kind.leaf == RECNO_LEAF else sum(item & DELETED > 0 for item in kinds[kind.step - 1 :: kind.step])
        )
        yield from self._wrong_count(page, place, len(slots) // kind.step - deleted, kind)
        if kind.compares and slots:
            yield from self._out_of_bounds(page, place, slots[0], slots[-kind.step])

    def _follow(self, page: Page, slot: int, content: bytes) -> None:
        """Note where an item that is not on its page leads to."""
        item = content[slot + 2] & ~DELETED
        if item in {ITEM_OVERFLOW, ITEM_DUPLICATES} and slot <= self._pages.size - _HEAD_BYTES:
            number, size = self._pages.reference.unpack_from(content, slot + 4)
            if item == ITEM_DUPLICATES:
                self._roots.append(number)
            else:
                self.refer(number, size)

    def _out_of_bounds(self, page: Page, place: _Place, first: int, last: int) -> Iterator[Problem]:
        lowest, highest = self._content_at(page, first), self._content_at(page, last)
        too_low = place.lower is not None and lowest is not None and lowest < place.lower
        too_high = place.upper is not None and highest is not None and _is_behind(highest, place.upper)
        if too_low or too_high:
            yield Problem(
                f"A look-up would not find all keys of page {page.number}: it is in a wrong place.", page.offset
            )

    def _content_at(self, page: Page, slot: int) -> bytes | None:
        item = self._pages.item(page, slot)
        if item is None:
            return None
        if item.overflow:
            return self._pages.overflow(item.overflow, item.size, _COMPARED)
        return self._pages.file.slice(item.start, item.size)

    def wrong_references(self) -> Iterator[Problem]:
        """Yield the overflow chains to which not as many items lead as they say; after everything else."""
        for number, count in self._references.items():
            page = self._page(number)
            if page is not None and page.entries != count:
                message = f"Page {number} says that {page.entries} items lead to it, and {count} do."
                yield Problem(message, page.offset)


def main_tree(*, counts: bool, compares: bool) -> TreeKind:
    """Return what the tree of a btree file is like."""
    return TreeKind(BTREE_INTERNAL, BTREE_LEAF, 2, counts=counts, compares=compares)
