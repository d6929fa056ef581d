"""Items of lists are dragged to other places."""

from collections.abc import Sequence
from pathlib import Path

import pytest
from PySide6.QtCore import QMimeData, QPoint, QPointF, Qt
from PySide6.QtGui import QDragEnterEvent, QDragMoveEvent, QDropEvent
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from app.ui.database_tab import DatabaseTab
from app.ui.main_window import MainWindow
from tests.ui.editing import (
    CTRL,
    LEFT,
    Key,
    field,
    go,
    open_rich,
    press,
    row_at,
    stored_now,
)
from tests.ui.fixtures import settle


def drag(qtbot: QtBot, tab: DatabaseTab, mime: QMimeData, path: str, *, behind: bool = False, inset: int = 1) -> bool:
    """Drag rows to ``inset`` pixels from an edge of another one and drop them; tell whether they were taken."""
    tree, kind, none = tab.value.tree, Qt.DropAction.MoveAction, Qt.KeyboardModifier.NoModifier
    index = row_at(qtbot, tab, path)
    tree.scrollTo(index)
    rect = tree.visualRect(index)
    place = QPoint(rect.center().x(), rect.bottom() - inset if behind else rect.top() + inset)
    QApplication.sendEvent(tree.viewport(), QDragEnterEvent(place, kind, mime, LEFT, none))
    moved = QDragMoveEvent(place, kind, mime, LEFT, none)
    QApplication.sendEvent(tree.viewport(), moved)
    if moved.isAccepted():
        QApplication.sendEvent(tree.viewport(), QDropEvent(QPointF(place), kind, mime, LEFT, none))
        settle(qtbot, tab)
    return moved.isAccepted()


@pytest.mark.parametrize(
    ("dragged", "target", "behind", "expected"),
    [
        ((2,), 0, False, ["c", "a", "b"]),
        ((0,), 2, True, ["b", "c", "a"]),
        ((0, 1), 2, True, ["c", "a", "b"]),
        ((0,), 1, True, ["b", "a", "c"]),
    ],
)
def test_items_are_dragged_to_another_place(
    qtbot: QtBot,
    tab: DatabaseTab,
    dragged: Sequence[int],
    target: int,
    behind: bool,
    expected: list[str],
) -> None:
    mime = tab.value.model.mimeData([row_at(qtbot, tab, f"['list'][{number}]") for number in dragged])

    assert drag(qtbot, tab, mime, f"['list'][{target}]", behind=behind)

    assert field(tab, "list") == expected
    press(qtbot, tab, Key.Key_Z, CTRL)
    assert field(tab, "list") == ["a", "b", "c"]


def test_items_are_dropped_in_their_own_list_only(
    qtbot: QtBot, local_window: MainWindow, tab: DatabaseTab, tmp_path: Path
) -> None:
    model = tab.value.model
    mime = model.mimeData([row_at(qtbot, tab, "['list'][2]")])
    (tmp_path / "other").mkdir()
    other = open_rich(qtbot, local_window, tmp_path / "other")

    assert not drag(qtbot, other, mime, "['list'][0]")
    local_window.area.show_tab(tab)
    assert not drag(qtbot, tab, mime, "['ordered']")
    assert not drag(qtbot, tab, QMimeData(), "['list'][0]")

    assert not tab.document.pending_changes
    assert not other.document.pending_changes


def test_an_item_is_dropped_beside_a_list_wherever_on_its_row(qtbot: QtBot, tab: DatabaseTab) -> None:
    tab.entries.view.select_entry(1)
    settle(qtbot, tab)
    mime = tab.value.model.mimeData([row_at(qtbot, tab, "[0]")])

    assert drag(qtbot, tab, mime, "[1]", behind=True, inset=9)

    tab.entries.view.setFocus()
    assert stored_now(tab) == [[2, 3], 1]


def test_what_was_dragged_from_a_value_that_changed_since_is_not_taken(qtbot: QtBot, tab: DatabaseTab) -> None:
    mime = tab.value.model.mimeData([row_at(qtbot, tab, "['list'][2]")])
    go(qtbot, tab, "['list'][0]")
    press(qtbot, tab, Key.Key_Delete)

    assert not drag(qtbot, tab, mime, "['list'][0]")

    assert field(tab, "list") == ["b", "c"]
