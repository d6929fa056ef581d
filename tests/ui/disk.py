"""What tests of files that others write share: real writers, waiting for the bar, clicking in it, editing."""

import os
import sqlite3
from contextlib import closing
from pathlib import Path

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QPushButton, QWidget
from pytestqt.qtbot import QtBot

from app.ui.database_tab import DatabaseTab
from tests.ui.editing import Key, press, type_text, wait_for_focus
from tests.ui.fixtures import WAIT, settle

LEFT = Qt.MouseButton.LeftButton


def store(path: Path, key: bytes, value: bytes | None) -> None:
    """Change an entry as another program would, with SQLite itself; no value: delete it."""
    with closing(sqlite3.connect(path)) as connection, connection:
        if value is None:
            connection.execute("DELETE FROM Dict WHERE key = ?", (key,))
        else:
            connection.execute("INSERT OR REPLACE INTO Dict VALUES (?, ?)", (key, value))


def change(path: Path, key: bytes, value: bytes) -> None:
    """Give an entry another value where it stands."""
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("UPDATE Dict SET value = ? WHERE key = ?", (value, key))


def move_over(source: Path, target: Path) -> None:
    """Let a file take the name of another, as programs do that write a whole file anew."""
    os.replace(source, target)  # noqa: PTH105 - what such programs call


def click(qtbot: QtBot, parent: QWidget, text: str) -> None:
    """Click the visible button of that text."""
    buttons = [
        button
        for button in parent.findChildren(QPushButton)
        if button.text().replace("&", "") == text and button.isVisible()
    ]
    assert len(buttons) == 1, (text, [button.text() for button in parent.findChildren(QPushButton)])
    qtbot.mouseClick(buttons[0], LEFT)


def titles(parent: QWidget) -> list[str]:
    return [button.text() for button in parent.findChildren(QPushButton) if button.isVisible()]


def wait_for_bar(qtbot: QtBot, tab: DatabaseTab, part: str) -> str:
    """Wait until the bar says something with this in it, and return the sentence."""

    def says() -> None:
        assert part in tab.on_disk.bar.sentence, tab.on_disk.bar.sentence

    qtbot.waitUntil(says, timeout=2 * WAIT)
    settle(qtbot, tab)
    return tab.on_disk.bar.sentence


def wait_until_read(qtbot: QtBot, tab: DatabaseTab, key: bytes, value: bytes | None) -> None:
    """Wait until the table has an entry with that stored value, or none of that key."""

    def is_read() -> None:
        assert tab.document.is_indexed
        rows = list(tab.document.index.find(key))
        assert bool(rows) == (value is not None)
        assert not rows or tab.document.index.size(rows[0]) == len(value or b"")

    qtbot.waitUntil(is_read, timeout=2 * WAIT)
    settle(qtbot, tab)


def go_to_value(qtbot: QtBot, tab: DatabaseTab, key: bytes) -> None:
    """Make an entry current, and go to its value."""
    assert tab.entries.select_key(key)
    settle(qtbot, tab)
    tab.window().activateWindow()
    tab.value.tree.setFocus()
    tab.value.tree.setCurrentIndex(tab.value.model.index(0, 0))
    wait_for_focus(qtbot, tab.value.tree)


def type_value(qtbot: QtBot, tab: DatabaseTab, text: str) -> None:
    """Open the editor of the current row by F2 and type."""
    press(qtbot, tab, Key.Key_F2)
    qtbot.waitUntil(lambda: tab.value.tree.editor is not None and tab.value.tree.editor.hasFocus(), timeout=WAIT)
    type_text(qtbot, tab, text)


def edit(qtbot: QtBot, tab: DatabaseTab, key: bytes, text: str) -> None:
    """Give an entry whose value is a text another one, by keys."""
    go_to_value(qtbot, tab, key)
    type_value(qtbot, tab, text)
    press(qtbot, tab, Key.Key_Return)
    assert tab.document.pending_changes
