"""The filter field and entries that were added and are not saved."""

from pathlib import Path

from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from app.ui.database_tab import DatabaseTab
from app.ui.main_window import MainWindow
from tests.ui.commands import run_command
from tests.ui.edits import paste_entries, rename_entry
from tests.ui.fixtures import opened, settle


def shown_keys(tab: DatabaseTab) -> list[object]:
    model = tab.entries.model
    return [model.index(row, 0).data() for row in range(model.rowCount())]


def test_added_entries_are_filtered_by_their_keys(qtbot: QtBot, local_window: MainWindow, shelf: Path) -> None:
    tab = opened(qtbot, local_window, shelf)
    paste_entries(qtbot, tab, "'order:3': ''\n'other': ''")

    QTest.keyClicks(tab.entries.field, "order")
    settle(qtbot, tab)
    assert shown_keys(tab) == ["order:1", "order:2", "order:3"]
    tab.entries.field.clear()
    settle(qtbot, tab)

    assert shown_keys(tab) == ["order:1", "order:2", "numbers", "käse", r"b'\xff\xfe'", "order:3", "other"]


def test_an_added_entry_that_is_undone_leaves_the_window(qtbot: QtBot, local_window: MainWindow, shelf: Path) -> None:
    tab = opened(qtbot, local_window, shelf)
    paste_entries(qtbot, tab, "'new': 'text'")
    tab.entries.view.select_entry(tab.document.added_entries[0])
    settle(qtbot, tab)
    assert tab.value.entry_id == tab.document.added_entries[0]

    run_command(qtbot, local_window, "undo")
    settle(qtbot, tab)

    assert len(shown_keys(tab)) == 5
    assert tab.value.entry_id == tab.entries.current_entry == 4


def test_a_renamed_entry_stays_selected_over_a_save(qtbot: QtBot, local_window: MainWindow, shelf: Path) -> None:
    tab = opened(qtbot, local_window, shelf)
    rename_entry(qtbot, tab, 0, "renamed")
    tab.entries.view.select_entry(tab.document.added_entries[0])
    settle(qtbot, tab)

    run_command(qtbot, local_window, "save")
    settle(qtbot, tab)

    assert shown_keys(tab) == ["order:2", "numbers", "käse", r"b'\xff\xfe'", "renamed"]
    current = tab.entries.current_entry
    assert current is not None
    assert tab.document.key(current) == b"renamed"


def test_the_first_match_is_selected_also_when_the_field_is_left_at_once(
    qtbot: QtBot, local_window: MainWindow, shelf: Path
) -> None:
    tab = opened(qtbot, local_window, shelf)
    tab.entries.field.setFocus()

    QTest.keyClicks(tab.entries.field, "numbers")
    QTest.keyClick(tab.entries.field, Qt.Key.Key_Down)
    settle(qtbot, tab)

    assert shown_keys(tab) == ["numbers"]
    assert tab.value.entry_id == tab.entries.current_entry == 2
    assert tab.entries.view.selected_entries() == [2]


def test_the_count_says_how_many_match_only_while_there_is_a_filter(
    qtbot: QtBot, local_window: MainWindow, shelf: Path
) -> None:
    tab = opened(qtbot, local_window, shelf)
    assert tab.facts().count == "5 entries"

    QTest.keyClicks(tab.entries.field, "numbers")
    settle(qtbot, tab)

    assert tab.facts().count == "1 of 5 entries"
