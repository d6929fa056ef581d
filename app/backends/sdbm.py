"""SDBM of perl, Ruby and APR, and classic ndbm: pages in .pag, a bitmap of their splits in .dir.

Everything is listed by scanning the pages, never by look-up: other writers have other hashes, and a lost .dir
costs nothing. Each key is checked against the page where its hash would put it, where the hash is one that we
know. A locator is the page number times 65,536 plus the number of the pair on it.

References: pair.c and sdbm.c (getpage, makroom) of SDBM in perl; ndbm.c of 4.3BSD.
"""

from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from operator import mul
from struct import Struct
from typing import ClassVar, Final

from app.backends.base import Backend, Match
from app.backends.binary import Damage, MappedFile
from app.backends.files import companion
from app.backends.key_index import ChunkBuilder, IndexChunk
from app.backends.sdbm_layout import (
    MULTIPLIERS,
    PAGE_SIZES,
    Directory,
    Geometry,
    MaskOf,
    are_falling,
    find_geometry,
    highest_sibling,
    key_hashes,
    page_offsets,
    short_key_powers,
    unchecked_offsets,
)
from app.cancel import CancelToken
from app.errors import AppError

_PAIR_BITS: Final = 16
_PAIR_MASK: Final = (1 << _PAIR_BITS) - 1
_BLOCK: Final = 65536
"""Bytes that are looked at to tell the size of a page; a multiple of all sizes."""
_SAMPLE: Final = 64
"""Pages that are looked at to tell which hash and which order of .dir the writer used."""


