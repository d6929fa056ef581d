"""New databases as ``dbm.sqlite3`` makes them: one table, filled in one transaction."""

import contextlib
import os
import sqlite3
from array import array
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import ClassVar

from app.backends.base import Backend, Match
from app.backends.binary import read_head
from app.backends.file_operations import FileOperations
from app.backends.files import companion
from app.backends.records import PIECE_BYTES, Records
from app.backends.replacing import discard, give_access, make_durable, put_all_in_place, set_aside
from app.backends.sqlite.errors import as_systems_errors, save_translated
from app.backends.sqlite.recovery import taking_back
from app.backends.sqlite.super_journal import names_super_journal
from app.backends.sqlite.transfer import overwrite, row_limit
from app.backends.writer import CreateOptions, Writer, refuse_unknown
from app.cancel import CancelToken
from app.errors import SaveFailed

DICT = "CREATE TABLE Dict (\n    key BLOB UNIQUE NOT NULL,\n    value BLOB NOT NULL\n  )"
"""What ``dbm.sqlite3`` of Python 3.13 declares, letter for letter."""

_MAGIC = b"SQLite format 3\0"

_CACHE_KIBIBYTES = 16_384
_STEPS = 10_000
"""Instructions of SQLite between two looks at the cancel token."""


class SqliteWriter(Writer):
    """Writes files with a rollback journal: Python's own ``dbm.sqlite3`` turns that into a ``-wal`` when it writes."""

    format_id: ClassVar[str] = "sqlite3"

    def __init__(self, opener: Callable[[Match], Backend], options: CreateOptions | None = None) -> None:
        refuse_unknown(options or CreateOptions(), self.format_id)
        self._opener = opener

    def why_refused(self, key: bytes, value_size: int) -> str:
        limit = row_limit()
        return f"SQLite holds at most {limit:,} bytes in a row" if len(key) + value_size > limit else ""

    def write(self, records: Records, base: Path, operations: FileOperations, token: CancelToken) -> None:
        fd = operations.open(base, os.O_WRONLY | os.O_CREAT | os.O_EXCL)
        try:
            operations.close(fd)
            with as_systems_errors(base), contextlib.closing(_connected(base, token)) as connection:
                connection.execute("BEGIN")
                connection.execute(DICT)
                _fill(connection, records, token)
                connection.execute("COMMIT")
            make_durable(operations, base)  # only now: closing it would drop the locks of an open connection
        except BaseException:
            discard(operations, base)
            raise

    def in_the_way(self, base: Path) -> tuple[Path, ...]:
        """Return the files that SQLite would take for a part of the new database."""
        return tuple(companion(base, suffix) for suffix in ("-journal", "-wal", "-shm"))

    def overwrite(
        self, operations: FileOperations, pairs: Sequence[tuple[Path, Path]]
    ) -> tuple[tuple[Path, ...], tuple[str, ...]] | None:
        """Give an old database the new content by SQLite itself, whose locks other programs respect."""
        ((new, target),) = pairs
        if names_super_journal(companion(target, "-journal")):
            message = (
                f"{target.name} was not replaced: a program died while it wrote several databases at once, and its "
                f"journal {target.name}-journal names a file that SQLite would delete; take the journal away first."
            )
            raise SaveFailed(message, path=target)
        with save_translated(target), taking_back(target, operations):
            backup = overwrite(target, new, operations) if _is_database(target) else None
        return ((backup,), give_access(operations, pairs)) if backup else None

    def put_in_place(self, operations: FileOperations, pairs: Sequence[tuple[Path, Path]]) -> tuple[str, ...]:
        """Replace what is no database; what SQLite would play into the new one gets another name before."""
        ((_new, target),) = pairs
        with set_aside(operations, self.in_the_way(target)):
            return put_all_in_place(operations, pairs)

    def open(self, base: Path) -> Backend:
        return self._opener(Match(self.format_id, "", "", base, base, (base,)))


def _is_database(path: Path) -> bool:
    """Tell whether SQLite may look at a file, which could cost it what lies beside."""
    head, size = read_head(path, len(_MAGIC)) if path.exists() else (b"", None)
    return size == 0 or head == _MAGIC


def _connected(path: Path, token: CancelToken) -> sqlite3.Connection:
    """Return a connection without journal and syncs: nobody knows the file, and on a failure it is taken away."""
    connection = sqlite3.connect(f"{path.absolute().as_uri()}?mode=rw", uri=True, isolation_level=None)
    connection.execute("PRAGMA journal_mode = MEMORY")
    connection.execute("PRAGMA synchronous = OFF")
    connection.execute(f"PRAGMA cache_size = -{_CACHE_KIBIBYTES}")
    connection.set_progress_handler(lambda: token.cancelled, _STEPS)
    return connection


def _fill(connection: sqlite3.Connection, records: Records, token: CancelToken) -> None:
    row = 0
    for chunk in records.chunks():
        for first, last in _runs(chunk.sizes):
            if chunk.sizes[first] > PIECE_BYTES:
                _insert_large(connection, chunk.key(first), chunk.sizes[first], records.pieces(row + first), token)
            else:
                rows = row + first, row + last
                pairs = zip(records.keys(*rows), records.values(*rows), strict=True)
                connection.executemany("INSERT INTO Dict VALUES (?, ?)", pairs)
            token.check()
        row += len(chunk)


def _runs(sizes: "array[int]") -> Iterator[tuple[int, int]]:
    """Yield start and end of the runs of small values, and of each large one by itself."""
    start = 0
    for number, size in enumerate(sizes):
        if size > PIECE_BYTES:
            if start < number:
                yield start, number
            yield number, number + 1
            start = number + 1
    if start < len(sizes):
        yield start, len(sizes)


def _insert_large(
    connection: sqlite3.Connection, key: bytes, size: int, pieces: Iterator[bytes], token: CancelToken
) -> None:
    """Insert a value without ever holding more than a piece of it."""
    rowid = connection.execute("INSERT INTO Dict VALUES (?, zeroblob(?))", (key, size)).lastrowid
    with connection.blobopen("Dict", "value", rowid or 0) as blob:
        for piece in pieces:
            token.check()
            blob.write(piece)
