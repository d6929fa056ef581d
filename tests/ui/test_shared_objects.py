"""What stands in several places of a value is changed in one of them or in all, as a person says."""

import pickle
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QMessageBox
from pytestqt.modeltest import ModelTester
from pytestqt.qtbot import QtBot

from app.ui.database_tab import DatabaseTab
from app.ui.main_window import MainWindow
from tests.engine.shelves import make_sqlite
from tests.ui.editing import (
    ALT,
    CTRL,
    LEFT,
    SHIFT,
    Key,
    current_path,
    go,
    pane,
    press,
    row_at,
    type_text,
    wait_for_focus,
)
from tests.ui.entries import answer
from tests.ui.fixtures import WAIT, opened, settle

INNER = ["x", "y"]
OUTER = {"inner": INNER, "n": 1}
VALUE = {"first": OUTER, "again": [OUTER], "inner": INNER, "alone": ["z"]}
CYCLE: list[object] = ["c"]
CYCLE.append(CYCLE)


@pytest.fixture
def tab(qtbot: QtBot, qtmodeltester: ModelTester, local_window: MainWindow, tmp_path: Path) -> DatabaseTab:
    entries = {b"shared": pickle.dumps(VALUE, 4), b"cycle": pickle.dumps(CYCLE, 4)}
    tab = opened(qtbot, local_window, make_sqlite(tmp_path / "shared.db", entries))
    qtmodeltester.check(tab.value.model)
    return tab


def now(tab: DatabaseTab) -> dict[str, object]:
    """Return the value, loaded as a Python program would."""
    [change] = tab.document.pending_changes
    value: dict[str, object] = pickle.loads(change.value)
    return value


def is_asked(window: MainWindow) -> bool:
    return any(box.isVisible() for box in window.findChildren(QMessageBox, "where-question"))


def edit(qtbot: QtBot, tab: DatabaseTab, path: str, text: str) -> None:
    go(qtbot, tab, path)
    press(qtbot, tab, Key.Key_F2)
    qtbot.waitUntil(lambda: tab.value.tree.editor is not None and tab.value.tree.editor.hasFocus(), timeout=WAIT)
    type_text(qtbot, tab, text)
    press(qtbot, tab, Key.Key_Return)


@pytest.mark.parametrize(
    ("title", "again", "inner"),
    [("Everywhere it is shared", "new", "new"), ("Only here", "x", "x")],
)
def test_an_edit_far_within_shared_objects_asks_where(
    qtbot: QtBot, local_window: MainWindow, tab: DatabaseTab, title: str, again: str, inner: str
) -> None:
    edit(qtbot, tab, "['first']['inner'][0]", "new")
    assert is_asked(local_window)
    assert not tab.document.pending_changes

    answer(qtbot, local_window, tab, "where-question", title)

    assert now(tab) == {
        "first": {"inner": ["new", "y"], "n": 1},
        "again": [{"inner": [again, "y"], "n": 1}],
        "inner": [inner, "y"],
        "alone": ["z"],
    }
    local_window.activateWindow()
    tab.value.tree.setFocus()
    wait_for_focus(qtbot, tab.value.tree)
    press(qtbot, tab, Key.Key_Z, CTRL)
    assert not tab.document.pending_changes


def test_the_place_that_is_not_the_first_can_be_changed_alone(
    qtbot: QtBot, local_window: MainWindow, tab: DatabaseTab
) -> None:
    edit(qtbot, tab, "['again'][0]['n']", "2")

    answer(qtbot, local_window, tab, "where-question", "Only here")

    found = now(tab)
    assert (found["first"], found["again"]) == (OUTER, [{"inner": INNER, "n": 2}])


def test_thinking_better_of_it_keeps_what_was_typed(qtbot: QtBot, local_window: MainWindow, tab: DatabaseTab) -> None:
    edit(qtbot, tab, "['first']['n']", "2")

    answer(qtbot, local_window, tab, "where-question", "Cancel")

    assert tab.value.tree.editor is not None
    assert tab.value.tree.editor.text() == "2"
    assert not tab.document.pending_changes


@pytest.mark.parametrize(
    ("key", "modifiers", "expected"),
    [(Key.Key_Delete, Qt.KeyboardModifier.NoModifier, ["y"]), (Key.Key_Down, ALT, ["y", "x"])],
)
def test_rows_of_a_shared_list_are_moved_and_deleted_where_a_person_says(
    qtbot: QtBot,
    local_window: MainWindow,
    tab: DatabaseTab,
    key: Qt.Key,
    modifiers: Qt.KeyboardModifier,
    expected: list[str],
) -> None:
    go(qtbot, tab, "['first']['inner'][0]")
    press(qtbot, tab, key, modifiers)

    answer(qtbot, local_window, tab, "where-question", "Only here")

    found = now(tab)
    assert found["first"] == {"inner": expected, "n": 1}
    assert found["inner"] == INNER


