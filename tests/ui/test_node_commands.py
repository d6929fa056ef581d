"""What menus and keys do to rows of a value: new ones, moved ones, copies, types, places of one object."""

import json
import pickle
from pathlib import Path

import pytest
from PySide6.QtCore import QMimeData
from PySide6.QtGui import QAction, QGuiApplication
from PySide6.QtWidgets import QMenu, QMessageBox, QPushButton
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
    field,
    go,
    line,
    pane,
    press,
    row_at,
    stored_now,
    type_text,
    wait_for_focus,
)
from tests.ui.fixtures import WAIT, opened, settle
from tests.ui.making import part

pytestmark = [
    pytest.mark.qt_log_ignore("This plugin does not support grabbing", extend=True),
]
CTRL_SHIFT = CTRL | SHIFT
CTRL_ALT = CTRL | ALT


def commit(qtbot: QtBot, tab: DatabaseTab, text: str) -> None:
    """Type into the pane and commit."""
    pane(qtbot, tab)
    type_text(qtbot, tab, text)
    press(qtbot, tab, Key.Key_Return, CTRL)


def clipboard() -> str:
    return QGuiApplication.clipboard().text()


# ---- new nodes


def test_items_are_inserted_and_appended(qtbot: QtBot, tab: DatabaseTab) -> None:
    go(qtbot, tab, "['list'][1]")
    press(qtbot, tab, Key.Key_Insert)
    commit(qtbot, tab, "[1, None]")
    assert field(tab, "list") == ["a", [1, None], "b", "c"]
    assert current_path(tab) == "['list'][1]"

    press(qtbot, tab, Key.Key_Up)
    press(qtbot, tab, Key.Key_Return, CTRL)
    commit(qtbot, tab, "'z'")
    assert field(tab, "list") == ["a", [1, None], "b", "c", "z"]
    assert current_path(tab) == "['list'][4]"


def test_a_pair_and_an_attribute_are_appended(qtbot: QtBot, tab: DatabaseTab) -> None:
    go(qtbot, tab, "")
    press(qtbot, tab, Key.Key_Return, CTRL)
    type_text(qtbot, tab, "'new key'")
    press(qtbot, tab, Key.Key_Return)
    commit(qtbot, tab, "(1, 2)")
    assert field(tab, "new key") == (1, 2)
    assert current_path(tab) == "['new key']"

    go(qtbot, tab, "['object'].title")
    press(qtbot, tab, Key.Key_Return, CTRL)
    type_text(qtbot, tab, "'extra'")
    press(qtbot, tab, Key.Key_Return)
    commit(qtbot, tab, "True")
    assert vars(field(tab, "object"))["extra"] is True
    assert current_path(tab) == "['object'].extra"


def test_a_key_that_is_there_is_refused_and_stays_to_be_changed(qtbot: QtBot, tab: DatabaseTab) -> None:
    go(qtbot, tab, "")
    press(qtbot, tab, Key.Key_Return, CTRL)
    type_text(qtbot, tab, "'int'")
    press(qtbot, tab, Key.Key_Return)
    commit(qtbot, tab, "2")

    editor = tab.value.panes.editor
    assert editor.error.isVisible()
    assert field(tab, "int") == 1
    editor.key.setFocus()
    type_text(qtbot, tab, "'int 2'")
    press(qtbot, tab, Key.Key_Return, CTRL)
    assert field(tab, "int 2") == 2


def test_a_wrong_key_is_marked_as_such_and_not_in_the_value(qtbot: QtBot, tab: DatabaseTab) -> None:
    go(qtbot, tab, "")
    press(qtbot, tab, Key.Key_Return, CTRL)
    type_text(qtbot, tab, "a")
    press(qtbot, tab, Key.Key_Return)

    commit(qtbot, tab, "12")

    editor = tab.value.panes.editor
    assert editor.error.text() == "The key: a is no value; write a text in quotes."
    assert editor.key.hasFocus()
    assert not editor.text.extraSelections()
    type_text(qtbot, tab, "'a'")
    press(qtbot, tab, Key.Key_Return)
    commit(qtbot, tab, "12,,")
    assert editor.error.text().startswith("Line 1, column 3: ")
    assert editor.text.hasFocus()
    assert editor.text.extraSelections()


