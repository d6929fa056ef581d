"""Which rows the program opens for a picture of itself."""

import datetime as dt
import pickle
import uuid
from pathlib import Path

from pytestqt.qtbot import QtBot

from app.ui.main_window import MainWindow
from app.ui.screenshot import Screenshot
from tests.engine.shelves import make_sqlite
from tests.ui.fixtures import WAIT, opened


def test_containers_are_opened_and_known_types_stay_as_they_read(
    qtbot: QtBot, local_window: MainWindow, tmp_path: Path
) -> None:
    value = {
        "when": dt.datetime(2026, 11, 23, 7, 30, tzinfo=dt.UTC),
        "token": uuid.UUID(int=5),
        "customer": {"name": "Ada", "town": "London"},
        "paid": True,
    }
    tab = opened(qtbot, local_window, make_sqlite(tmp_path / "shop.db", {b"order": pickle.dumps(value)}))

    picture = Screenshot(local_window, tmp_path / "out.png")
    with qtbot.waitSignal(picture.finished, timeout=WAIT):
        pass

    root = tab.value.model.index(0, 0)
    rows = [tab.value.model.index(row, 0, root) for row in range(len(value))]
    opened_rows = {tab.value.model.path(row) for row in rows if tab.value.tree.isExpanded(row)}
    assert opened_rows == {"['customer']"}
    assert (tmp_path / "out.png").stat().st_size > 10_000
