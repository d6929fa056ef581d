"""What surrounds the tabs: actions, menus, docks, names for accessibility tools, hooks."""

import os
import pickle
import signal
import sqlite3
import sys
import threading
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QCheckBox, QDialog, QMenu, QToolButton, QWidget
from pytestqt.qtbot import QtBot

from app.ui.actions import Actions
from app.ui.crash import CrashHooks
from app.ui.icons import icon
from app.ui.interrupts import Interrupts
from app.ui.main_window import MainWindow
from app.ui.settings import recent_files, text_setting
from app.ui.theme import Theme, apply_theme
from tests import corpus
from tests.ui.commands import run_command, run_in_palette
from tests.ui.edits import change_value
from tests.ui.fixtures import opened, settle

NAMES = (
    "main-window", "documents", "entries", "filter", "value-tree", "text-pane", "hex-pane",
    "status-format", "status-count", "changes", "problems",
)  # fmt: skip
ACTIONS = [
    "open", "new", "save", "save-as", "revert", "undo", "redo", "export", "find", "convert", "compact", "check",
    "salvage",
]  # fmt: skip


def widgets(window: MainWindow) -> dict[str, QWidget]:
    return {widget.objectName(): widget for widget in (window, *window.findChildren(QWidget)) if widget.objectName()}


@pytest.mark.parametrize("name", NAMES)
def test_a_widget_has_its_fixed_name_and_one_for_accessibility_tools(
    qtbot: QtBot, local_window: MainWindow, shelf: Path, name: str
) -> None:
    opened(qtbot, local_window, shelf)

    assert widgets(local_window)[name].accessibleName()


@pytest.mark.parametrize("name", ACTIONS)
def test_an_action_has_its_fixed_name_a_tooltip_and_an_icon(local_window: MainWindow, name: str) -> None:
    action = local_window.findChild(QAction, name)

    assert action is not None
    assert action.toolTip()
    assert not action.icon().isNull()


def test_every_icon_that_actions_name_is_drawn(local_window: MainWindow) -> None:
    assert not icon("shelfscope").isNull()
    assert icon("no such drawing").isNull()
    assert isinstance(local_window.actions_, Actions)


def test_actions_are_off_without_a_database(local_window: MainWindow) -> None:
    states = {name: local_window.actions_[name].isEnabled() for name in ACTIONS}

    assert states == dict.fromkeys(ACTIONS, False) | {"open": True, "new": True, "salvage": True}


def test_a_damaged_database_lists_its_problems_and_is_read_only(
    qtbot: QtBot, local_window: MainWindow, tmp_path: Path
) -> None:
    case = next(
        case for case in corpus.databases("gdbm", corrupt=True) if "flip" in case.name or "corrupt" in case.name
    )
    tab = opened(qtbot, local_window, case.copy_to(tmp_path))

    if tab.reading.open_error is None:
        assert local_window.problems.list.rowCount() == len(tab.document.problems)
        assert tab.facts().read_only
    else:
        assert tab.reading.open_error.message


def test_a_format_that_is_only_recognised_is_named_and_explained(
    qtbot: QtBot, local_window: MainWindow, tmp_path: Path
) -> None:
    case = next(case for case in corpus.databases() if case.detect_only)

    tab = opened(qtbot, local_window, case.copy_to(tmp_path))

    page: Any = tab.findChild(QWidget, "cannot-open-text")
    assert page.isVisible()
    assert page.text()
    assert not tab.can_browse


def test_the_close_button_of_a_tab_closes_it(qtbot: QtBot, local_window: MainWindow, shelf: Path) -> None:
    opened(qtbot, local_window, shelf)
    buttons = local_window.area.tabs.tabBar().findChildren(QToolButton)

    next(button for button in buttons if button.accessibleName() == "Close this database").click()

    assert local_window.area.all() == []
    assert local_window.area.start_page.isVisible()


def test_recent_files_are_remembered_and_opened(qtbot: QtBot, local_window: MainWindow, shelf: Path) -> None:
    opened(qtbot, local_window, shelf)
    run_command(qtbot, local_window, "close-tab")
    assert recent_files() == [shelf]

    menu = next(menu for menu in local_window.findChildren(QMenu) if "recent" in menu.title())
    menu.popup(local_window.mapToGlobal(QPoint(0, 0)))
    qtbot.mouseClick(menu, Qt.MouseButton.LeftButton, pos=menu.actionGeometry(menu.actions()[0]).center())

    tabs = local_window.area.all()
    assert [tab.document.path for tab in tabs] == [shelf]
    settle(qtbot, tabs[0])
    assert tabs[0].notices.sentence == ""


