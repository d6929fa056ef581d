"""A large value is seen from its beginning while it is read, can be given up, and says when only a part is shown."""

import pickle
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLabel, QToolButton
from pytestqt.modeltest import ModelTester
from pytestqt.qtbot import QtBot

from app import limits
from app.engine import stepwise
from app.ui import jobs
from app.ui.database_tab import DatabaseTab
from app.ui.labels import ElidedLabel
from app.ui.main_window import MainWindow
from app.ui.models import opcode_table
from app.ui.models.opcode_table import PAGE, OpcodeTableModel
from app.ui.models.value_tree import Column
from app.ui.status import ActivityView
from tests.engine.shelves import make_sqlite
from tests.ui.editing import Key, current_path, go
from tests.ui.fixtures import WAIT, opened, settle

ROWS = [{"id": number, "name": f"item {number}", "tags": ["a", f"t{number % 7}"]} for number in range(40_000)]
LARGE = pickle.dumps(ROWS, 4)
LEFT = Qt.MouseButton.LeftButton

pytestmark = pytest.mark.many_rows


@pytest.fixture
def tab(qtbot: QtBot, local_window: MainWindow, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> DatabaseTab:
    """A tab with a value that is read in very short slices, in front of a small one."""
    monkeypatch.setattr(limits, "LARGE_VALUE", 100_000)
    monkeypatch.setattr(limits, "FIRST_NODES", 50_000)
    monkeypatch.setattr(stepwise, "SLICE_SECONDS", 0.0)
    monkeypatch.setattr(jobs, "ACTIVITY_DELAY", 0.02)
    path = make_sqlite(tmp_path / "large.db", {b"a": pickle.dumps({"k": "small"}), b"b": LARGE})
    return opened(qtbot, local_window, path)


def begin(qtbot: QtBot, tab: DatabaseTab) -> int:
    """Choose the large value; return how many rows its beginning has."""
    tab.entries.select_key(b"b")
    qtbot.waitUntil(lambda: "% read" in facts(tab) and tab.value.model.rowCount(root(tab)) > 0, timeout=WAIT)
    return tab.value.model.node_row(root(tab)).count


def facts(tab: DatabaseTab) -> str:
    label = tab.value.findChild(ElidedLabel, "value-facts")
    assert label is not None
    return label.text()


def root(tab: DatabaseTab):  # type: ignore[no-untyped-def]  # noqa: ANN201 - a QModelIndex
    return tab.value.model.index(0, 0)


def is_settled(tab: DatabaseTab) -> bool:
    return tab.value.is_settled


def value_of(tab: DatabaseTab, path: str) -> str:
    assert current_path(tab) == path
    return str(tab.value.tree.currentIndex().siblingAtColumn(Column.VALUE).data())


def test_its_beginning_is_seen_before_all_of_it(qtbot: QtBot, tab: DatabaseTab) -> None:
    count = begin(qtbot, tab)

    assert 100 < count < len(ROWS)
    assert not is_settled(tab)
    settle(qtbot, tab)
    assert tab.value.model.node_row(root(tab)).count == len(ROWS)
    assert facts(tab) == f"pickle · {len(LARGE):,} bytes"
    assert is_settled(tab)


def test_what_was_opened_and_chosen_meanwhile_stays_so(qtbot: QtBot, tab: DatabaseTab) -> None:
    begin(qtbot, tab)
    tree = tab.value.tree
    row = tab.value.model.index(5, 0, root(tab))
    tree.expand(row)
    qtbot.waitUntil(lambda: tab.value.model.rowCount(row) == 3, timeout=WAIT)
    tree.setCurrentIndex(tab.value.model.index(1, 0, row))
    assert not is_settled(tab)

    settle(qtbot, tab)

    assert is_settled(tab)
    assert value_of(tab, "[5]['name']") == "'item 5'"
    assert tree.isExpanded(tree.currentIndex().parent())


def test_the_rows_of_the_beginning_stay_in_sight_until_those_of_the_whole_are_there(
    qtbot: QtBot, tab: DatabaseTab
) -> None:
    begin(qtbot, tab)
    viewport = tab.value.tree.viewport()
    seen: list[tuple[int, bool]] = []
    tab.value.decoded.connect(lambda: seen.append((tab.value.model.rowCount(root(tab)), viewport.updatesEnabled())))

    settle(qtbot, tab)

    assert seen == [(0, False)]
    assert tab.value.model.rowCount(root(tab)) > 0
    assert viewport.updatesEnabled()


def test_it_is_given_up_by_a_click_and_its_beginning_stays(
    qtbot: QtBot, tab: DatabaseTab, local_window: MainWindow
) -> None:
    count = begin(qtbot, tab)
    activity = local_window.findChild(ActivityView, "activity")
    cancel = local_window.findChild(QToolButton, "cancel-activity")
    assert activity is not None
    assert cancel is not None
    qtbot.waitUntil(lambda: cancel.isVisible() and activity.accessibleName() == "Decoding", timeout=WAIT)

    qtbot.mouseClick(cancel, LEFT)
    settle(qtbot, tab)

    assert tab.value.model.node_row(root(tab)).count == count
    assert facts(tab).endswith("shown in part")
    assert tab.value.note.text() == "Reading was given up; choose the entry again to read all of it."
    tab.entries.select_key(b"a")
    settle(qtbot, tab)
    tab.entries.select_key(b"b")
    settle(qtbot, tab)
    assert tab.value.model.node_row(root(tab)).count == len(ROWS)


def test_another_entry_is_shown_without_waiting_for_its_end(qtbot: QtBot, tab: DatabaseTab) -> None:
    begin(qtbot, tab)

    tab.entries.select_key(b"a")
    settle(qtbot, tab)

    assert tab.value.model.node_row(root(tab)).text == "{'k': 'small'}"
    assert is_settled(tab)


def test_the_beginning_is_not_edited(qtbot: QtBot, tab: DatabaseTab) -> None:
    begin(qtbot, tab)
    row = tab.value.model.index(0, 0, root(tab))
    tab.value.tree.expand(row)
    qtbot.waitUntil(lambda: tab.value.model.rowCount(row) == 3, timeout=WAIT)

    assert not tab.value.model.flags(tab.value.model.index(0, Column.VALUE, row)) & Qt.ItemFlag.ItemIsEditable


# ---- more than fits


@pytest.fixture
def cut(qtbot: QtBot, tab: DatabaseTab, monkeypatch: pytest.MonkeyPatch) -> DatabaseTab:
    monkeypatch.setattr(limits, "PICKLE_NODES", 200_000)
    tab.entries.select_key(b"b")
    settle(qtbot, tab)
    return tab


def test_it_says_how_much_is_shown(cut: DatabaseTab) -> None:
    assert facts(cut).endswith(f"{len(LARGE):,} bytes · shown in part")
    assert cut.value.note.text().startswith("Only the first ")
    assert cut.value.model.node_row(root(cut)).flags == ("truncated",)


def test_an_edit_says_why_not(qtbot: QtBot, cut: DatabaseTab) -> None:
    go(qtbot, cut, "[3]['name']")

    qtbot.keyClick(cut.value.tree, Key.Key_F2)
    settle(qtbot, cut)

    assert "Only a part of the value is shown, so it is read-only." in cut.value.note.text()
    assert not cut.document.pending_changes


def test_text_hex_and_opcodes_are_there_all_the_same(qtbot: QtBot, cut: DatabaseTab) -> None:
    panes = cut.value.panes
    assert cut.value.text.toPlainText().startswith("[\n")

    panes.setCurrentWidget(cut.value.hex)
    settle(qtbot, cut)
    assert f"of {len(LARGE):,}" in cut.value.hex.findChild(QLabel, "hex-range").text()  # type: ignore[union-attr]

    panes.setCurrentWidget(panes.opcodes)
    settle(qtbot, cut)
    rows = panes.opcodes.rows
    panes.opcodes.scrollToBottom()
    panes.opcodes.ask()
    settle(qtbot, cut)
    last = rows.rowCount() - 1
    assert last > 600_000
    assert [rows.index(last, column).data() for column in (0, 1)] == [f"{len(LARGE) - 1:,}", "STOP"]


# ---- counting


def test_opcodes_come_while_they_are_counted(qtmodeltester: ModelTester) -> None:
    model = OpcodeTableModel()
    asked: list[int] = []
    model.wanted.connect(lambda start, _count: asked.append(start))
    qtmodeltester.check(model)

    model.show_count(0)
    model.show_more(PAGE + 10)
    model.want(0, 2 * PAGE)
    model.show_more(3 * PAGE)
    model.show_more(2 * PAGE)
    model.want(0, 3 * PAGE)

    assert model.rowCount() == 3 * PAGE
    assert asked == [0, PAGE, PAGE, 2 * PAGE]


def test_opcodes_that_no_table_holds_are_told_of(qtmodeltester: ModelTester, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(opcode_table, "_MOST_ROWS", 300)
    model = OpcodeTableModel()
    qtmodeltester.check(model)

    model.show_count(0)
    for count, rows in ((250, 250), (1_000, 301), (5_000, 301)):
        model.show_more(count)
        assert model.rowCount() == rows

    assert model.index(300, 3).data() == "4,700 more opcodes are not shown; a table holds 300 at most."
    assert [model.index(300, column).data() for column in range(3)] == [None] * 3
