"""Saving into the table ``Dict``: one transaction, compared and read back inside it."""

import contextlib
import os
import sqlite3
from array import array
from collections.abc import Iterator, Mapping, Sequence
from hashlib import sha256
from heapq import merge
from pathlib import Path

from app.backends.base import Change, Expected, SaveOptions, SaveReport
from app.backends.changes import Candidate, Plan, agree, digest, key_text, keys_of_interest, plan
from app.backends.file_operations import FileOperations
from app.backends.files import WAY_OUT, reads_back_differently, save_failed
from app.backends.replacing import discard, free_backup_names
from app.backends.sqlite_access import harden
from app.backends.sqlite_errors import SQLITE_ERRORS, primary_code, reason
from app.backends.sqlite_schema import study
from app.cancel import CancelToken
from app.errors import Cancelled, DatabaseLocked, KeyRejected, ReadOnlyDatabase, SaveFailed

BACKUP_PAGES = 1024
"""Pages that a backup copies between two looks at the cancel token."""

ROW_OVERHEAD = 64
"""Bytes that a row may take beyond its key and value."""

_EVERY_ROW = "SELECT rowid, CAST(key AS BLOB), CAST(value AS BLOB), typeof(key), typeof(value) FROM Dict ORDER BY rowid"
_BLOB = b"blob"


class SqliteSave:
    """One save. Until COMMIT the database is the old one for every reader, and SQLite's own lock is held."""

    def __init__(self, path: Path, operations: FileOperations, token: CancelToken) -> None:
        self._path = path
        self._operations = operations
        self._token = token

    def run(self, changes: Sequence[Change], expected: Mapping[int, Expected], options: SaveOptions) -> SaveReport:
        """Do what `Backend.apply` promises."""
        backups: tuple[Path, ...] = ()
        with self._translated(), contextlib.closing(_connect(self._path, "rw")) as connection:
            connection.execute("BEGIN IMMEDIATE")
            try:
                self._refuse_unusual(connection)
                rows = _Rows(connection, keys_of_interest(changes, expected), self._token)
                made = plan(changes, expected, rows.candidates, self._path)
                self._check_sizes(connection, made)
                backups = self._back_up() if options.backup else ()
                self._write(connection, made, rows)
                connection.execute("COMMIT")
            except BaseException:
                for backup in backups:
                    discard(self._operations, backup)
                connection.rollback()
                raise
        return SaveReport(backups)

    def _refuse_unusual(self, connection: sqlite3.Connection) -> None:
        schema = study(lambda sql: connection.execute(sql).fetchall(), self._path)
        if schema.why_read_only:
            raise ReadOnlyDatabase(schema.why_read_only, path=self._path)

    def _check_sizes(self, connection: sqlite3.Connection, made: Plan) -> None:
        limit = connection.getlimit(sqlite3.SQLITE_LIMIT_LENGTH) - ROW_OVERHEAD
        largest = max(map(len, made.replaced.values()), default=0)
        for key, value in made.inserted:
            if len(key) + len(value) > limit:
                raise KeyRejected(f"{key_text(key)} and its value exceed SQLite's {limit:,} bytes.", path=self._path)
        if largest > limit:
            raise KeyRejected(f"A value of {largest:,} bytes exceeds SQLite's {limit:,}.", path=self._path)

    def _write(self, connection: sqlite3.Connection, made: Plan, rows: "_Rows") -> None:
        connection.executemany("DELETE FROM Dict WHERE rowid = ?", ((rowid,) for rowid in made.removed))
        new_values = ((value, rowid) for rowid, value in made.replaced.items())
        connection.executemany("UPDATE Dict SET value = ? WHERE rowid = ?", new_values)
        added = [self._insert(connection, key, value) for key, value in made.inserted]
        expected = merge(rows.after(made), sorted(added))
        if not agree(expected, _fingerprints(connection, self._token)):
            raise reads_back_differently(self._path)

    @staticmethod
    def _insert(connection: sqlite3.Connection, key: bytes, value: bytes) -> tuple[int, bytes]:
        cursor = connection.execute("INSERT INTO Dict (key, value) VALUES (?, ?)", (key, value))
        return cursor.lastrowid or 0, _fingerprint(key, value, _BLOB, _BLOB)

    def _back_up(self) -> tuple[Path, ...]:
        """Copy the committed state, ``-wal`` included, while our transaction keeps other writers out."""
        (backup,) = free_backup_names((self._path,))
        fd = self._operations.open(backup, os.O_WRONLY | os.O_CREAT | os.O_EXCL)
        try:
            self._operations.close(fd)
            self._operations.copy_access(self._path, backup)
            with (
                contextlib.closing(_connect(self._path, "ro")) as source,
                contextlib.closing(_connect(backup, "rw")) as target,
            ):
                source.backup(target, pages=BACKUP_PAGES, progress=lambda *_: self._token.check())
            self._operations.fsync_folder(backup.parent)
        except BaseException:
            discard(self._operations, backup)
            raise
        return (backup,)

    @contextlib.contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise save_failed(self._path, error) from error
        except SQLITE_ERRORS as error:
            match primary_code(error):
                case sqlite3.SQLITE_INTERRUPT:
                    raise Cancelled from error
                case sqlite3.SQLITE_BUSY | sqlite3.SQLITE_LOCKED:
                    message = f"{self._path.name} is locked by another program: let it finish, then save again."
                    raise DatabaseLocked(message, path=self._path) from error
                case _:
                    message = f"{self._path.name} was not changed: {reason(error)}. {WAY_OUT}"
                    raise SaveFailed(message, path=self._path) from error


