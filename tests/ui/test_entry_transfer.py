"""Entries are cut, copied and pasted by keys; files are dragged into the table."""

import json
import pickle
from collections.abc import Sequence
from pathlib import Path

import pytest
from PySide6.QtCore import QMimeData, QPoint, QPointF, Qt, QUrl
from PySide6.QtGui import QDragEnterEvent, QDragLeaveEvent, QDragMoveEvent, QDropEvent, QGuiApplication
from PySide6.QtWidgets import QApplication, QComboBox, QDialog, QLabel, QLineEdit, QMessageBox, QPushButton, QWidget
from pytestqt.modeltest import ModelTester
from pytestqt.qtbot import QtBot

from app.codecs.screen import key_text
from app.document.copied_entries import CopiedEntries
from app.engine.local import LocalEngine
from app.ui.database_tab import DatabaseTab
from app.ui.entry_clipboard import MIME, put_entries, taken_entries
from app.ui.main_window import MainWindow
from tests.document.databases import make, pairs_of
from tests.engine.shelves import make_sqlite
from tests.ui.entries import CTRL, SHIFT, Key, answer, keys, kinds, press, question, select, value_of
from tests.ui.fixtures import WAIT, opened, opened_window, settle
from tests.ui.making import part

ENTRIES: dict[bytes, object] = {b"one": 1, b"two": {"x": [2]}, b"three": "drei"}


def shelf(folder: Path, name: str, entries: dict[bytes, object]) -> Path:
    return make_sqlite(folder / name, {key: pickle.dumps(value, 4) for key, value in entries.items()})


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    return shelf(tmp_path, "shop.db", ENTRIES)


@pytest.fixture
def other(tmp_path: Path) -> Path:
    return shelf(tmp_path, "other.db", {b"one": "mine", b"old": 0})


def clipboard_text() -> str:
    return QGuiApplication.clipboard().text()


def put_text(text: str) -> None:
    QGuiApplication.clipboard().setText(text)


# ---- copying and pasting


def test_entries_are_copied_and_pasted_into_another_tab(
    qtbot: QtBot, qtmodeltester: ModelTester, child_window: MainWindow, shop: Path, other: Path
) -> None:
    tab = opened(qtbot, child_window, shop)
    select(tab, 1)
    press(qtbot, tab, Key.Key_Down, SHIFT)
    press(qtbot, tab, Key.Key_C, CTRL)
    assert clipboard_text() == "'two': {'x': [2]}\n'three': 'drei'"
    target = opened(qtbot, child_window, other)
    qtmodeltester.check(target.entries.model)

    press(qtbot, target, Key.Key_V, CTRL)

    assert keys(target) == [b"one", b"old", b"two", b"three"]
    assert value_of(target, b"two") == {"x": [2]}
    assert target.entries.current_entry == target.entries.model.entry_id(3)
    assert child_window.actions_["undo"].text() == "&Undo Paste of 2 entries"
    press(qtbot, target, Key.Key_Z, CTRL)
    assert not target.document.pending_changes


@pytest.mark.parametrize("format_id", ["gdbm", "bdb-hash", "dumb", "cdb"])
def test_entries_go_to_a_database_of_another_format(
    qtbot: QtBot, local_window: MainWindow, shop: Path, tmp_path: Path, format_id: str
) -> None:
    path = make(tmp_path / "target", format_id)
    tab = opened(qtbot, local_window, shop)
    select(tab, 0)
    press(qtbot, tab, Key.Key_A, CTRL)
    press(qtbot, tab, Key.Key_C, CTRL)
    target = opened(qtbot, local_window, path)
    target.entries.view.setFocus()

    press(qtbot, target, Key.Key_V, CTRL)
    press(qtbot, target, Key.Key_S, CTRL)

    qtbot.waitUntil(lambda: not target.document.pending_changes, timeout=WAIT)
    assert sorted(pairs_of(path)) == sorted((key, pickle.dumps(value, 4)) for key, value in ENTRIES.items())


