"""Reading connections to a SQLite file that leave no trace beside it, whatever state its owner left it in.

References:
    SQLite's ``pager.c`` (hasHotJournal), ``wal.c`` (walBeginShmUnreliable) and ``os_unix.c`` (``readonly_shm``).
"""

import contextlib
import sqlite3
import time
from collections.abc import Callable, Iterator
from enum import Enum
from pathlib import Path
from typing import Any, TypeVar

from app.backends.files import Signature
from app.backends.records import PIECE_BYTES
from app.backends.sqlite.batches import Text, no_cell_beyond
from app.backends.sqlite.errors import SQLITE_ERRORS, primary_code, too_busy, translated
from app.backends.sqlite.image import Image, image_of
from app.backends.sqlite.private_copy import PAUSE, TRIES, PrivateCopy, SideFiles, State
from app.cancel import CancelToken
from app.errors import BackendError, CannotOpen

STEPS = 10_000
"""Instructions of SQLite between two looks at the cancel token."""

WAIT = 0.2
"""Seconds that a read waits for a writer in the middle of its commit."""

BATCH_BYTES = 32 << 20
"""Bytes of values after which a query is broken off: crafted rows can share the pages that their keys lie on."""

Row = tuple[Any, ...]

T = TypeVar("T")


class Access(Enum):
    """How a database can be read without changing anything beside it.

    IMMUTABLE ignores every side file and takes no lock; SHARED reads beside a writer through its ``-shm``, never
    writing that; COPY recovers a private copy of the file and what lies beside it.
    """

    IMMUTABLE = "immutable=1"
    SHARED = "mode=ro&readonly_shm=1"
    COPY = "mode=rw"


