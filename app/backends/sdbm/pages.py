"""The pages of a .pag file, those that are no holes, and the pairs that lie on them.

References: pair.c (chkpage, getpair) of SDBM in perl.
"""

from collections.abc import Callable, Iterator
from itertools import chain
from struct import Struct
from typing import Final

from app.backends.binary import MappedFile
from app.backends.sdbm.layout import (
    NEW,
    PAGE_SIZES,
    Geometry,
    find_geometry,
    has_lost_count,
    page_offsets,
    whole_pairs,
)
from app.cancel import CancelToken

_BLOCK: Final = 65536
"""Bytes that are looked at to tell the size of a page; a multiple of all sizes."""


def geometry_of(file: MappedFile) -> Geometry:
    """Return what fits the first pages that are not empty.

    Raises:
        Damage: nothing does.
    """
    for start, end in file.extents():
        for place in range(start - start % _BLOCK, end, _BLOCK):
            block = file.buffer[place : place + _BLOCK]
            if block.strip(b"\0"):
                geometry = find_geometry(block)
                if geometry is None:
                    raise file.damage("its pages are of no known size; restore it from a backup", place)
                return geometry
    return NEW if file.size % NEW.page_size == 0 else Geometry(PAGE_SIZES[0], NEW.byte_order)


class Pages:
    """All whole pages of one file; a hole of the file counts as pages that hold nothing."""

    def __init__(self, file: MappedFile, geometry: Geometry) -> None:
        self.file: Final = file
        self.geometry: Final = geometry
        self.size: Final = geometry.page_size
        self.count: Final = file.size // geometry.page_size
        self._u16 = Struct(f"{geometry.mark}H")

    def content(self, number: int) -> bytes:
        """Return the bytes of a page."""
        return self.file.buffer[number * self.size : (number + 1) * self.size]

    def stretches(self) -> Iterator[tuple[int, int]]:
        """Yield the first page, and the one behind the last, of each run of pages that are no holes."""
        following = 0
        for start, end in self.file.extents():
            first, following = max(start // self.size, following), min(-(-end // self.size), self.count)
            yield first, following

    def numbers(self) -> Iterator[int]:
        """Yield the numbers of the pages that are no holes."""
        return chain.from_iterable(range(*stretch) for stretch in self.stretches())

    def filled(self, token: CancelToken) -> Iterator[int]:
        """Yield the numbers of the pages that say they hold something."""
        size, buffer = self.size, self.file.buffer
        for first, following in self.stretches():
            for number in range(first, following):
                if buffer[number * size : number * size + 2] != b"\0\0":
                    token.check()
                    yield number

    def with_lost_counts(self, token: CancelToken) -> Iterator[int]:
        """Yield the pages whose count is lost; where no page has one, their size is not known well enough."""
        if self.count > 1 and not any(True for _ in self.filled(token)):
            return
        size, buffer = self.size, self.file.buffer
        for number in self.numbers():
            token.check()
            place = number * size
            if not any(buffer[place : place + 2]) and has_lost_count(buffer[place : place + size]):
                yield number

    def pairs(self, number: int, damaged: Callable[[int], None] | None = None) -> Iterator[tuple[int, bytes, int]]:
        """Yield number, key and size of the value of each pair on a page.

        A damaged page is handed to ``damaged``, and has those that are whole.
        """
        page = self.content(number)
        offsets = page_offsets(page, self.geometry)
        if offsets is None:
            if damaged is not None:
                damaged(number)
            for pair, end, start, middle in whole_pairs(page, self.geometry):
                yield pair, page[start:end], start - middle
            return
        end = len(page)
        for pair, (start, middle) in enumerate(zip(offsets[::2], offsets[1::2], strict=True)):
            yield pair, page[start:end], start - middle
            end = middle

    def u16(self, place: int, position: int) -> int:
        """Return the number at a position among those at the start of the page that begins at ``place`` (bytes)."""
        number: int = self.file.unpack(self._u16, place + 2 * position)[0]
        return number
