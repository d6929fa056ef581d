"""The hex pane edits bytes when asked to; the opcodes pane and the tree lead to each other."""

import pickle
from pathlib import Path

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtWidgets import QToolButton
from pytestqt.modeltest import ModelTester
from pytestqt.qtbot import QtBot

from app.document.job import Job
from app.engine.value_calls import Source
from app.ui.database_tab import DatabaseTab
from app.ui.main_window import MainWindow
from app.ui.models.opcode_table import PAGE, OpcodeTableModel
from app.ui.views.hex_pane import HEX_PAGE
from tests.engine.shelves import make_sqlite
from tests.ui.editing import CTRL, LEFT, Key, current_path, go, press
from tests.ui.fixtures import WAIT, opened, settle

VALUE = {"name": "Ada", "tags": ["x", "y"]}
STORED = pickle.dumps(VALUE, 4)


@pytest.fixture
def tab(qtbot: QtBot, local_window: MainWindow, tmp_path: Path) -> DatabaseTab:
    long = list(range(20_000))
    entries = {b"value": STORED, b"raw": b"\x01" * (HEX_PAGE + 20), b"long": pickle.dumps(long), b"text": b"plain text"}
    return opened(qtbot, local_window, make_sqlite(tmp_path / "bytes.db", entries))


def show_hex(qtbot: QtBot, tab: DatabaseTab) -> None:
    tab.value.panes.setCurrentWidget(tab.value.hex)
    settle(qtbot, tab)
    tab.value.hex.pane.setFocus()


def type_digits(qtbot: QtBot, tab: DatabaseTab, digits: str) -> None:
    qtbot.keyClicks(tab.value.hex.pane, digits)
    settle(qtbot, tab)


