"""Files that other programs write while they are open: nothing of either side is lost, and nothing is a dead end."""

import dbm.dumb
import pickle
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from PySide6.QtWidgets import QDialog, QTableView
from pytestqt.modeltest import ModelTester
from pytestqt.qtbot import QtBot

from app.ui import file_watcher, on_disk
from app.ui.database_tab import DatabaseTab
from app.ui.labels import ElidedLabel
from app.ui.main_window import MainWindow
from tests.backends.native import native_gdbm
from tests.engine.shelves import make_sqlite, read_sqlite
from tests.ui.disk import (
    change,
    click,
    edit,
    go_to_value,
    move_over,
    store,
    titles,
    type_value,
    wait_for_bar,
    wait_until_read,
)
from tests.ui.editing import CTRL, Key, press, wait_for_focus
from tests.ui.edits import paste_entries
from tests.ui.fixtures import VALUES, WAIT, opened, settle
from tests.ui.making import finish_errands, part, type_place

NEW = pickle.dumps("from another program", 4)
MERGE_BUTTONS = ["Save as…", "Keep mine for now"]


@pytest.fixture
def tab(qtbot: QtBot, local_window: MainWindow, shelf: Path) -> DatabaseTab:
    return opened(qtbot, local_window, shelf)


def stored(path: Path) -> dict[bytes, object]:
    return {key: pickle.loads(value) for key, value in read_sqlite(path).items()}


def wait_for_dialog(qtbot: QtBot, window: MainWindow, name: str) -> QDialog:
    def visible() -> list[QDialog]:
        return [dialog for dialog in window.findChildren(QDialog, name) if dialog.isVisible()]

    qtbot.waitUntil(lambda: bool(visible()), timeout=WAIT)
    finish_errands(qtbot, window)
    [dialog] = visible()
    return dialog


def go_back(qtbot: QtBot, tab: DatabaseTab) -> None:
    """Go back to the window after a dialog, as a window manager does."""
    tab.window().activateWindow()
    tab.entries.view.setFocus()
    wait_for_focus(qtbot, tab.entries.view)
    settle(qtbot, tab)


def rows(dialog: QDialog, name: str) -> list[tuple[str, ...]]:
    model = part(dialog, QTableView, name).model()
    columns = range(model.columnCount())
    return [tuple(str(model.index(row, place).data()) for place in columns) for row in range(model.rowCount())]


# ---- nothing is pending


def test_a_tab_without_changes_is_read_again_and_stays_where_it_is(
    qtbot: QtBot, qtmodeltester: ModelTester, local_window: MainWindow, tmp_path: Path
) -> None:
    path = make_sqlite(tmp_path / "many.db", {b"key %03d" % number: pickle.dumps(number) for number in range(300)})
    tab = opened(qtbot, local_window, path)
    qtmodeltester.check(tab.entries.model)
    tab.entries.select_key(b"key 200")
    tab.entries.view.verticalScrollBar().setValue(190)
    settle(qtbot, tab)
    scrolled = tab.entries.view.verticalScrollBar().value()

    store(path, b"new", NEW)
    wait_until_read(qtbot, tab, b"new", NEW)

    assert tab.document.key(tab.entries.current_entry or 0) == b"key 200"
    assert tab.entries.view.verticalScrollBar().value() == scrolled
    assert "was read again" in part(local_window, ElidedLabel, "status-news").text()
    assert tab.notices.sentence == tab.on_disk.bar.sentence == ""


def test_the_current_entry_stays_in_sight_though_others_come_before_it(
    qtbot: QtBot, local_window: MainWindow, tmp_path: Path
) -> None:
    path = make_sqlite(tmp_path / "many.db", {b"key %03d" % number: pickle.dumps(number) for number in range(300)})
    tab = opened(qtbot, local_window, path)
    tab.entries.select_key(b"key 200")
    settle(qtbot, tab)

    with closing(sqlite3.connect(path)) as connection, connection:
        rows = [(-number, b"before %d" % number, NEW) for number in range(1, 101)]
        connection.executemany("INSERT INTO Dict (rowid, key, value) VALUES (?, ?, ?)", rows)
    wait_until_read(qtbot, tab, b"before 1", NEW)

    assert tab.document.key(tab.entries.current_entry or 0) == b"key 200"
    view = tab.entries.view
    assert view.viewport().rect().contains(view.visualRect(view.currentIndex()).center())


