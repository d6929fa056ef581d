"""Saving by writing a database anew: the old one or the new one, whatever fails, and nothing left behind.

The format is one for tests, of two files whose second one decides; every real format goes through the same in
``test_saving_contract.py``.
"""

import contextlib
import errno
import os
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given

from app.backends.base import Change, Insert, Remove, Replace, SaveOptions, SaveReport
from app.backends.file_operations import FileOperations
from app.backends.records import PIECE_BYTES
from app.cancel import CancelToken
from app.errors import (
    BackendError,
    Cancelled,
    ChangedOnDisk,
    DatabaseLocked,
    KeyRejected,
    ReadOnlyDatabase,
    SaveFailed,
)
from tests.backends.dumb_files import NO_BACKUP, scratch
from tests.backends.failing_files import (
    Died,
    FailingOperations,
    LyingOperations,
    StrictWindows,
    WindowsOperations,
    held_in,
)
from tests.backends.listing import FileState, entries_of, expected_of, folder_state
from tests.backends.test_records import PAIRS, Changed, Pairs, changes
from tests.backends.toy_format import LARGEST_VALUE, ToyBackend, toy, written

Folder = dict[str, FileState]

OLD: Pairs = [(b"a", b"1"), (b"b", b"old" * 50), (b"c", b"3")]
NEW: Pairs = [(b"b", b"new" * 70), (b"c", b"3"), (b"d", b"4")]
CHANGES: list[Change] = [Remove(0), Replace(1, b"new" * 70), Insert(b"d", b"4")]


def save(
    backend: ToyBackend, *made: Change, options: SaveOptions = NO_BACKUP, token: CancelToken | None = None
) -> SaveReport:
    return backend.apply(made, expected_of(backend), options, token or CancelToken())


def entries(path: Path) -> Pairs:
    with toy(path) as backend:
        found = entries_of(backend)
        assert backend.problems == []
    return found


def test_changes_are_saved_and_nothing_else_is_left(tmp_path: Path) -> None:
    path = written(tmp_path / "x", OLD)

    with toy(path) as backend:
        report = save(backend, *CHANGES)

    assert entries(path) == NEW
    assert sorted(folder_state(tmp_path)) == ["x", "x.count"]
    assert report.backups == ()
    assert report.bytes_after > report.bytes_before > 0


@given(changed=changes())
def test_a_save_leaves_what_a_list_would(changed: Changed) -> None:
    plan = changed.plan
    made: list[Change] = [Replace(row, value) for row, value in plan.replaced.items()]
    made += [Remove(row) for row in plan.removed]
    made += [Insert(key, value) for key, value in plan.inserted]
    with scratch() as folder:
        path = written(folder / "x", changed.before)

        with toy(path, duplicates=True) as backend:
            save(backend, *made)

        assert sorted(entries(path)) == sorted(changed.after)


@given(before=PAIRS, inserted=PAIRS)
def test_a_format_that_sorts_duplicates_is_not_taken_for_a_wrong_one(before: Pairs, inserted: Pairs) -> None:
    with scratch() as folder:
        path = written(folder / "x", sorted(before))

        with toy(path, duplicates=True, is_sorted=True) as backend:
            save(backend, *(Insert(key, value) for key, value in inserted))

        assert entries(path) == sorted(before + inserted)


def test_the_backup_is_the_old_database(tmp_path: Path) -> None:
    path = written(tmp_path / "x", OLD)
    path.chmod(0o640)
    before = folder_state(tmp_path)

    with toy(path) as backend:
        count, main = save(backend, *CHANGES, options=SaveOptions()).backups

    assert count.read_bytes() == before["x.count"].content
    assert main.read_bytes() == before["x"].content
    assert stat.S_IMODE(main.stat().st_mode) == stat.S_IMODE(path.stat().st_mode) == 0o640
    assert main.name.startswith("x.shelfscope-backup-")


