"""Unsaved changes that a session left are offered when its database is opened again."""

import os
import pickle
from pathlib import Path
from threading import Event

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QMessageBox, QToolButton
from pytestqt.qtbot import QtBot

from app.cancel import CancelToken
from app.document.history import EntryRef
from app.document.job import run_now
from app.document.journals import Journals
from app.engine.local import LocalEngine
from app.engine.value_calls import Source
from app.ui.main_window import MainWindow
from tests.ui.commands import run_command
from tests.ui.disk import click, edit, go_to_value, type_value
from tests.ui.editing import CTRL, Key, go, line
from tests.ui.editing import press as key_press
from tests.ui.edits import change_value
from tests.ui.fixtures import WAIT, left_by_a_crash, opened, opened_window, settle
from tests.ui.making import part, press


def test_changes_that_were_left_are_offered_and_restored(
    qtbot: QtBot, journaling_window: MainWindow, journals: Journals, crashed: Path
) -> None:
    tab = opened(qtbot, journaling_window, crashed)
    assert tab.restoring.bar.sentence == "2 unsaved changes of shop.db were kept when Shelfscope ended unexpectedly."

    press(tab.restoring.bar, "Restore")
    settle(qtbot, tab)
    tab.document.flush_journal()

    changed = {change.ref: change for change in tab.document.pending_changes}
    assert pickle.loads(changed[EntryRef(b"order:1")].value)["id"] == 7
    assert changed[EntryRef(b"numbers")].is_deleted
    assert "2 changes of the session before were restored." in tab.notices.sentence
    assert journaling_window.actions_["undo"].text() == "&Undo Restored changes"
    assert len(list(journals.folder.glob("*.journal"))) == 1, "the one of this session"


@pytest.mark.parametrize("agrees", [True, False])
def test_changes_that_were_left_are_discarded_after_a_question(
    qtbot: QtBot, journaling_window: MainWindow, journals: Journals, crashed: Path, *, agrees: bool
) -> None:
    tab = opened(qtbot, journaling_window, crashed)

    click(qtbot, tab.restoring.bar, "Discard…")
    question = part(journaling_window, QMessageBox, "discard-question")
    assert question.informativeText() == "Nothing else has them, and this cannot be undone."
    click(qtbot, question, "Discard" if agrees else "Cancel")
    settle(qtbot, tab)

    assert not tab.document.pending_changes
    assert tab.notices.sentence == ""
    assert bool(tab.restoring.bar.sentence) is not agrees
    assert bool(journals.found(crashed)) is not agrees


def test_sessions_are_restored_in_the_order_in_which_they_ended(
    qtbot: QtBot, journaling_window: MainWindow, journals: Journals, crashed: Path
) -> None:
    os.utime(journals.found(crashed)[0].path, (0, 0))
    left_by_a_crash(crashed, journals, lambda document: run_now(document.literal_job(0, "['id']", "8")))
    tab = opened(qtbot, journaling_window, crashed)
    assert tab.restoring.bar.sentence.startswith("2 unsaved changes of shop.db")
    assert tab.restoring.bar.sentence.endswith("1 later session is offered next.")

    click(qtbot, tab.restoring.bar, "Restore")
    settle(qtbot, tab)
    assert tab.restoring.bar.sentence == "One unsaved change of shop.db was kept when Shelfscope ended unexpectedly."
    click(qtbot, tab.restoring.bar, "Restore")
    settle(qtbot, tab)

    changed = {change.ref: change for change in tab.document.pending_changes}
    assert pickle.loads(changed[EntryRef(b"order:1")].value)["id"] == 8
    assert changed[EntryRef(b"numbers")].is_deleted
    assert tab.restoring.bar.sentence == ""


class Waiting(LocalEngine):
    """Gets digests only when it may, or is given up."""

    may = Event()

    def digest(self, source: Source, token: CancelToken) -> bytes:
        while not self.may.wait(0.01):
            token.check()
        return super().digest(source, token)


def test_what_was_given_up_while_it_was_restored_is_offered_again(
    qtbot: QtBot, journals: Journals, crashed: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Waiting, "may", Event())
    for window in opened_window(qtbot, Waiting, journals=journals):
        tab = opened(qtbot, window, crashed)
        click(qtbot, tab.restoring.bar, "Restore")
        cancel = part(window, QToolButton, "cancel-activity")
        qtbot.waitUntil(cancel.isVisible, timeout=WAIT)
        assert tab.restoring.bar.sentence == ""

        qtbot.mouseClick(cancel, Qt.MouseButton.LeftButton)
        settle(qtbot, tab)

        assert not tab.document.pending_changes
        assert "2 unsaved changes" in tab.restoring.bar.sentence
        Waiting.may.set()
        click(qtbot, tab.restoring.bar, "Restore")
        settle(qtbot, tab)
        assert len(tab.document.pending_changes) == 2


