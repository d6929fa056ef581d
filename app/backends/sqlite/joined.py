"""Many usual rows of ``Dict`` as a few long strings that SQLite itself puts together: to be hashed, not looked at."""

import sqlite3
from collections.abc import Collection
from dataclasses import dataclass
from secrets import token_bytes
from typing import Final

from app.backends.sqlite.batches import no_cell_beyond
from app.backends.sqlite.errors import primary_code

BETWEEN: Final = token_bytes(16)
"""Tells keys and values from each other; no file knows it, so that none has a key or value that holds it."""

_LONGEST: Final = 4 << 20
"""Bytes of the longest string that SQLite may put together."""
_FEW: Final = 4
"""Keys that are sought one after the other."""
# What is less than an empty blob is no blob. Comparing costs half of what asking for the type does.
# SQLite only begins at ?1, and would give lesser rowids that damage put behind it; the plus makes it look.
_ROWS: Final = (
    "SELECT count(*), total(key >= x'' AND value >= x''), group_concat(rowid), group_concat(key, ?3),"
    " group_concat(value, ?3) FROM Dict NOT INDEXED WHERE rowid BETWEEN ?1 AND ?2 AND +rowid >= ?1"
)
_JOIN: Final = "SELECT group_concat(part, ?1) FROM (SELECT ?2 AS part UNION ALL SELECT ?3)"
_PARTS: Final = (b"\xff\0\xd8\x00", b"\0\x80a\xdc")
"""What is text in no encoding."""


@dataclass(frozen=True, slots=True)
class JoinedRows:
    """Successive rows: their rowids as text with commas between, their keys and their values with `BETWEEN`."""

    count: int
    rowids: bytes
    keys: bytes
    values: bytes


def can_join(connection: sqlite3.Connection) -> bool:
    """Tell whether SQLite joins bytes as they are, which it does not where its text is UTF-16."""
    (joined,) = connection.execute(_JOIN, (BETWEEN, *_PARTS)).fetchone()
    return bool(joined == BETWEEN.join(_PARTS))


def joined_rows(connection: sqlite3.Connection, first: int, last: int, others: Collection[bytes]) -> JoinedRows | None:
    """Return the rows from one rowid to another when all of them are pairs of blobs, and none has one of some keys.

    None, too, when there are none, or what they hold is too long.
    """
    try:
        with no_cell_beyond(_LONGEST, connection):
            row = connection.execute(_ROWS, (first, last, BETWEEN)).fetchone()
    except sqlite3.DataError as error:
        if primary_code(error) != sqlite3.SQLITE_TOOBIG:
            raise
        return None
    count, usual, *columns = row
    if not count or usual != count or _has_one(columns[1], others):
        return None
    return JoinedRows(count, *columns)


def _has_one(joined: bytes, keys: Collection[bytes]) -> bool:
    """Tell whether one of some keys is among those that are joined."""
    if len(keys) > _FEW:
        return not frozenset(keys).isdisjoint(joined.split(BETWEEN))
    framed = b"".join((BETWEEN, joined, BETWEEN))
    return any(b"".join((BETWEEN, key, BETWEEN)) in framed for key in keys)
