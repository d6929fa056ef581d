"""Unsaved changes of a session before are offered without their file too, and before any file is open."""

import os
import pickle
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QAbstractButton, QDialog, QLabel, QMessageBox, QWidget
from pytestqt.qtbot import QtBot

from app.document.document import Document
from app.document.job import run_now
from app.document.journal_lines import header_of, line_of
from app.document.journals import Journals
from app.engine.local import LocalEngine
from app.ui.main_window import MainWindow
from app.ui.views.text_table import TextTable
from tests.document.databases import pairs_of
from tests.ui.commands import run_command
from tests.ui.disk import click
from tests.ui.fixtures import WAIT, delete_numbers, left_by_a_crash, opened, opened_window, settle
from tests.ui.making import finish_errands, part, press_enter, type_place

LEFT = Qt.MouseButton.LeftButton


def make_lost(path: Path, how: str) -> None:
    if how == "gone":
        path.unlink()
    else:
        path.write_bytes({"empty": b"", "garbage": b"no database at all " * 50}[how])


def files_of(qtbot: QtBot, window: MainWindow) -> list[QAbstractButton]:
    """Return the files that the first page lists, once it was looked for them."""
    qtbot.waitUntil(lambda: window.errands.is_idle, timeout=WAIT)
    qtbot.wait(50)
    qtbot.waitUntil(lambda: window.errands.is_idle, timeout=WAIT)
    panel = part(window, QWidget, "kept-files")
    return [
        button
        for button in panel.findChildren(QAbstractButton)
        if button.isVisible() and "change" in button.accessibleName()
    ]


@pytest.mark.parametrize("how", ["gone", "empty", "garbage"])
def test_changes_of_a_file_that_cannot_be_opened_are_saved_as_another(
    qtbot: QtBot, journaling_window: MainWindow, journals: Journals, crashed: Path, tmp_path: Path, how: str
) -> None:
    make_lost(crashed, how)
    tab = opened(qtbot, journaling_window, crashed)
    assert tab.restoring.panel.isVisible()
    assert tab.restoring.panel.sentence == "2 unsaved changes of shop.db were kept when Shelfscope ended unexpectedly."

    click(qtbot, tab.restoring.panel, "Save them as…")
    asked = part(journaling_window, QDialog, "new-database")
    type_place(qtbot, asked, tmp_path / "saved.db")
    press_enter(qtbot, asked)
    finish_errands(qtbot, journaling_window)

    [(key, value)] = pairs_of(tmp_path / "saved.db")
    assert (key, pickle.loads(value)["id"]) == (b"order:1", 7)
    assert journaling_window.area.current is not None
    assert journaling_window.area.current.document.path == tmp_path / "saved.db"
    assert "What was to be deleted (1) is not in it." in journaling_window.area.current.notices.sentence
    assert len(journals.found(crashed)) == 1, "it is kept until somebody discards it"


def test_changes_of_a_file_that_is_gone_can_be_looked_at(
    qtbot: QtBot, journaling_window: MainWindow, crashed: Path
) -> None:
    crashed.unlink()
    tab = opened(qtbot, journaling_window, crashed)

    click(qtbot, tab.restoring.panel, "Show…")

    rows = part(part(journaling_window, QDialog, "kept-changes"), TextTable, "kept-changes-list").rows
    shown = [[rows.index(row, column).data() for column in range(2)] for row in range(rows.rowCount())]
    assert shown == [["order:1", "changed"], ["numbers", "deleted"]]


@pytest.mark.parametrize("agrees", [True, False])
def test_changes_of_a_file_that_is_gone_are_discarded_after_a_question(
    qtbot: QtBot, journaling_window: MainWindow, journals: Journals, crashed: Path, *, agrees: bool
) -> None:
    crashed.unlink()
    tab = opened(qtbot, journaling_window, crashed)

    click(qtbot, tab.restoring.panel, "Discard…")
    click(qtbot, part(journaling_window, QMessageBox, "discard-question"), "Discard" if agrees else "Cancel")
    settle(qtbot, tab)

    assert bool(journals.found(crashed)) is not agrees
    assert tab.restoring.panel.isVisible() is not agrees


