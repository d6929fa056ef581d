"""Databases made for one test: a dbm.sqlite3 file with the values that the test needs."""

import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path

from app.cancel import CancelToken
from app.engine.child import ChildEngine


def make_sqlite(path: Path, entries: Mapping[bytes, bytes]) -> Path:
    """Write what CPython's dbm.sqlite3 would."""
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("PRAGMA synchronous = OFF")  # nobody pulls the plug, and hundreds of tests would wait
        connection.execute("CREATE TABLE Dict (key BLOB UNIQUE NOT NULL, value BLOB NOT NULL)")
        connection.executemany("INSERT INTO Dict VALUES (?, ?)", entries.items())
    return path


@contextmanager
def listed(path: Path) -> Iterator[ChildEngine]:
    """Return an engine in a process of its own that has a database open and knows its entries."""
    with closing(ChildEngine()) as engine:
        engine.open(str(path), CancelToken())
        list(engine.index(CancelToken()))
        yield engine


def read_sqlite(path: Path) -> dict[bytes, bytes]:
    """Read it with SQLite itself, not with our backend."""
    with closing(sqlite3.connect(path)) as connection:
        return dict(connection.execute("SELECT CAST(key AS BLOB), CAST(value AS BLOB) FROM Dict ORDER BY rowid"))