def test_entries_are_cut(qtbot: QtBot, local_window: MainWindow, shop: Path, other: Path) -> None:
    tab = opened(qtbot, local_window, shop)
    select(tab, 2)

    press(qtbot, tab, Key.Key_X, CTRL)
    assert kinds(tab) == {b"three": "deleted"}
    target = opened(qtbot, local_window, other)
    press(qtbot, target, Key.Key_V, CTRL)

    assert kinds(target) == {b"three": "added"}


def test_what_was_cut_is_pasted_back(qtbot: QtBot, local_window: MainWindow, shop: Path) -> None:
    tab = opened(qtbot, local_window, shop)
    select(tab, 2)
    press(qtbot, tab, Key.Key_X, CTRL)

    press(qtbot, tab, Key.Key_V, CTRL)

    assert not tab.document.pending_changes
    assert keys(tab) == list(ENTRIES)


@pytest.mark.parametrize(
    ("title", "expected"),
    [
        ("Replace", {b"one": "changed", b"two": "added"}),
        ("Keep both", {b"one (2)": "added", b"two": "added"}),
        ("Skip", {b"two": "added"}),
        ("Cancel", {}),
    ],
)
def test_keys_that_exist_are_asked_about_once(
    qtbot: QtBot, local_window: MainWindow, shop: Path, other: Path, title: str, expected: dict[bytes, str]
) -> None:
    tab = opened(qtbot, local_window, shop)
    select(tab, 0)
    press(qtbot, tab, Key.Key_Down, SHIFT)
    press(qtbot, tab, Key.Key_C, CTRL)
    target = opened(qtbot, local_window, other)
    press(qtbot, target, Key.Key_V, CTRL)
    assert question(local_window, "clash-question").text() == "1 of 2 keys is there already: 'one'."
    assert not target.document.pending_changes

    answer(qtbot, local_window, target, "clash-question", title)

    assert kinds(target) == expected


def test_what_the_format_cannot_hold_is_said_before_anything_is_changed(
    qtbot: QtBot, child_window: MainWindow, tmp_path: Path
) -> None:
    put_entries(CopiedEntries.of([(b"fits", b"x"), (b"large", b"x" * 2_000)]))
    target = opened(qtbot, child_window, make(tmp_path / "small", "sdbm"))
    target.entries.view.setFocus()

    press(qtbot, target, Key.Key_V, CTRL)

    assert "'large' cannot be stored in small" in target.notices.sentence
    assert not target.document.pending_changes


def test_json_is_pasted_as_entries(qtbot: QtBot, child_window: MainWindow, other: Path) -> None:
    put_text(json.dumps({"a": [1, None], "b": "text"}, indent=1))
    tab = opened(qtbot, child_window, other)

    press(qtbot, tab, Key.Key_V, CTRL)

    assert (value_of(tab, b"a"), value_of(tab, b"b")) == ([1, None], "text")


def test_a_copy_in_a_text_editor_comes_back(qtbot: QtBot, local_window: MainWindow, shop: Path, other: Path) -> None:
    tab = opened(qtbot, local_window, shop)
    select(tab, 1)
    press(qtbot, tab, Key.Key_C, CTRL)
    put_text(clipboard_text())  # all that a text editor leaves of it
    target = opened(qtbot, local_window, other)

    press(qtbot, target, Key.Key_V, CTRL)

    assert value_of(target, b"two") == {"x": [2]}


@pytest.mark.parametrize(
    ("text", "sentence"),
    [("just a text", "Line 1 is no entry"), ("'a': [1, ?]", "Line 1: "), ("", "There are no entries")],
)
def test_a_text_that_is_no_entry_is_said(
    qtbot: QtBot, local_window: MainWindow, other: Path, text: str, sentence: str
) -> None:
    put_text(text)
    tab = opened(qtbot, local_window, other)

    press(qtbot, tab, Key.Key_V, CTRL)

    assert sentence in tab.notices.sentence
    assert not tab.document.pending_changes


