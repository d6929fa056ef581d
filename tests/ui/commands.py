"""Choosing commands as a person does: by their keys, by the command palette, or with the mouse in a menu."""

from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QAction
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QLineEdit, QMenu, QTableView, QWidget
from pytestqt.qtbot import QtBot

from app.ui.command_palette import CommandPalette, commands_of
from app.ui.main_window import MainWindow
from tests.ui.fixtures import WAIT

_CTRL, _SHIFT = Qt.KeyboardModifier.ControlModifier, Qt.KeyboardModifier.ShiftModifier


def run_command(qtbot: QtBot, window: MainWindow, name: str) -> None:
    """Press the keys of a command where the focus is; find it in the command palette where it has none."""
    action = window.actions_[name]
    _activate(qtbot, window)
    if action.shortcut().isEmpty():
        run_in_palette(qtbot, window, action)
    else:
        QTest.keySequence(_focused_in(window), action.shortcut())


def run_in_palette(qtbot: QtBot, window: MainWindow, action: QAction) -> None:
    """Open the command palette, type the name of a command, and run it."""
    _activate(qtbot, window)
    commands = commands_of(window.menuBar(), without=window.actions_["command-palette"])
    [title] = [command.title for command in commands if command.action is action]
    qtbot.keyClick(_focused_in(window), Qt.Key.Key_P, _CTRL | _SHIFT)
    [palette] = window.findChildren(CommandPalette)
    field, rows = palette.findChild(QLineEdit, "command-field"), palette.findChild(QTableView, "commands")
    assert field is not None
    assert rows is not None
    qtbot.keyClicks(field, title.rpartition(": ")[2])
    listed = [rows.model().index(row, 0).data() for row in range(rows.model().rowCount())]
    for _ in range(listed.index(title)):
        qtbot.keyClick(field, Qt.Key.Key_Down)
    qtbot.keyClick(field, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: window.findChild(CommandPalette) is None, timeout=WAIT)


def run_in_menu(qtbot: QtBot, window: MainWindow, action: QAction) -> None:
    """Open the menu of the menu bar that has an action, and click the action."""
    [menu] = [menu for menu in window.menuBar().findChildren(QMenu) if action in menu.actions()]
    menu.popup(window.mapToGlobal(QPoint(0, 0)))
    qtbot.mouseClick(menu, Qt.MouseButton.LeftButton, pos=menu.actionGeometry(action).center())
    _activate(qtbot, window)


def _activate(qtbot: QtBot, window: MainWindow) -> None:
    """Make the window active, as a desktop does when a menu or a dialog of it closes."""
    if not window.isActiveWindow():
        with qtbot.waitActive(window, timeout=WAIT):
            window.activateWindow()


def _focused_in(window: MainWindow) -> QWidget:
    focused = QApplication.focusWidget()
    return focused if focused is not None and focused.window() is window else window
