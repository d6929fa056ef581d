"""Commands on several selected rows, and what is current, selected and open after an edit."""

import pickle
from pathlib import Path

import pytest
from PySide6.QtGui import QGuiApplication
from pytestqt.qtbot import QtBot

from app.ui.database_tab import DatabaseTab
from app.ui.main_window import MainWindow
from tests.engine.shelves import make_sqlite
from tests.ui.editing import ALT, CTRL, SHIFT, Key, current_path, go, press, row_at, type_text, wait_for_focus
from tests.ui.fixtures import opened, settle


class Record:
    """Has two attributes, one's name the beginning of the other's."""


RECORD = Record()
RECORD.a = [1]  # type: ignore[attr-defined]  # as pickles have them
RECORD.ab = ["x", ["y"]]  # type: ignore[attr-defined]
VALUE = {
    "list": ["a", "b", "c", "d", "e"],
    "pairs": {"x": 1, "y": 2, "z": 3},
    "numbers": {2: ["two"], 1: ["one"], 0: ["nought"]},
    "object": RECORD,
    "nested": {"old": [1, [2]], 7: "seven", (1, 2): "tuple"},
}


@pytest.fixture
def tab(qtbot: QtBot, local_window: MainWindow, tmp_path: Path) -> DatabaseTab:
    tab = opened(qtbot, local_window, make_sqlite(tmp_path / "s.db", {b"k": pickle.dumps(VALUE, 4)}))
    tab.value.tree.setFocus()
    return tab


def now(tab: DatabaseTab) -> dict[str, object]:
    [change] = tab.document.pending_changes
    value: dict[str, object] = pickle.loads(change.value)
    return value


def select(qtbot: QtBot, tab: DatabaseTab, path: str, more: int) -> None:
    """Select a row and those below it, by the keyboard."""
    go(qtbot, tab, path)
    wait_for_focus(qtbot, tab.value.tree)
    for _ in range(more):
        press(qtbot, tab, Key.Key_Down, SHIFT)


def selected(tab: DatabaseTab) -> list[str]:
    return [tab.value.model.path(index) for index in tab.value.tree.selected_rows()]


@pytest.mark.parametrize(
    ("key", "left"), [(Key.Key_C, ["a", "b", "c", "d", "e"]), (Key.Key_X, ["a", "d", "e"])], ids=["copied", "cut"]
)
def test_all_selected_items_are_pasted(qtbot: QtBot, tab: DatabaseTab, key: Key, left: list[str]) -> None:
    select(qtbot, tab, "['list'][1]", 1)
    press(qtbot, tab, key, CTRL)
    settle(qtbot, tab)
    go(qtbot, tab, "['nested']['old'][0]")
    wait_for_focus(qtbot, tab.value.tree)

    press(qtbot, tab, Key.Key_V, CTRL)
    settle(qtbot, tab)

    assert now(tab)["list"] == left
    pasted = now(tab)["nested"]
    assert isinstance(pasted, dict)
    assert pasted["old"] == [1, "b", "c", [2]]


def test_several_items_move_together_and_stay_selected(qtbot: QtBot, tab: DatabaseTab) -> None:
    select(qtbot, tab, "['list'][1]", 1)

    press(qtbot, tab, Key.Key_Down, ALT)
    assert now(tab)["list"] == ["a", "d", "b", "c", "e"]
    assert selected(tab) == ["['list'][2]", "['list'][3]"]
    press(qtbot, tab, Key.Key_Down, ALT)
    press(qtbot, tab, Key.Key_Down, ALT)  # there is no more room

    assert now(tab)["list"] == ["a", "d", "e", "b", "c"]
    press(qtbot, tab, Key.Key_Up, ALT)
    assert now(tab)["list"] == ["a", "d", "b", "c", "e"]


def test_several_pairs_move_together(qtbot: QtBot, tab: DatabaseTab) -> None:
    select(qtbot, tab, "['pairs']['y']", 1)

    press(qtbot, tab, Key.Key_Up, ALT)

    assert list(now(tab)["pairs"].items()) == [("y", 2), ("z", 3), ("x", 1)]  # type: ignore[attr-defined]
    assert selected(tab) == ["['pairs']['y']", "['pairs']['z']"]


