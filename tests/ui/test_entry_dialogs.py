"""The dialogs that ask for entries: keys that work in every field, and keys that are there already."""

import pickle
from pathlib import Path

import pytest
from PySide6.QtWidgets import QComboBox, QDialog, QLineEdit, QPlainTextEdit
from pytestqt.qtbot import QtBot

from app.ui.database_tab import DatabaseTab
from app.ui.labels import ElidedLabel
from app.ui.main_window import MainWindow
from tests.engine.shelves import make_sqlite
from tests.ui.entries import CTRL, SHIFT, Key, answer, keys, press, select, value_of
from tests.ui.fixtures import opened, settle
from tests.ui.making import add_entry, part


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    return make_sqlite(tmp_path / "shop.db", {key: pickle.dumps(key, 4) for key in (b"k1", b"k2", b"k3")})


@pytest.fixture
def tab(qtbot: QtBot, local_window: MainWindow, shop: Path) -> DatabaseTab:
    return opened(qtbot, local_window, shop)


def adding(qtbot: QtBot, window: MainWindow, tab: DatabaseTab, key: str, value: str = "1", form: int = 0) -> QDialog:
    press(qtbot, tab, Key.Key_N, CTRL | SHIFT)
    asked = part(window, QDialog, "new-entry")
    qtbot.keyClicks(part(asked, QLineEdit, "entry-key"), key)
    for _ in range(form):
        qtbot.keyClick(part(asked, QComboBox, "entry-form"), Key.Key_Down)
    qtbot.keyClicks(part(asked, QPlainTextEdit, "entry-value"), value)
    return asked


@pytest.mark.parametrize("field", ["entry-key", "entry-file"])
def test_ctrl_return_adds_from_every_field(
    qtbot: QtBot, local_window: MainWindow, tab: DatabaseTab, tmp_path: Path, field: str
) -> None:
    (tmp_path / "value").write_bytes(b"bytes")
    asked = adding(qtbot, local_window, tab, "new", form=4)
    qtbot.keyClicks(part(asked, QLineEdit, "entry-file"), str(tmp_path / "value"))

    qtbot.keyClick(part(asked, QLineEdit, field), Key.Key_Return, CTRL)
    settle(qtbot, tab)

    assert keys(tab)[-1] == b"new"


@pytest.mark.parametrize(
    ("form", "text", "value"),
    [
        (0, "{'a': (1, b'x')}", {"a": (1, b"x")}),
        (1, '{"a": [1, null]}', {"a": [1, None]}),
        (2, '{"py/tuple": [1, {"py/b64": "eA=="}]}', (1, b"x")),
        (3, "it's", "it's"),
    ],
)
def test_a_value_is_added_as_what_is_chosen(
    qtbot: QtBot, local_window: MainWindow, tab: DatabaseTab, form: int, text: str, value: object
) -> None:
    asked = adding(qtbot, local_window, tab, "new", text, form)

    qtbot.keyClick(part(asked, QPlainTextEdit, "entry-value"), Key.Key_Return, CTRL)
    settle(qtbot, tab)

    assert value_of(tab, b"new") == value


def test_another_key_is_typed_over_the_one_that_is_there(
    qtbot: QtBot, local_window: MainWindow, tab: DatabaseTab
) -> None:
    asked = adding(qtbot, local_window, tab, "k2")
    qtbot.keyClick(part(asked, QLineEdit, "entry-key"), Key.Key_Return)
    settle(qtbot, tab)
    answer(qtbot, local_window, tab, "taken-question", "Another key")

    qtbot.keyClicks(part(asked, QLineEdit, "entry-key"), "k9")
    qtbot.keyClick(part(asked, QLineEdit, "entry-key"), Key.Key_Return)
    settle(qtbot, tab)

    assert keys(tab)[-1] == b"k9"


def test_another_name_is_typed_over_the_one_that_is_there(
    qtbot: QtBot, local_window: MainWindow, tab: DatabaseTab
) -> None:
    select(tab, 0)
    press(qtbot, tab, Key.Key_F2)
    qtbot.keyClicks(part(tab, QLineEdit, "key-editor"), "k2")
    qtbot.keyClick(part(tab, QLineEdit, "key-editor"), Key.Key_Return)
    settle(qtbot, tab)
    answer(qtbot, local_window, tab, "taken-question", "Another key")

    qtbot.keyClicks(part(tab, QLineEdit, "key-editor"), "k9")
    qtbot.keyClick(part(tab, QLineEdit, "key-editor"), Key.Key_Return)
    settle(qtbot, tab)

    assert keys(tab)[-1] == b"k9"


