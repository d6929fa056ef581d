"""New databases from the window: empty ones, copies under another name, copies in another format."""

import dbm.dumb
import os
import pickle
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QDialog, QLineEdit, QTableView
from pytestqt.qtbot import QtBot

from app.engine.base import NewDatabase
from app.ui.choices import ChoiceButtons
from app.ui.database_tab import DatabaseTab
from app.ui.main_window import MainWindow
from app.ui.open_dialog import OpenDialog
from app.ui.settings import recent_files
from tests.engine.shelves import make_sqlite, read_sqlite
from tests.ui.commands import run_command
from tests.ui.edits import change_value
from tests.ui.fixtures import VALUES, opened, settle
from tests.ui.making import (
    answer_replace,
    change,
    choose_format,
    dialog_of,
    finish_errands,
    part,
    press,
    press_enter,
    type_place,
)

Key = Qt.Key


def stored(path: Path) -> dict[bytes, object]:
    return {key: pickle.loads(value) for key, value in read_sqlite(path).items()}


# ---- empty ones


def test_a_new_database_is_made_and_opened(qtbot: QtBot, local_window: MainWindow, tmp_path: Path) -> None:
    target = tmp_path / "fresh.db"
    qtbot.keyClick(local_window, Key.Key_N, Qt.KeyboardModifier.ControlModifier)
    dialog = part(local_window, QDialog, "new-database")

    type_place(qtbot, dialog, target)
    press_enter(qtbot, dialog)
    finish_errands(qtbot, local_window)

    [tab] = local_window.area.all()
    assert tab.document.path == target
    assert tab.document.is_indexed
    assert len(tab.document) == 0
    assert tab.notices.sentence == "Created fresh.db."
    assert read_sqlite(target) == {}


@pytest.mark.parametrize("format_id", ["dumb", "gdbm", "sdbm"])
def test_a_new_database_is_of_the_chosen_format(
    qtbot: QtBot, local_window: MainWindow, tmp_path: Path, format_id: str
) -> None:
    dialog = dialog_of(qtbot, local_window, "new")

    choose_format(dialog, format_id)
    type_place(qtbot, dialog, tmp_path / "fresh")
    press_enter(qtbot, dialog)
    finish_errands(qtbot, local_window)

    [tab] = local_window.area.all()
    assert tab.document.info is not None
    assert tab.document.info.format == format_id
    assert tab.document.name == "fresh"
    assert len(tab.document) == 0


def test_a_file_with_the_base_name_is_not_taken_for_the_new_database(
    qtbot: QtBot, local_window: MainWindow, tmp_path: Path
) -> None:
    make_sqlite(tmp_path / "fresh", {b"other": b"database"})
    dialog = dialog_of(qtbot, local_window, "new")
    choose_format(dialog, "dumb")
    type_place(qtbot, dialog, tmp_path / "fresh")

    press_enter(qtbot, dialog)
    finish_errands(qtbot, local_window)

    [tab] = local_window.area.all()
    assert tab.document.info is not None
    assert tab.document.info.format == "dumb"
    assert len(tab.document) == 0


def test_starting_empty_keeps_a_backup(qtbot: QtBot, local_window: MainWindow, shelf: Path) -> None:
    before = read_sqlite(shelf)
    dialog = dialog_of(qtbot, local_window, "new")
    type_place(qtbot, dialog, shelf)

    press_enter(qtbot, dialog)
    answer_replace(dialog, replaces=True)
    finish_errands(qtbot, local_window)

    [backup] = shelf.parent.glob("shop.db.shelfscope-backup-*")
    assert read_sqlite(backup) == before
    assert read_sqlite(shelf) == {}
    assert backup.name in local_window.area.all()[0].notices.sentence


