"""Going through a CDB or SQLite file once gives what listing it and then reading its values gives."""

import os
import sqlite3
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.backends import bulk_keys
from app.backends.base import Backend
from app.backends.cdb import backend as cdb
from app.backends.cdb import bulk
from app.backends.cdb.backend import CdbBackend
from app.backends.cdb.write import CdbWriter
from app.backends.key_index import FIRST_CHUNK, IndexChunk
from app.backends.registry import open_database
from app.backends.sqlite import batches
from app.backends.sqlite.backend import SqliteBackend
from app.cancel import CancelToken
from app.errors import AppError, Cancelled, StaleIndex
from tests import corpus
from tests.backends import cdb_files, rewriting, sqlite_files
from tests.backends.damaging import damaged_somehow
from tests.backends.other_program import OtherProgram

CopyCase = Callable[[str], Path]
Pair = tuple[bytes, bytes]

CASES = corpus.databases("cdb", "sqlite3")
FUZZED = [case for case in CASES if not case.corrupt and case.count]
MANY = 40_000
PAIRS = [(b"key %05d" % number, b"%d " % number * (number % 20)) for number in range(MANY)]
PAIRS[700:MANY:9000] = [(key, key * 2000) for key, _value in PAIRS[700:MANY:9000]]


def seen_in(backend: Backend, *, at_once: bool) -> list[object]:
    """Return all entries up to the first that cannot be read, then what else is said of them."""
    found: list[object] = []
    try:
        for chunk, values in backend.scan(CancelToken()) if at_once else Backend.scan(backend, CancelToken()):
            places = zip(range(len(chunk)), chunk.locators, chunk.sizes, strict=True)
            for (row, locator, size), value in zip(places, values, strict=True):
                assert (type(value), len(value)) == (bytes, size)
                found.append((chunk.key(row), locator, value))
    except AppError as error:
        found.append(error.message)
    return [*found, list(backend.problems), list(backend.notes)]


def assert_same_either_way(path: Path) -> list[object]:
    try:
        with open_database(path) as backend:
            sought = seen_in(backend, at_once=False)
            assert seen_in(backend, at_once=True) == sought
    except AppError as error:
        return [error.message]
    return sought


def refuse(backend: Backend, monkeypatch: pytest.MonkeyPatch, *names: str) -> None:
    """Let methods that look for entries a second time fail the test."""
    for name in names:
        monkeypatch.setattr(backend, name, lambda *_arguments, name=name: pytest.fail(f"{name} was asked"))


@pytest.mark.parametrize("many", [0, 1 << 60], ids=["in bulk", "singly"])
@pytest.mark.parametrize("case", CASES, ids=corpus.name_of)
def test_a_case_of_the_corpus_reads_the_same(
    case: corpus.DatabaseCase, database_case: CopyCase, many: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cdb, "_MANY", many)

    seen = assert_same_either_way(database_case(case.name))

    assert case.corrupt or len(seen) - 2 == case.count


@given(data=st.data())
def test_a_damaged_file_reads_the_same(data: st.DataObject, tmp_path_factory: pytest.TempPathFactory) -> None:
    path = damaged_somehow(FUZZED, tmp_path_factory.mktemp("damaged"), data, magic_end=16)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(cdb, "_MANY", 0)
        assert_same_either_way(path)


def large_cdb(folder: Path) -> Path:
    rewriting.create(CdbWriter(CdbBackend), folder / "x.cdb", PAIRS)
    return folder / "x.cdb"


