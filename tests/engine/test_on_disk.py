"""What became of files that somebody wrote, and hashes by which entries are told apart; the same in both engines."""

import dbm.dumb
import os
import pickle
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from app.cancel import CancelToken
from app.engine.base import Engine
from app.engine.local import LocalEngine
from app.errors import AppError
from tests.engine.shelves import make_sqlite

TOKEN = CancelToken()
ENTRIES = {b"a": pickle.dumps(1), b"b": pickle.dumps("text"), b"": b""}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return make_sqlite(tmp_path / "x.db", ENTRIES)


def indexed(engine: Engine, path: Path) -> tuple[tuple[int, int, int], ...]:
    engine.open(str(path), TOKEN)
    assert sum(len(chunk) for chunk in engine.index(TOKEN))
    return engine.signature()


def hashes(engine: Engine, *, values: bool = True) -> list[bytes]:
    found = b"".join(engine.fingerprints(TOKEN, values=values))
    return [found[start : start + 16] for start in range(0, len(found), 16)]


def test_files_that_nobody_wrote_are_unchanged(engine: Engine, path: Path) -> None:
    seen = indexed(engine, path)

    state = engine.file_state(seen, TOKEN)

    assert (state.is_changed, state.lost, state.signature) == (False, "", seen)


def test_empty_files_beside_it_are_no_write_and_the_file_emptied_is_one(engine: Engine, path: Path) -> None:
    seen = indexed(engine, path)

    path.with_name("x.db-wal").touch()
    assert not engine.file_state(seen, TOKEN).is_changed
    os.truncate(path, 0)
    assert engine.file_state(seen, TOKEN).is_changed


def test_a_write_is_seen_and_what_is_open_stays_open(engine: Engine, path: Path) -> None:
    seen = indexed(engine, path)
    with closing(sqlite3.connect(path)) as other, other:
        other.execute("INSERT INTO Dict VALUES (?, ?)", (b"c", b"new"))

    state = engine.file_state(seen, TOKEN)

    assert (state.is_changed, state.lost) == (True, "")
    assert state.signature != seen
    assert engine.read(1, 0, 100, TOKEN) == ENTRIES[b"b"]


def test_a_write_that_is_still_in_the_log_is_seen(engine: Engine, path: Path) -> None:
    with closing(sqlite3.connect(path)) as other:
        other.execute("PRAGMA journal_mode = WAL")
        other.execute("SELECT * FROM Dict").fetchall()
        seen = indexed(engine, path)

        with other:
            other.execute("INSERT INTO Dict VALUES (?, ?)", (b"c", b"new"))

        assert engine.file_state(seen, TOKEN).is_changed


def test_files_that_are_gone_are_said_to_be(engine: Engine, path: Path) -> None:
    seen = indexed(engine, path)

    path.rename(path.with_name("away"))

    assert engine.file_state(seen, TOKEN).lost == "x.db is not there any more: it was deleted, moved or renamed."


def test_a_folder_that_is_gone_is_said_to_be(engine: Engine, tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    seen = indexed(engine, make_sqlite(tmp_path / "folder" / "x.db", ENTRIES))

    shutil.rmtree(tmp_path / "folder")

    assert engine.file_state(seen, TOKEN).lost == "The folder of x.db is not there any more."


def test_another_format_is_named(engine: Engine, tmp_path: Path, path: Path) -> None:
    seen = indexed(engine, path)
    path.write_bytes(pickle.dumps({"a": 1}))

    state = engine.file_state(seen, TOKEN)

    assert state.other_format == "pickle-file"
    assert state.lost.startswith("x.db was replaced by another file: it is a ")


def test_rubbish_is_said_to_be_unreadable(engine: Engine, path: Path) -> None:
    seen = indexed(engine, path)
    path.write_bytes(b"\xff rubbish" * 100)

    state = engine.file_state(seen, TOKEN)

    assert state.lost.startswith("x.db can no longer be read: ")
    assert state.other_format == ""


def test_a_missing_member_of_a_family_is_seen(engine: Engine, tmp_path: Path) -> None:
    with dbm.dumb.open(str(tmp_path / "x"), "c") as made:
        made[b"a"] = b"one"
    seen = indexed(engine, tmp_path / "x.dir")

    (tmp_path / "x.dat").unlink()

    assert engine.file_state(seen, TOKEN).is_changed


def test_each_entry_has_a_hash_of_its_key_and_of_its_value(engine: Engine, path: Path, tmp_path: Path) -> None:
    indexed(engine, path)
    before = hashes(engine)
    lengths = hashes(engine, values=False)
    indexed(engine, make_sqlite(tmp_path / "y.db", {**ENTRIES, b"b": pickle.dumps("txet"), b"new": b""}))

    after = hashes(engine)

    assert [one == other for one, other in zip(before, after, strict=False)] == [True, False, True]
    assert [one[:8] == other[:8] for one, other in zip(before, after, strict=False)] == [True] * 3
    assert hashes(engine, values=False)[:3] == lengths
    assert after[3][8:] == after[2][8:]  # both are empty


def test_hashes_of_many_entries_come_in_slices_and_another_call_may_come_between(
    engine: Engine, tmp_path: Path
) -> None:
    path = make_sqlite(tmp_path / "many.db", {b"%d" % number: b"x" * 100 for number in range(50_000)})
    indexed(engine, path)
    found = []

    for piece in engine.fingerprints(TOKEN, values=True):
        found.append(piece)
        assert engine.read(7, 0, 1, TOKEN) == b"x"

    assert len(found) > 2
    assert len(b"".join(found)) == 16 * 50_000
    assert len({b"".join(found)[start : start + 8] for start in range(0, 16 * 50_000, 16)}) == 50_000


def test_hashes_end_where_the_entries_are_others(path: Path) -> None:
    with closing(LocalEngine()) as engine:
        indexed(engine, path)
        with closing(sqlite3.connect(path)) as other, other:
            other.execute("DELETE FROM Dict")

        with pytest.raises(AppError):
            hashes(engine)
