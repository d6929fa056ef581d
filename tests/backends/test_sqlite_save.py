"""``dbm.sqlite3``: saved in one transaction that is compared inside, or not at all."""

import ast
import shutil
import sqlite3
import sys
import time
from collections.abc import Callable
from contextlib import closing
from hashlib import sha256
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.backends.base import Change, Insert, Remove, Replace, SaveOptions
from app.backends.sqlite.rows import BLOB, StoredRow
from app.backends.sqlite.save import SqliteSave
from app.cancel import CancelToken
from app.errors import (
    Cancelled,
    ChangedOnDisk,
    DatabaseLocked,
    KeyRejected,
    SaveFailed,
)
from tests.backends.failing_files import Died, FailingOperations
from tests.backends.listing import changes_to, dictionary_after, entries_of, expected_of, folder_state, ids_by_key
from tests.backends.other_program import OtherProgram, run_with_sqlite_dbm
from tests.backends.sqlite_files import (
    AFTER,
    BEFORE,
    CHANGES,
    DATABASES,
    KEYS,
    NO_BACKUP,
    as_python_reads,
    opened,
    save,
    scratch,
    written,
)


def test_what_python_writes_is_read_and_what_is_saved_python_reads(tmp_path: Path) -> None:
    path = tmp_path / "native.db"
    write = (
        "import dbm.sqlite3, sys\n"
        "with dbm.sqlite3.open(sys.argv[1], 'c') as d:\n"
        "    d.update({'k\xe9y': 'v', b'\\xff': b'2' * 9000})"
    )
    run_with_sqlite_dbm(write, str(path))

    with opened(path) as backend:
        assert dict(entries_of(backend)) == {"k\xe9y".encode(): b"v", b"\xff": b"2" * 9000}
        save(backend, Replace(0, b"changed"), Insert(b"new", b""))

    read = "import dbm.sqlite3, sys\nwith dbm.sqlite3.open(sys.argv[1], 'r') as d:\n print({k: d[k] for k in d.keys()})"
    assert ast.literal_eval(run_with_sqlite_dbm(read, str(path))) == {
        "k\xe9y".encode(): b"changed",
        b"\xff": b"2" * 9000,
        b"new": b"",
    }


@given(before=DATABASES, new=DATABASES, removed=st.sets(KEYS), journal=st.sampled_from(["DELETE", "WAL"]))
def test_saving_leaves_what_a_dict_would(
    before: dict[bytes, bytes], new: dict[bytes, bytes], removed: set[bytes], journal: str
) -> None:
    with scratch() as folder:
        path = written(folder, before, journal=journal)
        with opened(path) as backend:
            ids = ids_by_key(expected_of(backend))

            save(backend, *changes_to(ids, new, removed))

            dictionary = dictionary_after(before, new, removed)
            assert entries_of(backend) == list(dictionary.items())
        assert list(as_python_reads(path).items()) == list(dictionary.items())
        assert [file.name for file in folder.iterdir()] == ["shelf.db"]


def test_all_other_rows_keep_rowid_type_and_bytes(database_case: Callable[[str], Path]) -> None:
    path = database_case("sqlite3-n150")
    rows = "SELECT rowid, typeof(key), key, typeof(value), value FROM Dict ORDER BY rowid"
    with closing(sqlite3.connect(path)) as database:
        before = database.execute(rows).fetchall()

    with opened(path) as backend:
        save(backend, Replace(5, b"changed"), Remove(7), Insert(b"new", b"x"))

    with closing(sqlite3.connect(path)) as database:
        after = database.execute(rows).fetchall()
    assert after[5] == (*before[5][:4], b"changed")
    assert after[:5] + after[6:-1] == [*before[:5], before[6], *before[8:]]
    assert after[-1][1:] == ("blob", b"new", "blob", b"x")


