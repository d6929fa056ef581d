"""New databases: all files under their names or none, and what was there is kept or backed up."""

import os
import stat
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.backends.create import CreateReport, create_database
from app.backends.file_operations import FileOperations
from app.backends.save_lock import SaveLock
from app.cancel import CancelToken
from app.errors import AppError, Cancelled, ChangedOnDisk, DatabaseLocked, SaveFailed
from tests.backends.failing_files import Died, FailingOperations, LyingOperations, WindowsOperations
from tests.backends.listing import entries_of, folder_state
from tests.backends.other_program import OtherProgram
from tests.backends.test_records import Pairs
from tests.backends.test_rewrite import contents
from tests.backends.toy_format import PairRecords, ToyWriter, toy, written

OLD: Pairs = [(b"a", b"1")]
NEW: Pairs = [(b"b", b"new" * 70), (b"c", b"")]


def create(
    base: Path, operations: FileOperations | None = None, *, replaces: bool = False, mode: int | None = None
) -> CreateReport:
    records = PairRecords(NEW)
    return create_database(
        ToyWriter(), base, records, CancelToken(), mode=mode, replaces=replaces, operations=operations
    )


def entries(path: Path) -> Pairs:
    with toy(path) as backend:
        found = entries_of(backend)
        assert backend.problems == []
    return found


@pytest.fixture
def umask() -> Iterator[None]:
    before = os.umask(0o027)
    yield
    assert os.umask(before) == 0o027


@pytest.mark.usefixtures("umask")
@pytest.mark.parametrize(("mode", "given"), [(None, 0o640), (0o604, 0o604), (0, 0)])
def test_a_new_database_has_the_mode_that_was_asked_for(tmp_path: Path, mode: int | None, given: int) -> None:
    report = create(tmp_path / "x", mode=mode)

    assert report.files == (tmp_path / "x.count", tmp_path / "x")
    assert not report.backups + report.files[2:]
    assert not report.warnings
    assert {stat.S_IMODE(path.stat().st_mode) for path in report.files} == {given}
    assert sorted(folder_state(tmp_path)) == ["x", "x.count"]
    assert entries(tmp_path / "x") == NEW


@pytest.mark.parametrize("taken", ["x", "x.count"])
@pytest.mark.parametrize("kind", ["file", "folder", "link to nothing"])
def test_a_name_that_is_taken_is_left_alone(tmp_path: Path, taken: str, kind: str) -> None:
    match kind:
        case "file":
            (tmp_path / taken).write_bytes(b"mine")
        case "folder":
            (tmp_path / taken).mkdir()
        case _:
            (tmp_path / taken).symlink_to("nowhere")

    words = "is a folder" if kind == "folder" else "is there already"
    with pytest.raises(SaveFailed, match=f"^{taken} {words}"):
        create(tmp_path / "x")

    assert os.listdir(tmp_path) == [taken]  # noqa: PTH208 - `iterdir` would do, and say less


@pytest.mark.parametrize("taken", ["x", "x.count"])
def test_a_name_that_is_taken_meanwhile_is_left_alone(tmp_path: Path, taken: str) -> None:
    def take(operation: str) -> None:
        if operation == "set_mode":
            (tmp_path / taken).write_bytes(b"theirs")

    with pytest.raises(SaveFailed, match=f"{taken} is there already"):
        create(tmp_path / "x", FailingOperations(before=take))

    assert {name: state.content for name, state in folder_state(tmp_path).items()} == {taken: b"theirs"}


@pytest.mark.parametrize("dies", [True, False])
@pytest.mark.parametrize("replaces", [True, False])
def test_every_operation_can_fail_or_be_the_last(tmp_path: Path, replaces: bool, dies: bool) -> None:
    steps = FailingOperations()
    if replaces:
        written(tmp_path / "x", OLD)
    create(tmp_path / "x", steps, replaces=replaces)

    for number in range(steps.done):
        folder = tmp_path / f"{number}"
        folder.mkdir()
        if replaces:
            written(folder / "x", OLD)
        before = folder_state(folder)
        operations = FailingOperations(number, dies=dies)
        try:
            create(folder / "x", operations, replaces=replaces)
        except Died:
            if replaces:
                assert died_between(folder / "x") or entries(folder / "x") in (OLD, NEW)
            elif (folder / "x").exists():
                assert entries(folder / "x") == NEW
        except SaveFailed:
            assert contents(folder_state(folder)) == contents(before)
        else:
            assert entries(folder / "x") == NEW


def died_between(path: Path) -> bool:
    """Tell whether the old entries lie beside the new count, which the reader says."""
    with toy(path) as backend:
        return entries_of(backend) == OLD and len(backend.problems) == 1


def test_what_is_replaced_is_backed_up_and_gives_its_mode(tmp_path: Path) -> None:
    path = written(tmp_path / "x", OLD)
    path.chmod(0o604)
    before = folder_state(tmp_path)

    report = create(path, replaces=True)

    count, main = report.backups
    assert main.read_bytes() == before["x"].content
    assert count.read_bytes() == before["x.count"].content
    assert stat.S_IMODE(path.stat().st_mode) == stat.S_IMODE(main.stat().st_mode) == 0o604
    assert entries(path) == NEW
    assert len(folder_state(tmp_path)) == 4


