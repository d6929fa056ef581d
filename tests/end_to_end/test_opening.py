"""Files are dropped on the window and opened; what cannot be opened is said, and tried again."""

import pickle
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import QMimeData, QPointF, Qt, QUrl
from PySide6.QtGui import QDropEvent
from PySide6.QtWidgets import QWidget
from pytestqt.qtbot import QtBot

from app.ui.main_window import MainWindow
from tests.end_to_end.window import keys_shown
from tests.engine.shelves import make_sqlite
from tests.ui.fixtures import opened, settle

Key = Qt.Key


def test_dropped_files_open_in_tabs_once(qtbot: QtBot, local_window: MainWindow, shelf: Path) -> None:
    other = make_sqlite(shelf.with_name("other.db"), {b"a": pickle.dumps(1)})
    mime = QMimeData()
    mime.setUrls([QUrl.fromLocalFile(str(path)) for path in (shelf, other, shelf)])

    for _ in range(2):
        local_window.dropEvent(drop_of(mime))
    for tab in local_window.area.all():
        settle(qtbot, tab)

    assert [tab.document.name for tab in local_window.area.all()] == ["shop.db", "other.db"]
    assert local_window.area.current is local_window.area.all()[0]


def drop_of(mime: QMimeData) -> QDropEvent:
    return QDropEvent(
        QPointF(10, 10), Qt.DropAction.CopyAction, mime, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
    )


@pytest.mark.parametrize(
    ("content", "said"), [(b"", "empty"), (b"just some text, no database\n", "notes.db"), (None, "notes.db")]
)
def test_what_cannot_be_opened_is_said_in_one_sentence(
    qtbot: QtBot, local_window: MainWindow, tmp_path: Path, content: bytes | None, said: str
) -> None:
    path = tmp_path / "notes.db"
    if content is not None:
        path.write_bytes(content)

    tab = opened(qtbot, local_window, path)

    page: Any = tab.findChild(QWidget, "cannot-open-text")
    assert said in page.text()
    assert page.isVisible()
    assert tab.reading.open_error is not None
    assert not local_window.actions_["export"].isEnabled()


def test_what_could_not_be_opened_is_tried_again(
    qtbot: QtBot, local_window: MainWindow, tmp_path: Path, shelf: Path
) -> None:
    path = tmp_path / "late.db"
    tab = opened(qtbot, local_window, path)
    assert tab.is_refused
    path.write_bytes(b"no database")
    qtbot.keyClick(local_window, Key.Key_F5)
    settle(qtbot, tab)
    assert tab.is_refused

    path.write_bytes(shelf.read_bytes())
    assert opened(qtbot, local_window, path) is tab

    assert tab.can_browse
    assert tab.reading.open_error is None
    assert len(keys_shown(tab)) == 5


def test_no_widget_is_a_window_for_a_moment(qtbot: QtBot, local_window: MainWindow, shelf: Path) -> None:
    """A widget that is shown before it has a parent flashes up as a window and takes the keyboard away."""
    opened(qtbot, local_window, shelf)

    assert local_window.isActiveWindow()
