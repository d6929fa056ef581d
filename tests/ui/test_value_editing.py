"""Editing values by keys and mouse: each type of its own, wrong input, leaving, giving up."""

import datetime as dt
import decimal
import fractions
import math
import pathlib
import uuid
from pathlib import Path

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QCalendarWidget, QTableView
from pytestqt.qtbot import QtBot

from app.ui.database_tab import DatabaseTab
from app.ui.main_window import MainWindow
from app.ui.models.value_tree import Column
from tests.ui.editing import (
    ALT,
    CTRL,
    LEFT,
    SHIFT,
    VALUE,
    Colour,
    Key,
    current_path,
    field,
    go,
    line,
    open_rich,
    pane,
    press,
    reason,
    row_at,
    shown_text,
    type_text,
    wait_for_focus,
)
from tests.ui.fixtures import WAIT, settle

pytestmark = pytest.mark.qt_log_ignore("This plugin does not support grabbing", extend=True)


def start(qtbot: QtBot, tab: DatabaseTab, path: str, key: Key = Key.Key_F2) -> None:
    go(qtbot, tab, path)
    press(qtbot, tab, key)


def replace(qtbot: QtBot, tab: DatabaseTab, path: str, text: str) -> None:
    start(qtbot, tab, path)
    wait_for_focus(qtbot, line(tab))
    type_text(qtbot, tab, text)
    press(qtbot, tab, Key.Key_Return)


BIG = 3**2_000


@pytest.mark.parametrize(
    ("key", "typed", "expected"),
    [
        pytest.param("int", str(BIG), BIG, id="big"),
        ("int", "-0x10", -16),
        ("float", "0.30000000000000004", 0.1 + 0.2),
        ("float", "1e400", math.inf),
        ("bool", "False", False),
        ("none", "12", 12),
        ("none", "'text'", "text"),
        ("text", "Ada Lovelace", "Ada Lovelace"),
        ("text", "'tab\\there'", "tab\there"),
        ("text", "C:\\temp it's", "C:\\temp it's"),
        ("text", "12", "12"),
        ("bytes", "b'\\xff\\x00'", b"\xff\x00"),
        ("datetime", "2027-03-04 05:06:07", dt.datetime(2027, 3, 4, 5, 6, 7)),  # noqa: DTZ001 - a naive one
        ("date", "2027-03-04", dt.date(2027, 3, 4)),
        ("time", "23:59:58", dt.time(23, 59, 58)),
        ("decimal", "2.500", decimal.Decimal("2.500")),
        ("fraction", "2/7", fractions.Fraction(2, 7)),
        ("uuid", "00000000-0000-0000-0000-000000000009", uuid.UUID(int=9)),
        ("path", "/c/d", pathlib.PurePosixPath("/c/d")),
        ("complex", "(3-4j)", 3 - 4j),
    ],
)
def test_a_value_is_edited_in_the_form_of_its_type(
    qtbot: QtBot, tab: DatabaseTab, key: str, typed: str, expected: object
) -> None:
    replace(qtbot, tab, f"[{key!r}]", typed)

    found = field(tab, key)
    assert found == expected
    assert type(found) is type(expected)
    assert repr(found) == repr(expected)
    assert {k: v for k, v in vars_of(tab).items() if k != key} == {k: repr(v) for k, v in VALUE.items() if k != key}


def vars_of(tab: DatabaseTab) -> dict[str, str]:
    return {key: repr(field(tab, key)).split(" object at")[0] for key in VALUE} | {"object": repr(VALUE["object"])}


def test_an_enum_member_becomes_another(qtbot: QtBot, tab: DatabaseTab) -> None:
    start(qtbot, tab, "['enum']")
    wait_for_focus(qtbot, line(tab))
    type_text(qtbot, tab, line(tab).text().replace("1", "2"))

    press(qtbot, tab, Key.Key_Return)

    assert field(tab, "enum") is Colour.GREEN


def test_a_duration_is_edited_as_iso_text(qtbot: QtBot, tab: DatabaseTab) -> None:
    start(qtbot, tab, "['delta']")
    wait_for_focus(qtbot, line(tab))
    before = line(tab).text()

    type_text(qtbot, tab, before.replace("30", "45"))
    press(qtbot, tab, Key.Key_Return)

    assert field(tab, "delta") == dt.timedelta(days=1, seconds=45)


