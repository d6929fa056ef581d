"""Rows of a SQLite file taken from the bytes of its pages, without SQLite: what damage or deletion left of them.

References: the SQLite file format (fileformat2.html), sections 1.3 to 1.6 and 2.1.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from mmap import mmap
from struct import unpack_from
from typing import Final, NamedTuple

from app.backends.base import ValueEnd

MAGIC: Final = b"SQLite format 3\0"
LEAF: Final = 13
"""Type of a page that holds rows of a table."""
LEAF_HEADER_BYTES: Final = 8
FILE_HEADER_BYTES: Final = 100
BLOB_TYPE, _TEXT_TYPE = 12, 13
"""Serial types from which on even ones are blobs and odd ones text; half of what is beyond is the length (bytes)."""
_LONGEST_HEADER: Final = 20
_FREE_HEADER_BYTES: Final = 4
_LARGEST: Final = 1 << 31


class Row(NamedTuple):
    """Key and value of a row of two cells; ``offset`` is where its cell, ``end`` where that ends in the page."""

    key: bytes
    value: bytes
    offset: int
    end: int


@dataclass(frozen=True, slots=True)
class Geometry:
    """Sizes in bytes; ``usable`` is what a page has before its reserved end."""

    page_size: int
    usable: int
    pages: int

    def start(self, number: int) -> int:
        """Return where a page begins in the file; pages count from 1."""
        return (number - 1) * self.page_size

    @property
    def most_local(self) -> int:
        """The size of the largest row that lies whole on its leaf (bytes)."""
        return self.usable - 35

    @property
    def least_local(self) -> int:
        """How many bytes of any larger row lie on its leaf at least."""
        return (self.usable - 12) * 32 // 255 - 23

    def local(self, payload: int) -> int:
        """Return how many bytes of a row lie on its leaf."""
        if payload <= self.most_local:
            return payload
        surplus = self.least_local + (payload - self.least_local) % (self.usable - 4)
        return surplus if surplus <= self.most_local else self.least_local


def geometry_of(content: mmap | bytes) -> Geometry:
    """Return what the header of a whole file says, or the usual sizes where it cannot be."""
    head = content[:FILE_HEADER_BYTES]
    size, reserved = 4096, 0
    if len(head) == FILE_HEADER_BYTES:
        told = int.from_bytes(head[16:18], "big")
        told = 65536 if told == 1 else told
        if 512 <= told <= 65536 and told.bit_count() == 1:
            size, reserved = told, head[20]
    usable = size - reserved if size - reserved >= 480 else size
    return Geometry(size, usable, -(-len(content) // size))


class Cells:
    """The rows that pages of a file hold. No number of the file is believed before what it leads to fits."""

    def __init__(self, content: mmap | bytes, geometry: Geometry) -> None:
        self._content = content
        self._geometry = geometry
        self.allowance = 8 * len(content)
        """Bytes of overflow pages that may still be followed: hostile rows can share them."""

    def rows(self, number: int) -> Iterator[Row]:
        """Yield the rows that the pointers of a leaf lead to; nothing where the page is no leaf."""
        start = self._geometry.start(number)
        header = start + (FILE_HEADER_BYTES if number == 1 else 0)
        page = bytes(self._content[start : start + self._geometry.usable])
        place = header - start
        if len(page) < place + LEAF_HEADER_BYTES or page[place] != LEAF:
            return
        count = int.from_bytes(page[place + 3 : place + 5], "big")
        first = place + LEAF_HEADER_BYTES
        count = min(count, (len(page) - first) // 2)
        for pointer in unpack_from(f">{count}H", page, first):
            if first + 2 * count <= pointer < len(page) and (row := self.row(page, start, pointer)):
                yield row

    def row(self, page: bytes, start: int, place: int) -> Row | None:
        """Return the row whose cell is at a place of a page (bytes), or None where none can be."""
        payload, place_of_rowid = _varint(page, place)
        _, content = _varint(page, place_of_rowid)
        if not 2 <= payload < _LARGEST:
            return None
        local = self._geometry.local(payload)
        if content + local + (4 if local < payload else 0) > len(page):
            return None
        data = page[content : content + local]
        if local < payload:
            rest = self._rest(page, content + local, payload - local)
            if rest is None:
                return None
            data += rest
            local += 4
        cells = two_cells(data)
        return None if cells is None else Row(*cells, start + place, content + local)

    def chained(self, number: int, size: int) -> bytes | None:
        """Return what a chain of overflow pages holds, or None where it is broken."""
        room = self._geometry.usable - 4
        if size > len(self._content) or size > self.allowance:
            return None
        self.allowance -= size
        parts: list[bytes] = []
        seen: set[int] = set()
        while size > 0:
            if number in seen or not 2 <= number <= self._geometry.pages:
                return None
            seen.add(number)
            start = self._geometry.start(number)
            part = bytes(self._content[start + 4 : start + 4 + min(size, room)])
            if len(part) < min(size, room):
                return None
            parts.append(part)
            size -= len(part)
            number = int.from_bytes(self._content[start : start + 4], "big")
        return b"".join(parts) if number == 0 else None

    def freed_rows(self, number: int, ranges: Iterable[tuple[int, int]], value_end: ValueEnd) -> Iterator[Row]:
        """Yield rows that lie whole in ranges of a page that nothing uses (start and end, bytes in the file).

        Where the page is no leaf, whatever looks like a row must have a value that can be told.
        """
        start = self._geometry.start(number)
        page = bytes(self._content[start : start + self._geometry.usable])
        is_leaf, blocks = page[:1] == bytes((LEAF,)), set(_free_blocks(page))
        for first, last in ranges:
            place, end = first - start, last - start
            part = page[:end]
            while place < end:
                row = self.row(part, start, place)
                if row is None or not _is_likely(row, page, place, None if is_leaf else value_end):
                    row = self._beheaded(part, start, place, value_end) if place in blocks else None
                if row is not None:
                    yield row
                place = place + 1 if row is None else row.end

    def _beheaded(self, page: bytes, start: int, place: int, value_end: ValueEnd) -> Row | None:
        """Return the row whose cell begins at a place but for its first four bytes, which tell of free room now.

        They held the size of the row, its rowid, and as these are often short, some of its header too.
        """
        size = int.from_bytes(page[place + 2 : place + 4], "big")
        if not _FREE_HEADER_BYTES < size <= len(page) - place:
            return None
        for header in range(place + 3, place + 12):
            key_size, value_size, content = _sizes(page, header)
            payload = content - header + key_size + value_size
            local = self._geometry.local(payload)
            end = header + local + (4 if local < payload else 0)
            if not key_size or end > place + size or header + local < content + key_size:
                continue
            rest = self._rest(page, header + local, payload - local)
            if rest is None:
                continue
            key, value = page[content : content + key_size], page[content + key_size : header + local] + rest
            if (end == place + size and _is_text(key)) or (value and value_end(value, 0) == value_size):
                return Row(key, value, start + place, end)
        return _headless(page, start, place, size, value_end)

    def _rest(self, page: bytes, pointer: int, size: int) -> bytes | None:
        """Return what lies on the overflow pages that a pointer on a leaf leads to; None where they are lost."""
        return self.chained(int.from_bytes(page[pointer : pointer + 4], "big"), size) if size else b""


def _free_blocks(page: bytes) -> Iterator[int]:
    """Yield where the free blocks of a leaf begin, which lie in rising order."""
    place, last = int.from_bytes(page[1:3], "big") if page[:1] == bytes((LEAF,)) else 0, 0
    while last < place <= len(page) - _FREE_HEADER_BYTES:
        yield place
        last, place = place, int.from_bytes(page[place : place + 2], "big")


def _is_likely(row: Row, page: bytes, place: int, value_end: ValueEnd | None) -> bool:
    """Tell whether bytes that look like a row are one as SQLite writes it for two blobs."""
    payload, rowid_at = _varint(page, place)
    rowid, header = _varint(page, rowid_at)
    key_type, at = _varint(page, header + 1)
    value_type, content = _varint(page, at)
    is_short = payload >= 1 << 7 * (rowid_at - place - 1) and (rowid >= 1 << 7 * (header - rowid_at - 1) or rowid < 128)
    are_blobs = key_type % 2 == 0 and value_type % 2 == 0 and content - header == page[header]
    is_told = value_end is None or value_end(row.value, 0) == len(row.value)
    return bool(row.key and row.value) and is_short and are_blobs and is_told


def _sizes(page: bytes, header: int) -> tuple[int, int, int]:
    """Return the sizes of key and value that a header tells whose first byte may be lost, and where it ends."""
    key_type, place = _varint(page, header + 1)
    value_type, place = _varint(page, place)
    if min(key_type, value_type) < BLOB_TYPE or place - header > _LONGEST_HEADER:
        return 0, 0, place
    return (key_type - BLOB_TYPE) // 2, (value_type - BLOB_TYPE) // 2, place


def _headless(page: bytes, start: int, place: int, size: int, value_end: ValueEnd) -> Row | None:
    """Return a short row of which even the size of the key is lost, if its value is one that can be told."""
    value_type, content = _varint(page, place + 4)
    value_size = (value_type - BLOB_TYPE) // 2
    value_start = place + size - value_size
    if value_type < BLOB_TYPE or not content < value_start < place + size:
        return None
    value = page[value_start : place + size]
    if value_end(value, 0) != value_size:
        return None
    return Row(page[content:value_start], value, start + place, place + size)


def two_cells(record: bytes) -> tuple[bytes, bytes] | None:
    """Return the cells of a record that has just two, a key and a value, and is exactly as long as both."""
    header, place = _varint(record, 0)
    if not 3 <= header <= min(_LONGEST_HEADER, len(record)):
        return None
    key_type, place = _varint(record, place)
    value_type, place = _varint(record, place)
    if place != header or key_type < BLOB_TYPE or value_type < BLOB_TYPE:
        return None
    key_size, value_size = (key_type - BLOB_TYPE) // 2, (value_type - BLOB_TYPE) // 2
    if header + key_size + value_size != len(record):
        return None
    return record[header : header + key_size], record[header + key_size :]


def _is_text(key: bytes) -> bool:
    """Tell whether a key speaks for itself; zeros and numbers in free room that grew together look like rows."""
    try:
        return key.decode().isprintable()
    except UnicodeDecodeError:
        return False


def _varint(data: bytes, place: int) -> tuple[int, int]:
    """Return a number of one to nine bytes and where it ends; zeros behind the end."""
    number = 0
    for at in range(place, place + 8):
        byte = data[at] if at < len(data) else 0
        number = number << 7 | byte & 0x7F
        if byte < 0x80:
            return number, at + 1
    last = data[place + 8] if place + 8 < len(data) else 0
    return number << 8 | last, place + 9
