"""Save all, save a copy, revert to file, the backups that are kept, and saves that fail: nothing typed is lost."""

import errno
import os
import pickle
import sqlite3
import sys
import tempfile
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from PySide6.QtWidgets import QDialog, QLineEdit, QMessageBox, QPushButton, QSpinBox
from pytestqt.qtbot import QtBot

from app.backends.file_operations import FileOperations
from app.backends.key_index import IndexChunk
from app.cancel import CancelToken
from app.engine.local import LocalEngine
from app.errors import BackendError
from app.ui.database_tab import DatabaseTab
from app.ui.labels import ElidedLabel
from app.ui.main_window import MainWindow
from app.ui.settings import backups_kept
from tests.backends.native import native_gdbm
from tests.backends.privileges import as_no_root
from tests.engine.shelves import make_sqlite, read_sqlite
from tests.ui.commands import run_command, run_in_menu
from tests.ui.disk import change, click, edit, go_to_value, store, titles, type_value
from tests.ui.editing import ALT, CTRL, LEFT, SHIFT, Key, press, wait_for_focus
from tests.ui.fixtures import VALUES, WAIT, opened, settle
from tests.ui.making import finish_errands, part, type_place

CHEESE = "käse".encode()
AGAIN = ["Try again", "Save as…"]


@pytest.fixture
def tab(qtbot: QtBot, local_window: MainWindow, shelf: Path) -> DatabaseTab:
    return opened(qtbot, local_window, shelf)


def stored(path: Path) -> dict[bytes, object]:
    return {key: pickle.loads(value) for key, value in read_sqlite(path).items()}


def backups(path: Path) -> list[Path]:
    return sorted(path.parent.glob(f"{path.name}.shelfscope-backup-*"))


def save(qtbot: QtBot, tab: DatabaseTab) -> None:
    press(qtbot, tab, Key.Key_S, CTRL)


def two_tabs(qtbot: QtBot, window: MainWindow, tab: DatabaseTab, folder: Path) -> tuple[DatabaseTab, Path]:
    """Change an entry of each of two databases."""
    edit(qtbot, tab, CHEESE, "Brie")
    path = make_sqlite(folder / "other.db", {b"a": pickle.dumps("text")})
    other = opened(qtbot, window, path)
    edit(qtbot, other, b"a", "changed")
    return other, path


# ---- all


def test_save_all_saves_every_database(
    qtbot: QtBot, local_window: MainWindow, tab: DatabaseTab, shelf: Path, tmp_path: Path
) -> None:
    assert not local_window.actions_["save-all"].isEnabled()
    other, path = two_tabs(qtbot, local_window, tab, tmp_path)

    press(qtbot, other, Key.Key_S, CTRL | ALT)
    settle(qtbot, tab)

    assert (stored(shelf)[CHEESE], stored(path)) == ("Brie", {b"a": "changed"})
    assert local_window.notices.sentence == "Saved 2 databases."
    assert not local_window.actions_["save-all"].isEnabled()


def test_save_all_shows_the_one_that_could_not_be_saved(
    qtbot: QtBot, local_window: MainWindow, tab: DatabaseTab, shelf: Path, tmp_path: Path
) -> None:
    other, path = two_tabs(qtbot, local_window, tab, tmp_path)
    with closing(sqlite3.connect(shelf)) as writer:
        writer.execute("BEGIN IMMEDIATE")
        press(qtbot, other, Key.Key_S, CTRL | ALT)
        settle(qtbot, tab)

    assert stored(path) == {b"a": "changed"}
    assert local_window.area.current is tab
    assert titles(tab.notices) == AGAIN
    assert len(tab.document.pending_changes) == 1


# ---- one


def test_a_save_after_the_first_is_told_where_nothing_moves(
    qtbot: QtBot, local_window: MainWindow, tab: DatabaseTab, shelf: Path
) -> None:
    edit(qtbot, tab, CHEESE, "Brie")
    save(qtbot, tab)
    [backup] = backups(shelf)
    assert tab.notices.sentence == f"Saved shop.db. The state before is kept in {backup.name}."

    edit(qtbot, tab, CHEESE, "Edam")
    save(qtbot, tab)

    assert tab.notices.sentence == ""
    assert part(local_window, ElidedLabel, "status-news").text() == "Saved shop.db."
    assert stored(shelf)[CHEESE] == "Edam"


