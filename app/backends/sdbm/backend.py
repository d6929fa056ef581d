"""SDBM of perl, Ruby and APR, and classic ndbm: pages in .pag, a bitmap of their splits in .dir.

Everything is listed by scanning the pages, never by look-up: other writers have other hashes, and a lost .dir
costs nothing. Each key is checked against the page where its hash would put it, where the hash is one that we
know. A locator is the page number times 65,536 plus the number of the pair on it.

References: pair.c and sdbm.c (getpage, makroom) of SDBM in perl; ndbm.c of 4.3BSD.
"""

from collections.abc import Iterable, Iterator
from functools import cached_property
from itertools import islice
from operator import mul
from pathlib import Path
from typing import ClassVar, Final

from app.backends.base import Match, Problem
from app.backends.binary import Damage, MappedFile
from app.backends.files import bytes_on_disk, companion
from app.backends.key_index import ChunkBuilder, IndexChunk
from app.backends.rewrite import RewritingBackend
from app.backends.sdbm.check import directory_problems, repeated_keys
from app.backends.sdbm.conventions import SAMPLE, UNKNOWN, Hashing, hashing_of, least_mask
from app.backends.sdbm.layout import PAIR_BITS, Convention, Geometry, highest_sibling, key_hashes, short_key_powers
from app.backends.sdbm.pages import Pages, geometry_of
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


class SdbmBackend(RewritingBackend):
    """One pair of .pag and .dir, of which .dir may be missing; nothing is locked."""

    format_id: ClassVar[str] = "sdbm"

    def __init__(self, match: Match, geometry: Geometry | None = None) -> None:
        super().__init__(match)
        self._file = MappedFile(match.path)
        self._directory_path = companion(match.base, ".dir")
        self._directory_file: MappedFile | None = None
        try:
            self.pages: Final = Pages(self._file, geometry or geometry_of(self._file))
            if self._directory_path.is_file():
                self._directory_file = MappedFile(self._directory_path)
        except AppError:
            self.close()
            raise
        if self._file.size % self.pages.size:
            self.report("The file is cut: it ends within a page.", self.pages.count * self.pages.size)
        self._opening_problems = len(self.problems)
        self._hashing = UNKNOWN
        self._cut_is_reported = False
        self._signs: set[bool] = set()
        """Which of the two hashes put those keys where they are that have two: True is that of a signed ``char``."""

    @property
    def why_not_rewritable(self) -> str:
        """Why it cannot be written anew, as far as `index` has seen it."""
        name = self.match.base.name
        if not self._hashing.multiplier:
            return (
                f"The keys of {name} are hashed by a function that is not known, and its own programs would not find "
                "them where another puts them: save it as another database."
            )
        if len(self._signs) == 2:
            return self.why_mixed
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
        geometry = self.pages.geometry
        signed = True in self._signs or (not self._signs and geometry.byte_order == "little")
        return Convention(geometry, self._hashing.multiplier, signed=signed, by_level=self._hashing.by_level)

    def writer(self) -> SdbmWriter:
        return SdbmWriter(SdbmBackend, self.convention)

    def index(self, token: CancelToken) -> Iterator[IndexChunk]:
        self._check_not_cut()
        del self.problems[self._opening_problems :]
        self.notes.clear()
        self._signs.clear()
        self._hashing = self._found_hashing(token)
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
        multiplier = self._hashing.multiplier
        powers = short_key_powers(multiplier)
        for number in numbers:
            mask = self._mask_of_page(number)
            for pair, key, size in self.pages.pairs(number, self._report_damaged):
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
        if not self._is_large or not self._hashing.directory_fits or self._directory_file is None:
            yield self.pages.filled(token), None
            return
        from app.backends.sdbm import bulk  # noqa: PLC0415 - numpy takes longer to load than a small database to list

        first_pages = list(islice(self.pages.filled(token), _FIRST_PAGES))
        yield first_pages, None
        buffer, size = self._file.buffer, self.pages.size
        reader = bulk.PageReader(buffer, self.convention, self._directory_file.buffer, self.pages.count)
        for numbers in bulk.filled_pages(buffer, size, self.pages.stretches(), _BULK_BYTES // size):
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

    def _found_hashing(self, token: CancelToken) -> Hashing:
        """Return how keys come to their pages; note what is unknown, and report a .dir of no use."""
        sample = {
            number: [key for _, key, _ in self.pages.pairs(number)]
            for number in islice(self.pages.filled(token), SAMPLE)
        }
        bits = self._directory_file.buffer if self._directory_file is not None else b""
        hashing = hashing_of(sample, bits, self.pages.count)
        if not hashing.multiplier:
            self.notes.append("The keys are hashed by another function than SDBM's; they could not be checked.")
        if not hashing.directory_fits and (bits or max(sample, default=0)):
            what = "not that of these pages" if bits else "missing or empty"
            self.report(f"The .dir file is {what}; all pages were read, but other programs need it.")
        return hashing

    def belongs(self, key: bytes, number: int) -> bool:
        """Tell whether a key's hash leads to a page, as far as `index` has found out how."""
        return self._hashing.puts(key, number)

    def _mask_of_page(self, number: int) -> int:
        """Return the bits of a hash that lead to a page, or the least that must be so."""
        mask = self._hashing.mask_of(number)
        if highest_sibling(number, mask) >= self.pages.count and not self._cut_is_reported:
            self._cut_is_reported = True
            self.report("The file is cut: pages that the .dir file names are missing at its end.", self._file.size)
        if number & mask != number:
            self.report(f"Nothing in the .dir file leads to page {number}.", number * self.pages.size)
            return least_mask(number)
        return mask

    def _report_damaged(self, number: int) -> None:
        self.report(f"Page {number} is damaged.", number * self.pages.size)

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
            number * self.pages.size,
        )

    def lost_entries(self, token: CancelToken) -> Iterator[object]:
        return self.pages.with_lost_counts(token)

    def check_structure(self, token: CancelToken) -> Iterator[Problem]:
        for number in islice(self.pages.with_lost_counts(token), PROBLEMS):
            message = f"Page {number} holds something, but does not say how many entries: they are not listed."
            yield Problem(message, number * self.pages.size)
        for number in self.pages.filled(token):
            keys = (key for _, key, _ in self.pages.pairs(number))
            yield from repeated_keys(keys, number, number * self.pages.size)
        if self._directory_file is not None and self._hashing.directory_fits and not self._cut_is_reported:
            bits = self._directory_file.buffer
            yield from directory_problems(bits, self.pages.count, token, by_level=self._hashing.by_level)

    def read(self, key: bytes, locator: int, size: int) -> bytes:
        return self.read_prefix(key, locator, size, size)

    def read_prefix(self, key: bytes, locator: int, size: int, limit: int) -> bytes:
        self._file.check_not_cut()
        number, pair = locator >> PAIR_BITS, locator & _PAIR_MASK
        place = number * self.pages.size
        try:
            start, middle = (self.pages.u16(place, 2 * pair + half) for half in (1, 2))
            end = self.pages.u16(place, 2 * pair) if pair else self.pages.size
            is_same = pair < self.pages.u16(place, 0) // 2 and middle + size == start and start + len(key) == end
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
        return bulk.values_of(self._file.buffer, chunk, self.pages.geometry) or super().values(chunk)

    def value_place(self, locator: int) -> int:
        """Return where in the file a listed value lies (bytes)."""
        place = (locator >> PAIR_BITS) * self.pages.size
        return place + self.pages.u16(place, 2 * (locator & _PAIR_MASK) + 2)

    def close(self) -> None:
        self._file.close()
        if self._directory_file is not None:
            self._directory_file.close()
