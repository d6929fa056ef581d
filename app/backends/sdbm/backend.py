"""SDBM of perl, Ruby and APR, and classic ndbm: pages in .pag, a bitmap of their splits in .dir.

Everything is listed by scanning the pages, never by look-up: other writers have other hashes, and a lost .dir
costs nothing. Each key is checked against the page where its hash would put it, where the hash is one that we
know. A locator is the page number times 65,536 plus the number of the pair on it.

References: pair.c and sdbm.c (getpage, makroom) of SDBM in perl; ndbm.c of 4.3BSD.
"""

from collections.abc import Iterable, Iterator, Mapping
from functools import cached_property
from itertools import chain, islice
from operator import mul
from pathlib import Path
from struct import Struct
from typing import ClassVar, Final

from app.backends.base import Match, Problem
from app.backends.binary import Damage, MappedFile
from app.backends.files import bytes_on_disk, companion
from app.backends.key_index import ChunkBuilder, IndexChunk
from app.backends.rewrite import RewritingBackend
from app.backends.sdbm.check import directory_problems, repeated_keys
from app.backends.sdbm.layout import (
    MULTIPLIERS,
    NEW,
    PAGE_SIZES,
    PAIR_BITS,
    Convention,
    Directory,
    Geometry,
    MaskOf,
    find_geometry,
    has_lost_count,
    highest_sibling,
    key_hashes,
    page_offsets,
    short_key_powers,
    whole_pairs,
)
from app.backends.sdbm.write import SdbmWriter
from app.cancel import CancelToken
from app.errors import AppError
from app.limits import PROBLEMS

_PAIR_MASK: Final = (1 << PAIR_BITS) - 1
_MUCH: Final = 8 << 20
"""Bytes on the disk from which on numpy is worth its import."""
_FIRST_PAGES: Final = 32
"""Pages that are listed before it is."""
_BULK_BYTES: Final = 1 << 20
"""Bytes of the pages that are listed together."""
_BLOCK: Final = 65536
"""Bytes that are looked at to tell the size of a page; a multiple of all sizes."""
_SAMPLE: Final = 64
"""Pages that are looked at to tell which hash and which order of .dir the writer used."""