def test_a_link_leads_to_what_is_replaced(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    path = written(tmp_path / "real" / "x", OLD)
    for name in ("x", "x.count"):
        (tmp_path / name).symlink_to(path.with_name(name))

    create(tmp_path / "x", replaces=True)

    assert (tmp_path / "x").is_symlink()
    assert entries(path) == NEW
    assert len(folder_state(tmp_path / "real")) == 4


def test_replacing_nothing_is_creating(tmp_path: Path) -> None:
    report = create(tmp_path / "x", replaces=True)

    assert report.backups == ()
    assert entries(tmp_path / "x") == NEW


def test_what_another_program_writes_is_not_replaced(tmp_path: Path) -> None:
    path = written(tmp_path / "x", OLD)
    before = folder_state(tmp_path)
    lock = SaveLock(FileOperations(), path)

    with pytest.raises(DatabaseLocked, match="x is open in another program"):
        create(path, replaces=True)
    lock.close()

    assert folder_state(tmp_path) == before
    create(path, replaces=True)
    SaveLock(FileOperations(), path).close()


def test_two_names_of_one_file_are_locked_once(tmp_path: Path) -> None:
    path = tmp_path / "x"
    path.write_bytes(b"toy\n")
    (tmp_path / "x.count").hardlink_to(path)

    create(path, replaces=True)

    assert entries(path) == NEW


@pytest.mark.parametrize("replaces", [True, False])
def test_a_disk_that_lies_is_found_out(tmp_path: Path, replaces: bool) -> None:
    if replaces:
        written(tmp_path / "x", OLD)
    before = folder_state(tmp_path)

    with pytest.raises(SaveFailed, match="reads back differently"):
        create(tmp_path / "x", LyingOperations(), replaces=replaces)

    assert folder_state(tmp_path) == before


def test_a_missing_folder_and_a_cancelled_creation_leave_nothing(tmp_path: Path) -> None:
    with pytest.raises(SaveFailed, match=r"^x was not made: there is no folder .*missing; make that first\.$"):
        create(tmp_path / "missing" / "x")
    token = CancelToken()
    token.cancel()
    with pytest.raises(Cancelled):
        create_database(ToyWriter(), tmp_path / "x", PairRecords(NEW), token)

    assert not list(tmp_path.iterdir())


def test_on_windows_locks_are_given_up_before_files_are_replaced(tmp_path: Path) -> None:
    path = written(tmp_path / "x", OLD)

    create(path, WindowsOperations(), replaces=True)

    assert entries(path) == NEW


@pytest.mark.parametrize("error", [OSError(5, "Input/output error"), PermissionError(13, "Permission denied")])
def test_a_file_that_cannot_have_two_names_has_one_in_the_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: OSError
) -> None:
    source = tmp_path / "x.new"
    source.write_bytes(b"new")
    unlink = Path.unlink

    def refuse(path: Path, *, missing_ok: bool = False) -> None:
        if path == source:
            raise error
        unlink(path, missing_ok=missing_ok)

    monkeypatch.setattr(Path, "unlink", refuse)
    with pytest.raises(OSError, match=error.strerror):
        FileOperations().name_new(source, tmp_path / "x")

    assert [path.name for path in tmp_path.iterdir()] == ["x.new"]


def test_without_hard_links_a_taken_name_is_refused_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_path: Path, _target: Path) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(Path, "hardlink_to", refuse)
    (tmp_path / "new").write_bytes(b"new")
    (tmp_path / "taken").write_bytes(b"theirs")

    with pytest.raises(FileExistsError):
        FileOperations().name_new(tmp_path / "new", tmp_path / "taken")
    FileOperations().name_new(tmp_path / "new", tmp_path / "free")

    assert (tmp_path / "taken").read_bytes() == b"theirs"
    assert (tmp_path / "free").read_bytes() == b"new"
    assert not (tmp_path / "new").exists()


def test_a_failing_creation_is_an_app_error_with_the_name(tmp_path: Path) -> None:
    (tmp_path / "x").mkdir()

    with pytest.raises(AppError, match="x "):
        create(tmp_path / "x", replaces=True)

    assert [path.name for path in tmp_path.iterdir()] == ["x"]


def test_what_another_program_writes_after_the_backup_is_not_lost(tmp_path: Path) -> None:
    path = written(tmp_path / "x", OLD)

    def write_too(operation: str) -> None:
        if operation == "fsync_folder":
            path.write_bytes(path.read_bytes() + b"late")

    with pytest.raises(ChangedOnDisk, match="nothing was replaced, try again"):
        create(path, FailingOperations(before=write_too), replaces=True)

    assert path.read_bytes().endswith(b"late")
    assert sorted(folder_state(tmp_path)) == ["x", "x.count"]


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells of other programs' locks")
@pytest.mark.parametrize(("file", "lock"), [("x", "LOCK_SH"), ("x-lock", "LOCK_SH"), ("x", "LOCK_EX")])
def test_a_file_on_which_another_program_holds_a_lock_is_not_replaced(tmp_path: Path, file: str, lock: str) -> None:
    path = written(tmp_path / "x", OLD)
    (tmp_path / file).touch()
    before = folder_state(tmp_path)

    with OtherProgram() as owner:
        assert (
            owner.run(f"import fcntl; f = open({str(tmp_path / file)!r}, 'r+b'); fcntl.lockf(f, fcntl.{lock}, 1)")
            == "done"
        )
        with pytest.raises(DatabaseLocked, match=r"x.* is open in another program.*try again"):
            create(path, replaces=True)

    assert folder_state(tmp_path) == before
    create(path, replaces=True)
    assert entries(path) == NEW