class ReadConnection:
    """A connection that is opened anew whenever the files ask for another kind of access.

    While it is open nothing of ours opens the file itself: closing any descriptor of it would drop SQLite's locks.
    """

    def __init__(self, path: Path) -> None:
        self._side_files = SideFiles(path)
        self._path = path
        self._connection: sqlite3.Connection | None = None
        self._copy: PrivateCopy | None = None
        self._access = Access.IMMUTABLE
        self._seen: State = ()
        self._must_roll_back = False
        self.is_forced = False
        """Whether SQLite had to be told to read on although the header contradicts the file."""

    @property
    def has_hot_journal(self) -> bool:
        """Whether a program died while it wrote: its ``-journal`` had to be rolled back in a copy."""
        return self._access is Access.COPY and self._must_roll_back

    @property
    def state(self) -> tuple[object, ...]:
        """What the files looked like when this connection was opened; equal states mean that nobody wrote."""
        return (*self._seen, self._access) if self._access is not Access.SHARED else (object(),)

    @property
    def is_current(self) -> bool:
        """Tell whether what this connection reads is still what the files hold."""
        now = self._side_files.look()
        if self._access is not Access.SHARED:
            return now == self._seen
        return _inode(now[0]) == _inode(self._seen[0]) and (now[1] or now[2]) is not None

    def rows(self, sql: str, arguments: Row = (), token: CancelToken | None = None) -> list[Row]:
        """Return the rows of a query as the files hold them now, fewer when they exceed `BATCH_BYTES`.

        Raises:
            BackendError: as `translated`; Cancelled: by ``token``.
        """
        return self._repeated(lambda connection: _fetch(connection.execute(sql, arguments)), token or CancelToken())

    def gathered(
        self,
        sql: str,
        arguments: Row,
        gather: Callable[[sqlite3.Cursor], T],
        token: CancelToken,
        *,
        longest_cell: int | None = None,
    ) -> T:
        """Return what is made of a query's rows as the files hold them now; errors as of `rows`.

        ``longest_cell``: bytes of a cell beyond which SQLite stops with SQLITE_TOOBIG.
        """

        def work(connection: sqlite3.Connection) -> T:
            with no_cell_beyond(longest_cell, connection):
                return gather(connection.execute(sql, arguments))

        return self._repeated(work, token)

    def image(self, token: CancelToken) -> Image | None:
        """Return all pages as the files hold them now, None where `image_of` has none; errors as of `rows`."""
        return self._repeated(lambda connection: None if self.is_forced else image_of(connection), token)

    def pieces(self, rowid: int, stale: Callable[[], BackendError]) -> Iterator[bytes]:
        """Yield the value in a row in pieces of at most `PIECE_BYTES`; raise ``stale()`` once the files have changed.

        Raises:
            BackendError: as `translated`.
        """
        with translated(self._path):
            connection = self._current_connection()
            blob = connection.blobopen("Dict", "value", rowid, readonly=True)
        with contextlib.closing(blob):
            while True:
                try:
                    piece = blob.read(PIECE_BYTES)
                except SQLITE_ERRORS as error:
                    if not self.is_current or connection is not self._connection:
                        raise stale() from error
                    with translated(self._path):
                        raise
                if not self.is_current:
                    raise stale()
                if not piece:
                    return
                yield piece

    def prefix(self, rowid: int, limit: int) -> bytes:
        """Return the first ``limit`` bytes of the value in a row, without reading all of it.

        Raises:
            BackendError: as `translated`.
        """
        return self._repeated(lambda connection: _read_prefix(connection, rowid, limit), CancelToken())

    def _repeated(self, work: Callable[[sqlite3.Connection], T], token: CancelToken) -> T:
        """Return what ``work`` gives at a moment when nobody wrote meanwhile: else it may have been torn."""
        for remaining in reversed(range(TRIES)):
            with translated(self._path):
                connection = self._current_connection()
            try:
                with _cancellable(connection, token), translated(self._path):
                    done = work(connection)
            except BackendError:
                token.check()
                if not remaining or (self._access is not Access.SHARED and self.is_current):
                    raise
            else:
                if self.is_current:
                    return done
            self.close()
            time.sleep(PAUSE)
        raise too_busy(self._path)

    def _current_connection(self) -> sqlite3.Connection:
        if self._connection is None or not self.is_current:
            self.close()
            self._connection = self._open()
        return self._connection

    def _open(self) -> sqlite3.Connection:
        self.is_forced = False
        self._seen = self._side_files.look()
        if self._seen[0] is None:
            raise CannotOpen(f"{self._path.name} is not there any more: check the name.", path=self._path)
        if self._seen[1] is None and self._seen[2] is None:
            self._access = Access.IMMUTABLE
            return self._checked(_connect(self._path, self._access))
        try:
            self._access = Access.SHARED
            return self._checked(_connect(self._path, self._access))
        except sqlite3.OperationalError as error:  # no -shm, a hot journal, a writer in the middle of its commit
            self._must_roll_back = getattr(error, "sqlite_errorcode", 0) == sqlite3.SQLITE_READONLY_ROLLBACK
            self._access = Access.COPY
            return self._checked(_connect(self._new_copy(), self._access))

    def _checked(self, connection: sqlite3.Connection) -> sqlite3.Connection:
        """Return the connection once it has read the schema; a file that is too short is read as far as it goes."""
        try:
            try:
                connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
            except SQLITE_ERRORS as error:
                if primary_code(error) != sqlite3.SQLITE_CORRUPT:
                    raise
                connection.execute("PRAGMA writable_schema = ON")
                connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
                self.is_forced = True
        except BaseException:
            connection.close()
            raise
        return connection

    def _new_copy(self) -> Path:
        self._copy = PrivateCopy(self._side_files)
        self._seen = self._copy.original
        return self._copy.path

    def close(self) -> None:
        """Close the connection and take a private copy away; harmless when called twice."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None
        if self._copy is not None:
            self._copy.close()
            self._copy = None


def _fetch(cursor: sqlite3.Cursor) -> list[Row]:
    rows: list[Row] = []
    size = 0
    with contextlib.closing(cursor):
        for row in cursor:
            rows.append(row)
            for cell in row:
                if isinstance(cell, bytes):
                    size += len(cell)
            if size > BATCH_BYTES:
                break
    return rows


def _read_prefix(connection: sqlite3.Connection, rowid: int, limit: int) -> bytes:
    with connection.blobopen("Dict", "value", rowid, readonly=True) as blob:
        return blob.read(limit)


def _inode(seen: Signature | None) -> int | None:
    return None if seen is None else seen.inode


def _connect(path: Path, access: Access) -> sqlite3.Connection:
    connection = sqlite3.connect(
        f"{path.as_uri()}?{access.value}", uri=True, timeout=WAIT, isolation_level=None, check_same_thread=False
    )
    harden(connection)
    return connection


def harden(connection: sqlite3.Connection) -> None:
    """Let nothing in the schema run functions, decode nothing as text, and look at cells before believing them."""
    connection.text_factory = Text
    connection.execute("PRAGMA trusted_schema = OFF")
    connection.execute("PRAGMA cell_size_check = ON")
    connection.execute("PRAGMA ignore_check_constraints = ON")  # no plain table has some
    connection.execute("PRAGMA mmap_size = 0")  # a mapped file that is cut meanwhile would end the process


@contextlib.contextmanager
def _cancellable(connection: sqlite3.Connection, token: CancelToken) -> Iterator[None]:
    connection.set_progress_handler(lambda: token.cancelled, STEPS)
    try:
        yield
    finally:
        connection.set_progress_handler(None, 0)
