"""Closing the window or a tab asks where something is unsaved, and at once ends where nothing is."""

import pickle
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QMessageBox
from pytestqt.qtbot import QtBot

from app.ui.main_window import MainWindow
from tests.end_to_end.window import replace
from tests.engine.shelves import read_sqlite
from tests.ui.commands import run_command
from tests.ui.fixtures import WAIT, opened

Key = Qt.Key


@pytest.mark.parametrize(
    ("answer", "is_open", "stored"),
    [
        (QMessageBox.StandardButton.Cancel, True, 1),
        (QMessageBox.StandardButton.Discard, False, 1),
        (QMessageBox.StandardButton.Save, False, 5),
    ],
)
def test_closing_with_changes_asks_once(
    qtbot: QtBot,
    child_window: MainWindow,
    shelf: Path,
    answer: QMessageBox.StandardButton,
    is_open: bool,
    stored: int,
) -> None:
    tab = opened(qtbot, child_window, shelf)
    replace(qtbot, tab, "['id']", "5")

    child_window.close()
    box = child_window.findChild(QMessageBox, "close-guard")
    assert box is not None
    box.button(answer).click()

    qtbot.waitUntil(lambda: child_window.isVisible() == is_open, timeout=WAIT)
    assert pickle.loads(read_sqlite(shelf)[b"order:1"])["id"] == stored
    assert len(tab.document.pending_changes) == 1 if is_open else not child_window.area.all()


def test_closing_the_window_without_changes_ends_at_once(qtbot: QtBot, child_window: MainWindow, shelf: Path) -> None:
    opened(qtbot, child_window, shelf)

    with qtbot.waitSignal(child_window.closed, timeout=WAIT):
        qtbot.keyClick(child_window, Key.Key_Q, Qt.KeyboardModifier.ControlModifier)

    assert not child_window.isVisible()
    assert child_window.findChild(QMessageBox) is None


def test_closing_a_tab_without_changes_does_not_ask(qtbot: QtBot, child_window: MainWindow, shelf: Path) -> None:
    opened(qtbot, child_window, shelf)

    run_command(qtbot, child_window, "close-tab")

    assert child_window.findChild(QMessageBox) is None
    assert child_window.area.all() == []
