"""A key that is typed in its cell is not lost: not by the filter, nor by what ends meanwhile."""

import pickle
from pathlib import Path
from threading import Event

import pytest
from PySide6.QtGui import QGuiApplication
from pytestqt.qtbot import QtBot

from app.document.job import Job
from app.ui.database_tab import DatabaseTab
from app.ui.main_window import MainWindow
from tests.engine.shelves import make_sqlite, read_sqlite
from tests.ui.commands import run_command, run_in_palette
from tests.ui.disk import edit
from tests.ui.editing import CTRL, LEFT, Key, press, wait_for_focus
from tests.ui.edits import paste_entries
from tests.ui.entries import keys, kinds, select
from tests.ui.fixtures import WAIT, opened, settle
from tests.ui.key_typing import editor, type_key
from tests.ui.slow import SlowEdits

WRONG = "b'typed"
"""A key that is refused: its quote is not closed."""


@pytest.fixture
def tab(qtbot: QtBot, local_window: MainWindow, tmp_path: Path) -> DatabaseTab:
    stored = {key: pickle.dumps("text", 4) for key in (b"a", b"ab", b"c")}
    return opened(qtbot, local_window, make_sqlite(tmp_path / "keys.db", stored))


def type_filter(qtbot: QtBot, tab: DatabaseTab, text: str) -> None:
    """Go to the filter by its shortcut and type, while whatever runs goes on."""
    qtbot.keyClick(tab.window(), Key.Key_F, CTRL)
    wait_for_focus(qtbot, tab.entries.field)
    qtbot.keyClicks(tab.entries.field, text)
    qtbot.waitUntil(lambda: tab.filter_runner.is_idle, timeout=WAIT)


def test_the_filter_waits_for_a_key_that_was_refused(qtbot: QtBot, tab: DatabaseTab) -> None:
    line = type_key(qtbot, tab, 2, WRONG)
    press(qtbot, tab, Key.Key_Return)
    type_filter(qtbot, tab, "a")
    settle(qtbot, tab)
    assert (line.text(), line.isVisible(), tab.entries.field.text()) == (WRONG, True, "a")
    assert tab.entries.field.hasFocus()
    assert keys(tab) == [b"a", b"ab", b"c"]
    assert tab.notices.sentence.startswith("The filter waits")

    qtbot.mouseClick(line, LEFT)
    qtbot.keyClicks(line, "'")
    press(qtbot, tab, Key.Key_Return)

    assert kinds(tab) == {b"c": "deleted", b"typed": "added"}
    qtbot.waitUntil(lambda: keys(tab) == [b"a", b"ab"], timeout=WAIT)
    assert not tab.notices.sentence


@pytest.mark.parametrize("text", ["a", ""])
def test_the_filter_follows_when_a_refused_key_is_given_up(qtbot: QtBot, tab: DatabaseTab, text: str) -> None:
    type_filter(qtbot, tab, "ab")
    line = type_key(qtbot, tab, 0, WRONG)
    press(qtbot, tab, Key.Key_Return)
    type_filter(qtbot, tab, text)
    if not text:
        qtbot.keyClick(tab.entries.field, Key.Key_Escape)
    settle(qtbot, tab)
    assert keys(tab) == [b"ab"]

    qtbot.mouseClick(line, LEFT)
    press(qtbot, tab, Key.Key_Escape)

    qtbot.waitUntil(lambda: keys(tab) == ([b"a", b"ab"] if text else [b"a", b"ab", b"c"]), timeout=WAIT)
    assert tab.entries.view.editing.editor is None
    assert not kinds(tab)


@pytest.mark.parametrize("action", ["save", "reload", "undo", "rename-entry", "add-entry", "delete-entries"])
def test_every_command_leaves_a_refused_key_where_it_is_typed(
    qtbot: QtBot, local_window: MainWindow, tab: DatabaseTab, action: str
) -> None:
    edit(qtbot, tab, b"ab", "changed")
    line = type_key(qtbot, tab, 0, WRONG)
    press(qtbot, tab, Key.Key_Return)
    type_filter(qtbot, tab, "a")
    qtbot.keyClick(tab.entries.field, Key.Key_Down)
    wait_for_focus(qtbot, tab.entries.view)

    run_in_palette(qtbot, local_window, local_window.actions_[action])
    settle(qtbot, tab)

    assert editor(tab) is line
    assert line.text() == WRONG
    assert line.hasFocus()
    assert list(kinds(tab)) == [b"ab"]


def test_a_tab_with_a_refused_key_saves_when_it_is_corrected(
    qtbot: QtBot, tab: DatabaseTab, local_window: MainWindow
) -> None:
    line = type_key(qtbot, tab, 0, WRONG)
    press(qtbot, tab, Key.Key_Return)
    type_filter(qtbot, tab, "c")
    qtbot.keyClick(tab.entries.field, Key.Key_S, CTRL)
    settle(qtbot, tab)
    wait_for_focus(qtbot, line)
    qtbot.keyClicks(line, "'")

    qtbot.keyClick(line, Key.Key_S, CTRL)
    settle(qtbot, tab)

    assert sorted(read_sqlite(tab.document.path)) == [b"ab", b"c", b"typed"]
    assert keys(tab) == [b"c"]


