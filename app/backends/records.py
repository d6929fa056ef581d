"""The entries of a database that is to be written: gone through as often as needed, values never all in memory."""

from abc import ABC, abstractmethod
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain
from struct import Struct

from app.backends.base import Backend
from app.backends.changes import Plan
from app.backends.key_index import ChunkBuilder, IndexChunk, KeyIndex

PIECE_BYTES = 1 << 20
"""Bytes of a value that are handed on at a time."""


class Records(ABC):
    """Entries in order; rows count from 0. Keys and sizes are in memory, values are read when they are asked for."""

    may_repeat: bool = True
    """Whether two entries can have the same key."""
    numbers_values: bool = False
    """Whether the keys are the places of the values in a row, as `Backend.numbers_values`, and gaps may be left."""

    @abstractmethod
    def __len__(self) -> int: ...

    @abstractmethod
    def chunks(self) -> Iterator[IndexChunk]:
        """Yield keys and sizes of values (bytes) of all rows in order; what the locators say is nobody's business."""

    @abstractmethod
    def key(self, row: int) -> bytes: ...

    @abstractmethod
    def size(self, row: int) -> int:
        """Return the length of a value in bytes."""

    @abstractmethod
    def pieces(self, row: int) -> Iterator[bytes]:
        """Yield a value in pieces of at most `PIECE_BYTES`; nothing for an empty one."""

    def value(self, row: int) -> bytes:
        """Return a whole value; for those that are known to be small."""
        return b"".join(self.pieces(row))

    def keys(self, start: int, end: int) -> Iterator[bytes]:
        """Yield the keys of successive rows; the quick way to many."""
        return map(self.key, range(start, end))

    def values(self, start: int, end: int) -> Iterator[bytes]:
        """Yield the whole values of successive rows, all of them known to be small; the quick way to many."""
        return map(self.value, range(start, end))

    def packed(self, start: int, end: int, lengths: Struct) -> Iterator[bytes]:
        """Yield successive rows, each as its two ``lengths``, key and value; cut anywhere, the quick way to many."""
        for row, key in zip(range(start, end), self.keys(start, end), strict=True):
            yield lengths.pack(len(key), self.size(row)) + key
            yield from self.pieces(row)


class StoredRecords(Records):
    """The entries of an indexed backend."""

    def __init__(self, backend: Backend, index: KeyIndex) -> None:
        self.may_repeat, self.numbers_values = backend.may_repeat, backend.numbers_values
        self._backend = backend
        self._index = index

    def __len__(self) -> int:
        return len(self._index)

    def chunks(self) -> Iterator[IndexChunk]:
        return iter(self._index.chunks)

    def key(self, row: int) -> bytes:
        return self._index.key(row)

    def size(self, row: int) -> int:
        return self._index.size(row)

    def pieces(self, row: int) -> Iterator[bytes]:
        return self._backend.pieces(*self._index.entry(row))

    def value(self, row: int) -> bytes:
        return self._backend.read(*self._index.entry(row))

    def keys(self, start: int, end: int) -> Iterator[bytes]:
        return (chunk.key(row) for chunk in self._index.slices(start, end) for row in range(len(chunk)))

    def values(self, start: int, end: int) -> Iterator[bytes]:
        return chain.from_iterable(map(self._backend.values, self._index.slices(start, end)))

    def packed(self, start: int, end: int, lengths: Struct) -> Iterator[bytes]:
        return chain.from_iterable(packed(self._backend, part, lengths) for part in self._index.slices(start, end))


class ChangedRecords(Records):
    """Other records with a plan laid over them, whose handles are their rows; inserted entries come last."""

    def __init__(self, records: Records, made: Plan) -> None:
        self.may_repeat, self.numbers_values = records.may_repeat, records.numbers_values
        self._old = records
        self._replaced: Mapping[int, bytes] = made.replaced
        self._removed = sorted(made.removed)
        # How many rows are kept before each removed one: rows count without the gaps.
        self._kept_before = [row - number for number, row in enumerate(self._removed)]
        self._inserted: Sequence[tuple[bytes, bytes]] = made.inserted
        self._kept = len(records) - len(self._removed)
        self._changes = sorted({*self._removed, *self._replaced})

    def __len__(self) -> int:
        return self._kept + len(self._inserted)

    def _old_row(self, row: int) -> int:
        return row + bisect_right(self._kept_before, row)

    def chunks(self) -> Iterator[IndexChunk]:
        first = 0
        for chunk in self._old.chunks():
            start, end = (bisect_left(self._changes, place) for place in (first, first + len(chunk)))
            yield self._changed(chunk, first) if start < end else chunk
            first += len(chunk)
        if self._inserted:
            yield _chunk_of([(key, len(value)) for key, value in self._inserted])

    def _changed(self, chunk: IndexChunk, first: int) -> IndexChunk:
        start, end = (bisect_left(self._removed, place) for place in (first, first + len(chunk)))
        removed = set(self._removed[start:end])
        kept = [row for row in range(len(chunk)) if first + row not in removed]
        return _chunk_of([(chunk.key(row), self._new_size(first + row, chunk.sizes[row])) for row in kept])

    def _new_size(self, old_row: int, size: int) -> int:
        return len(self._replaced[old_row]) if old_row in self._replaced else size

    def key(self, row: int) -> bytes:
        return self._old.key(self._old_row(row)) if row < self._kept else self._inserted[row - self._kept][0]

    def size(self, row: int) -> int:
        value = self._new_value(row)
        return self._old.size(self._old_row(row)) if value is None else len(value)

    def _new_value(self, row: int) -> bytes | None:
        if row >= self._kept:
            return self._inserted[row - self._kept][1]
        return self._replaced.get(self._old_row(row)) if self._replaced else None

    def pieces(self, row: int) -> Iterator[bytes]:
        value = self._new_value(row)
        return self._old.pieces(self._old_row(row)) if value is None else pieces_of(value)

    def value(self, row: int) -> bytes:
        value = self._new_value(row)
        return self._old.value(self._old_row(row)) if value is None else value

    def keys(self, start: int, end: int) -> Iterator[bytes]:
        for old, count in self._stretches(start, end):
            yield from self._old.keys(old, old + count)
        yield from (key for key, _value in self._inserted[max(start - self._kept, 0) : max(end - self._kept, 0)])

    def values(self, start: int, end: int) -> Iterator[bytes]:
        for old, count in self._stretches(start, end):
            if old in self._replaced:
                yield self._replaced[old]
            else:
                yield from self._old.values(old, old + count)
        yield from (value for _key, value in self._inserted[max(start - self._kept, 0) : max(end - self._kept, 0)])

    def packed(self, start: int, end: int, lengths: Struct) -> Iterator[bytes]:
        for old, count in self._stretches(start, end):
            if old in self._replaced:
                yield from _pack(self._old.key(old), self._replaced[old], lengths)
            else:
                yield from self._old.packed(old, old + count, lengths)
        for key, value in self._inserted[max(start - self._kept, 0) : max(end - self._kept, 0)]:
            yield from _pack(key, value, lengths)

    def _stretches(self, start: int, end: int) -> Iterator[tuple[int, int]]:
        """Yield the first of the old rows and how many there are between two changes; each replaced one by itself."""
        while start < min(end, self._kept):
            old, count = self._old_row(start), 1
            if old not in self._replaced:
                following = bisect_right(self._changes, old)
                last = self._changes[following] if following < len(self._changes) else len(self._old)
                count = min(last - old, min(end, self._kept) - start)
            yield old, count
            start += count