def test_the_backup_is_the_whole_old_database_with_its_wal(database_case: Callable[[str], Path]) -> None:
    path = database_case("sqlite3-live-wal")
    with opened(path) as backend:
        old = entries_of(backend)
        (backup,) = save(backend, Replace(0, b"new"), options=SaveOptions()).backups

    assert backup.name.startswith("test.sqlite3.shelfscope-backup-")
    assert {file.name for file in path.parent.iterdir()} == {path.name, backup.name}
    shutil.copy(backup, alone := path.parent / "alone.db")
    with opened(alone) as backend:
        assert entries_of(backend) == old


def test_backups_never_overwrite_each_other(tmp_path: Path) -> None:
    path = written(tmp_path, BEFORE)
    with opened(path) as backend:
        reports = [save(backend, Replace(0, b"%d" % number), options=SaveOptions()) for number in range(3)]

    assert len({report.backups[0] for report in reports}) == 3
    assert as_python_reads(reports[0].backups[0]) == BEFORE
    assert as_python_reads(reports[2].backups[0]) == BEFORE | {b"a": b"1"}


@pytest.mark.parametrize(
    ("meanwhile", "change", "keys"),
    [
        ("UPDATE Dict SET value = x'00' WHERE key = x'61'", Replace(0, b"mine"), (b"a",)),
        ("DELETE FROM Dict WHERE key = x'61'", Remove(0), (b"a",)),
        ("INSERT INTO Dict VALUES (x'6e6577', x'00')", Insert(b"new", b"mine"), (b"new",)),
        ("INSERT INTO Dict VALUES ('new', x'00')", Insert(b"new", b"mine"), (b"new",)),
    ],
)
def test_a_conflict_is_named_and_nothing_is_written(
    tmp_path: Path, meanwhile: str, change: Change, keys: tuple[bytes, ...]
) -> None:
    path = written(tmp_path, BEFORE)
    with opened(path) as backend:
        expected = expected_of(backend)
        with closing(sqlite3.connect(path, isolation_level=None)) as database:
            database.execute(meanwhile)
        before = folder_state(tmp_path)

        with pytest.raises(ChangedOnDisk) as caught:
            backend.apply([change], expected, SaveOptions(), CancelToken())

    assert caught.value.keys == keys
    assert folder_state(tmp_path) == before


def test_what_others_changed_in_other_entries_is_kept(tmp_path: Path) -> None:
    path = written(tmp_path, BEFORE)
    with opened(path) as backend:
        expected = expected_of(backend)
        with closing(sqlite3.connect(path)) as database:
            database.execute("UPDATE Dict SET value = x'aa' WHERE key = x'62'")
            database.execute("INSERT INTO Dict VALUES (x'64', x'bb')")
            database.commit()

        backend.apply([Replace(0, b"mine")], expected, NO_BACKUP, CancelToken())

        assert entries_of(backend) == [(b"a", b"mine"), (b"b", b"\xaa"), (b"c", b"3"), (b"d", b"\xbb")]


@pytest.mark.parametrize("journal", ["DELETE", "WAL"])
def test_a_locked_database_is_refused_at_once(tmp_path: Path, journal: str) -> None:
    path = written(tmp_path, BEFORE, journal=journal)
    with OtherProgram() as owner, opened(path) as backend:
        expected = expected_of(backend)
        owner.run(f"c = sqlite3.connect({str(path)!r}, isolation_level=None)")
        owner.run("c.execute('BEGIN IMMEDIATE'); c.execute('DELETE FROM Dict WHERE key = ?', (b'a',))")
        start = time.monotonic()

        with pytest.raises(DatabaseLocked, match="another program"):
            backend.apply([Replace(0, b"x")], expected, SaveOptions(), CancelToken())

        assert time.monotonic() - start < 2
        if sys.platform == "linux":
            assert "another program" in backend.lock_seen.lower()
        assert owner.run("c.execute('ROLLBACK')") == "done"
        save(backend, Replace(0, b"mine"))
    assert as_python_reads(path)[b"a"] == b"mine"