def test_changes_are_offered_as_ever_when_the_file_is_back(
    qtbot: QtBot, journaling_window: MainWindow, crashed: Path, tmp_path: Path
) -> None:
    crashed.rename(tmp_path / "away")
    tab = opened(qtbot, journaling_window, crashed)
    (tmp_path / "away").rename(crashed)

    run_command(qtbot, journaling_window, "reload")
    qtbot.waitUntil(lambda: bool(tab.restoring.bar.sentence), timeout=WAIT)
    settle(qtbot, tab)
    click(qtbot, tab.restoring.bar, "Restore")
    settle(qtbot, tab)

    assert len(tab.document.pending_changes) == 2


def test_a_file_without_kept_changes_offers_nothing(
    qtbot: QtBot, journaling_window: MainWindow, tmp_path: Path
) -> None:
    tab = opened(qtbot, journaling_window, tmp_path / "none.db")

    assert tab.is_refused
    assert not tab.restoring.panel.isVisible()


def test_a_start_without_files_lists_what_was_kept_and_a_click_opens_it(
    qtbot: QtBot, crashed: Path, journals: Journals
) -> None:
    for shown in opened_window(qtbot, LocalEngine, journals=journals):
        [file] = files_of(qtbot, shown)
        assert file.accessibleName().startswith("shop.db, 2 changes, today")

        qtbot.mouseClick(file, LEFT)
        [tab] = shown.area.all()
        settle(qtbot, tab)
        assert "2 unsaved changes" in tab.restoring.bar.sentence
        click(qtbot, tab.restoring.bar, "Discard…")
        click(qtbot, part(shown, QMessageBox, "discard-question"), "Discard")
        settle(qtbot, tab)
        run_command(qtbot, shown, "close-tab")

        assert not files_of(qtbot, shown)
        assert not part(shown, QWidget, "kept-files").isVisible()


def test_the_newest_is_listed_first_and_what_a_program_still_writes_is_not(
    qtbot: QtBot, journals: Journals, crashed: Path
) -> None:
    other = crashed.with_name("other.db")
    other.write_bytes(crashed.read_bytes())
    left_by_a_crash(other, journals, delete_numbers)
    running = Document(LocalEngine(), crashed, journals=journals)
    run_now(running.open_job())
    run_now(running.index_job())
    delete_numbers(running)
    running.flush_journal()

    try:
        assert [kept.database.name for kept in journals.kept()] == ["other.db", "shop.db"]
        for shown in opened_window(qtbot, LocalEngine, journals=journals):
            assert [file.text() for file in files_of(qtbot, shown)] == ["other.db", "shop.db"]
            assert files_of(qtbot, shown)[1].accessibleName().startswith("shop.db, 2 changes")
    finally:
        running.close()


def test_nothing_is_listed_where_nothing_was_kept(qtbot: QtBot, journaling_window: MainWindow) -> None:
    assert not files_of(qtbot, journaling_window)
    assert not part(journaling_window, QWidget, "kept-files").isVisible()


def test_of_many_files_the_newest_are_listed(qtbot: QtBot, shelf: Path, journals: Journals, tmp_path: Path) -> None:
    left_by_a_crash(shelf, journals, delete_numbers)
    [left] = journals.found(shelf)
    content = left.path.read_bytes().splitlines(keepends=True)[2:]
    for number in range(101):
        path = journals.folder / f"{number}.journal"
        path.write_bytes(b"".join([2 * line_of(header_of(tmp_path / f"{number}.db", "sqlite3")), *content]))
        os.utime(path, (number, number))

    for window in opened_window(qtbot, LocalEngine, journals=journals):
        names = [file.text() for file in files_of(qtbot, window)]
        said = [label.text() for label in part(window, QWidget, "kept-files").findChildren(QLabel)]

        assert (len(names), names[0], names[1], names[-1]) == (100, "shop.db", "100.db", "2.db")
        assert any(text.endswith("The newest 100 of 102 are listed.") for text in said)
