"""Files of values without keys: their places in the row are their keys."""

from collections.abc import Iterable, Iterator
from pathlib import Path

from app.backends.base import ValueEnd
from app.backends.changes import Plan, changed_on_disk, rejected
from app.backends.key_index import ChunkBuilder, IndexChunk
from app.backends.records import ChangedRecords, Records
from app.cancel import CancelToken


def is_one_value(value: bytes, value_end: ValueEnd) -> bool:
    """Tell whether bytes are a value from their first to their last one."""
    return value_end(value, 0) == len(value) > 0


def all_values(records: Records, token: CancelToken) -> Iterator[bytes]:
    """Yield the values one after another, in pieces."""
    for row in range(len(records)):
        token.check()
        yield from records.pieces(row)


def renumbered(records: Records, made: Plan, value_end: ValueEnd, path: Path, no_value: str) -> Records:
    """Return what a plan makes of the records; the entries that stay close up.

    A new entry's key is the number that it gets, or the next one behind the entries as they were. ``no_value`` says
    that a value is none.

    Raises:
        KeyRejected: a value is not exactly one value of the format, or a new key is no such number.
        ChangedOnDisk: there is an entry of a new key by now.
    """
    changed = ChangedRecords(records, made)
    first = len(changed) - len(made.inserted)
    for place, (key, _value) in enumerate(made.inserted):
        number = first + place
        if key not in (b"%d" % number, b"%d" % (len(records) + place)):
            if _is_number_below(key, len(records)):
                raise changed_on_disk(path, [key])
            raise rejected(path, key, f"entries are numbered, and the next one's key is '{number}'")
    new = [(records.key(row), value) for row, value in made.replaced.items()]
    _check((*made.inserted, *new), value_end, path, no_value)
    return NumberedRecords(changed)


def _check(entries: Iterable[tuple[bytes, bytes]], value_end: ValueEnd, path: Path, no_value: str) -> None:
    for key, value in entries:
        if not is_one_value(value, value_end):
            raise rejected(path, key, no_value)


def _is_number_below(key: bytes, limit: int) -> bool:
    digits = len(b"%d" % limit)
    return key.isdigit() and len(key) <= digits and int(key) < limit and key == b"%d" % int(key)


class NumberedRecords(Records):
    """Other records under the numbers of their rows."""

    may_repeat = False
    numbers_values = True

    def __init__(self, records: Records) -> None:
        self._records = records

    def __len__(self) -> int:
        return len(self._records)

    def chunks(self) -> Iterator[IndexChunk]:
        row = 0
        for chunk in self._records.chunks():
            builder = ChunkBuilder()
            for size in chunk.sizes:
                builder.add(self.key(row), 0, size)
                row += 1
            yield builder.take()

    def key(self, row: int) -> bytes:
        return b"%d" % row

    def size(self, row: int) -> int:
        return self._records.size(row)

    def pieces(self, row: int) -> Iterator[bytes]:
        return self._records.pieces(row)

    def value(self, row: int) -> bytes:
        return self._records.value(row)
