"""SQLite files as ``dbm.sqlite3`` makes them, and saving into them."""

import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from hypothesis import strategies as st

from app.backends.base import Change, Insert, Match, Remove, Replace, SaveOptions, SaveReport
from app.backends.file_operations import FileOperations
from app.backends.sqlite.backend import SqliteBackend
from app.cancel import CancelToken
from tests.backends.listing import expected_of
from tests.backends.other_program import OtherProgram

DICT = "CREATE TABLE Dict (key BLOB UNIQUE NOT NULL, value BLOB NOT NULL)"


KEYS = st.binary(max_size=12)


VALUES = st.binary(max_size=1200)


DATABASES = st.dictionaries(KEYS, VALUES, max_size=8)


NO_BACKUP = SaveOptions(backup=False)


BEFORE = {b"a": b"1", b"b": b"2" * 6000, b"c": b"3"}


CHANGES = (Replace(0, b"new" * 500), Remove(1), Insert(b"caf\xe9", b"added"))


AFTER = {b"a": b"new" * 500, b"c": b"3", b"caf\xe9": b"added"}


def opened(path: Path, operations: FileOperations | None = None) -> SqliteBackend:
    return SqliteBackend(Match("sqlite3", "", "", path, path, (path,)), operations)


def written(folder: Path, entries: dict[bytes, bytes], *, journal: str = "DELETE") -> Path:
    path = folder / "shelf.db"
    with closing(sqlite3.connect(path)) as database:
        database.execute(f"PRAGMA journal_mode = {journal}")
        database.execute("PRAGMA synchronous = OFF")  # properties make hundreds: disks take longer than all else
        database.execute(DICT)
        database.executemany("INSERT INTO Dict VALUES (?, ?)", entries.items())
        database.commit()
    return path


def made_by(folder: Path, *statements: str) -> Path:
    path = folder / "odd.db"
    with closing(sqlite3.connect(path)) as database:
        for statement in statements:
            database.execute(statement)
        database.commit()
    return path


def as_python_reads(path: Path) -> dict[bytes, bytes]:
    with closing(sqlite3.connect(path)) as database:
        return dict(database.execute("SELECT CAST(key AS BLOB), CAST(value AS BLOB) FROM Dict ORDER BY rowid"))


def save(backend: SqliteBackend, *changes: Change, options: SaveOptions = NO_BACKUP) -> SaveReport:
    return backend.apply(changes, expected_of(backend), options, CancelToken())


@contextmanager
def scratch() -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as folder:
        yield Path(folder)


def hot_journal(folder: Path) -> Path:
    """Make a database whose writer was killed in the middle of a large transaction."""
    path = written(folder, {b"%d" % number: b"old" * 300 for number in range(300)})
    with OtherProgram() as owner:
        owner.run(f"c = sqlite3.connect({str(path)!r}, isolation_level=None); c.execute('PRAGMA cache_size = 5')")
        assert owner.run("c.execute('BEGIN'); c.execute('UPDATE Dict SET value = zeroblob(900)')") == "done"
        owner.die()
    assert path.with_name(path.name + "-journal").stat().st_size > 0
    return path
