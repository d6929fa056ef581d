"""The window as a person uses it: keys, clicks and drops on real databases, each read in its own process."""

import dbm.dumb
import json
import os
import pickle
import signal
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import QMimeData, QModelIndex, QPointF, Qt, QUrl
from PySide6.QtGui import QDropEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QDialog, QMessageBox, QPushButton, QToolButton, QWidget
from pytestqt.qtbot import QtBot

from app.engine.child import ChildEngine
from app.ui.database_tab import DatabaseTab
from app.ui.editors.scalar_editor import ScalarEditor
from app.ui.export_dialog import ExportDialog
from app.ui.main_window import MainWindow
from app.ui.models import roles
from app.ui.models.value_tree import Column
from tests.engine.shelves import make_sqlite, read_sqlite
from tests.ui.fixtures import VALUES, WAIT, opened, settle
from tests.ui.making import part

Key = Qt.Key


def keys_shown(tab: DatabaseTab) -> list[str]:
    model = tab.entries.model
    return [str(model.index(row, 0).data()) for row in range(model.rowCount())]


def status(window: MainWindow, name: str) -> str:
    label: Any = window.findChild(QWidget, name)
    return str(label.text())


def choose(qtbot: QtBot, tab: DatabaseTab, key: bytes) -> None:
    assert tab.entries.select_key(key)
    settle(qtbot, tab)


def row_at(qtbot: QtBot, tab: DatabaseTab, path: str) -> QModelIndex:
    """Return the tree row of a path, opening what is above it as far as needed."""
    index = tab.value.model.index(0, 0)
    while tab.value.model.path(index) != path:
        tab.value.tree.expand(index)
        settle(qtbot, tab)
        children = (tab.value.model.index(row, 0, index) for row in range(tab.value.model.rowCount(index)))
        index = next(child for child in children if path.startswith(tab.value.model.path(child)))
    return index


def editor_of(tab: DatabaseTab) -> ScalarEditor | None:
    return tab.value.tree.editor


def edit(qtbot: QtBot, tab: DatabaseTab, path: str) -> ScalarEditor:
    """Press F2 on a row and return the editor."""
    tab.value.tree.setCurrentIndex(row_at(qtbot, tab, path))
    tab.value.tree.setFocus()
    qtbot.keyClick(tab.value.tree, Key.Key_F2)
    settle(qtbot, tab)
    editor = tab.value.tree.editor
    assert editor is not None
    return editor


def replace(qtbot: QtBot, tab: DatabaseTab, path: str, literal: str) -> None:
    editor = edit(qtbot, tab, path)
    qtbot.keyClick(editor, Key.Key_A, Qt.KeyboardModifier.ControlModifier)
    qtbot.keyClicks(editor, literal)
    qtbot.keyClick(editor, Key.Key_Return)
    settle(qtbot, tab)


def value_text(qtbot: QtBot, tab: DatabaseTab, path: str) -> str:
    return str(row_at(qtbot, tab, path).siblingAtColumn(Column.VALUE).data())


# ---- looking


def test_open_filter_select_expand_export(qtbot: QtBot, child_window: MainWindow, shelf: Path, tmp_path: Path) -> None:
    tab = opened(qtbot, child_window, shelf)
    assert keys_shown(tab) == ["order:1", "order:2", "numbers", "käse", r"b'\xff\xfe'"]
    assert status(child_window, "status-count") == "5 entries"
    assert "sqlite3" in status(child_window, "status-format")

    child_window.actions_["find"].trigger()
    qtbot.keyClicks(tab.entries.field, "ORDER")
    settle(qtbot, tab)
    assert keys_shown(tab) == ["order:1", "order:2"]
    assert status(child_window, "status-count") == "2 of 5 entries"

    choose(qtbot, tab, b"order:2")
    assert value_text(qtbot, tab, "['customer']['name']") == "'Grace'"
    assert "'Grace'" in tab.value.text.toPlainText()

    target = tmp_path / "orders.json"
    export(qtbot, child_window, tab, "export-shown", target)
    assert json.loads(target.read_text("utf-8")) == {
        "order:1": VALUES[b"order:1"],
        "order:2": VALUES[b"order:2"],
    }
    assert tab.notices.sentence == "Exported 2 entries to orders.json."


