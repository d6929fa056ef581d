"""The one editor that is open in a cell of a view."""

from PySide6.QtCore import QAbstractItemModel, QModelIndex, QObject, QPersistentModelIndex, Signal, Slot
from PySide6.QtWidgets import QAbstractItemView

from app.ui.editors.refusal import ReasonLabel
from app.ui.editors.scalar_editor import MakeEditor, ScalarDelegate, ScalarEditor
from app.ui.models.roles import AnyIndex


class CellEditing(QObject):
    """Opens and closes it; what it holds is the business of who opened it."""

    changed = Signal()
    """An editor was opened or closed."""

    def __init__(self, view: QAbstractItemView, delegate: ScalarDelegate, model: QAbstractItemModel) -> None:
        """``model`` is not the view's yet: what its rows take with them is closed before the view deletes it."""
        super().__init__(view)
        self.editor: ScalarEditor | None = None
        self.reason = ReasonLabel(view.viewport())
        """Why what the editor holds was not taken."""
        self._view = view
        self._delegate = delegate
        self._cell = QPersistentModelIndex()
        delegate.opened.connect(self._on_opened)
        model.modelAboutToBeReset.connect(self.close)
        model.rowsAboutToBeRemoved.connect(self._on_rows_going)

    def open(self, cell: QModelIndex, make: MakeEditor) -> None:
        """Open an editor in a cell, closing the one that is open."""
        self.close()
        self._delegate.make = make
        self._cell = QPersistentModelIndex(cell)
        self._view.scrollTo(cell)
        # A persistent one: Qt closes any other when the current row changes, and what was typed would be lost.
        self._view.openPersistentEditor(cell)
        if self.editor is not None:
            self.editor.setFocus()  # at once: a key that follows closely belongs to it

    @Slot(object)
    def _on_opened(self, editor: ScalarEditor) -> None:
        self.editor = editor
        editor.reason_changed.connect(self._on_reason)
        self.changed.emit()

    @Slot(str)
    def _on_reason(self, sentence: str) -> None:
        if self.editor is not None and sentence:
            self.reason.show_reason(sentence, self.editor)
        else:
            self.reason.clear()

    @Slot(QModelIndex, int, int)
    def _on_rows_going(self, parent: QModelIndex, first: int, last: int) -> None:
        cell: AnyIndex = self._cell
        while cell.isValid() and cell.parent() != parent:
            cell = cell.parent()
        if cell.isValid() and first <= cell.row() <= last:
            self.close()

    @Slot()
    def close(self) -> None:
        """Close the editor, giving up what it holds."""
        editor, self.editor = self.editor, None
        if editor is None:
            return
        self.reason.clear()
        editor.blockSignals(True)  # losing the focus must not commit
        had_focus = editor.hasFocus()
        self._view.closePersistentEditor(self._cell)
        if had_focus:
            self._view.setFocus()
        self.changed.emit()
