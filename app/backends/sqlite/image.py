"""All pages of a small SQLite file at one moment, as SQLite itself hands them out: with its locks, ``-wal`` and cache.

The file is never opened beside SQLite: closing any other descriptor of it would drop the locks of this process.
"""

import sqlite3
from dataclasses import dataclass
from typing import Final

from app.backends.sqlite.schema import is_plain
from app.limits import PAGES_IN_MEMORY

_LEAST: Final = 8 << 20
"""Bytes of a file from which on numpy, which takes the pages apart, is worth its import."""
_CAN_SERIALIZE: Final = hasattr(sqlite3.Connection, "serialize") and sqlite3.sqlite_version_info >= (3, 36)
"""SQLite can be built without this; before 3.30 it looked at more of a page before it read from it."""
_SIZE: Final = "SELECT page_count * page_size FROM pragma_page_count, pragma_page_size"
_TABLE: Final = "SELECT rootpage, sql FROM sqlite_master WHERE type = 'table' AND name = 'Dict' COLLATE NOCASE"


@dataclass(frozen=True, slots=True)
class Image:
    """The pages of a file, joined, and the number of the first one of the table ``Dict``."""

    content: bytes
    root: int


def image_of(connection: sqlite3.Connection) -> Image | None:
    """Return the pages; None where they are few or too many, or the table is not declared as dbm.sqlite3 does it."""
    if not _CAN_SERIALIZE:
        return None
    connection.execute("BEGIN")  # so that all that is asked is answered for the same moment
    try:
        tables = connection.execute(_TABLE).fetchall()
        ((size,),) = connection.execute(_SIZE).fetchall()
        if not _LEAST <= size <= PAGES_IN_MEMORY or len(tables) != 1 or not is_plain(tables[0][1]):
            return None
        content = _serialized(connection)
    finally:
        connection.execute("ROLLBACK")
    return None if content is None else Image(content, tables[0][0])


def _serialized(connection: sqlite3.Connection) -> bytes | None:
    try:
        return connection.serialize()
    except (MemoryError, sqlite3.OperationalError):  # the second one is how Python tells the same of SQLite
        return None
