"""All rows of the table ``Dict``, compared in constant memory: hashed column by column, large values streamed."""

import contextlib
import sqlite3
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, Final

from app.backends.records import PIECE_BYTES
from app.backends.sqlite.batches import Text
from app.backends.sqlite.joined import BETWEEN, JoinedRows, can_join, joined_rows
from app.backends.sqlite.schema import FIRST_ROWID, LAST_ROWID
from app.cancel import CancelToken

_LARGE: Final = 1 << 14
"""Bytes: longer values are streamed, so that many rows can be fetched at once."""

_ROWS_AT_ONCE: Final = 512
_JOINED: Final = 2048
"""Rows that SQLite is asked to join."""
_MISSES: Final = 8
"""How many times more than others rows may turn out to be unusual before none are joined any more."""

_COUNT: Final = "SELECT count(*) FROM Dict NOT INDEXED"
"""Through an index SQLite could count other rows than the table has, where the file is damaged."""
_LAST_OF_SOME: Final = "SELECT rowid FROM Dict WHERE rowid >= ? ORDER BY rowid LIMIT 1 OFFSET ?"
_ROWS: Final = (
    f"SELECT rowid, key, CASE WHEN length(value) <= {_LARGE} OR typeof(value) IN ('integer', 'real')"  # noqa: S608 - only constants
    " THEN value END FROM Dict WHERE rowid BETWEEN ?1 AND ?2 AND +rowid >= ?1 ORDER BY rowid"
)
_TYPE_OF_VALUE: Final = "SELECT typeof(value) FROM Dict WHERE rowid = ?"

BLOB: Final = 0
_TEXT: Final = 1
_NULL: Final = 4
_TYPES: Final = {bytes: BLOB, Text: _TEXT, int: 2, float: 3, type(None): _NULL}
"""Numbers for the types of cells."""
_STREAMED: Final = {b"blob": BLOB, b"text": _TEXT}


@dataclass(frozen=True, slots=True)
class StoredRow:
    """A row that is compared by itself: the types of its cells, and the SHA-256 of its value."""

    key: bytes
    key_type: int
    value_type: int
    value_sha256: bytes


@dataclass(frozen=True, slots=True)
class _Block:
    """Columns of some rows; a value is None where it is large or there is none."""

    rowids: Sequence[int]
    keys: Sequence[bytes]
    key_types: bytes
    values: Sequence[Any]
    value_types: bytes

    def only(self, rows: list[int]) -> "_Block":
        return _Block(
            [self.rowids[row] for row in rows],
            [self.keys[row] for row in rows],
            bytes(self.key_types[row] for row in rows),
            [self.values[row] for row in rows],
            bytes(self.value_types[row] for row in rows),
        )