def test_many_tabs_keep_their_names_readable(qtbot: QtBot, local_window: MainWindow, tmp_path: Path) -> None:
    names = [f"database number {number}.db" for number in range(12)] + ["x" * 200]
    for name in names:
        opened(qtbot, local_window, tmp_path / name)

    tabs = local_window.area.tabs
    assert [tabs.tabText(place) for place in range(12)] == names[:12]
    assert len(tabs.tabText(12)) < 40
    assert names[12] in tabs.tabToolTip(12)
    bar = tabs.tabBar()
    needed = bar.fontMetrics().horizontalAdvance(names[0])
    assert all(bar.tabRect(place).width() > needed for place in range(12))


def test_the_theme_menu_is_remembered(qtbot: QtBot, local_window: MainWindow) -> None:
    menu = next(menu for menu in local_window.findChildren(QMenu) if menu.title() == "&Theme")

    run_in_palette(qtbot, local_window, next(action for action in menu.actions() if action.text() == "&Dark"))

    assert text_setting("theme") == "dark"
    qtbot.waitUntil(lambda: local_window.palette().window().color().lightness() < 128)
    box = QCheckBox(local_window)
    box.ensurePolished()
    shown = box.palette()
    assert shown.base().color().lightness() > shown.window().color().lightness() + 15  # or nobody sees an empty one
    apply_theme(Theme.LIGHT)


def test_open_asks_for_files_without_blocking(qtbot: QtBot, local_window: MainWindow, shelf: Path) -> None:
    run_command(qtbot, local_window, "open")

    dialog = local_window.findChild(QDialog, "open-dialog")
    assert dialog is not None
    dialog.filesSelected.emit([str(shelf)])  # type: ignore[attr-defined]  # found by name, it is a QFileDialog
    dialog.close()

    settle(qtbot, local_window.area.all()[0])
    assert len(local_window.area.all()[0].document) == 5


def test_the_changes_dock_leads_to_the_entry(qtbot: QtBot, local_window: MainWindow, shelf: Path) -> None:
    tab = opened(qtbot, local_window, shelf)
    change_value(qtbot, tab, 3, "'Brie'")
    local_window.changes.show()
    settle(qtbot, tab)
    assert local_window.changes.list.index(0, 0).data() == "käse"

    tab.entries.view.select_entry(0)
    settle(qtbot, tab)
    first = local_window.changes.view.visualRect(local_window.changes.list.index(0, 0)).center()
    qtbot.mouseClick(local_window.changes.view.viewport(), Qt.MouseButton.LeftButton, pos=first)
    qtbot.mouseDClick(local_window.changes.view.viewport(), Qt.MouseButton.LeftButton, pos=first)
    settle(qtbot, tab)

    assert tab.entries.current_entry == 3

    local_window.changes.view.selectRow(0)
    local_window.changes.view.setFocus()
    qtbot.keyClick(local_window.changes.view, Qt.Key.Key_Delete)
    settle(qtbot, tab)
    assert not tab.document.pending_changes
    assert local_window.changes.list.index(0, 0).data() == "No unsaved changes."


def test_reading_again_finds_new_entries_and_keeps_changes(qtbot: QtBot, local_window: MainWindow, shelf: Path) -> None:
    tab = opened(qtbot, local_window, shelf)
    change_value(qtbot, tab, 3, "'Brie'")
    tab.entries.view.select_entry(3)
    settle(qtbot, tab)
    with closing(sqlite3.connect(shelf)) as other, other:
        other.execute("INSERT INTO Dict VALUES (?, ?)", (b"new", pickle.dumps(1)))

    run_command(qtbot, local_window, "reload")
    settle(qtbot, tab)

    assert tab.entries.shown_count == 6
    assert tab.entries.current_entry == 3
    assert len(tab.document.pending_changes) == 1
    assert tab.value.model.index(0, 2).data() == "'Brie'"


def test_unexpected_exceptions_become_reports(qtbot: QtBot) -> None:
    hooks = CrashHooks()
    reports: list[str] = []
    hooks.crashed.connect(reports.append)
    before = sys.excepthook
    hooks.install()
    try:
        sys.excepthook(ValueError, ValueError("here"), None)
        thread = threading.Thread(target=lambda: 1 // 0)
        thread.start()
        thread.join()
        qtbot.waitUntil(lambda: len(reports) == 2)
    finally:
        hooks.remove()

    assert "ValueError: here" in reports[0]
    assert "ZeroDivisionError" in reports[1]
    assert sys.excepthook is before


def test_a_signal_closes_the_window_as_its_button_does(qtbot: QtBot, local_window: MainWindow) -> None:
    interrupts = Interrupts()
    interrupts.interrupted.connect(local_window.close)
    interrupts.install()
    try:
        os.kill(os.getpid(), signal.SIGTERM)
        qtbot.waitUntil(lambda: not local_window.isVisible())
    finally:
        interrupts.remove()

    assert interrupts.exit_code == 128 + signal.SIGTERM
    assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL
