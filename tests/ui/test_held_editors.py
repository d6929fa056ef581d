"""What was handed over is not typed on while the engine works on it, and given up by nothing but an undo."""

import pickle
from pathlib import Path

import pytest
from PySide6.QtWidgets import QLineEdit, QPlainTextEdit
from pytestqt.qtbot import QtBot

from app.ui.database_tab import DatabaseTab
from app.ui.main_window import MainWindow
from tests.engine.shelves import make_sqlite
from tests.ui.editing import (
    CTRL,
    LEFT,
    Key,
    current_path,
    field,
    go,
    line,
    open_rich,
    pane,
    press,
    row_at,
    type_text,
    wait_for_focus,
)
from tests.ui.fixtures import WAIT, opened, settle
from tests.ui.key_typing import type_key
from tests.ui.slow import SlowEdits


@pytest.fixture
def tab(qtbot: QtBot, local_window: MainWindow, tmp_path: Path) -> DatabaseTab:
    return open_rich(qtbot, local_window, tmp_path)


def begin(qtbot: QtBot, tab: DatabaseTab, path: str) -> QLineEdit | QPlainTextEdit:
    """Open the editor of a row: a line, or the pane where the text has several."""
    go(qtbot, tab, path)
    press(qtbot, tab, Key.Key_F2)
    settle(qtbot, tab)
    return pane(qtbot, tab) if tab.value.tree.editor is None else line(tab)


@pytest.mark.parametrize(("path", "typed"), [("['text']", "typed"), ("['lines']", "typed"), ("['bytes']", "b'typed'")])
def test_a_value_takes_no_keys_while_it_is_on_its_way(
    qtbot: QtBot, tab: DatabaseTab, monkeypatch: pytest.MonkeyPatch, path: str, typed: str
) -> None:
    editor = begin(qtbot, tab, path)
    qtbot.keyClick(editor, Key.Key_A, CTRL)
    qtbot.keyClicks(editor, typed)
    slow = SlowEdits(monkeypatch)
    qtbot.keyClick(editor, Key.Key_Return, CTRL)
    qtbot.waitUntil(slow.began.is_set, timeout=WAIT)

    qtbot.keyClicks(editor, " lost")
    qtbot.keyClick(editor, Key.Key_Escape)
    text = editor.text() if isinstance(editor, QLineEdit) else editor.toPlainText()
    slow.may_end.set()
    settle(qtbot, tab)

    assert text == typed
    assert field(tab, path[2:-2]) == (b"typed" if path == "['bytes']" else "typed")
    assert not tab.editing.is_active


def test_a_value_that_was_refused_takes_keys_again(qtbot: QtBot, tab: DatabaseTab) -> None:
    go(qtbot, tab, "['int']")
    press(qtbot, tab, Key.Key_F2)
    wait_for_focus(qtbot, line(tab))
    type_text(qtbot, tab, "1.5")
    press(qtbot, tab, Key.Key_Return)

    qtbot.keyClick(line(tab), Key.Key_A, CTRL)
    qtbot.keyClicks(line(tab), "15")
    press(qtbot, tab, Key.Key_Return)

    assert field(tab, "int") == 15


def test_an_edit_elsewhere_leads_back_to_what_was_refused_and_says_so(qtbot: QtBot, tab: DatabaseTab) -> None:
    go(qtbot, tab, "['int']")
    press(qtbot, tab, Key.Key_F2)
    wait_for_focus(qtbot, line(tab))
    type_text(qtbot, tab, "1.5")
    press(qtbot, tab, Key.Key_Return)
    other = tab.value.tree.visualRect(row_at(qtbot, tab, "['float']")).center()

    qtbot.mouseClick(tab.value.tree.viewport(), LEFT, pos=other)
    qtbot.mouseDClick(tab.value.tree.viewport(), LEFT, pos=other)
    settle(qtbot, tab)

    assert current_path(tab) == "['int']"
    assert line(tab).hasFocus()
    assert "not taken yet" in tab.notices.sentence


def test_escape_leaves_a_key_that_is_on_its_way(
    qtbot: QtBot, local_window: MainWindow, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shelf = make_sqlite(tmp_path / "keys.db", {key: pickle.dumps("text", 4) for key in (b"a", b"b")})
    tab = opened(qtbot, local_window, shelf)
    editor = type_key(qtbot, tab, 0, "new")
    slow = SlowEdits(monkeypatch)
    qtbot.keyClick(editor, Key.Key_Return)
    qtbot.waitUntil(slow.began.is_set, timeout=WAIT)

    qtbot.keyClick(editor, Key.Key_Escape)
    is_there = tab.entries.view.editing.editor is editor
    slow.may_end.set()
    settle(qtbot, tab)

    assert is_there
    assert [change.ref.key for change in tab.document.pending_changes if not change.is_deleted] == [b"new"]