def test_links_lead_to_the_files_that_are_saved(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    path = written(tmp_path / "real" / "x", OLD)
    for name in ("x", "x.count"):
        (tmp_path / name).symlink_to(path.with_name(name))

    with toy(tmp_path / "x") as backend:
        (count, main) = save(backend, *CHANGES, options=SaveOptions()).backups

    assert (tmp_path / "x").is_symlink()
    assert (tmp_path / "x.count").is_symlink()
    assert entries(path) == NEW
    assert main.parent == count.parent == path.parent


def test_a_missing_companion_is_made_with_the_mode_of_the_main_file(tmp_path: Path) -> None:
    path = written(tmp_path / "x", [(b"k", b"v")])
    path.chmod(0o604)

    (tmp_path / "x.count").unlink()

    with toy(path) as backend:
        assert len(save(backend, Insert(b"new", b"")).backups) == 0

    assert (tmp_path / "x.count").read_bytes() == b"2"
    assert stat.S_IMODE((tmp_path / "x.count").stat().st_mode) == 0o604


def test_a_companion_that_was_made_is_taken_away_when_the_save_fails(tmp_path: Path) -> None:
    path = written(tmp_path / "x", OLD)
    (tmp_path / "x.count").unlink()
    before = folder_state(tmp_path)

    def fail(operation: str) -> None:
        names.append(operation)
        if operation == "replace" and names.count("replace") == 2:
            raise OSError(errno.EIO, os.strerror(errno.EIO))

    names: list[str] = []
    with toy(path, FailingOperations(before=fail)) as backend, pytest.raises(SaveFailed):
        save(backend, *CHANGES, options=SaveOptions())

    assert names.count("replace") == 2
    assert folder_state(tmp_path) == before


def test_compacting_writes_the_same_entries_and_says_what_was_saved(tmp_path: Path) -> None:
    path = written(tmp_path / "x", OLD)

    with toy(path) as backend:
        report = backend.compact(NO_BACKUP, CancelToken())

    assert entries(path) == OLD
    assert report.bytes_before == report.bytes_after


@pytest.mark.parametrize("backup", [True, False])
@pytest.mark.parametrize("dies", [True, False])
def test_every_operation_can_fail_or_be_the_last(tmp_path: Path, dies: bool, backup: bool) -> None:
    steps = FailingOperations()
    with toy(written(tmp_path / "x", OLD), steps) as backend:
        save(backend, *CHANGES, options=SaveOptions(backup=backup))
    seen = set()

    for number in range(steps.done):
        folder = tmp_path / f"{number}"
        folder.mkdir()
        path = written(folder / "x", OLD)
        before = folder_state(folder)
        operations = FailingOperations(number, dies=dies)
        seen.add(outcome(path, operations, SaveOptions(backup=backup), before))
        if not dies and operations.names[number] != "unlink":  # what cannot be taken away stays
            assert not [name for name in folder_state(folder) if ".shelfscope-new-" in name]

    assert {"old", "new"} <= seen <= {"old", "new", "told"}
    assert "told" not in seen or dies


def outcome(path: Path, operations: FailingOperations, options: SaveOptions, before: Folder) -> str:
    """Save and fail; return which database is there then."""
    with toy(path, operations) as backend, contextlib.suppress(Died):
        try:
            save(backend, *CHANGES, options=options)
        except SaveFailed:
            assert_unchanged(path.parent, before)
    with toy(path) as now:
        found = entries_of(now)
        if now.problems:  # the old entries beside the new count
            assert found == OLD
            return "told"
    assert found in (OLD, NEW)
    return "old" if found == OLD else "new"


def assert_unchanged(folder: Path, before: Folder) -> None:
    """Tell that a folder holds what it held; a file that was put back is another one with the same content."""
    assert contents(folder_state(folder)) == contents(before)


def contents(folder: Folder) -> dict[str, tuple[bytes, int]]:
    return {name: (state.content, state.mode) for name, state in folder.items()}


def test_an_interrupt_between_the_two_files_is_undone(tmp_path: Path) -> None:
    path = written(tmp_path / "x", OLD)
    before = folder_state(tmp_path)
    replaced: list[str] = []

    def interrupt(operation: str) -> None:
        replaced.extend(["once"] if operation == "replace" else [])
        if len(replaced) == 2:
            replaced.append("interrupted")
            raise KeyboardInterrupt

    with toy(path, FailingOperations(before=interrupt)) as backend, pytest.raises(KeyboardInterrupt):
        save(backend, *CHANGES, options=SaveOptions())

    assert_unchanged(tmp_path, before)


def test_an_interrupt_behind_the_last_file_leaves_the_save_and_its_backup(tmp_path: Path) -> None:
    path = written(tmp_path / "x", OLD)
    names: list[str] = []

    def interrupt(operation: str) -> None:
        names.append(operation)
        if names.count("replace") == 2 and operation == "fsync_folder":
            raise KeyboardInterrupt

    with toy(path, FailingOperations(before=interrupt)) as backend, pytest.raises(KeyboardInterrupt):
        save(backend, *CHANGES, options=SaveOptions())

    assert entries(path) == NEW
    assert len(folder_state(tmp_path)) == 4


@pytest.mark.parametrize("number", range(0, 60, 3))
def test_a_cancelled_save_leaves_nothing(tmp_path: Path, number: int) -> None:
    path = written(tmp_path / "x", OLD)
    before = folder_state(tmp_path)
    token = CancelToken()
    looks: list[int] = []

    class Impatient(CancelToken):
        def check(self) -> None:
            looks.append(1)
            if len(looks) > number:
                token.cancel()
            token.check()

    with toy(path) as backend:
        try:
            save(backend, *CHANGES, options=SaveOptions(), token=Impatient())
        except Cancelled:
            assert folder_state(tmp_path) == before
        else:
            assert len(looks) <= number
            assert entries(path) == NEW


def test_a_disk_that_lies_is_found_out(tmp_path: Path) -> None:
    path = written(tmp_path / "x", OLD)
    before = folder_state(tmp_path)

    with toy(path, LyingOperations()) as backend, pytest.raises(SaveFailed, match="reads back differently"):
        save(backend, *CHANGES)

    assert folder_state(tmp_path) == before


@pytest.mark.parametrize("size", [0, 3, 30])
def test_a_file_that_reads_back_cut_is_found_out(tmp_path: Path, size: int) -> None:
    class Cutting(FileOperations):
        def fsync(self, fd: int) -> None:
            os.ftruncate(fd, min(size, os.fstat(fd).st_size))
            super().fsync(fd)

    path = written(tmp_path / "x", OLD)
    before = folder_state(tmp_path)

    with toy(path, Cutting()) as backend, pytest.raises(SaveFailed, match="reads back differently"):
        save(backend, *CHANGES)

    assert folder_state(tmp_path) == before


def test_a_damaged_database_is_not_written(tmp_path: Path) -> None:
    path = written(tmp_path / "x", OLD)
    (tmp_path / "x.count").write_bytes(b"7")
    before = folder_state(tmp_path)

    with toy(path) as backend:
        expected = expected_of(backend)
        backend.problems.clear()
        with pytest.raises(ReadOnlyDatabase, match="salvage"):
            backend.apply(CHANGES, expected, SaveOptions(), CancelToken())
        with pytest.raises(ReadOnlyDatabase, match="salvage"):
            backend.compact(SaveOptions(), CancelToken())

    assert folder_state(tmp_path) == before


def test_a_file_cut_off_since_it_was_opened_is_refused(tmp_path: Path) -> None:
    path = written(tmp_path / "x", OLD)
    with toy(path) as backend:
        expected = expected_of(backend)
        path.write_bytes(path.read_bytes()[:-10] + b"\0")
        before = folder_state(tmp_path)

        with pytest.raises(BackendError) as caught:
            backend.apply(CHANGES, expected, SaveOptions(), CancelToken())

    assert isinstance(caught.value, ReadOnlyDatabase)
    assert folder_state(tmp_path) == before


def test_two_saves_at_once_exclude_each_other_and_no_lock_is_left(tmp_path: Path) -> None:
    path = written(tmp_path / "x", OLD)
    refused: list[str] = []

    def save_too(operation: str) -> None:
        if operation in ("fsync", "replace"):
            with toy(path) as other, pytest.raises(DatabaseLocked, match=r"holds a lock.*try again") as caught:
                save(other, Remove(0))
            refused.append(caught.value.message)

    with toy(path, FailingOperations(before=save_too)) as backend:
        save(backend, *CHANGES)
    assert refused
    with toy(path) as backend:
        save(backend, Remove(0))
    assert entries(path) == NEW[1:]


@pytest.mark.parametrize("moment", ["write", "copy_access", "fsync_folder"])
def test_a_writer_during_the_save_is_noticed_and_loses_nothing(tmp_path: Path, moment: str) -> None:
    path = written(tmp_path / "x", OLD)
    theirs = path.read_bytes().replace(b"3", b"!")

    def write_too(operation: str) -> None:
        if operation == moment:  # neither size nor time tell
            status = path.stat()
            path.write_bytes(theirs)
            os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))

    with toy(path, FailingOperations(before=write_too)) as backend, pytest.raises(ChangedOnDisk, match="try again"):
        save(backend, *CHANGES, options=SaveOptions())

    assert entries(path) == [*OLD[:2], (b"c", b"!")]
    assert sorted(folder_state(tmp_path)) == ["x", "x.count"]


