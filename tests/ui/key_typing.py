"""Typing the key of an entry into its cell."""

from PySide6.QtWidgets import QLineEdit
from pytestqt.qtbot import QtBot

from app.ui.database_tab import DatabaseTab
from tests.ui.editing import CTRL, Key, wait_for_focus
from tests.ui.entries import select


def editor(tab: DatabaseTab) -> QLineEdit:
    line = tab.entries.view.editing.editor
    assert line is not None
    return line


def type_key(qtbot: QtBot, tab: DatabaseTab, row: int, text: str) -> QLineEdit:
    """Open the key of a row by F2 and type another one, without Enter."""
    select(tab, row)
    wait_for_focus(qtbot, tab.entries.view)
    qtbot.keyClick(tab.entries.view, Key.Key_F2)
    line = editor(tab)
    wait_for_focus(qtbot, line)
    qtbot.keyClick(line, Key.Key_A, CTRL)
    qtbot.keyClicks(line, text)
    return line