def test_what_is_not_answered_is_offered_again(
    qtbot: QtBot, journaling_window: MainWindow, journals: Journals, crashed: Path
) -> None:
    opened(qtbot, journaling_window, crashed)
    run_command(qtbot, journaling_window, "close-tab")
    assert not journaling_window.area.all()

    tab = opened(qtbot, journaling_window, crashed)

    assert "were kept" in tab.restoring.bar.sentence


def test_the_offer_stays_while_something_else_is_saved(
    qtbot: QtBot, journaling_window: MainWindow, journals: Journals, crashed: Path
) -> None:
    tab = opened(qtbot, journaling_window, crashed)
    edit(qtbot, tab, "käse".encode(), "Brie")

    key_press(qtbot, tab, Key.Key_S, CTRL)

    assert not tab.document.pending_changes
    assert "were kept" in tab.restoring.bar.sentence
    press(tab.restoring.bar, "Restore")
    settle(qtbot, tab)
    assert tab.restoring.bar.sentence == ""
    assert len(tab.document.pending_changes) == 2


def test_a_session_that_ends_well_leaves_nothing(
    qtbot: QtBot, journaling_window: MainWindow, journals: Journals, shelf: Path
) -> None:
    tab = opened(qtbot, journaling_window, shelf)
    change_value(qtbot, tab, 0, "7", "['id']")
    tab.document.flush_journal()
    assert list(journals.folder.glob("*.journal"))

    run_command(qtbot, journaling_window, "save")
    settle(qtbot, tab)
    tab.document.flush_journal()

    assert not list(journals.folder.glob("*.journal"))
    assert tab.restoring.bar.sentence == ""


def test_nothing_is_said_where_nothing_was_left(qtbot: QtBot, journaling_window: MainWindow, shelf: Path) -> None:
    tab = opened(qtbot, journaling_window, shelf)

    assert (tab.notices.sentence, tab.restoring.bar.sentence) == ("", "")


def test_a_click_into_the_bar_leaves_the_focus_in_the_table(
    qtbot: QtBot, journaling_window: MainWindow, crashed: Path
) -> None:
    tab = opened(qtbot, journaling_window, crashed)
    tab.entries.view.setFocus()

    click(qtbot, tab.restoring.bar, "Restore")
    settle(qtbot, tab)

    assert tab.entries.view.hasFocus()


def test_a_journal_that_cannot_be_written_is_told_of_at_the_first_edit(
    qtbot: QtBot, journaling_window: MainWindow, journals: Journals, shelf: Path
) -> None:
    journals.folder.write_text("a file where the folder should be")
    tab = opened(qtbot, journaling_window, shelf)

    edit(qtbot, tab, "käse".encode(), "Brie")

    qtbot.waitUntil(lambda: "would not survive a crash" in tab.notices.sentence, timeout=WAIT)


def test_what_is_typed_is_taken_before_changes_are_restored_over_it(
    qtbot: QtBot, journaling_window: MainWindow, crashed: Path
) -> None:
    tab = opened(qtbot, journaling_window, crashed)
    go_to_value(qtbot, tab, b"order:1")
    go(qtbot, tab, "['total']")
    type_value(qtbot, tab, "77")

    click(qtbot, tab.restoring.bar, "Restore")
    settle(qtbot, tab)
    restored = pickle.loads(tab.document.pending_changes[0].value)
    run_command(qtbot, journaling_window, "undo")
    settle(qtbot, tab)

    typed = pickle.loads(tab.document.pending_changes[0].value)
    assert (restored["id"], typed["id"], typed["total"]) == (7, 1, 77)


def test_nothing_is_restored_over_a_text_that_is_refused(
    qtbot: QtBot, journaling_window: MainWindow, journals: Journals, crashed: Path
) -> None:
    tab = opened(qtbot, journaling_window, crashed)
    go_to_value(qtbot, tab, b"order:1")
    go(qtbot, tab, "['total']")
    type_value(qtbot, tab, "[7")

    click(qtbot, tab.restoring.bar, "Restore")
    settle(qtbot, tab)

    assert line(tab).text() == "[7"
    assert line(tab).hasFocus()
    assert not tab.document.pending_changes
    assert "were kept" in tab.restoring.bar.sentence
