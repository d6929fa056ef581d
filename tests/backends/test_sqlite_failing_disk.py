"""SQLite files on disks that fail, or have no room: what was there stays, alone, and can be saved later."""

import ast
import os
import sqlite3
import subprocess
import sys
from collections.abc import Iterable
from contextlib import closing
from pathlib import Path

import pytest

from app.backends.base import Insert, Replace, SaveOptions
from app.backends.create import create_database
from app.backends.registry import new_writer
from app.backends.sqlite.errors import save_translated
from app.backends.writer import CreateOptions
from app.cancel import CancelToken
from app.errors import ReadOnlyDatabase, SaveFailed
from tests.backends.failing_files import no_file_above
from tests.backends.listing import index_of
from tests.backends.other_program import OtherProgram
from tests.backends.sqlite_files import AFTER, BEFORE, CHANGES, NO_BACKUP, as_python_reads, opened, save, written
from tests.backends.toy_format import PairRecords

LARGE = Insert(b"large", bytes(3_000_000))
MANY = {b"%d" % number: b"%d" % number * 300 for number in range(300)}


def contents(folder: Path) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in folder.iterdir()}


@pytest.mark.parametrize("backup", [True, False])
@pytest.mark.parametrize("limit", [8_000, 20_000, 40_000, 200_000])
@pytest.mark.parametrize("journal", ["DELETE", "WAL"])
def test_a_save_that_the_system_refuses_leaves_the_file_alone_and_as_it_was(
    tmp_path: Path, journal: str, limit: int, *, backup: bool
) -> None:
    path = written(tmp_path, BEFORE, journal=journal)
    before = contents(tmp_path)
    with opened(path) as backend:
        with no_file_above(limit), pytest.raises(SaveFailed, match=r"^shelf\.db was not changed: disk I/O error, as"):
            save(backend, *CHANGES, LARGE, options=SaveOptions(backup=backup))

        assert contents(tmp_path) == before
        save(backend, *CHANGES)
    assert as_python_reads(path) == AFTER
    assert [file.name for file in tmp_path.iterdir()] == ["shelf.db"]


@pytest.mark.parametrize("journal", ["DELETE", "WAL"])
@pytest.mark.parametrize("limit", [8_000, 30_000, 60_000, 100_000])
def test_a_compaction_that_the_system_refuses_does_the_same(tmp_path: Path, limit: int, journal: str) -> None:
    path = written(tmp_path, {**MANY, b"gone": bytes(900_000)}, journal=journal)
    with closing(sqlite3.connect(path, isolation_level=None)) as database:
        database.execute("DELETE FROM Dict WHERE key = 'gone' OR rowid % 3")
    before, entries = contents(tmp_path), as_python_reads(path)
    with opened(path) as backend:
        index_of(backend)
        with no_file_above(limit), pytest.raises(SaveFailed, match=r"^shelf\.db was not changed: "):
            backend.compact(SaveOptions(), CancelToken())

        assert contents(tmp_path) == before
        backend.compact(NO_BACKUP, CancelToken())
    assert as_python_reads(path) == entries


@pytest.mark.parametrize(
    ("journal", "old", "new", "limit"),
    [
        ("DELETE", 500_000, 900_000, 700_000),
        ("DELETE", 2_000_000, 900_000, 1_000_000),
        ("WAL", 2_000_000, 900_000, 1_000_000),
        ("WAL", 1, 1, 20_000),
    ],
)
def test_a_database_that_the_system_refuses_to_replace_stays(
    tmp_path: Path, journal: str, old: int, new: int, limit: int
) -> None:
    path = written(tmp_path, {b"old": bytes(old)}, journal=journal)
    before = contents(tmp_path)
    records = PairRecords([(b"new", bytes(new))])
    writer = new_writer("sqlite3", CreateOptions())

    with no_file_above(limit), pytest.raises(SaveFailed, match=r"^shelf\.db was not (changed|made): "):
        create_database(writer, path, records, CancelToken(), replaces=True)

    assert contents(tmp_path) == before


@pytest.mark.parametrize("journal", ["DELETE", "WAL"])
def test_of_a_backup_that_the_system_refuses_nothing_stays(tmp_path: Path, journal: str) -> None:
    path = written(tmp_path, {b"old": bytes(9_000_000)}, journal=journal)
    before = contents(tmp_path)

    with opened(path) as backend, no_file_above(1_000_000), pytest.raises(SaveFailed, match="disk I/O error"):
        save(backend, LARGE, options=SaveOptions())

    assert contents(tmp_path) == before


def left_behind(path: Path) -> Path:
    """Let a save fail so that not even SQLite can roll it back then; return its journal."""
    with opened(path) as backend, no_file_above(60_000), pytest.raises(SaveFailed):
        save(backend, Replace(0, b"new"), Replace(299, b"new"), LARGE)
    journal = path.with_name(f"{path.name}-journal")
    assert journal.stat().st_size
    return journal


