"""A program that ends before anybody was asked, as when its display goes away, keeps what was not saved."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from PySide6.QtWidgets import QMessageBox
from pytestqt.qtbot import QtBot

from app.document.journals import Journals
from app.engine.local import LocalEngine
from app.ui.main_window import MainWindow
from tests.ui.disk import click, edit
from tests.ui.editing import CTRL, Key
from tests.ui.fixtures import WAIT, opened, opened_window

NOTE = "käse".encode()


@pytest.fixture
def start(qtbot: QtBot, journals: Journals) -> Iterator[Callable[[], MainWindow]]:
    """Start the program, as often as is wanted."""
    windows: list[Iterator[MainWindow]] = []

    def started() -> MainWindow:
        windows.append(opened_window(qtbot, LocalEngine, journals=journals))
        return next(windows[-1])

    yield started
    for window in windows:
        next(window, None)


def test_what_nobody_was_asked_about_is_offered_at_the_next_start(
    qtbot: QtBot, start: Callable[[], MainWindow], journals: Journals, shelf: Path
) -> None:
    window = start()
    edit(qtbot, opened(qtbot, window, shelf), NOTE, "Brie")

    window.close_at_once()

    assert len(journals.found(shelf)) == 1
    assert "One unsaved change of shop.db was kept" in opened(qtbot, start(), shelf).restoring.bar.sentence


def test_the_end_while_the_question_is_open_is_no_answer_to_it(
    qtbot: QtBot, start: Callable[[], MainWindow], journals: Journals, shelf: Path
) -> None:
    window = start()
    edit(qtbot, opened(qtbot, window, shelf), NOTE, "Brie")
    qtbot.keyClick(window, Key.Key_Q, CTRL)
    qtbot.waitUntil(lambda: window.findChild(QMessageBox, "close-guard") is not None, timeout=WAIT)

    window.close_at_once()

    assert len(journals.found(shelf)) == 1


def test_what_is_discarded_is_not_offered_again(
    qtbot: QtBot, start: Callable[[], MainWindow], journals: Journals, shelf: Path
) -> None:
    window = start()
    edit(qtbot, opened(qtbot, window, shelf), NOTE, "Brie")
    qtbot.keyClick(window, Key.Key_Q, CTRL)
    qtbot.waitUntil(lambda: window.findChild(QMessageBox, "close-guard") is not None, timeout=WAIT)

    with qtbot.waitSignal(window.closed, timeout=WAIT):
        click(qtbot, window, "Discard")

    assert not list(journals.folder.glob("*.journal"))
