"""Nothing typed gets lost, whatever is done next: it is taken, or stays where it is with the reason."""

from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication, QToolButton
from pytestqt.modeltest import ModelTester
from pytestqt.qtbot import QtBot

from app.ui.actions import Actions
from app.ui.database_tab import DatabaseTab
from app.ui.main_window import MainWindow
from app.ui.models.value_tree import Column
from tests.ui.commands import run_in_palette
from tests.ui.editing import (
    CTRL,
    LEFT,
    SHIFT,
    VALUE,
    Key,
    current_path,
    field,
    go,
    line,
    open_rich,
    press,
    reason,
    row_at,
    type_text,
    wait_for_focus,
)
from tests.ui.fixtures import settle


@pytest.fixture
def tab(qtbot: QtBot, local_window: MainWindow, tmp_path: Path, qtmodeltester: ModelTester) -> DatabaseTab:
    tab = open_rich(qtbot, local_window, tmp_path)
    qtmodeltester.check(tab.value.model)
    return tab


def begin(qtbot: QtBot, tab: DatabaseTab, path: str, text: str) -> None:
    """Open the line of a row and type into it."""
    go(qtbot, tab, path)
    press(qtbot, tab, Key.Key_F2)
    wait_for_focus(qtbot, line(tab))
    type_text(qtbot, tab, text)


def refuse(qtbot: QtBot, tab: DatabaseTab) -> None:
    begin(qtbot, tab, "['int']", "1.5")
    press(qtbot, tab, Key.Key_Return)
    assert reason(tab).isVisible()


def choose(actions: Actions, qtbot: QtBot, tab: DatabaseTab, name: str) -> None:
    """Choose a command as from a menu, which takes the focus for as long as it is open only."""
    window = tab.window()
    assert isinstance(window, MainWindow)
    run_in_palette(qtbot, window, actions[name])
    settle(qtbot, tab)


def double_click(qtbot: QtBot, tab: DatabaseTab, path: str) -> None:
    tree = tab.value.tree
    place = tree.visualRect(row_at(qtbot, tab, path).siblingAtColumn(Column.VALUE)).center()
    qtbot.mouseClick(tree.viewport(), LEFT, pos=place)
    qtbot.mouseDClick(tree.viewport(), LEFT, pos=place)
    settle(qtbot, tab)


@pytest.mark.parametrize(
    "key",
    [Key.Key_Up, Key.Key_Down, Key.Key_PageUp, Key.Key_PageDown, Key.Key_F3, Key.Key_Insert],
    ids=lambda key: key.name,
)
def test_keys_that_a_line_has_no_use_for_do_nothing_in_the_tree(qtbot: QtBot, tab: DatabaseTab, key: Key) -> None:
    refuse(qtbot, tab)

    press(qtbot, tab, key)

    assert current_path(tab) == "['int']"
    assert line(tab).text() == "1.5"
    assert line(tab).hasFocus()


@pytest.mark.parametrize(("key", "modifiers"), [(Key.Key_F2, SHIFT), (Key.Key_F2, CTRL), (Key.Key_D, CTRL)])
def test_what_was_refused_stays_when_another_row_is_acted_on(
    qtbot: QtBot, tab: DatabaseTab, key: Key, modifiers: Qt.KeyboardModifier
) -> None:
    refuse(qtbot, tab)
    go(qtbot, tab, "['list'][0]")

    qtbot.keyClick(tab.value.tree, key, modifiers)
    settle(qtbot, tab)

    assert line(tab).text() == "1.5"
    assert line(tab).hasFocus()
    assert field(tab, "list") == VALUE["list"]


def test_what_was_refused_stays_when_another_row_is_double_clicked(qtbot: QtBot, tab: DatabaseTab) -> None:
    refuse(qtbot, tab)

    double_click(qtbot, tab, "['text']")

    assert line(tab).text() == "1.5"
    assert line(tab).hasFocus()
    assert reason(tab).isVisible()


def test_a_double_click_on_another_row_takes_what_was_typed_and_edits_that_row(qtbot: QtBot, tab: DatabaseTab) -> None:
    begin(qtbot, tab, "['int']", "7")

    double_click(qtbot, tab, "['text']")

    assert field(tab, "int") == 7
    wait_for_focus(qtbot, line(tab))
    assert current_path(tab) == "['text']"
    assert line(tab).text() == "'Ada'"


