"""Save as writes every writable format, with what is not saved yet, and the tab goes on with the copy."""

import pickle
from pathlib import Path

import pytest
from PySide6.QtWidgets import QDialog
from pytestqt.qtbot import QtBot

from app.ui.dialogs.format_texts import writable_formats
from app.ui.main_window import MainWindow
from tests.document.databases import pairs_of
from tests.engine.shelves import make_sqlite
from tests.ui.disk import edit
from tests.ui.editing import CTRL, SHIFT, Key, press
from tests.ui.fixtures import opened
from tests.ui.making import choose_format, finish_errands, part, press_enter, type_place

NUMBERED = {"pickle-file", "marshal-file"}
KEYED = [form.format_id for form in writable_formats() if form.format_id not in NUMBERED]
START = {b"a": "before", b"b": ["kept", 1], "käse".encode(): None}


@pytest.mark.parametrize("format_id", KEYED)
def test_save_as_goes_on_in_any_format(qtbot: QtBot, local_window: MainWindow, tmp_path: Path, format_id: str) -> None:
    source = make_sqlite(tmp_path / "x.db", {key: pickle.dumps(value, 4) for key, value in START.items()})
    tab = opened(qtbot, local_window, source)
    edit(qtbot, tab, b"a", "after")

    press(qtbot, tab, Key.Key_S, CTRL | SHIFT)
    dialog = part(local_window, QDialog, "new-database")
    choose_format(dialog, format_id)
    type_place(qtbot, dialog, tmp_path / "copy")
    press_enter(qtbot, dialog)
    finish_errands(qtbot, local_window)

    assert tab.document.info is not None
    assert (tab.document.info.format, tab.document.pending_count) == (format_id, 0)
    assert tab.document.path != source
    assert {key: pickle.loads(value) for key, value in pairs_of(tab.document.path)} == START | {b"a": "after"}