def test_what_takes_the_place_of_an_entry_is_called_so_in_the_menu(
    qtbot: QtBot, local_window: MainWindow, tab: DatabaseTab
) -> None:
    asked = adding(qtbot, local_window, tab, "k2")
    qtbot.keyClick(part(asked, QLineEdit, "entry-key"), Key.Key_Return)
    settle(qtbot, tab)

    answer(qtbot, local_window, tab, "taken-question", "Replace")

    assert local_window.actions_["undo"].text() == "&Undo Replacement of 'k2'"


def test_return_alone_duplicates_under_a_free_key(qtbot: QtBot, local_window: MainWindow, tab: DatabaseTab) -> None:
    for _ in range(2):
        select(tab, 1)
        press(qtbot, tab, Key.Key_D, CTRL)
        asked = part(local_window, QDialog, "duplicate")
        assert part(asked, QLineEdit, "entry-key").selectedText() == part(asked, QLineEdit, "entry-key").text()
        qtbot.keyClick(part(asked, QLineEdit, "entry-key"), Key.Key_Return)
        settle(qtbot, tab)

    assert keys(tab)[3:] == [b"k2 (2)", b"k2 (3)"]


def test_what_is_said_of_a_database_is_said_in_its_own_tab_only(
    qtbot: QtBot, local_window: MainWindow, tab: DatabaseTab, tmp_path: Path
) -> None:
    news = part(local_window, ElidedLabel, "status-news")
    other = opened(qtbot, local_window, make_sqlite(tmp_path / "other.db", {b"a": b"1"}))
    local_window.area.show_tab(tab)
    for _ in range(2):  # the first save speaks of its backup, in a bar
        select(tab, 0)
        press(qtbot, tab, Key.Key_Delete)
        press(qtbot, tab, Key.Key_S, CTRL)

    assert news.text() == "Saved shop.db."

    local_window.area.show_tab(other)
    assert news.text() == ""
    local_window.area.show_tab(tab)
    assert news.text() == "Saved shop.db."


@pytest.mark.parametrize(("title", "name"), [("Cancel", b"k1"), ("Replace", b"k2")])
def test_the_table_has_the_focus_again_after_the_question_of_a_rename(
    qtbot: QtBot, local_window: MainWindow, tab: DatabaseTab, title: str, name: bytes
) -> None:
    select(tab, 0)
    press(qtbot, tab, Key.Key_F2)
    qtbot.keyClicks(part(tab, QLineEdit, "key-editor"), "k2")
    qtbot.keyClick(part(tab, QLineEdit, "key-editor"), Key.Key_Return)
    settle(qtbot, tab)

    answer(qtbot, local_window, tab, "taken-question", title)
    local_window.activateWindow()

    qtbot.waitUntil(tab.entries.view.hasFocus)
    assert tab.entries.current_entry is not None
    assert tab.document.key(tab.entries.current_entry) == name


def test_keys_are_typed_in_any_encoding(qtbot: QtBot, local_window: MainWindow, tab: DatabaseTab) -> None:
    add_entry(qtbot, local_window, tab, r"'k\xe4se'.encode('latin-1')", "'Brie'")
    assert value_of(tab, b"k\xe4se") == "Brie"

    select(tab, 0)
    press(qtbot, tab, Key.Key_F2)
    line = part(tab, QLineEdit, "key-editor")
    line.selectAll()
    qtbot.keyClicks(line, "'a'.encode('klingon')")
    qtbot.keyClick(line, Key.Key_Return)
    settle(qtbot, tab)
    assert part(tab, QLineEdit, "key-editor") is line  # it stays open with what was typed
    assert line.text() == "'a'.encode('klingon')"

    line.selectAll()
    qtbot.keyClicks(line, "'a'.encode('utf-16-le')")
    qtbot.keyClick(line, Key.Key_Return)
    settle(qtbot, tab)
    assert b"a\0" in keys(tab)
