"""The export dialog when another program writes the file under it."""

import json
import pickle
from pathlib import Path

from PySide6.QtWidgets import QDialog, QLabel, QLineEdit, QPushButton, QRadioButton
from pytestqt.qtbot import QtBot

from app.ui.database_tab import DatabaseTab
from app.ui.main_window import MainWindow
from tests.engine.shelves import make_sqlite
from tests.ui.disk import LEFT, store, wait_until_read
from tests.ui.fixtures import WAIT, opened, settle
from tests.ui.making import dialog_of, part


def exporting(qtbot: QtBot, window: MainWindow, folder: Path, choice: str) -> tuple[DatabaseTab, QDialog, Path]:
    """Ask for an export with the second entry selected, and let another program delete the first one then."""
    path = make_sqlite(folder / "x.db", {key: pickle.dumps(key.decode(), 4) for key in (b"a", b"b", b"c")})
    tab = opened(qtbot, window, path)
    tab.entries.select_key(b"b")
    settle(qtbot, tab)
    dialog = dialog_of(qtbot, window, "export", "export-dialog")
    part(dialog, QRadioButton, choice).click()
    target = folder / "out.json"
    line = part(dialog, QLineEdit, "export-target")
    line.selectAll()
    qtbot.keyClicks(line, str(target))
    store(path, b"a", None)
    wait_until_read(qtbot, tab, b"a", None)
    return tab, dialog, target


def press_export(qtbot: QtBot, dialog: QDialog) -> None:
    qtbot.mouseClick(part(dialog, QPushButton, "export-go"), LEFT)


def wait_for(qtbot: QtBot, tab: DatabaseTab, target: Path) -> object:
    qtbot.waitUntil(target.exists, timeout=WAIT)
    settle(qtbot, tab)
    return json.loads(target.read_text())


def test_selected_entries_are_looked_at_again_where_the_file_was_read_again(
    qtbot: QtBot, local_window: MainWindow, tmp_path: Path
) -> None:
    tab, dialog, target = exporting(qtbot, local_window, tmp_path, "export-selected")

    press_export(qtbot, dialog)
    assert "x.db was read again meanwhile" in part(dialog, QLabel, "export-hint").text()
    assert part(dialog, QRadioButton, "export-selected").text() == "Those selected in the table (1)"
    assert not target.exists()
    press_export(qtbot, dialog)

    assert wait_for(qtbot, tab, target) == {"b": "b"}


def test_all_entries_are_those_that_are_there_by_then(qtbot: QtBot, local_window: MainWindow, tmp_path: Path) -> None:
    tab, dialog, target = exporting(qtbot, local_window, tmp_path, "export-all")

    press_export(qtbot, dialog)

    assert wait_for(qtbot, tab, target) == {"b": "b", "c": "c"}