@pytest.mark.parametrize(
    ("key", "typed"),
    [("int", "1.5"), ("float", "x"), ("bool", "maybe"), ("bytes", "'text'"), ("date", "2026-13-01"), ("text", "'abc")],
)
def test_wrong_input_stays_in_its_line_and_the_value_as_it_was(
    qtbot: QtBot, tab: DatabaseTab, key: str, typed: str
) -> None:
    replace(qtbot, tab, f"[{key!r}]", typed)

    assert line(tab).text() == typed
    assert reason(tab).isVisible()
    assert line(tab).accessibleDescription() == reason(tab).text()
    assert not tab.document.pending_changes
    press(qtbot, tab, Key.Key_Escape)
    assert tab.value.tree.editor is None
    assert field(tab, key) == VALUE[key]


def test_a_click_or_a_stray_key_never_starts_to_edit(qtbot: QtBot, tab: DatabaseTab) -> None:
    tree = tab.value.tree
    place = tree.visualRect(row_at(qtbot, tab, "['int']").siblingAtColumn(Column.VALUE)).center()

    qtbot.mouseClick(tree.viewport(), LEFT, pos=place)
    settle(qtbot, tab)
    for key in (Key.Key_X, Key.Key_5, Key.Key_Space, Key.Key_Backspace):
        press(qtbot, tab, key)

    assert tree.editor is None
    assert not tab.document.pending_changes


@pytest.mark.parametrize("key", ["int", "datetime"])
def test_a_double_click_and_enter_start_to_edit(qtbot: QtBot, tab: DatabaseTab, key: str) -> None:
    tree = tab.value.tree
    index = row_at(qtbot, tab, f"[{key!r}]")
    tree.scrollTo(index)

    place = tree.visualRect(index.siblingAtColumn(Column.VALUE)).center()
    qtbot.mouseClick(tree.viewport(), LEFT, pos=place)
    qtbot.mouseDClick(tree.viewport(), LEFT, pos=place)
    settle(qtbot, tab)
    assert tree.editor is not None
    wait_for_focus(qtbot, line(tab))
    press(qtbot, tab, Key.Key_Escape)
    assert not tab.editing.is_active

    press(qtbot, tab, Key.Key_Return)
    assert line(tab).text()


def test_leaving_commits_and_escape_gives_up(qtbot: QtBot, tab: DatabaseTab) -> None:
    start(qtbot, tab, "['int']")
    wait_for_focus(qtbot, line(tab))
    type_text(qtbot, tab, "5")
    qtbot.mouseClick(tab.entries.view.viewport(), LEFT, pos=QPoint(5, 5))
    settle(qtbot, tab)
    assert field(tab, "int") == 5

    start(qtbot, tab, "['int']")
    wait_for_focus(qtbot, line(tab))
    type_text(qtbot, tab, "6")
    press(qtbot, tab, Key.Key_Escape)
    assert field(tab, "int") == 5


def test_the_arrow_keys_turn_a_bool(qtbot: QtBot, tab: DatabaseTab) -> None:
    start(qtbot, tab, "['bool']")
    wait_for_focus(qtbot, line(tab))

    press(qtbot, tab, Key.Key_Down)
    press(qtbot, tab, Key.Key_Return)

    assert field(tab, "bool") is False


def test_bytes_are_typed_as_hex_digits(qtbot: QtBot, tab: DatabaseTab) -> None:
    start(qtbot, tab, "['bytes']")
    wait_for_focus(qtbot, line(tab))

    press(qtbot, tab, Key.Key_H, CTRL)
    assert line(tab).text() == "00 61 62"
    type_text(qtbot, tab, "de ad BE ef")
    press(qtbot, tab, Key.Key_Return)

    assert field(tab, "bytes") == b"\xde\xad\xbe\xef"


@pytest.mark.parametrize("typed", ["0", "00 f", "xy"])
def test_wrong_hex_digits_are_refused_as_such(qtbot: QtBot, tab: DatabaseTab, typed: str) -> None:
    start(qtbot, tab, "['bytes']")
    wait_for_focus(qtbot, line(tab))
    qtbot.keyClick(line(tab), Key.Key_H, CTRL)
    type_text(qtbot, tab, typed)

    press(qtbot, tab, Key.Key_Return)

    assert reason(tab).text() == "These are no hex digits in pairs; write two for each byte, as 00 ff."
    assert line(tab).text() == typed
    press(qtbot, tab, Key.Key_Escape)


