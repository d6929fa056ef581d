"""Compacting, checking and salvaging from the window."""

import dbm.dumb
import pickle
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QCheckBox, QComboBox, QDialog, QLabel, QLineEdit, QPushButton
from pytestqt.qtbot import QtBot

from app.ui.labels import ElidedLabel
from app.ui.main_window import MainWindow
from tests.engine.shelves import make_sqlite, read_sqlite
from tests.ui.commands import run_command
from tests.ui.edits import change_value
from tests.ui.fixtures import WAIT, opened, settle
from tests.ui.making import answer_replace, dialog_of, finish_errands, part, press, press_enter, type_place
from tests.ui.slow import SlowChecks

DAMAGED_DUMB = "dumb-corrupt-dir-cut"


def made_roomy(tmp_path: Path) -> Path:
    """A database most of whose pages nothing uses any more."""
    path = make_sqlite(tmp_path / "roomy.db", {b"%04d" % number: b"x" * 1_000 for number in range(500)})
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("DELETE FROM Dict WHERE key > ?", (b"0010",))
    return path


# ---- compacting


def test_compacting_says_what_it_saved_and_keeps_a_backup(
    qtbot: QtBot, local_window: MainWindow, tmp_path: Path
) -> None:
    path = made_roomy(tmp_path)
    before, entries = path.stat().st_size, read_sqlite(path)
    tab = opened(qtbot, local_window, path)

    run_command(qtbot, local_window, "compact")
    settle(qtbot, tab)

    after = path.stat().st_size
    assert after < before / 10
    assert read_sqlite(path) == entries
    [backup] = tmp_path.glob("roomy.db.shelfscope-backup-*")
    assert tab.notices.sentence.startswith(f"Compacted roomy.db: {before:,} bytes became {after:,}")
    assert backup.name in tab.notices.sentence
    assert len(tab.document) == len(entries)


def test_compacting_waits_until_changes_are_saved(qtbot: QtBot, local_window: MainWindow, shelf: Path) -> None:
    tab = opened(qtbot, local_window, shelf)
    change_value(qtbot, tab, 3, "'Edam'")

    run_command(qtbot, local_window, "compact")
    settle(qtbot, tab)
    assert "not saved" in tab.notices.sentence
    assert len(tab.document.pending_changes) == 1

    press(tab.notices, "Save")
    settle(qtbot, tab)
    assert not tab.document.pending_changes
    run_command(qtbot, local_window, "compact")
    settle(qtbot, tab)
    assert tab.notices.sentence.startswith("Compacted shop.db")


# ---- checking


def test_a_sound_database_has_no_damage(qtbot: QtBot, local_window: MainWindow, shelf: Path) -> None:
    tab = opened(qtbot, local_window, shelf)

    run_command(qtbot, local_window, "check")
    finish_errands(qtbot, local_window)

    assert tab.notices.sentence == "Checked shop.db: no damage found."
    assert not local_window.problems.isVisible()


def test_damage_is_listed_with_its_place_and_offers_salvage(
    qtbot: QtBot, local_window: MainWindow, database_case: Callable[[str], Path]
) -> None:
    path = database_case("corrupt-gdbm-x86_64-1.23-n150-512-numsync-badptr")
    tab = opened(qtbot, local_window, path)

    run_command(qtbot, local_window, "check")
    finish_errands(qtbot, local_window)

    rows = local_window.problems.list
    assert local_window.problems.isVisible()
    assert rows.rowCount() == len(tab.reading.problems) > 0
    assert any(rows.index(row, 1).data() for row in range(rows.rowCount()))
    assert tab.notices.sentence.startswith("Checked test.gdbm: ")
    press(tab.notices, "Salvage…")
    dialog = part(local_window, QDialog, "salvage-dialog")
    assert part(dialog, QLineEdit, "salvage-source").text() == str(path)
    dialog.close()
    finish_errands(qtbot, local_window)


def test_findings_are_gone_when_the_file_is_read_again(
    qtbot: QtBot, local_window: MainWindow, database_case: Callable[[str], Path]
) -> None:
    tab = opened(qtbot, local_window, database_case("corrupt-gdbm-x86_64-1.23-n150-512-numsync-badptr"))
    run_command(qtbot, local_window, "check")
    finish_errands(qtbot, local_window)

    run_command(qtbot, local_window, "reload")
    settle(qtbot, tab)

    assert tuple(tab.reading.problems) == tab.document.problems