def test_a_file_that_does_not_exist_is_offered_to_be_created(
    qtbot: QtBot, local_window: MainWindow, tmp_path: Path
) -> None:
    tab = opened(qtbot, local_window, tmp_path / "missing.gdbm")
    assert tab.is_refused

    press(tab, "Create it…")
    dialog = part(local_window, QDialog, "new-database")
    assert part(dialog, QLineEdit, "new-place").text() == str(tmp_path / "missing.gdbm")
    press_enter(qtbot, dialog)
    finish_errands(qtbot, local_window)

    assert local_window.area.all() == [tab]
    assert tab.can_browse
    assert tab.document.info is not None
    assert tab.document.info.format == "gdbm"


def test_a_typed_name_that_does_not_exist_can_be_opened(qtbot: QtBot, local_window: MainWindow, tmp_path: Path) -> None:
    dialog = OpenDialog(tmp_path, local_window)
    dialog.setOption(OpenDialog.Option.DontUseNativeDialog)
    names: list[str] = []
    dialog.filesSelected.connect(names.extend)
    dialog.show()
    line = dialog.findChild(QLineEdit)
    assert line is not None

    qtbot.keyClicks(line, "not-there.db")
    qtbot.keyClick(line, Key.Key_Return)

    assert names == [str(tmp_path / "not-there.db")]
    assert not dialog.isVisible()


def test_a_name_that_was_taken_meanwhile_is_left_alone(qtbot: QtBot, local_window: MainWindow, tmp_path: Path) -> None:
    target = tmp_path / "taken.db"
    dialog = dialog_of(qtbot, local_window, "new")
    target.write_bytes(b"somebody else's")

    dialog.chosen.emit(NewDatabase(str(target), "sqlite3"))  # type: ignore[attr-defined]  # found by name
    finish_errands(qtbot, local_window)

    assert "taken.db is there already" in local_window.notices.sentence
    assert target.read_bytes() == b"somebody else's"
    assert local_window.area.all() == []
    dialog.close()


# ---- save as


def test_save_as_writes_pending_changes_and_goes_on_with_the_copy(
    qtbot: QtBot, local_window: MainWindow, shelf: Path
) -> None:
    tab = opened(qtbot, local_window, shelf)
    change(qtbot, tab, "'Edam'")
    dialog = dialog_of(qtbot, local_window, "save-as")
    target = shelf.with_name("copy.db")

    type_place(qtbot, dialog, target)
    press_enter(qtbot, dialog)
    finish_errands(qtbot, local_window)

    assert stored(shelf) == VALUES
    assert stored(target) == VALUES | {"käse".encode(): "Edam"}
    assert local_window.area.all() == [tab]
    assert tab.document.path == target
    assert not tab.document.pending_changes
    assert local_window.area.tabs.tabText(0) == "copy.db"
    assert str(target) in local_window.area.tabs.tabToolTip(0)
    assert local_window.windowTitle().startswith("copy.db")
    assert recent_files()[0] == target
    assert tab.notices.sentence == "Saved as copy.db: 5 entries."


def test_after_save_as_edits_and_undo_go_on_in_the_copy(qtbot: QtBot, local_window: MainWindow, shelf: Path) -> None:
    tab = opened(qtbot, local_window, shelf)
    tab.entries.select_key("käse".encode())
    change(qtbot, tab, "'Edam'")
    dialog = dialog_of(qtbot, local_window, "save-as")
    target = shelf.with_name("copy.db")
    type_place(qtbot, dialog, target)
    press_enter(qtbot, dialog)
    finish_errands(qtbot, local_window)
    assert tab.entries.current_entry == 3

    run_command(qtbot, local_window, "undo")
    settle(qtbot, tab)
    run_command(qtbot, local_window, "save")
    settle(qtbot, tab)

    assert stored(target) == VALUES
    assert stored(shelf) == VALUES


def continue_as(tab: DatabaseTab, copy: Path) -> None:
    """Have the tab go on with a copy that was just written."""
    tab.reading.continue_as(copy, tab.document.begin_copy("sqlite3"), lambda is_moved: None)


