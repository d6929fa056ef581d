"""A hostile journal names a file that SQLite deletes when it has rolled back: reading a database must not cost it."""

import shutil
import sqlite3
import struct
from contextlib import closing
from pathlib import Path

import pytest

from app.backends.create import create_database
from app.cancel import CancelToken
from app.errors import SaveFailed
from tests.backends.listing import entries_of, folder_state
from tests.backends.saving_variants import Variant
from tests.backends.sqlite_files import hot_journal, opened
from tests.backends.toy_format import PairRecords

MAGIC = bytes.fromhex("d9d505f920a163d7")
LOCK_PAGE = (1 << 30) // 4096 + 1


def name_in(journal: Path, victim: Path) -> None:
    """Add to a journal what SQLite adds to one of a transaction over several databases."""
    name = bytes(victim)
    with journal.open("ab") as file:
        file.write(struct.pack(">I", LOCK_PAGE) + name + struct.pack(">II", len(name), sum(name)) + MAGIC)


@pytest.fixture
def victim(tmp_path: Path) -> Path:
    path = tmp_path / "precious.txt"
    path.write_text("kept for years")
    return path


@pytest.fixture
def hostile(tmp_path: Path, victim: Path) -> Path:
    """Return a database whose journal names the victim."""
    path = hot_journal(tmp_path)
    name_in(path.with_name(f"{path.name}-journal"), victim)
    return path


def read_by_sqlite(path: Path, folder: Path) -> set[bytes]:
    """Return the values that SQLite reads in a copy of a database."""
    folder.mkdir()
    for file in (path, path.with_name(f"{path.name}-journal")):
        shutil.copy2(file, folder)
    with closing(sqlite3.connect(folder / path.name)) as database:
        return {value for (value,) in database.execute("SELECT value FROM Dict")}


def test_sqlite_itself_deletes_the_file(tmp_path: Path, hostile: Path, victim: Path) -> None:
    read_by_sqlite(hostile, tmp_path / "copy")

    assert not victim.exists()


@pytest.mark.parametrize("times", [1, 2], ids=["named once", "named once more behind that"])
def test_reading_costs_no_file_that_a_journal_names(tmp_path: Path, hostile: Path, victim: Path, times: int) -> None:
    for _ in range(times - 1):
        name_in(hostile.with_name(f"{hostile.name}-journal"), victim)
    before = folder_state(tmp_path)

    with opened(hostile) as backend:
        found = {value for _, value in entries_of(backend)}
        list(backend.check(CancelToken()))

    assert folder_state(tmp_path) == before
    assert found == read_by_sqlite(hostile, tmp_path / "copy") == {b"old" * 300}


def test_nobody_is_told_to_let_sqlite_recover_such_a_database(hostile: Path) -> None:
    with opened(hostile) as backend:
        assert "names a file that SQLite would delete" in backend.why_read_only


def test_a_journal_whose_named_file_is_gone_is_not_rolled_back(tmp_path: Path, hostile: Path, victim: Path) -> None:
    victim.unlink()
    before = folder_state(tmp_path)

    with opened(hostile) as backend:
        found = {value for _, value in entries_of(backend)}

    assert folder_state(tmp_path) == before
    assert found == read_by_sqlite(hostile, tmp_path / "copy")


def test_replacing_costs_no_file_that_a_journal_names(tmp_path: Path, hostile: Path) -> None:
    before = folder_state(tmp_path)
    records = PairRecords([(b"a", b"1")], may_repeat=False)

    with pytest.raises(SaveFailed, match="names a file that SQLite would delete"):
        create_database(Variant("sqlite3").writer(), hostile, records, CancelToken(), replaces=True)

    assert folder_state(tmp_path) == before
