"""What keys do where nothing is typed: on pages that say something, in short lists, while something runs."""

import time
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication, QDialog, QLineEdit, QPushButton, QTableView, QWidget
from pytestqt.qtbot import QtBot

from app.cancel import CancelToken
from app.document.job import Job
from app.ui.main_window import MainWindow
from tests.ui.fixtures import WAIT, opened
from tests.ui.making import dialog_of, finish_errands, part

Key = Qt.Key


def focused() -> QWidget:
    widget = QApplication.focusWidget()
    assert widget is not None
    return widget


def test_return_presses_what_can_be_done_about_a_missing_file(
    qtbot: QtBot, local_window: MainWindow, tmp_path: Path
) -> None:
    opened(qtbot, local_window, tmp_path / "nope.db")
    button = focused()
    assert isinstance(button, QPushButton)
    assert button.text() == "Create it…"

    qtbot.keyClick(button, Key.Key_Return)

    dialog = part(local_window, QDialog, "new-database")
    assert part(dialog, QLineEdit, "new-place").text() == str(tmp_path / "nope.db")
    dialog.close()


def test_no_number_of_tabs_leads_to_what_closes_a_database(
    qtbot: QtBot, local_window: MainWindow, tmp_path: Path
) -> None:
    tab = opened(qtbot, local_window, tmp_path / "nope.db")

    for _ in range(12):
        qtbot.keyClick(focused(), Key.Key_Tab)
        assert focused().accessibleName() != "Close this database"

    assert local_window.area.all() == [tab]


def test_home_and_end_go_to_the_first_and_last_format(qtbot: QtBot, local_window: MainWindow) -> None:
    dialog = dialog_of(qtbot, local_window, "new")
    table = part(dialog, QTableView, "formats")
    table.setFocus()

    qtbot.keyClick(table, Key.Key_End)
    assert table.currentIndex().row() == table.model().rowCount() - 1
    assert [index.row() for index in table.selectionModel().selectedRows()] == [table.model().rowCount() - 1]
    qtbot.keyClick(table, Key.Key_Home)
    assert table.currentIndex().row() == 0
    dialog.close()


def until_cancelled(token: CancelToken) -> None:
    while True:
        token.check()
        time.sleep(0.001)


def test_the_command_palette_cancels_what_is_going_on(qtbot: QtBot, local_window: MainWindow) -> None:
    given_up: list[bool] = []
    local_window.errands.start(Job("Writing", until_cancelled), cancelled=lambda: given_up.append(True))
    qtbot.waitUntil(local_window.status.errand.isVisible, timeout=WAIT)

    qtbot.keyClick(local_window, Key.Key_P, Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.ShiftModifier)
    field = part(local_window, QLineEdit, "command-field")
    qtbot.keyClicks(field, "cancel")
    qtbot.keyClick(field, Key.Key_Return)

    qtbot.waitUntil(lambda: given_up == [True], timeout=WAIT)
    finish_errands(qtbot, local_window)
    qtbot.waitUntil(lambda: not local_window.actions_["cancel"].isEnabled(), timeout=WAIT)


@pytest.mark.parametrize("name", ["cancel", "convert"])
def test_what_cannot_be_done_now_is_disabled(local_window: MainWindow, name: str) -> None:
    assert not local_window.actions_[name].isEnabled()
