"""What can still be found in damaged SDBM databases: pages need neither .dir nor their neighbours."""

import contextlib
from collections.abc import Iterator
from itertools import islice

from app.backends.base import ByteOrder, Match
from app.backends.binary import MappedFile
from app.backends.carving import ValueSearch, unclaimed
from app.backends.files import companion
from app.backends.salvage import Found, Origin, Salvage, report_problems
from app.backends.sdbm.backend import SdbmBackend
from app.backends.sdbm.layout import (
    PAGE_SIZES,
    Geometry,
    page_offsets,
    pairs_behind_lost_count,
    stale_pairs,
    whole_pairs,
)
from app.backends.sdbm.pages import Pages
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
        salvage.report(error.sentence, error.offset)
    orders: tuple[ByteOrder, ...] = ("little", "big")
    geometries = [Geometry(size, order) for size in PAGE_SIZES for order in orders]
    shares = {geometry: _whole_share(file, geometry, salvage) for geometry in geometries}
    # Rising sizes: at twice their size pages look whole, too.
    return SdbmBackend(match, next(one for one, share in shares.items() if 2 * share >= max(shares.values())))


def _whole_share(file: MappedFile, geometry: Geometry, salvage: Salvage) -> float:
    """Return the share of whole pages among those that say they hold something."""
    filled = whole = 0
    pages = Pages(file, geometry)
    for number in islice(pages.numbers(), _SAMPLE):
        salvage.token.check()
        page = pages.content(number)
        if page[:2] != b"\0\0":
            filled += 1
            whole += page_offsets(page, geometry) is not None
    return whole / filled if filled else 0


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
        self._geometry = backend.pages.geometry
        self._size = self._geometry.page_size
        self._salvage = salvage
        self._values = ValueSearch(salvage)

    def _pages(self) -> Iterator[tuple[int, bytes]]:
        """Yield place (bytes) and content of each page."""
        for number in self._backend.pages.numbers():
            self._salvage.token.check()
            self._file.check_not_cut()
            yield number * self._size, self._backend.pages.content(number)

    def of_damaged_pages(self) -> Iterator[Found]:
        """Yield the pairs of pages whose count is lost, and the values outside the whole pairs of damaged ones."""
        without_count = set(self._backend.pages.with_lost_counts(self._salvage.token))
        for place, page in self._pages():
            if place // self._size in without_count:
                pairs = list(self._behind_lost_count(place, page))
                for start, middle, end in pairs:
                    yield Found(page[start:end], page[middle:start], place + middle, Origin.LOST)
                claimed = [(place + middle, place + end) for _, middle, end in pairs]
            elif page_offsets(page, self._geometry) is None:
                claimed = [(place + middle, place + end) for _, end, _, middle in whole_pairs(page, self._geometry)]
            else:
                continue
            yield from self._values.carve(self._file.buffer, unclaimed(claimed, place, place + len(page)))

    def _behind_lost_count(self, place: int, page: bytes) -> Iterator[tuple[int, int, int]]:
        """Yield where the key, the value, and the end of each pair lie whose slots remain, and whose key belongs."""
        for end, start, middle in pairs_behind_lost_count(page, self._geometry):
            if self._backend.belongs(page[start:end], place // self._size):
                yield start, middle, end

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
            yield from self._values.carve(self._file.buffer, [(place, self._file.size)])

    def removed(self) -> Iterator[Found]:
        """Yield the pairs that were removed, those whose key is where it belonged."""
        for place, page in self._pages():
            for key, value, middle in stale_pairs(page, self._geometry):
                if self._backend.belongs(key, place // self._size):
                    yield Found(key, value, place + middle, Origin.DELETED)