def test_a_calendar_changes_the_date_and_keeps_the_time(qtbot: QtBot, tab: DatabaseTab) -> None:
    start(qtbot, tab, "['datetime']")
    wait_for_focus(qtbot, line(tab))
    qtbot.keyClick(line(tab), Key.Key_Down, ALT)
    calendar = line(tab).findChild(QCalendarWidget, "calendar")
    assert calendar is not None

    days = calendar.findChild(QTableView, "qt_calendar_calendarview")
    assert days is not None
    qtbot.keyClick(days, Key.Key_Right)
    qtbot.keyClick(days, Key.Key_Return)
    assert line(tab).text() == "2026-01-03 03:04:05"
    press(qtbot, tab, Key.Key_Return)

    assert field(tab, "datetime") == dt.datetime(2026, 1, 3, 3, 4, 5)  # noqa: DTZ001 - a naive one


def test_a_day_is_chosen_by_mouse(qtbot: QtBot, tab: DatabaseTab) -> None:
    start(qtbot, tab, "['date']")
    wait_for_focus(qtbot, line(tab))
    qtbot.keyClick(line(tab), Key.Key_Down, ALT)
    days = line(tab).findChild(QTableView, "qt_calendar_calendarview")
    assert days is not None
    [place] = [
        days.visualRect(cell).center()
        for row in range(1, days.model().rowCount())
        for column in range(days.model().columnCount())
        if (cell := days.model().index(row, column)).data() == 15
    ]

    qtbot.mouseClick(days.viewport(), Qt.MouseButton.LeftButton, pos=place)
    press(qtbot, tab, Key.Key_Return)

    assert field(tab, "date") == dt.date(2026, 1, 15)


def test_the_calendar_is_painted_in_the_colours_of_the_window(qtbot: QtBot, tab: DatabaseTab) -> None:
    start(qtbot, tab, "['date']")
    qtbot.keyClick(line(tab), Key.Key_Down, ALT)
    [calendar] = line(tab).findChildren(QCalendarWidget)

    faint = calendar.palette().placeholderText().color()
    for day in (Qt.DayOfWeek.Saturday, Qt.DayOfWeek.Sunday):
        assert calendar.weekdayTextFormat(day).foreground().color() == faint
    qtbot.keyClick(calendar, Key.Key_Escape)
    press(qtbot, tab, Key.Key_Escape)


def test_a_text_of_many_lines_keeps_its_line_ends(qtbot: QtBot, tab: DatabaseTab) -> None:
    start(qtbot, tab, "['lines']")
    text = pane(qtbot, tab)
    assert text.toPlainText() == "one\ntwo\n"

    qtbot.keyClick(text, Key.Key_End, CTRL)
    qtbot.keyClicks(text, "three")
    qtbot.keyClick(text, Key.Key_Return)
    press(qtbot, tab, Key.Key_Return, CTRL)

    assert field(tab, "lines") == "one\r\ntwo\r\nthree\r\n"
    assert not tab.value.panes.editor.isVisible()


def test_pasted_lines_open_the_pane(qtbot: QtBot, tab: DatabaseTab) -> None:
    start(qtbot, tab, "['text']")
    wait_for_focus(qtbot, line(tab))
    QGuiApplication.clipboard().setText("first\nsecond it's")

    press(qtbot, tab, Key.Key_V, CTRL)
    assert pane(qtbot, tab).toPlainText() == "first\nsecond it's"
    press(qtbot, tab, Key.Key_Return, CTRL)

    assert field(tab, "text") == "first\nsecond it's"


