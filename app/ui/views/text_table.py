"""A short table of plain texts, one line a row: the look that docks and dialogs share."""

from collections.abc import Sequence

from PySide6.QtCore import QModelIndex, Qt
from PySide6.QtWidgets import QAbstractItemView, QTableView, QWidget

from app.ui.delegates import CellDelegate
from app.ui.models.lists import TextTableModel
from app.ui.theme import row_height
from app.ui.views.header import Header


class TextTable(QTableView):
    """Rows are selected whole; Home and End go to the first and the last one, Tab leaves it."""

    def __init__(
        self, name: str, title: str, columns: Sequence[str], parent: QWidget | None = None, *, type_column: int = -1
    ) -> None:
        super().__init__(parent)
        self.rows = TextTableModel(columns, self)
        self.setObjectName(name)
        self.setAccessibleName(title)
        self.setHorizontalHeader(Header(self))
        self.setItemDelegate(CellDelegate(type_column=type_column, value_column=-1, parent=self))
        self.setModel(self.rows)
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setShowGrid(False)
        self.setWordWrap(False)
        self.setTabKeyNavigation(False)
        self.verticalHeader().hide()
        self.verticalHeader().setDefaultSectionSize(row_height())

    def moveCursor(self, action: QAbstractItemView.CursorAction, modifiers: Qt.KeyboardModifier) -> QModelIndex:
        match action:
            case QAbstractItemView.CursorAction.MoveHome:
                return self.rows.index(0, 0)
            case QAbstractItemView.CursorAction.MoveEnd:
                return self.rows.index(self.rows.rowCount() - 1, 0)
        return super().moveCursor(action, modifiers)