class RecordsAround(Records):
    """Other records as they are, for who does something more with them."""

    def __init__(self, records: Records) -> None:
        self.may_repeat, self.numbers_values = records.may_repeat, records.numbers_values
        self._records = records

    def __len__(self) -> int:
        return len(self._records)

    def chunks(self) -> Iterator[IndexChunk]:
        return self._records.chunks()

    def key(self, row: int) -> bytes:
        return self._records.key(row)

    def size(self, row: int) -> int:
        return self._records.size(row)

    def pieces(self, row: int) -> Iterator[bytes]:
        return self._records.pieces(row)

    def value(self, row: int) -> bytes:
        return self._records.value(row)

    def keys(self, start: int, end: int) -> Iterator[bytes]:
        return self._records.keys(start, end)

    def values(self, start: int, end: int) -> Iterator[bytes]:
        return self._records.values(start, end)


class SelectedRecords(RecordsAround):
    """Some rows of other records, in their order."""

    def __init__(self, records: Records, left_out: Sequence[int]) -> None:
        super().__init__(ChangedRecords(records, Plan(removed=set(left_out))))
        self.may_repeat = records.may_repeat

    def packed(self, start: int, end: int, lengths: Struct) -> Iterator[bytes]:
        return self._records.packed(start, end, lengths)


def packed(backend: Backend, chunk: IndexChunk, lengths: Struct) -> Iterator[bytes]:
    """Yield the entries of a chunk, each as its two ``lengths``, key and value, cut anywhere.

    Raises:
        StaleIndex, CorruptDatabase: as `Backend.read`.
    """
    return backend.packed(chunk, lengths) or batches(_packed_singly(backend, chunk, lengths))


def _packed_singly(backend: Backend, chunk: IndexChunk, lengths: Struct) -> Iterator[bytes]:
    if max(chunk.sizes, default=0) <= PIECE_BYTES:
        for row, value in enumerate(backend.values(chunk)):
            key = chunk.key(row)
            yield lengths.pack(len(key), len(value)) + key + value
        return
    for row, (locator, size) in enumerate(zip(chunk.locators, chunk.sizes, strict=True)):
        key = chunk.key(row)
        yield lengths.pack(len(key), size) + key
        yield from backend.pieces(key, locator, size)


def _pack(key: bytes, value: bytes, lengths: Struct) -> Iterator[bytes]:
    return chain((lengths.pack(len(key), len(value)) + key,), pieces_of(value))


def _chunk_of(entries: Sequence[tuple[bytes, int]]) -> IndexChunk:
    builder = ChunkBuilder()
    for key, size in entries:
        builder.add(key, 0, size)
    return builder.take()


def pieces_of(value: bytes) -> Iterator[bytes]:
    """Yield bytes in pieces of at most `PIECE_BYTES`."""
    if len(value) <= PIECE_BYTES:
        return iter((value,) if value else ())
    return (value[start : start + PIECE_BYTES] for start in range(0, len(value), PIECE_BYTES))


def batches(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """Yield the same bytes in pieces that are multiples of `PIECE_BYTES` but for the last.

    That makes fewer calls of the system, and holes at the borders of its blocks.
    """
    waiting: list[bytes] = []
    size = 0
    for piece in pieces:
        waiting.append(piece)
        size += len(piece)
        if size >= PIECE_BYTES:
            content = b"".join(waiting)
            size %= PIECE_BYTES
            yield content[: len(content) - size]
            waiting = [content[len(content) - size :]]
    if size:
        yield b"".join(waiting)
