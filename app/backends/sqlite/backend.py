"""The SQLite file behind ``dbm.sqlite3``, read without CPython's wrapper, so any Python reads it."""

import contextlib
import os
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from itertools import chain, pairwise
from typing import ClassVar, Final, cast

from app.backends.base import Backend, Change, Expected, Match, Problem, SaveOptions, SaveReport
from app.backends.changes import key_text
from app.backends.file_operations import FileOperations
from app.backends.files import companion, may, saving
from app.backends.key_index import CHUNK, FIRST_CHUNK, ChunkBuilder, IndexChunk
from app.backends.locks import writer_lock_seen
from app.backends.records import PIECE_BYTES
from app.backends.sqlite.access import ReadConnection, Row
from app.backends.sqlite.batches import (
    LONGEST_CELL,
    SHORT_ROWS,
    USUAL_ROWS,
    WHOLE_BATCH,
    WHOLE_ROWS,
    Batch,
    gather_short,
    gather_usual,
    gather_whole,
)
from app.backends.sqlite.cells import geometry_of
from app.backends.sqlite.check import CHECK, PAGE_SIZE, problems_of
from app.backends.sqlite.compact import SqliteCompact
from app.backends.sqlite.recovery import take_back_own
from app.backends.sqlite.save import SqliteSave
from app.backends.sqlite.schema import BY_ROWID, FIRST_ROWID, LAST_ROWID, SAVE_ELSEWHERE, study
from app.backends.sqlite.super_journal import names_super_journal
from app.backends.sqlite.write import SqliteWriter
from app.cancel import CancelToken
from app.errors import CorruptDatabase, ReadOnlyDatabase, StaleIndex

LARGE = 1 << 16
"""Bytes: longer values are not read whole for a prefix."""

_SMALL: Final = 512
"""Bytes of an average value above which most pages are no leaves, and are not read only to list keys."""


