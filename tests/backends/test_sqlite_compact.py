"""Compacting ``dbm.sqlite3`` databases, and what SQLite's own check says of damaged ones."""

import re
import signal
import sqlite3
import subprocess
import sys
from contextlib import closing, suppress
from pathlib import Path

import pytest

from app.backends.base import SaveOptions, SaveReport
from app.backends.registry import open_database
from app.backends.sqlite.backend import SqliteBackend
from app.cancel import CancelToken
from app.errors import Cancelled, DatabaseLocked, ReadOnlyDatabase, SaveFailed
from tests import corpus
from tests.backends.failing_files import Died, FailingOperations
from tests.backends.listing import entries_of, folder_state, index_of
from tests.backends.other_program import OtherProgram
from tests.backends.sqlite_files import NO_BACKUP, as_python_reads, made_by, opened, written

OLD = {b"a": b"old" * 700, b"b": b"2" * 600, b"gone": b"3"}


def compact(backend: SqliteBackend, options: SaveOptions = NO_BACKUP) -> SaveReport:
    index_of(backend)
    return backend.compact(options, CancelToken())


def with_waste(folder: Path, journal: str = "DELETE") -> Path:
    path = written(folder, OLD | {b"waste %d" % number: bytes(3000) for number in range(60)}, journal=journal)
    with closing(sqlite3.connect(path)) as database:
        database.execute("DELETE FROM Dict WHERE key > x'77'")
        database.commit()
    return path


@pytest.mark.parametrize("journal", ["DELETE", "WAL"])
def test_compacting_keeps_entries_and_journal_and_gives_room_back(tmp_path: Path, journal: str) -> None:
    path = with_waste(tmp_path, journal)
    before = path.stat().st_size
    with opened(path) as backend:
        entries = entries_of(backend)

        report = compact(backend, SaveOptions())

        assert entries_of(backend) == entries
        assert list(backend.check(CancelToken())) == []
    assert (report.bytes_before, report.bytes_after) == (before, path.stat().st_size)
    assert report.bytes_after < before // 4
    assert as_python_reads(report.backups[0]) == OLD
    assert report.backups[0].stat().st_size == before
    assert sorted(tmp_path.iterdir()) == sorted([path, report.backups[0]])
    with closing(sqlite3.connect(path)) as database:
        assert database.execute("PRAGMA journal_mode").fetchone() == (journal.lower(),)


def test_a_compact_database_is_left_alone(tmp_path: Path) -> None:
    path = written(tmp_path, OLD)
    before = folder_state(tmp_path)

    with opened(path) as backend:
        report = compact(backend, SaveOptions())

    assert {name: state.content for name, state in folder_state(tmp_path).items()} == {
        name: state.content for name, state in before.items()
    }
    assert report.bytes_before == report.bytes_after == path.stat().st_size


@pytest.mark.parametrize("journal", ["DELETE", "WAL"])
def test_nobody_else_can_write_while_it_is_compacted_and_everybody_afterwards(tmp_path: Path, journal: str) -> None:
    path = with_waste(tmp_path, journal)
    refusals: list[str] = []
    with OtherProgram() as other:

        def write_too(_operation: str) -> None:
            other.run(f"c = sqlite3.connect({str(path)!r}, isolation_level=None, timeout=0)")
            refusals.append(other.run("c.execute('DELETE FROM Dict')"))
            other.run("c.close()")

        with opened(path, FailingOperations(before=write_too)) as backend:
            compact(backend, SaveOptions())
        assert len(refusals) > 3
        assert set(refusals) == {"OperationalError database is locked"}
        other.run(f"c = sqlite3.connect({str(path)!r}, isolation_level=None, timeout=0)")
        assert other.run("c.execute('INSERT INTO Dict VALUES (?, ?)', (b'later', b''))") == "done"
    assert as_python_reads(path) == OLD | {b"later": b""}


@pytest.mark.parametrize("journal", ["DELETE", "WAL"])
def test_a_database_in_use_is_not_compacted(tmp_path: Path, journal: str) -> None:
    path = with_waste(tmp_path, journal)
    with OtherProgram() as owner, opened(path) as backend:
        owner.run(f"c = sqlite3.connect({str(path)!r}, isolation_level=None)")
        owner.run("c.execute('BEGIN IMMEDIATE')")

        with pytest.raises(DatabaseLocked, match="another program"):
            compact(backend)

        assert owner.run("c.execute('ROLLBACK'); c.close()") == "done"
        compact(backend)


@pytest.mark.parametrize("dies", [True, False])
def test_a_failure_anywhere_while_compacting_leaves_the_entries(tmp_path: Path, *, dies: bool) -> None:
    (tmp_path / "counted").mkdir()
    with opened(with_waste(tmp_path / "counted"), counting := FailingOperations()) as backend:
        compact(backend, SaveOptions())
    for number in range(counting.done):
        folder = tmp_path / str(number)
        folder.mkdir()
        path = with_waste(folder)
        with opened(path, FailingOperations(number, dies=dies)) as backend, suppress(Died, SaveFailed):
            compact(backend, SaveOptions())
        assert as_python_reads(path) == OLD


