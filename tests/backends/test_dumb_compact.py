"""Compacting ``dbm.dumb``: the two files cannot be replaced together, and yet no moment shows anything else."""

import dbm.dumb
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given

from app.backends.base import Replace, SaveOptions, SaveReport
from app.backends.dumb.backend import DumbBackend
from app.backends.dumb.index import DumbFiles, read_index_file
from app.cancel import CancelToken
from app.errors import Cancelled, ChangedOnDisk, DatabaseLocked, ReadOnlyDatabase, SaveFailed
from tests import corpus
from tests.backends.dumb_files import DATABASES, NO_BACKUP, as_python_reads, opened, save, scratch, written
from tests.backends.failing_files import Died, FailingOperations, LyingOperations, WindowsOperations
from tests.backends.listing import entries_of, folder_state, index_of

ENTRIES = {b"a": b"1" * 5, b"b": b"2" * 1500, b"c": b"", b"caf\xe9": b"3" * 700}


def compact(backend: DumbBackend, options: SaveOptions = NO_BACKUP) -> SaveReport:
    index_of(backend)
    return backend.compact(options, CancelToken())


def with_waste(folder: Path, entries: dict[bytes, bytes] = ENTRIES) -> Path:
    """Make a database in which values were superseded, so that others lie far behind."""
    base = written(folder, dict.fromkeys(entries, b"old" * 300) | {b"gone": b"x" * 9000})
    with dbm.dumb.open(str(base), "w") as database:
        for key, value in entries.items():
            database[key] = b"longer" * 400
            database[key] = value
        del database[b"gone"]
    return base


def sizes(base: Path) -> list[int]:
    return [base.with_name(base.name + suffix).stat().st_size for suffix in (".dat", ".dir")]


@given(entries=DATABASES)
def test_the_entries_stay_and_nothing_else_does(entries: dict[bytes, bytes]) -> None:
    with scratch() as folder:
        base = with_waste(folder, entries)
        (folder / "fresh").mkdir()
        fresh = written(folder / "fresh", entries)

        with opened(base) as backend:
            report = compact(backend)
            assert entries_of(backend) == list(entries.items())
            assert list(backend.check(CancelToken())) == []

        assert list(as_python_reads(base).items()) == list(entries.items())
        assert sizes(base) == sizes(fresh)
        assert report.bytes_after < report.bytes_before


@pytest.mark.parametrize("case", corpus.databases("dumb", corrupt=False), ids=corpus.name_of)
def test_every_case_of_the_corpus_keeps_its_entries(case: corpus.DatabaseCase, tmp_path: Path) -> None:
    base = case.copy_to(tmp_path).with_suffix("")
    with opened(base) as backend:
        before = entries_of(backend)

        compact(backend)

        assert entries_of(backend) == before


def test_a_compact_database_is_left_alone(tmp_path: Path) -> None:
    base = written(tmp_path, ENTRIES)
    before = folder_state(tmp_path)

    with opened(base) as backend:
        report = compact(backend, SaveOptions())

    assert folder_state(tmp_path) == before
    assert report.backups == ()
    assert report.bytes_before == report.bytes_after > 0


def test_a_backup_of_the_whole_old_database_is_made_whether_it_is_wanted_or_not(tmp_path: Path) -> None:
    base = with_waste(tmp_path)
    old = folder_state(tmp_path)

    with opened(base) as backend:
        report = compact(backend)
    dat, index, older = report.backups

    assert dat.read_bytes() == old["shelf.v1.dat"].content
    assert index.read_bytes() == old["shelf.v1.dir"].content
    assert older.read_bytes() == old["shelf.v1.bak"].content
    assert "destroys it when it writes" in report.warnings[0]


def values_named_by(index: Path, dat: Path) -> dict[bytes, bytes]:
    content, named = dat.read_bytes(), read_index_file(index, CancelToken())
    places = zip(named.rows, named.positions, named.sizes, strict=True)
    return {key: content[position : position + size] for key, position, size in places}