def test_an_object_without_a_literal_leads_to_json(qtbot: QtBot, tab: DatabaseTab) -> None:
    go(qtbot, tab, "['object']")

    qtbot.keyClick(tab.value.tree, Key.Key_F2, SHIFT)
    settle(qtbot, tab)
    assert tab.notices.sentence.endswith("Ctrl+F2 edits it as JSON.")
    qtbot.keyClick(tab.value.tree, Key.Key_F2, CTRL)
    settle(qtbot, tab)

    assert '"title"' in pane(qtbot, tab).toPlainText()
    assert not tab.notices.isVisible()


def test_an_item_is_duplicated_behind_itself(qtbot: QtBot, tab: DatabaseTab) -> None:
    go(qtbot, tab, "['list'][1]")

    press(qtbot, tab, Key.Key_D, CTRL)

    assert field(tab, "list") == ["a", "b", "b", "c"]
    assert current_path(tab) == "['list'][2]"


def test_a_duplicated_pair_gets_another_key(qtbot: QtBot, tab: DatabaseTab) -> None:
    go(qtbot, tab, "['object']")

    press(qtbot, tab, Key.Key_D, CTRL)
    type_text(qtbot, tab, "'twin'")
    press(qtbot, tab, Key.Key_Return)

    assert vars(field(tab, "twin")) == vars(field(tab, "object"))
    assert current_path(tab) == "['twin']"


# ---- order


def test_items_and_pairs_move_with_alt_and_the_arrow_keys(qtbot: QtBot, tab: DatabaseTab) -> None:
    go(qtbot, tab, "['list'][0]")
    press(qtbot, tab, Key.Key_Down, ALT)
    press(qtbot, tab, Key.Key_Down, ALT)
    press(qtbot, tab, Key.Key_Down, ALT)
    assert field(tab, "list") == ["b", "c", "a"]
    assert current_path(tab) == "['list'][2]"

    go(qtbot, tab, "['float']")
    press(qtbot, tab, Key.Key_Up, ALT)
    value = stored_now(tab)
    assert isinstance(value, dict)
    assert list(value)[:3] == ["float", "int", "bool"]
    assert current_path(tab) == "['float']"


def test_keys_are_sorted(qtbot: QtBot, tab: DatabaseTab) -> None:
    go(qtbot, tab, "['ordered']")

    press(qtbot, tab, Key.Key_K, CTRL_SHIFT)

    assert list(field(tab, "ordered").items()) == [("a", 2), ("b", 1)]  # type: ignore[attr-defined]  # an OrderedDict


def test_a_key_is_renamed_in_its_place(qtbot: QtBot, tab: DatabaseTab) -> None:
    go(qtbot, tab, "['float']")

    press(qtbot, tab, Key.Key_R, CTRL)
    wait_for_focus(qtbot, line(tab))
    type_text(qtbot, tab, "real")
    press(qtbot, tab, Key.Key_Return)

    value = stored_now(tab)
    assert isinstance(value, dict)
    assert list(value)[:3] == ["int", "real", "bool"]


def test_selected_rows_are_deleted_and_undone_as_one(qtbot: QtBot, tab: DatabaseTab, local_window: MainWindow) -> None:
    row_at(qtbot, tab, "['list'][0]")
    go(qtbot, tab, "['float']")
    tree = tab.value.tree
    for path in ("['list'][0]", "['list'][2]"):
        index = row_at(qtbot, tab, path)
        tree.scrollTo(index)
        qtbot.mouseClick(tree.viewport(), LEFT, CTRL, pos=tree.visualRect(index).center())

    press(qtbot, tab, Key.Key_Delete)
    assert field(tab, "list") == ["b"]
    assert "float" not in dict(stored_now(tab))  # type: ignore[call-overload]  # a dict

    qtbot.keyClick(local_window, Key.Key_Z, CTRL)
    settle(qtbot, tab)
    assert field(tab, "list") == ["a", "b", "c"]
    assert field(tab, "float") == 0.1


# ---- clipboard


def test_a_node_is_cut_and_pasted_between_values(qtbot: QtBot, tab: DatabaseTab) -> None:
    go(qtbot, tab, "['object']")
    before = vars(field(tab, "object"))
    press(qtbot, tab, Key.Key_X, CTRL)
    assert "object" not in dict(stored_now(tab))  # type: ignore[call-overload]  # a dict

    tab.entries.view.select_entry(1)
    settle(qtbot, tab)
    go(qtbot, tab, "[0]")
    press(qtbot, tab, Key.Key_V, CTRL)

    value = stored_now(tab)
    assert isinstance(value, list)
    assert vars(value[1]) == before
    assert value[2] == [2, 3]


