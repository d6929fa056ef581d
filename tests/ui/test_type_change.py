"""Changes of type that a literal alone cannot make: nothing is lost before a person says so."""

import pickle
from pathlib import Path

import pytest
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QMenu
from pytestqt.qtbot import QtBot

from app.ui.database_tab import DatabaseTab
from app.ui.main_window import MainWindow
from tests.engine.shelves import make_sqlite
from tests.ui.editing import CTRL, LEFT, Key, Order, go, pane, press
from tests.ui.fixtures import WAIT, opened, settle
from tests.ui.making import part


@pytest.fixture
def tab(qtbot: QtBot, local_window: MainWindow, tmp_path: Path) -> DatabaseTab:
    """A value without a literal: it holds an object of a class that is not known."""
    return opened(qtbot, local_window, make_sqlite(tmp_path / "s.db", {b"k": pickle.dumps({"list": [1, Order()]})}))


def choose_type(qtbot: QtBot, tab: DatabaseTab, target: str) -> None:
    press(qtbot, tab, Key.Key_T, CTRL)
    menu = part(tab, QMenu, "types")
    action = menu.findChild(QAction, f"to-{target}")
    assert action is not None
    qtbot.mouseClick(menu, LEFT, pos=menu.actionGeometry(action).center())
    settle(qtbot, tab)
    with qtbot.waitActive(tab.window(), timeout=WAIT):  # a desktop does so when the menu closes
        tab.window().activateWindow()


@pytest.mark.parametrize(("target", "draft"), [("tuple", "()"), ("set", "set()"), ("None", "None")])
def test_what_has_no_literal_is_replaced_by_a_commit_only(
    qtbot: QtBot, tab: DatabaseTab, target: str, draft: str
) -> None:
    go(qtbot, tab, "['list']")

    choose_type(qtbot, tab, target)
    proposed = pane(qtbot, tab).toPlainText()
    press(qtbot, tab, Key.Key_Up)
    tab.entries.view.setFocus()
    settle(qtbot, tab)

    assert proposed == draft
    assert not tab.document.pending_changes
