"""What leaving or committing the pane does: nothing where nothing was typed, and no object is copied unasked."""

import pickle
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QMessageBox, QPushButton
from pytestqt.qtbot import QtBot

from app.ui.database_tab import DatabaseTab
from app.ui.main_window import MainWindow
from tests.engine.shelves import make_sqlite
from tests.ui.editing import CTRL, LEFT, SHIFT, Key, go, pane, press, type_text, wait_for_focus
from tests.ui.entries import answer
from tests.ui.fixtures import opened

S = ["s", "t"]
VALUE = {"a": S, "in": [S, S], "n": 1, "plain": [[1], [2]]}


@pytest.fixture
def tab(qtbot: QtBot, local_window: MainWindow, tmp_path: Path) -> DatabaseTab:
    tab = opened(qtbot, local_window, make_sqlite(tmp_path / "s.db", {b"k": pickle.dumps(VALUE, 4)}))
    tab.value.tree.setFocus()
    return tab


def now(tab: DatabaseTab) -> dict[str, list[object]]:
    [change] = tab.document.pending_changes
    value: dict[str, list[object]] = pickle.loads(change.value)
    return value


def edit_whole(qtbot: QtBot, tab: DatabaseTab, path: str, modifiers: Qt.KeyboardModifier, text: str) -> None:
    """Replace what stands at a path by a text in the pane."""
    go(qtbot, tab, path)
    wait_for_focus(qtbot, tab.value.tree)
    press(qtbot, tab, Key.Key_F2, modifiers)
    wait_for_focus(qtbot, pane(qtbot, tab))
    type_text(qtbot, tab, text)
    press(qtbot, tab, Key.Key_Return, CTRL)


def is_asked(window: MainWindow) -> bool:
    return any(box.isVisible() for box in window.findChildren(QMessageBox, "separate-question"))


@pytest.mark.parametrize("modifiers", [SHIFT, CTRL])
@pytest.mark.parametrize("is_pressed", [True, False])
@pytest.mark.parametrize("path", ["", "['in']", "['plain']"])
def test_a_container_committed_as_it_was_stays_untouched(
    qtbot: QtBot, tab: DatabaseTab, path: str, is_pressed: bool, modifiers: Qt.KeyboardModifier
) -> None:
    go(qtbot, tab, path)
    wait_for_focus(qtbot, tab.value.tree)
    press(qtbot, tab, Key.Key_F2, modifiers)
    text = pane(qtbot, tab)
    wait_for_focus(qtbot, text)

    if is_pressed:
        button = tab.value.panes.editor.findChild(QPushButton, "value-editor-commit")
        assert isinstance(button, QPushButton)
        qtbot.mouseClick(button, LEFT)
    else:
        press(qtbot, tab, Key.Key_Return, CTRL)

    assert not tab.editing.is_active
    assert tab.document.pending_changes == []
    assert tab.document.history.is_empty


def test_an_empty_new_item_is_not_dropped_without_a_word(qtbot: QtBot, tab: DatabaseTab) -> None:
    go(qtbot, tab, "['plain']")
    wait_for_focus(qtbot, tab.value.tree)
    press(qtbot, tab, Key.Key_Return, CTRL)
    wait_for_focus(qtbot, pane(qtbot, tab))

    press(qtbot, tab, Key.Key_Return, CTRL)

    assert tab.value.panes.editor.error.isVisible()
    assert tab.document.pending_changes == []


def test_a_container_of_shared_objects_is_written_anew_only_after_a_person_agreed(
    qtbot: QtBot, local_window: MainWindow, tab: DatabaseTab
) -> None:
    edit_whole(qtbot, tab, "['in']", SHIFT, "[['s', 't'], ['new']]")
    assert is_asked(local_window)
    assert tab.document.pending_changes == []

    answer(qtbot, local_window, tab, "separate-question", "Cancel")
    assert pane(qtbot, tab).toPlainText() == "[['s', 't'], ['new']]"
    wait_for_focus(qtbot, pane(qtbot, tab))
    press(qtbot, tab, Key.Key_Return, CTRL)
    answer(qtbot, local_window, tab, "separate-question", "Make copies, only here")

    found = now(tab)
    assert found == {**VALUE, "in": [["s", "t"], ["new"]]}


def test_json_of_the_whole_value_keeps_its_objects_one(
    qtbot: QtBot, local_window: MainWindow, tab: DatabaseTab
) -> None:
    text = '{"a": ["s", "t"], "in": [{"py/id": 1}, {"py/id": 1}], "n": 2, "plain": []}'

    edit_whole(qtbot, tab, "", CTRL, text)

    assert not is_asked(local_window)
    found = now(tab)
    assert found == {**VALUE, "n": 2, "plain": []}
    assert found["in"][0] is found["in"][1] is found["a"]


def test_json_of_a_part_asks_where_an_object_stands_outside_of_it_too(
    qtbot: QtBot, local_window: MainWindow, tab: DatabaseTab
) -> None:
    edit_whole(qtbot, tab, "['in']", CTRL, '[["s", "t"], {"py/id": 1}, 3]')

    assert is_asked(local_window)


def test_a_container_that_shares_nothing_is_written_anew_without_a_question(
    qtbot: QtBot, local_window: MainWindow, tab: DatabaseTab
) -> None:
    edit_whole(qtbot, tab, "['plain']", SHIFT, "[[1], [3]]")

    assert not is_asked(local_window)
    found = now(tab)
    assert found["plain"] == [[1], [3]]
    assert found["in"][0] is found["in"][1] is found["a"]