# ---- a copy


def test_a_copy_has_what_is_not_saved_and_the_tab_stays_with_its_file(
    qtbot: QtBot, local_window: MainWindow, tab: DatabaseTab, shelf: Path, tmp_path: Path
) -> None:
    edit(qtbot, tab, CHEESE, "Brie")
    run_in_menu(qtbot, local_window, local_window.actions_["save-copy"])
    dialog = part(local_window, QDialog, "new-database")
    assert Path(part(dialog, QLineEdit, "new-place").text()).name == "shop copy.db"
    type_place(qtbot, dialog, tmp_path / "copy.db")
    click(qtbot, dialog, "Save the copy")
    finish_errands(qtbot, local_window)

    assert stored(tmp_path / "copy.db") == {**VALUES, CHEESE: "Brie"}
    assert stored(shelf) == VALUES
    assert tab.document.path == shelf
    assert len(tab.document.pending_changes) == 1


# ---- back to the file


def ask_revert(qtbot: QtBot, window: MainWindow, tab: DatabaseTab, answer: str) -> None:
    run_in_menu(qtbot, window, window.actions_["revert-to-file"])
    [box] = [box for box in window.findChildren(QMessageBox, "revert-question") if box.isVisible()]
    click(qtbot, box, answer)
    settle(qtbot, tab)


def test_reverting_asks_takes_what_is_in_the_file_now_and_can_be_undone(
    qtbot: QtBot, local_window: MainWindow, tab: DatabaseTab, shelf: Path
) -> None:
    assert not local_window.actions_["revert-to-file"].isEnabled()
    edit(qtbot, tab, CHEESE, "Brie")
    ask_revert(qtbot, local_window, tab, "Cancel")
    assert len(tab.document.pending_changes) == 1
    change(shelf, CHEESE, pickle.dumps("Edam"))
    store(shelf, b"new", pickle.dumps("new"))

    ask_revert(qtbot, local_window, tab, "Revert")

    assert tab.document.pending_changes == []
    assert tab.value.model.index(0, 2).data() == "'Edam'"
    assert len(tab.document) == len(VALUES) + 1
    tab.window().activateWindow()
    tab.entries.view.setFocus()
    wait_for_focus(qtbot, tab.entries.view)
    press(qtbot, tab, Key.Key_Z, CTRL)
    [pending] = tab.document.pending_changes
    assert pickle.loads(pending.value) == "Brie"


def test_a_revert_that_could_not_read_the_file_does_not_come_later(
    qtbot: QtBot, local_window: MainWindow, tab: DatabaseTab, monkeypatch: pytest.MonkeyPatch
) -> None:
    edit(qtbot, tab, CHEESE, "Brie")
    index = LocalEngine.index

    def cut(engine: LocalEngine, token: CancelToken) -> Iterator[IndexChunk]:
        yield next(index(engine, token))
        raise BackendError("The disk did not answer.")

    with monkeypatch.context() as patch:
        patch.setattr(LocalEngine, "index", cut)
        ask_revert(qtbot, local_window, tab, "Revert")
    assert "did not answer" in tab.notices.sentence
    assert len(tab.document.pending_changes) == 1

    run_command(qtbot, local_window, "reload")
    settle(qtbot, tab)

    assert tab.document.is_indexed
    assert [pickle.loads(change.value) for change in tab.document.pending_changes] == ["Brie"]


# ---- backups


def choose_backups(qtbot: QtBot, window: MainWindow, number: str) -> None:
    window.activateWindow()
    qtbot.keyClick(window, Key.Key_Comma, CTRL)
    dialog = part(window, QDialog, "settings-dialog")
    box = part(dialog, QSpinBox, "backups-kept")
    box.selectAll()
    qtbot.keyClicks(box, number)
    assert ("Warning" in box.toolTip()) == (number == "0")
    qtbot.mouseClick(part(dialog, QPushButton, "settings-go"), LEFT)


