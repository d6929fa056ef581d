"""What is asked for while a save runs is done behind it, once the keys are known again."""

import pickle
from collections.abc import Callable
from pathlib import Path

import pytest
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QDialog, QLineEdit, QPlainTextEdit
from pytestqt.qtbot import QtBot

from app.ui.database_tab import DatabaseTab
from app.ui.main_window import MainWindow
from tests.engine.shelves import make_sqlite, read_sqlite
from tests.ui.commands import run_command
from tests.ui.disk import click, edit, go_to_value, type_value
from tests.ui.editing import press as press_in_tree
from tests.ui.entries import CTRL, SHIFT, Key, keys, kinds, question, select
from tests.ui.fixtures import WAIT, opened, settle
from tests.ui.making import part
from tests.ui.slow import SlowSaves

VALUES = {b"a": pickle.dumps("one"), b"b": pickle.dumps("two"), b"c": pickle.dumps("three")}


@pytest.fixture
def tab(qtbot: QtBot, local_window: MainWindow, tmp_path: Path) -> DatabaseTab:
    """A database with a change to be saved."""
    tab = opened(qtbot, local_window, make_sqlite(tmp_path / "x.db", VALUES))
    edit(qtbot, tab, b"a", "changed")
    return tab


def save_while(qtbot: QtBot, window: MainWindow, monkeypatch: pytest.MonkeyPatch, act: Callable[[], None]) -> None:
    """Save, do something in the midst of it, and wait for all that follows."""
    tab = window.area.current
    assert tab is not None
    slow = SlowSaves(monkeypatch)
    run_command(qtbot, window, "save")
    qtbot.waitUntil(slow.began.is_set, timeout=WAIT)
    act()
    qtbot.wait(50)
    slow.may_end.set()
    settle(qtbot, tab)


def add(qtbot: QtBot, window: MainWindow, tab: DatabaseTab) -> None:
    qtbot.keyClick(tab.entries.view, Key.Key_N, CTRL | SHIFT)
    asked = part(window, QDialog, "new-entry")
    qtbot.keyClicks(part(asked, QLineEdit, "entry-key"), "b")
    qtbot.keyClicks(part(asked, QPlainTextEdit, "entry-value"), "'mine'")
    qtbot.keyClick(part(asked, QLineEdit, "entry-key"), Key.Key_Return)


def paste(qtbot: QtBot, _window: MainWindow, tab: DatabaseTab) -> None:
    QGuiApplication.clipboard().setText("'b': 'mine'")
    qtbot.keyClick(tab.entries.view, Key.Key_V, CTRL)


@pytest.mark.parametrize(("put", "asks"), [(add, "taken-question"), (paste, "clash-question")])
def test_a_key_that_is_there_is_asked_about(
    qtbot: QtBot,
    local_window: MainWindow,
    tab: DatabaseTab,
    monkeypatch: pytest.MonkeyPatch,
    put: Callable[[QtBot, MainWindow, DatabaseTab], None],
    asks: str,
) -> None:
    tab.entries.view.setFocus()

    save_while(qtbot, local_window, monkeypatch, lambda: put(qtbot, local_window, tab))

    assert question(local_window, asks).isVisible()
    assert not kinds(tab)


@pytest.mark.parametrize(
    ("command", "becomes"),
    [("delete-entries", {b"b": "deleted"}), ("cut-entries", {b"b": "deleted"}), ("duplicate-entry", {})],
)
def test_the_entry_that_was_chosen_is_meant(
    qtbot: QtBot,
    local_window: MainWindow,
    tab: DatabaseTab,
    monkeypatch: pytest.MonkeyPatch,
    command: str,
    becomes: dict[bytes, str],
) -> None:
    select(tab, 1)

    save_while(qtbot, local_window, monkeypatch, lambda: run_command(qtbot, local_window, command))

    assert kinds(tab) == becomes
    if command == "duplicate-entry":
        assert part(local_window, QDialog, "duplicate").isVisible()
    if command == "cut-entries":
        assert "'b'" in QGuiApplication.clipboard().text()


def test_values_pasted_into_a_file_of_values_come_behind_those_that_are_there(
    qtbot: QtBot, local_window: MainWindow, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "x.pkl"
    path.write_bytes(b"".join(b"I%d\n." % number for number in range(5)))
    tab = opened(qtbot, local_window, path)
    go_to_value(qtbot, tab, b"0")
    type_value(qtbot, tab, "99")
    press_in_tree(qtbot, tab, Key.Key_Return)
    select(tab, 3)
    qtbot.keyClick(tab.entries.view, Key.Key_C, CTRL)
    settle(qtbot, tab)

    save_while(qtbot, local_window, monkeypatch, lambda: qtbot.keyClick(tab.entries.view, Key.Key_V, CTRL))

    assert [(change.ref.key, change.value) for change in tab.document.pending_changes] == [(b"5", b"I3\n.")]
    for _ in range(2):
        run_command(qtbot, local_window, "undo")
        settle(qtbot, tab)
    assert [(change.ref.key, change.value) for change in tab.document.pending_changes] == [(b"0", b"I0\n.")]


def test_changes_of_an_earlier_session_are_restored_as_they_were(
    qtbot: QtBot, journaling_window: MainWindow, crashed: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tab = opened(qtbot, journaling_window, crashed)
    edit(qtbot, tab, "käse".encode(), "Brie")

    save_while(qtbot, journaling_window, monkeypatch, lambda: click(qtbot, tab.restoring.bar, "Restore"))

    assert kinds(tab) == {b"order:1": "changed", b"numbers": "deleted"}
    run_command(qtbot, journaling_window, "undo")
    settle(qtbot, tab)
    assert not kinds(tab)
    assert b"numbers" in keys(tab)


def test_save_all_saves_what_was_changed_while_it_waits_for_another_database(
    qtbot: QtBot, local_window: MainWindow, tab: DatabaseTab, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = make_sqlite(tmp_path / "y.db", VALUES)
    other = opened(qtbot, local_window, path)
    slow = SlowSaves(monkeypatch)
    run_command(qtbot, local_window, "save-all")
    qtbot.waitUntil(slow.began.is_set, timeout=WAIT)
    edit(qtbot, other, b"a", "changed")

    run_command(qtbot, local_window, "save-all")
    slow.may_end.set()
    settle(qtbot, tab)
    settle(qtbot, other)

    assert local_window.notices.sentence == "Saved 2 databases."
    assert pickle.loads(read_sqlite(path)[b"a"]) == "changed"
