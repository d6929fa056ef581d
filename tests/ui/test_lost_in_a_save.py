"""The process of a tab is lost in a save: it is found out whether that was done, and nothing is saved twice."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtWidgets import QDialog
from pytestqt.qtbot import QtBot

from app.backends.base import Insert, Remove, SaveOptions, SaveReport
from app.backends.key_index import IndexChunk
from app.cancel import CancelToken
from app.engine.base import Info
from app.engine.local import LocalEngine
from app.errors import AppError, EngineStopped
from app.ui.database_tab import DatabaseTab
from app.ui.main_window import MainWindow
from tests.document.databases import make, outcome, pairs_of, write
from tests.engine.lost_engine import LostEngine
from tests.ui.commands import run_command
from tests.ui.disk import click
from tests.ui.entries import CTRL, SHIFT, Key, press
from tests.ui.fixtures import opened, opened_window, settle
from tests.ui.making import add_entry, finish_errands, part, press_enter, type_place


@pytest.mark.parametrize("commits", [True, False])
def test_a_save_whose_end_nobody_saw_is_found_out_about_and_doubles_no_entry(
    qtbot: QtBot, tmp_path: Path, *, commits: bool
) -> None:
    path = make(tmp_path / "x.cdb", "cdb")
    write(path, [Insert(b"a", b"one")])
    for window in opened_window(qtbot, lambda: LostEngine(commits=commits)):
        tab = opened(qtbot, window, path)
        add_entry(qtbot, window, tab, "a", "'two'")
        assert tab.document.pending_changes

        press(qtbot, tab, Key.Key_S, CTRL)
        settle(qtbot, tab)

        if commits:
            assert tab.notices.sentence == "x.cdb was saved before the process that did it ended."
        else:
            assert "ended before it answered" in tab.notices.sentence
            click(qtbot, tab.notices, "Try again")
            settle(qtbot, tab)
            assert tab.notices.sentence.startswith("Saved x.cdb.")
        assert not tab.document.pending_changes
        assert pairs_of(path) == [(b"a", b"one"), (b"a", b"two")]


class UnreadableEngine(LostEngine):
    """Is lost in its first save, and cannot read the file before it may again."""

    may_read = False

    def open(self, path: str, token: CancelToken) -> Info:
        self._refuse()
        return super().open(path, token)

    def index(self, token: CancelToken) -> Iterator[IndexChunk]:
        self._refuse()
        return super().index(token)

    def _refuse(self) -> None:
        if self.saves and not self.may_read:
            raise AppError("x.db cannot be read: permission denied.")


@pytest.fixture
def unreadable(qtbot: QtBot, tmp_path: Path) -> Iterator[tuple[MainWindow, DatabaseTab]]:
    """A tab with a change whose file could not be read again after a save that failed."""
    UnreadableEngine.may_read = False
    path = make(tmp_path / "x.db", "sqlite3")
    write(path, [Insert(b"a", b"one")])
    for window in opened_window(qtbot, lambda: UnreadableEngine(commits=False)):
        tab = opened(qtbot, window, path)
        add_entry(qtbot, window, tab, "b", "'two'")
        press(qtbot, tab, Key.Key_S, CTRL)
        settle(qtbot, tab)
        assert tab.is_refused
        yield window, tab


@pytest.mark.parametrize("way", ["notice", "bar", "key"])
def test_changes_of_a_file_that_cannot_be_read_any_more_can_be_saved_elsewhere(
    qtbot: QtBot, unreadable: tuple[MainWindow, DatabaseTab], tmp_path: Path, way: str
) -> None:
    window, tab = unreadable
    assert "Your changes are still here." in tab.on_disk.bar.sentence

    if way == "key":
        qtbot.keyClick(window, Key.Key_S, CTRL | SHIFT)
    else:
        click(qtbot, tab.notices if way == "notice" else tab.on_disk.bar, "Save as…")
    asked = part(window, QDialog, "new-database")
    type_place(qtbot, asked, tmp_path / "y.db")
    press_enter(qtbot, asked)
    finish_errands(qtbot, window)

    assert [key for key, _value in pairs_of(tmp_path / "y.db")] == [b"b"]
    assert "only what you changed" in tab.notices.sentence
    assert len(tab.document.pending_changes) == 1


def test_a_file_that_can_be_read_again_is_shown_with_its_changes(
    qtbot: QtBot, unreadable: tuple[MainWindow, DatabaseTab], tmp_path: Path
) -> None:
    window, tab = unreadable
    UnreadableEngine.may_read = True

    click(qtbot, tab.on_disk.bar, "Try again")
    settle(qtbot, tab)
    assert not tab.is_refused
    assert not tab.on_disk.bar.sentence
    press(qtbot, tab, Key.Key_S, CTRL)
    settle(qtbot, tab)

    assert [key for key, _value in pairs_of(tmp_path / "x.db")] == [b"a", b"b"]
    assert window.area.current is tab


class LostCompaction(LocalEngine):
    """Is lost behind the commit of a compaction."""

    def compact(self, options: SaveOptions, token: CancelToken) -> SaveReport:
        super().compact(options, token)
        raise EngineStopped("The process that reads the database ended unexpectedly.")


def test_the_keys_are_read_again_behind_a_compaction_whose_end_nobody_saw(qtbot: QtBot, tmp_path: Path) -> None:
    path = make(tmp_path / "x", "dumb").with_suffix(".dat")
    write(path, [Insert(b"gone", b"1" * 2_000), Insert(b"a", b"2"), Insert(b"b", b"3")])
    write(path, [Remove(0)])
    for window in opened_window(qtbot, LostCompaction):
        tab = opened(qtbot, window, path)
        before = tab.document.index

        run_command(qtbot, window, "compact")
        settle(qtbot, tab)

        assert "ended unexpectedly" in tab.notices.sentence
        assert tab.document.index is not before
        assert [outcome(tab.document.bytes_job(row, 0, 9)) for row in range(2)] == [b"2", b"3"]
