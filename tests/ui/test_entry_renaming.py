"""Keys are typed over in their cells."""

import pickle
from pathlib import Path

import pytest
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QApplication, QLineEdit
from pytestqt.modeltest import ModelTester
from pytestqt.qtbot import QtBot

from app.engine.local import LocalEngine
from app.ui.database_tab import DatabaseTab
from app.ui.main_window import MainWindow
from app.ui.models import roles
from app.ui.models.entry_table import Column
from tests.engine.shelves import make_sqlite
from tests.ui.editing import LEFT
from tests.ui.entries import CTRL, SHIFT, Key, answer, keys, kinds, press, select, value_of
from tests.ui.fixtures import WAIT, opened, opened_window, settle

ENTRIES: dict[bytes, object] = {b"one": 1, b"two": [2], "käse".encode(): "Gouda", b"\xff\x00": 4}


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    return make_sqlite(tmp_path / "shop.db", {key: pickle.dumps(value, 4) for key, value in ENTRIES.items()})


def editor(qtbot: QtBot, tab: DatabaseTab) -> QLineEdit:
    """Return the line that is open in the table, when it has the focus."""
    line = tab.entries.view.editing.editor
    assert line is not None
    qtbot.waitUntil(line.hasFocus, timeout=WAIT)
    return line


def type_key(qtbot: QtBot, tab: DatabaseTab, text: str) -> QLineEdit:
    line = editor(qtbot, tab)
    qtbot.keyClick(line, Key.Key_A, CTRL)
    if text.isascii():
        qtbot.keyClicks(line, text)
    else:  # Qt's test keyboard has no such keys
        QGuiApplication.clipboard().setText(text)
        qtbot.keyClick(line, Key.Key_V, CTRL)
    return line


def enter(qtbot: QtBot, tab: DatabaseTab, text: str) -> None:
    qtbot.keyClick(type_key(qtbot, tab, text), Key.Key_Return)
    settle(qtbot, tab)


def test_f2_in_the_table_opens_the_key_and_enter_renames(
    qtbot: QtBot, qtmodeltester: ModelTester, child_window: MainWindow, shop: Path
) -> None:
    tab = opened(qtbot, child_window, shop)
    qtmodeltester.check(tab.entries.model)
    select(tab, 1)

    press(qtbot, tab, Key.Key_F2)
    assert editor(qtbot, tab).text() == "two"
    enter(qtbot, tab, "three")

    assert kinds(tab) == {b"two": "deleted", b"three": "added"}
    assert value_of(tab, b"three") == [2]
    assert tab.entries.view.hasFocus()
    assert tab.entries.current_entry == tab.entries.model.entry_id(len(ENTRIES))
    model = tab.entries.model
    assert "renamed from two" in str(model.index(len(ENTRIES), 0).data(roles.ACCESSIBLE_TEXT))
    assert "renamed to three" in str(model.index(1, 0).data(roles.TOOL_TIP))
    press(qtbot, tab, Key.Key_Z, CTRL)
    assert not tab.document.pending_changes


def test_a_double_click_on_a_key_opens_it_and_one_on_a_value_does_not(
    qtbot: QtBot, local_window: MainWindow, shop: Path
) -> None:
    tab = opened(qtbot, local_window, shop)
    view, model = tab.entries.view, tab.entries.model

    def double_click(column: int) -> None:
        place = view.visualRect(model.index(2, column)).center()
        qtbot.mouseClick(view.viewport(), LEFT, pos=place)
        qtbot.mouseDClick(view.viewport(), LEFT, pos=place)
        settle(qtbot, tab)

    double_click(Column.VALUE)
    assert view.editing.editor is None
    double_click(Column.KEY)

    assert editor(qtbot, tab).text() == "käse"


@pytest.mark.parametrize(
    ("row", "shown", "typed", "key"),
    [
        (3, r"b'\xff\x00'", r"b'\x01\xfe'", b"\x01\xfe"),
        (0, "one", "日本", "日本".encode()),
        (0, "one", "'b' and spaces '", None),
        (0, "one", "'tab\\there'", b"tab\there"),
        (0, "one", '"it\'s"', b"it's"),
        (0, "one", r"b'k\xe4se'", b"k\xe4se"),
        (0, "one", "''", b""),
        (0, "one", " spaces ", b" spaces "),
    ],
)
def test_any_key_can_be_typed(
    qtbot: QtBot, local_window: MainWindow, shop: Path, row: int, shown: str, typed: str, key: bytes | None
) -> None:
    tab = opened(qtbot, local_window, shop)
    select(tab, row)

    press(qtbot, tab, Key.Key_F2)
    assert editor(qtbot, tab).text() == shown
    enter(qtbot, tab, typed)

    if key is None:
        assert editor(qtbot, tab).text() == typed
        assert tab.notices.sentence
        assert not tab.document.pending_changes
    else:
        assert keys(tab)[-1] == key


def test_escape_gives_up(qtbot: QtBot, local_window: MainWindow, shop: Path) -> None:
    tab = opened(qtbot, local_window, shop)
    select(tab, 0)
    press(qtbot, tab, Key.Key_F2)

    qtbot.keyClick(type_key(qtbot, tab, "other"), Key.Key_Escape)
    settle(qtbot, tab)

    assert tab.entries.view.editing.editor is None
    assert tab.entries.view.hasFocus()
    assert not tab.document.pending_changes