def test_an_action_takes_what_was_typed_first_and_then_acts_on_its_row(
    qtbot: QtBot, tab: DatabaseTab, local_window: MainWindow
) -> None:
    begin(qtbot, tab, "['list'][1]", "typed")

    choose(local_window.actions_, qtbot, tab, "duplicate-node")

    assert field(tab, "list") == ["a", "typed", "typed", "c"]
    assert current_path(tab) == "['list'][2]"


@pytest.mark.parametrize("name", ["undo", "revert", "revert-all"])
def test_going_back_takes_what_was_typed_first_so_that_redo_brings_it_again(
    qtbot: QtBot, tab: DatabaseTab, local_window: MainWindow, name: str
) -> None:
    begin(qtbot, tab, "['float']", "2.5")
    press(qtbot, tab, Key.Key_Return)
    begin(qtbot, tab, "['int']", "7")

    choose(local_window.actions_, qtbot, tab, name)
    assert field(tab, "int") == 1
    assert current_path(tab) == "['int']"
    choose(local_window.actions_, qtbot, tab, "redo" if name == "undo" else "undo")

    assert field(tab, "int") == 7
    assert field(tab, "float") == 2.5


def test_the_undo_button_leaves_what_was_refused(qtbot: QtBot, tab: DatabaseTab, local_window: MainWindow) -> None:
    begin(qtbot, tab, "['float']", "2.5")
    press(qtbot, tab, Key.Key_Return)
    refuse(qtbot, tab)
    [button] = [each for each in local_window.findChildren(QToolButton) if each.text().startswith("Undo")]

    qtbot.mouseClick(button, LEFT)
    settle(qtbot, tab)

    assert line(tab).text() == "1.5"
    assert line(tab).hasFocus()
    assert field(tab, "float") == 2.5


def test_choosing_an_entry_without_leaving_takes_what_was_typed(qtbot: QtBot, tab: DatabaseTab) -> None:
    begin(qtbot, tab, "['int']", "7")

    tab.entries.view.select_entry(1)  # as a dialog does that adds an entry
    settle(qtbot, tab)
    tab.entries.view.select_entry(0)
    settle(qtbot, tab)

    assert field(tab, "int") == 7


def test_the_reason_stands_under_its_line_and_goes_when_something_else_is_typed(qtbot: QtBot, tab: DatabaseTab) -> None:
    refuse(qtbot, tab)
    label = reason(tab)
    assert label.text() == "1.5 is not an int; write a whole number."
    assert label.geometry().top() == line(tab).geometry().bottom()
    assert label.font().family() == QApplication.font().family()

    qtbot.keyClick(line(tab), Key.Key_Backspace)

    assert not label.isVisible()
    assert line(tab).palette() == QApplication.palette(line(tab))
    press(qtbot, tab, Key.Key_Escape)


def test_the_reason_stands_above_a_line_at_the_bottom(qtbot: QtBot, tab: DatabaseTab) -> None:
    tree = tab.value.tree
    begin(qtbot, tab, "['complex']", "x")
    tree.verticalScrollBar().setValue(tree.verticalScrollBar().value() - 30)
    tree.scrollTo(row_at(qtbot, tab, "['complex']"), tree.ScrollHint.PositionAtBottom)

    press(qtbot, tab, Key.Key_Return)

    label = reason(tab)
    assert label.isVisible()
    assert label.geometry().bottom() <= line(tab).geometry().top() + 1
    press(qtbot, tab, Key.Key_Escape)
    assert not label.isVisible()


def test_an_error_is_gone_when_the_next_editor_opens(qtbot: QtBot, tab: DatabaseTab) -> None:
    go(qtbot, tab, "['list']")
    QApplication.clipboard().setText("[1,")
    press(qtbot, tab, Key.Key_V, CTRL)
    assert tab.notices.isVisible()

    go(qtbot, tab, "['int']")
    press(qtbot, tab, Key.Key_F2)

    wait_for_focus(qtbot, line(tab))
    assert not tab.notices.isVisible()
    press(qtbot, tab, Key.Key_Escape)


def test_an_integer_of_5000_digits_is_typed_in_decimal(qtbot: QtBot, tab: DatabaseTab) -> None:
    go(qtbot, tab, "['int']")
    press(qtbot, tab, Key.Key_F2)
    wait_for_focus(qtbot, line(tab))
    QApplication.clipboard().setText("9" * 5_000)
    qtbot.keyClick(line(tab), Key.Key_V, CTRL)

    press(qtbot, tab, Key.Key_Return)

    assert field(tab, "int") == 10**5_000 - 1
    press(qtbot, tab, Key.Key_F2)
    wait_for_focus(qtbot, line(tab))
    assert line(tab).text() == "9" * 5_000
    press(qtbot, tab, Key.Key_Escape)
