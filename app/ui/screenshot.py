"""A picture of the window with a database in it, made without a display."""

from pathlib import Path

from PySide6.QtCore import QObject, QPoint, QSize, QTimer, Signal, Slot
from PySide6.QtGui import QImage, QPainter

from app.codecs.base import NodeRow
from app.errors import AppError
from app.ui.database_tab import DatabaseTab
from app.ui.main_window import MainWindow
from app.ui.models.value_tree import PLAIN_CONTAINERS

SIZE = QSize(1180, 740)
"""Pixels of the window; the picture has twice as many each way."""
_SCALE = 2
_LOOKED_AT = 12
"""Children of the root that are looked at, and children that one of them may have, for it to be opened."""
_OPENED = 2
_QUIET = 150
"""Milliseconds without anything to do, after which everything is on the screen."""


class Screenshot(QObject):
    """Waits until all is read, opens a few rows, and saves the picture."""

    finished = Signal()
    failed = Signal(object)
    """Why there is no picture, as an `AppError`; `finished` follows."""

    def __init__(self, window: MainWindow, target: Path) -> None:
        super().__init__(window)
        self._window = window
        self._target = target
        self._is_opened = False
        self._timer = QTimer(self, interval=_QUIET)
        self._timer.timeout.connect(self._on_quiet)
        self._timer.start()

    @Slot()
    def _on_quiet(self) -> None:
        tab = self._window.area.current
        try:
            if tab is None or self._is_ready(tab):
                _save(self._window, self._target)
                self._end()
        except AppError as error:
            self.failed.emit(error)
            self._end()

    def _is_ready(self, tab: DatabaseTab) -> bool:
        """Do the next thing that is still to be done; tell whether there was none."""
        if not (tab.runner.is_idle and tab.filter_runner.is_idle):
            return False
        if tab.reading.open_error is not None:
            raise tab.reading.open_error
        is_opened, self._is_opened = self._is_opened, True
        if not is_opened:
            _open_rows(tab)
        return is_opened

    def _end(self) -> None:
        self._timer.stop()
        self.finished.emit()


def _open_rows(tab: DatabaseTab) -> None:
    """Open the rows under the root that have most to show, so that the picture has some depth."""
    tree, model = tab.value.tree, tab.value.model
    root = model.index(0, 0)
    rows = [model.index(row, 0, root) for row in range(min(model.rowCount(root), _LOOKED_AT))]
    rows = [index for index in rows if _is_worth_opening(model.node_row(index))]
    for index in sorted(rows, key=lambda index: -model.node_row(index).count)[:_OPENED]:
        tree.expand(index)


def _is_worth_opening(row: NodeRow) -> bool:
    """Tell whether a row has a few rows of its own that say more than its text; a date's arguments do not."""
    return 0 < row.count <= _LOOKED_AT and (row.type in PLAIN_CONTAINERS or "unknown-class" in row.flags)


def _save(window: MainWindow, target: Path) -> None:
    image = QImage(SIZE * _SCALE, QImage.Format.Format_RGB32)
    image.setDevicePixelRatio(_SCALE)
    painter = QPainter(image)
    window.render(painter, QPoint(0, 0))
    painter.end()
    if not image.save(str(target)):
        raise AppError(f"{target} could not be written; choose another place, and a name that ends in .png.")