def test_copied_rows_are_text_for_other_programs(qtbot: QtBot, tab: DatabaseTab) -> None:
    go(qtbot, tab, "['date']")
    press(qtbot, tab, Key.Key_C, CTRL)
    assert clipboard() == "datetime.date(2026, 1, 2)"

    go(qtbot, tab, "['list']")
    press(qtbot, tab, Key.Key_C, CTRL_SHIFT)
    assert clipboard() == "['a', 'b', 'c']"
    press(qtbot, tab, Key.Key_C, CTRL_ALT)
    assert json.loads(clipboard()) == ["a", "b", "c"]
    press(qtbot, tab, Key.Key_P, CTRL_ALT)
    assert clipboard() == "['list']"


def test_text_is_pasted_as_a_python_literal(qtbot: QtBot, tab: DatabaseTab) -> None:
    go(qtbot, tab, "['list']")
    QGuiApplication.clipboard().setText("{'k': (1, 2.5)}\n")

    press(qtbot, tab, Key.Key_V, CTRL)

    assert field(tab, "list") == ["a", "b", "c", {"k": (1, 2.5)}]


def test_what_cannot_be_pasted_is_said_in_one_sentence(qtbot: QtBot, tab: DatabaseTab) -> None:
    go(qtbot, tab, "['list']")
    QGuiApplication.clipboard().setText("no literal at all")

    press(qtbot, tab, Key.Key_V, CTRL)

    assert tab.notices.sentence.startswith("Line 1, column 1: ")
    assert field(tab, "list") == ["a", "b", "c"]


@pytest.mark.parametrize("content", [b"", b"{}\nabc", b"not json\nabc", b'{"paths": [""], "keys": [""]}\nno pickle'])
def test_nodes_that_another_program_made_up_do_no_harm(qtbot: QtBot, tab: DatabaseTab, content: bytes) -> None:
    mime = QMimeData()
    mime.setData("application/x-shelfscope-nodes", content)
    QGuiApplication.clipboard().setMimeData(mime)
    go(qtbot, tab, "['list']")

    press(qtbot, tab, Key.Key_V, CTRL)
    QGuiApplication.clipboard().setText("")  # Qt crashes at its end on what Python put there

    items = field(tab, "list")
    assert isinstance(items, list)
    assert items[:3] == ["a", "b", "c"]
    assert items[3:] in ([], ["no pickle"])


# ---- types


@pytest.mark.parametrize(
    ("key", "target", "expected"),
    [("int", "str", "1"), ("int", "float", 1.0), ("list", "tuple", ("a", "b", "c")), ("text", "bytes", b"Ada")],
)
def test_a_type_is_changed_at_once_where_nothing_is_lost(
    qtbot: QtBot, tab: DatabaseTab, key: str, target: str, expected: object
) -> None:
    go(qtbot, tab, f"[{key!r}]")

    press(qtbot, tab, Key.Key_T, CTRL)
    menu = part(tab, QMenu, "types")
    action = menu.findChild(QAction, f"to-{target}")
    assert action is not None
    qtbot.mouseClick(menu, LEFT, pos=menu.actionGeometry(action).center())
    settle(qtbot, tab)

    assert field(tab, key) == expected
    assert type(field(tab, key)) is type(expected)


def test_a_type_that_needs_more_is_asked_for_in_the_pane(
    qtbot: QtBot, tab: DatabaseTab, local_window: MainWindow
) -> None:
    go(qtbot, tab, "['text']")

    press(qtbot, tab, Key.Key_T, CTRL)
    menu = part(tab, QMenu, "types")
    action = menu.findChild(QAction, "to-dict")
    assert action is not None
    qtbot.mouseClick(menu, LEFT, pos=menu.actionGeometry(action).center())
    settle(qtbot, tab)
    assert pane(qtbot, tab).toPlainText() == "{}"
    with qtbot.waitActive(local_window, timeout=WAIT):  # a desktop does so when the menu closes
        local_window.activateWindow()
    commit(qtbot, tab, "{'a': 1}")

    assert field(tab, "text") == {"a": 1}