class SqliteBackend(Backend):
    """The table ``Dict`` of a SQLite file; a locator is a rowid, or the row's position where there are none."""

    format_id: ClassVar[str] = "sqlite3"

    def __init__(self, match: Match, operations: FileOperations | None = None) -> None:
        super().__init__(match)
        self._path = match.path.resolve()
        self.operations = operations or self.operations
        self._connection = ReadConnection(self._path)
        self._latest: Batch | None = None
        """The rows that were listed last: who goes through all values asks for these next."""
        self._indexed: tuple[object, ...] = ()
        self._types: Counter[tuple[bytes, ...]] = Counter()
        try:
            self._schema = study(self._connection.rows, self._path)
        except BaseException:
            self._connection.close()
            raise
        self._has_rowids = self._schema.queries is BY_ROWID

    @property
    def why_read_only(self) -> str:
        if self._schema.why_read_only:
            return self._schema.why_read_only
        if self.problems:
            return f"{self._path.name} is damaged, and saving could lose more of it: salvage it into a new one."
        if self._connection.has_hot_journal:
            return self._why_not_beside_a_journal
        if not may(self._path, os.W_OK) or not may(self._path.parent, os.W_OK | os.X_OK):
            return f"{self._path.name} or its folder is write-protected; {SAVE_ELSEWHERE}"
        return ""

    @property
    def _why_not_beside_a_journal(self) -> str:
        name, journal = self._path.name, companion(self._path, "-journal")
        if names_super_journal(journal):
            start = f"{journal.name} names a file that SQLite would delete when it recovers {name}"
            return f"{start}: take the journal away if you do not trust it, or {SAVE_ELSEWHERE}"
        start = f"A program died while it wrote {name}: let it recover the file first"
        return f"{start} (opening it there is enough), or {SAVE_ELSEWHERE}"

    @property
    def lock_seen(self) -> str:
        return writer_lock_seen(self._path) or writer_lock_seen(companion(self._path, "-shm"))

    def index(self, token: CancelToken) -> Iterator[IndexChunk]:
        return (chunk for chunk, _batch in self._listed(token, with_values=False))

    def scan(self, token: CancelToken) -> Iterator[tuple[IndexChunk, Iterator[bytes]]]:
        for chunk, batch in self._listed(token, with_values=True):
            yield chunk, self.values(chunk) if batch is None else self._of_batch(batch)

    def _listed(self, token: CancelToken, *, with_values: bool) -> Iterator[tuple[IndexChunk, Batch | None]]:
        """Yield all entries, and what else is known of them when several were found at once."""
        self.problems.clear()
        self.notes.clear()
        self._types.clear()
        self._indexed = ()
        start, listed = (FIRST_ROWID if self._has_rowids else 0), 0
        states: set[tuple[object, ...]] = set()
        for batch in self._batches(start, token, with_values=with_values):
            states.add(self._connection.state)
            self._types[b"blob", b"blob"] += len(batch.chunk)
            yield batch.chunk, batch
            start, listed = batch.chunk.locators[-1] + 1, listed + len(batch.chunk)
            token.advance(listed)
        builder = ChunkBuilder()
        for locator, key, size, key_type, value_type in self._rows(start, listed, token):
            self._types[key_type, value_type] += 1
            if key is None:
                self.report(f"Row {locator:,} has no key: it is not shown.")
            elif builder.add(key, locator, size):
                yield builder.take(), None
        if len(builder):
            yield builder.take(), None
        states.add(self._connection.state)
        self._indexed = self._connection.state if len(states) == 1 else ()
        self.notes += _notes(self._types)
        if self._connection.is_forced:
            self.report("The file is shorter than its header says: it was cut off.")

    def _batches(self, start: int, token: CancelToken, *, with_values: bool) -> Iterator[Batch]:
        """Yield usual rows from one on, up to the first that is not."""
        several, room = self._whole if with_values else self._usual, FIRST_CHUNK
        while batch := several(start, room, token):
            self._latest = batch
            yield batch
            start = batch.chunk.locators[-1] + 1
            if room == FIRST_CHUNK:
                for found in self._from_pages(batch, token, with_values=with_values):
                    yield found
                    start = found.chunk.locators[-1] + 1
            room = CHUNK

    def _from_pages(self, batch: Batch, token: CancelToken, *, with_values: bool) -> Iterator[Batch]:
        """Yield the rows behind the first ones, as far as all pages can be had at once and are plain."""
        if sum(batch.chunk.sizes) > _SMALL * len(batch.chunk):
            return
        image = None
        with contextlib.suppress(CorruptDatabase):
            image = self._connection.image(token)
        if image is None:
            return
        from app.backends.sqlite import bulk  # noqa: PLC0415 - numpy takes longer to load than a small file to list

        if rows := bulk.table_rows(image.content, geometry_of(image.content), image.root, token):
            yield from rows.batches(batch.chunk.locators[-1] + 1, with_values=with_values)

    def _usual(self, start: int, room: int, token: CancelToken) -> Batch | None:
        """Return the next rows if all of them are usual ones."""
        if not self._has_rowids or start > LAST_ROWID:
            return None
        rows = start, room
        try:
            short = self._connection.gathered(SHORT_ROWS, rows, partial(gather_short, start=start), token)
            return short or self._connection.gathered(USUAL_ROWS, rows, partial(gather_usual, start=start), token)
        except CorruptDatabase:  # the rows before and behind the damage are looked for one by one
            return None

    def _whole(self, start: int, room: int, token: CancelToken) -> Batch | None:
        """Return the next rows with their values; in front of one that is long or not usual, few and as `_usual`."""
        if not self._has_rowids or start > LAST_ROWID:
            return None
        rows, gather = (start, min(room, WHOLE_BATCH)), partial(gather_whole, start=start)
        try:
            whole = self._connection.gathered(WHOLE_ROWS, rows, gather, token, longest_cell=LONGEST_CELL)
        except CorruptDatabase:
            whole = None
        return whole or self._usual(start, FIRST_CHUNK, token)

    def _rows(self, start: int, listed: int, token: CancelToken) -> Iterator[Row]:
        """Yield locator, key, size and the two types of the rows from one on, ``listed`` being before it.

        A batch is a query: no lock outlives one.
        """
        room = CHUNK if listed else FIRST_CHUNK
        while start <= LAST_ROWID:
            try:
                rows = self._batch(start, room, token)
            except CorruptDatabase as error:
                yield from self._salvaged(start, error, token, is_first=not listed)
                return
            if not rows:
                return
            yield from rows
            start, room, listed = rows[-1][0] + 1, CHUNK, listed + len(rows)
            token.advance(listed)

    def _batch(self, start: int, room: int, token: CancelToken) -> list[Row]:
        rows = self._connection.rows(self._schema.queries.batch, (start, room), token)
        if self._has_rowids:
            if not _rise(start, [row[0] for row in rows]):
                raise CorruptDatabase(f"{self._path.name} leads back to rows that were listed.", path=self._path)
            return rows
        return [(start + position, *row[1:]) for position, row in enumerate(rows)]

    def _salvaged(self, start: int, error: CorruptDatabase, token: CancelToken, *, is_first: bool) -> Iterator[Row]:
        """Yield what can be read row by row before the damage and, from the end backwards, behind it."""
        last = start - 1
        for row in self._singly_up(start, token):
            yield row
            last = row[0]
        behind = self._first_behind(last, token) if self._has_rowids else None
        if behind is not None:
            yield from self._singly_up(behind, token)
        if is_first and last < start and behind is None:
            raise error
        border = "" if behind is None else f" and before row {behind:,}"
        place = f"behind row {last:,}" if last > FIRST_ROWID else "at the start"
        self.report(f"Rows {place}{border} cannot be read, and how many there are is not known: {error.message}")

    def _singly_up(self, start: int, token: CancelToken) -> Iterator[Row]:
        with contextlib.suppress(CorruptDatabase):
            while start <= LAST_ROWID and (rows := self._batch(start, 1, token)):
                token.check()
                yield rows[0]
                start = rows[0][0] + 1

    def _first_behind(self, stop: int, token: CancelToken) -> int | None:
        """Return the rowid behind the damage, which is looked for from the last row down, never as far as ``stop``."""
        first, start = None, LAST_ROWID
        with contextlib.suppress(CorruptDatabase):
            while start > stop and (rows := self._connection.rows(self._schema.queries.backward, (start, 1), token)):
                token.check()
                if not stop < rows[0][0] <= start:
                    break
                first = rows[0][0]
                start = first - 1
        return first

    def read(self, key: bytes, locator: int, size: int) -> bytes:
        value = self._checked(self._schema.queries.read, key, locator, size)
        return value if isinstance(value, bytes) else b""

    def read_prefix(self, key: bytes, locator: int, size: int, limit: int) -> bytes:
        is_large = size > LARGE and self._has_rowids
        if not is_large or self._checked(self._schema.queries.kind, key, locator, size) != b"blob":
            return self.read(key, locator, size)[:limit]
        return self._connection.prefix(locator, limit)

    def _checked(self, query: str, key: bytes, locator: int, size: int) -> object:
        """Return the third column of a row, once its key and the size of its value are those that were listed."""
        rows = self._connection.rows(query, (locator,))
        if not rows or rows[0][:2] != (key, size):
            if self._connection.state == self._indexed:
                message = f"The entry {key_text(key)} cannot be found again: {self._path.name} is damaged."
                raise CorruptDatabase(message, path=self._path)
            raise self._stale()
        value: object = rows[0][2]
        return value

    def values(self, chunk: IndexChunk) -> Iterator[bytes]:
        if not len(chunk) or not self._has_rowids:
            return super().values(chunk)
        is_known = self._latest is not None and self._latest.chunk is chunk and self._connection.is_current
        batch = self._latest if is_known else self._usual(chunk.locators[0], len(chunk), CancelToken())
        if batch is None or batch.chunk != chunk:
            return super().values(chunk)
        return self._of_batch(batch)

    def _of_batch(self, batch: Batch) -> Iterator[bytes]:
        return iter(cast("Sequence[bytes]", batch.values)) if batch.is_whole else self._of_incomplete(batch)

    def _of_incomplete(self, batch: Batch) -> Iterator[bytes]:
        chunk = batch.chunk
        for row, value in enumerate(batch.values):
            yield self.read(chunk.key(row), chunk.locators[row], chunk.sizes[row]) if value is None else value

    def pieces(self, key: bytes, locator: int, size: int) -> Iterator[bytes]:
        if size <= PIECE_BYTES or not self._has_rowids:
            return super().pieces(key, locator, size)
        return self._large_pieces(key, locator, size)

    def _large_pieces(self, key: bytes, locator: int, size: int) -> Iterator[bytes]:
        self._checked(self._schema.queries.kind, key, locator, size)
        yield from self._connection.pieces(locator, self._stale)

    def _stale(self) -> StaleIndex:
        return StaleIndex(f"{self._path.name} was changed by another program: read it again.", path=self._path)

    def check_structure(self, token: CancelToken) -> Iterator[Problem]:
        """Yield what SQLite's own check says of the whole file."""
        try:
            page_size = self._connection.rows(PAGE_SIZE)[0][0]
            yield from problems_of((row[0] for row in self._connection.rows(CHECK, token=token)), page_size)
        except CorruptDatabase as error:
            yield Problem(error.message, error.offset)

    def apply(
        self, changes: Sequence[Change], expected: Mapping[int, Expected], options: SaveOptions, token: CancelToken
    ) -> SaveReport:
        self._let_go()
        return SqliteSave(self._path, self.operations, token).run(changes, expected, options)

    def compact(self, options: SaveOptions, token: CancelToken) -> SaveReport:
        self._let_go()
        return SqliteCompact(self._path, self.operations, token).run(options)

    def _let_go(self) -> None:
        """Make sure that the file can be saved, and stop reading it."""
        self._connection.close()  # before another connection: SQLite must see who is alone with the file
        take_back_own(self._path, self.operations)
        with saving(self._path):
            self._connection.rows("SELECT 1")  # what lies beside the file now decides whether it can be saved
        if reason := self.why_read_only:
            raise ReadOnlyDatabase(reason, path=self._path)
        self.close()

    def writer(self) -> SqliteWriter:
        return SqliteWriter(SqliteBackend)

    def close(self) -> None:
        self._latest = None
        self._connection.close()


def _rise(start: int, rowids: Sequence[int]) -> bool:
    """Tell whether rows come in their order: pages that damage leads to again would be listed without end."""
    return all(one < other for one, other in pairwise(chain((start - 1,), rowids)))


def _notes(types: Counter[tuple[bytes, ...]]) -> Iterator[str]:
    """Yield what is unusual in what was stored under which type."""
    text_keys = sum(count for (key, _), count in types.items() if key == b"text")
    if text_keys:
        yield f"Keys stored as text: {text_keys:,}; Python's dbm.sqlite3 lists them but does not find them."
    numbers = sum(count for pair, count in types.items() if {b"integer", b"real"} & set(pair))
    if numbers:
        yield f"Entries with numbers of SQLite, shown as their text: {numbers:,}."
    nulls = sum(count for (_, value), count in types.items() if value == b"null")
    if nulls:
        yield f"Values that are NULL, shown as empty: {nulls:,}."