def test_a_file_that_another_one_took_the_place_of_is_noticed(tmp_path: Path) -> None:
    path = written(tmp_path / "x", OLD)

    def replace_by_a_copy(operation: str) -> None:
        if operation == "fsync":
            (tmp_path / "copy").write_bytes(path.read_bytes())
            (tmp_path / "copy").replace(path)

    operations = FailingOperations(before=replace_by_a_copy)
    with toy(path, operations) as backend, pytest.raises(ChangedOnDisk, match="try again"):
        save(backend, *CHANGES)

    assert entries(path) == OLD


def test_values_that_the_format_cannot_hold_are_named_before_anything_is_written(tmp_path: Path) -> None:
    path = written(tmp_path / "x", OLD)
    before = folder_state(tmp_path)
    too_large = bytes(LARGEST_VALUE + 1)

    for change, key in ((Replace(1, too_large), "'b'"), (Insert(b"new", too_large), "'new'")):
        operations = FailingOperations()
        with toy(path, operations) as backend, pytest.raises(KeyRejected, match=f"{key} cannot be stored in x: "):
            save(backend, change)
        assert set(operations.names) == {"open", "lock", "close"}

    assert folder_state(tmp_path) == before


def test_large_values_are_copied_in_pieces(tmp_path: Path) -> None:
    path = written(tmp_path / "x", [(b"large", bytes(4 * PIECE_BYTES)), (b"k", b"v")])
    lengths: list[int] = []

    class Measuring(FileOperations):
        def write(self, fd: int, data: bytes | memoryview) -> int:
            lengths.append(len(data))
            return super().write(fd, data)

    with toy(path, Measuring()) as backend:
        save(backend, Replace(1, b"w"))

    assert max(lengths) <= PIECE_BYTES


