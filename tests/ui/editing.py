"""What tests of editing share: a shelf of many types, going to a row, typing into what opens there."""

import collections
import datetime as dt
import decimal
import enum
import fractions
import pathlib
import pickle
import uuid
from pathlib import Path

import pytest
from PySide6.QtCore import QModelIndex, Qt
from PySide6.QtWidgets import QApplication, QLabel, QLineEdit, QPlainTextEdit, QWidget
from pytestqt.qtbot import QtBot

from app.document.shared_places import is_within
from app.ui.database_tab import DatabaseTab
from app.ui.main_window import MainWindow
from app.ui.models.value_tree import Column
from tests.engine.shelves import make_sqlite
from tests.ui.fixtures import WAIT, opened, settle

Key = Qt.Key
CTRL = Qt.KeyboardModifier.ControlModifier
SHIFT = Qt.KeyboardModifier.ShiftModifier
ALT = Qt.KeyboardModifier.AltModifier
LEFT = Qt.MouseButton.LeftButton


class Colour(enum.Enum):
    RED = 1
    GREEN = 2


class Order:
    """A class of the program that wrote the shelf."""

    def __init__(self) -> None:
        self.title = "old"
        self.lines = [1, 2]


SHARED = ["shared"]
VALUE: dict[str, object] = {
    "int": 1,
    "float": 0.1,
    "bool": True,
    "none": None,
    "text": "Ada",
    "lines": "one\r\ntwo\r\n",
    "bytes": b"\x00ab",
    "datetime": dt.datetime(2026, 1, 2, 3, 4, 5),  # noqa: DTZ001 - a naive one
    "date": dt.date(2026, 1, 2),
    "time": dt.time(3, 4, 5),
    "delta": dt.timedelta(days=1, seconds=30),
    "decimal": decimal.Decimal("1.50"),
    "fraction": fractions.Fraction(1, 3),
    "uuid": uuid.UUID(int=7),
    "path": pathlib.PurePosixPath("/a/b"),
    "enum": Colour.RED,
    "complex": 1 + 2j,
    "list": ["a", "b", "c"],
    "ordered": collections.OrderedDict(b=1, a=2),
    "object": Order(),
    "shared": SHARED,
    "again": SHARED,
}


def rich_shelf(folder: Path) -> Path:
    """A shelf with a value of many types and a short list."""
    entries = {b"rich": pickle.dumps(VALUE, 4), b"short": pickle.dumps([1, [2, 3]], 2)}
    return make_sqlite(folder / "rich.db", entries)


@pytest.fixture
def tab(qtbot: QtBot, local_window: MainWindow, tmp_path: Path) -> DatabaseTab:
    """A tab that shows the value of many types; its tree has the focus."""
    return open_rich(qtbot, local_window, tmp_path)


def open_rich(qtbot: QtBot, window: MainWindow, folder: Path) -> DatabaseTab:
    tab = opened(qtbot, window, rich_shelf(folder))
    tab.value.tree.setFocus()
    return tab


def stored_now(tab: DatabaseTab) -> object:
    """Return the value that is shown, loaded as a Python program would."""
    value = tab.value.shown
    assert value is not None
    source = tab.document.source(value.entry_id)
    if isinstance(source, bytes):
        return pickle.loads(source)
    return VALUE if value.entry_id == 0 else [1, [2, 3]]


def field(tab: DatabaseTab, key: str) -> object:
    """Return what stands under a key of the value that is shown."""
    value = stored_now(tab)
    assert isinstance(value, dict)
    return value[key]


def row_at(qtbot: QtBot, tab: DatabaseTab, path: str) -> QModelIndex:
    """Return the tree row of a path, opening what is above it as far as needed."""
    index = tab.value.model.index(0, 0)
    while tab.value.model.path(index) != path:
        tab.value.tree.expand(index)
        settle(qtbot, tab)
        children = [tab.value.model.index(row, 0, index) for row in range(tab.value.model.rowCount(index))]
        index = next(
            child for child in children if (here := tab.value.model.path(child)) == path or is_within(path, here)
        )
    return index


def go(qtbot: QtBot, tab: DatabaseTab, path: str) -> None:
    """Make a row current and give the tree the focus."""
    tab.value.tree.select_row(row_at(qtbot, tab, path))
    tab.value.tree.setFocus()


def current_path(tab: DatabaseTab) -> str:
    return tab.value.model.path(tab.value.tree.currentIndex())


def press(qtbot: QtBot, tab: DatabaseTab, key: Qt.Key, modifiers: Qt.KeyboardModifier | None = None) -> None:
    """Press a key where the focus is, and wait for what it does."""
    focused = QApplication.focusWidget() or tab.window().focusWidget()  # none has it while a menu closes
    assert focused is not None
    qtbot.keyClick(focused, key, modifiers or Qt.KeyboardModifier.NoModifier)
    settle(qtbot, tab)


def type_text(qtbot: QtBot, tab: DatabaseTab, text: str) -> None:
    """Replace what stands in the field that has the focus."""
    focused = QApplication.focusWidget() or tab.window().focusWidget()  # none has it while a menu closes
    assert isinstance(focused, QLineEdit | QPlainTextEdit), focused
    qtbot.keyClick(focused, Key.Key_A, CTRL)
    if text:
        qtbot.keyClicks(focused, text)
    else:
        qtbot.keyClick(focused, Key.Key_Delete)
    settle(qtbot, tab)


def line(tab: DatabaseTab) -> QLineEdit:
    """Return the line that is open in the tree, when it has the focus."""
    editor = tab.value.tree.editor
    assert editor is not None
    return editor


def reason(tab: DatabaseTab) -> QLabel:
    """Return what says under the line why its text was not taken."""
    label = tab.value.tree.findChild(QLabel, "refusal")
    assert isinstance(label, QLabel)
    return label


def wait_for_focus(qtbot: QtBot, widget: QWidget) -> None:
    qtbot.waitUntil(widget.hasFocus, timeout=WAIT)


def pane(qtbot: QtBot, tab: DatabaseTab) -> QPlainTextEdit:
    """Return the text of the pane editor, when it is open."""
    editor = tab.value.panes.editor
    qtbot.waitUntil(editor.isVisible, timeout=WAIT)
    return editor.text


def shown_text(qtbot: QtBot, tab: DatabaseTab, path: str) -> str:
    return str(row_at(qtbot, tab, path).siblingAtColumn(Column.VALUE).data())
