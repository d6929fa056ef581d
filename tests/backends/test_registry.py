"""Opening by what a file is: the likeliest backend first, the next when that one refuses."""

from collections.abc import Callable
from pathlib import Path

import pytest

from app.backends.formats import FORMATS
from app.backends.registry import new_writer, open_database, recognise
from app.backends.writer import CreateOptions
from app.errors import AppError, BackendMissing, CorruptDatabase, OptionRejected, UnknownFormat
from tests.backends import sqlite_files
from tests.backends.listing import entries_of


def test_a_refusal_of_the_likeliest_leads_to_the_next(tmp_path: Path) -> None:
    sqlite_files.written(tmp_path, {b"key": b"value"}).rename(tmp_path / "shelf.sqlite3")
    (tmp_path / "shelf.db").write_bytes(b"SQLite format 3\0" + b"\xff" * 600)

    with open_database(tmp_path / "shelf") as backend:
        assert entries_of(backend) == [(b"key", b"value")]
        assert backend.match.path.name == "shelf.sqlite3"


def test_when_all_refuse_the_likeliest_has_the_word(tmp_path: Path) -> None:
    path = tmp_path / "x.db"
    path.write_bytes(b"SQLite format 3\0" + b"\xff" * 600)

    with pytest.raises(AppError) as caught:
        open_database(path)

    assert isinstance(caught.value, CorruptDatabase | BackendMissing)
    assert "x.db" in caught.value.message


def test_no_database_is_a_sentence(database_case: Callable[[str], Path]) -> None:
    for name in ("notdb-random", "notdb-text", "notdb-zeros"):
        with pytest.raises(UnknownFormat, match=r"x\.db"):
            open_database(database_case(name))


@pytest.mark.parametrize("member", ["d", "d.dat", "d.dir", "d.bak"])
def test_any_member_opens_the_database(database_case: Callable[[str], Path], member: str) -> None:
    path = database_case("dumb-py311-n60").with_name(member)

    with open_database(path) as backend:
        assert len(entries_of(backend)) == 60
        assert recognise(path) == backend.match


def test_the_table_of_formats_is_keyed_by_its_ids() -> None:
    assert all(form.format_id == format_id and form.label for format_id, form in FORMATS.items())


@pytest.mark.parametrize("format_id", FORMATS)
def test_a_format_is_called_writable_when_there_is_a_writer_for_it(format_id: str) -> None:
    if FORMATS[format_id].writable:
        assert new_writer(format_id, CreateOptions()).format_id == format_id
    else:
        with pytest.raises(OptionRejected, match="choose from"):
            new_writer(format_id, CreateOptions())
