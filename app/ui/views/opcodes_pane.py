"""The opcodes of a value beside its tree."""

from PySide6.QtCore import QModelIndex, Qt, QTimer, Signal, Slot
from PySide6.QtGui import QPainter, QPaintEvent, QResizeEvent
from PySide6.QtWidgets import QAbstractItemView, QFrame, QHeaderView, QTableView, QWidget

from app.ui.delegates import CellDelegate
from app.ui.models.opcode_table import OpcodeTableModel
from app.ui.theme import fixed_font, row_height
from app.ui.views.header import Header

_LOOK_DELAY = 25
_AHEAD = 40
_WIDTHS = {0: 100, 1: 140, 2: 150}
_NONE = "This value has no opcodes."


class OpcodesPane(QTableView):
    """Shows opcodes; choosing one chooses the node that it makes."""

    chosen = Signal(str)
    """The path of what the opcode makes or changes."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("opcodes-pane")
        self.setAccessibleName("Opcodes of the value")
        self.rows = OpcodeTableModel(self)
        self._wanted_row = -1
        self._is_told = False
        self._is_known = False
        self._look = QTimer(self, singleShot=True, interval=_LOOK_DELAY)
        self._look.timeout.connect(self.ask)
        self._set_up()
        self.setModel(self.rows)
        self.selectionModel().currentRowChanged.connect(self._on_current_row)
        self.verticalScrollBar().valueChanged.connect(self._on_seen)
        self.rows.dataChanged.connect(self._on_rows)
        for column, width in _WIDTHS.items():
            self.setColumnWidth(column, width)

    def _set_up(self) -> None:
        header = Header(self)
        header.setStretchLastSection(True)
        header.setSectionResizeMode(QHeaderView.ResizeMode.Interactive)
        self.setHorizontalHeader(header)
        self.setItemDelegate(CellDelegate(type_column=-1, value_column=2, parent=self))
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setAlternatingRowColors(True)
        self.setShowGrid(False)
        self.setWordWrap(False)
        self.setTabKeyNavigation(False)
        self.setFont(fixed_font())
        self.verticalHeader().hide()
        self.verticalHeader().setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
        self.verticalHeader().setDefaultSectionSize(row_height())

    def show_count(self, count: int, *, is_known: bool = True) -> None:
        """Show the opcodes of another value; ``is_known`` when it has no more than ``count``."""
        self._wanted_row = -1
        self._is_known = is_known
        self.rows.show_count(count)
        self._look.start()

    def show_more(self, count: int) -> None:
        """Show that there are as many opcodes, those included that are shown already."""
        self._is_known = True
        self.rows.show_more(count)
        self.viewport().update()
        self._look.start()

    def show_row(self, row: int) -> None:
        """Make an opcode current without telling of it."""
        self._is_told = True
        self.selectRow(row)
        self.scrollTo(self.rows.index(row, 0), QAbstractItemView.ScrollHint.PositionAtCenter)
        self._is_told = False
        self._look.start()

    @Slot()
    def _on_seen(self, *_: object) -> None:
        if not self._look.isActive():
            self._look.start()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._on_seen()

    @Slot()
    def ask(self) -> None:
        """Ask for the rows in sight."""
        first = self.rowAt(0)
        if first >= 0:
            self.rows.want(first - _AHEAD, first + self.viewport().height() // row_height() + _AHEAD)

    @Slot(QModelIndex, QModelIndex)
    def _on_current_row(self, current: QModelIndex, _previous: QModelIndex) -> None:
        if current.isValid() and not self._is_told:
            self._wanted_row = current.row()
            self._tell()

    @Slot()
    def _on_rows(self, *_: object) -> None:
        self._tell()

    def _tell(self) -> None:
        opcode = self.rows.opcode(self._wanted_row) if self._wanted_row >= 0 else None
        if opcode is not None:
            self._wanted_row = -1
            if opcode.node >= 0:
                self.chosen.emit(opcode.path)

    def paintEvent(self, event: QPaintEvent) -> None:
        super().paintEvent(event)
        if not self.rows.rowCount() and self._is_known:
            painter = QPainter(self.viewport())
            painter.setPen(self.palette().placeholderText().color())
            painter.drawText(self.viewport().rect(), Qt.AlignmentFlag.AlignCenter, _NONE)
            painter.end()
