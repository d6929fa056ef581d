"""Adding, duplicating and deleting entries by keys and mouse."""

import pickle
import time
from pathlib import Path

import pytest
from PySide6.QtWidgets import QCheckBox, QComboBox, QDialog, QLabel, QLineEdit, QPlainTextEdit, QPushButton, QTableView
from pytestqt.modeltest import ModelTester
from pytestqt.qtbot import QtBot

from app.document.job import Job
from app.engine.local import LocalEngine
from app.ui.database_tab import DatabaseTab
from app.ui.main_window import MainWindow
from app.ui.models import roles
from tests.engine.shelves import make_sqlite
from tests.ui.commands import run_command, run_in_palette
from tests.ui.edits import change_value, delete_entry
from tests.ui.entries import CTRL, SHIFT, Key, answer, keys, kinds, press, select, value_of
from tests.ui.fixtures import VALUES, WAIT, opened, opened_window, settle
from tests.ui.making import part

ENTRIES = {key: value for key, value in VALUES.items() if key != b"\xff\xfe"}


@pytest.fixture
def mixed(shelf: Path) -> Path:
    """A database that is no shelf, as one of its keys is no text."""
    return shelf


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    """A shelf."""
    return make_sqlite(tmp_path / "shop.db", {key: pickle.dumps(value, 4) for key, value in ENTRIES.items()})


def dialog(window: MainWindow, name: str) -> QDialog:
    return part(window, QDialog, name)


def type_key(qtbot: QtBot, asked: QDialog, text: str) -> None:
    line = part(asked, QLineEdit, "entry-key")
    line.selectAll()
    qtbot.keyClick(line, Key.Key_Delete)
    qtbot.keyClicks(line, text)


def enter(qtbot: QtBot, tab: DatabaseTab, asked: QDialog) -> None:
    qtbot.keyClick(part(asked, QLineEdit, "entry-key"), Key.Key_Return)
    settle(qtbot, tab)


def said(asked: QDialog) -> str:
    return part(asked, QLabel, "entry-error").text()


def open_adding(qtbot: QtBot, window: MainWindow, tab: DatabaseTab, key: str, value: str, form: int = 0) -> QDialog:
    """Open the dialog by its shortcut and fill it in."""
    press(qtbot, tab, Key.Key_N, CTRL | SHIFT)
    asked = dialog(window, "new-entry")
    type_key(qtbot, asked, key)
    chooser = part(asked, QComboBox, "entry-form")
    for _ in range(form):
        qtbot.keyClick(chooser, Key.Key_Down)
    qtbot.keyClicks(part(asked, QPlainTextEdit, "entry-value"), value)
    return asked


@pytest.mark.parametrize(
    ("form", "written", "value"),
    [(0, "{'a': (1, 2)}", {"a": (1, 2)}), (1, '{"a": [null]}', {"a": [None]}), (3, "it's", "it's")],
)
def test_an_entry_is_added_from_what_is_typed(
    qtbot: QtBot,
    qtmodeltester: ModelTester,
    local_window: MainWindow,
    shop: Path,
    form: int,
    written: str,
    value: object,
) -> None:
    tab = opened(qtbot, local_window, shop)
    qtmodeltester.check(tab.entries.model)
    asked = open_adding(qtbot, local_window, tab, "new", written, form)

    enter(qtbot, tab, asked)

    assert keys(tab)[-1] == b"new"
    assert value_of(tab, b"new") == value
    assert tab.entries.current_entry == tab.entries.model.entry_id(len(ENTRIES))
    assert tab.document.history.next_undo is not None


def test_ctrl_return_adds_from_within_the_value(qtbot: QtBot, local_window: MainWindow, shop: Path) -> None:
    tab = opened(qtbot, local_window, shop)
    asked = open_adding(qtbot, local_window, tab, "new", "[1,")
    text = part(asked, QPlainTextEdit, "entry-value")

    qtbot.keyClick(text, Key.Key_Return)
    qtbot.keyClicks(text, "2]")
    qtbot.keyClick(text, Key.Key_Return, CTRL)
    settle(qtbot, tab)

    assert value_of(tab, b"new") == [1, 2]


def test_a_database_that_is_no_shelf_takes_a_pickle_where_that_is_chosen(
    qtbot: QtBot, local_window: MainWindow, mixed: Path
) -> None:
    tab = opened(qtbot, local_window, mixed)
    asked = open_adding(qtbot, local_window, tab, "new", "[1, 2]")
    enter(qtbot, tab, asked)
    assert "choose to store this as a pickle" in said(asked)

    qtbot.keyClick(part(asked, QCheckBox, "entry-pickle"), Key.Key_Space)
    enter(qtbot, tab, asked)

    assert value_of(tab, b"new") == [1, 2]


