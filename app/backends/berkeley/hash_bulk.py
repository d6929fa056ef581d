"""Large Berkeley DB hash files: what the other modules do entry by entry, done with numpy for thousands at a time.

Nothing here decides what damage is: whatever looks unusual is left to the code that goes entry by entry.
"""

from array import array
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from app.backends.berkeley.hash_layout import KEY_OR_DATA, OFF_PAGE_BYTES, PAIR_BITS, PLACE_BITS, TYPE_BYTES
from app.backends.berkeley.meta import Meta, key_hash
from app.backends.berkeley.pages import HASH, HASH_UNSORTED
from app.backends.berkeley.write import SLOT_BYTES
from app.backends.bulk_keys import by_size, bytes_at, put_at, values_at
from app.backends.key_index import IndexChunk

_Bytes = NDArray[np.uint8]
_Numbers = NDArray[np.int64]
_Hashes = NDArray[np.uint32]
_Flags = NDArray[np.bool_]

_COLUMNS: Final = 128
"""Bytes of a key that are hashed a column at a time; the few longer keys are hashed one by one."""
_PRIME: Final = np.uint32(16777619)
_PAIR_MASK: Final = (1 << PAIR_BITS) - 1
_PLACE_MASK: Final = (1 << PLACE_BITS) - 1


def hashes_of(chunk: IndexChunk) -> _Hashes:
    """Return the hashes of all keys of a chunk (uint32)."""
    ends = np.frombuffer(chunk.ends, np.int64)
    return _hashes_at(np.frombuffer(chunk.keys, np.uint8), np.concatenate(([0], ends[:-1])), ends)


def _hashes_at(content: _Bytes, starts: _Numbers, ends: _Numbers) -> _Hashes:
    """Return the hashes of the keys that lie at ``starts`` to ``ends`` (bytes) of ``content``."""
    values = np.zeros(len(starts), np.uint32)
    lengths = ends - starts
    shortest, longest = int(lengths.min(initial=_COLUMNS)), min(int(lengths.max(initial=0)), _COLUMNS)
    # Zeros before a key leave its hash as it is, so keys of any length can end in the same column.
    for column in range(longest, 0, -1):
        places = ends - column
        if column <= shortest:
            letters = content[places]
        else:
            letters = content[np.maximum(places, 0)]
            letters[places < starts] = 0
        values *= _PRIME
        values ^= letters
    for row in np.flatnonzero(lengths > _COLUMNS).tolist():
        values[row] = key_hash(content[starts[row] : ends[row]].tobytes())
    return values


def order_of(numbers: "array[int]") -> "array[int]":
    """Return the places of numbers (uint32) from the least to the greatest, equal ones in their order."""
    return array("I", np.argsort(np.frombuffer(numbers, np.uint32), kind="stable").astype(np.uint32).tobytes())