def test_a_program_that_dies_anywhere_leaves_the_same_entries(tmp_path: Path) -> None:
    counted = tmp_path / "counted"
    counted.mkdir()
    with opened(with_waste(counted), counting := FailingOperations()) as backend:
        compact(backend, SaveOptions())
    assert counting.names.count("replace") == 4
    for number, name in enumerate(counting.names):
        folder = tmp_path / str(number)
        folder.mkdir()
        base = with_waste(folder)
        with opened(base, FailingOperations(number, dies=True)) as backend, pytest.raises(Died):
            compact(backend, SaveOptions())

        assert as_python_reads(base) == ENTRIES, f"died at operation {number}, {name}"
        with opened(base) as backend:
            assert entries_of(backend) == list(as_python_reads(base).items())
            assert not backend.problems
            compact(backend)
        assert sizes(base) == sizes(counted / "shelf.v1")
        assert as_python_reads(base) == ENTRIES


def test_once_old_values_are_written_over_the_older_index_names_whole_values_too(tmp_path: Path) -> None:
    counted = tmp_path / "counted"
    counted.mkdir()
    with opened(with_waste(counted), counting := FailingOperations()) as backend:
        compact(backend)
    second_replace = [number for number, name in enumerate(counting.names) if name == "replace"][1]
    for number in range(second_replace + 1, counting.done):
        folder = tmp_path / str(number)
        folder.mkdir()
        base = with_waste(folder)
        with opened(base, FailingOperations(number, dies=True)) as backend, pytest.raises(Died):
            compact(backend)

        assert values_named_by(folder / "shelf.v1.bak", folder / "shelf.v1.dat") == ENTRIES


def test_a_disk_that_fails_anywhere_leaves_the_same_entries_and_says_what_to_do(tmp_path: Path) -> None:
    counted = tmp_path / "counted"
    counted.mkdir()
    with opened(with_waste(counted), counting := FailingOperations()) as backend:
        compact(backend)
    switch = counting.names.index("replace")
    for number in range(counting.done):
        folder = tmp_path / str(number)
        folder.mkdir()
        base = with_waste(folder)
        dat_before = base.with_name("shelf.v1.dat").stat().st_size
        with opened(base, FailingOperations(number)) as backend:
            try:
                compact(backend)
            except SaveFailed as error:
                assert ("compact it again" in error.message) == (number > switch)  # noqa: PT017
            assert dict(entries_of(backend)) == ENTRIES
            if number <= switch:
                assert base.with_name("shelf.v1.dat").stat().st_size == dat_before
        assert not [path for path in folder.iterdir() if "shelfscope-new" in path.name]
        assert any("backup" in path.name for path in folder.iterdir()) == (number > switch)


def test_a_disk_that_writes_something_else_is_found_out_before_anything_is_lost(tmp_path: Path) -> None:
    entries = {b"a": b"newest", b"b": b"2"}
    base = with_waste(tmp_path, entries)

    with opened(base, LyingOperations()) as backend, pytest.raises(SaveFailed, match="reads back differently"):
        compact(backend)

    assert as_python_reads(base) == entries


@pytest.mark.parametrize("moment", ["write", "fsync", "copy_access"])
def test_a_writer_meanwhile_is_noticed_and_loses_nothing(tmp_path: Path, moment: str) -> None:
    base = with_waste(tmp_path)
    theirs = {b"theirs": b"x" * 2000, b"more": b"y" * 700}

    def write_too(operation: str) -> None:
        if operation == moment and theirs.keys() - as_python_reads(base).keys():
            with dbm.dumb.open(str(base), "w") as database:
                for key, value in theirs.items():
                    database[key] = value

    with opened(base, FailingOperations(before=write_too)) as backend:
        with pytest.raises(ChangedOnDisk, match="try again"):
            compact(backend)

        assert dict(entries_of(backend)) == ENTRIES | theirs


def test_two_at_once_exclude_each_other(tmp_path: Path) -> None:
    base = with_waste(tmp_path)
    refused: list[str] = []

    def save_too(operation: str) -> None:
        if operation == "fsync":
            with opened(base) as other, pytest.raises(DatabaseLocked) as caught:
                save(other, Replace(0, b"2"))
            refused.append(caught.value.message)

    with opened(base, FailingOperations(before=save_too)) as backend:
        compact(backend)
    assert refused
    assert as_python_reads(base) == ENTRIES


