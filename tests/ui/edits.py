"""Edits as a person makes them: entries by keys and the clipboard, values in the tree."""

from PySide6.QtGui import QGuiApplication
from pytestqt.qtbot import QtBot

from app.ui.database_tab import DatabaseTab
from tests.ui.editing import go, type_text
from tests.ui.editing import press as press_where_the_focus_is
from tests.ui.entries import CTRL, Key, press, select
from tests.ui.fixtures import WAIT, settle


def change_value(qtbot: QtBot, tab: DatabaseTab, row: int, literal: str, path: str = "") -> None:
    """Go to a place in the value of a row, and type another literal there."""
    select(tab, row)
    settle(qtbot, tab)
    tab.window().activateWindow()
    go(qtbot, tab, path)
    qtbot.waitUntil(tab.value.tree.hasFocus, timeout=WAIT)
    press_where_the_focus_is(qtbot, tab, Key.Key_F2)
    qtbot.waitUntil(lambda: tab.value.tree.editor is not None and tab.value.tree.editor.hasFocus(), timeout=WAIT)
    type_text(qtbot, tab, literal)
    press_where_the_focus_is(qtbot, tab, Key.Key_Return)


def rename_entry(qtbot: QtBot, tab: DatabaseTab, row: int, key: str) -> None:
    """Type another key into the cell of a row."""
    select(tab, row)
    press(qtbot, tab, Key.Key_F2)
    type_text(qtbot, tab, key)
    press_where_the_focus_is(qtbot, tab, Key.Key_Return)


def delete_entry(qtbot: QtBot, tab: DatabaseTab, row: int) -> None:
    select(tab, row)
    press(qtbot, tab, Key.Key_Delete)


def paste_entries(qtbot: QtBot, tab: DatabaseTab, text: str) -> None:
    """Paste a text of lines such as ``'key': value`` into the table."""
    QGuiApplication.clipboard().setText(text)
    tab.entries.view.setFocus()
    press(qtbot, tab, Key.Key_V, CTRL)
