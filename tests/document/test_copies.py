"""Jobs that make, copy, check, salvage and compact databases; all but the last beside the document's own engine."""

import pickle
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import TypeVar

import pytest

from app.backends.base import SaveReport
from app.cancel import CancelToken
from app.document.copies import check_job, convert_job, create_job, refusals_job, salvage_job
from app.document.document import Document
from app.document.job import Job, run_now
from app.engine.base import Engine, Info, NewDatabase
from app.engine.child import ChildEngine
from app.engine.local import LocalEngine
from app.errors import Cancelled, CorruptDatabase, DocumentError, KeyRejected, SaveFailed
from tests.document.databases import pairs_of
from tests.engine.shelves import make_sqlite, read_sqlite

T = TypeVar("T")


class Engines:
    """Makes engines, and knows whether those that it made were closed."""

    def __init__(self) -> None:
        self.made: list[WatchedEngine] = []

    def __call__(self) -> Engine:
        self.made.append(WatchedEngine())
        return self.made[-1]

    @property
    def are_closed(self) -> bool:
        return bool(self.made) and all(engine.is_closed for engine in self.made)


class WatchedEngine(LocalEngine):
    is_closed = False

    def open(self, path: str, token: CancelToken) -> Info:
        info = super().open(path, token)  # which closes what was open before
        self.is_closed = False
        return info

    def close(self) -> None:
        super().close()
        self.is_closed = True


@pytest.fixture
def engines() -> Iterator[Engines]:
    """Engines for one test, all of which must be closed at its end."""
    made = Engines()
    yield made
    assert made.are_closed


@pytest.fixture
def document(tmp_path: Path) -> Iterator[Document]:
    values = {b"a": pickle.dumps([1, 2]), b"b": pickle.dumps("kept"), b"c": pickle.dumps(3)}
    document = Document(LocalEngine(), make_sqlite(tmp_path / "shelf.db", values))
    run_now(document.open_job())
    reload(document)
    yield document
    document.close()


def reload(document: Document) -> None:
    run_now(document.index_job())
    run_now(document.findings_job())


def outcome(job: Job[T]) -> T:
    found: list[T] = []
    job.done = found.append
    run_now(job)
    [result] = found
    return result


def edit(document: Document, entry_id: int, path: str, literal: str) -> None:
    run_now(document.literal_job(entry_id, path, literal))


def loaded(path: Path) -> dict[bytes, object]:
    return {key: pickle.loads(value) for key, value in read_sqlite(path).items()}


def test_an_empty_database_is_made(engines: Engines, tmp_path: Path) -> None:
    job = create_job(NewDatabase(str(tmp_path / "new.db"), "sqlite3"), engines)

    assert job.title == "Creating new.db"
    assert outcome(job).entries == 0
    assert read_sqlite(tmp_path / "new.db") == {}
    with pytest.raises(SaveFailed):
        run_now(create_job(NewDatabase(str(tmp_path / "new.db"), "sqlite3"), engines))


@pytest.mark.parametrize("make_engine", [LocalEngine, ChildEngine])
def test_a_copy_has_what_is_pending_and_the_document_stays(
    document: Document, tmp_path: Path, make_engine: Callable[[], Engine]
) -> None:
    edit(document, 0, "[1]", "5")
    edit(document, 2, "", "4")

    made = outcome(convert_job(document, NewDatabase(str(tmp_path / "new.db"), "sqlite3"), make_engine))

    assert made.entries == 3
    assert loaded(tmp_path / "new.db") == {b"a": [1, 5], b"b": "kept", b"c": 4}
    assert loaded(document.path) == {b"a": [1, 2], b"b": "kept", b"c": 3}
    assert [change.ref.key for change in document.pending_changes] == [b"a", b"c"]


def test_a_copy_has_what_is_pending_though_another_program_wrote(
    document: Document, engines: Engines, tmp_path: Path
) -> None:
    edit(document, 0, "[1]", "5")
    edit(document, 2, "", "4")
    document.path.unlink()
    make_sqlite(document.path, {b"new": pickle.dumps("theirs"), b"c": pickle.dumps("theirs too")})

    outcome(convert_job(document, NewDatabase(str(tmp_path / "new.db"), "sqlite3"), engines))

    assert loaded(tmp_path / "new.db") == {b"new": "theirs", b"c": 4, b"a": [1, 5]}


@pytest.mark.parametrize("format_id", ["sqlite3", "gdbm", "cdb", "bdb-btree"])
def test_a_copy_has_what_is_added_deleted_and_renamed(
    document: Document, engines: Engines, tmp_path: Path, format_id: str
) -> None:
    run_now(document.delete_job([0]))
    run_now(document.rename_job(1, b"B"))
    run_now(document.add_job(b"a", pickle.dumps("again")))
    run_now(document.add_job(b"new", pickle.dumps("added")))

    outcome(convert_job(document, NewDatabase(str(tmp_path / "new.db"), format_id), engines))

    found = {key: pickle.loads(value) for key, value in pairs_of(tmp_path / "new.db")}
    assert found == {b"a": "again", b"B": "kept", b"c": 3, b"new": "added"}


