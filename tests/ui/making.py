"""What tests of dialogs for new databases share: finding their parts, filling them in, waiting for the outcome."""

from pathlib import Path
from typing import TypeVar

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QDialog, QLineEdit, QMessageBox, QPlainTextEdit, QPushButton, QTableView, QWidget
from pytestqt.qtbot import QtBot

from app.ui.database_tab import DatabaseTab
from app.ui.dialogs.format_texts import writable_formats
from app.ui.main_window import MainWindow
from tests.ui import entries
from tests.ui.commands import run_command
from tests.ui.edits import change_value
from tests.ui.fixtures import WAIT, settle

W = TypeVar("W", bound=QWidget)


def part(parent: QWidget, kind: type[W], name: str) -> W:
    """Return a widget by its object name."""
    found = parent.findChild(kind, name)
    assert found is not None, name
    return found


def dialog_of(qtbot: QtBot, window: MainWindow, action: str, name: str = "new-database") -> QDialog:
    """Trigger an action and return the dialog that it opens."""
    run_command(qtbot, window, action)
    return part(window, QDialog, name)


def type_place(qtbot: QtBot, dialog: QDialog, path: Path, name: str = "new-place") -> None:
    line = part(dialog, QLineEdit, name)
    line.selectAll()
    qtbot.keyClicks(line, str(path))


def choose_format(dialog: QDialog, format_id: str) -> None:
    """Go to a format with the arrow keys' effect."""
    names = [form.format_id for form in writable_formats()]
    part(dialog, QTableView, "formats").selectRow(names.index(format_id))


def press_enter(qtbot: QtBot, dialog: QDialog, name: str = "new-place") -> None:
    qtbot.keyClick(part(dialog, QLineEdit, name), Qt.Key.Key_Return)


def answer_replace(dialog: QDialog, *, replaces: bool) -> None:
    [box] = [box for box in dialog.findChildren(QMessageBox, "replace-question") if box.isVisible()]
    if replaces:
        press(box, "Replace")
    else:
        box.button(QMessageBox.StandardButton.Cancel).click()


def finish_errands(qtbot: QtBot, window: MainWindow) -> None:
    """Wait until nothing runs beside the tabs or in them."""

    def is_quiet() -> None:
        assert window.errands.is_idle
        for tab in window.area.all():
            tab.entries.view.ask()
            assert tab.runner.is_idle
            assert tab.filter_runner.is_idle

    qtbot.waitUntil(is_quiet, timeout=3 * WAIT)
    if window.area.current is not None:
        settle(qtbot, window.area.current)


def press(parent: QWidget, text: str) -> None:
    """Press the visible button of that text."""
    buttons = [button for button in parent.findChildren(QPushButton) if button.text() == text and button.isVisible()]
    assert len(buttons) == 1, text
    buttons[0].click()


def change(qtbot: QtBot, tab: DatabaseTab, literal: str) -> None:
    """Give the entry ``käse`` another value."""
    change_value(qtbot, tab, 3, literal)


def box_of(qtbot: QtBot, window: MainWindow) -> QMessageBox:
    """Wait for the question what is to become of unsaved changes."""

    def shown() -> list[QMessageBox]:
        return [box for box in window.findChildren(QMessageBox, "close-guard") if box.isVisible()]

    qtbot.waitUntil(lambda: len(shown()) == 1, timeout=WAIT)
    [box] = shown()
    return box


def ask_save_as(qtbot: QtBot, window: MainWindow, tab: DatabaseTab, format_id: str, target: Path) -> None:
    """Have a tab written to another file by its keys, once what is typed in it was taken."""
    run_command(qtbot, window, "save-as")
    settle(qtbot, tab)
    dialog = part(window, QDialog, "new-database")
    choose_format(dialog, format_id)
    type_place(qtbot, dialog, target)
    press_enter(qtbot, dialog)


def add_entry(qtbot: QtBot, window: MainWindow, tab: DatabaseTab, key: str, literal: str) -> None:
    """Add an entry in the dialog."""
    entries.press(qtbot, tab, Qt.Key.Key_N, entries.CTRL | entries.SHIFT)
    asked = part(window, QDialog, "new-entry")
    qtbot.keyClicks(part(asked, QLineEdit, "entry-key"), key)
    qtbot.keyClicks(part(asked, QPlainTextEdit, "entry-value"), literal)
    qtbot.keyClick(part(asked, QLineEdit, "entry-key"), Qt.Key.Key_Return)
    settle(qtbot, tab)
