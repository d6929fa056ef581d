"""What can be found of a damaged ``dbm.sqlite3`` database: by SQLite as far as it goes, then in the pages."""

from collections.abc import Iterator
from contextlib import closing

from app.backends.base import Backend, Match
from app.backends.binary import MappedFile
from app.backends.carving import ValueSearch, unclaimed
from app.backends.salvage import Found, ListingSearch, Origin, Salvage, digest_of
from app.backends.sqlite.backend import SqliteBackend
from app.backends.sqlite.cells import FILE_HEADER_BYTES, LEAF, Cells, Geometry, Row, geometry_of
from app.errors import AppError, CannotOpen, UnknownFormat

_FIRST_TRUNK_AT = 32


def salvage_sqlite(salvage: Salvage) -> Iterator[Found]:
    """Yield the rows that SQLite lists, then those that it passes over.

    Raises:
        CannotOpen: the file cannot be read at all.
    """
    search = _Search(salvage)
    with closing(MappedFile(salvage.path)) as file:
        search.look_at_cut(file)
    yield from search.listed()
    if search.is_damaged or salvage.deleted:
        with closing(MappedFile(salvage.path)) as file:  # not before SQLite let the file go
            yield from search.in_pages(file)


class _Search(ListingSearch):
    """One search of one file."""

    def __init__(self, salvage: Salvage) -> None:
        super().__init__(salvage)
        self._values = ValueSearch(salvage)
        self._seen_values: set[bytes] = set()
        self._whole: set[bytes] | None = None
        self._zeros = b"\0"
        """What SQLite puts in the place of a whole page's bytes that are missing at the end of the file."""

    def look_at_cut(self, file: MappedFile) -> None:
        """Where the file ends within a page, remember the rows that are whole: SQLite takes the rest for zeros."""
        geometry = geometry_of(file.buffer)
        if there := file.size % geometry.page_size:
            self._zeros = bytes(max(geometry.usable - there, 1))
            cells = Cells(file.buffer, geometry)
            rows = (row for number in range(1, geometry.pages + 1) for row in cells.rows(number))
            self._whole = {digest_of(row.key, row.value) for row in rows}

    def _opened(self) -> Backend:
        path = self._salvage.path
        return SqliteBackend(Match("sqlite3", "", "", path, path, (path,)))

    def _goes_on_after(self, error: AppError) -> bool:
        return not isinstance(error, CannotOpen) or isinstance(error, UnknownFormat)

    def _live(self, key: bytes, value: bytes, locator: int) -> Found | None:
        if self._is_cut(key, value):
            self._damage("A row reaches over the end of the file.", None)
            return None
        return Found(key, value, locator)

    def _is_cut(self, key: bytes, value: bytes) -> bool:
        """Tell whether a row can reach over the end of the file; those of a ``-wal`` lie elsewhere, and are whole."""
        if self._whole is None or digest_of(key, value) in self._whole:
            return False
        row = key + value
        return row.endswith(b"\0") or self._zeros in row

    def _is_new(self, key: bytes, value: bytes) -> bool:
        self._seen_values.add(digest_of(b"", value))
        return super()._is_new(key, value)

    def in_pages(self, file: MappedFile) -> Iterator[Found]:
        """Yield rows of pages that SQLite did not list; those of free pages are deleted ones."""
        geometry = geometry_of(file.buffer)
        cells = Cells(file.buffer, geometry)
        free = _free_pages(file, geometry)
        for wants_free in (False, True) if self._salvage.deleted else (False,):
            for number in range(1, geometry.pages + 1):
                self._salvage.token.advance(number, geometry.pages)
                if (number in free) == wants_free:
                    yield from self._in_page(file, geometry, cells, number, is_free=wants_free)

    def _in_page(
        self, file: MappedFile, geometry: Geometry, cells: Cells, number: int, *, is_free: bool
    ) -> Iterator[Found]:
        start = geometry.start(number)
        end = min(start + geometry.usable, file.size)
        kind_at = start + (FILE_HEADER_BYTES if number == 1 else 0)
        if not is_free and file.buffer[kind_at : kind_at + 1] != bytes((LEAF,)):
            return
        rows = list(cells.rows(number))
        origin = Origin.DELETED if is_free or not self.is_damaged else Origin.LOST
        yield from self._new(rows, origin)
        gaps = list(unclaimed([(row.offset, start + row.end) for row in rows], start + 8, end))
        if self._salvage.deleted:
            yield from self._new(cells.freed_rows(number, gaps, self._salvage.value_end), Origin.DELETED)
        for found in self._values.carve(file.buffer, gaps, origin=origin):
            if digest_of(b"", found.value) not in self._seen_values:
                yield found

    def _new(self, rows: Iterator[Row] | list[Row], origin: Origin) -> Iterator[Found]:
        for row in rows:
            if self._is_new(row.key, row.value):
                yield Found(row.key, row.value, row.offset, origin)


def _free_pages(file: MappedFile, geometry: Geometry) -> set[int]:
    """Return the numbers of the pages that the header leads to as free."""
    free: set[int] = set()
    trunk = int.from_bytes(file.buffer[_FIRST_TRUNK_AT : _FIRST_TRUNK_AT + 4], "big")
    while 1 < trunk <= geometry.pages and trunk not in free:
        free.add(trunk)
        start = geometry.start(trunk)
        head = file.buffer[start : start + geometry.usable]
        count = min(int.from_bytes(head[4:8], "big"), (len(head) - 8) // 4)
        leaves = (int.from_bytes(head[8 + 4 * at : 12 + 4 * at], "big") for at in range(count))
        free.update(number for number in leaves if 1 < number <= geometry.pages)
        trunk = int.from_bytes(head[:4], "big")
    return free