def test_a_check_of_a_tab_that_was_closed_still_says_what_it_found(
    qtbot: QtBot, local_window: MainWindow, database_case: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    opened(qtbot, local_window, database_case("corrupt-gdbm-x86_64-1.23-n150-512-numsync-badptr"))
    checks = SlowChecks(monkeypatch)
    run_command(qtbot, local_window, "check")
    qtbot.waitUntil(checks.began.is_set, timeout=WAIT)

    run_command(qtbot, local_window, "close-tab")
    qtbot.waitUntil(lambda: not local_window.area.all(), timeout=WAIT)
    checks.may_end.set()
    finish_errands(qtbot, local_window)

    assert "found" in local_window.notices.sentence


# ---- salvaging


def told(dialog: QDialog) -> str:
    return part(dialog, QLabel, "salvage-told").text()


def salvage_dialog(qtbot: QtBot, window: MainWindow) -> QDialog:
    dialog = dialog_of(qtbot, window, "salvage", "salvage-dialog")
    qtbot.waitUntil(lambda: told(dialog) != "", timeout=WAIT)
    return dialog


def test_a_damaged_database_is_salvaged_from_its_notice_and_opened(
    qtbot: QtBot, local_window: MainWindow, database_case: Callable[[str], Path]
) -> None:
    path = database_case(DAMAGED_DUMB)
    tab = opened(qtbot, local_window, path)
    press(tab.notices if tab.can_browse else tab, "Salvage…")
    dialog = part(local_window, QDialog, "salvage-dialog")
    qtbot.waitUntil(lambda: told(dialog) != "", timeout=WAIT)
    target = Path(part(dialog, QLineEdit, "salvage-place").text())

    press_enter(qtbot, dialog, "salvage-place")
    finish_errands(qtbot, local_window)

    assert target.name.endswith("-salvaged.db")
    new = local_window.area.current
    assert new is not None
    assert new.document.path == target
    assert len(read_sqlite(target)) == len(new.document) > 0
    assert local_window.notices.sentence.startswith(f"Salvaged {len(new.document):,} entries of {path.name}")
    press(local_window.notices, "Problems")
    assert local_window.problems.isVisible()
    assert local_window.problems.list.rowCount() > 0
    assert new.document.why_read_only == ""


def test_deleted_entries_come_too_when_that_is_chosen(
    qtbot: QtBot, local_window: MainWindow, database_case: Callable[[str], Path]
) -> None:
    opened(qtbot, local_window, database_case(DAMAGED_DUMB))
    dialog = salvage_dialog(qtbot, local_window)

    part(dialog, QCheckBox, "salvage-deleted").click()
    press_enter(qtbot, dialog, "salvage-place")
    finish_errands(qtbot, local_window)

    assert "Salvaged" in local_window.notices.sentence


def test_a_file_that_does_not_tell_its_format_asks_for_it(
    qtbot: QtBot, local_window: MainWindow, tmp_path: Path
) -> None:
    path = tmp_path / "lost.bin"
    path.write_bytes(bytes(range(1, 250)) * 20)
    tab = opened(qtbot, local_window, path)
    press(tab, "Salvage…")
    dialog = part(local_window, QDialog, "salvage-dialog")
    qtbot.waitUntil(lambda: told(dialog) != "", timeout=WAIT)
    was, go = part(dialog, QComboBox, "salvage-was"), part(dialog, QPushButton, "salvage-go")
    assert was.isVisible()
    assert not go.isEnabled()
    assert part(dialog, ElidedLabel, "salvage-hint").text() == "Choose what the damaged file was."

    was.setCurrentIndex(was.findData("dumb"))

    assert go.isEnabled()
    go.click()
    finish_errands(qtbot, local_window)
    assert "lost" in local_window.notices.sentence


def test_values_without_their_index_are_salvaged_though_they_cannot_be_opened(
    qtbot: QtBot, local_window: MainWindow, tmp_path: Path
) -> None:
    with dbm.dumb.open(str(tmp_path / "d"), "n") as database:
        for number in range(3):
            database[f"key {number}"] = pickle.dumps({"number": number, "text": "some text"})
    for suffix in (".dir", ".bak"):
        (tmp_path / f"d{suffix}").unlink()
    tab = opened(qtbot, local_window, tmp_path / "d.dat")
    assert tab.is_refused
    press(tab, "Salvage…")
    dialog = part(local_window, QDialog, "salvage-dialog")
    qtbot.waitUntil(lambda: told(dialog) != "", timeout=WAIT)

    assert part(dialog, QComboBox, "salvage-was").isVisible()
    press_enter(qtbot, dialog, "salvage-place")
    finish_errands(qtbot, local_window)

    assert local_window.notices.sentence.startswith("Salvaged 3 entries of d.dat")


def test_a_salvage_that_found_nothing_can_be_tried_again(
    qtbot: QtBot, local_window: MainWindow, database_case: Callable[[str], Path]
) -> None:
    path = database_case(DAMAGED_DUMB).with_suffix(".dat")
    path.with_suffix(".dir").unlink()
    opened(qtbot, local_window, path)
    dialog = salvage_dialog(qtbot, local_window)
    press_enter(qtbot, dialog, "salvage-place")
    finish_errands(qtbot, local_window)
    assert "No entry was found" in local_window.notices.sentence

    press(local_window.notices, "Try again…")

    again = part(local_window, QDialog, "salvage-dialog")
    assert part(again, QLineEdit, "salvage-source").text() == str(path)
    again.close()
    finish_errands(qtbot, local_window)


def test_a_format_that_files_tell_is_not_asked_for(
    qtbot: QtBot, local_window: MainWindow, database_case: Callable[[str], Path]
) -> None:
    opened(qtbot, local_window, database_case("corrupt-gdbm-x86_64-1.23-n150-512-numsync-badptr"))

    dialog = salvage_dialog(qtbot, local_window)

    assert "GDBM" in told(dialog)
    assert not part(dialog, QComboBox, "salvage-was").isVisible()
    assert part(dialog, QPushButton, "salvage-go").isEnabled()
    dialog.close()
    finish_errands(qtbot, local_window)


def test_any_file_can_be_named(qtbot: QtBot, local_window: MainWindow, tmp_path: Path) -> None:
    dialog = dialog_of(qtbot, local_window, "salvage", "salvage-dialog")
    go = part(dialog, QPushButton, "salvage-go")
    assert not go.isEnabled()

    type_place(qtbot, dialog, tmp_path / "gone.db", "salvage-source")
    qtbot.waitUntil(lambda: told(dialog) != "", timeout=WAIT)

    assert "gone.db" in told(dialog)
    assert not go.isEnabled()
    dialog.close()
    finish_errands(qtbot, local_window)


def test_the_damaged_file_is_never_the_target(
    qtbot: QtBot, local_window: MainWindow, database_case: Callable[[str], Path]
) -> None:
    path = database_case("corrupt-gdbm-x86_64-1.23-n150-512-numsync-badptr")
    opened(qtbot, local_window, path)
    run_command(qtbot, local_window, "close-tab")
    dialog = dialog_of(qtbot, local_window, "salvage", "salvage-dialog")
    type_place(qtbot, dialog, path, "salvage-source")

    type_place(qtbot, dialog, path, "salvage-place")

    assert not part(dialog, QPushButton, "salvage-go").isEnabled()
    dialog.close()
    finish_errands(qtbot, local_window)


def test_a_salvage_onto_another_file_asks_first(
    qtbot: QtBot, local_window: MainWindow, database_case: Callable[[str], Path], tmp_path: Path
) -> None:
    other = tmp_path / "other.db"
    other.write_bytes(b"precious")
    opened(qtbot, local_window, database_case(DAMAGED_DUMB))
    dialog = salvage_dialog(qtbot, local_window)
    type_place(qtbot, dialog, other, "salvage-place")

    press_enter(qtbot, dialog, "salvage-place")
    answer_replace(dialog, replaces=False)
    assert other.read_bytes() == b"precious"
    press_enter(qtbot, dialog, "salvage-place")
    answer_replace(dialog, replaces=True)
    finish_errands(qtbot, local_window)

    [backup] = tmp_path.glob("other.db.shelfscope-backup-*")
    assert backup.read_bytes() == b"precious"


@pytest.mark.parametrize("name", ["salvage-source", "salvage-place"])
def test_escape_leaves_everything_alone(
    qtbot: QtBot, local_window: MainWindow, database_case: Callable[[str], Path], name: str
) -> None:
    path = database_case(DAMAGED_DUMB)
    opened(qtbot, local_window, path)
    before = sorted(file.name for file in path.parent.iterdir())
    dialog = salvage_dialog(qtbot, local_window)

    qtbot.keyClick(part(dialog, QLineEdit, name), Qt.Key.Key_Escape)
    finish_errands(qtbot, local_window)

    assert sorted(file.name for file in path.parent.iterdir()) == before


def test_a_path_with_steps_back_is_shown_without_them(qtbot: QtBot, local_window: MainWindow, tmp_path: Path) -> None:
    (tmp_path / "g").mkdir()
    (tmp_path / "r.sh").write_bytes(b"#!/bin/sh\n")
    opened(qtbot, local_window, tmp_path / "g" / ".." / "r.sh")

    dialog = salvage_dialog(qtbot, local_window)

    assert part(dialog, QLineEdit, "salvage-source").text() == str(tmp_path / "r.sh")
    assert part(dialog, QLineEdit, "salvage-place").text() == str(tmp_path / "r-salvaged.db")
    dialog.close()
    finish_errands(qtbot, local_window)


def test_a_sound_database_has_a_dock_that_says_so(qtbot: QtBot, local_window: MainWindow, shelf: Path) -> None:
    opened(qtbot, local_window, shelf)
    rows = local_window.problems.list

    assert [rows.index(row, 0).data() for row in range(rows.rowCount())] == ["No problems found."]
    run_command(qtbot, local_window, "close-tab")
    assert rows.rowCount() == 0


def test_a_database_whose_keys_cannot_be_read_says_so_and_can_be_salvaged(
    qtbot: QtBot, local_window: MainWindow, database_case: Callable[[str], Path]
) -> None:
    path = database_case("corrupt-sqlite3-n150-cut")
    tab = opened(qtbot, local_window, path)

    assert tab.is_refused
    assert not tab.can_browse
    assert tab.facts().count == ""
    press(tab, "Salvage…")
    dialog = part(local_window, QDialog, "salvage-dialog")
    assert part(dialog, QLineEdit, "salvage-source").text() == str(path)
    dialog.close()
    finish_errands(qtbot, local_window)