def test_files_of_dumb_that_python_writes_are_read_again(
    qtbot: QtBot, local_window: MainWindow, tmp_path: Path
) -> None:
    with dbm.dumb.open(str(tmp_path / "x"), "c") as made:
        made[b"a"] = b"one"
    tab = opened(qtbot, local_window, tmp_path / "x.dir")

    with dbm.dumb.open(str(tmp_path / "x"), "w") as other:
        other[b"b"] = b"two"

    wait_until_read(qtbot, tab, b"b", b"two")


def test_a_file_that_gdbm_writes_in_place_is_read_again(qtbot: QtBot, local_window: MainWindow, tmp_path: Path) -> None:
    path = tmp_path / "x.gdbm"
    with native_gdbm() as gdbm:
        gdbm.write(path, [(b"a", b"one")])
        tab = opened(qtbot, local_window, path)

        gdbm("open", path, "w")
        gdbm("put", path, b"b", b"two")
        gdbm("close", path)

        wait_until_read(qtbot, tab, b"b", b"two")
        move_over(_rewritten(gdbm, tmp_path / "new.gdbm"), path)
        wait_until_read(qtbot, tab, b"c", b"three")


def _rewritten(gdbm: object, path: Path) -> Path:
    assert callable(gdbm)
    gdbm("open", path, "n")
    gdbm("put", path, b"c", b"three")
    gdbm("close", path)
    return path


def test_a_file_that_is_replaced_deleted_and_made_again_is_read_each_time(
    qtbot: QtBot, tab: DatabaseTab, shelf: Path
) -> None:
    move_over(make_sqlite(shelf.with_name("beside.db"), {b"replaced": NEW}), shelf)
    wait_until_read(qtbot, tab, b"replaced", NEW)

    shelf.unlink()
    wait_for_bar(qtbot, tab, "is not there any more")
    make_sqlite(shelf, {b"again": NEW})

    wait_until_read(qtbot, tab, b"again", NEW)
    assert tab.on_disk.bar.sentence == ""


def test_a_file_that_becomes_another_format_is_opened_as_that(
    qtbot: QtBot, local_window: MainWindow, tab: DatabaseTab, shelf: Path, tmp_path: Path
) -> None:
    with native_gdbm() as gdbm:
        gdbm.write(tmp_path / "new", [(b"a", b"one")])
    move_over(tmp_path / "new", shelf)

    wait_until_read(qtbot, tab, b"a", b"one")

    assert tab.document.info is not None
    assert tab.document.info.format == "gdbm"


def test_a_file_that_was_missing_is_opened_when_it_is_there(
    qtbot: QtBot, local_window: MainWindow, tmp_path: Path
) -> None:
    tab = opened(qtbot, local_window, tmp_path / "later.db")
    assert tab.is_refused

    make_sqlite(tmp_path / "later.db", {b"a": NEW})

    qtbot.waitUntil(lambda: tab.can_browse and tab.document.is_indexed, timeout=2 * WAIT)
    settle(qtbot, tab)
    assert tab.document.index.key(0) == b"a"


def test_our_own_saves_are_no_news(qtbot: QtBot, tab: DatabaseTab, local_window: MainWindow, shelf: Path) -> None:
    said: list[str] = []
    tab.on_disk.said.connect(said.append)
    edit(qtbot, tab, "käse".encode(), "Brie")

    press(qtbot, tab, Key.Key_S, CTRL)
    qtbot.wait(5 * file_watcher.QUIET)
    settle(qtbot, tab)

    assert stored(shelf)["käse".encode()] == "Brie"
    assert said == []
    assert tab.on_disk.bar.sentence == ""


