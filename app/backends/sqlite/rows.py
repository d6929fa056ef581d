"""All rows of the table ``Dict``, compared in constant memory: hashed column by column, large values streamed."""

import contextlib
import sqlite3
from array import array
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, Final

from app.backends.records import PIECE_BYTES
from app.backends.sqlite.batches import Text
from app.cancel import CancelToken

_LARGE: Final = 1 << 14
"""Bytes: longer values are streamed, so that many rows can be fetched at once."""

_ROWS_AT_ONCE: Final = 512

_EVERY_ROW: Final = (
    f"SELECT rowid, key, CASE WHEN length(value) <= {_LARGE} OR typeof(value) IN ('integer', 'real')"  # noqa: S608 - only constants
    " THEN value END FROM Dict ORDER BY rowid"
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
        # Each column is a stream of its own, so that it does not matter which rows were fetched together.
        self._rowids, self._keys, self._values, self._types, self._key_sizes, self._value_sizes = (
            sha256() for _ in range(6)
        )
        wanted = frozenset(keys)
        (count,) = connection.execute("SELECT count(*) FROM Dict").fetchone()
        self._done, self._total = count if is_second_half else 0, 2 * count
        for block in self._blocks():
            token.advance(self._done, self._total)
            self._add(block if wanted.isdisjoint(block.keys) else self._others(block, wanted))
            self._done += len(block.keys)

    @property
    def digest(self) -> bytes:
        """The digest of all rows that are not kept apart."""
        sums = (self._rowids, self._keys, self._values, self._types, self._key_sizes, self._value_sizes)
        return b"".join(each.digest() for each in sums)

    def _blocks(self) -> Iterator[_Block]:
        with contextlib.closing(self._connection.execute(_EVERY_ROW)) as cursor:
            while rows := cursor.fetchmany(_ROWS_AT_ONCE):
                rowids, keys, values = zip(*rows, strict=True)
                key_types, value_types = _types_of(keys), _types_of(values)
                shown = keys if _are_blobs(key_types) else tuple(map(_bytes_of, keys))
                yield _Block(rowids, shown, key_types, values, value_types)

    def _others(self, block: _Block, wanted: frozenset[bytes]) -> _Block:
        """Keep the rows of the wanted keys apart; return the others."""
        others = [row for row, key in enumerate(block.keys) if key not in wanted]
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
            self._rowids.update(array("q", block.rowids))
        self._keys.update(b"".join(block.keys))
        self._key_sizes.update(_sizes_of(block.keys))
        if _are_blobs(block.value_types):
            self._values.update(b"".join(block.values))
            types, sizes = block.value_types, _sizes_of(block.values)
        else:
            types, sizes = self._add_unusual_values(block)
        self._value_sizes.update(sizes)
        is_usual = _are_blobs(types) and _are_blobs(block.key_types)
        pairs = zip(block.key_types, types, strict=True)
        self._types.update(types if is_usual else bytes(16 * key + value for key, value in pairs))

    def _add_unusual_values(self, block: _Block) -> tuple[bytes, "array[int]"]:
        """Add values that are large or no blobs; return their types and sizes (bytes)."""
        types, sizes = bytearray(), array("q")
        for row in range(len(block.rowids)):
            self._token.advance(self._done + row, self._total)
            value_type, pieces = self._value(block, row)
            size = 0
            for piece in pieces:
                self._values.update(piece)
                size += len(piece)
            types.append(value_type)
            sizes.append(size)
        return bytes(types), sizes

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


def _sizes_of(cells: Sequence[bytes]) -> "array[int]":
    return array("q", list(map(len, cells)))  # an array is made of a list much faster than of anything else


def _bytes_of(cell: object) -> bytes:
    if isinstance(cell, bytes):
        return bytes(cell)
    return b"" if cell is None else str(cell).encode()