class TableDigest:
    """What all rows of the table are, in order, but for those of some keys: these are kept ``apart``, by rowid.

    ``counts_rowids``: SQLite may number rows anew when it packs them. ``is_second_half``: of the progress of a save.
    """

    def __init__(
        self,
        connection: sqlite3.Connection,
        token: CancelToken,
        keys: Collection[bytes] = (),
        *,
        counts_rowids: bool = True,
        is_second_half: bool = False,
    ) -> None:
        self.apart: dict[int, StoredRow] = {}
        self._connection = connection
        self._token = token
        self._counts_rowids = counts_rowids
        self._wanted = frozenset(keys)
        self._count: int
        (self._count,) = connection.execute(_COUNT).fetchone()
        self._before = self._count if is_second_half else 0
        self._start()
        if not self._add_quickly():
            self._start()
            self._add_rows(FIRST_ROWID, LAST_ROWID)

    def _start(self) -> None:
        # Each column is a stream of its own, so that it does not matter which rows were taken together.
        self._rowids, self._keys, self._values, self._types = (sha256() for _ in range(4))
        self.apart.clear()
        self._done = 0

    def _advance(self, more: int = 0) -> None:
        self._token.advance(self._before + min(self._done + more, self._count), 2 * self._count)

    def _add_quickly(self) -> bool:
        """Add all rows, the usual ones joined by SQLite; tell whether none was passed over, as can be after damage.

        No row is in two of the ranges that are asked for, so that as many rows as there are must be all of them.
        """
        first, chances = FIRST_ROWID, _MISSES if can_join(self._connection) else 0
        while chances and first <= LAST_ROWID:
            self._advance()
            last = self._last_from(first)
            if last < first:
                return False
            joined = joined_rows(self._connection, first, last, self._wanted)
            if joined is None:
                self._add_rows(first, last)
            else:
                self._add_joined(joined)
            chances += -1 if joined is None else 1
            first = last + 1
        if first <= LAST_ROWID:
            self._add_rows(first, LAST_ROWID)
        return self._done == self._count

    def _last_from(self, first: int) -> int:
        """Return where some rows end that begin at a rowid."""
        found = self._connection.execute(_LAST_OF_SOME, (first, _JOINED - 1)).fetchone()
        return found[0] if found else LAST_ROWID

    def _add_joined(self, rows: JoinedRows) -> None:
        if self._counts_rowids:
            self._rowids.update(rows.rowids + b",")
        self._keys.update(rows.keys + BETWEEN)
        self._values.update(rows.values + BETWEEN)
        self._types.update(bytes(rows.count))
        self._done += rows.count

    def _add_rows(self, first: int, last: int) -> None:
        """Add the rows from one rowid to another."""
        for block in self._blocks(first, last):
            self._advance()
            others = block if self._wanted.isdisjoint(block.keys) else self._others(block)
            if len(others.keys):
                self._add(others)
            self._done += len(block.keys)

    @property
    def digest(self) -> bytes:
        """The digest of all rows that are not kept apart."""
        return b"".join(each.digest() for each in (self._rowids, self._keys, self._values, self._types))

    def _blocks(self, first: int, last: int) -> Iterator[_Block]:
        with contextlib.closing(self._connection.execute(_ROWS, (first, last))) as cursor:
            while rows := cursor.fetchmany(_ROWS_AT_ONCE):
                rowids, keys, values = zip(*rows, strict=True)
                key_types, value_types = _types_of(keys), _types_of(values)
                shown = keys if _are_blobs(key_types) else tuple(map(_bytes_of, keys))
                yield _Block(rowids, shown, key_types, values, value_types)

    def _others(self, block: _Block) -> _Block:
        """Keep the rows of the wanted keys apart; return the others."""
        others = [row for row, key in enumerate(block.keys) if key not in self._wanted]
        for row in sorted(set(range(len(block.keys))) - set(others)):
            value_type, pieces = self._value(block, row)
            sum_so_far = sha256()
            for piece in pieces:
                sum_so_far.update(piece)
            stored = StoredRow(block.keys[row], block.key_types[row], value_type, sum_so_far.digest())
            self.apart[block.rowids[row]] = stored
        return block.only(others)

    def _add(self, block: _Block) -> None:
        if self._counts_rowids:
            self._rowids.update("".join(f"{rowid}," for rowid in block.rowids).encode())
        self._keys.update(_each_ended(block.keys))
        if _are_blobs(block.value_types):
            self._values.update(_each_ended(block.values))
            types = block.value_types
        else:
            types = self._add_unusual_values(block)
        is_usual = _are_blobs(types) and _are_blobs(block.key_types)
        pairs = zip(block.key_types, types, strict=True)
        self._types.update(types if is_usual else bytes(16 * key + value for key, value in pairs))

    def _add_unusual_values(self, block: _Block) -> bytes:
        """Add values that are large or no blobs; return their types."""
        types = bytearray()
        for row in range(len(block.rowids)):
            self._advance(row)
            value_type, pieces = self._value(block, row)
            for piece in pieces:
                self._values.update(piece)
            self._values.update(BETWEEN)
            types.append(value_type)
        return bytes(types)

    def _value(self, block: _Block, row: int) -> tuple[int, Iterator[bytes]]:
        """Return type and pieces of a value."""
        if block.value_types[row] != _NULL:
            return block.value_types[row], iter((_bytes_of(block.values[row]),))
        rowid = block.rowids[row]
        streamed = _STREAMED.get(self._connection.execute(_TYPE_OF_VALUE, (rowid,)).fetchone()[0])
        return (_NULL, iter(())) if streamed is None else (streamed, self._streamed(rowid))

    def _streamed(self, rowid: int) -> Iterator[bytes]:
        with self._connection.blobopen("Dict", "value", rowid, readonly=True) as blob:
            while piece := blob.read(PIECE_BYTES):
                self._token.check()
                yield piece


def _types_of(cells: Sequence[Any]) -> bytes:
    if set(map(type, cells)) == {bytes}:
        return bytes(len(cells))
    return bytes(map(_TYPES.__getitem__, map(type, cells)))


def _are_blobs(types: bytes) -> bool:
    return types.count(BLOB) == len(types)


def _each_ended(cells: Sequence[bytes]) -> bytes:
    """Return cells joined, `BETWEEN` behind each."""
    return BETWEEN.join((*cells, b""))


def _bytes_of(cell: object) -> bytes:
    if isinstance(cell, bytes):
        return bytes(cell)
    return b"" if cell is None else str(cell).encode()
