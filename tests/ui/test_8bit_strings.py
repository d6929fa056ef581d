"""Python 2's 8-bit strings are typed as texts are, as long as they are ASCII; else their escapes are."""

import pickle
from pathlib import Path

import pytest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from app.ui.database_tab import DatabaseTab
from app.ui.main_window import MainWindow
from tests.engine.shelves import make_sqlite
from tests.ui.editing import CTRL, Key, go, line, pane, press, reason, type_text, wait_for_focus
from tests.ui.fixtures import WAIT, opened, settle

# As Python 2's pickle writes {'name': 'Anna', 'lines': 'one\ntwo', 'city': 'Zürich' in Latin-1, 'rows': in both}.
PICKLED = (
    b"(dp1\nS'name'\np2\nS'Anna'\np3\nsS'lines'\np4\nS'one\\ntwo'\np5\n"
    b"sS'city'\np6\nS'Z\\xfcrich'\np7\nsS'rows'\np8\nS'Z\\xfcrich\\nBern'\np9\ns."
)


@pytest.fixture
def tab(qtbot: QtBot, local_window: MainWindow, tmp_path: Path) -> DatabaseTab:
    return opened(qtbot, local_window, make_sqlite(tmp_path / "python2.db", {b"k": PICKLED}))


def begin(qtbot: QtBot, tab: DatabaseTab, path: str) -> None:
    go(qtbot, tab, path)
    wait_for_focus(qtbot, tab.value.tree)
    press(qtbot, tab, Key.Key_F2)
    settle(qtbot, tab)


def changed(qtbot: QtBot, tab: DatabaseTab) -> dict[bytes, bytes]:
    """Return what Python 2 would load, its strings as bytes."""
    qtbot.waitUntil(lambda: bool(tab.document.pending_changes), timeout=WAIT)
    settle(qtbot, tab)
    [change] = tab.document.pending_changes
    loaded: dict[bytes, bytes] = pickle.loads(change.value, encoding="bytes")
    return loaded


def test_a_word_needs_no_quotes(qtbot: QtBot, tab: DatabaseTab) -> None:
    begin(qtbot, tab, "['name']")
    wait_for_focus(qtbot, line(tab))
    type_text(qtbot, tab, "Berta O'Hara")
    press(qtbot, tab, Key.Key_Return)
    assert changed(qtbot, tab)[b"name"] == b"Berta O'Hara"


def test_several_lines_open_in_the_pane(qtbot: QtBot, tab: DatabaseTab) -> None:
    begin(qtbot, tab, "['lines']")
    text = pane(qtbot, tab)
    wait_for_focus(qtbot, text)
    assert text.toPlainText() == "one\ntwo"
    qtbot.keyClick(text, Key.Key_End, CTRL)
    qtbot.keyClick(text, Key.Key_Return)
    qtbot.keyClicks(text, "three")
    qtbot.keyClick(text, Key.Key_Return, CTRL)
    assert changed(qtbot, tab)[b"lines"] == b"one\ntwo\nthree"


@pytest.mark.parametrize(("name", "shown"), [("city", r"'Z\xfcrich'"), ("rows", r"'Z\xfcrich\nBern'")])
def test_bytes_beyond_ascii_are_typed_as_escapes(qtbot: QtBot, tab: DatabaseTab, name: str, shown: str) -> None:
    begin(qtbot, tab, f"['{name}']")
    editor = line(tab)
    wait_for_focus(qtbot, editor)
    assert editor.text() == shown
    type_text(qtbot, tab, r"'K\xf6ln'")
    press(qtbot, tab, Key.Key_Return)
    assert changed(qtbot, tab)[name.encode()] == b"K\xf6ln"


def test_other_characters_are_refused_with_the_way_to_write_them(qtbot: QtBot, tab: DatabaseTab) -> None:
    begin(qtbot, tab, "['name']")
    wait_for_focus(qtbot, line(tab))
    QApplication.clipboard().setText("K\xf6ln")
    press(qtbot, tab, Key.Key_A, CTRL)
    press(qtbot, tab, Key.Key_V, CTRL)
    press(qtbot, tab, Key.Key_Return)
    settle(qtbot, tab)
    assert r"as 'caf\xe9'" in reason(tab).text()
    assert line(tab).text() == "K\xf6ln"
