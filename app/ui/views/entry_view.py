"""The table of entries."""

from PySide6.QtCore import QItemSelectionModel, QModelIndex, Qt, QTimer, Signal, Slot
from PySide6.QtGui import (
    QDragEnterEvent,
    QDragLeaveEvent,
    QDragMoveEvent,
    QDropEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPalette,
    QPen,
    QResizeEvent,
)
from PySide6.QtWidgets import QAbstractItemView, QFrame, QHeaderView, QTableView, QWidget

from app.ui.dropped_files import local_files
from app.ui.editors.scalar_editor import MakeEditor, ScalarDelegate
from app.ui.models.entry_table import Column, EntryTableModel
from app.ui.theme import GAP, row_height
from app.ui.views.cell_editing import CellEditing
from app.ui.views.header import Header

_Cursor = QAbstractItemView.CursorAction
_LOOK_DELAY = 25
"""Milliseconds after which the rows that are then visible are asked for."""
_AHEAD = 20
"""Rows above and below the visible ones whose summaries are read too."""
_SELECT_ROW = QItemSelectionModel.SelectionFlag.ClearAndSelect | QItemSelectionModel.SelectionFlag.Rows
_WRAPPED = int(Qt.AlignmentFlag.AlignHCenter | Qt.AlignmentFlag.AlignTop | Qt.TextFlag.TextWrapAnywhere)
_FRAME = 2
"""Pixels of the frame around the table while files are dragged over it."""
_WIDTHS: dict[int, int] = {Column.KEY: 190, Column.TYPE: 104, Column.SIZE: 88}


