"""The short lists of the docks: what is not saved, and what is wrong with the container."""

from collections.abc import Sequence

from PySide6.QtCore import QAbstractTableModel, QObject, Qt

from app.document.document import Document, PendingChange
from app.engine.base import ProblemNote
from app.ui.models import roles
from app.ui.models.entry_table import short_key_text
from app.ui.models.roles import NO_PARENT, AnyIndex

_HORIZONTAL = Qt.Orientation.Horizontal
_SHOWN = 10_000
"""Rows of a list; a file can be made to have any number of problems."""


class TextTableModel(QAbstractTableModel):
    """A few rows of plain text under fixed titles."""

    def __init__(self, titles: Sequence[str], parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._titles = tuple(titles)
        self._rows: list[tuple[str, ...]] = []

    def show_rows(self, rows: Sequence[tuple[str, ...]]) -> None:
        if list(rows[:_SHOWN]) != self._rows:
            self.beginResetModel()
            self._rows = list(rows[:_SHOWN])
            self.endResetModel()

    def rowCount(self, parent: AnyIndex = NO_PARENT) -> int:
        return 0 if parent.isValid() else len(self._rows)

    def columnCount(self, parent: AnyIndex = NO_PARENT) -> int:
        return 0 if parent.isValid() else len(self._titles)

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = roles.DISPLAY) -> object:
        if orientation != _HORIZONTAL or role != roles.DISPLAY or not 0 <= section < len(self._titles):
            return None
        return self._titles[section]

    def data(self, index: AnyIndex, role: int = roles.DISPLAY) -> object:
        if not index.isValid() or index.row() >= len(self._rows):
            return None
        text = self._rows[index.row()][index.column()]
        if role == roles.DISPLAY:
            return text
        return roles.tool_tip(text) if role == roles.TOOL_TIP else None


def change_rows(document: Document) -> list[tuple[str, ...]]:
    """Return the cells of all pending changes: key, type where it is known, new size in bytes."""
    entry_ids = {change.ref: entry_id for entry_id, change in document.pending_entries.items()}
    return [_change_row(document, change, entry_ids.get(change.ref)) for change in document.pending_changes]


def _change_row(document: Document, change: PendingChange, entry_id: int | None) -> tuple[str, ...]:
    summary = None if entry_id is None else document.summary(entry_id)
    return short_key_text(change.ref.key), summary.type if summary else "", f"{len(change.value):,}"


def problem_row(problem: ProblemNote) -> tuple[str, ...]:
    """Return the cells of a container problem: sentence and offset."""
    return problem.message, "" if problem.offset is None else f"{problem.offset:,}"