class _Rows:
    """All rows as they are when the save begins: their rowids and fingerprints, and the entries of some keys."""

    def __init__(self, connection: sqlite3.Connection, keys: set[bytes], token: CancelToken) -> None:
        self._rowids = array("q")
        self._fingerprints = bytearray()
        self._replaceable: dict[int, tuple[bytes, bytes]] = {}
        self.candidates: dict[bytes, list[Candidate]] = {}
        for rowid, key, value, key_type, value_type in connection.execute(_EVERY_ROW):
            token.check()
            self._rowids.append(rowid)
            self._fingerprints += _fingerprint(key, value, key_type, value_type)
            if key in keys:
                self.candidates.setdefault(key, []).append(Candidate(rowid, digest(value or b"")))
                self._replaceable[rowid] = key, key_type

    def after(self, made: Plan) -> Iterator[tuple[int, bytes]]:
        """Yield rowid and fingerprint of every old row as it must be after the changes."""
        size = sha256().digest_size
        for number, rowid in enumerate(self._rowids):
            if rowid in made.replaced:
                key, key_type = self._replaceable[rowid]
                yield rowid, _fingerprint(key, made.replaced[rowid], key_type, _BLOB)
            elif rowid not in made.removed:
                yield rowid, bytes(self._fingerprints[number * size : (number + 1) * size])


def _connect(path: Path, mode: str) -> sqlite3.Connection:
    connection = sqlite3.connect(
        f"{path.as_uri()}?mode={mode}", uri=True, timeout=0, isolation_level=None, check_same_thread=False
    )
    harden(connection)
    connection.execute("PRAGMA synchronous = FULL")
    return connection


def _fingerprints(connection: sqlite3.Connection, token: CancelToken) -> Iterator[tuple[int, bytes]]:
    for rowid, *cells in connection.execute(_EVERY_ROW):
        token.check()
        yield rowid, _fingerprint(*cells)


def _fingerprint(key: bytes | None, value: bytes | None, key_type: bytes, value_type: bytes) -> bytes:
    """Return a digest of all that a row is: both cells with their types and borders."""
    row = sha256(b"%s %s %d " % (key_type, value_type, len(key or b"")))
    row.update(key or b"")
    row.update(value or b"")
    return row.digest()
