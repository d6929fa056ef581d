"""The list of what is not saved: kinds, places with before and after, reverting one and all."""

import pickle
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QPushButton
from pytestqt.modeltest import ModelTester
from pytestqt.qtbot import QtBot

from app.ui.database_tab import DatabaseTab
from app.ui.labels import ElidedLabel
from app.ui.main_window import MainWindow
from tests.ui.commands import run_command, run_in_palette
from tests.ui.edits import change_value, delete_entry, paste_entries, rename_entry
from tests.ui.fixtures import opened, settle
from tests.ui.making import part

Row = tuple[str, ...]


NOTHING = ("No unsaved changes.", "", "", "", "")


def shown(window: MainWindow) -> list[Row]:
    rows = window.changes.list
    return [
        tuple(str(rows.index(row, column).data()) for column in range(rows.columnCount()))
        for row in range(rows.rowCount())
    ]


def with_dock(qtbot: QtBot, window: MainWindow, path: Path) -> DatabaseTab:
    tab = opened(qtbot, window, path)
    run_in_palette(qtbot, window, window.changes.toggleViewAction())
    return tab


def click(qtbot: QtBot, window: MainWindow, name: str) -> None:
    qtbot.mouseClick(part(window.changes, QPushButton, name), Qt.MouseButton.LeftButton)
    tab = window.area.current
    assert tab is not None
    settle(qtbot, tab)


def test_a_change_is_listed_with_its_places_before_and_after(
    qtbot: QtBot, qtmodeltester: ModelTester, local_window: MainWindow, shelf: Path
) -> None:
    tab = with_dock(qtbot, local_window, shelf)
    qtmodeltester.check(local_window.changes.list)

    change_value(qtbot, tab, 0, "7", "['id']")
    change_value(qtbot, tab, 0, "'Eve'", "['customer']['name']")

    assert shown(local_window) == [
        ("order:1", "changed", "['id']", "int 1", "int 7"),
        ("order:1", "changed", "['customer']['name']", "str 'Ada'", "str 'Eve'"),
    ]


def test_what_is_added_deleted_and_renamed_says_so(qtbot: QtBot, local_window: MainWindow, shelf: Path) -> None:
    tab = with_dock(qtbot, local_window, shelf)

    paste_entries(qtbot, tab, f"'new': {pickle.dumps(5)!r}")
    delete_entry(qtbot, tab, 4)
    rename_entry(qtbot, tab, 3, "cheese")

    assert shown(local_window) == [
        ("new", "added", "", "", "int 5"),
        (r"b'\xff\xfe'", "deleted", "", "bytes b'raw bytes'", ""),
        ("cheese", "renamed", "key", "käse", "cheese"),
    ]
    assert part(local_window, ElidedLabel, "status-pending").text() == "3 unsaved changes"


def test_a_renamed_entry_is_compared_with_what_it_was(qtbot: QtBot, local_window: MainWindow, shelf: Path) -> None:
    tab = with_dock(qtbot, local_window, shelf)
    rename_entry(qtbot, tab, 0, "first")

    change_value(qtbot, tab, tab.entries.model.rowCount() - 1, "7", "['id']")

    assert shown(local_window) == [
        ("first", "renamed", "key", "order:1", "first"),
        ("first", "renamed", "['id']", "int 1", "int 7"),
    ]
    assert part(local_window, ElidedLabel, "status-pending").text() == "1 unsaved change"

    local_window.changes.view.selectRow(0)
    click(qtbot, local_window, "changes-revert")
    settle(qtbot, tab)
    assert not tab.document.pending_changes


def test_nothing_is_listed_or_compared_while_the_dock_is_hidden(
    qtbot: QtBot, local_window: MainWindow, shelf: Path
) -> None:
    tab = opened(qtbot, local_window, shelf)
    change_value(qtbot, tab, 0, "7", "['id']")
    assert shown(local_window) == []

    run_in_palette(qtbot, local_window, local_window.changes.toggleViewAction())
    settle(qtbot, tab)

    assert shown(local_window) == [("order:1", "changed", "['id']", "int 1", "int 7")]


def test_one_change_is_reverted_and_undo_brings_it_back(qtbot: QtBot, local_window: MainWindow, shelf: Path) -> None:
    tab = with_dock(qtbot, local_window, shelf)
    change_value(qtbot, tab, 0, "7", "['id']")
    change_value(qtbot, tab, 1, "8", "['id']")
    local_window.changes.view.selectRow(1)

    click(qtbot, local_window, "changes-revert")
    assert [row[0] for row in shown(local_window)] == ["order:1"]
    assert local_window.actions_["undo"].text() == "&Undo Revert"
    run_command(qtbot, local_window, "undo")
    settle(qtbot, tab)

    assert {row[0]: row[4] for row in shown(local_window)} == {"order:1": "int 7", "order:2": "int 8"}


def test_all_changes_are_reverted_at_once(qtbot: QtBot, local_window: MainWindow, shelf: Path) -> None:
    tab = with_dock(qtbot, local_window, shelf)
    change_value(qtbot, tab, 0, "7", "['id']")
    change_value(qtbot, tab, 1, "8", "['id']")

    click(qtbot, local_window, "changes-revert-all")

    assert shown(local_window) == [NOTHING]
    assert not tab.document.pending_changes
    assert not part(local_window.changes, QPushButton, "changes-revert-all").isEnabled()
    assert not local_window.actions_["revert-all"].isEnabled()


@pytest.mark.parametrize("name", ["changes-revert", "changes-revert-all"])
def test_nothing_can_be_reverted_where_nothing_changed(local_window: MainWindow, name: str) -> None:
    assert not part(local_window.changes, QPushButton, name).isEnabled()


def test_an_entry_that_changes_again_is_compared_again(qtbot: QtBot, local_window: MainWindow, shelf: Path) -> None:
    tab = with_dock(qtbot, local_window, shelf)
    change_value(qtbot, tab, 0, "7", "['id']")

    change_value(qtbot, tab, 0, "9", "['id']")

    assert shown(local_window) == [("order:1", "changed", "['id']", "int 1", "int 9")]


def test_what_was_saved_is_listed_no_more(qtbot: QtBot, local_window: MainWindow, shelf: Path) -> None:
    tab = with_dock(qtbot, local_window, shelf)
    change_value(qtbot, tab, 0, "7", "['id']")

    run_command(qtbot, local_window, "save")
    settle(qtbot, tab)

    assert shown(local_window) == [NOTHING]