def test_a_rename_on_its_way_is_made_though_the_filter_is_typed(
    qtbot: QtBot, tab: DatabaseTab, monkeypatch: pytest.MonkeyPatch
) -> None:
    line = type_key(qtbot, tab, 0, "new")
    slow = SlowEdits(monkeypatch)
    qtbot.keyClick(line, Key.Key_Return)
    qtbot.waitUntil(slow.began.is_set, timeout=WAIT)
    qtbot.keyClicks(line, "er")
    assert line.text() == "new", "what cannot be taken any more is not shown as typed"
    type_filter(qtbot, tab, "n")

    slow.may_end.set()
    settle(qtbot, tab)

    assert kinds(tab) == {b"a": "deleted", b"new": "added"}
    qtbot.waitUntil(lambda: keys(tab) == [b"new"], timeout=WAIT)
    assert tab.entries.field.hasFocus()


def test_a_second_key_is_opened_behind_the_first_one_that_is_on_its_way(
    qtbot: QtBot, tab: DatabaseTab, monkeypatch: pytest.MonkeyPatch
) -> None:
    line = type_key(qtbot, tab, 0, "new")
    slow = SlowEdits(monkeypatch)
    qtbot.keyClick(line, Key.Key_Return)
    qtbot.waitUntil(slow.began.is_set, timeout=WAIT)
    place = tab.entries.view.visualRect(tab.entries.model.index(1, 0)).center()
    qtbot.mouseClick(tab.entries.view.viewport(), LEFT, pos=place)
    qtbot.mouseDClick(tab.entries.view.viewport(), LEFT, pos=place)
    assert editor(tab) is line

    slow.may_end.set()
    settle(qtbot, tab)

    assert kinds(tab) == {b"a": "deleted", b"new": "added"}
    assert editor(tab).text() == "ab"


def test_f2_in_a_key_that_is_typed_keeps_it(qtbot: QtBot, tab: DatabaseTab, local_window: MainWindow) -> None:
    line = type_key(qtbot, tab, 0, "new")

    run_in_palette(qtbot, local_window, local_window.actions_["rename-entry"])
    settle(qtbot, tab)

    assert editor(tab) is line
    assert line.text() == "new"


def begin_to_paste(qtbot: QtBot, tab: DatabaseTab, monkeypatch: pytest.MonkeyPatch) -> SlowEdits:
    """Paste an entry, which is worked out until the returned one lets it end."""
    QGuiApplication.clipboard().setText("'pasted': 1")
    select(tab, 0)
    wait_for_focus(qtbot, tab.entries.view)
    slow = SlowEdits(monkeypatch)
    qtbot.keyClick(tab.entries.view, Key.Key_V, CTRL)
    qtbot.waitUntil(slow.began.is_set, timeout=WAIT)
    return slow


def test_a_paste_that_ends_leaves_the_key_that_is_typed_alone(
    qtbot: QtBot, tab: DatabaseTab, monkeypatch: pytest.MonkeyPatch
) -> None:
    slow = begin_to_paste(qtbot, tab, monkeypatch)
    line = type_key(qtbot, tab, 0, "customer-1")

    slow.may_end.set()
    settle(qtbot, tab)
    qtbot.keyClicks(line, "23")
    press(qtbot, tab, Key.Key_Return)

    assert kinds(tab) == {b"pasted": "added", b"a": "deleted", b"customer-123": "added"}


def test_a_paste_that_ends_leaves_the_filter_that_is_typed_alone(
    qtbot: QtBot, tab: DatabaseTab, monkeypatch: pytest.MonkeyPatch
) -> None:
    slow = begin_to_paste(qtbot, tab, monkeypatch)
    type_filter(qtbot, tab, "a")

    slow.may_end.set()
    settle(qtbot, tab)

    assert tab.entries.field.hasFocus()


def test_an_added_entry_that_is_taken_back_takes_its_editor_along(
    qtbot: QtBot, tab: DatabaseTab, local_window: MainWindow
) -> None:
    paste_entries(qtbot, tab, "'new': 'text'")
    select(tab, 3)
    settle(qtbot, tab)
    may_end = Event()
    tab.runner.start(Job("Waiting", lambda _token: may_end.wait(WAIT / 1_000)))
    run_command(qtbot, local_window, "undo")
    type_key(qtbot, tab, 3, "other")

    may_end.set()
    settle(qtbot, tab)
    run_command(qtbot, local_window, "save")
    settle(qtbot, tab)

    assert tab.entries.view.editing.editor is None
    assert not kinds(tab)
    assert not tab.editing.is_open
