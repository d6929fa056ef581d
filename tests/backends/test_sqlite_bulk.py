"""Rows of SQLite files that are taken from their pages are those that SQLite lists, whatever the pages hold."""

import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from functools import cache
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.backends.base import Backend
from app.backends.key_index import IndexChunk
from app.backends.sqlite import backend as sqlite_backend
from app.backends.sqlite import bulk, image
from app.backends.sqlite.batches import LONGEST_CELL, Batch
from app.backends.sqlite.bulk import TableRows
from app.cancel import CancelToken
from app.errors import AppError, Cancelled, StaleIndex
from tests import corpus
from tests.backends import sqlite_files
from tests.backends.damaging import damaged_somehow
from tests.backends.listing import entries_of, folder_state, index_of
from tests.backends.other_program import OtherProgram

CASES = corpus.databases("sqlite3")
FUZZED = [case for case in CASES if not case.corrupt and case.count]
MANY = 700
NEVER = 1 << 60


@contextmanager
def pages_from(least: int) -> Iterator[None]:
    """List all but the first row of files that have so many bytes from their pages."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(image, "_LEAST", least)
        patch.setattr(sqlite_backend, "_SMALL", 1 << 40)
        patch.setattr(sqlite_backend, "FIRST_CHUNK", 1)
        yield


def seen_in(path: Path, *, at_once: bool) -> list[object]:
    """Return all entries, with what is said of unreadable ones, then problems and notes."""
    found: list[object] = []
    try:
        with sqlite_files.opened(path) as backend:
            scan = backend.scan(CancelToken()) if at_once else Backend.scan(backend, CancelToken())
            for chunk, values in scan:
                keys = map(chunk.key, range(len(chunk)))
                found += zip(keys, chunk.locators, chunk.sizes, readable(backend, chunk, values), strict=True)
            return [*found, list(backend.problems), list(backend.notes)]
    except AppError as error:
        return [*found, error.message]


def readable(backend: Backend, chunk: IndexChunk, values: Iterable[bytes]) -> list[bytes | str]:
    try:
        return list(values)
    except AppError:
        return [value_or_why(backend, chunk, row) for row in range(len(chunk))]


def value_or_why(backend: Backend, chunk: IndexChunk, row: int) -> bytes | str:
    try:
        return backend.read(chunk.key(row), chunk.locators[row], chunk.sizes[row])
    except AppError as error:
        return error.message


def see_the_same(path: Path) -> list[object]:
    """Return what a file reads as, having compared the ways of SQL with those by pages."""
    with pages_from(NEVER):
        sought, told = (seen_in(path, at_once=at_once) for at_once in (False, True))
    with pages_from(0):
        assert seen_in(path, at_once=False) == sought
        assert seen_in(path, at_once=True) == told
    return told


def watch(monkeypatch: pytest.MonkeyPatch) -> list[Batch]:
    """Return a list that will hold what was listed from pages."""
    taken: list[Batch] = []
    batches = TableRows.batches

    def watched(self: TableRows, start: int, *, with_values: bool) -> Iterator[Batch]:
        for batch in batches(self, start, with_values=with_values):
            taken.append(batch)
            yield batch

    monkeypatch.setattr(TableRows, "batches", watched)
    return taken


def rows_in(taken: list[Batch]) -> int:
    return sum(len(batch.chunk) for batch in taken)


def pairs(count: int = MANY) -> list[tuple[bytes, bytes]]:
    """Return small entries, and some with values that lie on other pages, a few of them very long."""
    made = [(b"key %d" % number, b"%d " % number * (number % 9)) for number in range(count)]
    made[20::50] = [(key, key * (number * 97)) for number, (key, _value) in enumerate(made[20::50])]
    made[90::300] = [(key, bytes(LONGEST_CELL + 1) + key) for key, _value in made[90::300]]
    return made


def large(path: Path, *settings: str, reserved: int = 0, count: int = MANY) -> Path:
    run(path, *(f"PRAGMA {setting}" for setting in settings), "PRAGMA user_version = 1")  # now there is a first page
    if reserved:
        reserve(path, reserved)
    with closing(sqlite3.connect(path)) as database:
        database.execute(sqlite_files.DICT)
        database.executemany("INSERT INTO Dict VALUES (?, ?)", pairs(count))
        database.commit()
    return path


def run(path: Path, *statements: str) -> None:
    with closing(sqlite3.connect(path, isolation_level=None)) as database:
        for statement in statements:
            database.execute(statement)


def reserve(path: Path, count: int) -> None:
    """Keep bytes at the end of every page free, as programs do that put checksums there."""
    content = bytearray(path.read_bytes())
    content[20] = count
    content[105:107] = (len(content) - count).to_bytes(2, "big")
    path.write_bytes(content)


@pytest.mark.parametrize(
    ("settings", "reserved"),
    [
        (("page_size = 512",), 0),
        (("page_size = 1024",), 16),
        (("page_size = 4096", "auto_vacuum = FULL"), 0),
        (("page_size = 65536",), 0),
        (("encoding = 'UTF-16le'",), 0),
        (("journal_mode = WAL",), 0),
    ],
    ids=str,
)
def test_all_rows_of_a_plain_table_come_from_its_pages(
    settings: tuple[str, ...], reserved: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = large(tmp_path / "x.db", *settings, reserved=reserved)
    before = folder_state(tmp_path)
    taken = watch(monkeypatch)

    seen = see_the_same(path)

    assert [entry[::2][:1] + entry[3:] for entry in seen[:-2] if isinstance(entry, tuple)] == pairs()
    assert rows_in(taken) == 2 * (MANY - 1)
    assert folder_state(tmp_path) == before


def test_values_on_other_pages_are_followed_unless_they_are_very_long(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = large(tmp_path / "x.db", "page_size = 1024")
    taken = watch(monkeypatch)

    with pages_from(0):
        seen_in(path, at_once=True)

    sizes = [size for batch in taken for size in batch.chunk.sizes]
    found = [value for batch in taken for value in batch.values]
    assert sum(value is not None and len(value) > 1024 for value in found) > 10
    assert [size for size, value in zip(sizes, found, strict=True) if value is None] == [
        size for size in sizes if size > LONGEST_CELL
    ]


def test_values_on_other_pages_are_not_all_in_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bulk, "_VALUE_BYTES", 9000)
    path = large(tmp_path / "x.db", "page_size = 1024")
    taken = watch(monkeypatch)

    see_the_same(path)

    held = [sum(len(value) for value in batch.values if value and len(value) > 1024) for batch in taken]
    assert 0 < max(held) <= 9000


@pytest.mark.parametrize(
    "odd",
    [
        "INSERT INTO Dict VALUES ('text', 'more')",
        "INSERT INTO Dict VALUES (x'00', 17.5)",
        "INSERT INTO Dict VALUES (19, x'00')",
        "UPDATE Dict SET key = zeroblob(5000) WHERE rowid = 409",
        "UPDATE Dict SET value = 'text' WHERE rowid = 409",
        "UPDATE Dict SET rowid = 1 << 62 WHERE rowid = 407",
        "UPDATE Dict SET rowid = -4 WHERE rowid = 7",
        "DELETE FROM Dict WHERE rowid BETWEEN 100 AND 500",
        "DELETE FROM Dict WHERE rowid > 1",
        "DELETE FROM Dict",
        "ALTER TABLE Dict RENAME COLUMN key TO name; ALTER TABLE Dict RENAME COLUMN value TO key",
        "CREATE TABLE other (key); INSERT INTO other SELECT key FROM Dict",
        "VACUUM",
    ],
)
def test_unusual_rows_and_tables_read_the_same(odd: str, tmp_path: Path) -> None:
    path = large(tmp_path / "x.db", "page_size = 1024")
    run(path, *odd.split("; "))

    assert see_the_same(path)


@pytest.mark.parametrize(
    "table",
    [
        "CREATE TABLE Dict (value BLOB, key BLOB)",
        "CREATE TABLE Dict (key INTEGER PRIMARY KEY, value BLOB)",
        "CREATE TABLE Dict (key BLOB PRIMARY KEY, value BLOB) WITHOUT ROWID",
        "CREATE TABLE Dict (key BLOB, value BLOB, more BLOB)",
    ],
)
def test_a_table_of_another_make_is_not_taken_from_its_pages(
    table: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "x.db"
    with closing(sqlite3.connect(path)) as database:
        database.execute(table)
        database.executemany("INSERT INTO Dict (key, value) VALUES (?, x'00')", ((number,) for number in range(9)))
        database.commit()
    taken = watch(monkeypatch)

    assert len(see_the_same(path)) >= 9 + 2
    assert taken == []


def test_what_lies_in_a_wal_is_listed_beside_its_writer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = large(tmp_path / "x.db", "journal_mode = WAL")
    taken = watch(monkeypatch)
    with OtherProgram() as owner:
        owner.run(f"c = sqlite3.connect({str(path)!r})")
        owner.run("c.execute('INSERT INTO Dict VALUES (?, ?)', (b'in wal', b'2')); c.commit()")
        owner.run("c.execute('INSERT INTO Dict VALUES (?, ?)', (b'not committed', b'3'))")

        seen = see_the_same(path)

    assert seen[-3] == (b"in wal", MANY + 1, 1, b"2")
    assert rows_in(taken) == 2 * MANY


def test_pages_beside_a_writer_are_all_of_one_moment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = large(tmp_path / "x.db", "journal_mode = WAL")
    serialized = image._serialized
    with pages_from(0), OtherProgram() as owner, sqlite_files.opened(path) as backend:
        owner.run(f"c = sqlite3.connect({str(path)!r}, isolation_level=None)")
        owner.run("c.execute('SELECT * FROM Dict').close()")

        def serialized_beside_a_writer(connection: sqlite3.Connection) -> bytes | None:
            assert owner.run("c.execute('UPDATE Dict SET value = zeroblob(99)')") == "done"
            return serialized(connection)

        monkeypatch.setattr(image, "_serialized", serialized_beside_a_writer)
        taken = watch(monkeypatch)
        index = index_of(backend)

    assert rows_in(taken) == MANY - 1
    assert [size for batch in taken for size in batch.chunk.sizes] == [len(value) for _key, value in pairs()[1:]]
    assert len(index) == MANY


def test_pages_that_were_overtaken_by_a_writer_are_taken_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = large(tmp_path / "x.db")
    images: list[image.Image | None] = []

    def image_overtaken_once(connection: sqlite3.Connection) -> image.Image | None:
        images.append(image.image_of(connection))
        if len(images) == 1:
            run(path, "UPDATE Dict SET value = zeroblob(99)")
        return images[-1]

    monkeypatch.setattr("app.backends.sqlite.access.image_of", image_overtaken_once)
    with pages_from(0), sqlite_files.opened(path) as backend:
        sizes = [size for chunk in backend.index(CancelToken()) for size in chunk.sizes]

    assert sizes[1:] == [99] * (MANY - 1)
    assert len(images) == 2


@pytest.mark.parametrize("journal", ["DELETE", "WAL"])
def test_a_value_changed_after_its_row_was_listed_is_stale(journal: str, tmp_path: Path) -> None:
    path = large(tmp_path / "x.db", f"journal_mode = {journal}")
    with pages_from(0), OtherProgram() as owner, sqlite_files.opened(path) as backend:
        owner.run(f"c = sqlite3.connect({str(path)!r}, isolation_level=None)")
        owner.run("c.execute('SELECT * FROM Dict').close()")
        chunks = backend.index(CancelToken())
        next(chunks)
        chunk = next(chunks)
        assert owner.run("c.execute('UPDATE Dict SET value = zeroblob(99) WHERE rowid = 8')") == "done"
        list(chunks)
        row = chunk.locators.index(8)

        with pytest.raises(StaleIndex, match="read it again"):
            backend.read(chunk.key(row), 8, chunk.sizes[row])


def test_rows_listed_in_different_states_are_stale_and_not_damaged(tmp_path: Path) -> None:
    path = large(tmp_path / "x.db")
    with pages_from(0), sqlite_files.opened(path) as backend:
        chunks = backend.index(CancelToken())
        first = next(chunks)
        run(path, "UPDATE Dict SET value = zeroblob(99) WHERE rowid = 1")
        list(chunks)

        with pytest.raises(StaleIndex, match="read it again"):
            backend.read(first.key(0), 1, first.sizes[0])


def test_a_sqlite_without_its_function_is_asked_for_rows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = large(tmp_path / "x.db")
    taken = watch(monkeypatch)
    monkeypatch.setattr(image, "_CAN_SERIALIZE", False)

    assert len(see_the_same(path)) == MANY + 2
    assert taken == []


def test_a_file_that_does_not_fit_memory_is_asked_for_rows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = large(tmp_path / "x.db")
    taken = watch(monkeypatch)
    monkeypatch.setattr(image, "PAGES_IN_MEMORY", path.stat().st_size - 1)

    assert len(see_the_same(path)) == MANY + 2
    assert taken == []


def test_files_of_large_values_and_small_files_are_not_read_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[sqlite3.Connection] = []
    monkeypatch.setattr("app.backends.sqlite.access.image_of", asked.append)
    values = sqlite_files.written(tmp_path, {b"%d" % number: bytes(40_000) for number in range(300)})
    with sqlite_files.opened(values) as backend:
        assert len(index_of(backend)) == 300
    assert asked == []

    monkeypatch.undo()
    taken = watch(monkeypatch)
    with sqlite_files.opened(large(tmp_path / "x.db")) as backend:
        assert len(entries_of(backend)) == MANY
    assert taken == []


def test_taking_rows_from_pages_can_be_cancelled(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bulk, "_AT_ONCE", 1)
    token = CancelToken()
    with pages_from(0), sqlite_files.opened(large(tmp_path / "x.db")) as backend:
        chunks = backend.index(token)
        assert len(next(chunks)) + len(next(chunks)) < MANY
        token.cancel()

        with pytest.raises(Cancelled):
            next(chunks)


@pytest.mark.parametrize("case", CASES, ids=corpus.name_of)
def test_a_case_of_the_corpus_reads_the_same(case: corpus.DatabaseCase, tmp_path: Path) -> None:
    see_the_same(case.copy_to(tmp_path))


@given(data=st.data())
def test_a_damaged_case_reads_the_same(data: st.DataObject, tmp_path_factory: pytest.TempPathFactory) -> None:
    see_the_same(damaged_somehow(FUZZED, tmp_path_factory.mktemp("damaged"), data, magic_end=16))


@cache
def image_of_a_deep_tree() -> bytes:
    with sqlite_files.scratch() as folder:
        return large(folder / "x.db", "page_size = 512", count=400).read_bytes()


def damaged_deep_tree(path: Path, data: st.DataObject) -> Path:
    """Write a table of many small pages, some of which have wrong heads or are in the places of others."""
    content = bytearray(image_of_a_deep_tree())
    pages = st.integers(1, len(content) // 512 - 1)
    for _ in range(data.draw(st.integers(1, 3), label="how many")):
        start, other = (512 * data.draw(pages, label="page") for _ in range(2))
        if data.draw(st.booleans(), label="copied"):
            content[start : start + 512] = content[other : other + 512]
        else:
            place = start + data.draw(st.integers(0, 40), label="place")
            content[place : place + 2] = data.draw(st.binary(min_size=2, max_size=2), label="new")
    path.write_bytes(content)
    return path


@given(data=st.data())
def test_pages_with_wrong_heads_or_in_wrong_places_read_the_same(data: st.DataObject) -> None:
    with sqlite_files.scratch() as folder:
        see_the_same(damaged_deep_tree(folder / "x.db", data))
