"""Large SDBM databases, by numpy: imported only where there are many entries."""

from array import array
from collections.abc import Iterable, Iterator
from mmap import mmap
from typing import Final

import numpy as np
from numpy.typing import NDArray

from app.backends.base import Buffer
from app.backends.bulk_hashes import hashes_of as bulk_hashes_of
from app.backends.bulk_hashes import joined
from app.backends.bulk_keys import items_at, values_at
from app.backends.key_index import IndexChunk
from app.backends.sdbm.layout import PAIR_BITS, REVERSED_BYTES, Convention, Geometry

Numbers = NDArray[np.int64]

_REVERSED: Final = np.frombuffer(REVERSED_BYTES, np.uint8)
_PAIR_MASK: Final = (1 << PAIR_BITS) - 1


def hashes_of(chunk: IndexChunk, convention: Convention) -> NDArray[np.uint32]:
    """Return the low 32 bits of the hashes of all keys of a chunk."""
    multiplier = np.uint32(convention.multiplier)
    kind = np.int8 if convention.signed else np.uint8

    def step(values: NDArray[np.uint32], column: NDArray[np.uint8]) -> NDArray[np.uint32]:
        return values * multiplier + column.view(kind).astype(np.uint32)

    return bulk_hashes_of(chunk, 0, step, convention.key_hash)


def by_reversed_bits(hashes: "array[int]") -> tuple["array[int]", "array[int]"]:
    """Return the rows in the order of their hashes read from the lowest bit on, and these, reversed (both uint32)."""
    content = np.frombuffer(hashes, np.uint32).astype("<u4").view(np.uint8)
    values = _REVERSED[content].view(">u4").astype(np.uint32)
    order = np.argsort(values, kind="stable").astype(np.uint32)
    return array("I", order.tobytes()), array("I", values[order].tobytes())


def rising(numbers: "array[int]") -> "array[int]":
    """Return where the numbers (uint64) lie, rising (uint32)."""
    return array("I", np.argsort(np.frombuffer(numbers, np.uint64), kind="stable").astype(np.uint32).tobytes())


def filled_pages(buffer: mmap | bytes, size: int, stretches: Iterable[tuple[int, int]], most: int) -> Iterator[Numbers]:
    """Yield the numbers of the pages that say they hold something, at most ``most`` at a time.

    ``stretches``: the first page, and the one behind the last, of each run of pages that are no holes.
    """
    waiting: list[Numbers] = []
    count = 0
    for first, behind in stretches:
        for start in range(first, behind, most):
            waiting.append(np.arange(start, min(start + most, behind)))
            count += len(waiting[-1])
            if count >= most:
                yield from _filled(buffer, size, waiting)
                waiting, count = [], 0
    yield from _filled(buffer, size, waiting)


def _filled(buffer: mmap | bytes, size: int, runs: list[Numbers]) -> Iterator[Numbers]:
    if runs:
        numbers = np.concatenate(runs)
        filled = numbers[items_at(buffer, 2, numbers * size).view(np.uint16) != 0]
        if len(filled):
            yield filled