def test_a_key_is_bytes_where_it_is_written_so(qtbot: QtBot, local_window: MainWindow, shop: Path) -> None:
    tab = opened(qtbot, local_window, shop)
    asked = open_adding(qtbot, local_window, tab, r"b'\x00\xff'", "1")

    enter(qtbot, tab, asked)

    assert keys(tab)[-1] == b"\x00\xff"


def test_the_bytes_of_a_file_become_a_value(qtbot: QtBot, local_window: MainWindow, shop: Path, tmp_path: Path) -> None:
    data = pickle.dumps([1, "two"], 2)
    (tmp_path / "value.bin").write_bytes(data)
    tab = opened(qtbot, local_window, shop)
    asked = open_adding(qtbot, local_window, tab, "from file", "", form=4)
    qtbot.keyClicks(part(asked, QLineEdit, "entry-file"), str(tmp_path / "value.bin"))

    enter(qtbot, tab, asked)

    assert [change.value for change in tab.document.pending_changes] == [data]


def test_a_file_that_is_not_there_is_said_in_the_dialog(
    qtbot: QtBot, local_window: MainWindow, shop: Path, tmp_path: Path
) -> None:
    tab = opened(qtbot, local_window, shop)
    asked = open_adding(qtbot, local_window, tab, "from file", "", form=4)
    qtbot.keyClicks(part(asked, QLineEdit, "entry-file"), str(tmp_path / "none"))

    enter(qtbot, tab, asked)

    assert said(asked).endswith("could not be read: No such file or directory.")
    asked.close()


def test_a_dialog_that_is_closed_meanwhile_does_no_harm(qtbot: QtBot, local_window: MainWindow, shop: Path) -> None:
    tab = opened(qtbot, local_window, shop)
    asked = open_adding(qtbot, local_window, tab, "numbers", "1")
    tab.runner.start(Job("Waiting", lambda _token: time.sleep(0.1)))

    qtbot.keyClick(part(asked, QLineEdit, "entry-key"), Key.Key_Return)
    qtbot.keyClick(asked, Key.Key_Escape)
    settle(qtbot, tab)

    assert tab.notices.sentence.startswith("shop.db has 'numbers' already")
    assert not tab.document.pending_changes


def test_a_wrong_value_is_refused_at_its_place(qtbot: QtBot, child_window: MainWindow, shop: Path) -> None:
    tab = opened(qtbot, child_window, shop)
    asked = open_adding(qtbot, child_window, tab, "new", "[1, ?]")

    enter(qtbot, tab, asked)

    text = part(asked, QPlainTextEdit, "entry-value")
    assert said(asked).startswith("Line 1, column 5: ")
    assert text.textCursor().selectedText() == "?"
    assert text.toPlainText() == "[1, ?]"
    assert not tab.document.pending_changes
    asked.close()


@pytest.mark.parametrize("key", ["b'unfinished", "'also", r"b'\xzz'"])
def test_a_wrong_key_is_refused(qtbot: QtBot, local_window: MainWindow, shop: Path, key: str) -> None:
    tab = opened(qtbot, local_window, shop)
    asked = open_adding(qtbot, local_window, tab, key, "1")

    enter(qtbot, tab, asked)

    assert said(asked)
    assert part(asked, QLineEdit, "entry-key").text() == key
    assert not tab.document.pending_changes
    asked.close()


def test_a_key_that_exists_is_asked_about_and_another_one_taken(
    qtbot: QtBot, local_window: MainWindow, shop: Path
) -> None:
    tab = opened(qtbot, local_window, shop)
    asked = open_adding(qtbot, local_window, tab, "numbers", "1")
    enter(qtbot, tab, asked)

    answer(qtbot, local_window, tab, "taken-question", "Another key")
    assert said(asked).startswith("shop.db has 'numbers' already")
    type_key(qtbot, asked, "more numbers")
    assert not said(asked)
    enter(qtbot, tab, asked)

    assert kinds(tab) == {b"more numbers": "added"}


def test_the_entry_of_a_key_that_exists_is_replaced(qtbot: QtBot, local_window: MainWindow, shop: Path) -> None:
    tab = opened(qtbot, local_window, shop)
    enter(qtbot, tab, open_adding(qtbot, local_window, tab, "numbers", "1"))

    answer(qtbot, local_window, tab, "taken-question", "Replace")

    assert kinds(tab) == {b"numbers": "changed"}
    assert value_of(tab, b"numbers") == 1
    assert local_window.findChild(QDialog, "new-entry") is None


def test_adding_is_given_up_where_the_key_exists(qtbot: QtBot, local_window: MainWindow, shop: Path) -> None:
    tab = opened(qtbot, local_window, shop)
    asked = open_adding(qtbot, local_window, tab, "numbers", "1")
    enter(qtbot, tab, asked)

    answer(qtbot, local_window, tab, "taken-question", "Cancel")

    assert not asked.isVisible()
    assert not tab.document.pending_changes


