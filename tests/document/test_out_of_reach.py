"""A file whose permissions are taken away while it is open: the save says so, and all entries can still be written."""

import pickle
import sys
import tempfile
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from app.backends.base import Insert, Replace
from app.cancel import CancelToken
from app.engine.base import NewDatabase
from app.engine.local import LocalEngine
from app.errors import AppError, ChangedOnDisk, SaveFailed
from tests.backends.privileges import as_no_root
from tests.document.databases import id_of, make, opened, outcome, pairs_of, run, write

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such permissions")

ENTRIES = {b"%d" % number: pickle.dumps(f"text {number}", 4) for number in range(5)}
MINE = pickle.dumps("mine", 4)
KEPT_OPEN = ("gdbm", "gdbm-ndbm", "bdb-hash", "bdb-btree", "cdb", "sdbm", "sqlite3", "pickle-file")


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder that others may look into, which pytest's own are not."""
    with tempfile.TemporaryDirectory() as name:
        Path(name).chmod(0o755)
        yield Path(name)
        Path(name).chmod(0o755)


def filled(path: Path, format_id: str) -> tuple[Path, ...]:
    """Make a database of these entries; return its files."""
    source = make(path.with_name("source"), "sqlite3")
    write(source, [Insert(key, value) for key, value in ENTRIES.items()])
    with closing(LocalEngine()) as engine:
        engine.open(str(source), CancelToken())
        made = engine.convert(NewDatabase(str(path), format_id), (), CancelToken(), leaves_out=False)
    return tuple(map(Path, made.files))


@pytest.mark.parametrize("format_id", KEPT_OPEN)
def test_all_entries_of_a_file_that_may_not_be_read_any_more_are_written_elsewhere(
    folder: Path, tmp_path: Path, format_id: str
) -> None:
    files = filled(folder / "x.db", format_id)
    before = [file.read_bytes() for file in files]
    with closing(opened(files[0])) as document:
        run(document.set_bytes_job(id_of(document, b"1"), MINE))
        for file in files:
            file.chmod(0)

        with as_no_root():
            state = outcome(document.changed_on_disk_job())
            with pytest.raises(SaveFailed, match="the permission to read it was taken away"):
                run(document.save_job())
            with tempfile.TemporaryDirectory() as target:
                rescued = outcome(document.rescue_job(NewDatabase(f"{target}/saved.db", "sqlite3"), LocalEngine))
                written = dict(pairs_of(Path(target, "saved.db")))

        assert state.lost.endswith("cannot be read any more: the permission to read it was taken away.")
        assert rescued.is_whole
        assert written == {**ENTRIES, b"1": MINE}
        assert [change.current for change in document.pending_changes] == [MINE]
    for file in files:
        file.chmod(0o600)
    assert [file.read_bytes() for file in files] == before


@pytest.mark.parametrize("format_id", ["gdbm", "bdb-btree", "cdb", "sdbm"])
def test_a_file_in_a_folder_that_may_not_be_looked_into_is_not_called_deleted(folder: Path, format_id: str) -> None:
    files = filled(folder / "x.db", format_id)
    with closing(opened(files[0])) as document:
        run(document.set_bytes_job(id_of(document, b"1"), MINE))
        folder.chmod(0)

        with as_no_root(), tempfile.TemporaryDirectory() as target:
            state = outcome(document.changed_on_disk_job())
            rescued = outcome(document.rescue_job(NewDatabase(f"{target}/saved.db", "sqlite3"), LocalEngine))

        assert "the permission to look into its folder was taken away" in state.lost
        assert rescued.is_whole
        assert rescued.made.entries == len(ENTRIES)


def test_a_permission_that_is_given_back_lets_the_same_document_save(folder: Path) -> None:
    [file] = filled(folder / "x.db", "gdbm")
    with closing(opened(file)) as document:
        run(document.set_bytes_job(id_of(document, b"1"), MINE))
        file.chmod(0)
        with as_no_root(), pytest.raises(SaveFailed):
            run(document.save_job())
        file.chmod(0o644)

        assert not outcome(document.changed_on_disk_job()).is_changed
        run(document.save_job(backup=False))

    assert dict(pairs_of(file)) == {**ENTRIES, b"1": MINE}


@pytest.mark.parametrize("is_refused", [False, True], ids=["at once", "after a refusal"])
@pytest.mark.parametrize("format_id", ["gdbm", "dumb", "bdb-hash", "sqlite3"])
def test_nothing_is_written_into_another_database_of_that_name(folder: Path, format_id: str, is_refused: bool) -> None:
    path = make(folder / "x", format_id)
    write(path, [Insert(b"a", b"one")])
    other = make(folder / "other", "cdb" if format_id == "sqlite3" else "sqlite3")
    write(other, [Insert(b"a", b"one")])
    with closing(opened(path)) as document:
        run(document.set_bytes_job(id_of(document, b"a"), b"mine"))
        if is_refused:
            write(path, [Replace(0, b"theirs")])
            with pytest.raises(ChangedOnDisk):
                run(document.save_job())
        for file in folder.glob("x*"):
            file.unlink()
        path.write_bytes(other.read_bytes())

        with pytest.raises(AppError, match="was replaced by another file: it is a"):
            run(document.save_job())
        pending = [change.value for change in document.pending_changes]

    assert path.read_bytes() == other.read_bytes()
    assert pending == [b"mine"]