def save_in_new_tabs(qtbot: QtBot, window: MainWindow, path: Path, *texts: str) -> None:
    """Open a file, save it and close it, time and again."""
    for text in texts:
        tab = opened(qtbot, window, path)
        edit(qtbot, tab, CHEESE, text)
        save(qtbot, tab)
        assert stored(path)[CHEESE] == text, tab.notices.sentence
        run_command(qtbot, window, "close-tab")


def test_the_first_state_and_that_at_the_last_opening_are_kept(
    qtbot: QtBot, local_window: MainWindow, shelf: Path
) -> None:
    tab = opened(qtbot, local_window, shelf)
    for text in ("Brie", "Edam"):
        edit(qtbot, tab, CHEESE, text)
        save(qtbot, tab)
    [backup] = backups(shelf)
    assert stored(backup) == VALUES
    run_command(qtbot, local_window, "close-tab")

    save_in_new_tabs(qtbot, local_window, shelf, "Cheddar", "Gouda")

    first, last = backups(shelf)
    assert stored(first) == VALUES
    assert stored(last)[CHEESE] == "Cheddar"


def test_the_chosen_number_of_backups_reaches_the_process_that_saves(
    qtbot: QtBot, child_window: MainWindow, shelf: Path
) -> None:
    stranger = shelf.with_name(f"{shelf.name}.shelfscope-backup-mine")
    stranger.write_bytes(b"a name that a person gave")
    choose_backups(qtbot, child_window, "2")

    first = stored(shelf)[CHEESE]

    save_in_new_tabs(qtbot, child_window, shelf, "Brie", "Edam", "Cheddar", "Gouda")

    kept = [path for path in backups(shelf) if path != stranger]
    assert [stored(path)[CHEESE] for path in kept] == [first, "Edam", "Cheddar"]
    assert stranger.exists()


def test_no_backup_is_made_where_none_is_wanted(qtbot: QtBot, local_window: MainWindow, shelf: Path) -> None:
    choose_backups(qtbot, local_window, "0")
    assert backups_kept() == 0

    save_in_new_tabs(qtbot, local_window, shelf, "Brie")

    assert backups(shelf) == []


