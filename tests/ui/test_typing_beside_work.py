"""What is typed while keys are read, a save runs or another edit is on its way is taken, kept, or not begun."""

import pickle
from pathlib import Path
from threading import Event
from typing import Any

import pytest
from PySide6.QtGui import QGuiApplication
from pytestqt.qtbot import QtBot

from app.document.draft import Draft, Edited
from app.engine.local import LocalEngine
from app.errors import EngineStopped
from app.ui.database_tab import DatabaseTab
from app.ui.main_window import MainWindow
from tests.engine.shelves import make_sqlite
from tests.ui.commands import run_in_palette
from tests.ui.disk import edit, go_to_value, type_value
from tests.ui.editing import CTRL, Key, go, pane, press, wait_for_focus
from tests.ui.fixtures import WAIT, opened, settle
from tests.ui.slow import SlowSaves

LIST = pickle.dumps([1, 2], 4)


class SlowWork:
    """A step of the document's that begins at once and ends when it may."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
        self.began, self.may_end = Event(), Event()
        work = getattr(Draft, name)

        def slow(draft: Draft, *given: Any, **named: Any) -> Edited:
            self.began.set()
            self.may_end.wait(WAIT / 1_000)
            outcome: Edited = work(draft, *given, **named)
            return outcome

        monkeypatch.setattr(Draft, name, slow)


@pytest.fixture
def tab(qtbot: QtBot, local_window: MainWindow, tmp_path: Path) -> DatabaseTab:
    path = make_sqlite(tmp_path / "x.db", {b"a": pickle.dumps("text", 4), b"b": LIST})
    tab = opened(qtbot, local_window, path)
    go_to_value(qtbot, tab, b"b")
    return tab


def show_hex(qtbot: QtBot, tab: DatabaseTab) -> None:
    tab.value.panes.setCurrentWidget(tab.value.hex)
    settle(qtbot, tab)
    tab.value.hex.pane.setFocus()


def type_bytes(qtbot: QtBot, tab: DatabaseTab) -> None:
    """Type over the first byte of the value."""
    tab.value.hex.pane.setFocus()
    qtbot.keyClick(tab.value.hex.pane, Key.Key_F2)
    qtbot.keyClicks(tab.value.hex.pane, "41")


def type_key(qtbot: QtBot, tab: DatabaseTab) -> None:
    tab.entries.view.setFocus()
    wait_for_focus(qtbot, tab.entries.view)
    press(qtbot, tab, Key.Key_F2)
    editor = tab.entries.view.editing.editor
    assert editor is not None
    qtbot.keyClicks(editor, "new")


def pending(tab: DatabaseTab) -> dict[bytes, bytes]:
    return {change.ref.key: change.value for change in tab.document.pending_changes if not change.is_deleted}


@pytest.mark.parametrize("where", ["line", "pane", "key", "hex"])
def test_what_is_typed_is_taken_before_the_keys_are_read_again(
    qtbot: QtBot, local_window: MainWindow, tab: DatabaseTab, where: str
) -> None:
    if where == "line":
        go(qtbot, tab, "[1]")
        type_value(qtbot, tab, "77")
    elif where == "pane":
        run_in_palette(qtbot, local_window, local_window.actions_["append-item"])
        qtbot.keyClicks(pane(qtbot, tab), "'typed'")
    elif where == "key":
        type_key(qtbot, tab)
    else:
        show_hex(qtbot, tab)
        type_bytes(qtbot, tab)

    qtbot.keyClick(local_window, Key.Key_F5)
    settle(qtbot, tab)

    [(key, value)] = pending(tab).items()
    assert key == (b"new" if where == "key" else b"b")
    if where == "hex":
        assert value == b"A" + LIST[1:]
    else:
        assert pickle.loads(value) == {"line": [1, 77], "pane": [1, 2, "typed"], "key": [1, 2]}[where]


def test_a_refused_text_stays_and_the_keys_are_not_read_again(
    qtbot: QtBot, local_window: MainWindow, tab: DatabaseTab
) -> None:
    go(qtbot, tab, "[1]")
    type_value(qtbot, tab, "[")
    index = tab.document.index

    qtbot.keyClick(local_window, Key.Key_F5)
    settle(qtbot, tab)

    editor = tab.value.tree.editor
    assert editor is not None
    assert editor.text() == "["
    assert tab.document.index is index


@pytest.mark.parametrize("where", ["pane", "key", "hex"])
def test_no_editor_opens_while_a_save_runs_that_would_close_it(
    qtbot: QtBot, local_window: MainWindow, tab: DatabaseTab, monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    edit(qtbot, tab, b"a", "changed")
    go_to_value(qtbot, tab, b"b")
    show_hex(qtbot, tab)
    saves = SlowSaves(monkeypatch)
    qtbot.keyClick(local_window, Key.Key_S, CTRL)
    qtbot.waitUntil(saves.began.is_set, timeout=WAIT)

    if where == "pane":
        run_in_palette(qtbot, local_window, local_window.actions_["append-item"])
    elif where == "key":
        tab.entries.view.setFocus()
        qtbot.keyClick(tab.entries.view, Key.Key_F2)
    else:
        type_bytes(qtbot, tab)

    assert not tab.editing.is_active
    assert "is being written" in tab.notices.sentence
    saves.may_end.set()
    settle(qtbot, tab)
    type_bytes(qtbot, tab)
    assert tab.editing.is_open


def test_a_pane_that_is_wanted_while_an_undo_is_worked_out_opens_behind_it(
    qtbot: QtBot, local_window: MainWindow, tab: DatabaseTab, monkeypatch: pytest.MonkeyPatch
) -> None:
    go(qtbot, tab, "[1]")
    press(qtbot, tab, Key.Key_Delete)
    tab.value.tree.setCurrentIndex(tab.value.model.index(0, 0))
    undo = SlowWork(monkeypatch, "stepped")
    qtbot.keyClick(local_window, Key.Key_Z, CTRL)
    qtbot.waitUntil(undo.began.is_set, timeout=WAIT)

    run_in_palette(qtbot, local_window, local_window.actions_["append-item"])
    assert not tab.editing.is_active
    undo.may_end.set()
    settle(qtbot, tab)
    qtbot.keyClicks(pane(qtbot, tab), "'typed'")
    settle(qtbot, tab)

    assert tab.editing.is_open
    assert not tab.document.pending_changes


def test_bytes_cannot_be_typed_before_the_edit_on_its_way_is_in_sight(
    qtbot: QtBot, tab: DatabaseTab, monkeypatch: pytest.MonkeyPatch
) -> None:
    go(qtbot, tab, "[1]")
    show_hex(qtbot, tab)
    deletion = SlowWork(monkeypatch, "edited")
    tab.value.tree.setFocus()
    qtbot.keyClick(tab.value.tree, Key.Key_Delete)
    qtbot.waitUntil(deletion.began.is_set, timeout=WAIT)

    type_bytes(qtbot, tab)
    assert not tab.editing.is_open
    qtbot.keyClick(tab.value.hex.pane, Key.Key_Return, CTRL)
    deletion.may_end.set()
    settle(qtbot, tab)

    assert pickle.loads(pending(tab)[b"b"]) == [1]


def test_bytes_that_are_refused_stay_and_are_taken_later(
    qtbot: QtBot, tab: DatabaseTab, monkeypatch: pytest.MonkeyPatch
) -> None:
    show_hex(qtbot, tab)
    type_bytes(qtbot, tab)

    def stopped(*_: object) -> bytes:
        raise EngineStopped("The process ended.")

    with monkeypatch.context() as broken:
        broken.setattr(LocalEngine, "read", stopped)
        qtbot.keyClick(tab.value.hex.pane, Key.Key_Return, CTRL)
        settle(qtbot, tab)
    assert tab.value.hex.pane.is_changed
    assert tab.notices.sentence == "The process ended."
    qtbot.keyClick(tab.value.hex.pane, Key.Key_Return, CTRL)
    settle(qtbot, tab)

    assert pending(tab) == {b"b": b"A" + LIST[1:]}
    assert not tab.editing.is_active


@pytest.mark.parametrize("action", ["paste-entries", "add-entry"])
def test_a_paste_and_a_new_entry_wait_for_a_text_that_is_refused(
    qtbot: QtBot, local_window: MainWindow, tab: DatabaseTab, action: str
) -> None:
    go(qtbot, tab, "[1]")
    type_value(qtbot, tab, "[77, 'a lot of typing'")
    press(qtbot, tab, Key.Key_Return)
    QGuiApplication.clipboard().setText("'b': 'pasted'")
    tab.entries.view.setFocus()
    wait_for_focus(qtbot, tab.entries.view)

    run_in_palette(qtbot, local_window, local_window.actions_[action])
    settle(qtbot, tab)

    editor = tab.value.tree.editor
    assert editor is not None
    assert editor.text() == "[77, 'a lot of typing'"
    assert editor.hasFocus()
    assert not pending(tab)
