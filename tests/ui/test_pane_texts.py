"""Texts in the pane: where JSON is wrong is said, and ends of lines stay as they were, mixed ones too."""

import pickle
from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot

from app.ui.database_tab import DatabaseTab
from app.ui.main_window import MainWindow
from tests.engine.shelves import make_sqlite
from tests.ui.editing import CTRL, Key, field, go, pane, press, type_text, wait_for_focus
from tests.ui.fixtures import WAIT, opened, settle

MIXED = "one\r\ntwo\nthree\rfour"


def test_the_pane_says_where_json_is_wrong_and_keeps_it(qtbot: QtBot, tab: DatabaseTab) -> None:
    go(qtbot, tab, "['list']")
    wait_for_focus(qtbot, tab.value.tree)
    press(qtbot, tab, Key.Key_F2, CTRL)
    text = pane(qtbot, tab)
    wait_for_focus(qtbot, text)

    type_text(qtbot, tab, '["a",')
    qtbot.keyClick(text, Key.Key_Return)
    qtbot.keyClicks(text, '  "b", nope]')
    press(qtbot, tab, Key.Key_Return, CTRL)

    assert tab.value.panes.editor.error.text().startswith("Line 2, column 8: ")
    cursor = text.textCursor()
    assert (cursor.blockNumber(), min(cursor.position(), cursor.anchor()) - cursor.block().position()) == (1, 7)
    assert text.toPlainText() == '["a",\n  "b", nope]'
    assert text.hasFocus()
    assert field(tab, "list") == ["a", "b", "c"]


@pytest.mark.parametrize("is_whole", [True, False], ids=["the value", "within one"])
def test_mixed_ends_of_lines_stay_where_they_are(
    qtbot: QtBot, local_window: MainWindow, tmp_path: Path, is_whole: bool
) -> None:
    value = MIXED if is_whole else {"text": MIXED}
    tab = opened(qtbot, local_window, make_sqlite(tmp_path / "t.db", {b"k": pickle.dumps(value, 4)}))
    go(qtbot, tab, "" if is_whole else "['text']")
    wait_for_focus(qtbot, tab.value.tree)

    press(qtbot, tab, Key.Key_F2)
    settle(qtbot, tab)
    line = tab.value.tree.editor
    editor = pane(qtbot, tab) if line is None else line
    wait_for_focus(qtbot, editor)
    qtbot.keyClick(editor, Key.Key_End, CTRL)
    if "'" in (tab.value.panes.editor.plain_text if line is None else line.text()):
        qtbot.keyClick(editor, Key.Key_Left)
    qtbot.keyClicks(editor, "!")
    qtbot.keyClick(editor, Key.Key_Return, CTRL)
    qtbot.waitUntil(lambda: bool(tab.document.pending_changes), timeout=WAIT)
    settle(qtbot, tab)

    [change] = tab.document.pending_changes
    assert pickle.loads(change.value) == (MIXED + "!" if is_whole else {"text": MIXED + "!"})
