"""Closing while something is still on its way: nothing that was done meanwhile is lost."""

import pickle
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QDialog, QLineEdit, QMessageBox, QPlainTextEdit
from pytestqt.qtbot import QtBot

from app.ui.database_tab import DatabaseTab
from app.ui.main_window import MainWindow
from tests.engine.shelves import make_sqlite, read_sqlite
from tests.ui.commands import run_command
from tests.ui.disk import click, edit
from tests.ui.editing import CTRL, SHIFT, Key, wait_for_focus
from tests.ui.fixtures import WAIT, opened, settle
from tests.ui.making import box_of, part, press_enter, type_place
from tests.ui.slow import SlowCopies, SlowEdits, SlowSaves


@pytest.fixture
def slow_saves(monkeypatch: pytest.MonkeyPatch) -> SlowSaves:
    return SlowSaves(monkeypatch)


def small(folder: Path, name: str) -> Path:
    return make_sqlite(folder / name, {b"a": pickle.dumps("text", 4)})


def stored(path: Path) -> dict[bytes, object]:
    return {key: pickle.loads(value) for key, value in read_sqlite(path).items()}


def save_and_close(qtbot: QtBot, window: MainWindow, key: Key, saves: SlowSaves) -> None:
    """Close a tab or everything by a key, and answer that it is to be saved, which takes its time."""
    qtbot.keyClick(window, key, CTRL)
    click(qtbot, box_of(qtbot, window), "Save")
    qtbot.waitUntil(saves.began.is_set, timeout=WAIT)


def go_to_table(qtbot: QtBot, tab: DatabaseTab) -> None:
    tab.window().activateWindow()
    tab.entries.view.setFocus()
    wait_for_focus(qtbot, tab.entries.view)


def begin_adding(qtbot: QtBot, window: MainWindow, tab: DatabaseTab) -> QDialog:
    go_to_table(qtbot, tab)
    qtbot.keyClick(tab.entries.view, Key.Key_N, CTRL | SHIFT)
    return part(window, QDialog, "new-entry")


def wait_until_closed(qtbot: QtBot, window: MainWindow, tab: DatabaseTab) -> None:
    qtbot.waitUntil(lambda: tab not in window.area.all(), timeout=WAIT)


def test_what_is_pasted_while_a_closing_tab_is_saved_is_asked_for_again(
    qtbot: QtBot, local_window: MainWindow, tmp_path: Path, slow_saves: SlowSaves
) -> None:
    path = small(tmp_path, "x.db")
    tab = opened(qtbot, local_window, path)
    edit(qtbot, tab, b"a", "changed")
    QGuiApplication.clipboard().setText("'b': 'pasted'")
    save_and_close(qtbot, local_window, Key.Key_W, slow_saves)

    go_to_table(qtbot, tab)
    qtbot.keyClick(tab.entries.view, Key.Key_V, CTRL)
    slow_saves.may_end.set()
    box = box_of(qtbot, local_window)

    settle(qtbot, tab)
    assert [change.ref.key for change in tab.document.pending_changes] == [b"b"]
    click(qtbot, box, "Save")
    wait_until_closed(qtbot, local_window, tab)
    assert stored(path) == {b"a": "changed", b"b": "pasted"}


def test_an_entry_that_is_being_added_when_a_closing_save_ends_is_not_lost(
    qtbot: QtBot, local_window: MainWindow, tmp_path: Path, slow_saves: SlowSaves
) -> None:
    path = small(tmp_path, "x.db")
    tab = opened(qtbot, local_window, path)
    edit(qtbot, tab, b"a", "changed")
    save_and_close(qtbot, local_window, Key.Key_W, slow_saves)

    dialog = begin_adding(qtbot, local_window, tab)
    qtbot.keyClicks(part(dialog, QLineEdit, "entry-key"), "b")
    slow_saves.may_end.set()
    qtbot.waitUntil(lambda: not tab.document.pending_changes and tab.runner.is_idle, timeout=WAIT)
    qtbot.keyClicks(part(dialog, QPlainTextEdit, "entry-value"), "'typed'")
    click(qtbot, dialog, "Add")

    box = box_of(qtbot, local_window)
    assert box.text() == "x.db has a change that is not saved."
    click(qtbot, box, "Save")
    wait_until_closed(qtbot, local_window, tab)
    assert stored(path) == {b"a": "changed", b"b": "typed"}