def test_a_large_cdb_file_is_read_without_a_second_look(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with open_database(large_cdb(tmp_path)) as backend:
        sought = seen_in(backend, at_once=False)
        refuse(backend, monkeypatch, "values", "read", "pieces")
        singly, in_bulk = list[int](), list[int]()
        one_by_one, values_in = CdbBackend._values_singly, bulk.values_in

        def watched_singly(self: CdbBackend, chunk: IndexChunk) -> Iterator[bytes]:
            singly.append(len(chunk))
            return one_by_one(self, chunk)

        def watched_in_bulk(buffer: Any, chunk: IndexChunk) -> Iterator[bytes]:
            in_bulk.append(len(chunk))
            return values_in(buffer, chunk)

        monkeypatch.setattr(CdbBackend, "_values_singly", watched_singly)
        monkeypatch.setattr(bulk, "values_in", watched_in_bulk)

        found = seen_in(backend, at_once=True)

    assert found == sought
    assert [pair[::2] for pair in found[:-2] if isinstance(pair, tuple)] == PAIRS
    assert (singly, sum(in_bulk)) == ([FIRST_CHUNK], MANY - FIRST_CHUNK)


def test_values_of_a_large_cdb_file_are_not_all_in_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    taken: list[int] = []

    def watched(buffer: Any, starts: Any, sizes: Any) -> Iterator[bytes]:
        taken.append(int(sizes.sum()))
        return bulk_keys.values_at(buffer, starts, sizes)

    monkeypatch.setattr(bulk, "_AT_ONCE", 500_000)
    monkeypatch.setattr(bulk, "values_at", watched)
    with open_database(large_cdb(tmp_path)) as backend:
        found = seen_in(backend, at_once=True)

    assert [pair[::2] for pair in found[:-2] if isinstance(pair, tuple)] == PAIRS
    assert sum(map(len, (value for _key, value in PAIRS))) > 2_000_000
    assert max(taken, default=0) <= 500_000


@pytest.mark.skipif(sys.platform == "win32", reason="Windows lets nobody cut a mapped file")
@pytest.mark.parametrize("many", [0, 1 << 60], ids=["in bulk", "singly"])
def test_a_cdb_file_that_is_cut_while_it_is_gone_through_is_stale(
    many: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cdb, "_MANY", many)
    path = tmp_path / "x.cdb"
    path.write_bytes(cdb_files.image((b"%d" % number, bytes(100)) for number in range(2000)))
    with open_database(path) as backend:
        scan = backend.scan(CancelToken())
        next(scan)
        os.truncate(path, 2048)

        with pytest.raises(StaleIndex, match="cut short"):
            next(scan)


def large_sqlite(folder: Path, *odd: str) -> Path:
    path = sqlite_files.written(folder, dict(PAIRS))
    with closing(sqlite3.connect(path)) as database:
        for statement in odd:
            database.execute(statement)
        database.commit()
    return path


def test_short_rows_of_sqlite_come_with_their_values(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = large_sqlite(tmp_path, "DELETE FROM Dict WHERE length(value) > 10000")
    with sqlite_files.opened(path) as backend:
        sought = seen_in(backend, at_once=False)
        refuse(backend, monkeypatch, "values", "read", "_usual", "_checked")
        monkeypatch.setattr(backend, "_usual", lambda start, *_rest: start <= MANY and pytest.fail("not whole"))

        assert seen_in(backend, at_once=True) == sought

    assert len(sought) == MANY - 5 + 2


def test_long_rows_of_sqlite_cost_only_those_around_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with sqlite_files.opened(large_sqlite(tmp_path)) as backend:
        sought = seen_in(backend, at_once=False)
        read = list[bytes]()
        one = backend.read

        def watched(key: bytes, locator: int, size: int) -> bytes:
            read.append(key)
            return one(key, locator, size)

        monkeypatch.setattr(backend, "read", watched)
        refuse(backend, monkeypatch, "values")

        assert seen_in(backend, at_once=True) == sought

    assert set(read) >= {key for key, value in PAIRS if len(value) > batches.LONGEST_CELL}
    assert len(read) < 5 * FIRST_CHUNK


@pytest.mark.parametrize(
    "odd",
    [
        "INSERT INTO Dict VALUES ('text', 'more')",
        "INSERT INTO Dict VALUES (x'00', 17.5)",
        "INSERT INTO Dict VALUES (19, x'00')",
        "UPDATE Dict SET value = '' WHERE rowid = 300",
        "UPDATE Dict SET key = zeroblob(20000) WHERE rowid = 9",
        "UPDATE Dict SET rowid = -4 WHERE rowid = 7",
    ],
)
def test_unusual_rows_of_sqlite_read_the_same(odd: str, tmp_path: Path) -> None:
    path = large_sqlite(tmp_path, odd)

    assert len(assert_same_either_way(path)) in (MANY + 2, MANY + 3)


def test_a_batch_of_sqlite_rows_ends_before_it_is_large(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batches, "_WHOLE_BYTES", 10_000)
    with sqlite_files.opened(large_sqlite(tmp_path)) as backend:
        sizes = [(len(chunk), sum(chunk.sizes)) for chunk, _values in backend.scan(CancelToken())]

        assert seen_in(backend, at_once=True) == seen_in(backend, at_once=False)

    assert sum(count for count, _size in sizes) == MANY
    assert max(count for count, _size in sizes) <= batches.WHOLE_BATCH // 2


def test_what_lies_in_a_wal_is_gone_through_beside_its_writer(tmp_path: Path) -> None:
    path = sqlite_files.written(tmp_path, {b"a": b"1"}, journal="WAL")
    with OtherProgram() as owner:
        owner.run(f"c = sqlite3.connect({str(path)!r})")
        owner.run("c.execute('INSERT INTO Dict VALUES (?, ?)', (b'in wal', b'2')); c.commit()")

        with sqlite_files.opened(path) as backend:
            found = seen_in(backend, at_once=True)

    assert found == [(b"a", 1, b"1"), (b"in wal", 2, b"2"), [], []]


def test_sqlite_reads_long_cells_again_after_it_was_gone_through(tmp_path: Path) -> None:
    key, value = PAIRS[700]
    with sqlite_files.opened(large_sqlite(tmp_path)) as backend:
        seen_in(backend, at_once=True)

        assert isinstance(backend, SqliteBackend)
        assert backend.read(key, 701, len(value)) == value


@pytest.mark.parametrize("large", [large_cdb, large_sqlite])
def test_going_through_can_be_cancelled(large: Callable[[Path], Path], tmp_path: Path) -> None:
    token = CancelToken()
    with open_database(large(tmp_path)) as backend:
        scan = backend.scan(token)
        next(scan)
        token.cancel()

        with pytest.raises(Cancelled):
            list(scan)