def test_several_items_are_copied_behind_the_last(qtbot: QtBot, tab: DatabaseTab) -> None:
    select(qtbot, tab, "['list'][1]", 1)

    press(qtbot, tab, Key.Key_D, CTRL)

    assert now(tab)["list"] == ["a", "b", "c", "b", "c", "d", "e"]
    assert current_path(tab) == "['list'][3]"


def test_rows_of_different_containers_are_neither_moved_nor_copied(
    qtbot: QtBot, local_window: MainWindow, tab: DatabaseTab
) -> None:
    row_at(qtbot, tab, "['pairs']['x']")
    select(qtbot, tab, "['list'][4]", 2)

    for action in (local_window.actions_["move-up"], local_window.actions_["duplicate-node"]):
        assert not action.isEnabled()
        assert "parts of different containers" in action.toolTip()
    press(qtbot, tab, Key.Key_Up, ALT)
    press(qtbot, tab, Key.Key_D, CTRL)
    assert tab.document.pending_changes == []


@pytest.mark.parametrize(
    ("key", "typed", "renamed"),
    [
        ("'old'", "new", "['nested']['new']"),
        ("'old'", "b'x'", "['nested'][b'x']"),
        ("7", "-8", "['nested'][-8]"),
        ("#2", "(3, 4)", "['nested'][#2]"),
        ("7", "(3, 4)", "['nested'][#1]"),
    ],
)
def test_a_renamed_pair_stays_current(qtbot: QtBot, tab: DatabaseTab, key: str, typed: str, renamed: str) -> None:
    go(qtbot, tab, f"['nested'][{key}]")
    wait_for_focus(qtbot, tab.value.tree)

    press(qtbot, tab, Key.Key_R, CTRL)
    type_text(qtbot, tab, typed)
    press(qtbot, tab, Key.Key_Return)

    assert current_path(tab) == renamed


def test_what_was_open_below_a_renamed_pair_stays_open(qtbot: QtBot, tab: DatabaseTab) -> None:
    row_at(qtbot, tab, "['nested']['old'][1][0]")
    go(qtbot, tab, "['nested']['old']")
    wait_for_focus(qtbot, tab.value.tree)

    press(qtbot, tab, Key.Key_R, CTRL)
    type_text(qtbot, tab, "new")
    press(qtbot, tab, Key.Key_Return)

    assert tab.value.tree.isExpanded(row_at(qtbot, tab, "['nested']['new'][1]"))


def test_an_attribute_stays_open_when_one_with_the_beginning_of_its_name_goes(qtbot: QtBot, tab: DatabaseTab) -> None:
    row_at(qtbot, tab, "['object'].ab[1][0]")
    go(qtbot, tab, "['object'].a")
    wait_for_focus(qtbot, tab.value.tree)

    press(qtbot, tab, Key.Key_Delete)

    assert current_path(tab) == "['object'].ab"
    assert tab.value.tree.isExpanded(row_at(qtbot, tab, "['object'].ab[1]"))


def test_numbers_that_are_keys_do_not_close_up(qtbot: QtBot, tab: DatabaseTab) -> None:
    row_at(qtbot, tab, "['numbers'][2][0]")
    go(qtbot, tab, "['numbers'][1]")
    wait_for_focus(qtbot, tab.value.tree)

    press(qtbot, tab, Key.Key_Delete)

    assert current_path(tab) == "['numbers'][0]"
    assert tab.value.tree.isExpanded(row_at(qtbot, tab, "['numbers'][2]"))


def test_json_of_a_node_is_pasted_back(qtbot: QtBot, tab: DatabaseTab) -> None:
    QGuiApplication.clipboard().setText('{"none": null, "yes": true, "word": "null", "letter": "\\ud83d\\ude00"}')
    go(qtbot, tab, "['list'][0]")
    wait_for_focus(qtbot, tab.value.tree)

    press(qtbot, tab, Key.Key_V, CTRL)

    expected = {"none": None, "yes": True, "word": "null", "letter": "\U0001f600"}
    assert now(tab)["list"] == ["a", expected, "b", "c", "d", "e"]
    settle(qtbot, tab)