@pytest.mark.parametrize("journal", ["DELETE", "WAL"])
def test_nobody_else_can_write_during_a_save(tmp_path: Path, journal: str) -> None:
    path = written(tmp_path, BEFORE, journal=journal)
    refusals: list[str] = []
    with OtherProgram() as other:
        other.run(f"c = sqlite3.connect({str(path)!r}, isolation_level=None, timeout=0)")

        def write_too(operation: str) -> None:
            refusals.append(other.run("c.execute('DELETE FROM Dict')"))

        with opened(path, FailingOperations(before=write_too)) as backend:
            save(backend, *CHANGES, options=SaveOptions())
    assert refusals
    assert set(refusals) == {"OperationalError database is locked"}
    assert as_python_reads(path) == AFTER


@pytest.mark.parametrize("dies", [True, False])
def test_a_failure_at_any_file_operation_leaves_the_old_database(tmp_path: Path, dies: bool) -> None:
    with scratch() as folder, opened(written(folder, BEFORE), counting := FailingOperations()) as backend:
        save(backend, *CHANGES, options=SaveOptions())
    assert counting.done >= 4
    for number in range(counting.done):
        folder = tmp_path / str(number)
        folder.mkdir()
        path = written(folder, BEFORE)
        with (
            opened(path, FailingOperations(number, dies=dies)) as backend,
            pytest.raises(Died if dies else SaveFailed),
        ):
            save(backend, *CHANGES, options=SaveOptions())

        assert as_python_reads(path) == BEFORE
        if not dies:
            assert {file.name for file in folder.iterdir()} == {"shelf.db"}


@pytest.mark.parametrize(
    "mistake",
    ["UPDATE Dict SET value = x'00' WHERE key = x'63'", "DELETE FROM Dict WHERE key = x'63'", "SELECT 1"],
)
def test_a_mistake_of_ours_is_found_before_the_commit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, mistake: str
) -> None:
    path = written(tmp_path, BEFORE)
    row = StoredRow(b"new", BLOB, BLOB, sha256(b"").digest())
    monkeypatch.setattr(
        SqliteSave,
        "_insert",
        staticmethod(lambda connection, key, value: connection.execute(mistake) and (9, row)),
    )

    with opened(path) as backend, pytest.raises(SaveFailed, match="reads back differently"):
        save(backend, Insert(b"new", b""))

    assert as_python_reads(path) == BEFORE


class CancelledAfter(CancelToken):
    """Is cancelled at a certain look at it."""

    def __init__(self, looks: int) -> None:
        super().__init__()
        self.looks = looks

    def check(self) -> None:
        self.looks -= 1
        if self.looks < 0:
            self.cancel()
        super().check()


def test_a_save_cancelled_at_any_look_changes_nothing(tmp_path: Path) -> None:
    path = written(tmp_path, BEFORE)
    with opened(path) as backend:
        expected = expected_of(backend)
        for looks in range(100):
            try:
                backend.apply(CHANGES, expected, SaveOptions(), CancelledAfter(looks))
            except Cancelled:
                assert as_python_reads(path) == BEFORE
                assert [file.name for file in tmp_path.iterdir()] == ["shelf.db"]
            else:
                break
    assert looks >= 3
    assert as_python_reads(path) == AFTER


def test_a_key_and_value_beyond_sqlites_limit_are_rejected(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = written(tmp_path, BEFORE)
    monkeypatch.setattr("app.backends.sqlite.save.row_limit", lambda: 100)

    with opened(path) as backend:
        with pytest.raises(KeyRejected, match="100 bytes"):
            save(backend, Insert(b"key", bytes(98)))
        with pytest.raises(KeyRejected, match="101 bytes"):
            save(backend, Replace(0, bytes(101)))
        save(backend, Insert(b"key", bytes(97)))
