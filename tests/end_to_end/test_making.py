"""A database is made in the window, filled by copying, and read by the command line."""

import base64
import contextlib
import io
import json
import pickle
import subprocess
import sys
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QDialog
from pytestqt.qtbot import QtBot

from app.__main__ import main as program
from app.ui.dialogs.format_texts import writable_formats
from app.ui.main_window import MainWindow
from tests.end_to_end.heartbeat import ALLOWED, Heartbeat, idle_gap
from tests.engine.shelves import make_sqlite
from tests.ui.commands import run_command
from tests.ui.fixtures import VALUES, WAIT, opened, settle
from tests.ui.making import (
    answer_replace,
    choose_format,
    dialog_of,
    finish_errands,
    part,
    press,
    press_enter,
    type_place,
)


def dumped(path: Path) -> dict[bytes, bytes]:
    """Return what ``shelfscope dump`` says of a database, a process of its own."""
    done = subprocess.run([sys.executable, "-m", "app", "dump", str(path)], capture_output=True, check=True)
    return told_by(done.stdout)


def dumped_here(path: Path) -> dict[bytes, bytes]:
    """Return what ``shelfscope dump`` says of a database, in this process."""
    with contextlib.redirect_stdout(io.TextIOWrapper(told := io.BytesIO())) as stream:
        assert program(["dump", str(path)]) == 0
        stream.flush()
        return told_by(told.getvalue())


def told_by(dump: bytes) -> dict[bytes, bytes]:
    entries = [json.loads(line) for line in dump.splitlines()]
    return {base64.b64decode(entry["k"]): base64.b64decode(entry["v"]) for entry in entries}


def test_a_new_database_is_filled_by_save_as_and_converted(
    qtbot: QtBot, child_window: MainWindow, shelf: Path, tmp_path: Path
) -> None:
    new = tmp_path / "new.db"
    qtbot.keyClick(child_window, Qt.Key.Key_N, Qt.KeyboardModifier.ControlModifier)
    dialog = part(child_window, QDialog, "new-database")
    type_place(qtbot, dialog, new)
    press_enter(qtbot, dialog)
    finish_errands(qtbot, child_window)
    assert dumped(new) == {}
    run_command(qtbot, child_window, "close-tab")

    tab = opened(qtbot, child_window, shelf)
    tab.runner.start(tab.document.literal_job(3, "", "'Edam'"))
    settle(qtbot, tab)
    dialog = dialog_of(qtbot, child_window, "save-as")
    type_place(qtbot, dialog, new)
    press_enter(qtbot, dialog)
    answer_replace(dialog, replaces=True)
    finish_errands(qtbot, child_window)
    dialog = dialog_of(qtbot, child_window, "convert")
    choose_format(dialog, "gdbm")
    press_enter(qtbot, dialog)
    finish_errands(qtbot, child_window)
    press(child_window.area.all()[0].notices, "Open")
    finish_errands(qtbot, child_window)

    expected = VALUES | {"käse".encode(): "Edam"}
    for path in (new, tmp_path / "new.gdbm"):
        assert {key: pickle.loads(value) for key, value in dumped(path).items()} == expected
    assert [opened_tab.document.name for opened_tab in child_window.area.all()] == ["new.db", "new.gdbm"]


@pytest.mark.parametrize("format_id", [form.format_id for form in writable_formats() if form.can_be_empty])
def test_every_format_is_made_by_the_window_and_read_by_the_command_line(
    qtbot: QtBot, local_window: MainWindow, tmp_path: Path, format_id: str
) -> None:
    entries = {b"one": b"1", b"two": pickle.dumps([1, 2]), b"three": b""}
    opened(qtbot, local_window, make_sqlite(tmp_path / "source.db", entries))
    dialog = dialog_of(qtbot, local_window, "convert")
    choose_format(dialog, format_id)
    type_place(qtbot, dialog, tmp_path / "made")

    press_enter(qtbot, dialog)
    finish_errands(qtbot, local_window)

    assert "3 entries" in local_window.area.all()[0].notices.sentence
    assert dumped_here(tmp_path / "made") == entries


@pytest.mark.alone
def test_a_conversion_does_not_stop_the_window(qtbot: QtBot, child_window: MainWindow, tmp_path: Path) -> None:
    path = make_sqlite(tmp_path / "many.db", {b"%06d" % number: b"v" * 20 for number in range(100_000)})
    opened(qtbot, child_window, path)
    heartbeat = Heartbeat()
    idle = idle_gap(qtbot, heartbeat)
    dialog = dialog_of(qtbot, child_window, "convert")
    choose_format(dialog, "cdb")

    heartbeat.start()
    press_enter(qtbot, dialog)
    qtbot.waitUntil(lambda: "100,000 entries" in child_window.area.all()[0].notices.sentence, timeout=6 * WAIT)
    busy = heartbeat.longest()

    assert busy < idle + ALLOWED
