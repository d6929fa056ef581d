"""Taking back what a save that failed left beside a database: by SQLite itself, as its next user would.

A connection whose disk failed it closes without rolling back. Its journal stays, and whoever finds that must take it
for the one of a program that died.

References: pager_unlock and pagerOpenWal in pager.c of SQLite, sqlite3WalClose in wal.c.
"""

import contextlib
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from app.backends.file_operations import FileOperations
from app.backends.files import Signature, companion, signature
from app.backends.replacing import discard
from app.backends.sqlite.access import harden
from app.backends.sqlite.errors import SQLITE_ERRORS
from app.backends.sqlite.super_journal import names_super_journal
from app.backends.sqlite.transfer import connect
from app.errors import AppError

_left: Final[dict[Path, Signature]] = {}
"""What journals of our own look like that could not be rolled back yet, by their databases."""


@contextlib.contextmanager
def taking_back(path: Path, operations: FileOperations) -> Iterator[None]:
    """Leave no journal and no other file beside a database when writing it fails, as far as the disk lets us."""
    try:
        yield
    except (*SQLITE_ERRORS, OSError):
        with contextlib.suppress(*SQLITE_ERRORS, OSError, AppError):
            _take_back(path, operations)
        _remember(path)
        raise


def take_back_own(path: Path, operations: FileOperations) -> None:
    """Try again to roll back what an earlier save of this process left, unless another program touched it since."""
    if _left.get(path) == signature(companion(path, "-journal")) is not None:
        with contextlib.suppress(*SQLITE_ERRORS, OSError, AppError):
            _take_back(path, operations)
        _remember(path)


def _remember(path: Path) -> None:
    journal = signature(companion(path, "-journal"))
    if journal is None:
        _left.pop(path, None)
    else:
        _left[path] = journal


def _take_back(path: Path, operations: FileOperations) -> None:
    journal = companion(path, "-journal")
    if journal.exists():
        if not names_super_journal(journal):
            _look_into(path)
    elif any(companion(path, suffix).exists() for suffix in ("-wal", "-shm")):
        _end_wal(path, operations)


def _look_into(path: Path) -> None:
    """Read a database, before which SQLite rolls back what its journal holds."""
    with contextlib.closing(connect(path, "rw")) as connection:
        connection.execute("SELECT count(*) FROM sqlite_master").fetchone()


def _end_wal(path: Path, operations: FileOperations) -> None:
    """Let SQLite take an empty ``-wal`` away, and take ``-shm`` away, for which there may have been no room.

    Alone with the database SQLite needs no ``-shm``, and nobody else has it open.
    """
    with contextlib.closing(_alone_with(path)) as connection:
        (mode,) = connection.execute("PRAGMA journal_mode").fetchone()
        is_busy, _frames, _moved = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        if mode == b"wal" and not is_busy:
            discard(operations, companion(path, "-shm"))


def _alone_with(path: Path) -> sqlite3.Connection:
    """Return a connection that keeps everybody else out, from before it first looks into the database."""
    connection = sqlite3.connect(f"{path.as_uri()}?mode=rw", uri=True, timeout=0, isolation_level=None)
    try:
        harden(connection)
        connection.execute("PRAGMA locking_mode = EXCLUSIVE")
        connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
    except BaseException:
        connection.close()
        raise
    return connection
