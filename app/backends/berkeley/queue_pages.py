"""Where the pages of a Berkeley DB queue are: in its file, or in extent files beside it.

With extents the file itself has its first page only. Extent n, ``__dbq.NAME.n``, has the pages from n times as many
as an extent holds, plus 1, on; those whose records were all taken are deleted.

References: dbinc/qam.h (QAM_PAGE_EXTENT, QUEUE_EXTENT) and qam/qam_files.c (__qam_fprobe) of Berkeley DB 5.3.
"""

import re
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from app.backends.berkeley.pages import QUEUE, UNUSED, Pages
from app.backends.binary import MappedFile
from app.errors import CannotOpen

_NUMBER_AT, _TYPE_AT = 8, 25
_HEADER, _CHECKED_HEADER = 28, 48


class QueuePage(NamedTuple):
    """A page of a queue: where it begins in its file (bytes), and whether any record was ever put on it.

    ``is_headless``: something lies on it though its header says that nothing ever did.
    """

    number: int
    file: MappedFile
    offset: int
    is_used: bool
    is_headless: bool = False


class QueuePages:
    """The pages of one queue; extents are opened when they are first asked for."""

    def __init__(self, pages: Pages, path: Path) -> None:
        self._pages = pages
        self._per_extent = pages.meta.extent_pages
        self.header_bytes = _CHECKED_HEADER if pages.meta.has_checksums else _HEADER
        self._paths = dict(_extents_of(path)) if self._per_extent else {}
        self._open: dict[int, MappedFile] = {}

    @property
    def files(self) -> tuple[Path, ...]:
        """The extent files, in the order of their pages."""
        return tuple(self._paths[number] for number in sorted(self._paths))

    def between(self, first: int, last: int) -> Iterator[int]:
        """Yield the numbers of the pages in a range that some file has room for."""
        if not self._per_extent:
            yield from range(first, min(last, self._pages.count - 1) + 1)
            return
        for extent in sorted(self._paths):
            start = extent * self._per_extent + 1
            end = start + min(self._per_extent, _size_of(self._paths[extent]) // self._pages.size)
            yield from range(max(first, start), min(last + 1, end))

    def page(self, number: int) -> QueuePage:
        """Return a page.

        Raises:
            Damage: it is outside its file, or none of a queue.
            CannotOpen: its extent cannot be read.
        """
        file, place = self._file_of(number)
        size = self._pages.size
        if not 0 <= place <= file.size - size:
            raise file.damage(f"page {number} is outside the file", file.size)
        kind = file.u8(place + _TYPE_AT)
        written = file.u32(place + _NUMBER_AT)
        if kind not in {QUEUE, UNUSED} or (kind == QUEUE and written not in {0, number}):
            raise file.damage(f"page {number} is none of a queue: its records are lost", place)
        has_records = bool(file.slice(place + self.header_bytes, size - self.header_bytes).strip(b"\0"))
        is_headless = has_records and (kind == UNUSED or not written)
        return QueuePage(number, file, place, kind == QUEUE or is_headless, is_headless)

    def _file_of(self, number: int) -> tuple[MappedFile, int]:
        """Return the file that has a page, and where that is in it (bytes)."""
        if not self._per_extent:
            return self._pages.file, number * self._pages.size
        extent, place = divmod(number - 1, self._per_extent)
        if extent not in self._open:
            if extent not in self._paths:
                raise self._pages.file.damage(f"the extent file with page {number} is missing", 0)
            self._open[extent] = MappedFile(self._paths[extent], self._pages.file.byte_order)
        return self._open[extent], place * self._pages.size

    def opened(self) -> Iterator[tuple[MappedFile, int]]:
        """Yield the file itself and the extents that can be opened, each with the number of its first page."""
        yield self._pages.file, 0
        for extent in sorted(self._paths):
            number = extent * self._per_extent + 1
            with suppress(CannotOpen):
                yield self._file_of(number)[0], number

    def check_not_cut(self) -> None:
        """Raise `StaleIndex` when another program has cut an extent short."""
        for file in self._open.values():
            file.check_not_cut()

    def close(self) -> None:
        for file in self._open.values():
            file.close()
        self._open.clear()


def _size_of(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0


def _extents_of(path: Path) -> Iterator[tuple[int, Path]]:
    """Yield the numbers and paths of the extent files of a queue."""
    name = re.compile(rf"__dbq\.{re.escape(path.name)}\.(\d{{1,10}})")
    with suppress(OSError):
        for file in path.parent.iterdir():
            if found := name.fullmatch(file.name):
                yield int(found[1]), file
