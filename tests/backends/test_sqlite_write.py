"""New ``dbm.sqlite3`` databases, compacting them, and what SQLite's own check says of damaged ones."""

import ast
import sqlite3
from contextlib import closing
from functools import partial
from pathlib import Path

import pytest
from hypothesis import given

from app.backends.records import PIECE_BYTES
from app.backends.registry import new_writer, open_database
from app.backends.writer import CreateOptions
from app.cancel import CancelToken
from app.errors import DatabaseLocked, OptionRejected, SaveFailed, StaleIndex
from tests.backends import creating
from tests.backends.failing_files import FailingOperations
from tests.backends.listing import entries_of, index_of
from tests.backends.other_program import OtherProgram, installed_pythons, run_with_python, run_with_sqlite_dbm
from tests.backends.sqlite_files import DATABASES, as_python_reads, opened, scratch, written

PYTHONS = installed_pythons("import dbm.sqlite3")

created = partial(creating.created, "sqlite3")


@given(entries=DATABASES)
def test_what_is_written_reads_back_by_us_and_by_sqlite(entries: dict[bytes, bytes]) -> None:
    with scratch() as folder:
        path = folder / "new.db"
        created(path, entries)

        assert [file.name for file in folder.iterdir()] == ["new.db"]
        assert list(as_python_reads(path).items()) == list(entries.items())
        with open_database(path) as backend:
            assert entries_of(backend) == list(entries.items())
            assert list(backend.check(CancelToken())) == []
            assert backend.why_read_only == ""


def test_the_schema_is_letter_for_letter_that_of_python(tmp_path: Path) -> None:
    native = tmp_path / "native.db"
    run_with_sqlite_dbm("import dbm.sqlite3, sys\ndbm.sqlite3.open(sys.argv[1], 'n').close()", str(native))
    created(tmp_path / "new.db", {})

    asked = ["SELECT type, name, tbl_name, rootpage, sql FROM sqlite_master", "PRAGMA user_version"]
    asked += ["PRAGMA application_id", "PRAGMA encoding", "PRAGMA auto_vacuum", "PRAGMA page_size"]
    with closing(sqlite3.connect(native)) as theirs, closing(sqlite3.connect(tmp_path / "new.db")) as ours:
        for question in asked:
            assert ours.execute(question).fetchall() == theirs.execute(question).fetchall()


CHANGE_NATIVELY = """
import dbm.sqlite3, sys
with dbm.sqlite3.open(sys.argv[1], "w") as database:
    assert len(database) == 3000
    for number in range(1000):
        database[b"native %d" % number] = b"x" * number
        if number % 2:
            del database[b"key %d \\xe9" % number]
        else:
            database[b"key %d \\xe9" % number] = b"changed" * number
    print(len(database))
"""


@pytest.mark.skipif(not PYTHONS, reason="no Python with dbm.sqlite3 is installed (3.13 or later)")
@pytest.mark.parametrize("python", PYTHONS)
def test_python_goes_on_writing_into_it(tmp_path: Path, python: str) -> None:
    path = tmp_path / "new.db"
    entries = {b"key %d \xe9" % number: b"value %d " % number * (number % 90) for number in range(3000)}
    created(path, entries)

    assert ast.literal_eval(run_with_python(python, CHANGE_NATIVELY, str(path))) == 3500

    for number in range(1000):
        entries[b"native %d" % number] = b"x" * number
        if number % 2:
            del entries[b"key %d \xe9" % number]
        else:
            entries[b"key %d \xe9" % number] = b"changed" * number
    with opened(path) as backend:
        assert dict(entries_of(backend)) == entries
        assert list(backend.check(CancelToken())) == []


LARGE = {
    b"large": b"ab" * PIECE_BYTES,
    b"small": b"c",
    b"larger": b"d" * (3 * PIECE_BYTES + 1),
    b"\0": bytes(PIECE_BYTES + 1),
}


def test_large_values_are_written_and_read_in_pieces(tmp_path: Path) -> None:
    created(tmp_path / "new.db", LARGE)

    assert as_python_reads(tmp_path / "new.db") == LARGE
    with opened(tmp_path / "new.db") as backend:
        index = index_of(backend)
        for row, value in enumerate(LARGE.values()):
            pieces = list(backend.pieces(*index.entry(row)))
            assert max(map(len, pieces)) <= PIECE_BYTES
            assert b"".join(pieces) == value


def test_a_value_that_another_program_changes_between_two_pieces_is_stale(tmp_path: Path) -> None:
    created(tmp_path / "new.db", LARGE)
    with opened(tmp_path / "new.db") as backend:
        index = index_of(backend)
        pieces = backend.pieces(*index.entry(2))
        next(pieces)
        with closing(sqlite3.connect(tmp_path / "new.db", isolation_level=None)) as database:
            database.execute("UPDATE Dict SET value = zeroblob(length(value))")

        with pytest.raises(StaleIndex, match="read it again"):
            list(pieces)


