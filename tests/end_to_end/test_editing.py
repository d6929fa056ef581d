"""Values are edited by keys and clicks, undone, redone, saved and read back by the format's own library."""

import pickle
from pathlib import Path

from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from app.engine.child import ChildEngine
from app.ui.main_window import MainWindow
from app.ui.models import roles
from app.ui.models.value_tree import Column
from tests.end_to_end.window import choose, edit, editor_of, replace, status, value_text
from tests.engine.shelves import read_sqlite
from tests.ui.commands import run_command
from tests.ui.editing import row_at
from tests.ui.fixtures import VALUES, WAIT, opened, settle

Key = Qt.Key


def test_a_shortcut_with_ctrl_keeps_the_row_selected(qtbot: QtBot, child_window: MainWindow, shelf: Path) -> None:
    """Qt's selectRow() toggles the row while Ctrl is held down, as it is for Ctrl+Z and Ctrl+S."""
    tab = opened(qtbot, child_window, shelf)
    replace(qtbot, tab, "['id']", "5")
    handle = child_window.windowHandle()

    QTest.keyPress(handle, Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    settle(qtbot, tab)

    assert value_text(qtbot, tab, "['id']") == "1"
    assert tab.entries.view.selected_entries() == [0]
    QTest.keyRelease(handle, Key.Key_Z, Qt.KeyboardModifier.NoModifier)


def test_f2_says_why_a_row_cannot_be_edited_and_enter_opens_it(
    qtbot: QtBot, child_window: MainWindow, shelf: Path
) -> None:
    tab = opened(qtbot, child_window, shelf)
    tree = tab.value.tree
    row = row_at(qtbot, tab, "['customer']")
    tree.setCurrentIndex(row)
    tree.setFocus()

    qtbot.keyClick(tree, Key.Key_F2)
    settle(qtbot, tab)
    assert "dict" in tab.value.note.text()
    assert editor_of(tab) is None

    qtbot.keyClick(tree, Key.Key_Return)
    assert tree.isExpanded(row)
    qtbot.keyClick(tree, Key.Key_Return)
    assert not tree.isExpanded(row)


def test_a_click_on_another_entry_keeps_the_one_with_the_refused_text_in_front(
    qtbot: QtBot, child_window: MainWindow, shelf: Path
) -> None:
    tab = opened(qtbot, child_window, shelf)
    replace(qtbot, tab, "['id']", "one")
    table = tab.entries.view

    place = table.visualRect(table.model().index(2, 0)).center()
    qtbot.mouseClick(table.viewport(), Qt.MouseButton.LeftButton, pos=place)
    settle(qtbot, tab)

    qtbot.waitUntil(lambda: table.selected_entries() == [0], timeout=WAIT)
    assert table.current_entry == 0
    assert editor_of(tab) is not None


def test_a_leaf_is_edited_undone_redone_saved_and_read_back(
    qtbot: QtBot, child_window: MainWindow, shelf: Path
) -> None:
    before = read_sqlite(shelf)
    tab = opened(qtbot, child_window, shelf)
    path = "['customer']['name']"

    replace(qtbot, tab, path, "'Ada Lovelace'")
    assert value_text(qtbot, tab, path) == "'Ada Lovelace'"
    assert tab.entries.model.index(0, 0).data(roles.IS_PENDING) is True
    assert status(child_window, "status-pending") == "1 unsaved change"
    assert path in child_window.actions_["undo"].text()
    assert read_sqlite(shelf) == before

    qtbot.keyClick(child_window, Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    settle(qtbot, tab)
    assert value_text(qtbot, tab, path) == "'Ada'"
    assert tab.entries.model.index(0, 0).data(roles.IS_PENDING) is False

    qtbot.keyClick(child_window, Key.Key_Z, Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.ShiftModifier)
    settle(qtbot, tab)
    assert value_text(qtbot, tab, path) == "'Ada Lovelace'"

    qtbot.keyClick(child_window, Key.Key_S, Qt.KeyboardModifier.ControlModifier)
    settle(qtbot, tab)
    assert status(child_window, "status-pending") == ""
    assert value_text(qtbot, tab, path) == "'Ada Lovelace'"

    stored = read_sqlite(shelf)
    order = pickle.loads(stored.pop(b"order:1"))
    del before[b"order:1"]
    assert order == {**as_dict(VALUES[b"order:1"]), "customer": {"name": "Ada Lovelace", "tags": ["vip", "eu"]}}
    assert stored == before


def as_dict(value: object) -> dict[str, object]:
    assert isinstance(value, dict)
    return value


def test_rows_stay_open_and_current_over_an_edit_and_a_save(
    qtbot: QtBot, child_window: MainWindow, shelf: Path
) -> None:
    tab = opened(qtbot, child_window, shelf)
    choose(qtbot, tab, b"order:2")

    replace(qtbot, tab, "['customer']['name']", "'Hopper'")
    assert tab.value.model.path(tab.value.tree.currentIndex()) == "['customer']['name']"
    tab.saving.save()
    settle(qtbot, tab)

    assert tab.entries.current_entry == 1
    assert tab.value.model.path(tab.value.tree.currentIndex()) == "['customer']['name']"
    assert str(tab.value.tree.currentIndex().siblingAtColumn(Column.VALUE).data()) == "'Hopper'"


def test_a_stray_key_or_a_click_edits_nothing(qtbot: QtBot, child_window: MainWindow, shelf: Path) -> None:
    tab = opened(qtbot, child_window, shelf)
    row = row_at(qtbot, tab, "['id']").siblingAtColumn(Column.VALUE)
    place = tab.value.tree.visualRect(row).center()

    qtbot.mouseClick(tab.value.tree.viewport(), Qt.MouseButton.LeftButton, pos=place)
    qtbot.keyClicks(tab.value.tree, "9x")
    settle(qtbot, tab)
    assert editor_of(tab) is None

    qtbot.mouseDClick(tab.value.tree.viewport(), Qt.MouseButton.LeftButton, pos=place)
    settle(qtbot, tab)
    editor = editor_of(tab)
    assert editor is not None
    assert editor.text() == "1"
    qtbot.keyClick(editor, Key.Key_Escape)

    assert editor_of(tab) is None
    assert not tab.document.pending_changes


def test_wrong_input_stays_in_place_until_it_is_right(qtbot: QtBot, child_window: MainWindow, shelf: Path) -> None:
    tab = opened(qtbot, child_window, shelf)

    replace(qtbot, tab, "['id']", "one")
    editor = editor_of(tab)
    assert editor is not None
    assert editor.text() == "one"
    assert editor.accessibleDescription() == "one is not an int; write a whole number."
    assert not tab.document.pending_changes

    tab.entries.select_key(b"order:2")
    settle(qtbot, tab)
    assert editor_of(tab) is editor
    qtbot.waitUntil(lambda: tab.entries.current_entry == 0, timeout=WAIT)

    qtbot.keyClick(editor, Key.Key_A, Qt.KeyboardModifier.ControlModifier)
    qtbot.keyClicks(editor, "11")
    qtbot.keyClick(editor, Key.Key_Return)
    settle(qtbot, tab)
    assert editor_of(tab) is None
    assert value_text(qtbot, tab, "['id']") == "11"


def test_leaving_the_editor_commits_what_was_typed(qtbot: QtBot, child_window: MainWindow, shelf: Path) -> None:
    tab = opened(qtbot, child_window, shelf)
    editor = edit(qtbot, tab, "['id']")
    qtbot.waitUntil(editor.hasFocus, timeout=WAIT)
    editor.setText("77")

    tab.entries.field.setFocus(Qt.FocusReason.MouseFocusReason)
    tab.entries.select_key(b"order:2")
    settle(qtbot, tab)

    assert tab.entries.current_entry == 1
    changed = [(change.ref.key, pickle.loads(change.value)["id"]) for change in tab.document.pending_changes]
    assert changed == [(b"order:1", 77)]


def test_a_reverted_change_is_gone_and_can_be_undone(qtbot: QtBot, child_window: MainWindow, shelf: Path) -> None:
    tab = opened(qtbot, child_window, shelf)
    replace(qtbot, tab, "['id']", "5")

    run_command(qtbot, child_window, "revert")
    settle(qtbot, tab)
    assert not tab.document.pending_changes
    assert value_text(qtbot, tab, "['id']") == "1"

    run_command(qtbot, child_window, "undo")
    settle(qtbot, tab)
    assert value_text(qtbot, tab, "['id']") == "5"


def test_a_read_only_window_edits_nothing_and_says_why(qtbot: QtBot, shelf: Path) -> None:
    window = MainWindow(ChildEngine, read_only=True)
    qtbot.addWidget(window)
    window.show()
    tab = opened(qtbot, window, shelf)

    tab.value.tree.setCurrentIndex(row_at(qtbot, tab, "['id']"))
    tab.value.tree.setFocus()
    qtbot.keyClick(tab.value.tree, Key.Key_F2)
    settle(qtbot, tab)

    assert editor_of(tab) is None
    assert "read-only" in status(window, "status-read-only")
    window.close_at_once()
