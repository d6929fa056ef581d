"""What tells that something is not saved, and what undo and redo are called, before and after a save."""

from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot

from app.ui.database_tab import DatabaseTab
from app.ui.main_window import MainWindow
from tests.ui.disk import edit
from tests.ui.editing import CTRL, SHIFT, Key, press
from tests.ui.fixtures import opened

CHEESE = "käse".encode()


@pytest.fixture
def tab(qtbot: QtBot, local_window: MainWindow, shelf: Path) -> DatabaseTab:
    return opened(qtbot, local_window, shelf)


def names(window: MainWindow) -> tuple[str, str]:
    undo, redo = (window.actions_[name].text().replace("&", "") for name in ("undo", "redo"))
    return undo, redo


def marks(window: MainWindow) -> tuple[str, str]:
    return window.windowTitle(), window.area.tabs.tabText(0)


def test_title_and_tab_are_marked_while_something_is_not_saved(
    qtbot: QtBot, local_window: MainWindow, tab: DatabaseTab
) -> None:
    saved, unsaved = ("shop.db - Shelfscope", "shop.db"), ("shop.db • - Shelfscope", "shop.db •")
    seen = [marks(local_window)]

    edit(qtbot, tab, CHEESE, "Brie")
    seen.append(marks(local_window))
    for key in (Key.Key_Z, Key.Key_Y, Key.Key_S, Key.Key_Z):
        press(qtbot, tab, *((Key.Key_Z, CTRL | SHIFT) if key is Key.Key_Y else (key, CTRL)))
        seen.append(marks(local_window))

    assert seen == [saved, unsaved, saved, unsaved, saved, unsaved]


def test_undo_and_redo_are_named_across_a_save(qtbot: QtBot, local_window: MainWindow, tab: DatabaseTab) -> None:
    seen = [names(local_window)]

    edit(qtbot, tab, CHEESE, "Brie")
    seen.append(names(local_window))
    press(qtbot, tab, Key.Key_S, CTRL)
    seen.append(names(local_window))
    press(qtbot, tab, Key.Key_Z, CTRL)
    seen.append(names(local_window))
    press(qtbot, tab, Key.Key_Z, CTRL | SHIFT)
    seen.append(names(local_window))

    edited = "Edit of the value"
    assert seen == [
        ("Undo", "Redo"),
        (f"Undo {edited}", "Redo"),
        (f"Undo {edited}", "Redo"),
        ("Undo", f"Redo {edited}"),
        (f"Undo {edited}", "Redo"),
    ]
