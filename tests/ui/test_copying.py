"""Save as, a copy and a conversion that cannot be done, or not of all entries: nothing is lost by them."""

import pickle
from pathlib import Path

import pytest
from PySide6.QtWidgets import QDialog
from pytestqt.qtbot import QtBot

from app.ui.database_tab import DatabaseTab
from app.ui.main_window import MainWindow
from tests.engine.shelves import make_sqlite, read_sqlite
from tests.ui.disk import click, edit, titles
from tests.ui.editing import CTRL, SHIFT, Key
from tests.ui.editing import press as press_key
from tests.ui.fixtures import WAIT, opened, settle
from tests.ui.making import ask_save_as, finish_errands, part, press_enter, type_place
from tests.ui.slow import SlowCopies


@pytest.fixture
def tab(qtbot: QtBot, local_window: MainWindow, tmp_path: Path) -> DatabaseTab:
    """A database with an entry that SDBM cannot hold, and a change that is not saved."""
    entries = {b"small": pickle.dumps("text", 4), b"big": pickle.dumps("x" * 5_000, 4)}
    tab = opened(qtbot, local_window, make_sqlite(tmp_path / "x.db", entries))
    edit(qtbot, tab, b"small", "changed")
    return tab


def test_a_tab_stays_with_its_file_when_a_save_as_leaves_entries_out(
    qtbot: QtBot, local_window: MainWindow, tab: DatabaseTab, tmp_path: Path
) -> None:
    ask_save_as(qtbot, local_window, tab, "sdbm", tmp_path / "copy")
    qtbot.waitUntil(lambda: local_window.findChild(QDialog, "refusals") is not None, timeout=WAIT)
    click(qtbot, part(local_window, QDialog, "refusals"), "Leave it out")
    finish_errands(qtbot, local_window)

    assert tab.document.path == tmp_path / "x.db"
    assert [change.ref.key for change in tab.document.pending_changes] == [b"small"]
    assert "1 entry, 1 left out. This tab stays with x.db" in tab.notices.sentence
    assert titles(tab.notices) == ["Open"]


def test_a_tab_stays_with_its_file_where_an_edit_was_saved_there_while_the_copy_was_written(
    qtbot: QtBot, local_window: MainWindow, tab: DatabaseTab, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    copies = SlowCopies(monkeypatch)
    ask_save_as(qtbot, local_window, tab, "sqlite3", tmp_path / "y.db")
    qtbot.waitUntil(copies.written.is_set, timeout=WAIT)
    edit(qtbot, tab, b"big", "later")

    press_key(qtbot, tab, Key.Key_S, CTRL)
    settle(qtbot, tab)
    copies.may_end.set()
    finish_errands(qtbot, local_window)

    assert tab.document.path == tmp_path / "x.db"
    assert "This tab stays with x.db" in tab.notices.sentence
    assert titles(tab.notices) == ["Open"]
    assert pickle.loads(read_sqlite(tmp_path / "x.db")[b"big"]) == "later"
    assert pickle.loads(read_sqlite(tmp_path / "y.db")[b"big"]) == "x" * 5_000


def test_a_format_that_can_hold_nothing_is_not_written(
    qtbot: QtBot, local_window: MainWindow, tab: DatabaseTab, tmp_path: Path
) -> None:
    ask_save_as(qtbot, local_window, tab, "pickle-file", tmp_path / "copy.pkl")
    finish_errands(qtbot, local_window)

    assert tab.notices.sentence.startswith("None of the 2 entries can be stored in copy.pkl (Pickle file)")
    assert local_window.findChild(QDialog, "refusals") is None
    assert sorted(path.name for path in tmp_path.iterdir()) == ["x.db"]
    assert len(tab.document.pending_changes) == 1


def test_a_copy_that_failed_can_go_to_another_place(
    qtbot: QtBot, local_window: MainWindow, tab: DatabaseTab, tmp_path: Path
) -> None:
    target = tmp_path / "taken" / "copy.db"
    target.parent.mkdir()
    press_key(qtbot, tab, Key.Key_S, CTRL | SHIFT)
    dialog = part(local_window, QDialog, "new-database")
    type_place(qtbot, dialog, target)
    target.parent.rmdir()
    press_enter(qtbot, dialog)
    finish_errands(qtbot, local_window)
    assert "copy.db" in tab.notices.sentence
    assert local_window.notices.sentence == ""

    click(qtbot, tab.notices, "Another place…")
    dialog = part(local_window, QDialog, "new-database")
    type_place(qtbot, dialog, tmp_path / "copy.db")
    press_enter(qtbot, dialog)
    finish_errands(qtbot, local_window)

    assert tab.document.path == tmp_path / "copy.db"
    assert pickle.loads(read_sqlite(tmp_path / "copy.db")[b"small"]) == "changed"