def test_a_text_in_the_filter_is_copied_as_ever(qtbot: QtBot, local_window: MainWindow, shop: Path) -> None:
    tab = opened(qtbot, local_window, shop)
    tab.entries.field.setFocus()
    qtbot.keyClicks(tab.entries.field, "thr")
    settle(qtbot, tab)

    qtbot.keyClick(tab.entries.field, Key.Key_A, CTRL)
    qtbot.keyClick(tab.entries.field, Key.Key_C, CTRL)

    assert clipboard_text() == "thr"


def test_only_what_the_filter_shows_is_copied(qtbot: QtBot, local_window: MainWindow, shop: Path) -> None:
    tab = opened(qtbot, local_window, shop)
    qtbot.keyClicks(tab.entries.field, "thr")
    settle(qtbot, tab)
    tab.entries.view.setFocus()

    press(qtbot, tab, Key.Key_A, CTRL)
    press(qtbot, tab, Key.Key_C, CTRL)

    assert CopiedEntries(taken_entries()).entries == [(b"three", pickle.dumps("drei", 4))]


def test_entries_that_another_program_made_up_are_refused(qtbot: QtBot, local_window: MainWindow, other: Path) -> None:
    mime = QMimeData()
    mime.setData(MIME, b"\xff" * 20)
    QGuiApplication.clipboard().setMimeData(mime)
    tab = opened(qtbot, local_window, other)

    press(qtbot, tab, Key.Key_V, CTRL)

    assert "is damaged; copy them again" in tab.notices.sentence
    assert not tab.document.pending_changes


def test_a_read_only_database_lets_entries_be_copied_only(qtbot: QtBot, shop: Path) -> None:
    for window in opened_window(qtbot, LocalEngine, read_only=True):
        tab = opened(qtbot, window, shop)
        select(tab, 0)

        press(qtbot, tab, Key.Key_C, CTRL)

        assert clipboard_text() == "'one': 1"
        assert not window.actions_["paste-entries"].isEnabled()
        assert not window.actions_["cut-entries"].isEnabled()


# ---- files


def drag(window: MainWindow, widget: QWidget, paths: Sequence[Path], *, drops: bool = True) -> bool:
    """Drag files over a widget as the system does, and drop them there; tell whether they were taken."""
    mime = QMimeData()
    mime.setUrls([QUrl.fromLocalFile(str(path)) for path in paths])
    place = QPoint(20, 60)
    buttons, modifiers, copy = Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, Qt.DropAction.CopyAction
    entered = QDragEnterEvent(place, copy, mime, buttons, modifiers)
    QApplication.sendEvent(widget, entered)
    if not entered.isAccepted():
        return False
    QApplication.sendEvent(widget, QDragMoveEvent(place, copy, mime, buttons, modifiers))
    if drops:
        QApplication.sendEvent(widget, QDropEvent(QPointF(place), copy, mime, buttons, modifiers))
    else:
        QApplication.sendEvent(widget, QDragLeaveEvent())
    return True


def drop(qtbot: QtBot, window: MainWindow, tab: DatabaseTab, *paths: Path) -> None:
    assert drag(window, tab.entries.view.viewport(), paths)
    settle(qtbot, tab)


def go(qtbot: QtBot, tab: DatabaseTab, dialog: QDialog) -> None:
    qtbot.keyClick(part(dialog, QPushButton, "entry-go"), Key.Key_Space)
    settle(qtbot, tab)


def choose(qtbot: QtBot, dialog: QDialog, title: str) -> None:
    chooser = part(dialog, QComboBox, "file-form")
    qtbot.keyClick(chooser, Key.Key_Home)
    while not chooser.currentText().startswith(title) and chooser.currentIndex() < chooser.count() - 1:
        qtbot.keyClick(chooser, Key.Key_Down)
    assert chooser.currentText().startswith(title)


def dialog_of(window: MainWindow) -> QDialog:
    return part(window, QDialog, "add-files")