class EntryView(QTableView):
    """Asks its model for the summaries of the rows that are seen, and says which entry is current."""

    entry_selected = Signal(int)
    rename_wanted = Signal()
    """A key was double-clicked; its entry is current."""
    files_dropped = Signal(list)
    """Paths of files that were dragged here from another program."""

    def __init__(self, model: EntryTableModel, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("entries")
        self.setAccessibleName("Entries")
        self.setAccessibleDescription("Keys of the database with the type, a summary and the size of each value")
        self._entries = model
        self._empty_text = ""
        self._is_under_files = False
        self._header = Header(self)
        delegate = ScalarDelegate(type_column=Column.TYPE, value_column=Column.VALUE, parent=self)
        self.setItemDelegate(delegate)
        self.editing = CellEditing(self, delegate, model)
        self._look = QTimer(self, singleShot=True, interval=_LOOK_DELAY)
        self._look.timeout.connect(self.ask)
        self._set_up()
        self.setModel(model)
        self.selectionModel().currentRowChanged.connect(self._on_current_row)
        for changed in (model.rowsInserted, model.modelReset, model.dataChanged):
            changed.connect(self._on_rows_seen)
        model.rowsRemoved.connect(self._on_rows_removed)
        self.verticalScrollBar().valueChanged.connect(self._on_rows_seen)
        self._set_widths()

    def _set_up(self) -> None:
        self.setHorizontalHeader(self._header)
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerItem)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setAlternatingRowColors(True)
        self.setShowGrid(False)
        self.setWordWrap(False)
        self.setTabKeyNavigation(False)
        self.setCornerButtonEnabled(False)
        self.setAcceptDrops(True)
        self.setContextMenuPolicy(Qt.ContextMenuPolicy.ActionsContextMenu)
        self.verticalHeader().hide()  # a visible one freezes for seconds when a million rows become few
        self.verticalHeader().setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
        self.verticalHeader().setDefaultSectionSize(row_height())

    def _set_widths(self) -> None:
        self._header.give_widths(_WIDTHS, self.width())
        self._header.setSectionResizeMode(Column.VALUE, QHeaderView.ResizeMode.Stretch)

    # ---- what is seen

    @Slot()
    def _on_rows_seen(self, *_: object) -> None:
        if not self._look.isActive():
            self._look.start()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._header.give_widths(_WIDTHS, event.size().width())
        self._on_rows_seen()

    def show_when_empty(self, sentence: str) -> None:
        """Say this where the rows would be while there are none."""
        self._empty_text = sentence
        self.viewport().update()

    def paintEvent(self, event: QPaintEvent) -> None:
        super().paintEvent(event)
        if self._empty_text and not self._entries.rowCount():
            painter = QPainter(self.viewport())
            painter.setPen(self.palette().color(QPalette.ColorRole.PlaceholderText))
            room = self.viewport().rect().adjusted(2 * GAP, 4 * GAP, -2 * GAP, 0)
            painter.drawText(room, _WRAPPED, self._empty_text)
            painter.end()
        if self._is_under_files:
            self._paint_frame()

    def _paint_frame(self) -> None:
        """Show that what is dragged can be dropped here."""
        painter = QPainter(self.viewport())
        painter.setPen(QPen(self.palette().color(QPalette.ColorRole.Accent), _FRAME))
        painter.drawRect(self.viewport().rect().adjusted(1, 1, -_FRAME + 1, -_FRAME + 1))
        painter.end()

    @Slot()
    def ask(self) -> None:
        """Ask for the summaries of the rows in sight that are not known."""
        first = self.rowAt(0)
        if first >= 0:
            self._entries.want(first - _AHEAD, first + self.rows_in_sight + 1 + _AHEAD)

    # ---- editing a key

    def open_editor(self, entry_id: int, make: MakeEditor) -> None:
        """Open an editor on the key of an entry that is shown."""
        row = self._entries.row_of(entry_id)
        if row is not None:
            self.editing.open(self._entries.index(row, Column.KEY), make)

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:  # noqa: N802 - Qt's name
        super().mouseDoubleClickEvent(event)
        index = self.indexAt(event.position().toPoint())
        if event.button() == Qt.MouseButton.LeftButton and index.isValid() and index.column() == Column.KEY:
            self.rename_wanted.emit()

    # ---- files from another program

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        self._take_drag(event)

    def dragMoveEvent(self, event: QDragMoveEvent) -> None:  # noqa: N802 - Qt's name
        self._take_drag(event)

    def _take_drag(self, event: QDragMoveEvent) -> None:
        self._is_under_files = bool(local_files(event.mimeData()))
        self.viewport().update()
        if self._is_under_files:
            event.setDropAction(Qt.DropAction.CopyAction)  # whatever the other program would rather have
            event.accept()
        else:
            event.ignore()

    def dragLeaveEvent(self, event: QDragLeaveEvent) -> None:  # noqa: N802 - Qt's name
        self._is_under_files = False
        self.viewport().update()
        event.accept()

    def dropEvent(self, event: QDropEvent) -> None:
        self._is_under_files = False
        self.viewport().update()
        files = local_files(event.mimeData())
        if files:
            event.setDropAction(Qt.DropAction.CopyAction)
            event.accept()
            self.files_dropped.emit(files)

    # ---- the selection

    def moveCursor(self, action: QAbstractItemView.CursorAction, modifiers: Qt.KeyboardModifier) -> QModelIndex:
        """Let Home and End go to the first and the last entry: a row is one thing here, not cells side by side."""
        ends = {_Cursor.MoveHome: 0, _Cursor.MoveEnd: self._entries.rowCount() - 1}
        if action in ends:
            return self._entries.index(ends[action], max(self.currentIndex().column(), 0))
        return super().moveCursor(action, modifiers)

    @property
    def current_entry(self) -> int | None:
        index = self.currentIndex()
        return self._entries.entry_id(index.row()) if index.isValid() else None

    @property
    def rows_in_sight(self) -> int:
        """How many rows the view has room for."""
        return self.viewport().height() // self.verticalHeader().defaultSectionSize()

    @property
    def is_one_selected(self) -> bool:
        """Whether a single entry is selected."""
        selection = self.selectionModel().selection()
        return selection.count() == 1 and selection.at(0).height() == 1

    def selected_entries(self) -> list[int]:
        """Return the ids of the selected entries, in table order."""
        selection = self.selectionModel().selection()
        parts = (selection.at(place) for place in range(selection.count()))  # a million rows are one or a few parts
        found: list[int] = []
        row = 0
        for first, last in sorted((part.top(), part.bottom()) for part in parts):
            found += self._entries.entry_ids(max(first, row), last)
            row = max(row, last + 1)
        return found

    def select_entry(self, entry_id: int) -> bool:
        """Make an entry current and bring it into sight; tell whether it is shown at all."""
        row = self._entries.row_of(entry_id)
        if row is None:
            return False
        index = self._entries.index(row, 0)
        self.selectionModel().setCurrentIndex(index, _SELECT_ROW)  # selectRow() would toggle it while Ctrl is held
        self.scrollTo(index)
        return True

    @Slot()
    def _on_rows_removed(self, *_: object) -> None:
        """Select the row that became current in place of a removed one, which was still selected then."""
        current = self.currentIndex()
        if current.isValid() and not self.selectionModel().hasSelection():
            self.selectionModel().select(current, _SELECT_ROW)

    @Slot(QModelIndex, QModelIndex)
    def _on_current_row(self, current: QModelIndex, _previous: QModelIndex) -> None:
        if current.isValid():
            if not self.selectionModel().hasSelection():  # a view that gets the focus makes a row current, no more
                self.selectionModel().select(current, _SELECT_ROW)
            self.entry_selected.emit(self._entries.entry_id(current.row()))
