"""What the dialog of a merge shows of both sides: what each of them left, be that a place, another value or none."""

import pickle
from pathlib import Path

import pytest
from PySide6.QtWidgets import QDialog, QTableView
from pytestqt.qtbot import QtBot

from app.ui.database_tab import DatabaseTab
from app.ui.main_window import MainWindow
from tests.engine.shelves import make_sqlite
from tests.ui import disk
from tests.ui.commands import run_command
from tests.ui.entries import Key, press, select
from tests.ui.fixtures import WAIT, opened, settle
from tests.ui.making import finish_errands

WAS = {"n": 4, "m": 2}
Row = tuple[str, str, str, str]


@pytest.fixture
def tab(qtbot: QtBot, local_window: MainWindow, tmp_path: Path) -> DatabaseTab:
    return opened(qtbot, local_window, make_sqlite(tmp_path / "x.db", {b"a": pickle.dumps(WAS)}))


def rows(qtbot: QtBot, window: MainWindow) -> list[Row]:
    """Return place, text before, mine and theirs of each row, once a save was refused."""
    run_command(qtbot, window, "save")
    dialogs = window.findChildren
    qtbot.waitUntil(lambda: any(dialog.isVisible() for dialog in dialogs(QDialog, "merge")), timeout=WAIT)
    finish_errands(qtbot, window)
    [dialog] = [dialog for dialog in dialogs(QDialog, "merge") if dialog.isVisible()]
    [table] = dialog.findChildren(QTableView)
    model = table.model()
    texts = [[str(model.index(row, column).data()) for column in range(2, 6)] for row in range(model.rowCount())]
    return [(place, before, mine, theirs) for place, before, mine, theirs in texts]


@pytest.mark.parametrize(
    ("theirs", "shown"),
    [
        ({"n": 4, "m": 3}, [("['n']", "int 4", "int 4000", "int 4"), ("['m']", "int 2", "int 2", "int 3")]),
        (None, [("", "dict {'n': 4, 'm': 2}", "dict {'n': 4000, 'm': 2}", "deleted")]),
        ([1], [("", "dict {'n': 4, 'm': 2}", "dict {'n': 4000, 'm': 2}", "list [1]")]),
    ],
)
def test_a_change_of_mine_stands_beside_what_they_left(
    qtbot: QtBot, local_window: MainWindow, tab: DatabaseTab, theirs: object, shown: list[Row]
) -> None:
    tab.runner.start(tab.document.literal_job(0, "['n']", "4000"))
    settle(qtbot, tab)
    disk.store(tab.document.path, b"a", None if theirs is None else pickle.dumps(theirs))

    assert rows(qtbot, local_window) == shown


def test_a_deletion_of_mine_stands_beside_what_they_left(
    qtbot: QtBot, local_window: MainWindow, tab: DatabaseTab
) -> None:
    select(tab, 0)
    press(qtbot, tab, Key.Key_Delete)
    disk.store(tab.document.path, b"a", pickle.dumps({"their": "beta"}))

    assert rows(qtbot, local_window) == [("", "dict {'n': 4, 'm': 2}", "deleted", "dict {'their': 'beta'}")]


def test_a_place_in_what_the_other_side_replaced_is_not_shown_as_it_was(
    qtbot: QtBot, local_window: MainWindow, tmp_path: Path
) -> None:
    tab = opened(qtbot, local_window, make_sqlite(tmp_path / "y.db", {b"a": pickle.dumps({"in": {"n": 1}})}))
    tab.runner.start(tab.document.literal_job(0, "['in']['n']", "2"))
    settle(qtbot, tab)
    disk.store(tab.document.path, b"a", pickle.dumps({"in": None}))

    assert ("['in']['n']", "int 1", "int 2", "…") in rows(qtbot, local_window)
