"""What can be found of a damaged TDB file, and of entries that were removed from one."""

from array import array
from collections.abc import Iterator
from contextlib import closing
from itertools import pairwise

from app.backends.base import Backend, ByteOrder, Match, Problem
from app.backends.binary import MappedFile
from app.backends.salvage import Found, ListingSearch, Origin, Salvage
from app.backends.tdb.backend import TdbBackend
from app.backends.tdb.layout import HEADER_BYTES, Header, parse_header
from app.backends.tdb.records import DEAD, FREE, RECORD, RECORD_BYTES, Record, Records

_MAGIC_AT = 20


def salvage_tdb(salvage: Salvage) -> Iterator[Found]:
    """Yield the entries that the chains lead to, then those whose records still lie somewhere.

    Raises:
        CannotOpen: the file cannot be read at all.
    """
    with closing(MappedFile(salvage.path)) as file:
        header = parse_header(file.buffer[:HEADER_BYTES]) or Header(_likely_order(file), 0, True, 0)
    search = _Search(salvage, header)
    yield from search.listed()
    if search.is_damaged or salvage.deleted:
        yield from search.by_magic()


def _likely_order(file: MappedFile) -> ByteOrder:
    orders: tuple[ByteOrder, ...] = ("little", "big")
    return max(orders, key=lambda order: file.buffer[:].count(RECORD.to_bytes(4, order)))


class _Search(ListingSearch):
    """One search of one file."""

    def __init__(self, salvage: Salvage, header: Header) -> None:
        super().__init__(salvage)
        self._header = header
        self._taken = array("Q")
        """Where the entries that were listed begin and end in turn (bytes in the file)."""

    def _opened(self) -> Backend:
        path = self._salvage.path
        return TdbBackend(Match("tdb", "", "", path, path, (path,), self._header.byte_order))

    def _live(self, key: bytes, value: bytes, locator: int) -> Found:
        self._taken.extend((locator, locator + RECORD_BYTES + len(key) + len(value)))
        return Found(key, value, locator)

    def by_magic(self) -> Iterator[Found]:
        """Yield the entries of all records in the file that were not found yet, those in free room as deleted."""
        with closing(MappedFile(self._salvage.path, self._header.byte_order)) as file:
            records = Records(file, self._header)
            free = [one for one in records.free(self._salvage.token) if not isinstance(one, Problem)]
            in_free, taken = _Cover(file.size), _Cover(file.size)
            for one in free:
                in_free.add(one.start, one.end)
            for start, end in zip(self._taken[::2], self._taken[1::2], strict=True):
                taken.add(start, end)
            deleted: list[int] = []
            for start in self._starts(file, RECORD):
                if in_free.touches(start, start + 1) or not self.is_damaged:
                    deleted.append(start)
                else:
                    yield from self._of_record(records, start, Origin.LOST, taken)
            for magic in (DEAD, FREE) if self._salvage.deleted else ():
                deleted += self._starts(file, magic)
            if self._salvage.deleted:
                deleted.sort()
                for start, following in pairwise((*deleted, file.size)):
                    if (record := records.at(start)) is not None and _data_end(record) <= following:
                        yield from self._of_record(records, start, Origin.DELETED, taken)

    def _starts(self, file: MappedFile, magic: int) -> Iterator[int]:
        """Yield where records of a magic may begin: the library aligns them to four bytes."""
        pattern, base = magic.to_bytes(4, self._header.byte_order), self._header.base
        place = file.buffer.find(pattern, _MAGIC_AT)
        while place >= 0:
            self._salvage.token.advance(place, file.size)
            if (place - base) % 4 == 0:
                yield place - _MAGIC_AT
            place = file.buffer.find(pattern, place + 1)

    def _of_record(self, records: Records, start: int, origin: Origin, taken: "_Cover") -> Iterator[Found]:
        """Yield the entry of a record, unless another one was written over it.

        A record that is in use repeats its length at its end; that of a removed one is gone once its room was joined.
        """
        record = records.at(start)
        if record is None or (origin is Origin.LOST and not records.has_tail(record)):
            return
        pair, end = records.pair(record), _data_end(record)
        if pair is None or not any(pair) or taken.touches(start, end):
            return
        taken.add(start, end)
        if self._is_new(*pair):
            yield Found(*pair, start, origin)


class _Cover:
    """Parts of a file, told to the four bytes that the library aligns records to."""

    def __init__(self, size: int) -> None:
        self._words = bytearray(size // 4 + 1)

    def add(self, start: int, end: int) -> None:
        first, behind = start // 4, -(-end // 4)
        self._words[first:behind] = bytes((1,)) * (behind - first)

    def touches(self, start: int, end: int) -> bool:
        return self._words.find(1, start // 4, -(-end // 4)) >= 0


def _data_end(record: Record) -> int:
    """Return where key and value of a record end (bytes in the file)."""
    return record.start + RECORD_BYTES + record.key_size + record.value_size