def test_what_cannot_be_taken_back_at_once_is_when_the_next_save_begins(tmp_path: Path) -> None:
    path = written(tmp_path, MANY)
    left_behind(path)

    with opened(path) as backend:
        assert backend.why_read_only.startswith("A program died")
        save(backend, Replace(0, b"other"))

        assert backend.why_read_only == ""
    assert as_python_reads(path) == MANY | {b"0": b"other"}


def test_a_journal_that_was_changed_since_is_another_programs(tmp_path: Path) -> None:
    path = written(tmp_path, MANY)
    journal = left_behind(path)
    os.utime(journal, ns=(0, 0))
    before = contents(tmp_path)

    with opened(path) as backend, pytest.raises(ReadOnlyDatabase, match="died while it wrote"):
        save(backend, Replace(0, b"other"))

    assert contents(tmp_path) == before


def test_side_files_of_a_program_that_has_the_database_open_stay(tmp_path: Path) -> None:
    path = written(tmp_path, BEFORE, journal="WAL")
    with OtherProgram() as other:
        other.run(f"c = sqlite3.connect({str(path)!r}, isolation_level=None)")
        assert other.run("c.execute('INSERT INTO Dict VALUES (?, ?)', (b'theirs', b''))") == "done"
        with opened(path) as backend, no_file_above(40_000), pytest.raises(SaveFailed):
            save(backend, LARGE)

        assert {file.name for file in tmp_path.iterdir()} == {"shelf.db", "shelf.db-shm", "shelf.db-wal"}
        assert other.run("c.execute('INSERT INTO Dict VALUES (?, ?)', (b'more', b'')); c.close()") == "done"
    assert as_python_reads(path) == BEFORE | {b"theirs": b"", b"more": b""}


def test_a_full_disk_is_called_as_the_system_calls_it(tmp_path: Path) -> None:
    sentence = "^x was not changed: No space left on device. Mend that and save again, or save it as another file.$"
    with closing(sqlite3.connect(":memory:")) as database:
        database.execute("PRAGMA max_page_count = 2")
        with pytest.raises(SaveFailed, match=sentence), save_translated(tmp_path / "x"):
            database.executescript("CREATE TABLE a (b); CREATE TABLE c (d);")


ON_A_SMALL_DISK = """
import os, sys
from pathlib import Path
from app.errors import SaveFailed
from tests.backends.sqlite_files import BEFORE, CHANGES, AFTER, as_python_reads, opened, save, written
folder, journal, room = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
path = written(folder, BEFORE, journal=journal)
disk = os.statvfs(folder)
(folder / "rest").write_bytes(bytes(disk.f_bavail * disk.f_frsize - room))
with opened(path) as backend:
    try:
        save(backend, *CHANGES)
        said = ""
    except SaveFailed as error:
        said = error.message
    left = sorted(file.name for file in folder.iterdir())
    (folder / "rest").unlink()
    is_same = as_python_reads(path) == BEFORE
    save(backend, *CHANGES)
print(repr((said, left, is_same, as_python_reads(path) == AFTER, sorted(file.name for file in folder.iterdir()))))
"""


def on_a_small_disk(folder: Path, *arguments: object) -> Iterable[object]:
    """Run `ON_A_SMALL_DISK` with a disk of its own in that folder; skip the test where nobody may have one."""
    mounting = 'mount -t tmpfs -o size=400k tmpfs "$1" && shift && exec "$@"'
    script = [sys.executable, "-c", ON_A_SMALL_DISK, str(folder), *map(str, arguments)]
    try:
        command = ["unshare", "--map-root-user", "--mount", "sh", "-c", f"{mounting} || exit 99", "sh", str(folder)]
        done = subprocess.run([*command, *script], capture_output=True, text=True, check=False)
    except FileNotFoundError:
        pytest.skip("there is no unshare")
    if done.returncode in (1, 99) and not done.stdout and "Traceback" not in done.stderr:
        pytest.skip("the system gives nobody a disk of their own")
    answer: tuple[object, ...] = ast.literal_eval(done.stdout or repr((done.stderr,)))
    return answer


@pytest.mark.parametrize(
    ("journal", "room"), [("DELETE", 0), ("DELETE", 8_192), ("WAL", 0), ("WAL", 24_576), ("WAL", 40_960)]
)
def test_on_a_full_disk_nothing_is_left_and_the_next_save_is_as_any(tmp_path: Path, journal: str, room: int) -> None:
    said, *rest = on_a_small_disk(tmp_path, journal, room)

    assert said == (
        "shelf.db was not changed: No space left on device. Mend that and save again, or save it as another file."
    )
    assert rest == [["rest", "shelf.db"], True, True, ["shelf.db"]]