def test_what_touches_a_file_and_changes_nothing_is_no_news(qtbot: QtBot, tab: DatabaseTab, shelf: Path) -> None:
    edit(qtbot, tab, "käse".encode(), "Brie")

    shelf.touch()
    qtbot.wait(5 * file_watcher.QUIET)
    settle(qtbot, tab)

    assert tab.on_disk.bar.sentence == ""
    assert len(tab.document.pending_changes) == 1


def test_a_file_that_is_written_all_the_time_is_read_now_and_then(
    qtbot: QtBot, tab: DatabaseTab, shelf: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(on_disk, "_REST", 1_000_000)
    monkeypatch.setattr(on_disk, "_LONGEST_REST", 2.0)
    store(shelf, b"first", NEW)
    wait_until_read(qtbot, tab, b"first", NEW)

    store(shelf, b"second", NEW)
    qtbot.wait(10 * file_watcher.QUIET)
    settle(qtbot, tab)
    assert list(tab.document.index.find(b"second")) == []

    wait_until_read(qtbot, tab, b"second", NEW)


# ---- something is pending


def test_the_bar_counts_what_another_program_did(qtbot: QtBot, tab: DatabaseTab, shelf: Path) -> None:
    edit(qtbot, tab, "käse".encode(), "Brie")
    with closing(sqlite3.connect(shelf)) as other, other:
        other.execute("DELETE FROM Dict WHERE key = ?", (b"numbers",))
        other.executemany("INSERT INTO Dict VALUES (?, ?)", [(b"x", NEW), (b"y", NEW)])
        other.execute("UPDATE Dict SET value = ? WHERE key IN (?, ?)", (NEW, b"order:1", "käse".encode()))

    sentence = wait_for_bar(qtbot, tab, "shop.db")

    expected = "Another program changed shop.db: 2 entries added, 1 removed, 2 changed; one of them you changed too."
    assert sentence == expected
    assert titles(tab.on_disk.bar) == ["Merge…", "Show…", *MERGE_BUTTONS]
    assert len(tab.document) == len(VALUES)


def test_a_value_of_the_same_length_is_seen_as_changed(qtbot: QtBot, tab: DatabaseTab, shelf: Path) -> None:
    edit(qtbot, tab, "käse".encode(), "Brie")
    old = read_sqlite(shelf)[b"order:2"]

    change(shelf, b"order:2", old.replace(b"Grace", b"Ecarg"))

    assert wait_for_bar(qtbot, tab, "shop.db") == "Another program changed shop.db: 1 entry changed."
    assert titles(tab.on_disk.bar) == ["Merge", "Show…", *MERGE_BUTTONS]


def test_the_entries_can_be_looked_at(qtbot: QtBot, local_window: MainWindow, tab: DatabaseTab, shelf: Path) -> None:
    edit(qtbot, tab, "käse".encode(), "Brie")
    store(shelf, b"numbers", None)
    change(shelf, "käse".encode(), NEW)
    wait_for_bar(qtbot, tab, "1 changed")

    click(qtbot, tab.on_disk.bar, "Show…")

    dialog = part(local_window, QDialog, "disk-changes")
    assert rows(dialog, "disk-changes-list") == [
        ("käse", "changed", "changed here too"),
        ("numbers", "removed", ""),
    ]
    qtbot.keyClick(dialog, Key.Key_Escape)


def test_merging_takes_other_entries_and_keeps_mine(qtbot: QtBot, tab: DatabaseTab, shelf: Path) -> None:
    edit(qtbot, tab, "käse".encode(), "Brie")
    store(shelf, b"x", NEW)
    change(shelf, b"order:2", NEW)
    wait_for_bar(qtbot, tab, "1 changed")

    click(qtbot, tab.on_disk.bar, "Merge")
    wait_until_read(qtbot, tab, b"x", NEW)

    assert tab.on_disk.bar.sentence == ""
    assert tab.notices.sentence == "Merged with what is in shop.db now. Your change is not saved yet."
    click(qtbot, tab.notices, "Save")
    settle(qtbot, tab)
    now = stored(shelf)
    assert (now["käse".encode()], now[b"x"], now[b"order:2"]) == ("Brie", *["from another program"] * 2)


def test_what_is_typed_is_kept_by_a_merge(qtbot: QtBot, tab: DatabaseTab, shelf: Path) -> None:
    edit(qtbot, tab, "käse".encode(), "Brie")
    store(shelf, b"x", NEW)
    wait_for_bar(qtbot, tab, "1 entry added")
    go_to_value(qtbot, tab, "käse".encode())
    type_value(qtbot, tab, "Edam")

    click(qtbot, tab.on_disk.bar, "Merge")
    wait_until_read(qtbot, tab, b"x", NEW)

    [pending] = tab.document.pending_changes
    assert pickle.loads(pending.value) == "Edam"


def test_a_text_that_is_being_typed_is_not_interrupted(qtbot: QtBot, tab: DatabaseTab, shelf: Path) -> None:
    go_to_value(qtbot, tab, "käse".encode())
    type_value(qtbot, tab, "Br")

    store(shelf, b"x", NEW)
    wait_for_bar(qtbot, tab, "Another program wrote shop.db.")
    qtbot.keyClicks(tab.value.tree.editor, "ie")
    press(qtbot, tab, Key.Key_Return)

    [pending] = tab.document.pending_changes
    assert pickle.loads(pending.value) == "Brie"


def test_keeping_mine_hides_the_bar_until_more_happens(qtbot: QtBot, tab: DatabaseTab, shelf: Path) -> None:
    edit(qtbot, tab, "käse".encode(), "Brie")
    store(shelf, b"x", NEW)
    wait_for_bar(qtbot, tab, "1 entry added")

    click(qtbot, tab.on_disk.bar, "Keep mine for now")
    shelf.touch()
    qtbot.wait(5 * file_watcher.QUIET)
    settle(qtbot, tab)
    assert tab.on_disk.bar.sentence == ""

    store(shelf, b"y", NEW)
    wait_for_bar(qtbot, tab, "2 entries added")


def test_a_tab_whose_changes_are_undone_is_read_again(qtbot: QtBot, tab: DatabaseTab, shelf: Path) -> None:
    edit(qtbot, tab, "käse".encode(), "Brie")
    store(shelf, b"x", NEW)
    wait_for_bar(qtbot, tab, "1 entry added")

    press(qtbot, tab, Key.Key_Z, CTRL)

    wait_until_read(qtbot, tab, b"x", NEW)
    assert tab.on_disk.bar.sentence == ""


# ---- deciding


def test_each_entry_is_decided_on_by_keys(
    qtbot: QtBot, qtmodeltester: ModelTester, local_window: MainWindow, tab: DatabaseTab, shelf: Path
) -> None:
    qtmodeltester.check(tab.entries.model)
    for number, key in enumerate((b"order:1", b"order:2", "käse".encode())):
        tab.runner.start(tab.document.set_bytes_job(next(tab.document.index.find(key)), pickle.dumps(f"mine {number}")))
        settle(qtbot, tab)
        change(shelf, key, pickle.dumps(f"theirs {number}"))
    store(shelf, b"x", NEW)
    wait_for_bar(qtbot, tab, "3 of them you changed too")

    click(qtbot, tab.on_disk.bar, "Merge…")
    dialog = wait_for_dialog(qtbot, local_window, "merge")
    table = part(dialog, QTableView, "conflicts")
    assert ("käse", "?", "", "str 'Gouda'", "str 'mine 2'", "str 'theirs 2'") in rows(dialog, "conflicts")
    wait_for_focus(qtbot, table)
    for letter in "mtm":
        qtbot.keyClick(table, letter)
    qtbot.keyClick(dialog, Key.Key_Return)
    go_back(qtbot, tab)

    assert stored(shelf)[b"order:1"] == "theirs 0"  # nothing is written before a save
    press(qtbot, tab, Key.Key_S, CTRL)
    now = stored(shelf)
    assert [now[key] for key in (b"order:1", b"order:2", "käse".encode())] == ["mine 0", "theirs 1", "mine 2"]
    assert now[b"x"] == "from another program"


def test_of_an_entry_that_is_new_on_both_sides_the_two_values_are_shown_and_no_empty_columns(
    qtbot: QtBot, local_window: MainWindow, tab: DatabaseTab, shelf: Path
) -> None:
    paste_entries(qtbot, tab, f"'new': {pickle.dumps('mine')!r}")
    store(shelf, b"new", pickle.dumps("theirs"))
    tab.entries.view.setFocus()
    press(qtbot, tab, Key.Key_S, CTRL)

    dialog = wait_for_dialog(qtbot, local_window, "merge")

    table = part(dialog, QTableView, "conflicts")
    assert rows(dialog, "conflicts") == [("new", "?", "", "", "str 'mine'", "str 'theirs'")]
    assert [column for column in range(6) if not table.isColumnHidden(column)] == [0, 1, 4, 5]
    qtbot.keyClick(dialog, Key.Key_Escape)


def test_saving_onto_what_another_program_changed_leads_to_the_choice(
    qtbot: QtBot, local_window: MainWindow, tab: DatabaseTab, shelf: Path
) -> None:
    edit(qtbot, tab, "käse".encode(), "mine")
    change(shelf, "käse".encode(), pickle.dumps("theirs"))
    press(qtbot, tab, Key.Key_S, CTRL)
    dialog = wait_for_dialog(qtbot, local_window, "merge")
    assert stored(shelf)["käse".encode()] == "theirs"

    click(qtbot, dialog, "Keep mine")
    click(qtbot, dialog, "Merge and save")
    settle(qtbot, tab)

    assert stored(shelf)["käse".encode()] == "mine"
    assert not tab.document.pending_changes


def test_what_is_not_decided_stays_and_is_asked_for_again(
    qtbot: QtBot, local_window: MainWindow, tab: DatabaseTab, shelf: Path
) -> None:
    edit(qtbot, tab, "käse".encode(), "mine")
    change(shelf, "käse".encode(), pickle.dumps("theirs"))
    press(qtbot, tab, Key.Key_S, CTRL)

    qtbot.keyClick(wait_for_dialog(qtbot, local_window, "merge"), Key.Key_Escape)
    wait_for_bar(qtbot, tab, "Choose before you save")
    assert stored(shelf)["käse".encode()] == "theirs"
    assert len(tab.document.pending_changes) == 1
    click(qtbot, tab.on_disk.bar, "Choose…")
    dialog = wait_for_dialog(qtbot, local_window, "merge")
    click(qtbot, dialog, "Take theirs")
    click(qtbot, dialog, "Merge and save")
    settle(qtbot, tab)

    assert not tab.document.pending_changes
    assert stored(shelf)["käse".encode()] == "theirs"
    go_back(qtbot, tab)
    press(qtbot, tab, Key.Key_Z, CTRL)
    [pending] = tab.document.pending_changes
    assert pickle.loads(pending.value) == "mine"


# ---- the file is not what it was


def test_a_file_that_is_gone_leaves_everything_and_is_saved_as_another(
    qtbot: QtBot, local_window: MainWindow, tab: DatabaseTab, shelf: Path, tmp_path: Path
) -> None:
    edit(qtbot, tab, "käse".encode(), "Brie")
    shelf.unlink()
    sentence = wait_for_bar(qtbot, tab, "is not there any more")
    assert sentence == ("shop.db is not there any more: it was deleted, moved or renamed. Your changes are still here.")
    press(qtbot, tab, Key.Key_S, CTRL)
    press(qtbot, tab, Key.Key_F5)
    assert len(tab.document) == len(VALUES)

    save_as(qtbot, local_window, tab, tmp_path / "saved.db")

    assert stored(tmp_path / "saved.db") == {"käse".encode(): "Brie"}  # SQLite's files are not held open
    assert "only what you changed" in tab.notices.sentence
    assert len(tab.document.pending_changes) == 1


def save_as(qtbot: QtBot, window: MainWindow, tab: DatabaseTab, path: Path) -> None:
    click(qtbot, tab.on_disk.bar, "Save as…")
    dialog = part(window, QDialog, "new-database")
    type_place(qtbot, dialog, path)
    click(qtbot, dialog, "Save")
    finish_errands(qtbot, window)


def test_a_file_that_is_gone_and_still_open_is_saved_whole(
    qtbot: QtBot, child_window: MainWindow, tmp_path: Path
) -> None:
    path = tmp_path / "x.gdbm"
    with native_gdbm() as gdbm:
        gdbm.write(path, [(key, pickle.dumps(value)) for key, value in VALUES.items()])
        tab = opened(qtbot, child_window, path)
        edit(qtbot, tab, "käse".encode(), "Brie")
        path.unlink()
        wait_for_bar(qtbot, tab, "is not there any more")
        press(qtbot, tab, Key.Key_S, CTRL)

        save_as(qtbot, child_window, tab, tmp_path / "saved.gdbm")

        saved = {key: pickle.loads(value) for key, value in gdbm.pairs(tmp_path / "saved.gdbm")}
    assert saved == {**VALUES, "käse".encode(): "Brie"}
    assert tab.document.path == tmp_path / "saved.gdbm"
    assert (tab.on_disk.bar.sentence, tab.document.pending_changes) == ("", [])


def test_a_file_that_comes_back_goes_on(qtbot: QtBot, tab: DatabaseTab, shelf: Path) -> None:
    edit(qtbot, tab, "käse".encode(), "Brie")
    shelf.rename(shelf.with_name("away.db"))
    wait_for_bar(qtbot, tab, "is not there any more")

    shelf.with_name("away.db").rename(shelf)
    qtbot.waitUntil(lambda: tab.on_disk.bar.sentence == "", timeout=2 * WAIT)
    press(qtbot, tab, Key.Key_S, CTRL)

    assert stored(shelf)["käse".encode()] == "Brie"


def test_try_again_looks_again(qtbot: QtBot, tab: DatabaseTab, shelf: Path) -> None:
    edit(qtbot, tab, "käse".encode(), "Brie")
    shelf.write_bytes(b"rubbish " * 1_000)
    wait_for_bar(qtbot, tab, "shop.db can no longer be read")
    click(qtbot, tab.on_disk.bar, "Try again")
    wait_for_bar(qtbot, tab, "shop.db can no longer be read")

    assert "Your changes are still here." in tab.on_disk.bar.sentence
    assert len(tab.document.pending_changes) == 1


def test_another_format_in_its_place_is_never_written_over(
    qtbot: QtBot, local_window: MainWindow, tab: DatabaseTab, shelf: Path, tmp_path: Path
) -> None:
    edit(qtbot, tab, "käse".encode(), "Brie")
    with native_gdbm() as gdbm:
        gdbm.write(tmp_path / "new", [(b"a", b"one")])
    other = (tmp_path / "new").read_bytes()
    move_over(tmp_path / "new", shelf)
    wait_for_bar(qtbot, tab, "shop.db was replaced by another file: it is a GDBM")

    press(qtbot, tab, Key.Key_S, CTRL)

    assert shelf.read_bytes() == other
    assert len(tab.document.pending_changes) == 1
    assert titles(tab.on_disk.bar) == ["Try again", "Save as…"]


def test_a_folder_that_is_gone_is_told_of(qtbot: QtBot, local_window: MainWindow, tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    path = make_sqlite(tmp_path / "folder" / "x.db", {b"a": pickle.dumps("text")})
    tab = opened(qtbot, local_window, path)
    edit(qtbot, tab, b"a", "mine")

    shutil.rmtree(tmp_path / "folder")

    sentence = wait_for_bar(qtbot, tab, "folder")
    assert sentence == "The folder of x.db is not there any more. Your changes are still here."
    press(qtbot, tab, Key.Key_S, CTRL)
    assert len(tab.document.pending_changes) == 1
    assert not (tmp_path / "folder").exists()

    save_as(qtbot, local_window, tab, tmp_path / "saved.db")

    assert stored(tmp_path / "saved.db") == {b"a": "mine"}
