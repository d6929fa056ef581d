"""A copy that a save comes in between of has what is shown: no change is made in it a second time."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from threading import Event

import pytest
from PySide6.QtWidgets import QDialog
from pytestqt.qtbot import QtBot

from app.backends.base import Change, Expected, Insert, SaveOptions, SaveReport
from app.cancel import CancelToken
from app.engine.local import LocalEngine
from app.ui.database_tab import DatabaseTab
from app.ui.main_window import MainWindow
from tests.document.databases import make, pairs_of, write
from tests.engine.lost_engine import LostEngine
from tests.ui.commands import run_command
from tests.ui.entries import Key, press, select
from tests.ui.fixtures import WAIT, opened, opened_window, settle
from tests.ui.making import add_entry, choose_format, finish_errands, part, press_enter, type_place

BOTH = [(b"a", b"one"), (b"a", b"two")]


def cdb(folder: Path) -> Path:
    """Make a database of one entry, whose keys can come again."""
    path = make(folder / "x.cdb", "cdb")
    write(path, [Insert(b"a", b"one")])
    return path


def ask(qtbot: QtBot, window: MainWindow, tab: DatabaseTab, command: str) -> QDialog:
    run_command(qtbot, window, command)
    settle(qtbot, tab)
    return part(window, QDialog, "new-database")


def order(qtbot: QtBot, window: MainWindow, dialog: QDialog, target: Path) -> None:
    """Have a copy written, and save as soon as that has begun."""
    type_place(qtbot, dialog, target)
    press_enter(qtbot, dialog)
    qtbot.waitUntil(lambda: not window.errands.is_idle, timeout=WAIT)
    run_command(qtbot, window, "save")
    finish_errands(qtbot, window)


@pytest.mark.parametrize("command", ["save-copy", "save-as", "convert"])
def test_an_addition_is_in_the_copy_once(qtbot: QtBot, child_window: MainWindow, tmp_path: Path, command: str) -> None:
    tab = opened(qtbot, child_window, cdb(tmp_path))
    add_entry(qtbot, child_window, tab, "a", "'two'")
    dialog = ask(qtbot, child_window, tab, command)
    choose_format(dialog, "cdb")

    order(qtbot, child_window, dialog, tmp_path / "y.cdb")

    assert pairs_of(tmp_path / "y.cdb") == BOTH
    assert pairs_of(tmp_path / "x.cdb") == BOTH
    assert tab.document.name == ("y.cdb" if command == "save-as" else "x.cdb")


def test_one_of_two_equal_values_is_missing_in_the_copy(qtbot: QtBot, child_window: MainWindow, tmp_path: Path) -> None:
    path = tmp_path / "x.pkl"
    path.write_bytes(b"I1\n.I1\n.I1\n.I2\n.")
    tab = opened(qtbot, child_window, path)
    select(tab, 0)
    press(qtbot, tab, Key.Key_Delete)
    dialog = ask(qtbot, child_window, tab, "save-copy")

    order(qtbot, child_window, dialog, tmp_path / "y.pkl")

    assert path.read_bytes() == (tmp_path / "y.pkl").read_bytes() == b"I1\n.I1\n.I2\n."


class SlowlyLost(LostEngine):
    """Is lost behind the commit of a save, which begins at once and ends when it may."""

    def __init__(self) -> None:
        super().__init__(commits=True)
        self.began, self.may_end = Event(), Event()

    def apply(
        self, changes: Sequence[Change], expected: Mapping[int, Expected], options: SaveOptions, token: CancelToken
    ) -> SaveReport:
        self.began.set()
        self.may_end.wait(WAIT / 1_000)
        return super().apply(changes, expected, options, token)


def test_a_save_whose_end_nobody_saw_is_found_out_about_before_the_copy(qtbot: QtBot, tmp_path: Path) -> None:
    lost = SlowlyLost()
    engines = iter([lost])
    for window in opened_window(qtbot, lambda: next(engines, None) or LocalEngine()):
        tab = opened(qtbot, window, cdb(tmp_path))
        add_entry(qtbot, window, tab, "a", "'two'")
        run_command(qtbot, window, "save")
        qtbot.waitUntil(lost.began.is_set, timeout=WAIT)
        run_command(qtbot, window, "save-as")
        dialog = part(window, QDialog, "new-database")
        choose_format(dialog, "cdb")
        type_place(qtbot, dialog, tmp_path / "y.cdb")
        press_enter(qtbot, dialog)

        lost.may_end.set()
        finish_errands(qtbot, window)

        assert pairs_of(tmp_path / "x.cdb") == pairs_of(tmp_path / "y.cdb") == BOTH