def export(qtbot: QtBot, window: MainWindow, tab: DatabaseTab, choice: str, target: Path) -> None:
    start_export(window, choice, target)
    settle(qtbot, tab)


def start_export(window: MainWindow, choice: str, target: Path) -> None:
    dialog = export_dialog(window)
    button: Any = dialog.findChild(QWidget, choice)
    button.click()
    field: Any = dialog.findChild(QWidget, "export-target")
    field.setText(str(target))
    go = dialog.findChild(QPushButton, "export-go")
    assert go is not None
    go.click()


def export_dialog(window: MainWindow) -> ExportDialog:
    window.actions_["export"].trigger()
    dialog = window.findChild(ExportDialog)
    assert dialog is not None
    return dialog


def test_a_database_is_never_exported_over_itself(qtbot: QtBot, local_window: MainWindow, shelf: Path) -> None:
    opened(qtbot, local_window, shelf)
    dialog = export_dialog(local_window)
    field: Any = dialog.findChild(QWidget, "export-target")
    go: Any = dialog.findChild(QPushButton, "export-go")
    assert go.isEnabled()

    field.setText(str(shelf))
    assert not go.isEnabled()
    field.setText(str(shelf.parent / "missing" / "x.json"))
    assert not go.isEnabled()

    dialog.reject()


def test_down_goes_from_the_filter_to_the_first_row_that_is_left(
    qtbot: QtBot, local_window: MainWindow, shelf: Path
) -> None:
    tab = opened(qtbot, local_window, shelf)
    local_window.actions_["find"].trigger()
    qtbot.keyClicks(tab.entries.field, "order:2")
    settle(qtbot, tab)

    qtbot.keyClick(tab.entries.field, Key.Key_Down)
    settle(qtbot, tab)

    assert tab.entries.view.hasFocus()
    assert tab.entries.view.selected_entries() == [1]
    assert value_text(qtbot, tab, "['id']") == "2"
    qtbot.keyClick(tab.entries.field, Key.Key_Escape)
    settle(qtbot, tab)
    assert tab.entries.shown_count == 5
    assert tab.entries.view.selected_entries() == [1]


def test_end_and_home_go_to_the_last_and_the_first_entry(qtbot: QtBot, local_window: MainWindow, shelf: Path) -> None:
    tab = opened(qtbot, local_window, shelf)

    qtbot.keyClick(tab.entries.view, Key.Key_End)
    settle(qtbot, tab)
    assert tab.entries.view.selected_entries() == [4]
    assert tab.value.entry_id == 4

    qtbot.keyClick(tab.entries.view, Key.Key_Home)
    settle(qtbot, tab)
    assert tab.entries.view.selected_entries() == [0]


def test_a_cancelled_export_leaves_no_file(qtbot: QtBot, child_window: MainWindow, tmp_path: Path) -> None:
    entries = {b"key %06d" % number: pickle.dumps({"id": number}) for number in range(60_000)}
    tab = opened(qtbot, child_window, make_sqlite(tmp_path / "many.db", entries))
    before = set(tmp_path.iterdir())
    cancel = child_window.findChild(QToolButton, "cancel-activity")
    assert cancel is not None

    start_export(child_window, "export-all", tmp_path / "all.json")
    qtbot.waitUntil(cancel.isVisible, timeout=WAIT)
    qtbot.mouseClick(cancel, Qt.MouseButton.LeftButton)
    settle(qtbot, tab)

    assert set(tmp_path.iterdir()) == before
    assert not cancel.isVisible()
    qtbot.waitUntil(lambda: "all.json was not written" in tab.notices.sentence, timeout=WAIT)


