"""Which pages a new btree file has, found from the sizes of its entries before any value is read.

After the first page and the root come the other pages above the leaves, level by level, then each leaf followed
by what its entries lead to: overflow chains and trees of duplicates.

References: dbinc/btree.h (B_MINKEY_TO_OVFLSIZE), btree/bt_put.c (__bam_dup_check) and btree/bt_split.c
(__bam_pinsert, __bam_defpfx) of Berkeley DB 5.3.
"""

from array import array
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Final

from app.backends.berkeley.btree_groups import Groups
from app.backends.berkeley.write import SLOT_BYTES, PageMaker
from app.cancel import CancelToken

if TYPE_CHECKING:
    from app.backends.berkeley.btree_bulk_write import LeafMaker

ROOT: Final = 1
INTERNAL_HEAD: Final = 12
"""Bytes of an item above the leaves before its key."""
OVERFLOW_ITEM: Final = 12
_MANY: Final = 1 << 15
"""Entries from which on numpy is worth its import."""


class Separators:
    """For each leaf the shortest key that is greater than all before it and not greater than its own."""

    def __init__(self, largest_plain: int) -> None:
        self._largest_plain = largest_plain
        self._joined = bytearray()
        self._ends = array("q")
        self._long: dict[int, int] = {}

    def add(self, before: bytes, first: bytes) -> None:
        """Take the last key of a leaf and the first one of the next; for the first leaf two empty ones."""
        same = next((at for at, (one, other) in enumerate(zip(before, first, strict=False)) if one != other), None)
        shortest = first[: (len(before) if same is None else same) + 1]
        if len(shortest) > self._largest_plain:
            self._long[len(self._ends)] = len(first)
        else:
            self._joined += shortest
        self._ends.append(len(self._joined))

    def __len__(self) -> int:
        return len(self._ends)

    def long_size(self, leaf: int) -> int | None:
        """Return the size of the leaf's first key where that key's own overflow chain is the separator."""
        return self._long.get(leaf)

    def key(self, leaf: int) -> bytes:
        return bytes(self._joined[self._ends[leaf - 1] if leaf else 0 : self._ends[leaf]])

    def room(self, leaf: int) -> int:
        """Return the bytes of an item above the leaves that begins with that leaf."""
        size = OVERFLOW_ITEM if leaf in self._long else self._ends[leaf] - (self._ends[leaf - 1] if leaf else 0)
        return (INTERNAL_HEAD + size + 3) & ~3


class Layout:
    """The leaves, and the levels of pages above them.

    ``firsts``: of each leaf the position of its first entry, and at the end the number of entries.
    ``levels``: of each level above the leaves, the lowest first: of each page the first of its children among the
    pages of the level below, and at the end how many those are.
    """

    def __init__(self, maker: PageMaker, groups: Groups, token: CancelToken) -> None:
        self.firsts = array("q", [0])
        self.separators = Separators(maker.largest_plain)
        self._pages_before = array("q", [0])
        self._room = maker.room
        self.bulk = self._bulk(maker, groups, token)
        """What makes leaves of many entries at once; None for small files, and where keys come again."""
        self.separators.add(b"", b"")
        if self.bulk is None:
            self._fill_leaves(groups, token)
        else:
            self._fill_by_numpy(self.bulk, groups)
        self.levels = list(self._built())
        self._leaves_at = ROOT + sum(len(level) - 1 for level in self.levels)

    def _bulk(self, maker: PageMaker, groups: Groups, token: CancelToken) -> "LeafMaker | None":
        if len(groups) < _MANY:
            return None
        from app.backends.berkeley.btree_bulk_write import LeafMaker  # noqa: PLC0415 - small files do without numpy

        bulk = LeafMaker(maker, groups, token)
        return None if groups.may_repeat and bulk.has_repeated_keys() else bulk

    def _fill_by_numpy(self, bulk: "LeafMaker", groups: Groups) -> None:
        for position, pages in bulk.leaves():
            self.firsts.append(position)
            self._pages_before.append(pages)
            if position < len(groups):
                self.separators.add(groups.key_at(position - 1), groups.key_at(position))

    def _fill_leaves(self, groups: Groups, token: CancelToken) -> None:
        position = used = pages = 0
        last = b""
        for group in groups.between(0, len(groups)):
            token.check()
            room = groups.room(group)
            if used + room > self._room:
                pages += 1
                self.firsts.append(position)
                self._pages_before.append(pages)
                self.separators.add(last, group.key)
                used = 0
            used += room
            pages += groups.page_count(group)
            position += len(group.rows)
            last = group.key
        self.firsts.append(position)
        self._pages_before.append(pages + 1)

    def _built(self) -> Iterator["array[int]"]:
        """Yield the levels above the leaves."""
        leaves: Sequence[int] = range(len(self.separators))
        while len(leaves) > 1:
            level = self._packed(leaves)
            yield level
            leaves = [leaves[child] for child in level[:-1]]

    def _packed(self, leaves: Sequence[int]) -> "array[int]":
        """Return how children that begin with those leaves are shared out to pages."""
        firsts, left = array("q"), 0
        for child, leaf in enumerate(leaves):
            room = self.separators.room(leaf) + SLOT_BYTES
            if room > left:
                firsts.append(child)
                left = self._room
                room = INTERNAL_HEAD + SLOT_BYTES
            left -= room
        firsts.append(len(leaves))
        return firsts

    @property
    def last_page(self) -> int:
        return self._leaves_at + self._pages_before[-1] - 1

    def leaf_page(self, leaf: int) -> int:
        """Return the number of a leaf's page; 0 before the first and behind the last one."""
        return self._leaves_at + self._pages_before[leaf] if 0 <= leaf < len(self.separators) else 0

    def level_page(self, height: int) -> int:
        """Return the number of the first page of a level; the root is alone on the highest."""
        return ROOT + sum(len(level) - 1 for level in self.levels[height + 1 :])
