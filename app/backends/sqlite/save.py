"""Saving into the table ``Dict``: one transaction, compared and read back inside it."""

import contextlib
import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from app.backends.base import Change, Expected, SaveOptions, SaveReport
from app.backends.changes import Candidate, Plan, digest, key_text, keys_of_interest, plan
from app.backends.file_operations import FileOperations
from app.backends.files import reads_back_differently
from app.backends.replacing import discard
from app.backends.sqlite.errors import save_translated
from app.backends.sqlite.recovery import taking_back
from app.backends.sqlite.rows import BLOB, StoredRow, TableDigest
from app.backends.sqlite.schema import study
from app.backends.sqlite.transfer import back_up_from, bytes_in, connect, row_limit
from app.cancel import CancelToken
from app.errors import KeyRejected, ReadOnlyDatabase


class SqliteSave:
    """One save. Until COMMIT the database is the old one for every reader, and SQLite's own lock is held."""

    def __init__(self, path: Path, operations: FileOperations, token: CancelToken) -> None:
        self._path = path
        self._operations = operations
        self._token = token

    def run(self, changes: Sequence[Change], expected: Mapping[int, Expected], options: SaveOptions) -> SaveReport:
        """Do what `Backend.apply` promises."""
        backups: tuple[Path, ...] = ()
        with (
            save_translated(self._path),
            taking_back(self._path, self._operations),
            contextlib.closing(connect(self._path, "rw")) as connection,
        ):
            connection.execute("BEGIN IMMEDIATE")
            try:
                refuse_unusual(connection, self._path)
                bytes_before = bytes_in(connection)
                before = TableDigest(connection, self._token, keys_of_interest(changes, expected))
                made = plan(changes, expected, _candidates(before.apart), self._path)
                self._check_sizes(made)
                backups = (self._back_up(),) if options.backup else ()
                self._write(connection, made, before)
                bytes_after = bytes_in(connection)
                connection.execute("COMMIT")
            except BaseException:
                for backup in backups:
                    discard(self._operations, backup)
                connection.rollback()
                raise
        return SaveReport(backups, (), bytes_before, bytes_after)

    def _check_sizes(self, made: Plan) -> None:
        limit = row_limit()
        largest = max(map(len, made.replaced.values()), default=0)
        for key, value in made.inserted:
            if len(key) + len(value) > limit:
                raise KeyRejected(f"{key_text(key)} and its value exceed SQLite's {limit:,} bytes.", path=self._path)
        if largest > limit:
            raise KeyRejected(f"A value of {largest:,} bytes exceeds SQLite's {limit:,}.", path=self._path)

    def _write(self, connection: sqlite3.Connection, made: Plan, before: TableDigest) -> None:
        """Make the changes to the rows and to those that were kept apart: as these, they must read back."""
        apart = dict(before.apart)
        connection.executemany("DELETE FROM Dict WHERE rowid = ?", ((rowid,) for rowid in made.removed))
        for rowid in made.removed:
            del apart[rowid]
        new_values = ((value, rowid) for rowid, value in made.replaced.items())
        connection.executemany("UPDATE Dict SET value = ? WHERE rowid = ?", new_values)
        for rowid, value in made.replaced.items():
            apart[rowid] = replace(apart[rowid], value_type=BLOB, value_sha256=digest(value))
        for key, value in made.inserted:
            rowid, row = self._insert(connection, key, value)
            apart[rowid] = row
        keys = {row.key for row in (*before.apart.values(), *apart.values())}
        after = TableDigest(connection, self._token, keys, is_second_half=True)
        if (after.digest, after.apart) != (before.digest, apart):
            raise reads_back_differently(self._path)

    @staticmethod
    def _insert(connection: sqlite3.Connection, key: bytes, value: bytes) -> tuple[int, StoredRow]:
        cursor = connection.execute("INSERT INTO Dict (key, value) VALUES (?, ?)", (key, value))
        return cursor.lastrowid or 0, StoredRow(key, BLOB, BLOB, digest(value))

    def _back_up(self) -> Path:
        """Copy the committed state, ``-wal`` included, while our transaction keeps other writers out."""
        with contextlib.closing(connect(self._path, "ro")) as source:
            return back_up_from(source, self._path, self._operations, self._token)


def _candidates(rows: Mapping[int, StoredRow]) -> dict[bytes, list[Candidate]]:
    candidates: dict[bytes, list[Candidate]] = {}
    for rowid, row in rows.items():
        candidates.setdefault(row.key, []).append(Candidate(rowid, row.value_sha256))
    return candidates


def refuse_unusual(connection: sqlite3.Connection, path: Path) -> None:
    """Refuse a table that is not the plain one of ``dbm.sqlite3``.

    Raises:
        ReadOnlyDatabase, UnknownFormat: why.
    """
    schema = study(lambda sql: connection.execute(sql).fetchall(), path)
    if schema.why_read_only:
        raise ReadOnlyDatabase(schema.why_read_only, path=path)