def test_leaving_commits_and_stays_where_was_clicked(qtbot: QtBot, local_window: MainWindow, shop: Path) -> None:
    tab = opened(qtbot, local_window, shop)
    select(tab, 0)
    press(qtbot, tab, Key.Key_F2)
    type_key(qtbot, tab, "other")

    tab.value.tree.setFocus()
    settle(qtbot, tab)

    assert kinds(tab) == {b"one": "deleted", b"other": "added"}
    assert tab.value.tree.hasFocus()


def test_a_key_that_is_wrong_stays_in_its_cell(qtbot: QtBot, local_window: MainWindow, shop: Path) -> None:
    tab = opened(qtbot, local_window, shop)
    select(tab, 0)
    press(qtbot, tab, Key.Key_F2)

    enter(qtbot, tab, "b'unfinished")
    assert "write it in quotes" in tab.notices.sentence
    assert editor(qtbot, tab).text() == "b'unfinished"
    enter(qtbot, tab, "finished")

    assert kinds(tab) == {b"one": "deleted", b"finished": "added"}
    assert not tab.notices.sentence


def test_a_wrong_key_keeps_the_database_from_being_saved_without_it(
    qtbot: QtBot, local_window: MainWindow, shop: Path
) -> None:
    tab = opened(qtbot, local_window, shop)
    select(tab, 0)
    press(qtbot, tab, Key.Key_Delete)
    select(tab, 1)
    press(qtbot, tab, Key.Key_F2)
    line = type_key(qtbot, tab, "b'unfinished")
    assert tab.has_changes

    qtbot.keyClick(line, Key.Key_S, CTRL)
    settle(qtbot, tab)

    assert editor(qtbot, tab).text() == "b'unfinished"
    assert kinds(tab) == {b"one": "deleted"}


def test_what_is_typed_is_handed_over_by_a_save(qtbot: QtBot, local_window: MainWindow, shop: Path) -> None:
    tab = opened(qtbot, local_window, shop)
    select(tab, 0)
    press(qtbot, tab, Key.Key_F2)
    line = type_key(qtbot, tab, "first")

    qtbot.keyClick(line, Key.Key_S, CTRL)

    qtbot.waitUntil(lambda: sorted(keys(tab)) == sorted({*ENTRIES, b"first"} - {b"one"}), timeout=WAIT)
    settle(qtbot, tab)
    assert not tab.document.pending_changes


@pytest.mark.parametrize(
    ("title", "expected"),
    [("Replace", {b"one": "deleted", b"two": "changed"}), ("Cancel", {}), ("Another key", {})],
)
def test_a_key_that_exists_asks(
    qtbot: QtBot, local_window: MainWindow, shop: Path, title: str, expected: dict[bytes, str]
) -> None:
    tab = opened(qtbot, local_window, shop)
    select(tab, 0)
    press(qtbot, tab, Key.Key_F2)
    enter(qtbot, tab, "two")

    answer(qtbot, local_window, tab, "taken-question", title)

    assert kinds(tab) == expected
    if title == "Another key":
        local_window.activateWindow()
        assert editor(qtbot, tab).text() == "two"
    else:
        assert tab.entries.view.editing.editor is None


def test_f2_in_the_tree_edits_the_value(qtbot: QtBot, local_window: MainWindow, shop: Path) -> None:
    tab = opened(qtbot, local_window, shop)
    select(tab, 0)
    settle(qtbot, tab)
    tab.value.tree.setFocus()
    tab.value.tree.setCurrentIndex(tab.value.model.index(0, 0))

    qtbot.keyClick(tab.value.tree, Key.Key_F2)
    settle(qtbot, tab)

    assert tab.value.tree.editor is not None
    assert tab.entries.view.editing.editor is None
    assert QApplication.focusWidget() is not None


def test_a_key_of_a_read_only_database_is_not_opened(qtbot: QtBot, shop: Path) -> None:
    for window in opened_window(qtbot, LocalEngine, read_only=True):
        tab = opened(qtbot, window, shop)
        place = tab.entries.view.visualRect(tab.entries.model.index(0, 0)).center()

        qtbot.mouseDClick(tab.entries.view.viewport(), LEFT, pos=place)
        settle(qtbot, tab)

        assert tab.entries.view.editing.editor is None
        assert tab.notices.sentence == "shop.db was opened read-only."


def test_undo_and_redo_go_to_the_entry_under_the_key_it_has_then(
    qtbot: QtBot, local_window: MainWindow, shop: Path
) -> None:
    tab = opened(qtbot, local_window, shop)
    select(tab, 1)
    press(qtbot, tab, Key.Key_F2)
    enter(qtbot, tab, "other")
    found = []

    for modifiers in (CTRL, CTRL | SHIFT):
        press(qtbot, tab, Key.Key_Z, modifiers)
        current = tab.entries.current_entry
        found.append(tab.document.key(current) if current is not None else None)

    assert found == [b"two", b"other"]