class SdbmBackend(Backend):
    """One pair of .pag and .dir, of which .dir may be missing; nothing is locked."""

    format_id: ClassVar[str] = "sdbm"

    def __init__(self, match: Match) -> None:
        super().__init__(match)
        self._file = MappedFile(match.path)
        self._directory_file: MappedFile | None = None
        try:
            self._geometry = self._find_geometry()
            directory = companion(match.base, ".dir")
            if directory.is_file():
                self._directory_file = MappedFile(directory)
        except AppError:
            self.close()
            raise
        self._u16 = Struct(f"{self._geometry.mark}H")
        self._page_count = self._file.size // self._geometry.page_size
        if self._file.size % self._geometry.page_size:
            self.report("The file is cut: it ends within a page.", self._page_count * self._geometry.page_size)
        self._opening_problems = len(self.problems)

    def _find_geometry(self) -> Geometry:
        """Return what fits the first pages that are not empty."""
        for start, end in self._file.extents():
            for place in range(start - start % _BLOCK, end, _BLOCK):
                block = self._file.buffer[place : place + _BLOCK]
                if block.strip(b"\0"):
                    geometry = find_geometry(block)
                    if geometry is None:
                        raise self._file.damage("its pages are of no known size; restore it from a backup", place)
                    return geometry
        return Geometry(PAGE_SIZES[0], "little")

    def index(self, token: CancelToken) -> Iterator[IndexChunk]:
        self._check_not_cut()
        del self.problems[self._opening_problems :]
        self.notes.clear()
        mask_of, multiplier = self._choose_convention(token)
        self._cut_is_reported = False
        powers = short_key_powers(multiplier)
        builder = ChunkBuilder()
        for number in self._filled_pages(token):
            mask = self._mask_of_page(number, mask_of)
            for pair, key, size in self._pairs(number):
                # In line for the short keys that most are; a call for each would take a third of the time.
                is_elsewhere = multiplier and (sum(map(mul, key[::-1], powers)) ^ number) & mask
                if is_elsewhere and not _belongs(key, number, mask, multiplier):
                    self._report_stray(key, number)
                if builder.add(key, number << _PAIR_BITS | pair, size):
                    yield builder.take()
                    self._check_not_cut()
        if len(builder):
            yield builder.take()

    def _check_not_cut(self) -> None:
        self._file.check_not_cut()
        if self._directory_file is not None:
            self._directory_file.check_not_cut()

    def _filled_pages(self, token: CancelToken) -> Iterator[int]:
        """Yield the numbers of the pages that say they hold something; holes of the file are passed over."""
        size, buffer, following = self._geometry.page_size, self._file.buffer, 0
        for start, end in self._file.extents():
            first, following = max(start // size, following), min(-(-end // size), self._page_count)
            for number in range(first, following):
                if buffer[number * size : number * size + 2] != b"\0\0":
                    token.check()
                    yield number

    def _choose_convention(self, token: CancelToken) -> tuple[MaskOf, int]:
        """Return how a page tells the bits of its hashes, and the multiplier of the hash, or 0 when it is unknown."""
        sample = {
            number: [key for _, key, _ in self._pairs(number, reports=False)]
            for number in islice(self._filled_pages(token), _SAMPLE)
        }
        bits = self._directory_file.buffer if self._directory_file is not None else b""
        directory = Directory(bits)
        orders = [directory.trie_mask, directory.level_mask] if bits else []
        best = min(
            ((mask_of, multiplier) for mask_of in (*orders, _least_mask) for multiplier in MULTIPLIERS),
            key=lambda convention: _strays(sample, *convention),
        )
        if _strays(sample, *best) > sum(map(len, sample.values())) // 4:
            self.notes.append("The keys are hashed by another function than SDBM's; they could not be checked.")
            likeliest = min(orders, key=lambda mask_of: self._misfits(sample, mask_of), default=_least_mask)
            best = likeliest if self._misfits(sample, likeliest) <= len(sample) // 4 else _least_mask, 0
        if best[0] is _least_mask and max(sample, default=0):
            what = "not that of these pages" if bits else "missing or empty"
            self.report(f"The .dir file is {what}; all pages were read, but other programs need it.")
        return best

    def _misfits(self, sample: Iterable[int], mask_of: MaskOf) -> int:
        """Return the number of pages that no hash leads to, or whose siblings are not in the file."""
        masks = ((number, mask_of(number)) for number in sample)
        return sum(
            number & mask != number or highest_sibling(number, mask) >= self._page_count for number, mask in masks
        )

    def _mask_of_page(self, number: int, mask_of: MaskOf) -> int:
        """Return the bits of a hash that lead to a page, or the least that must be so."""
        mask = mask_of(number)
        if highest_sibling(number, mask) >= self._page_count and not self._cut_is_reported:
            self._cut_is_reported = True
            self.report("The file is cut: pages that the .dir file names are missing at its end.", self._file.size)
        if number & mask != number:
            self.report(f"Nothing in the .dir file leads to page {number}.", number * self._geometry.page_size)
            return _least_mask(number)
        return mask

    def _pairs(self, number: int, *, reports: bool = True) -> Iterator[tuple[int, bytes, int]]:
        """Yield number, key and size of the value of each pair on a page, of a damaged one those that are whole."""
        page = self._page(number)
        offsets = page_offsets(page, self._geometry)
        if offsets is None:
            if reports:
                self.report(f"Page {number} is damaged.", number * len(page))
            yield from _whole_pairs(page, unchecked_offsets(page, self._geometry) or ())
            return
        end = len(page)
        for pair, (start, middle) in enumerate(zip(offsets[::2], offsets[1::2], strict=True)):
            yield pair, page[start:end], start - middle
            end = middle

    def _page(self, number: int) -> bytes:
        size = self._geometry.page_size
        return self._file.buffer[number * size : (number + 1) * size]

    def _report_stray(self, key: bytes, number: int) -> None:
        self.report(
            f"{key!s:.80} lies on a page where its hash would not put it: it was changed, or put there by another "
            "program.",
            number * self._geometry.page_size,
        )

    def read(self, key: bytes, locator: int, size: int) -> bytes:
        return self.read_prefix(key, locator, size, size)

    def read_prefix(self, key: bytes, locator: int, size: int, limit: int) -> bytes:
        self._file.check_not_cut()
        number, pair = locator >> _PAIR_BITS, locator & _PAIR_MASK
        place = number * self._geometry.page_size
        try:
            start, middle = (self._u16_at(place, 2 * pair + half) for half in (1, 2))
            end = self._u16_at(place, 2 * pair) if pair else self._geometry.page_size
            is_same = pair < self._u16_at(place, 0) // 2 and middle + size == start and start + len(key) == end
            if is_same and self._file.slice(place + start, len(key)) == key:
                return self._file.slice(place + middle, min(size, limit))
        except Damage as error:
            raise self._file.moved(key) from error
        raise self._file.moved(key)

    def _u16_at(self, place: int, position: int) -> int:
        number: int = self._file.unpack(self._u16, place + 2 * position)[0]
        return number

    def close(self) -> None:
        self._file.close()
        if self._directory_file is not None:
            self._directory_file.close()


def _least_mask(number: int) -> int:
    """Return the bits that a hash and its page have in common, whatever was split."""
    return (1 << number.bit_length()) - 1


def _belongs(key: bytes, number: int, mask: int, multiplier: int) -> bool:
    return not mask or any(hash_ & mask == number & mask for hash_ in key_hashes(key, multiplier))


def _strays(sample: Mapping[int, list[bytes]], mask_of: MaskOf, multiplier: int) -> int:
    """Return the number of keys that the hash would not put where they are, and of pages that it leads nowhere to."""
    return sum(number & mask_of(number) != number for number in sample) + sum(
        not _belongs(key, number, mask_of(number), multiplier) for number, keys in sample.items() for key in keys
    )


def _whole_pairs(page: bytes, offsets: tuple[int, ...]) -> Iterator[tuple[int, bytes, int]]:
    """Yield the pairs of a damaged page whose offsets agree with those before and behind them."""
    borders = (len(page), *offsets, 2 * len(offsets) + 2)
    for pair in range(len(offsets) // 2):
        around = borders[max(2 * pair - 1, 0) : 2 * pair + 4]
        end, start, middle = borders[2 * pair : 2 * pair + 3]
        if around[0] <= len(page) and around[-1] >= borders[-1] and are_falling(around):
            yield pair, page[start:end], start - middle
