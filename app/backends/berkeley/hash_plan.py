"""Where everything of a new Berkeley DB hash file will stand, computed from keys and sizes alone.

The first page of bucket n is page n + 1; behind those of all buckets come, bucket by bucket, the further pages
of its chain, then what its items lead to: overflow chains and trees of duplicates.
"""

from array import array
from collections.abc import Iterator, Mapping, Sequence
from itertools import accumulate, groupby
from typing import Final

from app.backends.berkeley.duplicates_write import DuplicateTree
from app.backends.berkeley.hash_layout import (
    DUPLICATE_BYTES,
    OFF_PAGE_BYTES,
    OFF_PAGE_DUPLICATES_BYTES,
    TYPE_BYTES,
    largest_on_page,
    order_on_page,
)
from app.backends.berkeley.meta import key_hash
from app.backends.berkeley.row_stretches import read_rows
from app.backends.berkeley.value_order import in_value_order, repeated_value
from app.backends.berkeley.write import SLOT_BYTES, PageMaker
from app.backends.records import Records
from app.cancel import CancelToken

_MANY: Final = 1 << 15
"""Entries from which on numpy is worth its import."""
_AT_ONCE: Final = 1 << 13
"""Rows whose keys are in memory together."""
_FILLED: Final = 0.75
"""How full pages are at most on average, so that native writers have room before they split buckets."""
_FEWEST_BUCKETS: Final = 2

Set = Sequence[int]
"""The rows of all entries of a key, in the order in which the file has their values."""


class HashPlan:
    """Which rows are on which page. A row stands for all entries of its key: it is the first one of those.

    ``sorts``: whether entries of equal key are put in the order of their values.
    """

    def __init__(
        self,
        records: Records,
        maker: PageMaker,
        token: CancelToken,
        *,
        sorts: bool = False,
    ) -> None:
        self._records = records
        self._maker = maker
        self._largest = largest_on_page(maker.size)
        self._sorts = sorts
        self.sets: Mapping[int, Set] = {}
        """The rows of all entries of a key by the first of them, where there are several."""
        hashes = hashes_in(records, token)
        self._measure(token)
        rows: Sequence[int] = range(len(records))
        if records.may_repeat:
            sets = list(repeated(records, hashes, token))
            self.sets = {members[0]: self._in_order(members, token) for members in sets}
            rows = self._without_others(sets)
            for row in self.sets:
                self._lengths[row], self.hanging[row] = self._measured(len(records.key(row)), 0, self.sets[row])
        self.keys = len(rows)
        self.buckets = self._bucket_count(rows)
        self._rows, ends = _by_bucket(rows, hashes, self.buckets)
        self._fill(ends, token)

    def _measure(self, token: CancelToken) -> None:
        self._lengths = array("H")
        """How much of its page each row takes (bytes)."""
        self.hanging = array("I")
        """How many pages hang on each row."""
        for chunk in self._records.chunks():
            token.check()
            if len(self._records) >= _MANY:
                from app.backends.berkeley.hash_bulk import measured  # noqa: PLC0415 - numpy only where it pays

                lengths, pages = measured(chunk, self._largest, self._maker.room)
                self._lengths.frombytes(lengths)
                self.hanging.frombytes(pages)
                continue
            start = 0
            for end, size in zip(chunk.ends, chunk.sizes, strict=True):
                length, hanging = self._measured(end - start, size)
                self._lengths.append(length)
                self.hanging.append(hanging)
                start = end

    def _measured(self, key_size: int, size: int, members: Set = ()) -> tuple[int, int]:
        """Return how much of its page (bytes) an entry takes, or all of a key, and how many pages hang on it."""
        length, hanging = self._item(key_size)
        if members:
            value_length, value_pages = self._set(members)
        else:
            value_length, value_pages = self._item(size)
        return length + value_length + 2 * SLOT_BYTES, hanging + value_pages

    def _item(self, size: int) -> tuple[int, int]:
        if size <= self._largest:
            return TYPE_BYTES + size, 0
        return OFF_PAGE_BYTES, self._maker.overflow_pages(size)

    def _set(self, members: Set) -> tuple[int, int]:
        whole = TYPE_BYTES + sum(self._records.size(row) + DUPLICATE_BYTES for row in members)
        if whole <= self._largest:
            return whole, 0
        return OFF_PAGE_DUPLICATES_BYTES, self.tree(members).page_count

    def tree(self, members: Set) -> DuplicateTree:
        return DuplicateTree(self._maker, [self._records.size(row) for row in members], is_sorted=self._sorts)

    def _in_order(self, members: Set, token: CancelToken) -> Set:
        if not self._sorts:
            return members
        ordered, twice = in_value_order(self._records, members, token)
        if twice:
            raise repeated_value(self._records.key(twice[0]))
        return ordered

    def _without_others(self, sets: Sequence[Set]) -> "array[int]":
        """Return the rows that stand for their keys."""
        others = bytearray(len(self._records))
        for members in sets:
            for row in members[1:]:
                others[row] = 1
        return array("I", (row for row, is_other in enumerate(others) if not is_other))

    def _bucket_count(self, rows: Sequence[int]) -> int:
        needed = sum(map(self._lengths.__getitem__, rows))
        buckets = _FEWEST_BUCKETS
        while buckets * self._maker.room * _FILLED < needed:
            buckets *= 2
        return buckets

    def _fill(self, ends: Sequence[int], token: CancelToken) -> None:
        """Put the rows of each bucket in their order, and on pages."""
        self._page_ends = array("I")
        """Of each page of chains: the number of rows before its end."""
        self._bucket_ends = array("I")
        """Of each bucket: the number of pages of chains before its end."""
        further = array("Q")
        start = 0
        for some in _batches(ends):
            token.check()
            keys = self.keys_of(self._rows[start : some[-1]])
            for end in some:
                first = len(self._page_ends)
                self._sort(start, end, keys)
                self._page_ends.extend(self._paged(start, end))
                self._bucket_ends.append(len(self._page_ends))
                hanging = sum(map(self.hanging.__getitem__, self._rows[start:end]))
                further.append(len(self._page_ends) - first - 1 + hanging)
                start = end
        self._further_ends = array("Q", accumulate(further))
        self.last_page = self.buckets + self._further_ends[-1]

    def keys_of(self, rows: Sequence[int]) -> dict[int, bytes]:
        """Return the keys of rows by row, perhaps with some others."""
        keys = read_rows(self._records.keys, rows, self.hanging)
        keys.update((row, self._records.key(row)) for row in rows if self.hanging[row])
        return keys

    def values_of(self, rows: Sequence[int]) -> dict[int, bytes]:
        """Return the values of rows that lead to no other pages, by row, perhaps with some others."""
        return read_rows(self._records.values, (row for row in rows if row not in self.sets), self.hanging)

    def _sort(self, start: int, end: int, keys: Mapping[int, bytes]) -> None:
        """Sort the rows of a bucket; off-page keys come last.

        Native look-ups compare those in another order with keys on the page, and would miss some of them there.
        """
        rows, largest = self._rows[start:end], self._largest
        plain = [row for row in rows if len(keys[row]) <= largest]
        plain.sort(key=lambda row: order_on_page(keys[row]))
        if len(plain) < len(rows):
            plain += sorted((row for row in rows if self.is_off_page(keys[row])), key=keys.__getitem__)
        self._rows[start:end] = array("I", plain)

    def is_off_page(self, content: bytes) -> bool:
        return len(content) > self._largest

    def _has_off_page_key(self, row: int) -> bool:
        return bool(self.hanging[row]) and self.is_off_page(self._records.key(row))

    def _paged(self, start: int, end: int) -> Iterator[int]:
        """Yield where each page of a bucket ends; at least one page."""
        left, was_off_page = self._maker.room, False
        for number in range(start, end):
            row = self._rows[number]
            length, off_page = self._lengths[row], self._has_off_page_key(row)
            if number > start and (length > left or off_page != was_off_page):
                yield number
                left = self._maker.room
            left, was_off_page = left - length, off_page
        yield end

    def is_on_page(self, members: Set) -> bool:
        """Tell whether several values of a key stand on its page."""
        return self._set(members)[0] != OFF_PAGE_DUPLICATES_BYTES

    def chain(self, bucket: int) -> list[Sequence[int]]:
        """Return the rows on each page of a bucket."""
        first, behind = self._bucket_ends[bucket - 1] if bucket else 0, self._bucket_ends[bucket]
        pages: list[Sequence[int]] = []
        start = self._page_ends[first - 1] if first else 0
        for end in self._page_ends[first:behind]:
            pages.append(self._rows[start:end])
            start = end
        return pages

    def further(self, bucket: int) -> int:
        """Return the page with which the further pages of a bucket begin."""
        return self.buckets + 1 + (self._further_ends[bucket - 1] if bucket else 0)