def test_a_cancelled_compaction_changes_nothing(tmp_path: Path) -> None:
    path = with_waste(tmp_path)
    before = folder_state(tmp_path)
    token = CancelToken()
    token.cancel()

    with opened(path) as backend, pytest.raises(Cancelled):
        backend.compact(SaveOptions(), token)

    assert folder_state(tmp_path) == before


def test_a_table_with_triggers_is_not_compacted(tmp_path: Path) -> None:
    path = made_by(
        tmp_path,
        "CREATE TABLE Dict (key BLOB UNIQUE NOT NULL, value BLOB NOT NULL)",
        "CREATE TRIGGER other AFTER UPDATE ON Dict BEGIN DELETE FROM Dict; END",
    )
    with opened(path) as backend, pytest.raises(ReadOnlyDatabase, match="triggers"):
        compact(backend)


@pytest.mark.parametrize("case", corpus.databases("sqlite3", corrupt=False), ids=corpus.name_of)
def test_nothing_is_wrong_with_an_intact_database(case: corpus.DatabaseCase, tmp_path: Path) -> None:
    with open_database(case.copy_to(tmp_path)) as backend:
        assert list(backend.check(CancelToken())) == []


def sentences_of_check(path: Path) -> list[str]:
    with opened(path) as backend:
        return [problem.message for problem in backend.check(CancelToken())]


def many_rows(folder: Path) -> Path:
    return written(folder, {b"key %03d" % number: b"value" * 20 for number in range(500)})


def test_a_page_that_nothing_uses_is_told_with_its_place(tmp_path: Path) -> None:
    path = many_rows(tmp_path)
    content = bytearray(path.read_bytes())
    content[28:32] = (len(content) // 4096 + 1).to_bytes(4, "big")
    path.write_bytes(content + bytes(4096))

    with opened(path) as backend:
        (problem,) = backend.check(CancelToken())

    assert problem.message == f"Page {len(content) // 4096 + 1} is used by nothing."
    assert problem.offset == len(content)


def test_an_index_that_lost_keys_is_told(tmp_path: Path) -> None:
    path = many_rows(tmp_path)
    content = bytearray(path.read_bytes())
    places = [found.start() for found in re.finditer(b"key 123", content)]
    assert len(places) == 2  # in the table and in the index of keys
    in_index = next(place for place in places if not content.startswith(b"value", place + 7))
    content[in_index + 6] = ord("x")
    path.write_bytes(content)

    sentences = sentences_of_check(path)

    assert any("found by its key" in sentence for sentence in sentences)
    assert all(sentence.endswith(".") for sentence in sentences)


@pytest.mark.parametrize("page", [2, 5, 9])
def test_a_page_of_noise_is_told_in_sentences(tmp_path: Path, page: int) -> None:
    path = many_rows(tmp_path)
    content = bytearray(path.read_bytes())
    content[page * 4096 + 8 : page * 4096 + 200] = bytes(range(192))
    path.write_bytes(content)

    sentences = sentences_of_check(path)

    assert sentences
    assert all(sentence.endswith(".") for sentence in sentences)


KILLED = """
import os, signal, sqlite3, sys
from pathlib import Path
sys.path.insert(0, {root!r})
from app.backends.sqlite import transfer as sqlite_transfer
from app.backends.base import Match, SaveOptions
from app.backends.sqlite.backend import SqliteBackend
from app.cancel import CancelToken

path, steps = Path({path!r}), [0]
sqlite_transfer._PAGES = 1

class Killing(CancelToken):
    def check(self):
        steps[0] += 1
        if steps[0] > {after}:
            os.kill(os.getpid(), signal.SIGKILL)

backend = SqliteBackend(Match("sqlite3", "", "", path, path, (path,)))
list(backend.index(CancelToken()))
backend.compact(SaveOptions(backup=False), Killing())
"""


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="there is no such signal here")
@pytest.mark.parametrize("journal", ["DELETE", "WAL"])
def test_a_process_killed_in_the_middle_of_the_transaction_leaves_the_entries(tmp_path: Path, journal: str) -> None:
    statuses = set()
    for after in range(0, 12, 2):
        folder = tmp_path / str(after)
        folder.mkdir()
        path = with_waste(folder, journal)
        code = KILLED.format(root=str(Path(__file__).parents[2]), path=str(path), after=after)
        statuses.add(subprocess.run([sys.executable, "-c", code], check=False).returncode)

        assert as_python_reads(path) == OLD
        with closing(sqlite3.connect(path)) as database:
            assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    assert statuses == {-signal.SIGKILL, 0}
