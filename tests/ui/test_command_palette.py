"""The command palette: every command that can be run now, found by typing and run by Enter."""

from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLineEdit, QTableView
from pytestqt.qtbot import QtBot

from app.ui.command_palette import CommandPalette, commands_of, matching
from app.ui.main_window import MainWindow
from app.ui.theme import PADDING
from tests.ui.fixtures import WAIT, opened

Key = Qt.Key


def open_palette(qtbot: QtBot, window: MainWindow) -> tuple[QLineEdit, QTableView]:
    both = Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.ShiftModifier
    qtbot.keyClick(window, Key.Key_P, both)
    palette = window.findChild(CommandPalette)
    assert palette is not None
    field, rows = palette.findChild(QLineEdit, "command-field"), palette.findChild(QTableView, "commands")
    assert field is not None
    assert rows is not None
    return field, rows


def shown(rows: QTableView) -> list[tuple[str, str]]:
    model = rows.model()
    return [(model.index(row, 0).data(), model.index(row, 1).data()) for row in range(model.rowCount())]


def titles(window: MainWindow, text: str) -> list[str]:
    commands = commands_of(window.menuBar(), without=window.actions_["command-palette"])
    return [command.title for command in matching(text, commands)]


def test_it_lists_what_can_be_run_now_with_its_shortcut(qtbot: QtBot, local_window: MainWindow, shelf: Path) -> None:
    _, rows = open_palette(qtbot, local_window)
    without_database = shown(rows)
    local_window.findChild(CommandPalette).close()  # type: ignore[union-attr]  # it is there: its rows were
    opened(qtbot, local_window, shelf)
    _, rows = open_palette(qtbot, local_window)

    assert ("File: Open", "Ctrl+O") in without_database
    assert "File: Close tab" not in dict(without_database)
    assert ("File: Close tab", "Ctrl+W") in shown(rows)
    assert "View: Theme: Dark" in dict(shown(rows))
    assert "File: Save" not in dict(shown(rows))


def test_typing_finds_a_command_and_enter_runs_it(qtbot: QtBot, local_window: MainWindow, shelf: Path) -> None:
    opened(qtbot, local_window, shelf)
    field, rows = open_palette(qtbot, local_window)

    qtbot.keyClicks(field, "clo tab")
    assert [title for title, _ in shown(rows)] == ["File: Close tab"]
    qtbot.keyClick(field, Key.Key_Return)

    qtbot.waitUntil(lambda: not local_window.area.all(), timeout=WAIT)
    qtbot.waitUntil(lambda: local_window.findChild(CommandPalette) is None, timeout=WAIT)


def test_the_arrow_keys_choose_and_stop_at_the_ends(qtbot: QtBot, local_window: MainWindow) -> None:
    field, rows = open_palette(qtbot, local_window)
    last = len(shown(rows)) - 1

    qtbot.keyClick(field, Key.Key_Up)
    assert rows.currentIndex().row() == 0
    qtbot.keyClick(field, Key.Key_Down)
    assert rows.currentIndex().row() == 1
    qtbot.keyClick(field, Key.Key_PageDown)
    qtbot.keyClick(field, Key.Key_PageDown)
    assert rows.currentIndex().row() == last


def test_escape_closes_it_and_nothing_is_run(qtbot: QtBot, local_window: MainWindow, shelf: Path) -> None:
    opened(qtbot, local_window, shelf)
    field, _ = open_palette(qtbot, local_window)

    qtbot.keyClicks(field, "close")
    qtbot.keyClick(field, Key.Key_Escape)

    qtbot.waitUntil(lambda: local_window.findChild(CommandPalette) is None, timeout=WAIT)
    assert len(local_window.area.all()) == 1


def test_every_shortcut_is_shown_whole(qtbot: QtBot, local_window: MainWindow, shelf: Path) -> None:
    opened(qtbot, local_window, shelf)
    _, rows = open_palette(qtbot, local_window)

    longest = max(rows.fontMetrics().horizontalAdvance(shortcut) for _, shortcut in shown(rows))
    assert rows.columnWidth(1) >= longest + 2 * PADDING


def test_no_match_says_so_and_enter_leaves_it_open(qtbot: QtBot, local_window: MainWindow) -> None:
    field, rows = open_palette(qtbot, local_window)

    qtbot.keyClicks(field, "xyzzy")
    qtbot.keyClick(field, Key.Key_Return)

    assert shown(rows) == [("No command has such a name.", "")]
    assert field.isVisible()


@pytest.mark.parametrize(
    ("text", "first"),
    [
        ("dark", "View: Theme: Dark"),
        ("OPEN", "File: Open"),
        ("theme li", "View: Theme: Light"),
        ("vtd", "View: Theme: Dark"),
    ],
)
def test_words_and_letters_find_commands(local_window: MainWindow, text: str, first: str) -> None:
    assert titles(local_window, text)[0] == first


def test_a_name_that_starts_so_comes_before_one_that_contains_it(local_window: MainWindow) -> None:
    found = titles(local_window, "pro")

    assert found[0] == "View: Problems"
