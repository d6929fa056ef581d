"""Off-page duplicates of new Berkeley DB files: the trees that hash and btree items lead to.

Sorted duplicates make a btree whose keys are the values, others a tree by record number. The root comes first,
then the other pages level by level, then the overflow chains.

References: btree/bt_put.c (__bam_dup_convert), btree/bt_split.c (__bam_pinsert) and dbinc/db_page.h (BINTERNAL,
RINTERNAL, RE_NREC) of Berkeley DB 5.3.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import pairwise
from struct import Struct
from typing import Final

from app.backends.berkeley.pages import (
    BTREE_INTERNAL,
    DUPLICATE_LEAF,
    ITEM_DATA,
    ITEM_OVERFLOW,
    RECNO_INTERNAL,
    RECNO_LEAF,
)
from app.backends.berkeley.write import SLOT_BYTES, PageMaker, Pieces

_INTERNAL_HEAD: Final = 12
_OVERFLOW_ITEM: Final = 12
_LEAF_LEVEL: Final = 1


class DuplicateTree:
    """The values of one key: how many pages they need, then those pages.

    ``sizes`` are the lengths of the values in bytes, in their order; there is at least one.
    """

    def __init__(self, maker: PageMaker, sizes: Sequence[int], *, is_sorted: bool) -> None:
        self._maker = maker
        self._sizes = sizes
        self._is_sorted = is_sorted
        self._levels = self._built()
        """Of each level, leaves first: the first value of each page, and at the end the number of values."""
        self._overflows = [row for row, size in enumerate(sizes) if size > maker.largest_plain]

    @property
    def page_count(self) -> int:
        chains = sum(self._maker.overflow_pages(self._sizes[row]) for row in self._overflows)
        return sum(len(level) - 1 for level in self._levels) + chains

    def pages(self, first: int, pieces: Pieces) -> Iterator[bytes]:
        """Yield the pages, ``first``, which is the root, and those after it; rows of ``pieces`` count from 0."""
        starts, number = [0] * len(self._levels), first
        for height in reversed(range(len(self._levels))):
            starts[height] = number
            number += len(self._levels[height]) - 1
        chains = self._chains(number)
        for height in reversed(range(1, len(self._levels))):
            yield from self._internal_pages(height, starts[height], starts[height - 1], chains, pieces)
        yield from self._leaves(starts[0], chains, pieces)
        references = self._references()
        for row, chain in chains.items():
            yield from self._maker.overflow(chain, self._sizes[row], pieces(row), 1 + references[row])

    def _built(self) -> list[list[int]]:
        leaves = self._packed([self._maker.item_bytes(size) for size in self._sizes], range(len(self._sizes)))
        levels = [[*leaves, len(self._sizes)]]
        while len(levels[-1]) > 2:
            children = levels[-1][:-1]
            levels.append([*self._packed([self._internal_bytes(row) for row in children], children), len(self._sizes)])
        return levels

    def _packed(self, lengths: Sequence[int], rows: Sequence[int]) -> list[int]:
        """Return the rows with which pages begin that are filled one after the other."""
        firsts, left = [], 0
        for row, length in zip(rows, lengths, strict=True):
            if length + SLOT_BYTES > left:
                firsts.append(row)
                left = self._maker.room
            left -= length + SLOT_BYTES
        return firsts

    def _internal_bytes(self, row: int) -> int:
        if not self._is_sorted:
            return 8
        size = self._sizes[row]
        return (_INTERNAL_HEAD + (size if size <= self._maker.largest_plain else _OVERFLOW_ITEM) + 3) & ~3

    def _chains(self, number: int) -> dict[int, int]:
        """Return the first page of each overflow chain by row, the first one being ``number``."""
        chains = {}
        for row in self._overflows:
            chains[row] = number
            number += self._maker.overflow_pages(self._sizes[row])
        return chains

    def _references(self) -> Counter[int]:
        """Return how many internal pages lead to a value's overflow chain, too."""
        if not self._is_sorted:
            return Counter()
        return Counter(row for lower, upper in pairwise(self._levels) for row in set(lower) - set(upper))

    def _internal_pages(
        self, height: int, number: int, child: int, chains: dict[int, int], pieces: Pieces
    ) -> Iterator[bytes]:
        below = self._levels[height - 1]
        at = 0
        for start, end in pairwise(self._levels[height]):
            items = []
            while below[at] < end:
                count = below[at + 1] - below[at]
                items.append(self._internal_item(below[at], child + at, count, below[at] > start, chains, pieces))
                at += 1
            # The root has the number of all values where other pages have the number of the one before them.
            is_root = height + 1 == len(self._levels)
            kind = BTREE_INTERNAL if self._is_sorted else RECNO_INTERNAL
            yield self._maker.page(
                number, kind, items, previous=len(self._sizes) if is_root else 0, level=height + _LEAF_LEVEL
            )
            number += 1

    def _internal_item(
        self, row: int, child: int, count: int, has_key: bool, chains: dict[int, int], pieces: Pieces
    ) -> bytes:
        """Return the item for a child; the first one on a page is found without a key."""
        mark = self._maker.mark
        if not self._is_sorted:
            return Struct(mark + "II").pack(child, count)
        key, kind = b"", ITEM_DATA
        if has_key and row in chains:
            key, kind = self._maker.overflow_item(chains[row], self._sizes[row]), ITEM_OVERFLOW
        elif has_key:
            key = b"".join(pieces(row))
        head = Struct(mark + "HBxII").pack(len(key), kind, child, count)
        return head + key + bytes(-len(key) & 3)

    def _leaves(self, first: int, chains: dict[int, int], pieces: Pieces) -> Iterator[bytes]:
        last = first + len(self._levels[0]) - 2
        for number, (start, end) in enumerate(pairwise(self._levels[0]), first):
            yield self._maker.page(
                number,
                DUPLICATE_LEAF if self._is_sorted else RECNO_LEAF,
                [self._leaf_item(row, chains, pieces) for row in range(start, end)],
                previous=number - 1 if number > first else 0,
                following=number + 1 if number < last else 0,
                level=_LEAF_LEVEL,
            )

    def _leaf_item(self, row: int, chains: dict[int, int], pieces: Pieces) -> bytes:
        if row in chains:
            return self._maker.overflow_item(chains[row], self._sizes[row])
        return self._maker.data_item(b"".join(pieces(row)))
