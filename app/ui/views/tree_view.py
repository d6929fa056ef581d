"""The tree of one value."""

from collections.abc import Iterator

from PySide6.QtCore import QModelIndex, Qt, QTimer, Signal, Slot
from PySide6.QtGui import QKeyEvent, QMouseEvent, QResizeEvent
from PySide6.QtWidgets import QAbstractItemView, QFrame, QHeaderView, QTreeView, QWidget

from app.ui.editors.scalar_editor import ScalarDelegate, ScalarEditor
from app.ui.models.value_tree import Column, ValueTreeModel
from app.ui.views.header import Header

_LOOK_DELAY = 25
_ENTER_KEYS = (Qt.Key.Key_Return, Qt.Key.Key_Enter)
_WIDTHS: dict[int, int] = {Column.NAME: 200, Column.TYPE: 136}
_NAME_ROOM = 60
"""Pixels of a name that should be seen however far it is indented."""
_PATHS_KEPT = 2_000
"""Open rows that are opened again when the same value comes back."""


class TreeView(QTreeView):
    """Reads on when the end of what is there comes into sight; edits in place when asked to, never by itself."""

    edit_wanted = Signal(int)
    """The slot of a row that can be edited: by F2, Enter or a double click."""
    edit_impossible = Signal(int)
    """The slot of a row that cannot."""
    editor_changed = Signal()
    """An editor was opened or closed."""

    def __init__(self, model: ValueTreeModel, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("value-tree")
        self.setAccessibleName("Value")
        self.setAccessibleDescription("The selected entry's value as a tree; F2 edits a number or text")
        self._tree = model
        self._reopen: set[str] = set()
        self._current_path = ""
        self.editor: ScalarEditor | None = None
        self._edited = 0
        self._header = Header(self)
        self._look = QTimer(self, singleShot=True, interval=_LOOK_DELAY)
        self._look.timeout.connect(self._on_look)
        self._delegate = ScalarDelegate(type_column=Column.TYPE, value_column=Column.VALUE, parent=self)
        self._delegate.opened.connect(self._on_editor_opened)
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
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setAlternatingRowColors(True)
        self.setUniformRowHeights(True)
        self.setExpandsOnDoubleClick(True)
        self.setAllColumnsShowFocus(True)
        self.setIndentation(18)

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
        self.expand(root)
        self._current_path = self._current_path or ""
        self.setCurrentIndex(root)

    def remember_open_rows(self) -> None:
        """Note what is open and current, to be opened again when the same value is shown anew."""
        self._reopen = {self._tree.path(index) for index in self._open_rows()}
        self._current_path = self._tree.path(self.currentIndex())

    def forget_open_rows(self) -> None:
        self._reopen.clear()
        self._current_path = ""

    def _open_rows(self) -> Iterator[QModelIndex]:
        waiting = [QModelIndex()]
        found = 0
        while waiting and found < _PATHS_KEPT:
            parent = waiting.pop()
            for row in range(min(self._tree.rowCount(parent), _PATHS_KEPT)):
                index = self._tree.index(row, 0, parent)
                if self.isExpanded(index):
                    found += 1
                    waiting.append(index)
                    yield index

    @Slot(QModelIndex, int, int)
    def _on_rows_inserted(self, parent: QModelIndex, first: int, last: int) -> None:
        self._on_seen()
        if not self._reopen and not self._current_path:
            return
        for row in range(first, last + 1):
            index = self._tree.index(row, 0, parent)
            path = self._tree.path(index)
            if path in self._reopen:
                self._reopen.discard(path)
                self.expand(index)
            if path == self._current_path:
                self._current_path = ""
                self.setCurrentIndex(index)

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

    def open_editor(self, slot_number: int, text: str) -> None:
        """Open the editor of a row with a text to start from."""
        self.close_editor()
        self._edited = slot_number
        self._delegate.text = text
        cell = self._tree.cell(slot_number, Column.VALUE)
        self.scrollTo(cell)
        # A persistent one: Qt closes any other when the current row changes, and what was typed would be lost.
        self.openPersistentEditor(cell)

    @Slot(object)
    def _on_editor_opened(self, editor: ScalarEditor) -> None:
        self.editor = editor
        QTimer.singleShot(0, editor, editor.setFocus)
        self.editor_changed.emit()

    def close_editor(self) -> None:
        """Close the editor, giving up what it holds."""
        editor, self.editor = self.editor, None
        if editor is None:
            return
        editor.blockSignals(True)  # losing the focus must not commit
        had_focus = editor.hasFocus()
        self.closePersistentEditor(self._tree.cell(self._edited, Column.VALUE))
        if had_focus:
            self.setFocus()
        self.editor_changed.emit()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_F2:
            self.edit_current()
        elif event.key() in _ENTER_KEYS:
            self._edit_or_open()
        else:
            super().keyPressEvent(event)

    def _edit_or_open(self) -> None:
        """Do what Enter does: edit a scalar, open or close what has rows of its own."""
        index = self.currentIndex().siblingAtColumn(0)
        if self._tree.hasChildren(index):
            self.setExpanded(index, not self.isExpanded(index))
        else:
            self.edit_current()

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:  # noqa: N802 - Qt's name
        super().mouseDoubleClickEvent(event)
        index = self.indexAt(event.position().toPoint())
        is_leaf = index.isValid() and not self._tree.hasChildren(index.siblingAtColumn(0))
        if event.button() == Qt.MouseButton.LeftButton and is_leaf:
            self.edit_current()
