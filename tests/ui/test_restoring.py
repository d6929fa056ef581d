"""Unsaved changes that a session left are offered when its database is opened again."""

import pickle
from collections.abc import Iterator
from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot

from app.document.document import Document
from app.document.history import EntryRef
from app.document.job import run_now
from app.document.journals import Journals
from app.engine.local import LocalEngine
from app.ui.main_window import MainWindow
from tests.ui.commands import run_command
from tests.ui.disk import click, edit, go_to_value, type_value
from tests.ui.editing import CTRL, Key, go, line
from tests.ui.editing import press as key_press
from tests.ui.edits import change_value
from tests.ui.fixtures import WAIT, opened, opened_window, settle
from tests.ui.making import press


@pytest.fixture
def journals(tmp_path: Path) -> Journals:
    return Journals(tmp_path / "journals")


@pytest.fixture
def window(qtbot: QtBot, journals: Journals) -> Iterator[MainWindow]:
    yield from opened_window(qtbot, LocalEngine, journals=journals)


@pytest.fixture
def crashed(shelf: Path, journals: Journals, tmp_path: Path) -> Path:
    """A shelf whose editing ended without a word: its journal is left, and nobody holds it."""
    document = Document(LocalEngine(), shelf, journals=journals)
    run_now(document.open_job())
    run_now(document.index_job())
    run_now(document.literal_job(0, "['id']", "7"))
    run_now(document.delete_job([2]))
    document.flush_journal()
    kept = {path: path.read_bytes() for path in journals.folder.glob("*.journal")}
    document.close()
    for path, data in kept.items():
        path.write_bytes(data)
    assert len(journals.found(shelf)) == 1
    return shelf


def test_changes_that_were_left_are_offered_and_restored(
    qtbot: QtBot, window: MainWindow, journals: Journals, crashed: Path
) -> None:
    tab = opened(qtbot, window, crashed)
    assert tab.restoring.bar.sentence == "2 unsaved changes of shop.db were kept when Shelfscope ended unexpectedly."

    press(tab.restoring.bar, "Restore")
    settle(qtbot, tab)
    tab.document.flush_journal()

    changed = {change.ref: change for change in tab.document.pending_changes}
    assert pickle.loads(changed[EntryRef(b"order:1")].value)["id"] == 7
    assert changed[EntryRef(b"numbers")].is_deleted
    assert "2 changes of the session before were restored." in tab.notices.sentence
    assert window.actions_["undo"].text() == "&Undo Restored changes"
    assert len(list(journals.folder.glob("*.journal"))) == 1, "the one of this session"


def test_changes_that_were_left_can_be_discarded(
    qtbot: QtBot, window: MainWindow, journals: Journals, crashed: Path
) -> None:
    tab = opened(qtbot, window, crashed)

    press(tab.restoring.bar, "Discard")
    settle(qtbot, tab)

    assert not tab.document.pending_changes
    assert (tab.notices.sentence, tab.restoring.bar.sentence) == ("", "")
    assert not journals.found(crashed)


def test_what_is_not_answered_is_offered_again(
    qtbot: QtBot, window: MainWindow, journals: Journals, crashed: Path
) -> None:
    opened(qtbot, window, crashed)
    run_command(qtbot, window, "close-tab")
    assert not window.area.all()

    tab = opened(qtbot, window, crashed)

    assert "were kept" in tab.restoring.bar.sentence


def test_the_offer_stays_while_something_else_is_saved(
    qtbot: QtBot, window: MainWindow, journals: Journals, crashed: Path
) -> None:
    tab = opened(qtbot, window, crashed)
    edit(qtbot, tab, "käse".encode(), "Brie")

    key_press(qtbot, tab, Key.Key_S, CTRL)

    assert not tab.document.pending_changes
    assert "were kept" in tab.restoring.bar.sentence
    press(tab.restoring.bar, "Restore")
    settle(qtbot, tab)
    assert tab.restoring.bar.sentence == ""
    assert len(tab.document.pending_changes) == 2


def test_a_session_that_ends_well_leaves_nothing(
    qtbot: QtBot, window: MainWindow, journals: Journals, shelf: Path
) -> None:
    tab = opened(qtbot, window, shelf)
    change_value(qtbot, tab, 0, "7", "['id']")
    tab.document.flush_journal()
    assert list(journals.folder.glob("*.journal"))

    run_command(qtbot, window, "save")
    settle(qtbot, tab)
    tab.document.flush_journal()

    assert not list(journals.folder.glob("*.journal"))
    assert tab.restoring.bar.sentence == ""


def test_nothing_is_said_where_nothing_was_left(qtbot: QtBot, window: MainWindow, shelf: Path) -> None:
    tab = opened(qtbot, window, shelf)

    assert (tab.notices.sentence, tab.restoring.bar.sentence) == ("", "")


def test_a_click_into_the_bar_leaves_the_focus_in_the_table(qtbot: QtBot, window: MainWindow, crashed: Path) -> None:
    tab = opened(qtbot, window, crashed)
    tab.entries.view.setFocus()

    click(qtbot, tab.restoring.bar, "Restore")
    settle(qtbot, tab)

    assert tab.entries.view.hasFocus()


def test_a_journal_that_cannot_be_written_is_told_of_at_the_first_edit(
    qtbot: QtBot, window: MainWindow, journals: Journals, shelf: Path
) -> None:
    journals.folder.write_text("a file where the folder should be")
    tab = opened(qtbot, window, shelf)

    edit(qtbot, tab, "käse".encode(), "Brie")

    qtbot.waitUntil(lambda: "would not survive a crash" in tab.notices.sentence, timeout=WAIT)


def test_what_is_typed_is_taken_before_changes_are_restored_over_it(
    qtbot: QtBot, window: MainWindow, crashed: Path
) -> None:
    tab = opened(qtbot, window, crashed)
    go_to_value(qtbot, tab, b"order:1")
    go(qtbot, tab, "['total']")
    type_value(qtbot, tab, "77")

    click(qtbot, tab.restoring.bar, "Restore")
    settle(qtbot, tab)
    restored = pickle.loads(tab.document.pending_changes[0].value)
    run_command(qtbot, window, "undo")
    settle(qtbot, tab)

    typed = pickle.loads(tab.document.pending_changes[0].value)
    assert (restored["id"], typed["id"], typed["total"]) == (7, 1, 77)


def test_nothing_is_restored_over_a_text_that_is_refused(
    qtbot: QtBot, window: MainWindow, journals: Journals, crashed: Path
) -> None:
    tab = opened(qtbot, window, crashed)
    go_to_value(qtbot, tab, b"order:1")
    go(qtbot, tab, "['total']")
    type_value(qtbot, tab, "[7")

    click(qtbot, tab.restoring.bar, "Restore")
    settle(qtbot, tab)

    assert line(tab).text() == "[7"
    assert line(tab).hasFocus()
    assert not tab.document.pending_changes
    assert "were kept" in tab.restoring.bar.sentence