class SdbmBackend(RewritingBackend):
    """One pair of .pag and .dir, of which .dir may be missing; nothing is locked."""

    format_id: ClassVar[str] = "sdbm"

    def __init__(self, match: Match, geometry: Geometry | None = None) -> None:
        super().__init__(match)
        self._file = MappedFile(match.path)
        self._directory_path = companion(match.base, ".dir")
        self._directory_file: MappedFile | None = None
        try:
            self._geometry = geometry or self._find_geometry()
            if self._directory_path.is_file():
                self._directory_file = MappedFile(self._directory_path)
        except AppError:
            self.close()
            raise
        self._u16 = Struct(f"{self._geometry.mark}H")
        self._page_count = self._file.size // self._geometry.page_size
        if self._file.size % self._geometry.page_size:
            self.report("The file is cut: it ends within a page.", self._page_count * self._geometry.page_size)
        self._opening_problems = len(self.problems)
        self._mask_of: MaskOf = _least_mask
        self._multiplier = MULTIPLIERS[0]
        self._directory_fits = self._by_level = self._cut_is_reported = False
        self._signs: set[bool] = set()
        """Which of the two hashes put those keys where they are that have two: True is that of a signed ``char``."""

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
        return NEW if self._file.size % NEW.page_size == 0 else Geometry(PAGE_SIZES[0], NEW.byte_order)

    @property
    def why_not_rewritable(self) -> str:
        """Why it cannot be written anew, as far as `index` has seen it."""
        name = self.match.base.name
        if not self._multiplier:
            return (
                f"The keys of {name} are hashed by a function that is not known, and its own programs would not find "
                "them where another puts them: save it as another database."
            )
        if len(self._signs) == 2:
            return (
                f"{name} was written by machines of two kinds, which find different keys in it, and a rewritten one "
                "would suit only one of them: save it as another database."
            )
        return ""

    @property
    def why_read_only(self) -> str:
        if self.problems and all(".dir" in problem.message for problem in self.problems):
            name = self.match.base.name
            return (
                f"{name} is damaged, or being saved by another Shelfscope: try again, else salvage it into a new one."
            )
        return super().why_read_only

    @property
    def replaced_files(self) -> tuple[Path, ...]:
        return self._directory_path, self.match.path

    @property
    def convention(self) -> Convention:
        """How the writer lays its databases out; all but the geometry is known once `index` ran."""
        signed = True in self._signs or (not self._signs and self._geometry.byte_order == "little")
        return Convention(self._geometry, self._multiplier, signed=signed, by_level=self._by_level)

    def writer(self) -> SdbmWriter:
        return SdbmWriter(SdbmBackend, self.convention)

    def index(self, token: CancelToken) -> Iterator[IndexChunk]:
        self._check_not_cut()
        del self.problems[self._opening_problems :]
        self.notes.clear()
        self._signs.clear()
        mask_of, multiplier = self._choose_convention(token)
        self._mask_of, self._multiplier = mask_of, multiplier
        self._cut_is_reported = False
        builder = ChunkBuilder()
        for numbers, chunk in self._runs(token):
            if chunk is not None:
                yield from (some for some in (builder.take(), chunk) if len(some))
                self._check_not_cut()
                continue
            for key, locator, size in self._entries(numbers):
                if builder.add(key, locator, size):
                    yield builder.take()
                    self._check_not_cut()
        if len(builder):
            yield builder.take()

    def _entries(self, numbers: Iterable[int]) -> Iterator[tuple[bytes, int, int]]:
        """Yield key, locator, and size of the value (bytes) of all pairs on pages."""
        multiplier = self._multiplier
        powers = short_key_powers(multiplier)
        for number in numbers:
            mask = self._mask_of_page(number, self._mask_of)
            for pair, key, size in self.pairs(number):
                # In line for the short keys that most are; a call for each would take a third of the time.
                is_elsewhere = multiplier and (sum(map(mul, key[::-1], powers)) ^ number) & mask
                if (is_elsewhere or not key.isascii()) and multiplier:
                    self._check_place(key, number, mask, multiplier)
                yield key, number << PAIR_BITS | pair, size

    @cached_property
    def _is_large(self) -> bool:
        """Whether numpy is worth its import."""
        return bytes_on_disk((self.match.path,)) >= _MUCH

    def _runs(self, token: CancelToken) -> Iterator[tuple[Iterable[int], IndexChunk | None]]:
        """Yield the pages that hold something, and the entries of those that are listed already."""
        if not self._is_large or not self._directory_fits or self._directory_file is None:
            yield self._filled_pages(token), None
            return
        from app.backends.sdbm import bulk  # noqa: PLC0415 - numpy takes longer to load than a small database to list

        first_pages = list(islice(self._filled_pages(token), _FIRST_PAGES))
        yield first_pages, None
        buffer, size = self._file.buffer, self._geometry.page_size
        reader = bulk.PageReader(buffer, self.convention, self._directory_file.buffer, self._page_count)
        for numbers in bulk.filled_pages(buffer, size, self._stretches(), _BULK_BYTES // size):
            token.check()
            following = numbers[numbers > first_pages[-1]]
            listed = reader.listed(following) if len(following) else None
            if listed is None:
                yield following.tolist(), None
            else:
                self._signs |= listed[1]
                yield (), listed[0]

    def _check_not_cut(self) -> None:
        self._file.check_not_cut()
        if self._directory_file is not None:
            self._directory_file.check_not_cut()

    def _filled_pages(self, token: CancelToken) -> Iterator[int]:
        """Yield the numbers of the pages that say they hold something; holes of the file are passed over."""
        size, buffer = self._geometry.page_size, self._file.buffer
        for first, following in self._stretches():
            for number in range(first, following):
                if buffer[number * size : number * size + 2] != b"\0\0":
                    token.check()
                    yield number

    def _stretches(self) -> Iterator[tuple[int, int]]:
        """Yield the first page, and the one behind the last, of each run of pages that are no holes."""
        size, following = self._geometry.page_size, 0
        for start, end in self._file.extents():
            first, following = max(start // size, following), min(-(-end // size), self._page_count)
            yield first, following

    def _choose_convention(self, token: CancelToken) -> tuple[MaskOf, int]:
        """Return how a page tells the bits of its hashes, and the multiplier of the hash, or 0 when it is unknown."""
        sample = {
            number: [key for _, key, _ in self.pairs(number, reports=False)]
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
        self._directory_fits, self._by_level = best[0] in orders, best[0] in orders[1:]
        if best[0] is _least_mask and (bits or max(sample, default=0)):
            what = "not that of these pages" if bits else "missing or empty"
            self.report(f"The .dir file is {what}; all pages were read, but other programs need it.")
        return best

    def _misfits(self, sample: Iterable[int], mask_of: MaskOf) -> int:
        """Return the number of pages that no hash leads to, or whose siblings are not in the file."""
        masks = ((number, mask_of(number)) for number in sample)
        return sum(
            number & mask != number or highest_sibling(number, mask) >= self._page_count for number, mask in masks
        )

    def belongs(self, key: bytes, number: int) -> bool:
        """Tell whether a key's hash leads to a page, as far as `index` has found out how."""
        mask = self._mask_of(number)
        return not self._multiplier or _belongs(key, number, mask, self._multiplier)

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

    def pairs(self, number: int, *, reports: bool = True) -> Iterator[tuple[int, bytes, int]]:
        """Yield number, key and size of the value of each pair on a page, of a damaged one those that are whole."""
        page = self.page(number)
        offsets = page_offsets(page, self._geometry)
        if offsets is None:
            if reports:
                self.report(f"Page {number} is damaged.", number * len(page))
            for pair, end, start, middle in whole_pairs(page, self._geometry):
                yield pair, page[start:end], start - middle
            return
        end = len(page)
        for pair, (start, middle) in enumerate(zip(offsets[::2], offsets[1::2], strict=True)):
            yield pair, page[start:end], start - middle
            end = middle

    def page(self, number: int) -> bytes:
        size = self._geometry.page_size
        return self._file.buffer[number * size : (number + 1) * size]

    def _check_place(self, key: bytes, number: int, mask: int, multiplier: int) -> None:
        """Report a key that no hash puts on its page; note which of two hashes does."""
        belongs = [hash_ & mask == number & mask for hash_ in key_hashes(key, multiplier)]
        if not any(belongs):
            self._report_stray(key, number)
        elif not all(belongs):
            self._signs.add(belongs[-1])

    def _report_stray(self, key: bytes, number: int) -> None:
        self.report(
            f"{key!s:.80} lies on a page where its hash would not put it: it was changed, or put there by another "
            "program.",
            number * self._geometry.page_size,
        )

    def lost_counts(self, token: CancelToken) -> Iterator[int]:
        """Yield the pages whose count is lost; where no page has one, their size is not known well enough."""
        if self._page_count > 1 and not any(True for _ in self._filled_pages(token)):
            return
        size, buffer = self._geometry.page_size, self._file.buffer
        for number in chain.from_iterable(range(*stretch) for stretch in self._stretches()):
            token.check()
            place = number * size
            if not any(buffer[place : place + 2]) and has_lost_count(buffer[place : place + size]):
                yield number

    def check_structure(self, token: CancelToken) -> Iterator[Problem]:
        for number in islice(self.lost_counts(token), PROBLEMS):
            message = f"Page {number} holds something, but does not say how many entries: they are not listed."
            yield Problem(message, number * self._geometry.page_size)
        for number in self._filled_pages(token):
            keys = (key for _, key, _ in self.pairs(number, reports=False))
            yield from repeated_keys(keys, number, number * self._geometry.page_size)
        if self._directory_file is not None and self._directory_fits and not self._cut_is_reported:
            bits = self._directory_file.buffer
            yield from directory_problems(bits, self._page_count, token, by_level=self._by_level)

    def read(self, key: bytes, locator: int, size: int) -> bytes:
        return self.read_prefix(key, locator, size, size)

    def read_prefix(self, key: bytes, locator: int, size: int, limit: int) -> bytes:
        self._file.check_not_cut()
        number, pair = locator >> PAIR_BITS, locator & _PAIR_MASK
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

    def values(self, chunk: IndexChunk) -> Iterator[bytes]:
        if not self._is_large:
            return super().values(chunk)
        from app.backends.sdbm import bulk  # noqa: PLC0415 - as in `_runs`

        self._file.check_not_cut()
        return bulk.values_of(self._file.buffer, chunk, self._geometry) or super().values(chunk)

    def value_place(self, locator: int) -> int:
        """Return where in the file a listed value lies (bytes)."""
        place = (locator >> PAIR_BITS) * self._geometry.page_size
        return place + self._u16_at(place, 2 * (locator & _PAIR_MASK) + 2)

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
