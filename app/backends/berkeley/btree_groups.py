"""The entries of a new btree file, key by key: how much room they take, and what stands on and behind their leaf.

References: btree/bt_put.c (__bam_iitem, __bam_dup_check, __bam_dup_convert) of Berkeley DB 5.3.
"""

from collections.abc import Iterable, Iterator, Sequence
from struct import Struct
from typing import NamedTuple

from app.backends.berkeley.duplicates_write import DuplicateTree
from app.backends.berkeley.pages import ITEM_DUPLICATES
from app.backends.berkeley.write import SLOT_BYTES, PageMaker
from app.backends.key_index import IndexChunk
from app.backends.records import Records, pieces_of


class Group(NamedTuple):
    """All entries of one key in the order of the file. ``tree``: the pages of their values, when not on the leaf."""

    key: bytes
    rows: Sequence[int]
    sizes: Sequence[int]
    tree: DuplicateTree | None


class Groups:
    """Records put in order by ``rows``, the row numbers. ``sorts``: whether duplicates are in order of their values."""

    def __init__(self, records: Records, rows: Sequence[int], maker: PageMaker, *, sorts: bool) -> None:
        self._records = records
        self._rows = rows
        self._maker = maker
        # In trees of duplicates, which have no settings of their own, a page has room for two keys at least.
        self._tree_maker = PageMaker(maker.size, maker.byte_order)
        self._sorts = sorts
        self._reference = Struct(f"{maker.mark}HBBII")

    def __len__(self) -> int:
        return len(self._rows)

    @property
    def may_repeat(self) -> bool:
        """Whether a key can come more than once."""
        return self._records.may_repeat

    @property
    def rows(self) -> Sequence[int]:
        return self._rows

    def chunks(self) -> Iterator[IndexChunk]:
        """Yield keys and sizes of values of all rows in the order of their numbers."""
        return self._records.chunks()

    def keys(self, stretches: Iterable[tuple[int, int]]) -> Iterator[bytes]:
        """Yield the keys of successive rows, each stretch from one number to another."""
        for start, end in stretches:
            if end - start == 1:
                yield self._records.key(start)
            else:
                yield from self._records.keys(start, end)

    def values(self, stretches: Iterable[tuple[int, int]]) -> Iterator[bytes]:
        """Yield the values of successive rows, all of them small, each stretch from one number to another."""
        for start, end in stretches:
            if end - start == 1:
                yield self._records.value(start)
            else:
                yield from self._records.values(start, end)

    def key_at(self, position: int) -> bytes:
        return self._records.key(self._rows[position])

    def between(self, start: int, end: int) -> Iterator[Group]:
        """Yield the groups from one position to another."""
        records, rows, may_repeat = self._records, self._rows, self._records.may_repeat
        while start < end:
            key, behind = records.key(rows[start]), start + 1
            while may_repeat and behind < end and records.key(rows[behind]) == key:
                behind += 1
            members = rows[start:behind]
            sizes = [records.size(row) for row in members]
            yield Group(key, members, sizes, self._tree(key, sizes))
            start = behind

    def _tree(self, key: bytes, sizes: Sequence[int]) -> DuplicateTree | None:
        """Return pages for duplicates that take so much of a leaf that Berkeley DB, too, moves them off it."""
        if len(sizes) == 1:
            return None
        room = sum(self._maker.item_bytes(size) + SLOT_BYTES for size in (len(key), *sizes))
        if room < self._maker.size // 4:
            return None
        return DuplicateTree(self._tree_maker, sizes, is_sorted=self._sorts)

    def room(self, group: Group) -> int:
        """Return how many bytes of its leaf a group takes."""
        key = self._maker.item_bytes(len(group.key))
        if group.tree:
            return key + self._reference.size + 2 * SLOT_BYTES
        return key + sum(self._maker.item_bytes(size) + 2 * SLOT_BYTES for size in group.sizes)

    def page_count(self, group: Group) -> int:
        """Return how many pages hang on a group."""
        chains = self._chain(len(group.key))
        if group.tree:
            return chains + group.tree.page_count
        return chains + sum(map(self._chain, group.sizes))

    def _chain(self, size: int) -> int:
        return self._maker.overflow_pages(size) if size > self._maker.largest_plain else 0

    def items(self, group: Group, first: int) -> list[bytes]:
        """Return what stands on the leaf: the key, then the values; ``first`` is the first page that hangs on it."""
        key_pages = self._chain(len(group.key))
        items = [self._maker.overflow_item(first, len(group.key)) if key_pages else self._maker.data_item(group.key)]
        first += key_pages
        if group.tree:
            return [*items, self._reference.pack(0, ITEM_DUPLICATES, 0, first, 0)]
        for row, size in zip(group.rows, group.sizes, strict=True):
            pages = self._chain(size)
            value = self._maker.overflow_item(first, size) if pages else self._maker.data_item(self._records.value(row))
            items.append(value)
            first += pages
        return items

    def hanging_pages(self, group: Group, first: int, *, separates: bool) -> Iterator[bytes]:
        """Yield the pages that hang on a group; ``separates``: whether a page above the leaf leads to its key, too."""
        key_pages = self._chain(len(group.key))
        if key_pages:
            yield from self._maker.overflow(first, len(group.key), pieces_of(group.key), 2 if separates else 1)
            first += key_pages
        if group.tree:
            yield from group.tree.pages(first, lambda row: self._records.pieces(group.rows[row]))
            return
        for row, size in zip(group.rows, group.sizes, strict=True):
            if pages := self._chain(size):
                yield from self._maker.overflow(first, size, self._records.pieces(row))
                first += pages
