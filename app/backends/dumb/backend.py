"""``dbm.dumb``: values in ``.dat``, a text index in ``.dir``, the index before that in ``.bak``."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from typing import ClassVar

from app.backends.base import Backend, Change, Expected, Match, Problem, SaveOptions, SaveReport
from app.backends.binary import open_regular
from app.backends.dumb.check import check_dumb
from app.backends.dumb.compact import DumbCompact
from app.backends.dumb.index import (
    CHECK_EVERY,
    MAX_PROBLEMS,
    DumbFiles,
    DumbIndex,
    IndexStyle,
    first_entries,
    read_index_file,
    style_of,
)
from app.backends.dumb.save import DumbSave
from app.backends.dumb.write import DumbWriter
from app.backends.file_operations import FileOperations
from app.backends.files import Signature, companion, read_range, signature, why_not_replaceable
from app.backends.key_index import FIRST_CHUNK, ChunkBuilder, IndexChunk
from app.backends.records import PIECE_BYTES
from app.cancel import CancelToken
from app.errors import CannotOpen, ReadOnlyDatabase, StaleIndex

_VALUES_AT_ONCE = 256
_SMALL = 1 << 14
"""Bytes: longer values are read one by one."""


class DumbBackend(Backend):
    """The three files behind ``dbm.dumb``; a locator is a position in ``.dat`` in bytes.

    No file stays open between calls: nothing of ours stands in the way of the program that owns them.
    """

    format_id: ClassVar[str] = "dumb"

    def __init__(self, match: Match, operations: FileOperations | None = None) -> None:
        super().__init__(match)
        self._files = DumbFiles(*(companion(match.base, suffix) for suffix in (".dat", ".dir", ".bak")))
        self.operations = operations or self.operations
        self._indexed: Signature | None = None
        self._index_is_older = False
        self._now: tuple[Signature | None, DumbIndex] | None = None
        open_regular(self._files.dat).close()
        if signature(self._files.dir) is None and signature(self._files.bak) is None:
            message = f"{self._files.dat.name} has no index: neither {self._files.dir.name} nor a .bak is beside it."
            raise CannotOpen(message, path=self._files.dat)

    @property
    def why_read_only(self) -> str:
        # Where a crash left .bak alone, it is the whole index as it was last written: a save makes .dir of it.
        if len(self.problems) > self._index_is_older:
            return f"{self.match.base.name} is damaged, and saving could lose more of it: salvage it into a new one."
        files = (self._files.dat, self._files.bak if self._index_is_older else self._files.dir)
        return why_not_replaceable(files)

    def index(self, token: CancelToken) -> Iterator[IndexChunk]:
        """Yield all entries.

        A later line of ``.dir`` wins over an earlier one of the same key: when any of the first keys may come
        again, or their lines are unusual, the whole index is read before the first chunk.

        Raises:
            StaleIndex: another program wrote meanwhile.
        """
        self.problems.clear()
        self._index_is_older = False
        self._now = None
        self._indexed = signature(self._files.dir)
        builder = ChunkBuilder()
        first = self._first_entries(token)
        for entry in first:
            builder.add(*entry)
        if first:
            yield builder.take()
        index = self._read(token)
        if not index.begins_with(first):
            raise self._stale()
        self.problems += index.all_problems()
        for entry in self._entries_within(index, len(first), token):
            if builder.add(*entry):
                yield builder.take()
        if len(builder):
            yield builder.take()

    def _first_entries(self, token: CancelToken) -> list[tuple[bytes, int, int]]:
        """Return the entries of the first chunk where they can be known early, else nothing."""
        if self._indexed is None:
            return []
        first = first_entries(self._files.dir, FIRST_CHUNK, token)
        there = self._dat_size()
        return first if all(position + size <= there for _, position, size in first) else []

    def _dat_size(self) -> int:
        now = signature(self._files.dat)
        return now.size if now else 0

    def _entries_within(self, index: DumbIndex, first_row: int, token: CancelToken) -> Iterator[tuple[bytes, int, int]]:
        """Yield the entries from a row on whose values lie inside ``.dat``; the others become problems."""
        dat, there = self._files.dat.name, self._dat_size()
        outside = 0
        for row, key in enumerate(islice(index.rows, first_row, None), first_row):
            if row % CHECK_EVERY == 0:
                token.advance(row, len(index))
            position, size = index.positions[row], index.sizes[row]
            if position + size <= there:
                yield key, position, size
                continue
            outside += 1
            if outside <= MAX_PROBLEMS:
                self.problems.append(
                    Problem(f"A value of {size:,} bytes should be in {dat}, beyond its end.", position)
                )
        if outside > MAX_PROBLEMS:
            self.problems.append(Problem(f"{outside - MAX_PROBLEMS:,} more values should be beyond the end of {dat}."))

    def _read(self, token: CancelToken) -> DumbIndex:
        """Return the index, completed from ``.bak`` where ``.dir`` is missing, cut off or was emptied by a crash."""
        has_older = signature(self._files.bak) is not None
        if has_older and signature(self._files.dir) is None:
            older = read_index_file(self._files.bak, token)
            sentence = f"{self._files.dir.name} is missing: shown is the index before it, {self._files.bak.name}."
            older.problems.insert(0, Problem(sentence))
            self._index_is_older = True
            return older
        index = read_index_file(self._files.dir, token)
        if has_older and (not len(index) or index.last_is_cut):
            older = read_index_file(self._files.bak, token)
            is_lost = index.is_lost_beside(older)
            if is_lost or index.last_is_cut:
                self._complete(index, older, "empty" if is_lost else "cut off")
        return index

    def _complete(self, index: DumbIndex, older: DumbIndex, how: str) -> None:
        missing = [key for key in older.rows if key not in index.rows]
        for key in missing:
            index.put(key, older.slot(older.rows[key]))
        if missing:
            start = f"{self._files.dir.name} is {how}: {len(missing):,} of the entries are from "
            index.problems.append(Problem(f"{start}{self._files.bak.name} and may be old or deleted ones."))

    def read(self, key: bytes, locator: int, size: int) -> bytes:
        return self._read_checked(key, locator, size, size)

    def read_prefix(self, key: bytes, locator: int, size: int, limit: int) -> bytes:
        return self._read_checked(key, locator, size, min(size, limit))

    def _read_checked(self, key: bytes, locator: int, size: int, wanted: int) -> bytes:
        if not self._still_there(key, locator, size):
            raise self._stale()
        value = read_range(self._files.dat, locator, wanted)
        if len(value) < wanted:
            raise self._stale()
        return value

    def _still_there(self, key: bytes, locator: int, size: int) -> bool:
        """Tell whether the index as it is now gives the key that place; it is read again only when it changed."""
        now = signature(self._files.dir)
        if now is not None and now == self._indexed:
            return True
        if self._now is None or self._now[0] != now:
            self._now = now, self._read(CancelToken())
        index = self._now[1]
        row = index.rows.get(key)
        return row is not None and index.slot(row)[:2] == (locator, size)

    def _stale(self) -> StaleIndex:
        return StaleIndex(
            f"{self.match.base.name} was changed by another program: read it again.", path=self._files.dir
        )

    def values(self, chunk: IndexChunk) -> Iterator[bytes]:
        now = signature(self._files.dir)
        if now is None or now != self._indexed:
            yield from super().values(chunk)
            return
        for first in range(0, len(chunk), _VALUES_AT_ONCE):
            rows = slice(first, first + _VALUES_AT_ONCE)
            places, sizes = chunk.locators[rows], chunk.sizes[rows]
            if max(sizes) > _SMALL:
                rest = range(first, first + len(sizes))
                yield from (self.read(chunk.key(row), chunk.locators[row], chunk.sizes[row]) for row in rest)
            else:
                yield from self._small_values(places, sizes)

    def _small_values(self, places: Sequence[int], sizes: Sequence[int]) -> list[bytes]:
        """Return values read with the file opened once; it must not stay open while somebody looks at them."""
        values: list[bytes] = []
        with open_regular(self._files.dat) as file:
            for place, size in zip(places, sizes, strict=True):
                file.seek(place)
                value = file.read(size)
                if len(value) != size:
                    raise self._stale()
                values.append(value)
        return values

    def pieces(self, key: bytes, locator: int, size: int) -> Iterator[bytes]:
        if size <= PIECE_BYTES:
            return super().pieces(key, locator, size)
        return self._large_pieces(key, locator, size)

    def _large_pieces(self, key: bytes, locator: int, size: int) -> Iterator[bytes]:
        for start in range(locator, locator + size, PIECE_BYTES):
            if not self._still_there(key, locator, size):
                raise self._stale()
            piece = read_range(self._files.dat, start, min(PIECE_BYTES, locator + size - start))
            if len(piece) < min(PIECE_BYTES, locator + size - start):
                raise self._stale()
            yield piece

    def check_structure(self, token: CancelToken) -> Iterator[Problem]:
        return check_dumb(self._files, token)

    def apply(
        self, changes: Sequence[Change], expected: Mapping[int, Expected], options: SaveOptions, token: CancelToken
    ) -> SaveReport:
        self._refuse_read_only()
        return DumbSave(self._files, self.operations, token).run(changes, expected, options)

    def compact(self, options: SaveOptions, token: CancelToken) -> SaveReport:
        self._refuse_read_only()
        return DumbCompact(self._files, self.operations, token).run()

    def _refuse_read_only(self) -> None:
        if reason := self.why_read_only:
            raise ReadOnlyDatabase(reason, path=self.match.path)

    def writer(self) -> DumbWriter:
        there = next((path for path in self._files[1:] if path.exists()), None)
        return DumbWriter(DumbBackend, style=style_of(there) if there else IndexStyle())

    def close(self) -> None:
        self._now = None
