"""Copies in another format: what they hold, what is left out, giving them up."""

import dbm.dumb
import pickle
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QDialog, QLabel, QMessageBox, QTableView, QToolButton
from pytestqt.qtbot import QtBot

from app.ui.main_window import MainWindow
from tests.engine.shelves import make_sqlite
from tests.ui.fixtures import VALUES, WAIT, opened, settle
from tests.ui.making import change, choose_format, dialog_of, finish_errands, part, press, press_enter, type_place

Key = Qt.Key


def test_convert_makes_a_copy_and_offers_to_open_it(qtbot: QtBot, local_window: MainWindow, shelf: Path) -> None:
    tab = opened(qtbot, local_window, shelf)
    change(qtbot, tab, "'Edam'")
    dialog = dialog_of(qtbot, local_window, "convert")

    choose_format(dialog, "dumb")
    press_enter(qtbot, dialog)
    finish_errands(qtbot, local_window)

    assert local_window.area.all() == [tab]
    assert len(tab.document.pending_changes) == 1
    with dbm.dumb.open(str(shelf.with_suffix("")), "r") as copy:
        assert pickle.loads(copy["käse"]) == "Edam"
        assert len(copy) == len(VALUES)
    assert "5 entries" in local_window.area.all()[0].notices.sentence

    press(local_window.area.all()[0].notices, "Open")
    finish_errands(qtbot, local_window)
    assert len(local_window.area.all()) == 2
    assert local_window.area.current is not tab
    assert len(local_window.area.all()[1].document) == 5


def big_entries(tmp_path: Path) -> Path:
    """A database with two entries that SDBM cannot hold."""
    entries = {b"small": b"1", b"big": b"x" * 5_000, b"bigger": b"y" * 70_000}
    return make_sqlite(tmp_path / "big.db", entries)


def refusals_for_sdbm(qtbot: QtBot, window: MainWindow, tmp_path: Path) -> QDialog:
    opened(qtbot, window, big_entries(tmp_path))
    dialog = dialog_of(qtbot, window, "convert")
    choose_format(dialog, "sdbm")
    press_enter(qtbot, dialog)
    qtbot.waitUntil(lambda: window.findChild(QDialog, "refusals") is not None, timeout=WAIT)
    return part(window, QDialog, "refusals")


def test_what_a_format_cannot_hold_is_listed_before_anything_is_written(
    qtbot: QtBot, local_window: MainWindow, tmp_path: Path
) -> None:
    dialog = refusals_for_sdbm(qtbot, local_window, tmp_path)

    model = part(dialog, QTableView, "refused-entries").model()
    listed = {model.index(row, 0).data(): model.index(row, 1).data() for row in range(model.rowCount())}
    assert listed.keys() == {"big", "bigger"}
    assert all(listed.values())
    assert part(dialog, QLabel, "refusals-sentence").text().startswith("2 entries cannot be stored in big")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["big.db"]
    qtbot.keyClick(dialog, Key.Key_Escape)
    finish_errands(qtbot, local_window)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["big.db"]


def test_what_cannot_be_held_is_left_out_when_that_is_chosen(
    qtbot: QtBot, local_window: MainWindow, tmp_path: Path
) -> None:
    dialog = refusals_for_sdbm(qtbot, local_window, tmp_path)

    press(dialog, "Leave them out")
    finish_errands(qtbot, local_window)

    assert {"big.pag", "big.dir"} <= {path.name for path in tmp_path.iterdir()}
    assert "1 entry, 2 left out" in local_window.area.all()[0].notices.sentence
    press(local_window.area.all()[0].notices, "Open")
    finish_errands(qtbot, local_window)
    assert local_window.area.current is not None
    assert [bytes(local_window.area.current.document.key(0))] == [b"small"]


