"""Older backups go, and nothing else does."""

from pathlib import Path

import pytest

from app.backends.file_operations import FileOperations
from app.backends.old_backups import remove_older
from app.backends.replacing import LONGEST_NAME, back_up

STAMPS = ("20260101-000000", "20260102-000000", "20260102-000000-2", "20260102-000000-10", "20260103-000000")


def backup(path: Path, stamp: str) -> Path:
    made = path.with_name(f"{path.name}.shelfscope-backup-{stamp}")
    made.write_bytes(b"backup")
    return made


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "x.db"
    path.write_bytes(b"database")
    return path


@pytest.mark.parametrize(
    ("kept", "left"), [(1, (0,)), (2, (0, 4)), (3, (0, 3, 4)), (4, (0, 2, 3, 4)), (9, (0, 1, 2, 3, 4)), (0, (0,))]
)
def test_the_oldest_stays_and_of_the_others_as_many_as_are_wanted(file: Path, kept: int, left: tuple[int, ...]) -> None:
    older = [backup(file, stamp) for stamp in STAMPS]
    made = back_up(FileOperations(), (file,))

    remove_older(FileOperations(), made, kept)

    there = {path for path in file.parent.iterdir() if "backup" in path.name}
    assert there == {*made, *(older[place] for place in left)}


def test_a_backup_that_was_just_made_stays_though_the_clock_went_back(file: Path) -> None:
    backup(file, STAMPS[0])
    later = backup(file, "29990101-000000")
    made = back_up(FileOperations(), (file,))

    remove_older(FileOperations(), made, 1)

    assert made[0].exists()
    assert not later.exists()


def test_other_files_are_left_alone(file: Path) -> None:
    others = [
        backup(file.with_name("y.db"), STAMPS[0]),
        backup(file.with_name("xx.db"), STAMPS[0]),
        file.with_name("x.db.shelfscope-backup-mine"),
        file.with_name(f"x.db.shelfscope-backup-{STAMPS[0]}.gz"),
        file.with_name("x.db.bak"),
    ]
    for other in others[2:]:
        other.write_bytes(b"kept")
    link = file.with_name(f"x.db.shelfscope-backup-{STAMPS[1]}")
    link.symlink_to(others[0])
    folder = file.with_name(f"x.db.shelfscope-backup-{STAMPS[2]}")
    folder.mkdir()

    remove_older(FileOperations(), back_up(FileOperations(), (file,)), 1)

    assert all(path.exists() for path in (*others, link, folder))


def test_backups_under_a_shortened_name_are_left_alone(tmp_path: Path) -> None:
    longest = [tmp_path / f"{'x' * (LONGEST_NAME - 1)}{end}" for end in "ab"]
    for path in longest:
        path.write_bytes(b"database")
    first = back_up(FileOperations(), (longest[0],))

    second = back_up(FileOperations(), (longest[1],))
    remove_older(FileOperations(), second, 1)

    assert first[0].exists()
    assert second[0].exists()


def test_files_of_one_database_keep_their_backups_together(tmp_path: Path) -> None:
    files = tuple(tmp_path / name for name in ("x.dat", "x.dir"))
    for path in files:
        path.write_bytes(b"part")
        backup(path, STAMPS[0])
        backup(path, STAMPS[1])
        backup(path, STAMPS[4])
    made = back_up(FileOperations(), files)

    remove_older(FileOperations(), made, 2)

    for path, own in zip(files, made, strict=True):
        left = sorted(tmp_path.glob(f"{path.name}.shelfscope-backup-*"))
        assert left == [*(path.with_name(f"{path.name}.shelfscope-backup-{STAMPS[place]}") for place in (0, 4)), own]