@pytest.mark.parametrize("paths", [("['inner'][0]", "['alone'][0]"), ("['alone'][0]", "['inner'][0]")])
def test_rows_of_which_one_is_shared_are_deleted_where_a_person_says(
    qtbot: QtBot, local_window: MainWindow, tab: DatabaseTab, paths: tuple[str, str]
) -> None:
    for path in paths:
        row_at(qtbot, tab, path)
    tree = tab.value.tree
    for path, modifiers in zip(paths, (Qt.KeyboardModifier.NoModifier, CTRL), strict=True):
        middle = tree.visualRect(row_at(qtbot, tab, path)).center()
        qtbot.mouseClick(tree.viewport(), LEFT, modifiers, middle)
    press(qtbot, tab, Key.Key_Delete)

    answer(qtbot, local_window, tab, "where-question", "Only here")

    assert now(tab) == {"first": OUTER, "again": [OUTER], "inner": ["y"], "alone": []}


@pytest.mark.parametrize(
    ("key", "expected"), [(Key.Key_X, ["x"]), (Key.Key_D, ["x", "y", "y"])], ids=["cut", "duplicate"]
)
def test_another_row_that_is_current_when_the_rows_are_copied_answers_for_none_of_them(
    qtbot: QtBot, local_window: MainWindow, tab: DatabaseTab, key: Qt.Key, expected: list[str]
) -> None:
    row_at(qtbot, tab, "['alone'][0]")
    go(qtbot, tab, "['inner'][1]")
    wait_for_focus(qtbot, tab.value.tree)

    qtbot.keyClick(tab.value.tree, key, CTRL)
    qtbot.keyClick(tab.value.tree, Key.Key_Down)
    settle(qtbot, tab)
    assert current_path(tab) == "['alone']"
    answer(qtbot, local_window, tab, "where-question", "Only here")

    assert now(tab) == {"first": OUTER, "again": [OUTER], "inner": expected, "alone": ["z"]}


def test_a_pane_asks_about_the_row_it_was_wanted_for(qtbot: QtBot, local_window: MainWindow, tab: DatabaseTab) -> None:
    row_at(qtbot, tab, "['alone'][0]")
    go(qtbot, tab, "['inner'][1]")
    wait_for_focus(qtbot, tab.value.tree)

    qtbot.keyClick(tab.value.tree, Key.Key_F2, SHIFT)
    qtbot.keyClick(tab.value.tree, Key.Key_Down)
    wait_for_focus(qtbot, pane(qtbot, tab))
    type_text(qtbot, tab, "'new'")
    press(qtbot, tab, Key.Key_Return, CTRL)
    answer(qtbot, local_window, tab, "where-question", "Only here")

    assert now(tab) == {"first": OUTER, "again": [OUTER], "inner": ["x", "new"], "alone": ["z"]}


def test_what_stands_in_one_place_is_not_asked_about(qtbot: QtBot, local_window: MainWindow, tab: DatabaseTab) -> None:
    edit(qtbot, tab, "['alone'][0]", "new")

    assert not is_asked(local_window)
    assert now(tab)["alone"] == ["new"]


def test_a_list_that_holds_itself_is_edited_without_a_question(
    qtbot: QtBot, local_window: MainWindow, tab: DatabaseTab
) -> None:
    tab.entries.view.select_entry(1)
    settle(qtbot, tab)

    edit(qtbot, tab, "[0]", "new")

    assert not is_asked(local_window)
    [change] = tab.document.pending_changes
    found = pickle.loads(change.value)
    assert found[0] == "new"
    assert found[1] is found


@pytest.mark.parametrize(("path", "first"), [("['again'][0]", "['first']"), ("['inner']", "['first']['inner']")])
def test_ctrl_g_goes_to_where_the_object_stands_first(qtbot: QtBot, tab: DatabaseTab, path: str, first: str) -> None:
    go(qtbot, tab, path)

    press(qtbot, tab, Key.Key_G, CTRL)

    assert current_path(tab) == first


def test_an_object_in_a_pickle_within_a_value_is_found_there(
    qtbot: QtBot, local_window: MainWindow, tmp_path: Path
) -> None:
    inside = {"bytes": pickle.dumps({"a": INNER, "b": INNER}, 4)}
    tab = opened(qtbot, local_window, make_sqlite(tmp_path / "inside.db", {b"k": pickle.dumps(inside, 4)}))
    go(qtbot, tab, "['bytes']<content>['b']")

    press(qtbot, tab, Key.Key_G, CTRL)

    assert current_path(tab) == "['bytes']<content>['a']"