def test_a_refused_editor_holds_a_copy_back(qtbot: QtBot, local_window: MainWindow, shelf: Path) -> None:
    tab = opened(qtbot, local_window, shelf)
    tab.entries.select_key("käse".encode())
    settle(qtbot, tab)
    tab.value.tree.setFocus()
    qtbot.keyClick(tab.value.tree, Key.Key_F2)
    settle(qtbot, tab)
    editor = tab.value.tree.editor
    assert editor is not None
    editor.setText("'no end")

    dialog = dialog_of(qtbot, local_window, "save-as")
    type_place(qtbot, dialog, shelf.with_name("copy.db"))
    press_enter(qtbot, dialog)
    finish_errands(qtbot, local_window)

    assert not shelf.with_name("copy.db").exists()
    assert tab.document.path == shelf


def test_a_conversion_that_is_cancelled_leaves_nothing(qtbot: QtBot, child_window: MainWindow, tmp_path: Path) -> None:
    path = make_sqlite(tmp_path / "many.db", {b"%06d" % number: b"v" for number in range(300_000)})
    opened(qtbot, child_window, path)
    dialog = dialog_of(qtbot, child_window, "convert")
    choose_format(dialog, "gdbm")
    press_enter(qtbot, dialog)
    qtbot.waitUntil(child_window.status.errand.isVisible, timeout=WAIT)

    part(child_window.status.errand, QToolButton, "cancel-errand").click()
    finish_errands(qtbot, child_window)

    assert child_window.area.all()[0].notices.sentence == "Cancelled: many.gdbm was not written."
    assert [file.name for file in tmp_path.iterdir()] == ["many.db"]


@pytest.mark.parametrize("quits", [True, False])
def test_quitting_while_a_conversion_runs_asks_first(
    qtbot: QtBot, child_window: MainWindow, tmp_path: Path, quits: bool
) -> None:
    path = make_sqlite(tmp_path / "many.db", {b"%06d" % number: b"v" for number in range(20_000)})
    opened(qtbot, child_window, path)
    dialog = dialog_of(qtbot, child_window, "convert")
    choose_format(dialog, "gdbm")
    press_enter(qtbot, dialog)
    qtbot.waitUntil(lambda: not child_window.errands.is_idle, timeout=WAIT)

    child_window.close()
    box = part(child_window, QMessageBox, "give-up-question")
    assert "Writing many.gdbm" in box.text()
    press(box, "Quit" if quits else "Cancel")
    finish_errands(qtbot, child_window)

    assert child_window.isVisible() is not quits
    made = {"many.db"} if quits else {"many.db", "many.gdbm"}
    assert {file.name for file in tmp_path.iterdir()} == made


def test_return_leaves_nothing_out(qtbot: QtBot, local_window: MainWindow, tmp_path: Path) -> None:
    dialog = refusals_for_sdbm(qtbot, local_window, tmp_path)

    qtbot.keyClick(dialog, Key.Key_Return)
    finish_errands(qtbot, local_window)

    assert not dialog.isVisible()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["big.db"]


def test_larger_pages_are_advised_where_they_hold_what_is_refused(
    qtbot: QtBot, local_window: MainWindow, tmp_path: Path
) -> None:
    opened(qtbot, local_window, make_sqlite(tmp_path / "big.db", {b"small": b"1", b"big": b"x" * 5_000}))
    dialog = dialog_of(qtbot, local_window, "convert")
    choose_format(dialog, "sdbm")
    press_enter(qtbot, dialog)
    qtbot.waitUntil(lambda: local_window.findChild(QDialog, "refusals") is not None, timeout=WAIT)
    refusals = part(local_window, QDialog, "refusals")

    assert part(refusals, QLabel, "refusals-sentence").text().endswith("To store more, choose the page size 8192.")
    refusals.close()


def test_a_database_of_several_files_is_told_by_their_names(
    qtbot: QtBot, local_window: MainWindow, shelf: Path
) -> None:
    opened(qtbot, local_window, shelf)
    dialog = dialog_of(qtbot, local_window, "convert")
    choose_format(dialog, "dumb")

    press_enter(qtbot, dialog)
    finish_errands(qtbot, local_window)

    assert local_window.area.all()[0].notices.sentence.startswith("Wrote shop.db to shop.dat and shop.dir (dbm.dumb): ")
