"""The tree of one value."""

from collections.abc import Iterator

from PySide6.QtCore import QItemSelectionModel, QModelIndex, Qt, QTimer, Signal, Slot
from PySide6.QtGui import QDragEnterEvent, QDragMoveEvent, QDropEvent, QKeyEvent, QMouseEvent, QResizeEvent
from PySide6.QtWidgets import QAbstractItemView, QFrame, QHeaderView, QTreeView, QWidget

from app.ui.dropped_files import local_files
from app.ui.editors.scalar_editor import MakeEditor, ScalarDelegate, ScalarEditor
from app.ui.models.value_tree import Column, ValueTreeModel
from app.ui.path_moves import Moves
from app.ui.views.cell_editing import CellEditing
from app.ui.views.header import Header
from app.ui.views.kept_place import KeptPlace

_LOOK_DELAY = 25
_ENTER_KEYS = (Qt.Key.Key_Return, Qt.Key.Key_Enter)
_WIDTHS: dict[int, int] = {Column.NAME: 200, Column.TYPE: 136}
_NAME_ROOM = 60
"""Pixels of a name that should be seen however far it is indented."""


class TreeView(QTreeView):
    """Reads on when the end of what is there comes into sight; edits in place when asked to, never by itself."""

    edit_wanted = Signal(int)
    """The slot of a row that can be edited: by F2, Enter or a double click."""
    edit_impossible = Signal(int)
    """The slot of a row that cannot."""
    editor_changed = Signal()
    """An editor was opened or closed."""
    files_dropped = Signal(list)
    """The paths of files that were dropped here: they become entries, as on the table beside it."""

    def __init__(self, model: ValueTreeModel, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("value-tree")
        self.setAccessibleName("Value")
        self.setAccessibleDescription("The selected entry's value as a tree; F2 edits a number or text")
        self._tree = model
        self._place = KeptPlace(self, model)
        self._header = Header(self)
        self._look = QTimer(self, singleShot=True, interval=_LOOK_DELAY)
        self._look.timeout.connect(self._on_look)
        self._delegate = ScalarDelegate(type_column=Column.TYPE, value_column=Column.VALUE, parent=self)
        self._editing = CellEditing(self, self._delegate, model)
        self._editing.changed.connect(self.editor_changed)
        self._set_up()
        self.setModel(model)
        model.rowsInserted.connect(self._on_rows_inserted)
        self.expanded.connect(self._on_expanded)
        self.verticalScrollBar().valueChanged.connect(self._on_seen)
        self._set_widths()

    def _set_up(self) -> None:
        self.setHeader(self._header)
        self.setItemDelegate(self._delegate)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        self.setDragDropMode(QAbstractItemView.DragDropMode.DragDrop)  # the model takes rows of its own only
        self.setDefaultDropAction(Qt.DropAction.MoveAction)
        self.setContextMenuPolicy(Qt.ContextMenuPolicy.ActionsContextMenu)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setAlternatingRowColors(True)
        self.setUniformRowHeights(True)
        self.setExpandsOnDoubleClick(False)  # what can be edited is edited
        self.setAllColumnsShowFocus(True)
        self.setIndentation(18)

    # ---- files from another program

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        super().dragEnterEvent(event)
        self._take_files(event)

    def dragMoveEvent(self, event: QDragMoveEvent) -> None:  # noqa: N802 - Qt's name
        super().dragMoveEvent(event)
        self._take_files(event)

    def _take_files(self, event: QDragMoveEvent) -> None:
        if local_files(event.mimeData()):
            event.setDropAction(Qt.DropAction.CopyAction)  # whatever the other program would rather have
            event.accept()

    def dropEvent(self, event: QDropEvent) -> None:
        files = local_files(event.mimeData())
        if files:
            event.setDropAction(Qt.DropAction.CopyAction)
            event.accept()
            self.files_dropped.emit(files)
        else:
            super().dropEvent(event)

    def _set_widths(self) -> None:
        header = self._header
        header.setStretchLastSection(True)
        header.setSectionsMovable(False)
        header.setSectionResizeMode(QHeaderView.ResizeMode.Interactive)
        header.give_widths(_WIDTHS, self.width())

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._header.give_widths(_WIDTHS, event.size().width())

    # ---- opening rows

    @Slot(QModelIndex)
    def _on_expanded(self, index: QModelIndex) -> None:
        """Widen the names' column where the rows that come are indented out of it, up to half of the view."""
        needed = (self._tree.depth(index) + 2) * self.indentation() + _NAME_ROOM
        if needed > self.columnWidth(Column.NAME):
            self._header.resizeSection(Column.NAME, max(min(needed, self.viewport().width() // 2), _NAME_ROOM))

    def open_root(self) -> None:
        """Open the root row, so that a value is seen at once."""
        root = self._tree.index(0, 0)
        self._place.begin(root)
        self.expand(root)

    def remember_open_rows(self, moves: Moves | None = None, current: str | None = None) -> None:
        """Note what is open, current and in sight, to be so again when the same value is shown anew.

        ``moves`` tells where nodes are then, ``current`` which one shall be current if another.
        """
        self._place.keep(moves, current)

    def forget_open_rows(self) -> None:
        self._place.forget()

    @Slot(QModelIndex, int, int)
    def _on_rows_inserted(self, parent: QModelIndex, first: int, last: int) -> None:
        self._on_seen()
        self._place.take_rows(parent, first, last)

    def selected_rows(self) -> list[QModelIndex]:
        """Return the selected rows, from top to bottom; the current one where none is."""
        rows = self.selectionModel().selectedRows(0)
        current = self.currentIndex().siblingAtColumn(0)
        return sorted(rows, key=self._tree.rows_to) or ([current] if current.isValid() else [])

    def select_row(self, index: QModelIndex) -> None:
        """Make a row the only selected one, and bring it into sight."""
        flag = QItemSelectionModel.SelectionFlag
        self.selectionModel().setCurrentIndex(index, flag.ClearAndSelect | flag.Rows)
        self.scrollTo(index)

    def go_to(self, path: str) -> None:
        """Make the row of a path current, opening what is above it."""
        self._place.go_to(path)

    # ---- reading on

    @Slot()
    def _on_seen(self, *_: object) -> None:
        if not self._look.isActive():
            self._look.start()

    @Slot()
    def _on_look(self) -> None:
        for index in self._visible():
            parent = index.parent()
            if index.row() == self._tree.rowCount(parent) - 1:
                self._tree.fetch_page(parent)

    def _visible(self) -> Iterator[QModelIndex]:
        index = self.indexAt(self.viewport().rect().topLeft())
        bottom = self.viewport().height()
        while index.isValid() and self.visualRect(index).top() <= bottom:
            yield index
            index = self.indexBelow(index)

    # ---- editing

    def edit_current(self) -> bool:
        """Ask for an editor on the current row, or have it said why there is none; tell whether there is."""
        cell = self.currentIndex().siblingAtColumn(Column.VALUE)
        can_edit = bool(cell.flags() & Qt.ItemFlag.ItemIsEditable)
        if can_edit:
            self.edit_wanted.emit(self._tree.slot_number(cell))
        elif cell.isValid():
            self.edit_impossible.emit(self._tree.slot_number(cell))
        return can_edit

    @property
    def editor(self) -> ScalarEditor | None:
        """The editor that is open."""
        return self._editing.editor

    def open_editor(self, slot_number: int, make: MakeEditor, column: Column = Column.VALUE) -> None:
        """Open an editor in a cell of a row."""
        self._editing.open(self._tree.cell(slot_number, column), make)

    def close_editor(self) -> None:
        """Close the editor, giving up what it holds."""
        self._editing.close()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_F2:
            self.edit_current()
        elif event.key() in _ENTER_KEYS:
            self._edit_or_open()
        else:
            super().keyPressEvent(event)

    def _edit_or_open(self) -> None:
        """Do what Enter does: edit what has a text, open or close what has rows of its own."""
        index = self.currentIndex().siblingAtColumn(0)
        can_edit = bool(index.siblingAtColumn(Column.VALUE).flags() & Qt.ItemFlag.ItemIsEditable)
        if self._tree.hasChildren(index) and not can_edit:
            self.setExpanded(index, not self.isExpanded(index))
        else:
            self.edit_current()

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:  # noqa: N802 - Qt's name
        super().mouseDoubleClickEvent(event)
        if event.button() == Qt.MouseButton.LeftButton and self.indexAt(event.position().toPoint()).isValid():
            self._edit_or_open()
