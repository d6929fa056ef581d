"""Column titles: in line with the cells, and never wider than the view has room for."""

import pickle
from collections.abc import Callable
from pathlib import Path

import pytest
from PySide6.QtCore import QPoint, QRect, Qt
from PySide6.QtGui import QImage, QPainter
from PySide6.QtWidgets import QTableView, QWidget
from pytestqt.qtbot import QtBot

from app.ui.main_window import MainWindow
from app.ui.models.entry_table import Column
from app.ui.theme import PADDING
from tests.engine.shelves import make_sqlite
from tests.ui.fixtures import opened, settle


def ink(widget: QWidget, area: QRect) -> tuple[int, int]:
    """Return the first and the last column of an area, in its pixels, that are not of the colour of its corner."""
    image = QImage(area.size(), QImage.Format.Format_RGB32)
    image.fill(0)
    painter = QPainter(image)
    widget.render(painter, QPoint(), area, QWidget.RenderFlag.DrawWindowBackground)
    painter.end()
    ground = image.pixel(0, area.height() // 2)
    middle = range(area.height() // 3, 2 * area.height() // 3)
    inked = [x for x in range(area.width()) if any(image.pixel(x, y) != ground for y in middle)]
    return inked[0], inked[-1]


def title_area(table: QTableView, column: int) -> QRect:
    header = table.horizontalHeader()
    return QRect(header.sectionViewportPosition(column), 0, header.sectionSize(column) - 1, header.height() - 1)


@pytest.mark.parametrize(("column", "side"), [(Column.KEY, 0), (Column.SIZE, 1)])
def test_a_title_is_in_line_with_its_cells(
    qtbot: QtBot, local_window: MainWindow, shelf: Path, column: Column, side: int
) -> None:
    tab = opened(qtbot, local_window, shelf)
    table = tab.entries.view
    row = 2  # neither selected nor of the alternate colour
    cell = table.visualRect(table.model().index(row, column))

    title = ink(table.horizontalHeader().viewport(), title_area(table, column))[side]
    text = ink(table.viewport(), cell.adjusted(0, 0, -1, 0))[side]

    assert abs(title - text) <= 2


def test_deep_rows_keep_their_names_in_sight(qtbot: QtBot, local_window: MainWindow, tmp_path: Path) -> None:
    value: list[object] = []
    for _ in range(12):
        value = [value]
    tab = opened(qtbot, local_window, make_sqlite(tmp_path / "deep.db", {b"deep": pickle.dumps(value)}))
    tree = tab.value.tree
    before = tree.columnWidth(0)

    for _ in range(10):
        qtbot.keyClick(tree, Qt.Key.Key_Down)
        qtbot.keyClick(tree, Qt.Key.Key_Return)
        settle(qtbot, tab)

    assert before < tree.columnWidth(0) <= tree.viewport().width() // 2


def widths(table: QTableView) -> dict[Column, int]:
    return {column: table.columnWidth(column) for column in Column}


@pytest.mark.parametrize("view_of", [lambda tab: tab.entries.view, lambda tab: tab.value.tree])
def test_a_narrow_window_shows_all_columns(
    qtbot: QtBot, local_window: MainWindow, shelf: Path, view_of: Callable[..., QTableView]
) -> None:
    tab = opened(qtbot, local_window, shelf)
    view = view_of(tab)
    wide = view.columnWidth(0)

    local_window.resize(700, 450)
    qtbot.waitUntil(lambda: view.columnWidth(0) < wide)

    qtbot.waitUntil(lambda: view.horizontalScrollBar().maximum() == 0)
    local_window.resize(1180, 740)
    qtbot.waitUntil(lambda: view.columnWidth(0) == wide)


def test_a_column_that_was_dragged_keeps_its_width(qtbot: QtBot, local_window: MainWindow, shelf: Path) -> None:
    tab = opened(qtbot, local_window, shelf)
    tab.entries.view.horizontalHeader().resizeSection(Column.KEY, 240)

    local_window.resize(700, 450)
    qtbot.waitUntil(lambda: tab.entries.view.width() < 400)

    assert widths(tab.entries.view)[Column.KEY] == 240


def test_every_title_of_a_dock_is_shown_whole(qtbot: QtBot, local_window: MainWindow) -> None:
    local_window.problems.show()
    view = local_window.problems.view

    title = view.model().headerData(1, Qt.Orientation.Horizontal)

    assert view.columnWidth(1) >= view.horizontalHeader().fontMetrics().horizontalAdvance(title) + 2 * PADDING