def test_an_entry_beyond_sqlites_limit_is_refused() -> None:
    writer = new_writer("sqlite3", CreateOptions())

    assert writer.why_refused(b"k", 1 << 20) == ""
    assert "bytes in a row" in writer.why_refused(b"k", 1 << 40)


def test_options_that_mean_nothing_are_rejected() -> None:
    with pytest.raises(OptionRejected, match="byte order"):
        new_writer("sqlite3", CreateOptions(byte_order="big"))


@pytest.mark.parametrize("suffix", ["", "-wal", "-journal"])
def test_files_that_are_there_are_left_alone(tmp_path: Path, suffix: str) -> None:
    (tmp_path / f"new.db{suffix}").write_bytes(b"mine")

    with pytest.raises(SaveFailed, match="is there already"):
        created(tmp_path / "new.db", {b"a": b"1"})

    assert [path.read_bytes() for path in tmp_path.iterdir()] == [b"mine"]


OLD = {b"a": b"old" * 700, b"b": b"2" * 600, b"gone": b"3"}
NEW = {b"a": b"new" * 300, b"c": b"", b"d": b"4" * 30000}


@pytest.mark.parametrize("journal", ["DELETE", "WAL"])
def test_an_old_database_gets_the_new_content_in_one_transaction(tmp_path: Path, journal: str) -> None:
    path = written(tmp_path, OLD, journal=journal)
    inode = path.stat().st_ino

    report = created(path, NEW, replaces=True)

    assert as_python_reads(path) == NEW
    assert path.stat().st_ino == inode
    assert as_python_reads(report.backups[0]) == OLD
    assert sorted(tmp_path.iterdir()) == sorted([path, report.backups[0]])


def test_a_database_that_another_program_writes_is_not_replaced(tmp_path: Path) -> None:
    path = written(tmp_path, OLD)
    with OtherProgram() as owner:
        owner.run(f"c = sqlite3.connect({str(path)!r}, isolation_level=None); c.execute('BEGIN IMMEDIATE')")

        with pytest.raises(DatabaseLocked, match="another program"):
            created(path, NEW, replaces=True)

        owner.run("c.execute('ROLLBACK')")
    assert as_python_reads(path) == OLD
    assert [file.name for file in tmp_path.iterdir()] == [path.name]


def test_a_file_that_is_no_database_is_replaced_with_what_lies_beside_it(tmp_path: Path) -> None:
    path = tmp_path / "new.db"
    path.write_bytes(b"no database")
    (tmp_path / "new.db-journal").write_bytes(b"of another one")

    report = created(path, NEW, replaces=True)

    assert as_python_reads(path) == NEW
    assert [backup.read_bytes() for backup in report.backups] == [b"no database", b"of another one"]
    assert len(list(tmp_path.iterdir())) == 3


@pytest.mark.parametrize("journal", ["DELETE", "WAL"])
def test_the_backup_of_a_database_that_was_not_closed_is_its_last_state(tmp_path: Path, journal: str) -> None:
    path = written(tmp_path, OLD, journal=journal)
    with OtherProgram() as owner:
        owner.run(
            f"c = sqlite3.connect({str(path)!r}, isolation_level=None); c.execute('PRAGMA wal_autocheckpoint = 0')"
        )
        owner.run("c.execute('BEGIN'); c.execute('PRAGMA cache_size = 1')")
        assert owner.run("c.execute('UPDATE Dict SET value = zeroblob(90000)')") == "done"
        if journal == "WAL":
            owner.run("c.execute('COMMIT')")
        owner.die()
    last = dict.fromkeys(OLD, bytes(90000)) if journal == "WAL" else OLD

    report = created(path, NEW, replaces=True)

    assert as_python_reads(path) == NEW
    assert as_python_reads(report.backups[0]) == last
    assert sorted(tmp_path.iterdir()) == sorted([path, *report.backups])


def test_what_cannot_be_replaced_keeps_what_lies_beside_it(tmp_path: Path) -> None:
    path = tmp_path / "new.db"
    (tmp_path / "counted").mkdir()
    counted = tmp_path / "counted" / "new.db"
    counted.write_bytes(b"no database")
    counted.with_name("new.db-journal").write_bytes(b"of another one")
    created(counted, NEW, counting := FailingOperations(), replaces=True)
    for number in range(counting.done):
        folder = tmp_path / str(number)
        folder.mkdir()
        path = folder / "new.db"
        path.write_bytes(b"no database")
        path.with_name("new.db-journal").write_bytes(b"of another one")
        try:
            created(path, NEW, FailingOperations(number), replaces=True)
        except SaveFailed:
            assert path.read_bytes() == b"no database"
            assert path.with_name("new.db-journal").read_bytes() == b"of another one"
        else:
            assert as_python_reads(path) == NEW
