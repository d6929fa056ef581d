"""Many usual rows of ``Dict`` at once: blobs as ``dbm.sqlite3`` writes them, short values along with their keys."""

import contextlib
import sqlite3
from array import array
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate, islice
from typing import Any, Final

from app.backends.key_index import IndexChunk

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


@dataclass(frozen=True, slots=True)
class Batch:
    """A chunk of the index with its values; None for a long one."""

    chunk: IndexChunk
    values: Sequence[bytes | None]


class Text(bytes):
    """What SQLite holds as text: bytes that are told from those of a blob by their type."""


def gather_short(cursor: sqlite3.Cursor) -> Batch | None:
    """Return what `SHORT_ROWS` gives, or None when a row is long or not usual, or there is none."""
    gathered = _Gathered()
    for rowids, keys, values in _columns(cursor):
        if set(map(type, values)) != {bytes} or not gathered.add(rowids, keys, map(len, values), values):
            return None
    return gathered.batch()


def gather_usual(cursor: sqlite3.Cursor) -> Batch | None:
    """Return what `USUAL_ROWS` gives, or None when a row is not usual, or there is none."""
    gathered = _Gathered()
    for rowids, keys, sizes, values in _columns(cursor):
        if not set(map(type, values)) <= {bytes, type(None)} or not gathered.add(rowids, keys, sizes, values):
            return None
    return gathered.batch()


def _columns(cursor: sqlite3.Cursor) -> Iterator[tuple[tuple[Any, ...], ...]]:
    """Yield columns of a few rows at a time, which the processor's caches can hold."""
    with contextlib.closing(cursor):
        while rows := cursor.fetchmany(_ROWS_AT_ONCE):
            yield tuple(zip(*rows, strict=True))


class _Gathered:
    """The columns of a batch in the making."""

    def __init__(self) -> None:
        self._keys: list[bytes] = []
        self._values: list[bytes | None] = []
        self._ends, self._rowids, self._sizes = array("q"), array("q"), array("q")
        self._end = 0

    def add(
        self, rowids: Iterable[int], keys: Sequence[Any], sizes: Iterable[int], values: Iterable[bytes | None]
    ) -> bool:
        """Take some rows, if all of their keys are short blobs; tell whether they are."""
        if set(map(type, keys)) != {bytes}:
            return False
        self._keys.append(b"".join(keys))
        self._ends.extend(islice(accumulate(map(len, keys), initial=self._end), 1, None))
        self._end = self._ends[-1]
        self._rowids.extend(rowids)
        self._sizes.extend(sizes)
        self._values.extend(values)
        return True

    def batch(self) -> Batch | None:
        if not self._values:
            return None
        return Batch(IndexChunk(b"".join(self._keys), self._ends, self._rowids, self._sizes), self._values)