def test_what_is_typed_while_the_copy_is_written_stays(qtbot: QtBot, local_window: MainWindow, shelf: Path) -> None:
    tab = opened(qtbot, local_window, shelf)
    tab.entries.select_key("käse".encode())
    settle(qtbot, tab)
    tab.value.tree.setFocus()
    qtbot.keyClick(tab.value.tree, Key.Key_F2)
    settle(qtbot, tab)
    editor = tab.value.tree.editor
    assert editor is not None
    editor.setText("'Brie'")
    copy = make_sqlite(shelf.with_name("copy.db"), read_sqlite(shelf))

    continue_as(tab, copy)
    settle(qtbot, tab)

    assert tab.document.path == copy
    assert [pickle.loads(change.value) for change in tab.document.pending_changes] == ["Brie"]
    assert tab.entries.current_entry == 3
    assert tab.value.model.index(0, 2).data() == "'Brie'"


def test_rows_stay_open_over_save_as(qtbot: QtBot, local_window: MainWindow, shelf: Path) -> None:
    tab = opened(qtbot, local_window, shelf)
    tree, model = tab.value.tree, tab.value.model
    row = next(
        index
        for index in (model.index(number, 0, model.index(0, 0)) for number in range(4))
        if model.path(index) == "['customer']"
    )
    tree.expand(row)
    settle(qtbot, tab)

    continue_as(tab, make_sqlite(shelf.with_name("copy.db"), read_sqlite(shelf)))
    settle(qtbot, tab)

    root = model.index(0, 0)
    rows = [model.index(number, 0, root) for number in range(model.rowCount(root))]
    assert {model.path(index) for index in rows if tree.isExpanded(index)} == {"['customer']"}


def test_a_damaged_database_is_saved_as_a_sound_one(
    qtbot: QtBot, local_window: MainWindow, database_case: Callable[[str], Path], tmp_path: Path
) -> None:
    tab = opened(qtbot, local_window, database_case("corrupt-gdbm-x86_64-1.23-n150-512-numsync-badptr"))
    count = len(tab.document)
    press(tab.notices, "Save as…")
    dialog = part(local_window, QDialog, "new-database")
    type_place(qtbot, dialog, tmp_path / "sound.gdbm")

    press_enter(qtbot, dialog)
    finish_errands(qtbot, local_window)

    assert tab.document.name == "sound.gdbm"
    assert len(tab.document) == count == 150
    assert not tab.reading.problems
    assert tab.document.why_read_only == ""


def test_a_change_made_while_the_copy_is_written_stays_pending(
    qtbot: QtBot, local_window: MainWindow, shelf: Path
) -> None:
    tab = opened(qtbot, local_window, shelf)
    change(qtbot, tab, "'Edam'")
    begun = tab.document.begin_copy("sqlite3")
    change(qtbot, tab, "'Brie'")
    copy = make_sqlite(
        shelf.with_name("copy.db"),
        {key: pickle.dumps("Edam" if key == "käse".encode() else value, 4) for key, value in VALUES.items()},
    )

    tab.reading.continue_as(copy, begun, lambda is_moved: None)
    settle(qtbot, tab)
    assert [pickle.loads(change.value) for change in tab.document.pending_changes] == ["Brie"]
    run_command(qtbot, local_window, "save")
    settle(qtbot, tab)

    assert stored(copy) == VALUES | {"käse".encode(): "Brie"}


def test_a_change_of_an_entry_that_is_gone_meanwhile_is_in_the_copy(
    qtbot: QtBot, local_window: MainWindow, shelf: Path
) -> None:
    tab = opened(qtbot, local_window, shelf)
    change(qtbot, tab, "'Edam'")
    with closing(sqlite3.connect(shelf)) as other, other:
        other.execute("DELETE FROM Dict WHERE key = ?", ("käse".encode(),))
    run_command(qtbot, local_window, "reload")
    settle(qtbot, tab)
    assert len(tab.document.index) == 4  # the changed entry stays in sight behind them

    dialog = dialog_of(qtbot, local_window, "save-as")
    type_place(qtbot, dialog, shelf.with_name("copy.db"))
    press_enter(qtbot, dialog)
    finish_errands(qtbot, local_window)

    assert stored(shelf.with_name("copy.db")) == VALUES | {"käse".encode(): "Edam"}
    assert not tab.document.pending_changes


