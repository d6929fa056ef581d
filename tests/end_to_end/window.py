"""What a person does and sees in the window, for the tests of it by keys and clicks."""

from typing import Any

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QWidget
from pytestqt.qtbot import QtBot

from app.ui.database_tab import DatabaseTab
from app.ui.editors.scalar_editor import ScalarEditor
from app.ui.main_window import MainWindow
from app.ui.models.value_tree import Column
from tests.ui.editing import row_at
from tests.ui.fixtures import settle

Key = Qt.Key


def keys_shown(tab: DatabaseTab) -> list[str]:
    model = tab.entries.model
    return [str(model.index(row, 0).data()) for row in range(model.rowCount())]


def status(window: MainWindow, name: str) -> str:
    label: Any = window.findChild(QWidget, name)
    return str(label.text())


def choose(qtbot: QtBot, tab: DatabaseTab, key: bytes) -> None:
    assert tab.entries.select_key(key)
    settle(qtbot, tab)


def editor_of(tab: DatabaseTab) -> ScalarEditor | None:
    return tab.value.tree.editor


def edit(qtbot: QtBot, tab: DatabaseTab, path: str) -> ScalarEditor:
    """Press F2 on a row and return the editor."""
    tab.value.tree.setCurrentIndex(row_at(qtbot, tab, path))
    tab.value.tree.setFocus()
    qtbot.keyClick(tab.value.tree, Key.Key_F2)
    settle(qtbot, tab)
    editor = tab.value.tree.editor
    assert editor is not None
    return editor


def replace(qtbot: QtBot, tab: DatabaseTab, path: str, literal: str) -> None:
    editor = edit(qtbot, tab, path)
    qtbot.keyClick(editor, Key.Key_A, Qt.KeyboardModifier.ControlModifier)
    qtbot.keyClicks(editor, literal)
    qtbot.keyClick(editor, Key.Key_Return)
    settle(qtbot, tab)


def value_text(qtbot: QtBot, tab: DatabaseTab, path: str) -> str:
    return str(row_at(qtbot, tab, path).siblingAtColumn(Column.VALUE).data())
