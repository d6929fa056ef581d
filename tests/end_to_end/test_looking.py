"""Looking at real databases by keys and scrolling, each read in its own process, which may be killed."""

import os
import pickle
import signal
from pathlib import Path

from PySide6.QtCore import Qt
from pytestqt.qtbot import QtBot

from app.engine.child import ChildEngine
from app.ui.main_window import MainWindow
from app.ui.models.value_tree import Column
from tests.end_to_end.window import choose, value_text
from tests.ui.commands import run_command
from tests.ui.fixtures import VALUES, WAIT, opened, settle

Key = Qt.Key


def test_down_goes_from_the_filter_to_the_first_row_that_is_left(
    qtbot: QtBot, local_window: MainWindow, shelf: Path
) -> None:
    tab = opened(qtbot, local_window, shelf)
    run_command(qtbot, local_window, "find")
    qtbot.keyClicks(tab.entries.field, "order:2")
    settle(qtbot, tab)

    qtbot.keyClick(tab.entries.field, Key.Key_Down)
    settle(qtbot, tab)

    assert tab.entries.view.hasFocus()
    assert tab.entries.view.selected_entries() == [1]
    assert value_text(qtbot, tab, "['id']") == "2"
    qtbot.keyClick(tab.entries.field, Key.Key_Escape)
    settle(qtbot, tab)
    assert tab.entries.shown_count == 5
    assert tab.entries.view.selected_entries() == [1]


def test_end_and_home_go_to_the_last_and_the_first_entry(qtbot: QtBot, local_window: MainWindow, shelf: Path) -> None:
    tab = opened(qtbot, local_window, shelf)

    qtbot.keyClick(tab.entries.view, Key.Key_End)
    settle(qtbot, tab)
    assert tab.entries.view.selected_entries() == [4]
    assert tab.value.entry_id == 4

    qtbot.keyClick(tab.entries.view, Key.Key_Home)
    settle(qtbot, tab)
    assert tab.entries.view.selected_entries() == [0]


def test_the_first_entry_is_shown_at_once_and_its_bytes_on_request(
    qtbot: QtBot, child_window: MainWindow, shelf: Path
) -> None:
    tab = opened(qtbot, child_window, shelf)

    tab.value.panes.setCurrentWidget(tab.value.hex)
    settle(qtbot, tab)

    first = tab.value.hex.pane.toPlainText().splitlines()[0]
    stored = pickle.dumps(VALUES[b"order:1"], 4)
    assert first.startswith("00000000  " + stored[:8].hex(" "))


def test_a_long_list_reads_on_as_it_is_scrolled(qtbot: QtBot, child_window: MainWindow, shelf: Path) -> None:
    tab = opened(qtbot, child_window, shelf)
    choose(qtbot, tab, b"numbers")
    root = tab.value.model.index(0, 0)
    assert tab.value.model.rowCount(root) == 1_000

    tab.value.tree.scrollToBottom()
    qtbot.waitUntil(lambda: tab.value.model.rowCount(root) == 2_000, timeout=WAIT)
    settle(qtbot, tab)

    assert tab.value.model.index(1_999, Column.VALUE, root).data() == "1999"


def test_a_filter_without_a_match_says_so_in_the_table(qtbot: QtBot, local_window: MainWindow, shelf: Path) -> None:
    tab = opened(qtbot, local_window, shelf)
    blank = tab.entries.view.viewport().grab().toImage()

    qtbot.keyClicks(tab.entries.field, "<b>nothing</b>")
    settle(qtbot, tab)
    said = tab.entries.view.viewport().grab().toImage()
    tab.entries.view.show_when_empty("")
    silent = tab.entries.view.viewport().grab().toImage()

    assert tab.entries.shown_count == 0
    assert said != silent
    assert said != blank


def test_a_killed_process_costs_one_sentence_and_the_tab_lives_on(qtbot: QtBot, shelf: Path) -> None:
    engines = [ChildEngine()]
    window = MainWindow(lambda: engines[0])
    qtbot.addWidget(window)
    window.show()
    tab = opened(qtbot, window, shelf)
    process_id = engines[0].process_id
    assert process_id is not None
    os.kill(process_id, signal.SIGKILL)
    choose(qtbot, tab, b"order:2")
    message = tab.value.model.index(0, Column.VALUE).data()
    assert "ended unexpectedly" in str(message)

    choose(qtbot, tab, b"order:1")
    assert value_text(qtbot, tab, "['customer']['name']") == "'Ada'"
    window.close_at_once()