def test_a_failed_save_takes_no_older_backup_away(
    qtbot: QtBot, local_window: MainWindow, shelf: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    save_in_new_tabs(qtbot, local_window, shelf, "Brie")
    before = backups(shelf)
    tab = opened(qtbot, local_window, shelf)
    edit(qtbot, tab, CHEESE, "Edam")
    with closing(sqlite3.connect(shelf)) as writer:
        writer.execute("BEGIN IMMEDIATE")

        save(qtbot, tab)

    assert backups(shelf) == before
    assert len(tab.document.pending_changes) == 1


# ---- what can go wrong


def test_a_locked_file_is_told_of_and_saved_at_the_next_try(qtbot: QtBot, tab: DatabaseTab, shelf: Path) -> None:
    edit(qtbot, tab, CHEESE, "Brie")
    with closing(sqlite3.connect(shelf)) as writer:
        writer.execute("BEGIN IMMEDIATE")
        save(qtbot, tab)
        assert "shop.db" in tab.notices.sentence
        assert "another program" in tab.notices.sentence.lower()
        assert titles(tab.notices) == AGAIN
        assert stored(shelf) == VALUES

    click(qtbot, tab.notices, "Try again")
    settle(qtbot, tab)

    assert stored(shelf)[CHEESE] == "Brie"
    assert not tab.document.pending_changes


def test_a_full_disk_is_told_of_and_costs_nothing(
    qtbot: QtBot, local_window: MainWindow, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "x.gdbm"
    with native_gdbm() as gdbm:
        gdbm.write(path, [(b"a", pickle.dumps("text"))])
        before = path.read_bytes()
        tab = opened(qtbot, local_window, path)
        edit(qtbot, tab, b"a", "changed")

        def full(*_: object) -> int:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

        with monkeypatch.context() as patch:
            patch.setattr(FileOperations, "write", full)
            save(qtbot, tab)
        assert f"x.gdbm was not changed: {os.strerror(errno.ENOSPC)}." in tab.notices.sentence
        assert titles(tab.notices) == AGAIN
        assert [file.name for file in tmp_path.iterdir()] == ["x.gdbm"]
        assert path.read_bytes() == before

        click(qtbot, tab.notices, "Try again")
        settle(qtbot, tab)

        assert gdbm.pairs(path) == [(b"a", pickle.dumps("changed", 4))]


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such permissions")
def test_a_lost_permission_is_told_of_and_the_edits_are_saved_as_another_file(
    qtbot: QtBot, local_window: MainWindow, tmp_path: Path
) -> None:
    with tempfile.TemporaryDirectory() as outer:  # not tmp_path: root's is closed to others
        Path(outer).chmod(0o755)
        path = make_sqlite(Path(outer, "x.db"), {b"a": pickle.dumps("text", 4)})
        tab = opened(qtbot, local_window, path)
        edit(qtbot, tab, b"a", "changed")
        path.chmod(0o444)
        with as_no_root():
            save(qtbot, tab)

        assert "x.db" in tab.notices.sentence
        assert "write" in tab.notices.sentence
        assert stored(path) == {b"a": "text"}
        click(qtbot, tab.notices, "Save as…")
        dialog = part(local_window, QDialog, "new-database")
        type_place(qtbot, dialog, tmp_path / "saved.db")
        click(qtbot, dialog, "Save")
        finish_errands(qtbot, local_window)

    assert stored(tmp_path / "saved.db") == {b"a": "changed"}
    assert not tab.document.pending_changes


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such permissions")
@pytest.mark.parametrize("saves_first", [True, False])
def test_all_entries_are_saved_elsewhere_when_the_file_may_not_even_be_read(
    qtbot: QtBot, local_window: MainWindow, *, saves_first: bool
) -> None:
    entries = {b"a": pickle.dumps("text", 4), b"b": pickle.dumps("other", 4)}
    with tempfile.TemporaryDirectory() as outer:  # not tmp_path: root's is closed to others
        Path(outer).chmod(0o777)
        path = make_sqlite(Path(outer, "x.db"), entries)
        tab = opened(qtbot, local_window, path)
        edit(qtbot, tab, b"a", "changed")
        path.chmod(0)

        with as_no_root():
            if saves_first:
                save(qtbot, tab)
                qtbot.waitUntil(lambda: "permission to read it was taken away" in tab.on_disk.bar.sentence)
                click(qtbot, tab.on_disk.bar, "Save as…")
            else:
                press(qtbot, tab, Key.Key_S, CTRL | SHIFT)
            dialog = part(local_window, QDialog, "new-database")
            type_place(qtbot, dialog, Path(outer, "saved.db"))
            click(qtbot, dialog, "Save")
            qtbot.waitUntil(lambda: tab.document.path.name == "saved.db", timeout=WAIT)
            settle(qtbot, tab)
            finish_errands(qtbot, local_window)
        path.chmod(0o600)

        assert stored(Path(outer, "saved.db")) == {b"a": "changed", b"b": "other"}
        assert stored(path) == {b"a": "text", b"b": "other"}
        assert not tab.document.pending_changes


def test_typed_text_is_in_what_save_all_writes(
    qtbot: QtBot, local_window: MainWindow, tab: DatabaseTab, shelf: Path
) -> None:
    go_to_value(qtbot, tab, CHEESE)
    type_value(qtbot, tab, "Brie")
    assert local_window.actions_["save-all"].isEnabled()

    press(qtbot, tab, Key.Key_S, CTRL | ALT)
    qtbot.waitUntil(lambda: not tab.document.pending_changes and not tab.editing.is_active, timeout=WAIT)
    settle(qtbot, tab)

    assert stored(shelf)[CHEESE] == "Brie"