@pytest.mark.parametrize(
    ("form", "value"),
    [("Raw", b"gr\xc3\xbcn\n"), ("Pickled bytes", b"gr\xc3\xbcn\n"), ("Pickled text", "grün\n")],
)
def test_a_file_becomes_an_entry(
    qtbot: QtBot, child_window: MainWindow, shop: Path, tmp_path: Path, form: str, value: object
) -> None:
    (tmp_path / "note.txt").write_bytes("grün\n".encode())
    tab = opened(qtbot, child_window, shop)

    drop(qtbot, child_window, tab, tmp_path / "note.txt")
    dialog = dialog_of(child_window)
    assert part(dialog, QLineEdit, "entry-key").text() == "note.txt"
    assert part(dialog, QComboBox, "file-form").currentText() == "Pickled bytes"
    choose(qtbot, dialog, form)
    go(qtbot, tab, dialog)

    [change] = tab.document.pending_changes
    assert change.ref.key == b"note.txt"
    assert (change.value if form == "Raw" else pickle.loads(change.value)) == value


def test_the_key_of_a_dropped_file_is_typed(qtbot: QtBot, local_window: MainWindow, shop: Path, tmp_path: Path) -> None:
    (tmp_path / "a.bin").write_bytes(b"\x00")
    tab = opened(qtbot, local_window, shop)
    drop(qtbot, local_window, tab, tmp_path / "a.bin")
    line = part(dialog_of(local_window), QLineEdit, "entry-key")

    qtbot.keyClick(line, Key.Key_A, CTRL)
    qtbot.keyClicks(line, "b'wrong")
    qtbot.keyClick(line, Key.Key_Return)
    assert "write it in quotes" in part(dialog_of(local_window), QLabel, "entry-error").text()
    qtbot.keyClick(line, Key.Key_A, CTRL)
    qtbot.keyClicks(line, r"b'\xff'")
    qtbot.keyClick(line, Key.Key_Return)
    settle(qtbot, tab)

    assert kinds(tab) == {b"\xff": "added"}


def test_many_files_become_entries_in_one_edit(
    qtbot: QtBot, local_window: MainWindow, shop: Path, tmp_path: Path
) -> None:
    paths = [tmp_path / name for name in ("one", "new", "ähnlich")]
    for path in paths:
        path.write_bytes(path.name.encode())
    tab = opened(qtbot, local_window, shop)

    drop(qtbot, local_window, tab, *paths)
    go(qtbot, tab, dialog_of(local_window))
    answer(qtbot, local_window, tab, "clash-question", "Keep both")

    assert kinds(tab) == {b"one (2)": "added", b"new": "added", "ähnlich".encode(): "added"}
    assert local_window.actions_["undo"].text() == "&Undo Paste of 3 entries"
    assert local_window.findChild(QDialog, "add-files") is None


def test_bytes_go_raw_into_a_database_that_is_no_shelf(qtbot: QtBot, local_window: MainWindow, tmp_path: Path) -> None:
    (tmp_path / "a.bin").write_bytes(b"\x00\xff")
    tab = opened(qtbot, local_window, make_sqlite(tmp_path / "plain.db", {b"k": b"text"}))

    drop(qtbot, local_window, tab, tmp_path / "a.bin")
    go(qtbot, tab, dialog_of(local_window))

    assert [change.value for change in tab.document.pending_changes] == [b"\x00\xff"]


def test_a_file_that_is_no_text_stays_in_the_dialog(
    qtbot: QtBot, child_window: MainWindow, shop: Path, tmp_path: Path
) -> None:
    (tmp_path / "a.bin").write_bytes(b"ab\xff")
    tab = opened(qtbot, child_window, shop)
    drop(qtbot, child_window, tab, tmp_path / "a.bin")
    dialog = dialog_of(child_window)
    choose(qtbot, dialog, "Pickled text")

    go(qtbot, tab, dialog)

    assert part(dialog, QLabel, "entry-error").text().startswith("a.bin is no UTF-8 text at byte 2")
    assert not tab.document.pending_changes
    dialog.close()