def to_offset(qtbot: QtBot, tab: DatabaseTab, offset: int) -> None:
    """Go to a byte by the arrow keys."""
    pane = tab.value.hex.pane
    for _ in range(offset // 16):
        qtbot.keyClick(pane, Key.Key_Down)
    for _ in range(2 * (offset % 16)):
        qtbot.keyClick(pane, Key.Key_Right)


# ---- bytes


def test_digits_do_nothing_before_editing_was_started(qtbot: QtBot, tab: DatabaseTab) -> None:
    show_hex(qtbot, tab)
    before = tab.value.hex.pane.toPlainText()

    qtbot.mouseClick(tab.value.hex.pane.viewport(), LEFT, pos=QPoint(120, 20))
    type_digits(qtbot, tab, "ff")

    assert tab.value.hex.pane.toPlainText() == before
    assert not tab.document.pending_changes


def test_bytes_are_overwritten_as_one_edit_and_undone(qtbot: QtBot, tab: DatabaseTab, local_window: MainWindow) -> None:
    show_hex(qtbot, tab)
    place = STORED.index(b"Ada")

    press(qtbot, tab, Key.Key_F2)
    to_offset(qtbot, tab, place)
    type_digits(qtbot, tab, "45766")
    assert not tab.document.pending_changes
    press(qtbot, tab, Key.Key_Return, CTRL)

    [change] = tab.document.pending_changes
    assert change.value == STORED.replace(b"Ada", b"Eva"[:2] + b"a")
    assert tab.value.model.index(0, 2).data().startswith("{'name': 'Eva'")
    qtbot.keyClick(local_window, Key.Key_Z, CTRL)
    settle(qtbot, tab)
    assert not tab.document.pending_changes


def test_escape_takes_typed_bytes_back_and_leaving_commits_them(qtbot: QtBot, tab: DatabaseTab) -> None:
    show_hex(qtbot, tab)
    before = tab.value.hex.pane.toPlainText()
    press(qtbot, tab, Key.Key_Return)
    to_offset(qtbot, tab, STORED.index(b"Ada"))
    type_digits(qtbot, tab, "42")
    assert tab.value.hex.pane.toPlainText() != before
    press(qtbot, tab, Key.Key_Escape)
    assert tab.value.hex.pane.toPlainText() == before

    press(qtbot, tab, Key.Key_F2)
    to_offset(qtbot, tab, STORED.index(b"Ada"))
    type_digits(qtbot, tab, "42")
    qtbot.mouseClick(tab.value.tree.viewport(), LEFT, pos=QPoint(5, 5))
    settle(qtbot, tab)

    assert tab.document.pending_changes[0].value == STORED.replace(b"Ada", b"Bda")


def test_what_is_typed_stays_while_pages_are_turned(qtbot: QtBot, tab: DatabaseTab) -> None:
    tab.entries.select_key(b"raw")
    settle(qtbot, tab)
    show_hex(qtbot, tab)
    press(qtbot, tab, Key.Key_F2)
    type_digits(qtbot, tab, "a")
    for title, digits in (("Further bytes", "b"), ("Earlier bytes", "")):
        click_button(qtbot, tab, title)
        settle(qtbot, tab)
        if digits:
            type_digits(qtbot, tab, digits)

    press(qtbot, tab, Key.Key_Return, CTRL)

    changed = tab.document.pending_changes[0].value
    assert (changed[0], changed[HEX_PAGE], changed[1]) == (0xA1, 0xB1, 1)
    assert len(changed) == HEX_PAGE + 20


def test_bytes_are_put_in_and_taken_out(qtbot: QtBot, tab: DatabaseTab) -> None:
    tab.entries.select_key(b"text")
    settle(qtbot, tab)
    show_hex(qtbot, tab)
    press(qtbot, tab, Key.Key_F2)
    to_offset(qtbot, tab, 2)
    press(qtbot, tab, Key.Key_Right)  # to the low digit, in front of which nothing can be inserted

    press(qtbot, tab, Key.Key_Insert)
    type_digits(qtbot, tab, "2d2d")
    press(qtbot, tab, Key.Key_Delete)
    press(qtbot, tab, Key.Key_Backspace)
    assert tab.value.hex.pane.toPlainText().endswith("pl-in text")
    press(qtbot, tab, Key.Key_Return, CTRL)

    [change] = tab.document.pending_changes
    assert change.value == b"pl-in text"
    assert tab.document.history.next_undo is not None
    assert tab.document.history.next_undo.title == "Edit of 1 byte"


def test_bytes_are_added_behind_the_last_one(qtbot: QtBot, tab: DatabaseTab) -> None:
    tab.entries.select_key(b"raw")
    settle(qtbot, tab)
    show_hex(qtbot, tab)
    click_button(qtbot, tab, "Further bytes")
    settle(qtbot, tab)
    press(qtbot, tab, Key.Key_F2)
    to_offset(qtbot, tab, 20)

    type_digits(qtbot, tab, "0203")
    assert f"{HEX_PAGE + 16:08x}  01 01 01 01 02 03" in tab.value.hex.pane.toPlainText()
    press(qtbot, tab, Key.Key_Return, CTRL)

    assert tab.document.pending_changes[0].value == b"\x01" * (HEX_PAGE + 20) + b"\x02\x03"


def test_bytes_taken_out_move_the_offsets_of_later_pages(qtbot: QtBot, tab: DatabaseTab) -> None:
    tab.entries.select_key(b"raw")
    settle(qtbot, tab)
    show_hex(qtbot, tab)
    press(qtbot, tab, Key.Key_F2)
    press(qtbot, tab, Key.Key_Delete)

    click_button(qtbot, tab, "Further bytes")
    settle(qtbot, tab)

    assert tab.value.hex.pane.toPlainText().startswith(f"{HEX_PAGE - 1:08x}")
    press(qtbot, tab, Key.Key_Escape)
    assert tab.value.hex.pane.toPlainText().startswith(f"{HEX_PAGE:08x}")


def test_all_bytes_are_taken_out_and_others_put_in(qtbot: QtBot, tab: DatabaseTab) -> None:
    tab.entries.select_key(b"text")
    settle(qtbot, tab)
    show_hex(qtbot, tab)
    press(qtbot, tab, Key.Key_F2)
    for _ in b"plain text":
        press(qtbot, tab, Key.Key_Delete)
    press(qtbot, tab, Key.Key_Return, CTRL)
    assert tab.document.pending_changes[0].value == b""

    tab.value.hex.pane.setFocus()
    press(qtbot, tab, Key.Key_F2)
    type_digits(qtbot, tab, "4142")
    press(qtbot, tab, Key.Key_Return, CTRL)

    assert tab.document.pending_changes[0].value == b"AB"


def click_button(qtbot: QtBot, tab: DatabaseTab, title: str) -> None:
    button = next(found for found in tab.value.hex.findChildren(QToolButton) if found.accessibleName() == title)
    qtbot.mouseClick(button, LEFT)


# ---- opcodes


def show_opcodes(qtbot: QtBot, tab: DatabaseTab) -> None:
    tab.value.panes.setCurrentWidget(tab.value.panes.opcodes)
    settle(qtbot, tab)
    tab.value.panes.opcodes.ask()
    settle(qtbot, tab)


def chosen_opcode(tab: DatabaseTab) -> list[str]:
    pane = tab.value.panes.opcodes
    row = pane.currentIndex().row()
    return [str(pane.rows.index(row, column).data()) for column in range(4)]


def test_a_node_chooses_its_opcode_and_an_opcode_its_node(qtbot: QtBot, tab: DatabaseTab) -> None:
    show_opcodes(qtbot, tab)

    go(qtbot, tab, "['tags'][1]")
    settle(qtbot, tab)
    assert chosen_opcode(tab)[:3] == [f"{STORED.index(b'y') - 2:,}", "SHORT_BINUNICODE", "'y'"]

    pane = tab.value.panes.opcodes
    row = next(row for row in range(pane.rows.rowCount()) if pane.rows.index(row, 2).data() == "'Ada'")
    pane.scrollTo(pane.rows.index(row, 0))
    qtbot.mouseClick(pane.viewport(), LEFT, pos=pane.visualRect(pane.rows.index(row, 0)).center())
    settle(qtbot, tab)
    assert current_path(tab) == "['name']"
    assert chosen_opcode(tab)[2] == "'Ada'"


def test_the_opcode_far_down_in_a_long_value_is_found(qtbot: QtBot, tab: DatabaseTab) -> None:
    tab.entries.select_key(b"long")
    settle(qtbot, tab)
    show_opcodes(qtbot, tab)
    pane = tab.value.panes.opcodes
    assert pane.rows.rowCount() > 20_000

    go(qtbot, tab, "[900]")
    settle(qtbot, tab)
    pane.ask()
    qtbot.waitUntil(lambda: chosen_opcode(tab)[2] == "900", timeout=WAIT)
    assert chosen_opcode(tab)[3] == "[900]: int"


def test_a_value_without_opcodes_has_no_rows(qtbot: QtBot, tab: DatabaseTab) -> None:
    tab.entries.select_key(b"text")
    settle(qtbot, tab)

    show_opcodes(qtbot, tab)

    assert tab.value.panes.opcodes.rows.rowCount() == 0


def test_opcodes_are_asked_for_by_pages(qtmodeltester: ModelTester) -> None:
    model = OpcodeTableModel()
    asked: list[int] = []
    model.wanted.connect(lambda start, _count: asked.append(start))

    model.show_count(10 * PAGE)
    qtmodeltester.check(model)
    model.want(PAGE - 1, PAGE)
    model.want(PAGE - 1, PAGE)
    model.want(0, 20 * PAGE)

    assert asked == [0, PAGE, *range(2 * PAGE, 10 * PAGE, PAGE)]
    assert model.data(model.index(3, 1), Qt.ItemDataRole.DisplayRole) is None


def test_nothing_more_is_read_of_a_value_when_another_one_is_shown(
    qtbot: QtBot, tab: DatabaseTab, monkeypatch: pytest.MonkeyPatch
) -> None:
    tab.value.panes.setCurrentWidget(tab.value.panes.opcodes)
    tab.entries.select_key(b"long")
    settle(qtbot, tab)
    long = tab.document.source(tab.value.entry_id or 0)
    asked: list[object] = []
    look_up = tab.document.opcode_of_node_job

    def noted(source: Source, node: int, count: int) -> Job[int | None]:
        asked.append(source)
        return look_up(source, node, count)

    monkeypatch.setattr(tab.document, "opcode_of_node_job", noted)

    tab.entries.select_key(b"value")
    settle(qtbot, tab)

    assert asked
    assert long not in asked
    rows = tab.value.panes.opcodes.rows
    qtbot.waitUntil(lambda: rows.index(rows.rowCount() - 1, 1).data() == "STOP", timeout=WAIT)