def _batches(ends: Sequence[int]) -> Iterator[list[int]]:
    """Yield the ends of buckets, those of some thousand rows together."""
    some: list[int] = []
    start = 0
    for end in ends:
        some.append(end)
        if end - start >= _AT_ONCE:
            yield some
            some, start = [], end
    if some:
        yield some


def hashes_in(records: Records, token: CancelToken) -> "array[int]":
    """Return the hash of each key (uint32)."""
    hashes = array("I")
    is_large = len(records) >= _MANY
    for chunk in records.chunks():
        token.check()
        if is_large:
            from app.backends.berkeley.hash_bulk import hashes_of  # noqa: PLC0415 - numpy only where it pays

            hashes.frombytes(hashes_of(chunk).tobytes())
        else:
            hashes.extend(key_hash(chunk.key(row)) for row in range(len(chunk)))
    return hashes


def _order(numbers: "array[int]") -> Sequence[int]:
    """Return the places of numbers from the least to the greatest, equal ones in their order."""
    if len(numbers) < _MANY:
        return sorted(range(len(numbers)), key=numbers.__getitem__)
    from app.backends.berkeley.hash_bulk import order_of  # noqa: PLC0415 - numpy only where it pays

    return order_of(numbers)


def repeated(records: Records, hashes: "array[int]", token: CancelToken) -> Iterator[Set]:
    """Yield the rows of each key that comes more than once, in their order."""
    for _hash, alike in groupby(_order(hashes), hashes.__getitem__):
        token.check()
        first, *others = alike
        if others:
            by_key: dict[bytes, array[int]] = {}
            for row in (first, *others):
                by_key.setdefault(records.key(row), array("I")).append(row)
            yield from (members for members in by_key.values() if len(members) > 1)


def _by_bucket(rows: Sequence[int], hashes: "array[int]", buckets: int) -> tuple["array[int]", Sequence[int]]:
    """Return the rows bucket by bucket, and how many there are before the end of each."""
    if len(rows) >= _MANY:
        from app.backends.berkeley.hash_bulk import by_bucket  # noqa: PLC0415 - numpy only where it pays

        return by_bucket(array("I", rows), hashes, buckets)
    numbers = array("I", (hashes[row] & (buckets - 1) for row in rows))
    counts = array("Q", bytes(8 * buckets))
    for number in numbers:
        counts[number] += 1
    return array("I", (rows[place] for place in _order(numbers))), array("Q", accumulate(counts))
