"""What is said of a file that was read again by itself, and of one whose folder came back."""

import pickle
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot

from app.ui import file_watcher
from app.ui.database_tab import DatabaseTab
from app.ui.labels import ElidedLabel
from app.ui.main_window import MainWindow
from tests.backends.native import native_gdbm
from tests.engine.shelves import make_sqlite
from tests.ui.disk import edit, store, wait_for_bar
from tests.ui.fixtures import WAIT, opened, settle
from tests.ui.making import part

NEW = pickle.dumps("from another program", 4)


@pytest.fixture
def tab(qtbot: QtBot, local_window: MainWindow, shelf: Path) -> DatabaseTab:
    return opened(qtbot, local_window, shelf)


def news(window: MainWindow) -> str:
    return part(window, ElidedLabel, "status-news").text()


def test_who_only_touches_a_file_is_not_said_to_have_written_it(
    qtbot: QtBot, local_window: MainWindow, tab: DatabaseTab, shelf: Path
) -> None:
    shelf.touch()

    qtbot.waitUntil(lambda: "was read again" in news(local_window), timeout=2 * WAIT)
    assert news(local_window) == "shop.db was read again: another program may have written it."
    store(shelf, b"x", NEW)
    qtbot.waitUntil(lambda: "Another program wrote shop.db" in news(local_window), timeout=2 * WAIT)


def test_who_only_reads_a_file_is_not_said_to_have_written_it(
    qtbot: QtBot, local_window: MainWindow, tmp_path: Path
) -> None:
    path = make_sqlite(tmp_path / "x.db", {b"a": NEW})
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
    tab = opened(qtbot, local_window, path)

    with closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True)) as reader:
        assert reader.execute("SELECT count(*) FROM Dict").fetchone() == (1,)
        assert path.with_name("x.db-wal").exists()
        qtbot.wait(5 * file_watcher.QUIET)
        settle(qtbot, tab)

    assert news(local_window) == ""


@pytest.mark.parametrize("is_edited", [True, False])
@pytest.mark.parametrize("way", ["the folder", "the folder around it", "a copy"])
def test_a_folder_that_comes_back_ends_the_bar(
    qtbot: QtBot, local_window: MainWindow, tmp_path: Path, way: str, *, is_edited: bool
) -> None:
    folder, away = tmp_path / "around" / "folder", tmp_path / "away"
    folder.mkdir(parents=True)
    moved = folder.parent if way == "the folder around it" else folder
    with native_gdbm() as gdbm:
        gdbm.write(folder / "g5.gdbm", [(b"a", pickle.dumps("text"))])
    tab = opened(qtbot, local_window, folder / "g5.gdbm")
    if is_edited:
        edit(qtbot, tab, b"a", "mine")
    moved.rename(away)
    wait_for_bar(qtbot, tab, "folder")

    if way == "a copy":
        shutil.copytree(away, moved, copy_function=shutil.copyfile)
    else:
        away.rename(moved)

    qtbot.waitUntil(lambda: tab.on_disk.bar.sentence == "", timeout=2 * WAIT)
    assert len(tab.document.pending_changes) == is_edited


def test_a_folder_that_comes_back_ends_the_bar_of_a_tab_behind_too(
    qtbot: QtBot, local_window: MainWindow, tmp_path: Path
) -> None:
    folder = tmp_path / "around" / "folder"
    folder.mkdir(parents=True)
    behind = opened(qtbot, local_window, make_sqlite(folder / "x.db", {b"a": NEW}))
    folder.parent.rename(tmp_path / "away")
    wait_for_bar(qtbot, behind, "folder")
    opened(qtbot, local_window, make_sqlite(tmp_path / "front.db", {b"a": NEW}))

    (tmp_path / "away").rename(folder.parent)

    qtbot.waitUntil(lambda: behind.on_disk.bar.sentence == "", timeout=2 * WAIT)
