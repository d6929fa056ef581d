"""What another program did is counted beside the document, which stays as it is."""

import dbm.dumb
import sqlite3
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.backends.base import Insert, Remove, Replace
from app.document import watching
from app.document.disk import LISTED, DiskChanges, DiskEntry, DiskKind
from app.document.document import Document
from app.engine.base import NewDatabase
from app.engine.local import LocalEngine
from app.errors import AppError
from tests.document.databases import id_of, make, opened, outcome, pairs_of, run, write
from tests.engine.shelves import make_sqlite, read_sqlite

ENTRIES = {b"a": b"one", b"b": b"two", b"c": b"three"}
ADDED, REMOVED, CHANGED = DiskKind.ADDED, DiskKind.REMOVED, DiskKind.CHANGED


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return make_sqlite(tmp_path / "x.db", ENTRIES)


def edited(path: Path) -> Document:
    """Return a document with a pending change of ``a`` that knows what the entries are."""
    document = opened(path)
    run(document.set_bytes_job(id_of(document, b"a"), b"mine"))
    run(document.fingerprints_job())
    return document


def compared(document: Document) -> DiskChanges:
    return outcome(document.comparison_job(LocalEngine))


def rewrite(path: Path, entries: Mapping[bytes, bytes]) -> None:
    """Give the database exactly these entries, with SQLite itself."""
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("DELETE FROM Dict")
        connection.executemany("INSERT INTO Dict VALUES (?, ?)", entries.items())


def counts(changes: DiskChanges) -> tuple[int, int, int]:
    assert changes.counts is not None
    return changes.counts[ADDED], changes.counts[REMOVED], changes.counts[CHANGED]


def test_what_was_added_removed_and_changed_is_counted_and_named(path: Path) -> None:
    with closing(edited(path)) as document:
        rewrite(path, {b"a": b"two", b"c": b"eerht", b"new": b"x"})

        found = compared(document)

        assert counts(found) == (1, 1, 2)
        assert found.first == (
            DiskEntry(b"a", CHANGED, collides=True),
            DiskEntry(b"c", CHANGED, collides=False),
            DiskEntry(b"new", ADDED, collides=False),
            DiskEntry(b"b", REMOVED, collides=False),
        )
        assert (found.colliding, found.is_exact, found.is_same) == (1, True, False)
        assert dict(pairs_of(path)) != ENTRIES
        assert [document.index.key(row) for row in range(3)] == list(ENTRIES)


def test_the_same_entries_in_another_order_are_the_same(path: Path) -> None:
    with closing(edited(path)) as document:
        rewrite(path, dict(reversed(ENTRIES.items())))

        assert compared(document).is_same


@given(after=st.dictionaries(st.sampled_from([b"a", b"b", b"c", b"d", b""]), st.sampled_from([b"one", b"two", b""])))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_the_counts_are_those_of_two_dicts(tmp_path: Path, after: dict[bytes, bytes]) -> None:
    path = tmp_path / "x.db"
    path.unlink(missing_ok=True)
    with closing(edited(make_sqlite(path, ENTRIES))) as document:
        rewrite(path, after)

        found = compared(document)

        changed = {key for key in ENTRIES.keys() & after.keys() if ENTRIES[key] != after[key]}
        assert counts(found) == (len(after.keys() - ENTRIES.keys()), len(ENTRIES.keys() - after.keys()), len(changed))
        assert found.colliding == (after.get(b"a") != b"one")


def test_entries_of_one_key_are_counted_each(tmp_path: Path) -> None:
    path = make(tmp_path / "x.cdb", "cdb")
    write(path, [Insert(b"k", b"one"), Insert(b"k", b"one"), Insert(b"k", b"two"), Insert(b"z", b"z")])
    document = opened(path)
    run(document.set_bytes_job(3, b"mine"))
    run(document.fingerprints_job())

    write(path, [Remove(0), Replace(2, b"three"), Insert(b"k", b"four")])

    assert counts(compared(document)) == (0, 0, 2)
    document.close()


def test_values_too_many_to_be_read_are_compared_by_their_lengths(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watching, "READ_BYTES", 3)
    with closing(edited(path)) as document:
        rewrite(path, {**ENTRIES, b"b": b"owt", b"c": b"longer than three"})

        found = compared(document)

        assert counts(found) == (0, 0, 1)
        assert not found.is_exact


def test_without_a_note_of_before_only_collisions_are_known(path: Path) -> None:
    with closing(opened(path)) as document:
        run(document.set_bytes_job(0, b"mine"))
        run(document.delete_job([1]))
        rewrite(path, {b"b": b"theirs"})

        found = compared(document)

        assert found.counts is None
        assert found.colliding == 2
        assert found.first == (DiskEntry(b"a", REMOVED, collides=True), DiskEntry(b"b", CHANGED, collides=True))


def test_no_note_is_taken_of_what_was_written_meanwhile(path: Path) -> None:
    with closing(opened(path)) as document:
        run(document.set_bytes_job(0, b"mine"))
        with closing(sqlite3.connect(path)) as other, other:
            other.execute("INSERT INTO Dict VALUES (?, ?)", (b"new", b"x"))
        run(document.fingerprints_job())

        assert compared(document).counts is None


def test_no_more_than_a_screenful_is_named(path: Path) -> None:
    with closing(edited(path)) as document:
        rewrite(path, {b"%d" % number: b"" for number in range(2 * LISTED)})

        found = compared(document)

        assert counts(found) == (2 * LISTED, 3, 0)
        assert len(found.first) == LISTED


def test_another_format_fails_with_its_name(tmp_path: Path, path: Path) -> None:
    with closing(edited(path)) as document:
        path.unlink()
        make(path, "gdbm")

        with pytest.raises(AppError, match="another format now: gdbm"):
            compared(document)


def test_files_that_are_gone_are_rescued_from_what_is_open(tmp_path: Path) -> None:
    path = make(tmp_path / "x.cdb", "cdb")
    write(path, [Insert(key, value) for key, value in ENTRIES.items()])
    with closing(edited(path)) as document:
        path.unlink()

        rescued = outcome(document.rescue_job(NewDatabase(str(tmp_path / "y.db"), "sqlite3"), LocalEngine))

    assert rescued.is_whole
    assert read_sqlite(tmp_path / "y.db") == {**ENTRIES, b"a": b"mine"}


def test_where_nothing_is_open_what_was_changed_is_rescued(tmp_path: Path) -> None:
    with dbm.dumb.open(str(tmp_path / "x"), "c") as made:
        for key, value in ENTRIES.items():
            made[key] = value
    with closing(edited(tmp_path / "x.dir")) as document:
        run(document.delete_job([id_of(document, b"b")]))
        run(document.add_job(b"new", b"added"))
        for member in tmp_path.glob("x.*"):
            member.unlink()

        rescued = outcome(document.rescue_job(NewDatabase(str(tmp_path / "y.db"), "sqlite3"), LocalEngine))

        assert not rescued.is_whole
        assert rescued.made.entries == 2
        assert read_sqlite(tmp_path / "y.db") == {b"a": b"mine", b"new": b"added"}
        assert len(document.pending_changes) == 3


def test_a_rescue_that_fails_leaves_nothing(tmp_path: Path, path: Path) -> None:
    with closing(edited(path)) as document:
        path.unlink()

        with pytest.raises(AppError):
            run(document.rescue_job(NewDatabase(str(tmp_path / "no" / "y.db"), "sqlite3"), LocalEngine))

    assert list(tmp_path.iterdir()) == []
