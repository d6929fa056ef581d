"""The process of a tab is lost in a save: it is found out whether that was done, and nothing is saved twice."""

from pathlib import Path

import pytest
from PySide6.QtWidgets import QDialog, QLineEdit, QPlainTextEdit
from pytestqt.qtbot import QtBot

from app.backends.base import Insert
from app.ui.database_tab import DatabaseTab
from app.ui.main_window import MainWindow
from tests.document.databases import make, pairs_of, write
from tests.engine.lost_engine import LostEngine
from tests.ui.disk import click
from tests.ui.entries import CTRL, SHIFT, Key, press
from tests.ui.fixtures import opened, opened_window, settle
from tests.ui.making import part


def add(qtbot: QtBot, window: MainWindow, tab: DatabaseTab, key: str, literal: str) -> None:
    """Add an entry in the dialog."""
    press(qtbot, tab, Key.Key_N, CTRL | SHIFT)
    asked = part(window, QDialog, "new-entry")
    qtbot.keyClicks(part(asked, QLineEdit, "entry-key"), key)
    qtbot.keyClicks(part(asked, QPlainTextEdit, "entry-value"), literal)
    qtbot.keyClick(part(asked, QLineEdit, "entry-key"), Key.Key_Return)
    settle(qtbot, tab)


@pytest.mark.parametrize("commits", [True, False])
def test_a_save_whose_end_nobody_saw_is_found_out_about_and_doubles_no_entry(
    qtbot: QtBot, tmp_path: Path, *, commits: bool
) -> None:
    path = make(tmp_path / "x.cdb", "cdb")
    write(path, [Insert(b"a", b"one")])
    for window in opened_window(qtbot, lambda: LostEngine(commits=commits)):
        tab = opened(qtbot, window, path)
        add(qtbot, window, tab, "a", "'two'")
        assert tab.document.pending_changes

        press(qtbot, tab, Key.Key_S, CTRL)
        settle(qtbot, tab)

        if commits:
            assert tab.notices.sentence == "x.cdb was saved before the process that did it ended."
        else:
            assert "ended before it answered" in tab.notices.sentence
            click(qtbot, tab.notices, "Try again")
            settle(qtbot, tab)
            assert tab.notices.sentence.startswith("Saved x.cdb.")
        assert not tab.document.pending_changes
        assert pairs_of(path) == [(b"a", b"one"), (b"a", b"two")]