def test_save_as_offers_the_same_format_and_layout(qtbot: QtBot, local_window: MainWindow, tmp_path: Path) -> None:
    dialog = dialog_of(qtbot, local_window, "new")
    choose_format(dialog, "gdbm")
    type_place(qtbot, dialog, tmp_path / "big.gdbm")
    press_enter(qtbot, dialog)
    finish_errands(qtbot, local_window)

    again = dialog_of(qtbot, local_window, "save-as")

    assert part(again, QTableView, "formats").currentIndex().data() == "GDBM (dbm.gnu)"
    assert part(again, QLineEdit, "new-place").text() == str(tmp_path / "big-2.gdbm")
    again.close()


def test_a_read_only_reason_offers_save_as(qtbot: QtBot, local_window: MainWindow, shelf: Path) -> None:
    window = MainWindow(local_window.area.make_engine, read_only=True)
    qtbot.addWidget(window)
    window.show()
    tab = opened(qtbot, window, shelf)

    tab.value.tree.setFocus()
    qtbot.keyClick(tab.value.tree, Key.Key_F2)
    assert "read-only" in tab.notices.sentence
    press(tab.notices, "Save as…")
    dialog = part(window, QDialog, "new-database")
    type_place(qtbot, dialog, shelf.with_name("mine.db"))
    press_enter(qtbot, dialog)
    finish_errands(qtbot, window)

    assert tab.document.path == shelf.with_name("mine.db")
    assert tab.document.why_read_only == ""
    window.close_at_once()


def test_a_save_that_is_refused_offers_save_as(qtbot: QtBot, local_window: MainWindow, tmp_path: Path) -> None:
    with dbm.dumb.open(str(tmp_path / "d"), "n") as database:
        database["key"] = pickle.dumps("value")
    tab = opened(qtbot, local_window, tmp_path / "d.dir")
    os.link(tmp_path / "d.dir", tmp_path / "another name")
    change_value(qtbot, tab, 0, "'new'")

    run_command(qtbot, local_window, "save")
    settle(qtbot, tab)
    assert tab.document.pending_changes
    assert "hard link" in tab.notices.sentence
    press(tab.notices, "Save as…")
    dialog = part(local_window, QDialog, "new-database")
    type_place(qtbot, dialog, tmp_path / "e")
    press_enter(qtbot, dialog)
    finish_errands(qtbot, local_window)

    with dbm.dumb.open(str(tmp_path / "e"), "r") as copy:
        assert pickle.loads(copy["key"]) == "new"
    assert tab.document.name == "e"


# ---- what can be done


@pytest.mark.parametrize("name", ["save-as", "convert", "compact", "check"])
def test_an_action_says_why_it_cannot_be_done(local_window: MainWindow, name: str) -> None:
    action = local_window.actions_[name]

    assert not action.isEnabled()
    assert "No database is open." in action.toolTip()


def test_a_reason_from_a_file_name_is_no_rich_text(qtbot: QtBot, local_window: MainWindow, tmp_path: Path) -> None:
    window = MainWindow(local_window.area.make_engine, read_only=True)
    qtbot.addWidget(window)
    tab = opened(qtbot, window, make_sqlite(tmp_path / "<b>shop.db", {b"k": b"v"}))

    assert tab.document.why_read_only
    assert "&lt;b&gt;shop.db" in window.actions_["compact"].toolTip()
    window.close_at_once()


def test_the_first_steps_are_on_the_start_page(local_window: MainWindow) -> None:
    page = local_window.area.start_page
    assert part(page, ChoiceButtons, "").isVisible()

    press(page, "New database…")

    part(local_window, QDialog, "new-database").close()
