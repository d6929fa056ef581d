"""Writing CDB files from start to end: the head, the entries in their order, the hash tables."""

from array import array
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import chain
from pathlib import Path
from typing import ClassVar, Final

from app.backends.base import Backend, Match
from app.backends.cdb.layout import HEAD, LIMIT, PAIR, TABLES, key_hash, table_of
from app.backends.changes import key_text
from app.backends.key_index import IndexChunk
from app.backends.records import Records, batches
from app.backends.writer import CreateOptions, ImageWriter, refuse_unknown
from app.cancel import CancelToken
from app.errors import KeyRejected

_MANY: Final = 1 << 16
"""Entries from which on numpy is worth its import."""
_OVERHEAD: Final = PAIR.size + 2 * PAIR.size
"""Bytes of an entry beyond key and value: its lengths, and two slots."""


class CdbWriter(ImageWriter):
    """CDB has no choices: every file is little-endian, and keys may repeat."""

    format_id: ClassVar[str] = "cdb"
    packing = PAIR
    holds_duplicates = True

    def __init__(self, opener: Callable[[Match], Backend], options: CreateOptions | None = None) -> None:
        refuse_unknown(options or CreateOptions(), self.format_id)
        self._opener = opener

    def why_refused(self, key: bytes, value_size: int) -> str:
        if HEAD.size + len(key) + value_size + _OVERHEAD > LIMIT:
            return "a CDB file ends at 4 GiB"
        return ""

    def images(self, records: Records, token: CancelToken) -> tuple[Iterable[bytes], ...]:
        return (_image(records, _Layout(records, token), token),)

    def open(self, base: Path) -> Backend:
        return self._opener(Match(self.format_id, "CDB", "It was written as one.", base, base, (base,)))


class _Layout:
    """Hash and place of each entry: 8 bytes each."""

    def __init__(self, records: Records, token: CancelToken) -> None:
        self.hashes = array("I")
        self.places = array("I")
        self.end = HEAD.size
        self.is_large = len(records) >= _MANY
        room = LIMIT - 2 * PAIR.size * len(records)
        for chunk in records.chunks():
            token.check()
            self.hashes.extend(_hashes_of_many(chunk) if self.is_large else map(key_hash, _keys(chunk)))
            self._place(chunk, room)

    def _place(self, chunk: IndexChunk, room: int) -> None:
        if self.is_large and len(chunk) and (placed := _places_of_many(chunk, self.end, room)):
            places, self.end = placed
            self.places.extend(places)
            return
        start = 0
        for row, (end, size) in enumerate(zip(chunk.ends, chunk.sizes, strict=True)):
            following = self.end + PAIR.size + end - start + size
            if following > room:
                raise _too_much(chunk.key(row))
            self.places.append(self.end)
            self.end, start = following, end

    def tables(self, token: CancelToken) -> Iterator[bytes]:
        """Yield the slots of each table."""
        if self.is_large:
            yield from self._tables_of_many(token)
            return
        rows: list[list[int]] = [[] for _ in range(TABLES)]
        for row, hash_ in enumerate(self.hashes):
            rows[hash_ % TABLES].append(row)
        for chosen in rows:
            token.check()
            yield table_of([self.hashes[row] for row in chosen], [self.places[row] for row in chosen])

    def _tables_of_many(self, token: CancelToken) -> Iterator[bytes]:
        from app.backends.cdb import bulk  # noqa: PLC0415 - numpy takes longer to load than a small file to write

        rows, ends = bulk.tables_of(self.hashes)
        start = 0
        for end in ends.tolist():
            token.check()
            yield bulk.table_of(self.hashes, self.places, rows[start:end])
            start = end

    def head(self) -> bytes:
        """Return where each table lies, and how many slots it has."""
        numbers: list[int] = []
        place = self.end
        for count in self._counts():
            numbers += place, 2 * count
            place += 2 * count * PAIR.size
        return HEAD.pack(*numbers)

    def _counts(self) -> Sequence[int]:
        """Return how many entries each table leads to."""
        if self.is_large:
            return _counts_of_many(self.hashes)
        counts = [0] * TABLES
        for hash_ in self.hashes:
            counts[hash_ % TABLES] += 1
        return counts


def _image(records: Records, layout: _Layout, token: CancelToken) -> Iterator[bytes]:
    return batches(chain((layout.head(),), _entries(records, token), layout.tables(token)))


def _entries(records: Records, token: CancelToken) -> Iterator[bytes]:
    for piece in records.packed(0, len(records), PAIR):
        token.check()
        yield piece


def _keys(chunk: IndexChunk) -> Iterator[bytes]:
    return map(chunk.key, range(len(chunk)))


def _hashes_of_many(chunk: IndexChunk) -> "array[int]":
    from app.backends.cdb import bulk  # noqa: PLC0415 - as above

    return array("I", bulk.hashes_of(chunk).tobytes())


def _places_of_many(chunk: IndexChunk, start: int, room: int) -> tuple["array[int]", int] | None:
    from app.backends.cdb import bulk  # noqa: PLC0415 - as above

    return bulk.places_of(chunk, start, room)


def _counts_of_many(hashes: "array[int]") -> Sequence[int]:
    from app.backends.cdb import bulk  # noqa: PLC0415 - as above

    return bulk.counts_of(hashes)


def _too_much(key: bytes) -> KeyRejected:
    message = f"{key_text(key)} and what follows cannot be stored: a CDB file ends at 4 GiB. Nothing was written."
    return KeyRejected(message)
