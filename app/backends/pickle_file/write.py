"""Writing files of bare pickles: the values one after another, whose places in the row are their keys."""

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import ClassVar

from app.backends.base import Backend, Match, ValueEnd
from app.backends.changes import Plan, changed_on_disk, rejected
from app.backends.key_index import ChunkBuilder, IndexChunk
from app.backends.records import ChangedRecords, Records, batches
from app.backends.writer import CreateOptions, ImageWriter, Refusal, refuse_unknown
from app.cancel import CancelToken
from app.compression.base import Packing
from app.errors import KeyRejected

_Opener = Callable[[Match, ValueEnd], Backend]
_NO_PICKLE = "its value is not exactly one pickle"


class PickleFileWriter(ImageWriter):
    """Writes values in a row; ``value_end`` must find each one's end again."""

    format_id: ClassVar[str] = "pickle-file"
    holds_duplicates = True
    """A number that an entry had is free once the entries before it are fewer: `renumbered` looks at that."""

    def __init__(
        self,
        opener: _Opener,
        value_end: ValueEnd,
        options: CreateOptions | None = None,
        *,
        packing: Packing | None = None,
    ) -> None:
        """``packing``: how the file is compressed."""
        refuse_unknown(options or CreateOptions(), self.format_id)
        self._opener = opener
        self._value_end = value_end
        self._packing = packing

    def refusals(self, records: Records, token: CancelToken) -> Iterator[Refusal]:
        row = number = 0
        for chunk in records.chunks():
            for place in range(len(chunk)):
                token.advance(row, len(records))
                key = chunk.key(place)
                reason = self._why_not_next(key, number) or self._why_no_value(records, row)
                if reason:
                    yield Refusal(row, key, reason)
                row, number = row + 1, number + (not reason)

    def _why_not_next(self, key: bytes, number: int) -> str:
        if key == b"%d" % number:
            return ""
        return f"a pickle file numbers its values and keeps no other keys, and the next number is {number}"

    def _why_no_value(self, records: Records, row: int) -> str:
        return "" if is_one_value(records.value(row), self._value_end) else _NO_PICKLE

    def why_refused(self, key: bytes, value_size: int) -> str:
        return "" if value_size else _NO_PICKLE

    def images(self, records: Records, token: CancelToken) -> tuple[Iterable[bytes], ...]:
        if not len(records):
            message = "A pickle file cannot be empty: it needs at least one entry. Nothing was written."
            raise KeyRejected(message)
        pieces = batches(_values(records, token))
        return (self._packing.pack(pieces, token) if self._packing else pieces,)

    def open(self, base: Path) -> Backend:
        match = Match(self.format_id, "Pickle file", "It was written as one.", base, base, (base,))
        return self._opener(match, self._value_end)


def is_one_value(value: bytes, value_end: ValueEnd) -> bool:
    """Tell whether bytes are a value from their first to their last one."""
    return value_end(value, 0) == len(value) > 0


def _values(records: Records, token: CancelToken) -> Iterator[bytes]:
    for row in range(len(records)):
        token.check()
        yield from records.pieces(row)


def renumbered(records: Records, made: Plan, value_end: ValueEnd, path: Path) -> Records:
    """Return what a plan makes of the records; the entries that stay close up.

    A new entry's key is the number that it gets, or the next one behind the entries as they were.

    Raises:
        KeyRejected: a value is not exactly one pickle, or a new key is no such number.
        ChangedOnDisk: there is an entry of a new key by now.
    """
    changed = ChangedRecords(records, made)
    first = len(changed) - len(made.inserted)
    for place, (key, value) in enumerate(made.inserted):
        number = first + place
        if key not in (b"%d" % number, b"%d" % (len(records) + place)):
            if _is_number_below(key, len(records)):
                raise changed_on_disk(path, [key])
            raise rejected(path, key, f"entries are numbered, and the next one's key is '{number}'")
        _check(path, key, value, value_end)
    for row, value in made.replaced.items():
        _check(path, records.key(row), value, value_end)
    return _Numbered(changed)


def _is_number_below(key: bytes, limit: int) -> bool:
    digits = len(b"%d" % limit)
    return key.isdigit() and len(key) <= digits and int(key) < limit and key == b"%d" % int(key)


def _check(path: Path, key: bytes, value: bytes, value_end: ValueEnd) -> None:
    if not is_one_value(value, value_end):
        raise rejected(path, key, _NO_PICKLE)


class _Numbered(Records):
    """Other records under the numbers of their rows."""

    may_repeat = False

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
