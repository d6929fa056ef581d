"""What another program writes meanwhile is read again, or asked about where it was changed here too."""

import dbm.dumb
import pickle
import sqlite3
from contextlib import closing
from pathlib import Path

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QDialog, QPushButton
from pytestqt.qtbot import QtBot

from app.ui.main_window import MainWindow
from tests.end_to_end.window import choose, keys_shown, replace, status, value_text
from tests.engine.shelves import make_sqlite, read_sqlite
from tests.ui.commands import run_command
from tests.ui.fixtures import opened, settle
from tests.ui.making import part

Key = Qt.Key


def test_a_conflict_is_asked_about_and_the_change_stays(qtbot: QtBot, child_window: MainWindow, shelf: Path) -> None:
    tab = opened(qtbot, child_window, shelf)
    replace(qtbot, tab, "['id']", "5")
    overwrite(shelf, b"order:1", pickle.dumps("somebody else's"))

    run_command(qtbot, child_window, "save")
    settle(qtbot, tab)
    qtbot.keyClick(part(child_window, QDialog, "merge"), Key.Key_Escape)

    assert "Choose before you save" in tab.on_disk.bar.sentence
    assert len(tab.document.pending_changes) == 1
    assert pickle.loads(read_sqlite(shelf)[b"order:1"]) == "somebody else's"


def test_a_conflict_is_decided_on_and_saved(qtbot: QtBot, child_window: MainWindow, shelf: Path) -> None:
    tab = opened(qtbot, child_window, shelf)
    tab.entries.select_key("käse".encode())
    settle(qtbot, tab)
    replace(qtbot, tab, "", "'Edam'")
    with closing(sqlite3.connect(shelf)) as other, other:
        other.execute("UPDATE Dict SET value = ? WHERE key = ?", (pickle.dumps("Brie"), "käse".encode()))
    run_command(qtbot, child_window, "save")
    settle(qtbot, tab)

    dialog = part(child_window, QDialog, "merge")
    qtbot.mouseClick(part(dialog, QPushButton, "keep-mine"), Qt.MouseButton.LeftButton)
    qtbot.mouseClick(part(dialog, QPushButton, "merge-go"), Qt.MouseButton.LeftButton)
    settle(qtbot, tab)

    assert "Saved" in tab.notices.sentence
    assert pickle.loads(read_sqlite(shelf)["käse".encode()]) == "Edam"


def overwrite(path: Path, key: bytes, value: bytes) -> None:
    entries = {**read_sqlite(path), key: value}
    path.unlink()
    make_sqlite(path, entries)


def test_a_file_that_another_program_rewrote_is_read_again(
    qtbot: QtBot, child_window: MainWindow, tmp_path: Path
) -> None:
    path = tmp_path / "shelf"
    write_dumb(path, {"first": "a" * 10, "second": "b"})
    tab = opened(qtbot, child_window, path.with_suffix(".dat"))
    write_dumb(path, {"zero": "z" * 2_000, "first": "c", "second": "d"})

    choose(qtbot, tab, b"second")

    assert keys_shown(tab) == ["zero", "first", "second"]
    assert "read again" in tab.notices.sentence + status(child_window, "status-news")
    assert value_text(qtbot, tab, "") == "'d'"


def write_dumb(path: Path, entries: dict[str, object]) -> None:
    for suffix in (".dir", ".dat", ".bak"):
        path.with_suffix(suffix).unlink(missing_ok=True)
    with dbm.dumb.open(str(path), "n") as database:
        for key, value in entries.items():
            database[key] = pickle.dumps(value)