def test_a_copy_takes_the_place_of_another_entry(qtbot: QtBot, local_window: MainWindow, shop: Path) -> None:
    tab = opened(qtbot, local_window, shop)
    select(tab, 1)
    press(qtbot, tab, Key.Key_D, CTRL)
    asked = dialog(local_window, "duplicate")
    type_key(qtbot, asked, "numbers")
    enter(qtbot, tab, asked)

    answer(qtbot, local_window, tab, "taken-question", "Replace")

    assert value_of(tab, b"numbers") == ENTRIES[b"order:2"]


def test_a_copy_of_an_entry_is_made_under_another_key(qtbot: QtBot, local_window: MainWindow, shop: Path) -> None:
    tab = opened(qtbot, local_window, shop)
    select(tab, 1)

    press(qtbot, tab, Key.Key_D, CTRL)
    asked = dialog(local_window, "duplicate")
    assert part(asked, QLineEdit, "entry-key").text() == "order:2 (2)"
    type_key(qtbot, asked, "order:3")
    enter(qtbot, tab, asked)

    assert kinds(tab) == {b"order:3": "added"}
    assert value_of(tab, b"order:3") == ENTRIES[b"order:2"]


def test_delete_takes_one_entry_at_once_and_undo_brings_it_back(
    qtbot: QtBot, qtmodeltester: ModelTester, local_window: MainWindow, shop: Path
) -> None:
    tab = opened(qtbot, local_window, shop)
    qtmodeltester.check(tab.entries.model)
    select(tab, 2)

    press(qtbot, tab, Key.Key_Delete)
    assert kinds(tab) == {b"numbers": "deleted"}
    assert tab.entries.model.index(2, 0).data(roles.PENDING_KIND) == "deleted"
    assert local_window.actions_["undo"].text() == "&Undo Deletion of 'numbers'"
    press(qtbot, tab, Key.Key_Z, CTRL)

    assert not tab.document.pending_changes


@pytest.mark.parametrize("row", [2, len(ENTRIES) - 1])
def test_when_a_deletion_is_saved_the_entry_in_its_place_is_shown(
    qtbot: QtBot, local_window: MainWindow, shop: Path, row: int
) -> None:
    tab = opened(qtbot, local_window, shop)
    select(tab, row)
    press(qtbot, tab, Key.Key_Delete)

    press(qtbot, tab, Key.Key_S, CTRL)

    left = [key for number, key in enumerate(ENTRIES) if number != row]
    qtbot.waitUntil(lambda: keys(tab) == left, timeout=WAIT)
    shown = tab.entries.current_entry
    assert shown is not None
    assert tab.document.key(shown) == left[min(row, len(left) - 1)]


def test_an_added_entry_that_is_deleted_is_gone(
    qtbot: QtBot, qtmodeltester: ModelTester, local_window: MainWindow, shop: Path
) -> None:
    tab = opened(qtbot, local_window, shop)
    qtmodeltester.check(tab.entries.model)
    enter(qtbot, tab, open_adding(qtbot, local_window, tab, "new", "1"))

    press(qtbot, tab, Key.Key_Delete)

    assert keys(tab) == list(ENTRIES)
    assert not tab.document.pending_changes
    assert tab.entries.view.selected_entries() == [tab.entries.current_entry]


def test_many_entries_are_deleted_after_they_were_listed(qtbot: QtBot, local_window: MainWindow, shop: Path) -> None:
    tab = opened(qtbot, local_window, shop)
    select(tab, 0)
    press(qtbot, tab, Key.Key_Down, SHIFT)
    press(qtbot, tab, Key.Key_Delete)
    asked = dialog(local_window, "deletion")
    assert not tab.document.pending_changes
    listed = part(asked, QTableView, "deleted-entries").model()
    assert [listed.index(row, 0).data() for row in range(listed.rowCount())] == ["order:1", "order:2"]

    qtbot.keyClick(part(asked, QPushButton, "delete-go"), Key.Key_Return)
    settle(qtbot, tab)

    assert kinds(tab) == {b"order:1": "deleted", b"order:2": "deleted"}


def test_entries_of_a_file_that_was_read_again_are_not_deleted_by_their_old_places(
    qtbot: QtBot, local_window: MainWindow, shop: Path
) -> None:
    tab = opened(qtbot, local_window, shop)
    select(tab, 0)
    press(qtbot, tab, Key.Key_Down, SHIFT)
    press(qtbot, tab, Key.Key_Delete)
    asked = dialog(local_window, "deletion")
    tab.reading.reload()
    settle(qtbot, tab)

    qtbot.keyClick(part(asked, QPushButton, "delete-go"), Key.Key_Return)
    settle(qtbot, tab)

    assert tab.notices.sentence.startswith("shop.db was read again meanwhile")
    assert not tab.document.pending_changes