def measured(chunk: IndexChunk, largest: int, room: int) -> tuple[bytes, bytes]:
    """Return what `bdb_hash_plan.HashPlan` measures of each entry (uint16 and uint32).

    ``largest``: up to how many bytes an item stays on its page; ``room``: bytes on an overflow page.
    """
    keys, values = np.diff(np.frombuffer(chunk.ends, np.int64), prepend=0), np.frombuffer(chunk.sizes, np.int64)
    lengths, hanging = np.full(len(keys), 2 * SLOT_BYTES), np.zeros(len(keys), np.int64)
    for sizes in (keys, values):
        is_plain = sizes <= largest
        lengths += np.where(is_plain, TYPE_BYTES + sizes, OFF_PAGE_BYTES)
        hanging += np.where(is_plain, 0, -(-sizes // room))
    return lengths.astype(np.uint16).tobytes(), hanging.astype(np.uint32).tobytes()


def by_bucket(rows: "array[int]", hashes: "array[int]", buckets: int) -> tuple["array[int]", "array[int]"]:
    """Return the rows bucket by bucket, and how many there are before the end of each."""
    chosen = np.frombuffer(rows, np.uint32)
    numbers = np.frombuffer(hashes, np.uint32)[chosen] & np.uint32(buckets - 1)
    ends = np.cumsum(np.bincount(numbers, minlength=buckets))
    return array("I", chosen[np.argsort(numbers, kind="stable")].tobytes()), _array(ends)


class Batch(NamedTuple):
    """Whole pages, joined in ``content``; their numbers and the buckets that they belong into."""

    content: bytes
    numbers: "array[int]"
    buckets: "array[int]"


def batch_of(size: int, contents: Iterable[tuple[int, int, bytes]]) -> Batch:
    """Return pages of ``size`` bytes as one batch, given bucket, number and content; or those of successive ones."""
    pieces, numbers, buckets = [], array("I"), array("I")
    for bucket, number, content in contents:
        count = len(content) // size
        pieces.append(content)
        numbers.extend(range(number, number + count))
        buckets.extend(range(bucket, bucket + count))
    return Batch(b"".join(pieces), numbers, buckets)


class Run(NamedTuple):
    """Entries of successive pages of a batch, ``first`` and those behind it, which count from 0.

    ``places``: where their values lie in the ``content`` of all pages, when that was found out.
    """

    first: int
    chunk: IndexChunk
    content: bytes = b""
    places: _Numbers | None = None

    def values(self) -> Iterator[bytes] | None:
        """Return the values, or None where their places are not known."""
        sizes = np.frombuffer(self.chunk.sizes, np.int64)
        return None if self.places is None else values_at(self.content, self.places, sizes)


@dataclass(frozen=True, slots=True)
class _Pairs:
    """Pairs on the pages of a batch: to which page each belongs, its number there, and where its parts are.

    Places are bytes in the batch. A value starts with its type at ``values``, the key behind it at ``keys``, up to
    ``ends``.
    """

    pages: _Numbers
    numbers: _Numbers
    values: _Numbers
    keys: _Numbers
    ends: _Numbers

    def chosen(self, flags: _Flags) -> "_Pairs":
        columns = (self.pages, self.numbers, self.values, self.keys, self.ends)
        return _Pairs(*(column[flags] for column in columns))

    def joined_keys(self, content: _Bytes) -> tuple[_Bytes, _Numbers]:
        """Return all keys behind each other, and where each ends there."""
        starts = self.keys + 1
        lengths = self.ends - starts
        ends = np.cumsum(lengths)
        total = int(ends[-1]) if len(ends) else 0
        groups = by_size(lengths)
        if groups is None:
            places = np.repeat((starts - ends + lengths).astype(np.int32), lengths)
            places += np.arange(total, dtype=np.int32)
            return content[places], ends
        joined = np.empty(total, np.uint8)
        for size, rows in groups:
            put_at(joined, ends[rows] - size, bytes_at(content, size, starts[rows]))
        return joined, ends


class PageReader:
    """Takes pairs out of many pages of one file at once."""

    def __init__(self, meta: Meta, mark: str, header_bytes: int) -> None:
        self._meta = meta
        self._size = meta.page_size
        self._header_bytes = header_bytes
        self._u16, self._u32 = np.dtype(f"{mark}u2"), np.dtype(f"{mark}u4")

    def single_pages(self, region: bytes, first: int) -> list[int]:
        """Return which of successive pages, ``first`` and those behind it, are sane and alone in their buckets."""
        words = np.frombuffer(region, self._u32).reshape(-1, self._size // 4)
        kinds = np.frombuffer(region, np.uint8).reshape(-1, self._size)[:, 25]
        sane = (words[:, 2] == np.arange(first, first + len(words))) & ((kinds == HASH) | (kinds == HASH_UNSORTED))
        found: list[int] = np.flatnonzero(sane & (words[:, 3] == 0) & (words[:, 4] == 0)).tolist()
        return found

    def _pairs(self, content: bytes) -> tuple[_Pairs, _Flags]:
        """Return the plain pairs of all pages on which there is nothing else, and which pages these are."""
        size = self._size
        halves = np.frombuffer(content, self._u16)
        table = halves.reshape(-1, size // 2)
        counts, used = table[:, 10].astype(np.int64), table[:, 11]
        sane = (counts % 2 == 0) & (self._header_bytes + 2 * counts <= size)
        pairs = np.where(sane, counts // 2, 0)
        pages = np.repeat(np.arange(len(table)), pairs)
        firsts = np.cumsum(pairs) - pairs
        numbers = np.arange(len(pages)) - firsts[pages]
        slots = 2 * numbers + (pages * (size // 2) + self._header_bytes // 2)
        keys, values = halves[slots].astype(np.int64), halves[slots + 1].astype(np.int64)
        ends = np.empty_like(values)
        ends[1:] = values[:-1]
        ends[firsts[pairs > 0]] = size
        fits = (self._header_bytes + 2 * counts[pages] <= values) & (values < keys) & (keys < ends)
        bytes_ = np.frombuffer(content, np.uint8)
        found = _Pairs(pages, numbers, *(np.minimum(places, size) + pages * size for places in (values, keys, ends)))
        last = len(bytes_) - 1
        fits &= bytes_[np.minimum(found.keys, last)] == KEY_OR_DATA
        fits &= bytes_[np.minimum(found.values, last)] == KEY_OR_DATA
        sane[pages[~fits]] = False
        lowest = np.full(len(table), size)
        lowest[pairs > 0] = values[(firsts + pairs - 1)[pairs > 0]]
        sane &= lowest & 0xFFFF == used
        return (found if sane.all() else found.chosen(sane[pages])), sane

    def listed(self, batch: Batch) -> tuple[list[Run], list[int]]:
        """Return runs of pages, and the pages in between that must be gone through one by one."""
        pairs, sane = self._pairs(batch.content)
        content = np.frombuffer(batch.content, np.uint8)
        joined, ends = pairs.joined_keys(content)
        if not self._meta.has_own_hash:
            hashes = _hashes_at(joined, np.concatenate(([0], ends[:-1])) if len(ends) else ends, ends)
            strange = self._buckets_of(hashes) != np.frombuffer(batch.buckets, np.uint32)[pairs.pages]
            if strange.any():
                sane[pairs.pages[strange]] = False
                pairs = pairs.chosen(sane[pairs.pages])
                joined, ends = pairs.joined_keys(content)
        unusual: list[int] = np.flatnonzero(~sane).tolist()
        runs = []
        for start, end in zip([0, *(page + 1 for page in unusual)], [*unusual, len(sane)], strict=True):
            if start < end:
                runs.append(self._run(batch, pairs, joined, ends, start, end))
        return runs, unusual

    def _buckets_of(self, hashes: _Hashes) -> _Hashes:
        buckets = hashes & np.uint32(self._meta.high_mask)
        return np.where(buckets <= self._meta.max_bucket, buckets, hashes & np.uint32(self._meta.low_mask))

    def _run(self, batch: Batch, pairs: _Pairs, joined: _Bytes, ends: _Numbers, start: int, end: int) -> Run:
        """Return the entries of the pages from ``start`` up to ``end``."""
        first, behind = np.searchsorted(pairs.pages, (start, end)).tolist()
        from_byte = int(ends[first - 1]) if first else 0
        to_byte = int(ends[behind - 1]) if behind else 0
        pages = pairs.pages[first:behind]
        numbers = np.frombuffer(batch.numbers, np.uint32)[pages].astype(np.int64)
        locators = (numbers << PAIR_BITS | pairs.numbers[first:behind]) << PLACE_BITS
        places = pairs.values[first:behind] + 1
        chunk = IndexChunk(
            joined[from_byte:to_byte].tobytes(),
            _array(ends[first:behind] - from_byte),
            _array(locators),
            _array(pairs.keys[first:behind] - places),
        )
        return Run(start, chunk, batch.content, places)

    def values_at(self, content: bytes, wanted: "Wanted") -> Iterator[bytes] | None:
        """Return values from pages joined in ``content``, or None where something is not as it was listed."""
        size, halves = self._size, np.frombuffer(content, self._u16)
        bytes_, words = np.frombuffer(content, np.uint8), np.frombuffer(content, self._u32)
        heads = wanted.pages * size
        pairs = wanted.pairs
        kinds = bytes_[heads + 25]
        counts = halves[heads // 2 + 10]
        good = (words[heads // 4 + 2] == wanted.numbers) & ((kinds == HASH) | (kinds == HASH_UNSORTED))
        good &= (2 * pairs + 1 < counts) & (self._header_bytes + 4 * pairs + 4 <= size)
        if not good.all():
            return None
        slots = heads // 2 + self._header_bytes // 2 + 2 * pairs
        keys, values = halves[slots].astype(np.int64), halves[slots + 1].astype(np.int64)
        ends = np.where(pairs > 0, halves[slots - 1], size).astype(np.int64)
        good = (values < keys) & (keys < ends) & (ends <= size) & (keys - values - 1 == wanted.sizes)
        if not good.all():
            return None
        found = _Pairs(wanted.pages, pairs, values + heads, keys + heads, ends + heads)
        if (bytes_[found.values] != KEY_OR_DATA).any() or (bytes_[found.keys] != KEY_OR_DATA).any():
            return None
        joined, key_ends = found.joined_keys(bytes_)
        if not np.array_equal(key_ends, wanted.key_ends) or joined.tobytes() != wanted.keys:
            return None
        return values_at(content, found.values + 1, wanted.sizes)


class Wanted(NamedTuple):
    """Entries whose values are wanted; ``pages`` count from 0, ``numbers`` are those in the file."""

    first: int
    keys: bytes
    key_ends: _Numbers
    pages: _Numbers
    numbers: _Numbers
    pairs: _Numbers
    sizes: _Numbers


def wanted(chunk: IndexChunk, pages_at_once: int) -> list[tuple[list[int], Wanted | None, range]]:
    """Return the entries of a chunk in runs: their pages, what is wanted of those, and the rows.

    The rows of a run whose values stand elsewhere are wanted of no pages.
    """
    locators = np.frombuffer(chunk.locators, np.int64)
    if not len(locators) or (locators < 0).any() or (locators & _PLACE_MASK).any():
        return [([], None, range(len(chunk)))]
    key_ends, sizes = np.frombuffer(chunk.ends, np.int64), np.frombuffer(chunk.sizes, np.int64)
    numbers, pairs = locators >> PAIR_BITS + PLACE_BITS, locators >> PLACE_BITS & _PAIR_MASK
    firsts = np.flatnonzero(np.concatenate(([True], numbers[1:] != numbers[:-1])))
    runs: list[tuple[list[int], Wanted | None, range]] = []
    for at in range(0, len(firsts), pages_at_once):
        start = int(firsts[at])
        end = int(firsts[at + pages_at_once]) if at + pages_at_once < len(firsts) else len(chunk)
        key_start = int(key_ends[start - 1]) if start else 0
        some = numbers[start:end]
        changes = np.concatenate(([0], some[1:] != some[:-1]))
        asked = Wanted(
            start,
            chunk.keys[key_start : int(key_ends[end - 1])],
            key_ends[start:end] - key_start,
            np.cumsum(changes),
            some,
            pairs[start:end],
            sizes[start:end],
        )
        runs.append((numbers[firsts[at : at + pages_at_once]].tolist(), asked, range(start, end)))
    return runs


def joined(chunks: list[IndexChunk]) -> IndexChunk:
    """Return successive chunks as one."""
    if len(chunks) == 1:
        return chunks[0]
    before = np.cumsum([0, *(len(chunk.keys) for chunk in chunks[:-1])]).tolist()
    ends = [np.frombuffer(chunk.ends, np.int64) + start for chunk, start in zip(chunks, before, strict=True)]
    locators, sizes = array("q"), array("q")
    for chunk in chunks:
        locators += chunk.locators
        sizes += chunk.sizes
    return IndexChunk(b"".join(chunk.keys for chunk in chunks), _array(np.concatenate(ends)), locators, sizes)


def _array(numbers: _Numbers) -> "array[int]":
    return array("q", numbers.astype(np.int64, copy=False).tobytes())