# ---- shared objects


@pytest.mark.parametrize(("answer", "other"), [("Only here", ["shared"]), ("Everywhere it is shared", [0])])
def test_it_is_asked_where_a_shared_object_is_changed(
    qtbot: QtBot, tab: DatabaseTab, answer: str, other: list[object]
) -> None:
    go(qtbot, tab, "['again']")
    qtbot.keyClick(tab.value.tree, Key.Key_F2, SHIFT)
    settle(qtbot, tab)
    commit(qtbot, tab, "[0]")

    [box] = tab.findChildren(QMessageBox, "where-question")
    button = next(button for button in box.findChildren(QPushButton) if button.text() == answer)
    qtbot.mouseClick(button, LEFT)
    settle(qtbot, tab)

    value = stored_now(tab)
    assert isinstance(value, dict)
    assert value["again"] == [0]
    assert value["shared"] == other
    assert (value["shared"] is value["again"]) == (answer != "Only here")


def test_a_row_leads_to_the_first_place_of_its_object(qtbot: QtBot, tab: DatabaseTab) -> None:
    go(qtbot, tab, "['again']")

    press(qtbot, tab, Key.Key_G, CTRL)

    assert current_path(tab) == "['shared']"


# ---- where one is


@pytest.mark.many_rows
def test_rows_stay_open_and_in_sight_over_edits(qtbot: QtBot, local_window: MainWindow, tmp_path: Path) -> None:
    value = [{"n": number, "tags": ["x"]} for number in range(3_000)]
    tab = opened(qtbot, local_window, make_sqlite(tmp_path / "long.db", {b"long": pickle.dumps(value)}))
    tree = tab.value.tree
    for count in (2_000, 3_000):
        tree.scrollToBottom()
        qtbot.waitUntil(lambda: tab.value.model.rowCount(tab.value.model.index(0, 0)) == count, timeout=WAIT)  # noqa: B023 - awaited here
    go(qtbot, tab, "[2400]['n']")
    tree.expand(row_at(qtbot, tab, "[2398]"))
    settle(qtbot, tab)

    press(qtbot, tab, Key.Key_F2)
    wait_for_focus(qtbot, line(tab))
    top = tab.value.model.path(tree.indexAt(tree.viewport().rect().topLeft()))
    type_text(qtbot, tab, "7")
    press(qtbot, tab, Key.Key_Return)

    qtbot.waitUntil(lambda: current_path(tab) == "[2400]['n']", timeout=WAIT)
    settle(qtbot, tab)
    assert tree.isExpanded(row_at(qtbot, tab, "[2398]"))
    assert tab.value.model.path(tree.indexAt(tree.viewport().rect().topLeft())) == top

    go(qtbot, tab, "[2399]")
    press(qtbot, tab, Key.Key_Delete)
    settle(qtbot, tab)
    assert tree.isExpanded(row_at(qtbot, tab, "[2398]"))
    assert tree.isExpanded(row_at(qtbot, tab, "[2399]"))
    assert current_path(tab) == "[2399]"


# ---- actions


def test_each_action_is_in_the_menus_and_in_the_tree(tab: DatabaseTab, local_window: MainWindow) -> None:
    names = {action.objectName() for action in tab.value.tree.actions()}

    for name in ("delete-nodes", "copy-nodes", "paste-nodes", "edit-as-json", "change-type", "go-to-same", "move-up"):
        assert name in names
        assert not local_window.actions_[name].shortcut().isEmpty()


@pytest.mark.parametrize(
    ("path", "enabled", "disabled"),
    [
        ("", {"append-item", "sort-keys"}, {"delete-nodes", "move-up", "rename-key", "insert-before", "go-to-same"}),
        ("['list'][0]", {"insert-before", "move-up", "delete-nodes"}, {"rename-key", "sort-keys"}),
        ("['again']", {"go-to-same", "rename-key"}, {"insert-before"}),
    ],
)
def test_actions_are_enabled_where_they_make_sense(
    qtbot: QtBot, tab: DatabaseTab, local_window: MainWindow, path: str, enabled: set[str], disabled: set[str]
) -> None:
    go(qtbot, tab, path)

    assert {name for name in enabled | disabled if local_window.actions_[name].isEnabled()} == enabled
