"""Exporting from the window of a database in a process of its own: what is shown, everything, nothing when given up."""

import json
import pickle
from pathlib import Path
from typing import Any

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QPushButton, QToolButton, QWidget
from pytestqt.qtbot import QtBot

from app.ui.database_tab import DatabaseTab
from app.ui.export_dialog import ExportDialog
from app.ui.main_window import MainWindow
from tests.end_to_end.window import choose, keys_shown, status, value_text
from tests.engine.shelves import make_sqlite
from tests.ui.commands import run_command
from tests.ui.fixtures import VALUES, WAIT, opened, settle


def test_open_filter_select_expand_export(qtbot: QtBot, child_window: MainWindow, shelf: Path, tmp_path: Path) -> None:
    tab = opened(qtbot, child_window, shelf)
    assert keys_shown(tab) == ["order:1", "order:2", "numbers", "käse", r"b'\xff\xfe'"]
    assert status(child_window, "status-count") == "5 entries"
    assert "sqlite3" in status(child_window, "status-format")

    run_command(qtbot, child_window, "find")
    qtbot.keyClicks(tab.entries.field, "ORDER")
    settle(qtbot, tab)
    assert keys_shown(tab) == ["order:1", "order:2"]
    assert status(child_window, "status-count") == "2 of 5 entries"

    choose(qtbot, tab, b"order:2")
    assert value_text(qtbot, tab, "['customer']['name']") == "'Grace'"
    assert "'Grace'" in tab.value.text.toPlainText()

    target = tmp_path / "orders.json"
    export(qtbot, child_window, tab, "export-shown", target)
    assert json.loads(target.read_text("utf-8")) == {
        "order:1": VALUES[b"order:1"],
        "order:2": VALUES[b"order:2"],
    }
    assert tab.notices.sentence == "Exported 2 entries to orders.json."


def export(qtbot: QtBot, window: MainWindow, tab: DatabaseTab, choice: str, target: Path) -> None:
    start_export(qtbot, window, choice, target)
    settle(qtbot, tab)


def start_export(qtbot: QtBot, window: MainWindow, choice: str, target: Path) -> None:
    dialog = export_dialog(qtbot, window)
    button: Any = dialog.findChild(QWidget, choice)
    button.click()
    field: Any = dialog.findChild(QWidget, "export-target")
    field.setText(str(target))
    go = dialog.findChild(QPushButton, "export-go")
    assert go is not None
    go.click()


def export_dialog(qtbot: QtBot, window: MainWindow) -> ExportDialog:
    run_command(qtbot, window, "export")
    dialog = window.findChild(ExportDialog)
    assert dialog is not None
    return dialog


def test_a_database_is_never_exported_over_itself(qtbot: QtBot, local_window: MainWindow, shelf: Path) -> None:
    opened(qtbot, local_window, shelf)
    dialog = export_dialog(qtbot, local_window)
    field: Any = dialog.findChild(QWidget, "export-target")
    go: Any = dialog.findChild(QPushButton, "export-go")
    assert go.isEnabled()

    field.setText(str(shelf))
    assert not go.isEnabled()
    field.setText(str(shelf.parent / "missing" / "x.json"))
    assert not go.isEnabled()

    dialog.reject()


def test_a_cancelled_export_leaves_no_file(qtbot: QtBot, child_window: MainWindow, tmp_path: Path) -> None:
    entries = {b"key %06d" % number: pickle.dumps({"id": number}) for number in range(60_000)}
    tab = opened(qtbot, child_window, make_sqlite(tmp_path / "many.db", entries))
    before = set(tmp_path.iterdir())
    cancel = child_window.findChild(QToolButton, "cancel-activity")
    assert cancel is not None

    start_export(qtbot, child_window, "export-all", tmp_path / "all.json")
    qtbot.waitUntil(cancel.isVisible, timeout=WAIT)
    qtbot.mouseClick(cancel, Qt.MouseButton.LeftButton)
    settle(qtbot, tab)

    assert set(tmp_path.iterdir()) == before
    assert not cancel.isVisible()
    qtbot.waitUntil(lambda: "all.json was not written" in tab.notices.sentence, timeout=WAIT)


def test_all_entries_are_exported_as_lines_in_file_order(
    qtbot: QtBot, child_window: MainWindow, shelf: Path, tmp_path: Path
) -> None:
    tab = opened(qtbot, child_window, shelf)

    export(qtbot, child_window, tab, "export-all", tmp_path / "all.jsonl")

    lines = [json.loads(line) for line in (tmp_path / "all.jsonl").read_text("utf-8").splitlines()]
    assert [line.get("key") or line["key_base64"] for line in lines] == [
        "order:1",
        "order:2",
        "numbers",
        "käse",
        "//4=",
    ]
    assert lines[2]["value"] == VALUES[b"numbers"]


def test_the_notice_tells_that_a_part_of_a_value_could_not_be_written(
    qtbot: QtBot, child_window: MainWindow, tmp_path: Path
) -> None:
    values = {b"good": pickle.dumps([1]), b"bad": b"\x80\x02]X\x01\x00\x00\x00\x88a."}
    tab = opened(qtbot, child_window, make_sqlite(tmp_path / "shelf", values))

    export(qtbot, child_window, tab, "export-all", tmp_path / "all.json")

    assert tab.notices.sentence == (
        "Exported 2 entries to all.json. 1 of them is damaged, as a whole or in part, and marked so in the file."
    )
