"""An editor that is left by a click on another entry: what was typed is taken, and the other entry is shown."""

import pickle

import pytest
from PySide6.QtCore import Qt
from pytestqt.qtbot import QtBot

from app.document.history import EntryRef
from app.ui.database_tab import DatabaseTab
from app.ui.labels import ElidedLabel
from tests.ui.editing import CTRL, LEFT, SHIFT, Key, go, line, pane, press, stored_now, type_text, wait_for_focus
from tests.ui.fixtures import WAIT, settle
from tests.ui.making import part

PLAIN = Qt.KeyboardModifier.NoModifier


def click_entry(qtbot: QtBot, tab: DatabaseTab, row: int) -> None:
    view = tab.entries.view
    qtbot.mouseClick(view.viewport(), LEFT, PLAIN, view.visualRect(tab.entries.model.index(row, 0)).center())
    settle(qtbot, tab)
    settle(qtbot, tab)


@pytest.mark.parametrize("modifiers", [PLAIN, SHIFT, CTRL], ids=["in place", "as literal", "as JSON"])
def test_the_clicked_entry_is_shown_and_edited_next(
    qtbot: QtBot, tab: DatabaseTab, modifiers: Qt.KeyboardModifier
) -> None:
    go(qtbot, tab, "['int']")
    wait_for_focus(qtbot, tab.value.tree)
    press(qtbot, tab, Key.Key_F2, modifiers)
    if modifiers == PLAIN:
        qtbot.waitUntil(lambda: tab.value.tree.editor is not None and tab.value.tree.editor.hasFocus(), timeout=WAIT)
    else:
        wait_for_focus(qtbot, pane(qtbot, tab))
    type_text(qtbot, tab, "66")

    click_entry(qtbot, tab, 1)

    [change] = tab.document.pending_changes
    assert (change.ref, pickle.loads(change.value)["int"]) == (EntryRef(b"rich"), 66)
    assert tab.entries.current_entry == 1
    assert tab.value.shown is not None
    assert tab.value.shown.entry_id == 1
    assert part(tab, ElidedLabel, "value-key").text() == "short"
    go(qtbot, tab, "[0]")
    wait_for_focus(qtbot, tab.value.tree)
    press(qtbot, tab, Key.Key_F2)
    qtbot.waitUntil(lambda: tab.value.tree.editor is not None and tab.value.tree.editor.hasFocus(), timeout=WAIT)
    type_text(qtbot, tab, "7")
    press(qtbot, tab, Key.Key_Return)
    assert stored_now(tab) == [7, [2, 3]]


def test_a_refused_text_is_led_back_to_though_a_filter_hides_its_entry(qtbot: QtBot, tab: DatabaseTab) -> None:
    go(qtbot, tab, "['int']")
    wait_for_focus(qtbot, tab.value.tree)
    press(qtbot, tab, Key.Key_F2)
    qtbot.waitUntil(lambda: tab.value.tree.editor is not None and tab.value.tree.editor.hasFocus(), timeout=WAIT)
    type_text(qtbot, tab, "[7")
    press(qtbot, tab, Key.Key_Return)

    qtbot.mouseClick(tab.entries.field, LEFT)
    qtbot.keyClicks(tab.entries.field, "short")
    settle(qtbot, tab)
    assert tab.entries.shown_count == 1
    click_entry(qtbot, tab, 0)
    qtbot.waitUntil(lambda: tab.entries.current_entry == 0, timeout=WAIT)

    assert tab.entries.field.text() == ""
    assert (line(tab).text(), line(tab).hasFocus()) == ("[7", True)
    assert "not taken yet" in tab.notices.sentence
