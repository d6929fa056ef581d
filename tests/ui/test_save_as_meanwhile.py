"""What is done in a tab while its copy is written (*Save as*) lies over the copy, or the tab stays with its file."""

import pickle
from collections.abc import Callable
from pathlib import Path
from threading import Event
from typing import Any

import pytest
from pytestqt.qtbot import QtBot

from app.engine.local import LocalEngine
from app.ui.database_tab import DatabaseTab
from app.ui.main_window import MainWindow
from tests.engine.shelves import make_sqlite, read_sqlite
from tests.ui import entries
from tests.ui.commands import run_in_palette
from tests.ui.disk import click, go_to_value, titles, type_value
from tests.ui.editing import CTRL, Key, go, pane, press, type_text
from tests.ui.entries import question
from tests.ui.fixtures import WAIT, opened, settle
from tests.ui.making import ask_save_as, finish_errands
from tests.ui.slow import SlowCopies

End = Callable[[], None]
"""Lets the copy be done, and waits for what follows."""


def shared(name: str) -> bytes:
    one = [name]
    return pickle.dumps({"x": one, "y": one}, 4)


@pytest.fixture
def tab(qtbot: QtBot, local_window: MainWindow, tmp_path: Path) -> DatabaseTab:
    """A database whose first entry is to be deleted."""
    values = {b"a": pickle.dumps("gone", 4), b"b": shared("b"), b"c": shared("c"), b"d": pickle.dumps([1, 2], 4)}
    tab = opened(qtbot, local_window, make_sqlite(tmp_path / "x.db", values))
    entries.select(tab, 0)
    entries.press(qtbot, tab, Key.Key_Delete)
    assert entries.kinds(tab) == {b"a": "deleted"}
    return tab


@pytest.fixture
def end(
    qtbot: QtBot, local_window: MainWindow, tab: DatabaseTab, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> End:
    """Begin to save the tab as another file."""
    copies = SlowCopies(monkeypatch)
    tab.entries.view.setFocus()
    ask_save_as(qtbot, local_window, tab, "sqlite3", tmp_path / "y.db")
    qtbot.waitUntil(copies.written.is_set, timeout=WAIT)

    def ended() -> None:
        copies.may_end.set()
        finish_errands(qtbot, local_window)

    return ended


def stays(tab: DatabaseTab, why: str) -> bool:
    """Tell whether the tab stays with its file, says so, and offers the copy."""
    said = tab.notices.sentence
    return tab.document.name == "x.db" and f"stays with x.db, so that {why}" in said and titles(tab.notices) == ["Open"]


def test_an_answer_to_where_changes_the_entry_it_was_asked_about(
    qtbot: QtBot, local_window: MainWindow, tab: DatabaseTab, end: End
) -> None:
    go_to_value(qtbot, tab, b"b")
    go(qtbot, tab, "['x'][0]")
    type_value(qtbot, tab, "typed for b")
    press(qtbot, tab, Key.Key_Return)
    box = question(local_window, "where-question")

    end()
    assert stays(tab, "what is typed stays")
    click(qtbot, box, "Everywhere it is shared")
    settle(qtbot, tab)

    changed = {change.ref.key: change for change in tab.document.pending_changes}
    assert changed.keys() == {b"a", b"b"}
    assert pickle.loads(changed[b"b"].value) == {"x": ["typed for b"], "y": ["typed for b"]}


def test_an_answer_to_replace_renames_the_entry_it_was_asked_about(
    qtbot: QtBot, local_window: MainWindow, tab: DatabaseTab, end: End
) -> None:
    entries.select(tab, 1)
    entries.press(qtbot, tab, Key.Key_F2)
    type_text(qtbot, tab, "d")
    press(qtbot, tab, Key.Key_Return)

    end()
    assert stays(tab, "what is typed stays")
    entries.answer(qtbot, local_window, tab, "taken-question", "Replace")

    assert entries.kinds(tab) == {b"a": "deleted", b"b": "deleted", b"d": "changed"}
    assert entries.value_of(tab, b"d") == {"x": ["b"], "y": ["b"]}


def test_a_line_with_a_wrong_text_stays_open(qtbot: QtBot, tab: DatabaseTab, end: End) -> None:
    go_to_value(qtbot, tab, b"d")
    go(qtbot, tab, "[1]")
    type_value(qtbot, tab, "[77")

    end()

    assert stays(tab, "what is typed stays")
    editor = tab.value.tree.editor
    assert editor is not None
    assert editor.text() == "[77"


def test_a_pane_with_a_wrong_text_stays_open(
    qtbot: QtBot, local_window: MainWindow, tab: DatabaseTab, end: End
) -> None:
    go_to_value(qtbot, tab, b"d")
    go(qtbot, tab, "[1]")
    run_in_palette(qtbot, local_window, local_window.actions_["append-item"])
    qtbot.keyClicks(pane(qtbot, tab), "{'a long text that took minutes': ")

    end()

    assert stays(tab, "what is typed stays")
    assert pane(qtbot, tab).toPlainText() == "{'a long text that took minutes': "


def test_a_right_text_is_taken_and_lies_over_the_copy(qtbot: QtBot, tab: DatabaseTab, end: End, tmp_path: Path) -> None:
    go_to_value(qtbot, tab, b"d")
    go(qtbot, tab, "[1]")
    type_value(qtbot, tab, "77")

    end()

    assert tab.document.path == tmp_path / "y.db"
    assert entries.kinds(tab) == {b"d": "changed"}
    assert entries.value_of(tab, b"d") == [1, 77]


def test_what_is_undone_is_pending_over_the_copy(qtbot: QtBot, tab: DatabaseTab, end: End, tmp_path: Path) -> None:
    entries.select(tab, 1)
    entries.press(qtbot, tab, Key.Key_Z, CTRL)
    assert not tab.document.pending_changes

    end()
    assert tab.document.path == tmp_path / "y.db"
    assert tab.notices.sentence.startswith("Saved as y.db")
    assert entries.kinds(tab) == {b"a": "added"}
    assert b"a" not in read_sqlite(tmp_path / "y.db")
    entries.select(tab, 0)
    entries.press(qtbot, tab, Key.Key_S, CTRL)

    assert read_sqlite(tmp_path / "y.db") == read_sqlite(tmp_path / "x.db")


def test_a_save_behind_a_slow_edit_says_that_it_was_not_done_for_what_is_being_typed(
    qtbot: QtBot, tab: DatabaseTab, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    may_end = Event()
    read = LocalEngine.read

    def slow(*given: Any, **options: Any) -> bytes:
        may_end.wait(WAIT / 1_000)
        return read(*given, **options)

    monkeypatch.setattr(LocalEngine, "read", slow)
    view = tab.entries.view
    entries.select(tab, 3)
    tab.window().activateWindow()
    qtbot.waitUntil(view.hasFocus, timeout=WAIT)
    qtbot.keyClick(view, Key.Key_Delete)
    qtbot.keyClick(view, Key.Key_S, CTRL)
    entries.select(tab, 1)
    qtbot.keyClick(view, Key.Key_F2)
    editor = view.editing.editor
    assert editor is not None
    qtbot.keyClicks(editor, "half")

    may_end.set()
    settle(qtbot, tab)

    assert view.editing.editor is editor
    assert "Something else is being typed in x.db by now" in tab.notices.sentence
    assert b"a" in read_sqlite(tmp_path / "x.db")
