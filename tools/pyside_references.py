"""Check that the installed PySide6 keeps the references to None, True and False that it is given.

PySide6 6.12.0 on Python 3.11 drops one on nearly every call: the program dies after some thousand of them with
``none_dealloc``, long after a short test passed. Run by ``dev.py check`` as ``python -m tools.pyside_references``.
"""

import os
import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Never

import PySide6
from PySide6.QtCore import (
    QAbstractTableModel,
    QEvent,
    QModelIndex,
    QObject,
    QPersistentModelIndex,
    QRunnable,
    QSortFilterProxyModel,
    Qt,
    QThreadPool,
    QTimer,
    Signal,
    Slot,
)
from PySide6.QtGui import QKeyEvent, QPainter, QPaintEvent, QResizeEvent
from PySide6.QtWidgets import (
    QApplication,
    QLabel,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QTableView,
    QWidget,
)

CALLS = 2000
"""Calls of each path; a dropping PySide6 loses about as many references."""

TOLERATED = 0.1
"""References lost a call that are no finding: caches of Qt and Python come and go."""

CONSTANTS: tuple[object, ...] = (None, True, False)

_Index = QModelIndex | QPersistentModelIndex
_ROOT = QModelIndex()


@dataclass(frozen=True, slots=True)
class Loss:
    """References to a constant that one path drops for each call."""

    path: str
    constant: object
    per_call: float

    def __str__(self) -> str:
        return f"{self.path} drops {self.per_call:.2f} references to {self.constant} a call"


def losses(
    paths: Iterable[tuple[str, Callable[[], object]]], count: Callable[[object], int] = sys.getrefcount
) -> list[Loss]:
    """Return what the paths drop, after calling each `CALLS` times."""
    return [loss for name, path in paths for loss in _losses_of(name, path, count)]


def _losses_of(name: str, path: Callable[[], object], count: Callable[[object], int]) -> Iterator[Loss]:
    path()  # what is cached at the first call is no loss
    before = [count(constant) for constant in CONSTANTS]
    for _ in range(CALLS):
        path()
    for constant, earlier in zip(CONSTANTS, before, strict=True):
        per_call = (earlier - count(constant)) / CALLS
        if per_call > TOLERATED:
            yield Loss(name, constant, per_call)


class _Painted(QWidget):
    def __init__(self) -> None:
        super().__init__()
        self._wide = False
        self.show()

    def paintEvent(self, event: QPaintEvent) -> None: ...

    def resizeEvent(self, event: QResizeEvent) -> None: ...

    def keyPressEvent(self, event: QKeyEvent) -> None: ...

    def toggle_width(self) -> None:
        self._wide = not self._wide
        self.resize(60 if self._wide else 50, 50)


class _AllEvents(QWidget):
    def event(self, event: QEvent) -> bool:
        return True


class _Filter(QObject):
    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        return False


class _Sender(QObject):
    sent = Signal(int)

    @Slot(int)
    def receive(self, number: int) -> None: ...


class _Table(QAbstractTableModel):
    def rowCount(self, parent: _Index = _ROOT) -> int:
        return 3

    def columnCount(self, parent: _Index = _ROOT) -> int:
        return 3

    def data(self, index: _Index, role: int = 0) -> object:
        return None

    def setData(self, index: _Index, value: object, role: int = 2) -> bool:
        return True

    def reset(self) -> None:
        self.beginResetModel()
        self.endResetModel()


class _Delegate(QStyledItemDelegate):
    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: _Index) -> None: ...

    def initStyleOption(self, option: QStyleOptionViewItem, index: _Index) -> None: ...


class _Task(QRunnable):
    def run(self) -> None: ...


def qt_paths() -> Iterator[tuple[str, Callable[[], object]]]:
    """Yield the calls from Qt into Python and back that dropped references in some release."""
    yield from _widget_paths()
    yield from _signal_paths()
    yield from _model_paths()


def _widget_paths() -> Iterator[tuple[str, Callable[[], object]]]:
    painted = _Painted()
    key = QKeyEvent(QEvent.Type.KeyPress, Qt.Key.Key_A, Qt.KeyboardModifier.NoModifier)
    yield "paintEvent", painted.repaint
    yield "resizeEvent", painted.toggle_width
    yield "keyPressEvent", lambda: QApplication.sendEvent(painted, key)
    watcher = _Filter()
    painted.installEventFilter(watcher)
    yield "eventFilter", painted.repaint
    every = _AllEvents()
    every.show()
    yield "event", every.repaint
    label = QLabel()
    yield "setText", lambda: label.setText("x")


def _signal_paths() -> Iterator[tuple[str, Callable[[], object]]]:
    to_lambda, to_slot = _Sender(), _Sender()
    to_lambda.sent.connect(lambda number: None)
    to_slot.sent.connect(to_slot.receive)
    yield "signal to a lambda", lambda: to_lambda.sent.emit(1)
    yield "signal to a slot", lambda: to_slot.sent.emit(1)
    yield "QTimer", _fire_timer
    yield "QRunnable", _run_task


def _fire_timer() -> None:
    QTimer.singleShot(0, lambda: None)
    QApplication.processEvents()


def _run_task() -> None:
    QThreadPool.globalInstance().start(_Task())
    QThreadPool.globalInstance().waitForDone()


def _model_paths() -> Iterator[tuple[str, Callable[[], object]]]:
    table, proxy, view, delegate = _Table(), QSortFilterProxyModel(), QTableView(), _Delegate()
    first = table.index(0, 0)
    yield "data", lambda: first.data(0)
    yield "model reset", table.reset
    proxy.setSourceModel(table)
    shown = proxy.index(0, 0)
    yield "setData", lambda: proxy.setData(shown, 1)
    view.setModel(table)
    view.show()
    QApplication.processEvents()
    yield "table view", view.viewport().repaint
    view.setItemDelegate(delegate)
    yield "delegate", view.viewport().repaint


def report(found: list[Loss]) -> str:
    """Return what `main` prints."""
    versions = f"PySide6 {PySide6.__version__} on Python {sys.version.partition(' ')[0]}"
    if not found:
        return f"{versions} keeps its references ({CALLS:,} calls of each path)."
    sentence = f"{versions} loses references and will crash the program; pin another release. Found:"
    return "\n".join([sentence, *map(str, found)])


def main() -> Never:
    _application, _reserve = (
        QApplication([]),
        CONSTANTS * (100 * CALLS),
    )  # a dropping release must live until it is measured
    found = losses(qt_paths())
    print(report(found))
    sys.stdout.flush()
    os._exit(1 if found else 0)  # an orderly end gives the reserve back, and would die of it


if __name__ == "__main__":
    main()