class PageReader:
    """Lists many pages at once, none of which may be damaged or lie where nothing leads to."""

    def __init__(self, buffer: mmap | bytes, convention: Convention, directory: Buffer, page_count: int) -> None:
        self._buffer = buffer
        self._convention = convention
        self._directory = bytes(directory[:])
        self._page_count = page_count

    def listed(self, numbers: Numbers) -> tuple[IndexChunk, set[bool]] | None:
        """Return the entries, and which of two hashes puts those keys there that have two; None for any damage."""
        geometry = self._convention.geometry
        borders = _borders(self._buffer, numbers, geometry)
        if borders is None:
            return None
        pages, pairs, ends, starts, middles = borders
        places = numbers[pages] * geometry.page_size + starts
        lengths = ends - starts
        keys = joined(self._buffer, places, lengths)
        arrays = np.cumsum(lengths), numbers[pages] << PAIR_BITS | pairs, starts - middles
        chunk = IndexChunk(keys, *(array("q", some.astype(np.int64).tobytes()) for some in arrays))
        signs = self._signs(chunk, numbers, pages)
        return None if signs is None else (chunk, signs)

    def _signs(self, chunk: IndexChunk, numbers: Numbers, pages: Numbers) -> set[bool] | None:
        """Return which hashes put keys on their pages where only one of them does, or None when none does for one."""
        masks = self._masks(numbers)
        highest = np.where(masks > 0, numbers & masks >> 1 | masks + 1 >> 1, 0)
        if (numbers & masks != numbers).any() or (highest >= self._page_count).any():
            return None
        if not self._convention.multiplier:
            return set()
        page_of, mask_of = numbers[pages], masks[pages]
        plain = (hashes_of(chunk, self._hashed(signed=False)) ^ page_of) & mask_of == 0
        if chunk.keys.isascii():
            return set() if plain.all() else None
        signed = (hashes_of(chunk, self._hashed(signed=True)) ^ page_of) & mask_of == 0
        if not (plain | signed).all():
            return None
        return set(signed[plain != signed].tolist())

    def _hashed(self, *, signed: bool) -> Convention:
        return Convention(self._convention.geometry, self._convention.multiplier, signed=signed)

    def _masks(self, numbers: Numbers) -> Numbers:
        """Return for each page the bits of a hash that lead to it, as `layout.Directory` does."""
        bits = np.frombuffer(self._directory, np.uint8)
        masks, nodes = np.zeros_like(numbers), np.zeros_like(numbers)
        alive = np.arange(len(numbers))
        for depth in range(64):
            some = numbers[alive]
            places = (some & masks[alive]) + masks[alive] if self._convention.by_level else nodes[alive]
            inside = places < 8 * len(bits)
            alive, some, places = alive[inside], some[inside], places[inside]
            is_split = bits[places >> 3] >> (places & 7).astype(np.uint8) & 1 != 0
            alive, some = alive[is_split], some[is_split]
            if not len(alive):
                break
            nodes[alive] = 2 * nodes[alive] + 1 + (some >> depth & 1)
            masks[alive] = 2 * masks[alive] + 1
        return masks


_Borders = tuple[Numbers, Numbers, Numbers, Numbers, Numbers]
"""Of each pair the position of its page, its number there, where its key ends and starts, where its value starts."""


def _borders(buffer: mmap | bytes, numbers: Numbers, geometry: Geometry) -> _Borders | None:
    """Return where the pairs of pages lie, or None when an offset of one cannot be."""
    size, kind = geometry.page_size, f"{geometry.mark}u2"
    places = numbers * size
    counts = items_at(buffer, 2, places).view(kind).astype(np.int64)
    if (counts & 1).any() or (2 * counts + 2 > size).any():
        return None
    pages = np.repeat(np.arange(len(numbers)), counts)
    firsts = np.cumsum(counts) - counts
    within = np.arange(len(pages)) - firsts[pages]
    offsets = items_at(buffer, 2, places[pages] + 2 + 2 * within).view(kind).astype(np.int64)
    before = np.concatenate(([size], offsets[:-1]))
    before[firsts] = size
    if (offsets > before).any() or (offsets[firsts + counts - 1] < 2 * counts + 2).any():
        return None
    return pages[::2], within[::2] >> 1, before[::2], offsets[::2], offsets[1::2]


def values_of(buffer: mmap | bytes, chunk: IndexChunk, geometry: Geometry) -> Iterator[bytes] | None:
    """Return the values of a chunk, or None when one of its entries is not where it was listed."""
    size, kind = geometry.page_size, f"{geometry.mark}u2"
    ends, locators, sizes = (np.frombuffer(numbers, np.int64) for numbers in (chunk.ends, chunk.locators, chunk.sizes))
    lengths = np.diff(ends, prepend=0)
    places, pairs = (locators >> PAIR_BITS) * size, locators & _PAIR_MASK
    if (locators < 0).any() or (places + size > len(buffer)).any() or (4 * pairs + 6 > size).any():
        return None
    counts, before, starts, middles = (
        items_at(buffer, 2, places + 2 * at).view(kind).astype(np.int64)
        for at in (np.zeros_like(pairs), 2 * pairs, 2 * pairs + 1, 2 * pairs + 2)
    )
    before[pairs == 0] = size
    is_same = (2 * pairs < counts) & (before <= size) & (starts + lengths == before) & (middles + sizes == starts)
    if not is_same.all() or joined(buffer, places + starts, lengths) != chunk.keys:
        return None
    return values_at(buffer, places + middles, sizes)
