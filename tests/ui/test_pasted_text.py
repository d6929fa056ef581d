"""Texts that are pasted into a value, from this program and from others."""

import pickle
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication
from pytestqt.qtbot import QtBot

from app.codecs.edits import Written
from app.ui.main_window import MainWindow
from app.ui.pasted_text import written_lines
from tests.engine.shelves import make_sqlite
from tests.ui.editing import ALT, CTRL, SHIFT, Key, go, press, wait_for_focus
from tests.ui.fixtures import opened, settle


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("1", [Written("1")]),
        ("1\n'two'\r\n[3]\n", [Written("1"), Written("'two'"), Written("[3]")]),
        ('{"a": null}\ntrue', [Written('{"a": null}', "json"), Written("true", "json")]),
        ("'one'\n'two'", [Written("'one'"), Written("'two'")]),
        ("-1\n-2", [Written("-1"), Written("-2")]),
        ("[1,\n 2]", [Written("[1,\n 2]")]),
        ('{"a":\n null}', [Written('{"a":\n null}', "json")]),
        ("'''one\ntwo'''", [Written("'''one\ntwo'''")]),
        ("1\nno literal", [Written("1\nno literal")]),
        ("", [Written("")]),
    ],
    ids=["one", "lines", "JSON lines", "texts", "numbers", "list", "JSON", "text", "wrong", "nothing"],
)
def test_a_text_is_one_value_or_one_in_each_line(text: str, values: list[Written]) -> None:
    assert written_lines(text) == values


@pytest.mark.parametrize("modifiers", [CTRL | SHIFT, CTRL | ALT], ids=["Python", "JSON"])
def test_rows_that_were_copied_as_text_are_pasted_as_rows(
    qtbot: QtBot, local_window: MainWindow, tmp_path: Path, modifiers: Qt.KeyboardModifier
) -> None:
    value = {"from": ["a", "b", {"b": None}, [True, 1.5]], "to": ["first", "last"]}
    tab = opened(qtbot, local_window, make_sqlite(tmp_path / "s.db", {b"k": pickle.dumps(value)}))
    go(qtbot, tab, "['from'][0]")
    wait_for_focus(qtbot, tab.value.tree)
    for _ in range(3):
        press(qtbot, tab, Key.Key_Down, SHIFT)
    press(qtbot, tab, Key.Key_C, modifiers)
    settle(qtbot, tab)
    QGuiApplication.clipboard().setText(QGuiApplication.clipboard().text())  # as from another program

    go(qtbot, tab, "['to'][0]")
    press(qtbot, tab, Key.Key_V, CTRL)
    settle(qtbot, tab)

    [change] = tab.document.pending_changes
    assert pickle.loads(change.value)["to"] == ["first", "a", "b", {"b": None}, [True, 1.5], "last"]
