"""What users of other tools suffered from, and are spared here: cells that change by looking, types that get lost."""

import pickle
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication, QPushButton
from pytestqt.qtbot import QtBot

from app.ui.main_window import MainWindow
from tests.engine.shelves import make_sqlite, read_sqlite
from tests.ui.disk import edit
from tests.ui.editing import CTRL, LEFT, SHIFT, VALUE, Key, go, open_rich, pane, press, type_text, wait_for_focus
from tests.ui.fixtures import WAIT, opened, settle
from tests.ui.making import part

HUGE = 2**200 + 1
PLACES = [f"['{key}']" for key in VALUE]
BINARY = bytes(range(256)) + "käse\r\n\x00".encode("utf-16")


@pytest.mark.parametrize("leave", [Key.Key_Return, Key.Key_Escape, Key.Key_Tab])
def test_opening_and_closing_any_cell_changes_nothing(
    qtbot: QtBot, local_window: MainWindow, tmp_path: Path, leave: Key
) -> None:
    tab = open_rich(qtbot, local_window, tmp_path)
    opened_editors = 0

    for place in PLACES:
        go(qtbot, tab, place)
        wait_for_focus(qtbot, tab.value.tree)
        press(qtbot, tab, Key.Key_F2)
        if tab.editing.is_active:
            opened_editors += 1
            qtbot.waitUntil(lambda: not tab.value.tree.hasFocus(), timeout=WAIT)
            press(qtbot, tab, Key.Key_Escape if tab.value.tree.editor is None else leave)
        assert not tab.editing.is_open, place

    assert opened_editors > 10
    assert tab.document.pending_changes == []
    assert tab.document.history.is_empty


@pytest.mark.parametrize("modifiers", [SHIFT, CTRL])
@pytest.mark.parametrize("is_pressed", [True, False])
def test_committing_any_value_as_text_as_it_was_changes_nothing(
    qtbot: QtBot, local_window: MainWindow, tmp_path: Path, modifiers: Qt.KeyboardModifier, is_pressed: bool
) -> None:
    tab = open_rich(qtbot, local_window, tmp_path)
    commit = part(tab.value, QPushButton, "value-editor-commit")
    opened_editors = 0

    for place in PLACES:
        go(qtbot, tab, place)
        wait_for_focus(qtbot, tab.value.tree)
        press(qtbot, tab, Key.Key_F2, modifiers)
        if tab.editing.is_active:
            opened_editors += 1
            wait_for_focus(qtbot, pane(qtbot, tab))
            if is_pressed:
                qtbot.mouseClick(commit, LEFT)
            else:
                press(qtbot, tab, Key.Key_Return, CTRL)
        assert not tab.editing.is_active, place
        assert tab.document.pending_changes == [], place

    assert opened_editors > 10
    assert tab.document.history.is_empty


def test_an_item_of_a_tuple_is_edited_and_the_tuple_stays_one(
    qtbot: QtBot, local_window: MainWindow, tmp_path: Path
) -> None:
    path = make_sqlite(tmp_path / "x.db", {b"a": pickle.dumps({"t": (1, "two", (3.0,)), "u": None}, 4)})
    tab = opened(qtbot, local_window, path)
    for place, text in (("['t'][0]", "10"), ("['t'][2][0]", "4.0")):
        go(qtbot, tab, place)
        wait_for_focus(qtbot, tab.value.tree)
        press(qtbot, tab, Key.Key_F2)
        qtbot.waitUntil(lambda: not tab.value.tree.hasFocus(), timeout=WAIT)
        type_text(qtbot, tab, text)
        press(qtbot, tab, Key.Key_Return)

    press(qtbot, tab, Key.Key_S, CTRL)

    assert repr(pickle.loads(read_sqlite(path)[b"a"])) == "{'t': (10, 'two', (4.0,)), 'u': None}"


def test_huge_numbers_and_bytes_go_through_json_unharmed(
    qtbot: QtBot, local_window: MainWindow, tmp_path: Path
) -> None:
    value = {"huge": HUGE, "third": 0.1 + 0.2, "bytes": BINARY, "tuple": (1, 2), "word": "x"}
    path = make_sqlite(tmp_path / "x.db", {b"a": pickle.dumps(value, 4)})
    tab = opened(qtbot, local_window, path)
    go(qtbot, tab, "")
    wait_for_focus(qtbot, tab.value.tree)
    press(qtbot, tab, Key.Key_F2, CTRL)
    text = pane(qtbot, tab)
    written = text.toPlainText()
    assert str(HUGE) in written

    text.setFocus()
    wait_for_focus(qtbot, text)
    QApplication.clipboard().setText(written.replace('"x"', '"changed"'))
    qtbot.keyClick(text, Key.Key_A, CTRL)
    qtbot.keyClick(text, Key.Key_V, CTRL)
    qtbot.keyClick(text, Key.Key_Return, CTRL)
    settle(qtbot, tab)
    press(qtbot, tab, Key.Key_S, CTRL)

    assert pickle.loads(read_sqlite(path)[b"a"]) == {**value, "word": "changed"}


def test_one_edited_leaf_leaves_the_type_of_every_other_value(
    qtbot: QtBot, local_window: MainWindow, tmp_path: Path
) -> None:
    tab = open_rich(qtbot, local_window, tmp_path)
    go(qtbot, tab, "['text']")
    wait_for_focus(qtbot, tab.value.tree)
    press(qtbot, tab, Key.Key_F2)
    qtbot.waitUntil(lambda: not tab.value.tree.hasFocus(), timeout=WAIT)
    type_text(qtbot, tab, "12")
    press(qtbot, tab, Key.Key_Return)
    press(qtbot, tab, Key.Key_S, CTRL)

    saved = pickle.loads(read_sqlite(tmp_path / "rich.db")[b"rich"])

    assert saved.pop("text") == "12"  # a text that looks like a number stays a text
    expected = {key: value for key, value in VALUE.items() if key != "text"}
    assert {key: type(value) for key, value in saved.items()} == {key: type(value) for key, value in expected.items()}
    plain = expected.keys() - {"object"}
    assert {key: saved[key] for key in plain} == {key: expected[key] for key in plain}
    assert vars(saved["object"]) == vars(expected["object"])


def test_a_value_with_bytes_of_every_kind_is_saved_beside_an_edit_byte_for_byte(
    qtbot: QtBot, local_window: MainWindow, tmp_path: Path
) -> None:
    raw = {b"binary": BINARY, b"old": pickle.dumps(BINARY, 0), b"text": pickle.dumps("text", 4)}
    path = make_sqlite(tmp_path / "x.db", raw)
    tab = opened(qtbot, local_window, path)

    edit(qtbot, tab, b"text", "changed")
    press(qtbot, tab, Key.Key_S, CTRL)

    now = read_sqlite(path)
    assert {key: now[key] for key in (b"binary", b"old")} == {key: raw[key] for key in (b"binary", b"old")}
    assert pickle.loads(now[b"text"]) == "changed"