def test_a_dialog_that_is_given_up_lets_the_saved_tab_close(
    qtbot: QtBot, local_window: MainWindow, tmp_path: Path, slow_saves: SlowSaves
) -> None:
    tab = opened(qtbot, local_window, small(tmp_path, "x.db"))
    edit(qtbot, tab, b"a", "changed")
    save_and_close(qtbot, local_window, Key.Key_W, slow_saves)

    dialog = begin_adding(qtbot, local_window, tab)
    slow_saves.may_end.set()
    qtbot.waitUntil(lambda: not tab.document.pending_changes and tab.runner.is_idle, timeout=WAIT)
    qtbot.keyClick(dialog, Key.Key_Escape)

    wait_until_closed(qtbot, local_window, tab)


def test_what_is_changed_in_another_tab_while_quitting_saves_is_asked_for(
    qtbot: QtBot, local_window: MainWindow, tmp_path: Path, slow_saves: SlowSaves
) -> None:
    paths = [small(tmp_path, name) for name in ("x.db", "y.db")]
    other = opened(qtbot, local_window, paths[1])
    tab = opened(qtbot, local_window, paths[0])
    edit(qtbot, tab, b"a", "changed")
    save_and_close(qtbot, local_window, Key.Key_Q, slow_saves)

    local_window.activateWindow()
    local_window.area.tabs.setCurrentWidget(other)
    edit(qtbot, other, b"a", "changed as well")
    slow_saves.may_end.set()
    box = box_of(qtbot, local_window)

    assert box.text() == "y.db has a change that is not saved."
    with qtbot.waitSignal(local_window.closed, timeout=WAIT):
        click(qtbot, box, "Save")
    assert [stored(path) for path in paths] == [{b"a": "changed"}, {b"a": "changed as well"}]


def boxes_in_sight(window: MainWindow) -> list[QMessageBox]:
    return [box for box in window.findChildren(QMessageBox, "close-guard") if box.isVisible()]


def begin_edit(qtbot: QtBot, tab: DatabaseTab, key: Key) -> None:
    """Paste an entry, or delete the current one."""
    QGuiApplication.clipboard().setText("'b': 'pasted'")
    go_to_table(qtbot, tab)
    qtbot.keyClick(tab.entries.view, key, CTRL if key == Key.Key_V else Qt.KeyboardModifier.NoModifier)


@pytest.mark.parametrize("key", [Key.Key_V, Key.Key_Delete])
@pytest.mark.parametrize("waits", [True, False])
def test_a_tab_is_not_closed_over_an_edit_that_is_on_its_way(
    qtbot: QtBot, local_window: MainWindow, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, key: Key, *, waits: bool
) -> None:
    tab = opened(qtbot, local_window, small(tmp_path, "x.db"))
    slow = SlowEdits(monkeypatch)
    begin_edit(qtbot, tab, key)
    if waits:
        qtbot.waitUntil(slow.began.is_set, timeout=WAIT)

    qtbot.keyClick(local_window, Key.Key_W, CTRL)
    qtbot.wait(50)
    assert tab in local_window.area.all()
    assert not boxes_in_sight(local_window)
    slow.may_end.set()

    box = box_of(qtbot, local_window)
    assert box.text() == "x.db has a change that is not saved."
    assert len(tab.document.pending_changes) == 1
    click(qtbot, box, "Discard")
    wait_until_closed(qtbot, local_window, tab)


