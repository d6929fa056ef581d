"""``dbm.sqlite3``: read without a trace whatever its owner is doing."""

import os
import sqlite3
import tempfile
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.backends.base import Insert, Remove, Replace
from app.backends.registry import open_database
from app.backends.sqlite import access as sqlite_access
from app.backends.sqlite import batches as sqlite_batches
from app.cancel import CancelToken
from app.errors import (
    AppError,
    BackendMissing,
    Cancelled,
    CannotOpen,
    CorruptDatabase,
    DatabaseLocked,
    ReadOnlyDatabase,
    StaleIndex,
    UnknownFormat,
)
from app.limits import PROBLEMS
from tests.backends.listing import entries_of, folder_state, index_of
from tests.backends.other_program import OtherProgram
from tests.backends.sqlite_files import (
    BEFORE,
    DATABASES,
    DICT,
    hot_journal,
    made_by,
    opened,
    save,
    scratch,
    written,
)


@given(entries=DATABASES, journal=st.sampled_from(["DELETE", "WAL"]))
def test_entries_are_those_that_were_written_in_row_order(entries: dict[bytes, bytes], journal: str) -> None:
    with scratch() as folder:
        path = written(folder, entries, journal=journal)
        before = folder_state(folder)

        with opened(path) as backend:
            assert entries_of(backend) == list(entries.items())
            assert (backend.problems, backend.notes, backend.why_read_only) == ([], [], "")
        assert folder_state(folder) == before


def test_a_live_writer_with_a_wal_is_read_beside_and_not_disturbed(tmp_path: Path) -> None:
    path = written(tmp_path, {b"a": b"1"}, journal="WAL")
    with OtherProgram() as owner:
        owner.run(f"c = sqlite3.connect({str(path)!r})")
        owner.run("c.execute('INSERT INTO Dict VALUES (?, ?)', (b'in wal', b'2')); c.commit()")
        before = folder_state(tmp_path)

        with opened(path) as backend:
            assert entries_of(backend) == [(b"a", b"1"), (b"in wal", b"2")]
            assert folder_state(tmp_path) == before
            assert owner.run("c.execute('INSERT INTO Dict VALUES (?, ?)', (b'later', b'3')); c.commit()") == "done"
            assert entries_of(backend) == [(b"a", b"1"), (b"in wal", b"2"), (b"later", b"3")]
        assert set(folder_state(tmp_path)) == set(before)


def test_a_wal_that_nobody_has_open_is_read_and_left_alone(database_case: Callable[[str], Path]) -> None:
    path = database_case("sqlite3-live-wal")
    before = folder_state(path.parent)

    with opened(path) as backend:
        assert len(entries_of(backend)) == 9
    assert folder_state(path.parent) == before