def test_all_entries_are_exported_as_lines_in_file_order(
    qtbot: QtBot, child_window: MainWindow, shelf: Path, tmp_path: Path
) -> None:
    tab = opened(qtbot, child_window, shelf)

    export(qtbot, child_window, tab, "export-all", tmp_path / "all.jsonl")

    lines = [json.loads(line) for line in (tmp_path / "all.jsonl").read_text("utf-8").splitlines()]
    assert [line.get("key") or line["key_base64"] for line in lines] == [
        "order:1",
        "order:2",
        "numbers",
        "käse",
        "//4=",
    ]
    assert lines[2]["value"] == VALUES[b"numbers"]


def test_the_first_entry_is_shown_at_once_and_its_bytes_on_request(
    qtbot: QtBot, child_window: MainWindow, shelf: Path
) -> None:
    tab = opened(qtbot, child_window, shelf)

    tab.value.panes.setCurrentWidget(tab.value.hex)
    settle(qtbot, tab)

    first = tab.value.hex.pane.toPlainText().splitlines()[0]
    stored = pickle.dumps(VALUES[b"order:1"], 4)
    assert first.startswith("00000000  " + stored[:8].hex(" "))


def test_a_long_list_reads_on_as_it_is_scrolled(qtbot: QtBot, child_window: MainWindow, shelf: Path) -> None:
    tab = opened(qtbot, child_window, shelf)
    choose(qtbot, tab, b"numbers")
    root = tab.value.model.index(0, 0)
    assert tab.value.model.rowCount(root) == 1_000

    tab.value.tree.scrollToBottom()
    qtbot.waitUntil(lambda: tab.value.model.rowCount(root) == 2_000, timeout=WAIT)
    settle(qtbot, tab)

    assert tab.value.model.index(1_999, Column.VALUE, root).data() == "1999"


def test_dropped_files_open_in_tabs_once(qtbot: QtBot, local_window: MainWindow, shelf: Path) -> None:
    other = make_sqlite(shelf.with_name("other.db"), {b"a": pickle.dumps(1)})
    mime = QMimeData()
    mime.setUrls([QUrl.fromLocalFile(str(path)) for path in (shelf, other, shelf)])

    for _ in range(2):
        local_window.dropEvent(drop_of(mime))
    for tab in local_window.area.all():
        settle(qtbot, tab)

    assert [tab.document.name for tab in local_window.area.all()] == ["shop.db", "other.db"]
    assert local_window.area.current is local_window.area.all()[0]


def drop_of(mime: QMimeData) -> QDropEvent:
    return QDropEvent(
        QPointF(10, 10), Qt.DropAction.CopyAction, mime, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
    )


@pytest.mark.parametrize(
    ("content", "said"), [(b"", "empty"), (b"just some text, no database\n", "notes.db"), (None, "notes.db")]
)
def test_what_cannot_be_opened_is_said_in_one_sentence(
    qtbot: QtBot, local_window: MainWindow, tmp_path: Path, content: bytes | None, said: str
) -> None:
    path = tmp_path / "notes.db"
    if content is not None:
        path.write_bytes(content)

    tab = opened(qtbot, local_window, path)

    page: Any = tab.findChild(QWidget, "cannot-open-text")
    assert said in page.text()
    assert page.isVisible()
    assert tab.open_error is not None
    assert not local_window.actions_["export"].isEnabled()


def test_what_could_not_be_opened_is_tried_again(
    qtbot: QtBot, local_window: MainWindow, tmp_path: Path, shelf: Path
) -> None:
    path = tmp_path / "late.db"
    tab = opened(qtbot, local_window, path)
    assert tab.is_refused
    path.write_bytes(b"no database")
    qtbot.keyClick(local_window, Key.Key_F5)
    settle(qtbot, tab)
    assert tab.is_refused

    path.write_bytes(shelf.read_bytes())
    assert opened(qtbot, local_window, path) is tab

    assert tab.can_browse
    assert tab.open_error is None
    assert len(keys_shown(tab)) == 5


