"""The digest of a table tells it from every other one, in whatever way its rows were taken."""

import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.backends.sqlite import joined, rows
from app.backends.sqlite.joined import JoinedRows, joined_rows
from app.backends.sqlite.rows import TableDigest
from app.backends.sqlite.transfer import connect
from app.cancel import CancelToken
from tests.backends.sqlite_files import DICT, made_by, scratch
from tests.backends.test_sqlite_bulk import damaged_deep_tree, large

CELLS = st.one_of(st.binary(max_size=6), st.text(max_size=3), st.integers(-3, 3), st.none(), st.just(1.5))
ROWIDS = st.integers(-5, 40)
TABLES = st.dictionaries(ROWIDS, st.tuples(CELLS, CELLS), max_size=20)
BLOBS = st.dictionaries(ROWIDS, st.tuples(st.binary(max_size=6), st.binary(max_size=6)), max_size=20)
TABLE = "CREATE TABLE Dict (key BLOB, value BLOB)"

Cell = bytes | str | int | float | None
Table = Mapping[int, tuple[Cell, Cell]]


@contextmanager
def joining(at_once: int, *, misses: int = 8) -> Iterator[None]:
    """Let SQLite join so many rows at once, and none any more after some misses."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(rows, "_JOINED", at_once)
        patch.setattr(rows, "_MISSES", misses)
        yield


def digest_of(path: Path, *keys: bytes) -> tuple[bytes, dict[int, rows.StoredRow]]:
    with closing(connect(path, "ro")) as connection:
        made = TableDigest(connection, CancelToken(), keys)
        return made.digest, made.apart


def digest_or_why_not(path: Path) -> tuple[bytes, dict[int, rows.StoredRow]] | str:
    try:
        return digest_of(path)
    except sqlite3.DatabaseError as error:
        return str(error)


def table(folder: Path, content: Table) -> Path:
    path = folder / f"{len(list(folder.iterdir()))}.db"
    with closing(sqlite3.connect(path)) as database:
        database.execute(TABLE)
        pairs = ((rowid, *cells) for rowid, cells in content.items())
        database.executemany("INSERT INTO Dict (rowid, key, value) VALUES (?, ?, ?)", pairs)
        database.commit()
    return path


def watch(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Return a list that will tell how many rows at a time SQLite joined."""
    counts: list[int] = []

    def watched(*arguments: object) -> JoinedRows | None:
        found = joined_rows(*arguments)  # type: ignore[arg-type] # handed on as they come
        counts.append(found.count if found else 0)
        return found

    monkeypatch.setattr(rows, "joined_rows", watched)
    return counts


@given(content=st.one_of(BLOBS, TABLES), at_once=st.integers(1, 9), wanted=st.sampled_from([(), (b"",), (b"a", b"")]))
def test_rows_joined_by_sqlite_count_as_those_that_are_fetched(
    content: Table, at_once: int, wanted: tuple[bytes, ...]
) -> None:
    with scratch() as folder:
        path = table(folder, content)
        with joining(1, misses=0):
            fetched = digest_of(path, *wanted)
        with joining(at_once, misses=100):
            assert digest_of(path, *wanted) == fetched


@given(one=st.one_of(BLOBS, TABLES), data=st.data())
def test_other_rows_have_another_digest(one: Table, data: st.DataObject) -> None:
    other = data.draw(st.one_of(BLOBS, TABLES, st.just(one)), label="other")
    if one:
        other = data.draw(st.sampled_from([other, {**one, max(one): data.draw(st.tuples(CELLS, CELLS))}]))
    with scratch() as folder, joining(3, misses=100):
        paths = table(folder, one), table(folder, other)

        assert (digest_of(paths[0]) == digest_of(paths[1])) == (stored(paths[0]) == stored(paths[1]))


def stored(path: Path) -> list[tuple[object, ...]]:
    with closing(sqlite3.connect(path)) as database:
        query = "SELECT rowid, typeof(key), key, typeof(value), value FROM Dict ORDER BY rowid"
        return database.execute(query).fetchall()


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({1: (b"a", b"bc")}, {1: (b"ab", b"c")}),
        ({1: (b"a", b""), 2: (b"b", b"c")}, {1: (b"a", b"c"), 2: (b"b", b"")}),
        ({1: (b"a", b"b")}, {1: (b"a", "b")}),
        ({1: (b"a", b"b")}, {1: ("a", b"b")}),
        ({1: (b"a", b"")}, {1: (b"a", None)}),
        ({1: (b"a", b"b")}, {2: (b"a", b"b")}),
        ({1: (b"a", b"b")}, {1: (b"a", b"b\0")}),
        ({1: (b"a", b"b"), 2: (b"a", b"b")}, {1: (b"a", b"b")}),
    ],
)
def test_tables_that_are_much_alike_have_different_digests(one: Table, other: Table, tmp_path: Path) -> None:
    assert digest_of(table(tmp_path, one)) != digest_of(table(tmp_path, other))


def test_most_rows_are_joined_and_those_with_keys_that_change_are_kept_apart(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = table(tmp_path, {number: (b"%d" % number, b"value") for number in range(10_000)})
    counts = watch(monkeypatch)

    few = digest_of(path, b"5000", b"500")
    many = digest_of(path, *(b"%d" % number for number in range(4000, 4010)))

    rest = 10_000 - 4 * 2048
    assert counts == [0, 2048, 0, 2048, rest, 2048, 0, 2048, 2048, rest]
    assert {row.key for row in few[1].values()} == {b"5000", b"500"}
    assert set(many[1]) == set(range(4000, 4010))


def test_long_values_are_not_joined(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = table(tmp_path, {number: (b"%d" % number, bytes(5000) + b"%d" % number) for number in range(40)})
    with joining(1, misses=0):
        fetched = digest_of(path)
    counts = watch(monkeypatch)
    monkeypatch.setattr(joined, "_LONGEST", 51_000)

    with joining(20):
        assert digest_of(path) == fetched
    with joining(10):
        assert digest_of(path) == fetched

    assert counts == [0, 0, 0, 10, 10, 10, 10, 0]


def test_unusual_rows_are_soon_only_fetched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = table(tmp_path, {number: (b"%d" % number, "text") for number in range(1000)})
    counts = watch(monkeypatch)

    with joining(10):
        digest_of(path)

    assert counts == [0] * 8


def test_text_of_16_bits_keeps_sqlite_from_joining(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    insert = "INSERT INTO Dict VALUES (x'ff00d800', x'80')"
    path = made_by(tmp_path, "PRAGMA encoding = 'UTF-16le'", DICT, insert)
    counts = watch(monkeypatch)

    (other, _apart) = digest_of(table(tmp_path, {1: (b"\xff\0\xd8\0", b"\x80")}))
    (found, _apart) = digest_of(path)

    assert found == other
    assert counts == [1]


@given(data=st.data())
def test_no_row_of_a_damaged_table_is_passed_over(data: st.DataObject) -> None:
    with scratch() as folder:
        path = damaged_deep_tree(folder / "x.db", data)
        with joining(1, misses=0):
            fetched = digest_or_why_not(path)
        with joining(16):
            found = digest_or_why_not(path)

    assert found == fetched or (isinstance(found, str) and isinstance(fetched, str))


def test_a_table_with_values_of_all_sizes_is_the_same_either_way(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = large(tmp_path / "x.db", "page_size = 1024")
    with joining(1, misses=0):
        fetched = digest_of(path, b"key 7")
    counts = watch(monkeypatch)

    with joining(64):
        assert digest_of(path, b"key 7") == fetched

    assert sum(counts) > 500