def test_a_wal_without_shm_is_read_from_a_private_copy_that_goes_away(
    database_case: Callable[[str], Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = database_case("sqlite3-live-wal")
    path.with_name(path.name + "-shm").unlink()
    before = folder_state(path.parent)
    copies = tmp_path / "copies"
    copies.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(copies))

    with opened(path) as backend:
        assert len(entries_of(backend)) == 9
        assert len(list(copies.iterdir())) == 1
    assert folder_state(path.parent) == before
    assert not list(copies.iterdir())


def test_a_hot_journal_is_recovered_in_a_private_copy_only(tmp_path: Path) -> None:
    path = hot_journal(tmp_path)
    before = folder_state(tmp_path)

    with opened(path) as backend:
        assert {value for _, value in entries_of(backend)} == {b"old" * 300}
        assert "died while it wrote" in backend.why_read_only
        with pytest.raises(ReadOnlyDatabase, match="save it as another file"):
            save(backend, Replace(0, b"x"))
    assert folder_state(tmp_path) == before


def test_a_transaction_in_progress_is_not_seen_and_not_disturbed(tmp_path: Path) -> None:
    path = written(tmp_path, {b"a": b"1"})
    with OtherProgram() as owner:
        owner.run(f"c = sqlite3.connect({str(path)!r}, isolation_level=None)")
        owner.run("c.execute('BEGIN IMMEDIATE'); c.execute('INSERT INTO Dict VALUES (?, ?)', (b'b', b'2'))")
        before = folder_state(tmp_path)

        with opened(path) as backend:
            assert entries_of(backend) == [(b"a", b"1")]
            assert folder_state(tmp_path) == before
            assert owner.run("c.execute('COMMIT')") == "done"
            assert entries_of(backend) == [(b"a", b"1"), (b"b", b"2")]


Gather = Callable[[sqlite3.Cursor, int], sqlite_batches.Batch | None]


@pytest.mark.parametrize("way", ["index", "scan"])
def test_rows_of_a_chunk_are_never_torn_by_a_writer(way: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = written(tmp_path, {b"%04d" % number: b"v" * 200 for number in range(400)})
    torn: list[bool] = []
    name = "gather_short" if way == "index" else "gather_whole"
    gather: Gather = getattr(sqlite_batches, name)
    with OtherProgram() as owner, opened(path) as backend:
        owner.run(f"c = sqlite3.connect({str(path)!r}, isolation_level=None)")

        def gather_beside_a_writer(cursor: sqlite3.Cursor, start: int) -> sqlite_batches.Batch | None:
            if torn:
                return gather(cursor, start)
            first = cursor.fetchone()
            assert owner.run("c.execute('UPDATE Dict SET value = zeroblob(250)')") == "done"
            rest = gather(cursor, start)
            torn.append(rest is None or len({len(first[2]), *rest.chunk.sizes}) == 2)
            return rest

        monkeypatch.setattr(f"app.backends.sqlite.backend.{name}", gather_beside_a_writer)
        chunk, values = next(backend.scan(CancelToken())) if way == "scan" else (next(backend.index(CancelToken())), ())

    assert torn[0]  # what SQLite gave at first was half old, half new
    assert set(chunk.sizes) == {250}
    assert len(chunk) == 256
    assert set(values) == ({bytes(250)} if way == "scan" else set())


def test_a_writer_that_never_pauses_ends_in_a_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = written(tmp_path, BEFORE)
    with opened(path) as backend:
        fetch = sqlite_access._fetch

        def fetch_and_touch(cursor: sqlite3.Cursor) -> list[sqlite_access.Row]:
            os.utime(path)
            return fetch(cursor)

        monkeypatch.setattr(sqlite_access, "_fetch", fetch_and_touch)
        with pytest.raises(CannotOpen, match="written all the time"):
            index_of(backend)


def test_a_writer_in_the_middle_of_its_commit_is_no_dead_one(tmp_path: Path) -> None:
    path = written(tmp_path, {b"%d" % number: b"old" * 300 for number in range(300)})
    with OtherProgram() as owner:
        owner.run(f"c = sqlite3.connect({str(path)!r}, isolation_level=None); c.execute('PRAGMA cache_size = 5')")
        owner.run("c.execute('BEGIN'); c.execute('UPDATE Dict SET value = zeroblob(900)')")
        before = folder_state(tmp_path)

        with opened(path) as backend:
            assert {value for _, value in entries_of(backend)} == {b"old" * 300}
            assert backend.why_read_only == ""
            with pytest.raises(DatabaseLocked):
                save(backend, Remove(0))
        assert folder_state(tmp_path) == before
        assert owner.run("c.execute('COMMIT')") == "done"


def test_a_file_replaced_while_it_is_open_is_read_anew(tmp_path: Path) -> None:
    (tmp_path / "new").mkdir()
    path = written(tmp_path, {b"a": b"1"})
    replacement = written(tmp_path / "new", {b"a": b"other"})
    with opened(path) as backend:
        index = index_of(backend)
        replacement.replace(path)

        with pytest.raises(StaleIndex, match="read it again"):
            backend.read(b"a", index.locator(0), index.size(0))
        assert entries_of(backend) == [(b"a", b"other")]


def test_large_databases_come_in_chunks_and_can_be_cancelled(tmp_path: Path) -> None:
    path = written(tmp_path, {b"%06d" % number: b"v" for number in range(40_000)})
    token = CancelToken()
    with opened(path) as backend:
        chunks = backend.index(token)
        assert len(next(chunks)) == 256
        assert len(next(chunks)) == 16_384
        token.cancel()
        with pytest.raises(Cancelled):
            list(chunks)
        assert len(index_of(backend)) == 40_000


def test_a_prefix_of_a_large_value_is_its_beginning(tmp_path: Path) -> None:
    path = written(tmp_path, {b"a": bytes(range(256)) * 4000})
    with opened(path) as backend:
        index = index_of(backend)

        assert backend.read_prefix(b"a", index.locator(0), index.size(0), 6) == bytes(range(6))
        with closing(sqlite3.connect(path, isolation_level=None)) as database:
            database.execute("UPDATE Dict SET value = zeroblob(70000)")
        with pytest.raises(StaleIndex, match="read it again"):
            backend.read_prefix(b"a", index.locator(0), index.size(0), 6)


def test_text_keys_are_read_and_edited_by_row(tmp_path: Path) -> None:
    path = made_by(tmp_path, DICT, "INSERT INTO Dict VALUES ('text', x'01'), (x'74657874', x'02')")
    with opened(path) as backend:
        assert entries_of(backend) == [(b"text", b"\1"), (b"text", b"\2")]
        assert "Keys stored as text: 1;" in backend.notes[0]

        save(backend, Replace(0, b"new"))
        assert entries_of(backend) == [(b"text", b"new"), (b"text", b"\2")]
    with closing(sqlite3.connect(path)) as database:
        rows = database.execute("SELECT typeof(key), value FROM Dict").fetchall()
    assert rows == [("text", b"new"), ("blob", b"\2")]


def test_numbers_and_nulls_are_shown_and_noted(tmp_path: Path) -> None:
    table = "CREATE TABLE Dict (key BLOB, value BLOB)"
    path = made_by(tmp_path, table, "INSERT INTO Dict VALUES (7, 1.5), ('n', NULL), (NULL, x'00'), ('t', 'caf\xe9')")
    with opened(path) as backend:
        assert entries_of(backend) == [(b"7", b"1.5"), (b"n", b""), (b"t", "caf\xe9".encode())]
        assert [note.split(":")[0] for note in backend.notes] == [
            "Keys stored as text",
            "Entries with numbers of SQLite, shown as their text",
            "Values that are NULL, shown as empty",
        ]
        assert "Row 3 has no key" in backend.problems[0].message


@pytest.mark.parametrize(
    ("statements", "why"),
    [
        ((DICT, "CREATE TRIGGER t AFTER UPDATE ON Dict BEGIN DELETE FROM Dict WHERE key = 'a'; END"), "triggers"),
        (("CREATE TABLE Dict (key BLOB, value BLOB, size AS (length(value)))",), "generated"),
        (("CREATE TABLE Dict (key BLOB PRIMARY KEY, value BLOB) WITHOUT ROWID",), "not declared"),
        (("CREATE TABLE Dict (key BLOB, value BLOB CHECK (length(value) < 1000))",), "not declared"),
        (("CREATE TABLE Dict (key BLOB, value BLOB, rowid TEXT)",), "not declared"),
        ((DICT, "CREATE INDEX i ON Dict (length(value))"), "not declared"),
    ],
)
def test_a_table_of_another_make_is_readable_and_says_why_it_is_not_saved(
    tmp_path: Path, statements: tuple[str, ...], why: str
) -> None:
    path = made_by(tmp_path, *statements, "INSERT INTO Dict (key, value) VALUES (x'61', x'31'), (x'62', x'32')")
    before = folder_state(tmp_path)
    with opened(path) as backend:
        assert entries_of(backend) == [(b"a", b"1"), (b"b", b"2")]
        assert why in backend.why_read_only
        with pytest.raises(ReadOnlyDatabase, match=why):
            save(backend, Replace(0, b"x"))
    assert folder_state(tmp_path) == before


@pytest.mark.parametrize(
    ("statements", "why"),
    [
        (("CREATE TABLE t (key, value)", "CREATE VIEW Dict AS SELECT * FROM t"), "code that the file brings"),
        (("CREATE VIRTUAL TABLE Dict USING rtree(key, value, more)",), "code that the file brings"),
        (("CREATE TABLE Dict (key BLOB, value AS (zeroblob(9)))",), "no stored columns"),
        (("CREATE TABLE Dict (key BLOB)",), "no stored columns"),
        (("CREATE TABLE Other (key BLOB, value BLOB)",), "without the table Dict"),
    ],
)
def test_what_is_no_stored_table_is_refused(tmp_path: Path, statements: tuple[str, ...], why: str) -> None:
    path = made_by(tmp_path, *statements)

    with pytest.raises(UnknownFormat, match=why):
        opened(path)


def test_a_sqlite_file_of_another_program_is_named(tmp_path: Path) -> None:
    path = made_by(tmp_path, "CREATE TABLE Other (key BLOB, value BLOB)")

    with pytest.raises(BackendMissing, match="Dict"):
        open_database(path)


def test_a_database_cut_off_is_named_damaged(database_case: Callable[[str], Path]) -> None:
    path = database_case("sqlite3-n150")
    os.truncate(path, 4096 * 4)

    with opened(path) as backend:
        rows = entries_of(backend)
        assert 0 < len(rows) < 150
        assert len(backend.problems) == 2
        with pytest.raises(ReadOnlyDatabase, match="damaged"):
            save(backend, Insert(b"new", b""))


def with_a_damaged_page(folder: Path) -> Path:
    """Make a database of 2,000 entries, numbered from b"00000" on, a page of which is overwritten."""
    path = written(folder, {b"%05d" % number: b"v" * 100 for number in range(2000)})
    with closing(sqlite3.connect(path)) as database:
        if not has_dbstat(database):
            pytest.skip("this SQLite was built without dbstat")
        query = "SELECT pageno FROM dbstat WHERE name = 'Dict' AND pagetype = 'leaf' ORDER BY path LIMIT 1 OFFSET 20"
        (page,) = database.execute(query).fetchone()
    with path.open("r+b") as file:
        file.seek((page - 1) * 4096)
        file.write(b"\xff" * 4096)
    return path


def test_rows_on_both_sides_of_a_damaged_page_are_listed(tmp_path: Path) -> None:
    with opened(with_a_damaged_page(tmp_path)) as backend:
        listed = entries_of(backend)

        keys = [key for key, _ in listed]
        assert keys == sorted(set(keys))
        assert keys[0] == b"00000"
        assert keys[-1] == b"01999"
        assert 1900 < len(listed) < 2000
        assert {value for _, value in listed} == {b"v" * 100}
        assert "cannot be read" in backend.problems[0].message


def test_looking_for_rows_around_damage_can_be_cancelled(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.backends.sqlite.backend.FIRST_CHUNK", 2000)
    token = CancelToken()
    with opened(with_a_damaged_page(tmp_path)) as backend:
        chunks = backend.index(token)
        assert len(next(chunks)) == 256
        token.cancel()

        with pytest.raises(Cancelled):
            next(chunks)


def test_rows_without_keys_are_named_up_to_a_limit(tmp_path: Path) -> None:
    path = made_by(
        tmp_path,
        "CREATE TABLE Dict (key BLOB, value BLOB)",
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 3000) "
        "INSERT INTO Dict SELECT NULL, i FROM n",
    )

    with opened(path) as backend:
        assert entries_of(backend) == []
        assert backend.problems[0].message == "Row 1 has no key: it is not shown."
        assert len(backend.problems) == PROBLEMS + 1


def has_dbstat(database: sqlite3.Connection) -> bool:
    try:
        database.execute("SELECT * FROM dbstat LIMIT 1")
    except sqlite3.OperationalError:
        return False
    return True


@pytest.mark.parametrize("byte", [0xFF, 0x80, 0x1B, 0x00])
def test_a_schema_wrong_in_any_byte_is_a_sentence_of_plain_text(tmp_path: Path, byte: int) -> None:
    raw = written(tmp_path, {b"a": b"1"}).read_bytes()
    path = tmp_path / "wrong.db"
    start = raw.index(b"tableDictDict")
    for position in range(start - 20, start + len(b"tableDictDict") + len(DICT) + 1):
        path.write_bytes(raw[:position] + bytes([byte]) + raw[position + 1 :])
        try:
            with opened(path) as backend:
                entries_of(backend)
        except AppError as error:
            assert error.message.isprintable()  # noqa: PT017 - either outcome is allowed


@given(data=st.data())
def test_one_wrong_byte_gives_entries_or_an_error(data: st.DataObject) -> None:
    with scratch() as folder:
        path = written(folder, {b"%02d" % number: b"v" * number * 50 for number in range(60)})
        raw = bytearray(path.read_bytes())
        raw[data.draw(st.integers(0, len(raw) - 1))] = data.draw(st.integers(0, 255))
        path.write_bytes(raw)

        try:
            with opened(path) as backend:
                index = index_of(backend)
        except AppError as error:
            assert error.message.endswith(".")  # noqa: PT017 - either outcome is allowed
            return
        assert len(index) <= 200
        with opened(path) as backend:
            for entry_id in range(len(index)):
                try:
                    backend.read(index.key(entry_id), index.locator(entry_id), index.size(entry_id))
                except (CorruptDatabase, StaleIndex):
                    continue


def test_a_cut_file_whose_tree_leads_back_is_not_listed_without_end(database_case: Callable[[str], Path]) -> None:
    path = database_case("sqlite3-n150")
    path.write_bytes(path.read_bytes()[:18945])

    with opened(path) as backend:
        rows = [row for chunk in backend.index(CancelToken()) for row in chunk.locators]
        assert rows == sorted(set(rows))
        assert any("leads back" in problem.message for problem in backend.problems)