def test_a_filter_without_a_match_says_so_in_the_table(qtbot: QtBot, local_window: MainWindow, shelf: Path) -> None:
    tab = opened(qtbot, local_window, shelf)
    blank = tab.entries.view.viewport().grab().toImage()

    qtbot.keyClicks(tab.entries.field, "<b>nothing</b>")
    settle(qtbot, tab)
    said = tab.entries.view.viewport().grab().toImage()
    tab.entries.view.show_when_empty("")
    silent = tab.entries.view.viewport().grab().toImage()

    assert tab.entries.shown_count == 0
    assert said != silent
    assert said != blank


# ---- editing


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
    assert tab.value.note.text()
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

    child_window.actions_["revert"].trigger()
    settle(qtbot, tab)
    assert not tab.document.pending_changes
    assert value_text(qtbot, tab, "['id']") == "1"

    child_window.actions_["undo"].trigger()
    settle(qtbot, tab)
    assert value_text(qtbot, tab, "['id']") == "5"


def test_a_conflict_is_asked_about_and_the_change_stays(qtbot: QtBot, child_window: MainWindow, shelf: Path) -> None:
    tab = opened(qtbot, child_window, shelf)
    replace(qtbot, tab, "['id']", "5")
    overwrite(shelf, b"order:1", pickle.dumps("somebody else's"))

    child_window.actions_["save"].trigger()
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
    child_window.actions_["save"].trigger()
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


# ---- closing


@pytest.mark.parametrize(
    ("answer", "is_open", "stored"),
    [
        (QMessageBox.StandardButton.Cancel, True, 1),
        (QMessageBox.StandardButton.Discard, False, 1),
        (QMessageBox.StandardButton.Save, False, 5),
    ],
)
def test_closing_with_changes_asks_once(
    qtbot: QtBot,
    child_window: MainWindow,
    shelf: Path,
    answer: QMessageBox.StandardButton,
    is_open: bool,
    stored: int,
) -> None:
    tab = opened(qtbot, child_window, shelf)
    replace(qtbot, tab, "['id']", "5")

    child_window.close()
    box = child_window.findChild(QMessageBox, "close-guard")
    assert box is not None
    box.button(answer).click()

    qtbot.waitUntil(lambda: child_window.isVisible() == is_open, timeout=WAIT)
    assert pickle.loads(read_sqlite(shelf)[b"order:1"])["id"] == stored
    assert len(tab.document.pending_changes) == 1 if is_open else not child_window.area.all()


def test_closing_the_window_without_changes_ends_at_once(qtbot: QtBot, child_window: MainWindow, shelf: Path) -> None:
    opened(qtbot, child_window, shelf)

    with qtbot.waitSignal(child_window.closed, timeout=WAIT):
        qtbot.keyClick(child_window, Key.Key_Q, Qt.KeyboardModifier.ControlModifier)

    assert not child_window.isVisible()
    assert child_window.findChild(QMessageBox) is None


def test_closing_a_tab_without_changes_does_not_ask(qtbot: QtBot, child_window: MainWindow, shelf: Path) -> None:
    opened(qtbot, child_window, shelf)

    child_window.actions_["close-tab"].trigger()

    assert child_window.findChild(QMessageBox) is None
    assert child_window.area.all() == []


# ---- what goes wrong


def test_a_killed_process_costs_one_sentence_and_the_tab_lives_on(qtbot: QtBot, shelf: Path) -> None:
    engines = [ChildEngine()]
    window = MainWindow(lambda: engines[0])
    qtbot.addWidget(window)
    window.show()
    tab = opened(qtbot, window, shelf)
    process_id = engines[0].process_id
    assert process_id is not None
    os.kill(process_id, signal.SIGKILL)
    choose(qtbot, tab, b"order:2")
    message = tab.value.model.index(0, Column.VALUE).data()
    assert "ended unexpectedly" in str(message)

    choose(qtbot, tab, b"order:1")
    assert value_text(qtbot, tab, "['customer']['name']") == "'Ada'"
    window.close_at_once()


# ---- how it is built


def test_no_widget_is_a_window_for_a_moment(qtbot: QtBot, local_window: MainWindow, shelf: Path) -> None:
    """A widget that is shown before it has a parent flashes up as a window and takes the keyboard away."""
    opened(qtbot, local_window, shelf)

    assert local_window.isActiveWindow()
