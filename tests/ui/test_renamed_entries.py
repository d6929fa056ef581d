"""Renamed entries in the window: one change in every number and list, whatever was undone in between."""

from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLineEdit, QMessageBox, QPushButton
from pytestqt.qtbot import QtBot

from app.ui.database_tab import DatabaseTab
from app.ui.labels import ElidedLabel
from app.ui.main_window import MainWindow
from tests.ui.commands import run_in_palette
from tests.ui.entries import CTRL, Key, press, question, select
from tests.ui.fixtures import WAIT, opened, settle
from tests.ui.making import part

KEY = "order:1"
RENAMED = [("ren", "renamed", "key", KEY, "ren")]


@pytest.fixture
def tab(qtbot: QtBot, local_window: MainWindow, shelf: Path) -> DatabaseTab:
    """A tab whose first entry was renamed, with the dock of changes."""
    tab = opened(qtbot, local_window, shelf)
    run_in_palette(qtbot, local_window, local_window.changes.toggleViewAction())
    type_name(qtbot, tab, 0, "ren")
    return tab


def type_name(qtbot: QtBot, tab: DatabaseTab, row: int, text: str) -> None:
    select(tab, row)
    press(qtbot, tab, Key.Key_F2)
    editor = part(tab, QLineEdit, "key-editor")
    qtbot.keyClicks(editor, text)
    qtbot.keyClick(editor, Key.Key_Return)
    settle(qtbot, tab)


def listed(window: MainWindow) -> list[tuple[str, ...]]:
    rows = window.changes.list
    return [tuple(str(rows.index(row, column).data()) for column in range(5)) for row in range(rows.rowCount())]


def status(window: MainWindow, name: str) -> str:
    return part(window, ElidedLabel, name).text()


def last_row(tab: DatabaseTab) -> int:
    return tab.entries.model.rowCount() - 1


def test_undoing_the_deletion_of_a_renamed_entry_leaves_one_change(
    qtbot: QtBot, local_window: MainWindow, tab: DatabaseTab
) -> None:
    assert listed(local_window) == RENAMED
    select(tab, last_row(tab))
    press(qtbot, tab, Key.Key_Delete)
    assert [row[:2] for row in listed(local_window)] == [(KEY, "deleted")]

    press(qtbot, tab, Key.Key_Z, CTRL)

    assert listed(local_window) == RENAMED
    assert status(local_window, "status-pending") == "1 unsaved change"
    local_window.changes.view.selectRow(0)
    qtbot.mouseClick(part(local_window.changes, QPushButton, "changes-revert"), Qt.MouseButton.LeftButton)
    settle(qtbot, tab)
    assert not tab.document.pending_changes


def test_closing_counts_a_rename_as_the_window_does(qtbot: QtBot, local_window: MainWindow, tab: DatabaseTab) -> None:
    assert status(local_window, "status-pending") == "1 unsaved change"

    press(qtbot, tab, Key.Key_W, CTRL)

    box = question(local_window, "close-guard")
    assert box.text() == f"{tab.document.name} has a change that is not saved."
    qtbot.keyClick(box.button(QMessageBox.StandardButton.Cancel), Key.Key_Space)


def test_entries_that_are_to_be_deleted_are_not_counted(
    qtbot: QtBot, local_window: MainWindow, tab: DatabaseTab
) -> None:
    assert status(local_window, "status-count") == "5 entries"

    select(tab, 1)
    press(qtbot, tab, Key.Key_Delete)
    assert status(local_window, "status-count") == "4 entries"

    qtbot.keyClicks(tab.entries.field, "order")
    settle(qtbot, tab)
    qtbot.waitUntil(lambda: " of 4 entries" in status(local_window, "status-count"), timeout=WAIT)
    shown = [tab.document.key(tab.entries.model.entry_id(row)) for row in range(tab.entries.model.rowCount())]
    gone = {b"order:1", b"order:2"}
    assert status(local_window, "status-count") == f"{len([key for key in shown if key not in gone])} of 4 entries"


def test_an_editor_in_which_nothing_was_typed_marks_nothing_as_unsaved(
    qtbot: QtBot, local_window: MainWindow, shelf: Path
) -> None:
    tab = opened(qtbot, local_window, shelf)
    select(tab, 0)

    press(qtbot, tab, Key.Key_F2)

    assert part(tab, QLineEdit, "key-editor").isVisible()
    assert "•" not in local_window.windowTitle() + local_window.area.tabs.tabText(0)
    qtbot.keyClick(part(tab, QLineEdit, "key-editor"), Key.Key_Escape)
