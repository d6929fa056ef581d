"""What tests of the entry table share: its keys, going to a row, pressing keys there, answering questions."""

import pickle

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QMessageBox
from pytestqt.qtbot import QtBot

from app.ui.database_tab import DatabaseTab
from app.ui.main_window import MainWindow
from tests.ui.fixtures import WAIT, settle

Key = Qt.Key
CTRL = Qt.KeyboardModifier.ControlModifier
SHIFT = Qt.KeyboardModifier.ShiftModifier
NONE = Qt.KeyboardModifier.NoModifier


def keys(tab: DatabaseTab) -> list[bytes]:
    model = tab.entries.model
    return [tab.document.key(model.entry_id(row)) for row in range(model.rowCount())]


def value_of(tab: DatabaseTab, key: bytes) -> object:
    """Return what is pending under a key, loaded as a Python program would."""
    [change] = [change for change in tab.document.pending_changes if change.ref.key == key]
    return pickle.loads(change.value)


def kinds(tab: DatabaseTab) -> dict[bytes, str]:
    return {change.ref.key: change.kind.value for change in tab.document.pending_changes}


def select(tab: DatabaseTab, row: int) -> None:
    tab.entries.view.select_entry(tab.entries.model.entry_id(row))
    tab.entries.view.setFocus()


def press(qtbot: QtBot, tab: DatabaseTab, key: Qt.Key, modifiers: Qt.KeyboardModifier = NONE) -> None:
    """Press a key in the table and wait for what it does."""
    tab.window().activateWindow()  # as a window manager does when a dialog is closed
    qtbot.waitUntil(tab.entries.view.hasFocus, timeout=WAIT)
    qtbot.keyClick(tab.entries.view, key, modifiers)
    settle(qtbot, tab)


def question(window: MainWindow, name: str) -> QMessageBox:
    """Return the question of that name that is open."""
    [box] = [box for box in window.findChildren(QMessageBox, name) if box.isVisible()]
    return box


def answer(qtbot: QtBot, window: MainWindow, tab: DatabaseTab, name: str, title: str) -> None:
    """Press a button of a question by the keyboard."""
    [button] = [button for button in question(window, name).buttons() if button.text().replace("&", "") == title]
    qtbot.keyClick(button, Key.Key_Space)
    settle(qtbot, tab)