def test_a_database_that_is_dropped_on_the_table_opens(
    qtbot: QtBot, local_window: MainWindow, shop: Path, other: Path
) -> None:
    tab = opened(qtbot, local_window, shop)

    drop(qtbot, local_window, tab, other)

    assert local_window.area.current is not tab
    assert [one.document.path for one in local_window.area.all()] == [shop, other]
    assert local_window.findChild(QDialog, "add-files") is None


def test_files_dropped_on_the_value_go_where_those_on_the_table_go(
    qtbot: QtBot, local_window: MainWindow, shop: Path, tmp_path: Path
) -> None:
    (tmp_path / "a.bin").write_bytes(b"\x00")
    tab = opened(qtbot, local_window, shop)

    assert drag(local_window, tab.value.tree.viewport(), [tmp_path / "a.bin"])
    settle(qtbot, tab)
    go(qtbot, tab, dialog_of(local_window))

    assert [change.ref.key for change in tab.document.pending_changes] == [b"a.bin"]


def test_a_key_that_is_there_can_be_typed_again(
    qtbot: QtBot, local_window: MainWindow, shop: Path, tmp_path: Path
) -> None:
    (tmp_path / "a.bin").write_bytes(b"\x00")
    tab = opened(qtbot, local_window, shop)
    drop(qtbot, local_window, tab, tmp_path / "a.bin")
    dialog = dialog_of(local_window)
    key = part(dialog, QLineEdit, "entry-key")
    key.selectAll()
    qtbot.keyClicks(key, key_text(tab.document.key(0)))
    go(qtbot, tab, dialog)

    qtbot.keyClick(part(dialog, QMessageBox, "clash-question"), Key.Key_Escape)
    key.selectAll()
    qtbot.keyClicks(key, "another")
    go(qtbot, tab, dialog)

    assert [change.ref.key for change in tab.document.pending_changes] == [b"another"]


def test_a_file_that_is_dropped_beside_the_table_opens(
    qtbot: QtBot, local_window: MainWindow, shop: Path, tmp_path: Path
) -> None:
    (tmp_path / "a.bin").write_bytes(b"\x00")
    opened(qtbot, local_window, shop)

    assert drag(local_window, local_window, [tmp_path / "a.bin"])

    assert len(local_window.area.all()) == 2


def test_a_folder_is_refused_in_a_sentence(qtbot: QtBot, local_window: MainWindow, shop: Path, tmp_path: Path) -> None:
    (tmp_path / "photos").mkdir()
    tab = opened(qtbot, local_window, shop)

    drop(qtbot, local_window, tab, tmp_path / "photos")

    assert tab.notices.sentence == "photos is a folder; only files can become values."


def test_a_huge_file_is_refused_in_a_sentence(
    qtbot: QtBot, local_window: MainWindow, shop: Path, tmp_path: Path
) -> None:
    with (tmp_path / "huge").open("wb") as file:
        file.truncate(1 << 30)
    tab = opened(qtbot, local_window, shop)

    drop(qtbot, local_window, tab, tmp_path / "huge")

    assert tab.notices.sentence.startswith("huge is larger than 268,435,456 bytes")


def test_the_table_is_framed_while_files_are_over_it(
    qtbot: QtBot, local_window: MainWindow, shop: Path, tmp_path: Path
) -> None:
    tab = opened(qtbot, local_window, shop)
    view = tab.entries.view

    def painted() -> bytes:
        return bytes(view.viewport().grab().toImage().constBits())

    before = painted()
    mime = QMimeData()
    mime.setUrls([QUrl.fromLocalFile(str(shop))])
    event = QDragEnterEvent(
        QPoint(9, 9), Qt.DropAction.CopyAction, mime, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
    )
    QApplication.sendEvent(view.viewport(), event)
    during = painted()
    QApplication.sendEvent(view.viewport(), QDragLeaveEvent())

    assert during != before
    assert painted() == before


def test_what_is_no_file_is_not_taken(qtbot: QtBot, local_window: MainWindow, shop: Path) -> None:
    tab = opened(qtbot, local_window, shop)

    assert not drag(local_window, tab.entries.view.viewport(), [])
