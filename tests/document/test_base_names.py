"""Databases opened by a base name, which becomes the name of another file meanwhile: they stay what was opened."""

import dbm.dumb
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from app.document.copies import convert_job
from app.document.document import Document
from app.document.job import run_now
from app.engine.base import NewDatabase
from app.engine.child import ChildEngine
from app.engine.local import LocalEngine
from tests.document.databases import id_of, outcome, pairs_of, reload
from tests.engine.shelves import make_sqlite, read_sqlite

OTHER = {b"another": b"file"}


_KINDS: list[type[LocalEngine | ChildEngine]] = [LocalEngine, ChildEngine]


@pytest.fixture(params=_KINDS)
def document(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Document]:
    """A database of dbm.dumb, opened as `x`, where an SQLite database of that name was put since."""
    with dbm.dumb.open(str(tmp_path / "x"), "c") as database:
        database[b"a"], database[b"b"] = b"one", b"two"
    with closing(Document(request.param(), tmp_path / "x")) as document:
        run_now(document.open_job())
        reload(document)
        make_sqlite(tmp_path / "x", OTHER)
        yield document


def test_it_is_saved_read_anew_and_saved_again(document: Document, tmp_path: Path) -> None:
    for value in (b"changed", b"again"):
        run_now(document.set_bytes_job(id_of(document, b"a"), value))
        run_now(document.save_job())
        reload(document)

    with dbm.dumb.open(str(tmp_path / "x"), "r") as database:
        assert {key: database[key] for key in database.keys()} == {b"a": b"again", b"b": b"two"}
    assert read_sqlite(tmp_path / "x") == OTHER


def test_a_write_of_another_program_is_seen_and_read(document: Document, tmp_path: Path) -> None:
    with dbm.dumb.open(str(tmp_path / "x"), "w") as database:
        database[b"c"] = b"three"

    state = outcome(document.changed_on_disk_job())
    reload(document)

    assert (state.is_changed, state.lost, len(document.index)) == (True, "", 3)


def test_a_copy_has_its_entries(document: Document, tmp_path: Path) -> None:
    run_now(document.set_bytes_job(id_of(document, b"a"), b"changed"))

    run_now(convert_job(document, NewDatabase(str(tmp_path / "copy"), "sqlite3", {}), LocalEngine))

    assert sorted(pairs_of(tmp_path / "copy")) == [(b"a", b"changed"), (b"b", b"two")]
