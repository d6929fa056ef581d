"""Making a SQLite file as small as its entries are."""

import contextlib
import os
import sqlite3
from collections.abc import Iterator
from pathlib import Path

from app.backends.base import SaveOptions, SaveReport
from app.backends.file_operations import FileOperations
from app.backends.files import reads_back_differently
from app.backends.replacing import discard, name_beside
from app.backends.sqlite.errors import save_translated
from app.backends.sqlite.recovery import taking_back
from app.backends.sqlite.rows import TableDigest
from app.backends.sqlite.save import refuse_unusual
from app.backends.sqlite.transfer import back_up_from, bytes_in, connect, discard_database, exclusive, put_content
from app.cancel import CancelToken


class SqliteCompact:
    """One compaction: SQLite packs a copy, which is compared and then written back in one transaction."""

    def __init__(self, path: Path, operations: FileOperations, token: CancelToken) -> None:
        self._path = path
        self._operations = operations
        self._token = token

    def run(self, options: SaveOptions) -> SaveReport:
        """Do what `Backend.compact` promises."""
        with (
            save_translated(self._path),
            taking_back(self._path, self._operations),
            exclusive(self._path) as connection,
        ):
            refuse_unusual(connection, self._path)
            before, entries = bytes_in(connection), _entries(connection, self._token)
            with self._packed(connection) as packed, contextlib.closing(connect(packed, "ro")) as source:
                if _entries(source, self._token) != entries:
                    raise reads_back_differently(self._path)
                if bytes_in(source) >= before:
                    return SaveReport(bytes_before=before, bytes_after=before)
                backups = self._backed_up(connection) if options.backup else ()
                try:
                    put_content(source, connection, self._token)
                except BaseException:
                    for backup in backups:
                        discard(self._operations, backup)
                    raise
            if _entries(connection, CancelToken()) != entries:
                raise reads_back_differently(self._path)
            return SaveReport(backups, (), before, bytes_in(connection))

    @contextlib.contextmanager
    def _packed(self, connection: sqlite3.Connection) -> Iterator[Path]:
        """Give a packed copy, for its owner alone, for a while."""
        packed = name_beside(self._path)
        fd = self._operations.open(packed, os.O_WRONLY | os.O_CREAT | os.O_EXCL)
        try:
            self._operations.close(fd)
            connection.execute("VACUUM INTO ?", (os.fspath(packed),))
            yield packed
        finally:
            discard_database(self._operations, packed)

    def _backed_up(self, connection: sqlite3.Connection) -> tuple[Path, ...]:
        return (back_up_from(connection, self._path, self._operations, self._token),)


def _entries(connection: sqlite3.Connection, token: CancelToken) -> bytes:
    """Return a digest of all rows in their order; rowids, which SQLite may number anew, do not count."""
    return TableDigest(connection, token, counts_rowids=False).digest
