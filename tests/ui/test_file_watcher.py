"""Hints that files changed: none is missed that a save would not find anyway, and none is told twice in a moment."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from PySide6.QtCore import QObject
from pytestqt.qtbot import QtBot

from app.ui import file_watcher
from app.ui.file_watcher import FileWatcher
from tests.ui.disk import move_over
from tests.ui.fixtures import WAIT


class Hints(QObject):
    """A watcher of one database of two files, and what it told."""

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self.files = [folder / "x.dir", folder / "x.dat"]
        self.told: list[object] = []
        self.watcher = FileWatcher(self)
        self.watcher.hinted.connect(self.told.append)
        self.watcher.watch("x", self.files)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "shop"
    folder.mkdir()
    for name in ("x.dir", "x.dat"):
        (folder / name).write_bytes(b"old")
    return folder


@pytest.fixture
def hints(qtbot: QtBot, folder: Path) -> Hints:
    return Hints(folder)


def wait_for_hint(qtbot: QtBot, hints: Hints) -> None:
    """Wait for one hint, and that it stays the only one; then forget it."""
    qtbot.waitUntil(lambda: bool(hints.told), timeout=WAIT)
    qtbot.wait(2 * file_watcher.QUIET)
    assert hints.told == ["x"]
    hints.told.clear()


def replaced(path: Path) -> None:
    new = path.with_name("new")
    new.write_bytes(b"new content")
    move_over(new, path)


def made_again(path: Path) -> None:
    path.unlink()
    path.write_bytes(b"made again")


@pytest.mark.parametrize("act", [lambda path: path.write_bytes(b"new content"), replaced, made_again, Path.unlink])
@pytest.mark.parametrize("file", [0, 1])
def test_a_change_is_told_once_and_the_next_one_too(
    qtbot: QtBot, hints: Hints, act: Callable[[Path], object], file: int
) -> None:
    act(hints.files[file])
    wait_for_hint(qtbot, hints)

    hints.files[file].write_bytes(b"and again")
    wait_for_hint(qtbot, hints)


def test_many_writes_in_a_moment_are_told_once(qtbot: QtBot, hints: Hints) -> None:
    for number in range(20):
        hints.files[0].write_bytes(b"%d" % number)
        hints.files[1].write_bytes(b"%d" % number)

    wait_for_hint(qtbot, hints)


def test_writing_without_end_is_told_all_the_same(qtbot: QtBot, hints: Hints) -> None:
    for number in range(60):
        hints.files[0].write_bytes(b"%d" % number)
        qtbot.wait(file_watcher.QUIET // 6)

    assert hints.told


def test_a_folder_that_goes_and_comes_back_is_watched_again(qtbot: QtBot, hints: Hints, folder: Path) -> None:
    shutil.rmtree(folder)
    qtbot.waitUntil(lambda: bool(hints.told), timeout=WAIT)
    qtbot.wait(2 * file_watcher.QUIET)
    hints.told.clear()

    folder.mkdir()
    hints.files[0].write_bytes(b"back")
    qtbot.waitUntil(lambda: bool(hints.told), timeout=WAIT)
    qtbot.wait(2 * file_watcher.QUIET)
    hints.told.clear()

    hints.files[0].write_bytes(b"and written")
    wait_for_hint(qtbot, hints)


def test_what_is_forgotten_is_not_told(qtbot: QtBot, hints: Hints) -> None:
    hints.watcher.forget("x")

    hints.files[0].write_bytes(b"new content")
    qtbot.wait(3 * file_watcher.QUIET)

    assert hints.told == []


def test_files_that_several_own_are_told_to_each(qtbot: QtBot, hints: Hints) -> None:
    hints.watcher.watch("y", hints.files[:1])
    hints.watcher.watch("z", [hints.files[0].with_name("not there")])

    hints.files[0].write_bytes(b"new content")
    qtbot.waitUntil(lambda: {"x", "y"} <= {*hints.told}, timeout=WAIT)


def test_a_link_is_followed_to_its_file(qtbot: QtBot, hints: Hints, tmp_path: Path) -> None:
    link = tmp_path / "link.db"
    link.symlink_to(hints.files[0])
    hints.watcher.forget("x")
    hints.watcher.watch("link", [link])

    hints.files[0].write_bytes(b"new content")

    qtbot.waitUntil(lambda: hints.told == ["link"], timeout=WAIT)