def test_a_copy_of_an_entry_that_was_read_again_is_refused(qtbot: QtBot, local_window: MainWindow, shop: Path) -> None:
    tab = opened(qtbot, local_window, shop)
    select(tab, 1)
    press(qtbot, tab, Key.Key_D, CTRL)
    asked = dialog(local_window, "duplicate")
    tab.reading.reload()
    settle(qtbot, tab)

    type_key(qtbot, asked, "order:3")
    enter(qtbot, tab, asked)

    assert said(asked).startswith("shop.db was read again meanwhile")
    assert not tab.document.pending_changes
    asked.close()


def test_deleting_many_can_be_given_up(qtbot: QtBot, local_window: MainWindow, shop: Path) -> None:
    tab = opened(qtbot, local_window, shop)
    select(tab, 0)
    press(qtbot, tab, Key.Key_A, CTRL)
    press(qtbot, tab, Key.Key_Delete)

    qtbot.keyClick(dialog(local_window, "deletion"), Key.Key_Escape)
    settle(qtbot, tab)

    assert not tab.document.pending_changes


def test_what_is_deleted_cannot_be_renamed(qtbot: QtBot, local_window: MainWindow, shop: Path) -> None:
    tab = opened(qtbot, local_window, shop)
    select(tab, 2)

    press(qtbot, tab, Key.Key_Delete)

    for name in ("duplicate-entry", "rename-entry", "cut-entries", "delete-entries"):
        assert not local_window.actions_[name].isEnabled()
        assert "This entry is deleted" in local_window.actions_[name].toolTip()
    assert local_window.actions_["add-entry"].isEnabled()


def test_a_database_that_is_read_only_says_so(qtbot: QtBot, shop: Path) -> None:
    for window in opened_window(qtbot, LocalEngine, read_only=True):
        tab = opened(qtbot, window, shop)

        for name in ("add-entry", "duplicate-entry", "rename-entry", "cut-entries", "paste-entries", "delete-entries"):
            assert not window.actions_[name].isEnabled()
            assert tab.document.why_read_only in window.actions_[name].toolTip()


def test_the_menu_of_the_table_deletes(qtbot: QtBot, local_window: MainWindow, shop: Path) -> None:
    tab = opened(qtbot, local_window, shop)
    select(tab, 3)
    names = [action.objectName() for action in tab.entries.view.actions()]
    assert names == [
        *("add-entry", "duplicate-entry", "rename-entry", ""),
        *("cut-entries", "copy-entries", "paste-entries", "", "delete-entries", "revert"),
    ]

    run_in_palette(qtbot, local_window, local_window.actions_["delete-entries"])
    settle(qtbot, tab)

    assert kinds(tab) == {"käse".encode(): "deleted"}


def test_the_keys_of_the_table_do_nothing_while_the_filter_has_the_focus(
    qtbot: QtBot, local_window: MainWindow, shop: Path
) -> None:
    tab = opened(qtbot, local_window, shop)
    tab.entries.field.setFocus()
    qtbot.waitUntil(tab.entries.field.hasFocus, timeout=WAIT)

    qtbot.keyClick(tab.entries.field, Key.Key_Delete)
    settle(qtbot, tab)

    assert not tab.document.pending_changes


def test_what_is_pending_is_painted_by_its_kind(qtbot: QtBot, local_window: MainWindow, tmp_path: Path) -> None:
    same = {b"same": pickle.dumps(1)}
    tab = opened(qtbot, local_window, make_sqlite(tmp_path / "same.db", same))
    model, view = tab.entries.model, tab.entries.view
    view.clearSelection()

    def painted() -> bytes:
        settle(qtbot, tab)
        image = view.viewport().grab(view.visualRect(model.index(0, 0))).toImage()
        return bytes(image.constBits())

    plain = painted()
    change_value(qtbot, tab, 0, "2")
    view.clearSelection()
    changed = painted()
    delete_entry(qtbot, tab, 0)
    view.clearSelection()
    deleted = painted()
    run_command(qtbot, local_window, "revert-all")
    reverted = painted()

    assert len({plain, changed, deleted}) == 3
    assert reverted == plain


def test_undo_goes_to_the_entry_that_it_brings_back(qtbot: QtBot, local_window: MainWindow, shop: Path) -> None:
    tab = opened(qtbot, local_window, shop)
    enter(qtbot, tab, open_adding(qtbot, local_window, tab, "new", "1"))
    press(qtbot, tab, Key.Key_Delete)
    assert current_key(tab) != b"new"

    press(qtbot, tab, Key.Key_Z, CTRL)

    assert current_key(tab) == b"new"


def current_key(tab: DatabaseTab) -> bytes:
    entry_id = tab.entries.current_entry
    assert entry_id is not None
    return tab.document.key(entry_id)
