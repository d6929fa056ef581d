"""Unsaved changes of a session before are offered without their file too, and before any file is open."""

import pickle
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QAbstractButton, QDialog, QMessageBox, QWidget
from pytestqt.qtbot import QtBot

from app.document.document import Document
from app.document.job import run_now
from app.document.journals import Journals
from app.engine.local import LocalEngine
from app.ui.main_window import MainWindow
from app.ui.views.text_table import TextTable
from tests.document.databases import pairs_of
from tests.ui.commands import run_command
from tests.ui.disk import click
from tests.ui.fixtures import WAIT, opened, opened_window, settle
from tests.ui.making import finish_errands, part, press_enter, type_place
from tests.ui.test_restoring import crashed, journals, window

__all__ = ["crashed", "journals", "window"]
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
    qtbot: QtBot, window: MainWindow, journals: Journals, crashed: Path, tmp_path: Path, how: str
) -> None:
    make_lost(crashed, how)
    tab = opened(qtbot, window, crashed)
    assert tab.restoring.panel.isVisible()
    assert tab.restoring.panel.sentence == "2 unsaved changes of shop.db were kept when Shelfscope ended unexpectedly."

    click(qtbot, tab.restoring.panel, "Save them as…")
    asked = part(window, QDialog, "new-database")
    type_place(qtbot, asked, tmp_path / "saved.db")
    press_enter(qtbot, asked)
    finish_errands(qtbot, window)

    [(key, value)] = pairs_of(tmp_path / "saved.db")
    assert (key, pickle.loads(value)["id"]) == (b"order:1", 7)
    assert window.area.current is not None
    assert window.area.current.document.path == tmp_path / "saved.db"
    assert "What was to be deleted (1) is not in it." in window.area.current.notices.sentence
    assert len(journals.found(crashed)) == 1, "it is kept until somebody discards it"


def test_changes_of_a_file_that_is_gone_can_be_looked_at(qtbot: QtBot, window: MainWindow, crashed: Path) -> None:
    crashed.unlink()
    tab = opened(qtbot, window, crashed)

    click(qtbot, tab.restoring.panel, "Show…")

    rows = part(part(window, QDialog, "kept-changes"), TextTable, "kept-changes-list").rows
    shown = [[rows.index(row, column).data() for column in range(2)] for row in range(rows.rowCount())]
    assert shown == [["order:1", "changed"], ["numbers", "deleted"]]


@pytest.mark.parametrize("agrees", [True, False])
def test_changes_of_a_file_that_is_gone_are_discarded_after_a_question(
    qtbot: QtBot, window: MainWindow, journals: Journals, crashed: Path, *, agrees: bool
) -> None:
    crashed.unlink()
    tab = opened(qtbot, window, crashed)

    click(qtbot, tab.restoring.panel, "Discard…")
    click(qtbot, part(window, QMessageBox, "discard-question"), "Discard" if agrees else "Cancel")
    settle(qtbot, tab)

    assert bool(journals.found(crashed)) is not agrees
    assert tab.restoring.panel.isVisible() is not agrees


def test_changes_are_offered_as_ever_when_the_file_is_back(
    qtbot: QtBot, window: MainWindow, crashed: Path, tmp_path: Path
) -> None:
    crashed.rename(tmp_path / "away")
    tab = opened(qtbot, window, crashed)
    (tmp_path / "away").rename(crashed)

    run_command(qtbot, window, "reload")
    qtbot.waitUntil(lambda: bool(tab.restoring.bar.sentence), timeout=WAIT)
    settle(qtbot, tab)
    click(qtbot, tab.restoring.bar, "Restore")
    settle(qtbot, tab)

    assert len(tab.document.pending_changes) == 2


def test_a_file_without_kept_changes_offers_nothing(qtbot: QtBot, window: MainWindow, tmp_path: Path) -> None:
    tab = opened(qtbot, window, tmp_path / "none.db")

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
        click(qtbot, tab.restoring.bar, "Discard")
        run_command(qtbot, shown, "close-tab")

        assert not files_of(qtbot, shown)
        assert not part(shown, QWidget, "kept-files").isVisible()


def test_the_newest_is_listed_first_and_what_a_program_still_writes_is_not(
    qtbot: QtBot, journals: Journals, crashed: Path
) -> None:
    other = crashed.with_name("other.db")
    _again(other, crashed.read_bytes(), journals)
    running = Document(LocalEngine(), crashed, journals=journals)
    _edit(running)

    try:
        assert [kept.database.name for kept in journals.kept()] == ["other.db", "shop.db"]
        for shown in opened_window(qtbot, LocalEngine, journals=journals):
            assert [file.text() for file in files_of(qtbot, shown)] == ["other.db", "shop.db"]
            assert files_of(qtbot, shown)[1].accessibleName().startswith("shop.db, 2 changes")
    finally:
        running.close()


def test_nothing_is_listed_where_nothing_was_kept(qtbot: QtBot, window: MainWindow) -> None:
    assert not files_of(qtbot, window)
    assert not part(window, QWidget, "kept-files").isVisible()


def _edit(document: Document) -> None:
    run_now(document.open_job())
    run_now(document.index_job())
    run_now(document.delete_job([0]))
    document.flush_journal()


def _again(path: Path, content: bytes, journals: Journals) -> None:
    """Leave changes of another file, as a crash would."""
    path.write_bytes(content)
    document = Document(LocalEngine(), path, journals=journals)
    _edit(document)
    document.close(keeps_changes=True)