def test_what_cannot_be_stored_is_known_before(document: Document, engines: Engines, tmp_path: Path) -> None:
    edit(document, 1, "", repr("long " * 1000))
    target = NewDatabase(str(tmp_path / "new"), "sdbm")

    refusals = outcome(refusals_job(document, target, engines))
    with pytest.raises(KeyRejected):
        run_now(convert_job(document, target, engines))
    made = outcome(convert_job(document, target, engines, leaves_out=True))

    assert [entry.key for entry in refusals.first] == [b"b"]
    assert (made.entries, made.left_out) == (2, refusals)


def test_a_copy_that_is_given_up_leaves_nothing(document: Document, engines: Engines, tmp_path: Path) -> None:
    token = CancelToken()
    token.cancel()

    with pytest.raises(Cancelled):
        run_now(convert_job(document, NewDatabase(str(tmp_path / "new"), "cdb"), engines), token)

    assert [path.name for path in tmp_path.iterdir()] == ["shelf.db"]


def test_a_check_tells_what_is_wrong(document: Document, engines: Engines, tmp_path: Path) -> None:
    (tmp_path / "bad.dat").write_bytes(b"good")
    (tmp_path / "bad.dir").write_text("'good', (0, 4)\n'bad', (9000, 4)\n")
    (tmp_path / "worse.gdbm").write_bytes(bytes.fromhex("cf9a5713") + b"\xff" * 2000)

    assert outcome(check_job(document.path, engines)) == ()
    assert outcome(check_job(tmp_path / "bad", engines))
    [problem] = outcome(check_job(tmp_path / "worse.gdbm", engines))
    assert "contradict each other" in problem.message


def test_damaged_files_are_salvaged(engines: Engines, tmp_path: Path) -> None:
    (tmp_path / "bad.dat").write_bytes(b"good")
    (tmp_path / "bad.dir").write_text("'good', (0, 4)\n'bad', (9000, 4)\n")
    target = NewDatabase(str(tmp_path / "new.db"), "sqlite3")

    report = outcome(salvage_job(tmp_path / "bad", target, engines))

    assert report.live == 1
    assert report.problems
    assert read_sqlite(tmp_path / "new.db") == {b"good": b"good"}
    (tmp_path / "none.dat").write_bytes(b"")
    (tmp_path / "none.dir").write_bytes(b"")
    with pytest.raises(CorruptDatabase):
        run_now(salvage_job(tmp_path / "none", NewDatabase(str(tmp_path / "other"), "cdb"), engines))


def test_compacting_keeps_the_entries_and_a_backup(document: Document) -> None:
    saved: list[SaveReport] = []
    document.saved.connect(saved.append)
    before = loaded(document.path)
    with closing(sqlite3.connect(document.path)) as connection, connection:
        connection.execute("INSERT INTO Dict VALUES (x'ff', zeroblob(100000))")
        connection.execute("DELETE FROM Dict WHERE key = x'ff'")

    run_now(document.compact_job())
    reload(document)

    [report] = saved
    assert report.bytes_after < report.bytes_before - 90_000
    assert [loaded(backup) for backup in report.backups] == [before]
    assert loaded(document.path) == before
    assert len(document) == 3


def test_nothing_that_is_pending_is_compacted_away(document: Document) -> None:
    edit(document, 0, "[1]", "5")

    with pytest.raises(DocumentError, match="unsaved changes"):
        document.compact_job()

    assert [change.ref.key for change in document.pending_changes] == [b"a"]


def test_what_is_read_only_is_not_compacted(tmp_path: Path) -> None:
    document = Document(LocalEngine(), make_sqlite(tmp_path / "shelf.db", {b"a": b"N."}), read_only=True)
    run_now(document.open_job())

    with pytest.raises(DocumentError, match="read-only"):
        document.compact_job()
    document.close()


class ToldToken(CancelToken):
    """Remembers what it was told of a count that has an end."""

    def __init__(self) -> None:
        super().__init__()
        self.told: list[tuple[int, int]] = []

    def advance(self, done: int, total: int = 0) -> None:
        if total:
            self.told.append((done, total))
        super().advance(done, total)


@pytest.mark.parametrize("format_id", ["gdbm", "sqlite3", "dumb"])
def test_the_passes_of_a_conversion_are_one_count(tmp_path: Path, engines: Engines, format_id: str) -> None:
    path = make_sqlite(tmp_path / "many.db", {b"%04d" % number: b"v" for number in range(3_000)})
    document, token = Document(LocalEngine(), path), ToldToken()

    run_now(convert_job(document, NewDatabase(str(tmp_path / "copy"), format_id), engines), token)

    assert token.told == sorted(token.told)
    assert {total for _, total in token.told} == {9_000}
    assert token.told[-1] == (9_000, 9_000)
    document.close()
