"""The records of a TDB file one behind the other, as they lie in it: live, dead and free ones.

References: common/tdb_private.h (tdb_record, magics), common/check.c and common/freelist.c of TDB 1.4.
"""

from collections.abc import Iterator
from struct import Struct
from typing import Final, NamedTuple

from app.backends.base import Problem
from app.backends.binary import MappedFile
from app.backends.tdb.layout import Header, key_hash
from app.cancel import CancelToken

RECORD, DEAD, FREE, RECOVERY = 0x26011999, 0xFEE1DEAD, 0xD9FEE666, 0xF53BC0E7
RECORD_BYTES: Final = 24
FREE_LIST_AT, RECOVERY_AT, TABLE_AT = 168, 44, 172
_TAIL_BYTES: Final = 4


class Record(NamedTuple):
    """The head of a record at ``start`` of the file; ``room`` is what it has behind its head (bytes)."""

    start: int
    next: int
    room: int
    key_size: int
    value_size: int
    hash: int
    magic: int

    @property
    def end(self) -> int:
        return self.start + RECORD_BYTES + self.room


class Records:
    """All records of a file. Offsets in it count from ``base`` of the header."""

    def __init__(self, file: MappedFile, header: Header) -> None:
        self._file = file
        self._header = header
        self._fields = Struct(f"{file.mark}6I")
        self.first = header.base + TABLE_AT + 4 * header.chains
        """Where the first record begins (bytes in the file)."""

    def at(self, start: int) -> Record | None:
        """Return the record whose head is at a place, or None where the file has no room for it."""
        if not 0 <= start <= self._file.size - RECORD_BYTES:
            return None
        record = Record(start, *self._fields.unpack_from(self._file.buffer, start))
        return record if record.end <= self._file.size else None

    def pair(self, record: Record) -> tuple[bytes, bytes] | None:
        """Return key and value of a record, or None where the key is not the one that was stored there."""
        if record.key_size + record.value_size > record.room:
            return None
        key_at = record.start + RECORD_BYTES
        key = self._file.slice(key_at, record.key_size)
        is_stored = key_hash(key) == record.hash if self._header.has_first_hash else self.has_tail(record)
        return (key, self._file.slice(key_at + len(key), record.value_size)) if is_stored else None

    def has_tail(self, record: Record) -> bool:
        """Tell whether the last bytes of a record say its whole length, as they must."""
        if record.room < _TAIL_BYTES:
            return False
        return self._file.u32(record.end - _TAIL_BYTES) == record.room + RECORD_BYTES

    def free(self, token: CancelToken) -> Iterator[Record | Problem]:
        """Yield the records of the list of free ones, up to the first that is none."""
        base, seen = self._header.base, set[int]()
        link = self._word(base + FREE_LIST_AT)
        while link:
            token.check()
            record = self.at(base + link)
            if record is None or record.magic != FREE or link in seen:
                yield Problem("The list of free room leads to what is not free, or back.", base + link)
                return
            seen.add(link)
            yield record
            link = record.next

    def _word(self, offset: int) -> int:
        return self._file.u32(offset) if offset + 4 <= self._file.size else 0

    def recovery_start(self) -> int:
        """Return where the area for broken-off transactions lies (bytes in the file); 0 when there is none."""
        link = self._word(self._header.base + RECOVERY_AT)
        return self._header.base + link if link else 0


def check_records(records: Records, size: int, live: set[int], token: CancelToken) -> Iterator[Problem]:
    """Yield what is wrong with records that lie one behind the other up to ``size``, the end of the file.

    ``live``: where the records begin that the chains lead to.
    """
    listed_free: set[int] = set()
    for found in records.free(token):
        if isinstance(found, Problem):
            yield found
        else:
            listed_free.add(found.start)
    place, recovery = records.first, records.recovery_start()
    while place < size:
        token.check()
        record = records.at(place)
        is_recovery = record is not None and place == recovery and record.magic in (RECOVERY, 0)
        if record is None or not (is_recovery or record.magic in (RECORD, DEAD, FREE)):
            yield Problem("What lies here is no record, so what follows it cannot be checked.", place)
            return
        if not is_recovery:
            yield from _misplaced(records, record, live, listed_free)
        place = record.end


def _misplaced(records: Records, record: Record, live: set[int], listed_free: set[int]) -> Iterator[Problem]:
    if not records.has_tail(record):
        yield Problem("The end of a record does not say its length.", record.start)
    if record.magic == RECORD and record.start not in live:
        yield Problem("No chain leads to an entry, so it is not listed.", record.start)
    if record.magic == FREE and record.start not in listed_free:
        yield Problem("Free room is not in the list of it, so it is lost until the file is compacted.", record.start)
