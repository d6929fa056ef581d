"""Closing while something is still on its way: nothing that was done meanwhile is lost."""

import pickle
from collections.abc import Mapping, Sequence
from pathlib import Path
from threading import Event

import pytest
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QMessageBox
from pytestqt.qtbot import QtBot

from app.backends.base import Change, Expected, SaveOptions, SaveReport
from app.cancel import CancelToken
from app.engine.local import LocalEngine
from app.ui.main_window import MainWindow
from tests.engine.shelves import make_sqlite, read_sqlite
from tests.ui.disk import click, edit
from tests.ui.editing import CTRL, Key, wait_for_focus
from tests.ui.fixtures import WAIT, opened, settle


def box_of(qtbot: QtBot, window: MainWindow) -> QMessageBox:
    """Wait for the question what is to become of unsaved changes."""

    def shown() -> list[QMessageBox]:
        return [box for box in window.findChildren(QMessageBox, "close-guard") if box.isVisible()]

    qtbot.waitUntil(lambda: len(shown()) == 1, timeout=WAIT)
    [box] = shown()
    return box


def test_what_is_pasted_while_a_closing_tab_is_saved_is_asked_for_again(
    qtbot: QtBot, local_window: MainWindow, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = make_sqlite(tmp_path / "x.db", {b"a": pickle.dumps("text", 4)})
    tab = opened(qtbot, local_window, path)
    edit(qtbot, tab, b"a", "changed")
    QGuiApplication.clipboard().setText("'b': 'pasted'")
    began, may_end = Event(), Event()
    apply = LocalEngine.apply

    def slow(
        engine: LocalEngine,
        changes: Sequence[Change],
        expected: Mapping[int, Expected],
        options: SaveOptions,
        token: CancelToken,
    ) -> SaveReport:
        began.set()
        may_end.wait(WAIT / 1_000)
        return apply(engine, changes, expected, options, token)

    monkeypatch.setattr(LocalEngine, "apply", slow)
    qtbot.keyClick(local_window, Key.Key_W, CTRL)
    click(qtbot, box_of(qtbot, local_window), "Save")
    qtbot.waitUntil(began.is_set, timeout=WAIT)

    local_window.activateWindow()
    tab.entries.view.setFocus()
    wait_for_focus(qtbot, tab.entries.view)
    qtbot.keyClick(tab.entries.view, Key.Key_V, CTRL)
    may_end.set()
    box = box_of(qtbot, local_window)

    settle(qtbot, tab)
    assert [change.ref.key for change in tab.document.pending_changes] == [b"b"]
    click(qtbot, box, "Save")
    qtbot.waitUntil(lambda: tab not in local_window.area.all(), timeout=WAIT)
    stored = {key: pickle.loads(value) for key, value in read_sqlite(path).items()}
    assert stored == {b"a": "changed", b"b": "pasted"}