def test_the_pane_says_where_a_literal_is_wrong_and_keeps_it(qtbot: QtBot, tab: DatabaseTab) -> None:
    go(qtbot, tab, "['list']")
    qtbot.keyClick(tab.value.tree, Key.Key_F2, SHIFT)
    settle(qtbot, tab)
    text = pane(qtbot, tab)
    assert text.toPlainText() == "['a', 'b', 'c']"

    type_text(qtbot, tab, "['a',")
    qtbot.keyClick(text, Key.Key_Return)
    qtbot.keyClicks(text, " nope]")
    press(qtbot, tab, Key.Key_Return, CTRL)

    error = tab.value.panes.editor.error
    assert error.text().startswith("Line 2, column 2: ")
    assert text.textCursor().blockNumber() == 1
    assert text.toPlainText() == "['a',\n nope]"
    assert field(tab, "list") == ["a", "b", "c"]
    press(qtbot, tab, Key.Key_Escape)
    assert not tab.value.panes.editor.isVisible()


def test_leaving_the_pane_commits_and_what_is_refused_stays_in_front(qtbot: QtBot, tab: DatabaseTab) -> None:
    go(qtbot, tab, "['list']")
    qtbot.keyClick(tab.value.tree, Key.Key_F2, SHIFT)
    settle(qtbot, tab)
    pane(qtbot, tab)
    type_text(qtbot, tab, "[1, 2")
    table = tab.entries.view

    place = table.visualRect(table.model().index(1, 0)).center()
    qtbot.mouseClick(table.viewport(), LEFT, pos=place)
    settle(qtbot, tab)

    qtbot.waitUntil(lambda: table.selected_entries() == [0], timeout=WAIT)
    assert pane(qtbot, tab).toPlainText() == "[1, 2"
    type_text(qtbot, tab, "[1, 2]")
    qtbot.mouseClick(table.viewport(), LEFT, pos=place)
    settle(qtbot, tab)
    choose_first(qtbot, tab)
    assert field(tab, "list") == [1, 2]


def choose_first(qtbot: QtBot, tab: DatabaseTab) -> None:
    tab.entries.view.select_entry(0)
    settle(qtbot, tab)


def test_a_node_is_edited_as_json(qtbot: QtBot, tab: DatabaseTab) -> None:
    go(qtbot, tab, "['list']")
    qtbot.keyClick(tab.value.tree, Key.Key_F2, CTRL)
    settle(qtbot, tab)
    assert pane(qtbot, tab).toPlainText() == '["a", "b", "c"]'

    type_text(qtbot, tab, '{"x": [1.0, null]}')
    press(qtbot, tab, Key.Key_Return, CTRL)

    assert field(tab, "list") == {"x": [1.0, None]}
    assert current_path(tab) == "['list']"


def test_objects_of_unknown_classes_are_edited_with_a_quiet_note(qtbot: QtBot, tab: DatabaseTab) -> None:
    start(qtbot, tab, "['object'].title")
    wait_for_focus(qtbot, line(tab))
    assert "class" in tab.value.note.text()

    type_text(qtbot, tab, "new")
    press(qtbot, tab, Key.Key_Return)

    assert vars(field(tab, "object"))["title"] == "new"
    assert shown_text(qtbot, tab, "['object'].title") == "'new'"


def test_nothing_can_be_edited_in_a_read_only_database(qtbot: QtBot, tmp_path: Path) -> None:
    from app.engine.local import LocalEngine  # noqa: PLC0415 - one test needs it

    window = MainWindow(LocalEngine, read_only=True)
    qtbot.addWidget(window)
    window.show()
    tab = open_rich(qtbot, window, tmp_path)

    go(qtbot, tab, "['int']")
    press(qtbot, tab, Key.Key_F2)

    assert tab.value.tree.editor is None
    assert "read-only" in tab.notices.sentence
    assert not window.actions_["delete-nodes"].isEnabled()
    assert window.actions_["copy-nodes"].isEnabled()
    window.close_at_once()


def test_undo_leaves_one_row_selected_while_ctrl_is_held(
    qtbot: QtBot, local_window: MainWindow, tmp_path: Path
) -> None:
    tab = open_rich(qtbot, local_window, tmp_path)
    go(qtbot, tab, "['int']")
    press(qtbot, tab, Key.Key_F2)
    type_text(qtbot, tab, "7")
    press(qtbot, tab, Key.Key_Return)
    go(qtbot, tab, "['text']")

    press(qtbot, tab, Key.Key_Z, CTRL)

    assert field(tab, "int") == 1
    assert [tab.value.model.path(row) for row in tab.value.tree.selected_rows()] == ["['text']"]
