"""Many usual rows of ``Dict`` at once: blobs as ``dbm.sqlite3`` writes them, short values along with their keys."""

import contextlib
import sqlite3
from array import array
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate, islice
from operator import lt
from typing import Any, Final

from app.backends.key_index import IndexChunk
from app.backends.sqlite.errors import primary_code

_ROWS_AT_ONCE: Final = 256
_LONG_KEY: Final = 1024
_LONG_VALUE: Final = 256
"""Bytes: such values mostly lie on other pages than their rows, and are left for when somebody asks."""

SHORT_ROWS: Final = (
    f"SELECT rowid, CASE WHEN length(key) <= {_LONG_KEY} THEN key END,"  # noqa: S608 - only constants
    f" CASE WHEN length(value) <= {_LONG_VALUE} THEN value END FROM Dict WHERE rowid >= ?1 ORDER BY rowid LIMIT ?2"
)
"""Rowid, key and value; nothing instead of a long one."""

USUAL_ROWS: Final = (
    f"SELECT rowid, CASE WHEN typeof(key) = 'blob' AND length(key) <= {_LONG_KEY} THEN key END, length(value),"  # noqa: S608 - only constants
    f" CASE WHEN typeof(value) <> 'blob' THEN 1 WHEN length(value) <= {_LONG_VALUE} THEN value END"
    " FROM Dict WHERE rowid >= ?1 ORDER BY rowid LIMIT ?2"
)
"""Rowid, key, size of the value in bytes and the value; what is not usual gives a number or nothing instead."""

WHOLE_BATCH: Final = 2048
"""Rows that are asked for with all their values at once: the processor's caches can hold them."""
WHOLE_ROWS: Final = "SELECT rowid, key, value FROM Dict WHERE rowid >= ?1 ORDER BY rowid LIMIT ?2"
LONGEST_CELL: Final = 1 << 14
"""Bytes of the longest key or value that `WHOLE_ROWS` may meet."""
_WHOLE_BYTES: Final = 8 << 20
"""Bytes of values after which a batch of whole rows ends."""


@dataclass(frozen=True, slots=True)
class Batch:
    """A chunk of the index with its values; None for a long one, of which there is none when ``is_whole``."""

    chunk: IndexChunk
    values: Sequence[bytes | None]
    is_whole: bool


class Text(bytes):
    """What SQLite holds as text: bytes that are told from those of a blob by their type."""


@contextlib.contextmanager
def no_cell_beyond(size: int | None, connection: sqlite3.Connection) -> Iterator[None]:
    """Let SQLite read no cell of more bytes for a while; None for what it reads by itself."""
    before = connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, -1 if size is None else size)  # -1 changes nothing
    try:
        yield
    finally:
        connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, before)


def gather_whole(cursor: sqlite3.Cursor, start: int) -> Batch | None:
    """Return what `WHOLE_ROWS` gives up to the first row that is long or not usual, or None when there is none before.

    ``cursor``: of a connection that refuses cells of more than `LONGEST_CELL` bytes.
    """
    gathered, room = _Gathered(start), _WHOLE_BYTES
    try:
        for rowids, keys, values in _columns(cursor):
            if set(map(type, values)) != {bytes}:
                break
            sizes = list(map(len, values))
            if not gathered.add(rowids, keys, sizes, values):
                break
            room -= sum(sizes)
            if room < 0:
                break
    except sqlite3.DataError as error:
        if primary_code(error) != sqlite3.SQLITE_TOOBIG:
            raise
    return gathered.batch(is_whole=True)


def gather_short(cursor: sqlite3.Cursor, start: int) -> Batch | None:
    """Return what `SHORT_ROWS` gives, or None when a row is long or not usual, or there is none."""
    gathered = _Gathered(start)
    for rowids, keys, values in _columns(cursor):
        if set(map(type, values)) != {bytes} or not gathered.add(rowids, keys, map(len, values), values):
            return None
    return gathered.batch(is_whole=True)


def gather_usual(cursor: sqlite3.Cursor, start: int) -> Batch | None:
    """Return what `USUAL_ROWS` gives, or None when a row is not usual, or there is none."""
    gathered = _Gathered(start)
    for rowids, keys, sizes, values in _columns(cursor):
        if not set(map(type, values)) <= {bytes, type(None)} or not gathered.add(rowids, keys, sizes, values):
            return None
    return gathered.batch(is_whole=False)


def _columns(cursor: sqlite3.Cursor) -> Iterator[tuple[tuple[Any, ...], ...]]:
    """Yield columns of a few rows at a time, which the processor's caches can hold."""
    with contextlib.closing(cursor):
        while rows := cursor.fetchmany(_ROWS_AT_ONCE):
            yield tuple(zip(*rows, strict=True))


class _Gathered:
    """The columns of a batch in the making, whose rowids rise from one on."""

    def __init__(self, start: int) -> None:
        self._before = start - 1
        self._keys: list[bytes] = []
        self._values: list[bytes | None] = []
        self._ends, self._rowids, self._sizes = array("q"), array("q"), array("q")
        self._end = 0

    def add(
        self, rowids: Sequence[int], keys: Sequence[Any], sizes: Iterable[int], values: Iterable[bytes | None]
    ) -> bool:
        """Take some rows, if all of their keys are short blobs and they come in order; tell whether that is so.

        Pages that damage leads to again would be listed without end.
        """
        if set(map(type, keys)) != {bytes}:
            return False
        if rowids[0] <= self._before or not all(map(lt, rowids, islice(rowids, 1, None))):
            return False
        self._before = rowids[-1]
        self._keys.append(b"".join(keys))
        ends = accumulate(map(len, keys), initial=self._end)
        next(ends)
        # Arrays are made of lists and tuples much faster than of anything else.
        self._ends.extend(array("q", list(ends)))
        self._end = self._ends[-1]
        self._rowids.extend(array("q", rowids))
        self._sizes.extend(array("q", list(sizes)))
        self._values.extend(values)
        return True

    def batch(self, *, is_whole: bool) -> Batch | None:
        if not self._values:
            return None
        return Batch(IndexChunk(b"".join(self._keys), self._ends, self._rowids, self._sizes), self._values, is_whole)
