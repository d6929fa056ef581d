"""What can still be found in damaged SDBM databases: pages need neither .dir nor their neighbours."""

import contextlib
from collections.abc import Iterator
from dataclasses import replace
from itertools import islice

from app.backends.base import ByteOrder, Match
from app.backends.binary import MappedFile
from app.backends.carving import carve, unclaimed
from app.backends.files import companion
from app.backends.salvage import Found, Origin, Salvage, report_problems
from app.backends.sdbm.backend import SdbmBackend
from app.backends.sdbm.layout import (
    PAGE_SIZES,
    Geometry,
    page_offsets,
    stale_pairs,
    whole_pairs,
)
from app.errors import CorruptDatabase

_SAMPLE = 2000
"""Pages of each size that are looked at to tell the size when the first ones are damaged."""


def salvage_sdbm(salvage: Salvage) -> Iterator[Found]:
    """Yield the entries of all pages, then what is left of damaged and cut ones, then what was removed."""
    path = companion(salvage.base, ".pag")
    with contextlib.closing(MappedFile(path)) as file, contextlib.closing(_opened(file, salvage)) as backend:
        yield from _listed(backend, salvage)
        rest = _Rest(file, backend, salvage)
        yield from rest.of_damaged_pages()
        yield from rest.of_cut_page()
        if salvage.deleted:
            yield from rest.removed()


def _opened(file: MappedFile, salvage: Salvage) -> SdbmBackend:
    """Return the database, with pages of the likeliest size when its first ones tell none."""
    match = Match("sdbm", "", "", file.path, salvage.base, (file.path,))
    try:
        return SdbmBackend(match)
    except CorruptDatabase as error:
        salvage.report(error.message, error.offset)
    orders: tuple[ByteOrder, ...] = ("little", "big")
    geometries = [Geometry(size, order) for size in PAGE_SIZES for order in orders]
    shares = {geometry: _whole_share(file, geometry, salvage) for geometry in geometries}
    # Rising sizes: at twice their size pages look whole, too.
    return SdbmBackend(match, next(one for one, share in shares.items() if 2 * share >= max(shares.values())))


def _whole_share(file: MappedFile, geometry: Geometry, salvage: Salvage) -> float:
    """Return the share of whole pages among those that say they hold something."""
    filled = whole = 0
    for number in islice(_pages_with_bytes(file, geometry.page_size), _SAMPLE):
        salvage.token.check()
        page = file.buffer[number * geometry.page_size : (number + 1) * geometry.page_size]
        if page[:2] != b"\0\0":
            filled += 1
            whole += page_offsets(page, geometry) is not None
    return whole / filled if filled else 0


def _pages_with_bytes(file: MappedFile, size: int) -> Iterator[int]:
    """Yield the numbers of the whole pages that are no holes."""
    following = 0
    for start, end in file.extents():
        first, following = max(start // size, following), min(-(-end // size), file.size // size)
        yield from range(first, following)


def _listed(backend: SdbmBackend, salvage: Salvage) -> Iterator[Found]:
    for chunk in backend.index(salvage.token):
        for row, (locator, size) in enumerate(zip(chunk.locators, chunk.sizes, strict=True)):
            key = chunk.key(row)
            yield Found(key, backend.read(key, locator, size), backend.value_place(locator))
    report_problems(backend, salvage)


class _Rest:
    """What a database holds besides the entries that are listed."""

    def __init__(self, file: MappedFile, backend: SdbmBackend, salvage: Salvage) -> None:
        self._file = file
        self._backend = backend
        self._geometry = backend.convention.geometry
        self._size = self._geometry.page_size
        self._salvage = salvage

    def _pages(self) -> Iterator[tuple[int, bytes]]:
        """Yield place (bytes) and content of each page."""
        for number in _pages_with_bytes(self._file, self._size):
            self._salvage.token.check()
            self._file.check_not_cut()
            yield number * self._size, self._backend.page(number)

    def of_damaged_pages(self) -> Iterator[Found]:
        """Yield the values that lie outside the whole pairs of damaged pages."""
        for place, page in self._pages():
            if page_offsets(page, self._geometry) is not None:
                continue
            pairs = [(middle, end) for _, end, _, middle in whole_pairs(page, self._geometry)]
            for found in carve(page, unclaimed(pairs, 0, len(page)), self._salvage.value_end, self._salvage.token):
                yield replace(found, offset=place + found.offset)

    def of_cut_page(self) -> Iterator[Found]:
        """Yield the pairs, or else values, of a last page that is not all there; its first pairs lay at its end."""
        place = self._file.size - self._file.size % self._size
        there = self._file.buffer[place:]
        page = there.ljust(self._size, b"\0")
        offsets = page_offsets(page, self._geometry) or ()
        borders = (self._size, *offsets)
        for end, start, middle in zip(borders[::2], borders[1::2], borders[2::2], strict=False):
            if end <= len(there):
                yield Found(page[start:end], page[middle:start], place + middle, Origin.LOST)
        if not offsets:
            yield from carve(
                self._file.buffer, [(place, self._file.size)], self._salvage.value_end, self._salvage.token
            )

    def removed(self) -> Iterator[Found]:
        """Yield the pairs that were removed, those whose key is where it belonged."""
        for place, page in self._pages():
            for key, value, middle in stale_pairs(page, self._geometry):
                if self._backend.belongs(key, place // self._size):
                    yield Found(key, value, place + middle, Origin.DELETED)