def test_on_windows_everything_is_closed_before_a_file_is_replaced(tmp_path: Path) -> None:
    path = written(tmp_path / "x", OLD)

    with toy(path, StrictWindows()) as backend:
        save(backend, *CHANGES, options=SaveOptions())

    assert entries(path) == NEW


def test_a_sharing_violation_names_the_way_out(tmp_path: Path) -> None:
    class Violation(OSError):
        winerror = 32

    class Shared(WindowsOperations):
        def replace(self, source: Path, target: Path) -> None:
            raise Violation

    path = written(tmp_path / "x", OLD)
    before = folder_state(tmp_path)

    with toy(path, Shared()) as backend, pytest.raises(SaveFailed, match="another program has it open"):
        save(backend, *CHANGES, options=SaveOptions())

    assert folder_state(tmp_path) == before


def test_a_failing_lock_leaves_no_file_open(tmp_path: Path) -> None:
    class Unlockable(FileOperations):
        def lock(self, fd: int) -> bool:
            raise OSError(5, "Input/output error")

    path = written(tmp_path / "x", OLD)
    with toy(path) as backend:
        expected = expected_of(backend)
    with contextlib.closing(toy(path, Unlockable())) as backend:
        backend.close()
        with pytest.raises(SaveFailed, match="Input/output"):
            backend.apply(CHANGES, expected, NO_BACKUP, CancelToken())
        assert not held_in(tmp_path)


@pytest.fixture(autouse=True)
def _nothing_stays_open(tmp_path: Path) -> Iterator[None]:
    yield
    assert not held_in(tmp_path)