def test_quitting_waits_for_an_edit_of_another_tab_and_names_that_too(
    qtbot: QtBot, local_window: MainWindow, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    edit(qtbot, opened(qtbot, local_window, small(tmp_path, "x.db")), b"a", "changed")
    other = opened(qtbot, local_window, small(tmp_path, "y.db"))
    slow = SlowEdits(monkeypatch)
    begin_edit(qtbot, other, Key.Key_V)
    qtbot.waitUntil(slow.began.is_set, timeout=WAIT)

    qtbot.keyClick(local_window, Key.Key_Q, CTRL)
    slow.may_end.set()

    assert box_of(qtbot, local_window).informativeText().startswith("x.db: 1\ny.db: 1\n")


def test_discarding_gives_up_no_more_than_what_was_named(
    qtbot: QtBot, local_window: MainWindow, tmp_path: Path
) -> None:
    tab = opened(qtbot, local_window, small(tmp_path, "x.db"))
    edit(qtbot, tab, b"a", "changed")
    other = opened(qtbot, local_window, small(tmp_path, "y.db"))
    qtbot.keyClick(local_window, Key.Key_Q, CTRL)
    box = box_of(qtbot, local_window)
    assert box.text() == "x.db has a change that is not saved."

    other.runner.start(other.document.add_job(b"b", b"late"))
    settle(qtbot, other)
    click(qtbot, box, "Discard")

    box = box_of(qtbot, local_window)
    assert box.text() == "y.db has a change that is not saved."
    with qtbot.waitSignal(local_window.closed, timeout=WAIT):
        click(qtbot, box, "Discard")


def test_quitting_names_all_that_is_not_saved_and_shows_what_could_not_be(
    qtbot: QtBot, local_window: MainWindow, tmp_path: Path
) -> None:
    paths = [small(tmp_path, name) for name in ("x.db", "y.db")]
    locked, tab = (opened(qtbot, local_window, path) for path in paths)
    edit(qtbot, tab, b"a", "changed")
    local_window.area.tabs.setCurrentWidget(locked)
    edit(qtbot, locked, b"a", "changed")
    local_window.area.tabs.setCurrentWidget(tab)
    assert local_window.windowTitle() == "y.db • - Shelfscope"

    with closing(sqlite3.connect(paths[0])) as writer:
        writer.execute("BEGIN IMMEDIATE")
        qtbot.keyClick(local_window, Key.Key_Q, CTRL)
        box = box_of(qtbot, local_window)
        assert box.text() == "2 databases have changes that are not saved."
        assert box.informativeText().startswith("x.db: 1\ny.db: 1\n")
        click(qtbot, box, "Save all")
        settle(qtbot, locked)
        settle(qtbot, tab)

    assert local_window.area.current is locked
    assert "x.db" in locked.notices.sentence
    assert len(locked.document.pending_changes) == 1
    assert stored(paths[1]) == {b"a": "changed"}
    assert local_window.isVisible()


def test_quitting_asks_about_a_copy_that_was_begun_while_it_waited_for_a_save(
    qtbot: QtBot, local_window: MainWindow, tmp_path: Path, slow_saves: SlowSaves, monkeypatch: pytest.MonkeyPatch
) -> None:
    other, tab = (opened(qtbot, local_window, small(tmp_path, name)) for name in ("x.db", "y.db"))
    edit(qtbot, tab, b"a", "changed")
    save_and_close(qtbot, local_window, Key.Key_Q, slow_saves)
    slow_copies = SlowCopies(monkeypatch)

    local_window.area.show_tab(other)
    run_command(qtbot, local_window, "save-copy")
    settle(qtbot, other)
    dialog = part(local_window, QDialog, "new-database")
    type_place(qtbot, dialog, tmp_path / "z.db")
    press_enter(qtbot, dialog)
    qtbot.waitUntil(slow_copies.written.is_set, timeout=WAIT)
    slow_saves.may_end.set()
    settle(qtbot, tab)

    box = part(local_window, QMessageBox, "give-up-question")
    assert "Writing z.db" in box.text()
    slow_copies.may_end.set()
    with qtbot.waitSignal(local_window.closed, timeout=WAIT):
        click(qtbot, box, "Quit")
    assert stored(tmp_path / "y.db") == {b"a": "changed"}


def test_quitting_twice_in_the_midst_of_a_save_closes_once(
    qtbot: QtBot, local_window: MainWindow, tmp_path: Path, slow_saves: SlowSaves
) -> None:
    tab = opened(qtbot, local_window, small(tmp_path, "x.db"))
    edit(qtbot, tab, b"a", "changed")
    closed: list[str] = []
    local_window.closed.connect(lambda: closed.append("closed"))
    save_and_close(qtbot, local_window, Key.Key_Q, slow_saves)
    qtbot.keyClick(local_window, Key.Key_Q, CTRL)

    slow_saves.may_end.set()
    qtbot.waitUntil(lambda: bool(closed), timeout=WAIT)
    qtbot.wait(50)

    assert closed == ["closed"]
    assert stored(tmp_path / "x.db") == {b"a": "changed"}
