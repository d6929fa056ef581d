"""Writing connections to SQLite files, and copying whole databases through them."""

import contextlib
import os
import sqlite3
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from app.backends.file_operations import FileOperations
from app.backends.files import companion
from app.backends.replacing import discard, free_backup_names
from app.backends.sqlite.access import harden
from app.backends.sqlite.errors import SQLITE_ERRORS, primary_code
from app.cancel import CancelToken

_PAGES = 1024
"""Pages that are copied between two looks at the cancel token."""

_ROW_OVERHEAD = 64
"""Bytes that a row may take beyond its key and value."""


def bytes_in(connection: sqlite3.Connection) -> int:
    """Return the size of a database as a connection sees it."""
    pages: int = connection.execute("PRAGMA page_count").fetchone()[0]
    size: int = connection.execute("PRAGMA page_size").fetchone()[0]
    return pages * size


def connect(path: Path, mode: str) -> sqlite3.Connection:
    """Return a connection that waits for nobody; ``mode`` is that of SQLite's URIs."""
    connection = sqlite3.connect(
        f"{path.as_uri()}?mode={mode}", uri=True, timeout=0, isolation_level=None, check_same_thread=False
    )
    try:
        harden(connection)
        connection.execute("PRAGMA synchronous = FULL")  # looks into the file
    except BaseException:
        connection.close()  # nobody else could, and its locks would stay
        raise
    return connection


def back_up_from(source: sqlite3.Connection, path: Path, operations: FileOperations, token: CancelToken) -> Path:
    """Copy what a connection sees of a database beside it, with its owner and mode; return the copy."""
    (backup,) = free_backup_names((path,))
    fd = operations.open(backup, os.O_WRONLY | os.O_CREAT | os.O_EXCL)
    try:
        operations.close(fd)
        operations.copy_access(path, backup)
        with contextlib.closing(connect(backup, "rw")) as target:
            source.backup(target, pages=_PAGES, progress=lambda *_: token.check())
        operations.fsync_folder(backup.parent)
    except BaseException:
        discard_database(operations, backup)
        raise
    return backup


def discard_database(operations: FileOperations, path: Path) -> None:
    """Take a database of our own away, and the journal that stays where the disk failed."""
    for file in (path, companion(path, "-journal")):
        if file.exists():
            discard(operations, file)


@contextlib.contextmanager
def exclusive(path: Path) -> Iterator[sqlite3.Connection]:
    """Give a connection that keeps everybody else out, outside of any transaction too."""
    with contextlib.closing(connect(path, "rw")) as connection:
        connection.execute("PRAGMA locking_mode = EXCLUSIVE")
        connection.execute("BEGIN EXCLUSIVE")
        connection.execute("COMMIT")  # this mode keeps the lock, and only without a transaction can be packed
        yield connection


def put_content(source: sqlite3.Connection, target: sqlite3.Connection, token: CancelToken) -> None:
    """Give a database the whole content of another in one transaction of SQLite."""
    source.backup(target, pages=_PAGES, progress=lambda *_: token.check())


def overwrite(path: Path, new: Path, operations: FileOperations) -> Path | None:
    """Give a database the whole content of a new one, whatever journal it keeps, and return its backup.

    Nobody can write between the two. None where it is no database at all.
    """
    try:
        with exclusive(path) as target, contextlib.closing(connect(new, "ro")) as source:
            backup = back_up_from(target, path, operations, CancelToken())
            try:
                target.execute("PRAGMA journal_mode = DELETE")
                put_content(source, target, CancelToken())
            except BaseException:
                discard(operations, backup)
                raise
    except SQLITE_ERRORS as error:
        if primary_code(error) in (sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_CORRUPT):
            return None
        raise
    return backup


@cache
def row_limit() -> int:
    """Return how many bytes of key and value SQLite, as it is built here, holds in a row."""
    with contextlib.closing(sqlite3.connect(":memory:")) as connection:
        return connection.getlimit(sqlite3.SQLITE_LIMIT_LENGTH) - _ROW_OVERHEAD