def test_no_file_of_ours_is_open_when_windows_would_mind(tmp_path: Path) -> None:
    base = with_waste(tmp_path)

    with opened(base, WindowsOperations()) as backend:
        compact(backend, SaveOptions())

    assert as_python_reads(base) == ENTRIES


def test_values_that_share_room_are_taken_apart(tmp_path: Path) -> None:
    (tmp_path / "d.dat").write_bytes(b"onetwo" + bytes(4096))
    (tmp_path / "d.dir").write_bytes(b"'a', (0, 3)\n'b', (3, 3)\n'c', (1, 3)\n")

    with opened(tmp_path / "d") as backend:
        compact(backend)

        assert entries_of(backend) == [(b"a", b"one"), (b"b", b"two"), (b"c", b"net")]
        assert list(backend.check(CancelToken())) == []
    assert (tmp_path / "d.dat").stat().st_size == 1027


def test_a_damaged_database_is_refused(database_case: Callable[[str], Path]) -> None:
    path = database_case("dumb-corrupt-dir-cut")
    before = folder_state(path.parent)

    with opened(path.with_suffix("")) as backend, pytest.raises(ReadOnlyDatabase, match="damaged"):
        compact(backend)

    assert folder_state(path.parent) == before


def test_a_cancelled_compaction_changes_nothing(tmp_path: Path) -> None:
    base = with_waste(tmp_path)
    before = folder_state(tmp_path)
    token = CancelToken()
    token.cancel()

    with opened(base) as backend, pytest.raises(Cancelled):
        backend.compact(SaveOptions(), token)

    assert folder_state(tmp_path) == before


def only_bak(folder: Path) -> Path:
    """Make what a crash of ``dbm.dumb`` leaves between renaming the old index and writing the new one."""
    base = with_waste(folder)
    base.with_name("shelf.v1.dir").replace(base.with_name("shelf.v1.bak"))
    return base


def test_an_index_that_a_crash_left_as_bak_alone_is_saved_into_and_compacted(tmp_path: Path) -> None:
    base = only_bak(tmp_path)
    with opened(base) as backend:
        index_of(backend)
        assert "missing" in backend.problems[0].message

        report = save(backend, Replace(0, b"new"), options=SaveOptions())

        assert [path.name.split(".shelfscope")[0] for path in report.backups] == ["shelf.v1.dat", "shelf.v1.bak"]
        assert dict(entries_of(backend)) == ENTRIES | {next(iter(as_python_reads(base))): b"new"}
        assert not backend.problems
    shutil.rmtree(tmp_path)
    tmp_path.mkdir()
    base = only_bak(tmp_path)
    with opened(base) as backend:
        compact(backend)
        assert dict(entries_of(backend)) == ENTRIES
        assert not backend.problems
    assert as_python_reads(base) == ENTRIES


def test_a_program_that_dies_while_it_saves_from_bak_alone_leaves_old_or_new(tmp_path: Path) -> None:
    counted = tmp_path / "counted"
    counted.mkdir()
    with opened(only_bak(counted), counting := FailingOperations()) as backend:
        save(backend, Replace(0, b"new"))
        after = dict(entries_of(backend))
    for number, name in enumerate(counting.names):
        folder = tmp_path / str(number)
        folder.mkdir()
        with opened(only_bak(folder), FailingOperations(number, dies=True)) as backend:
            with pytest.raises(Died):
                save(backend, Replace(0, b"new"))
            assert dict(entries_of(backend)) in (ENTRIES, after), f"died at operation {number}, {name}"


@given(entries=DATABASES)
def test_afterwards_there_are_the_three_files_and_both_indexes_say_the_same(entries: dict[bytes, bytes]) -> None:
    with scratch() as folder:
        base = with_waste(folder, entries)
        with opened(base) as backend:
            compact(backend)

        files = DumbFiles(*(base.with_name(base.name + suffix) for suffix in (".dat", ".dir", ".bak")))
        assert files.bak.read_bytes() == files.dir.read_bytes()
        assert sorted(path for path in folder.iterdir() if "backup" not in path.name) == sorted(files)
