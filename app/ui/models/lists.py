"""The short lists of the docks: what is not saved, and what is wrong with the container."""

from collections.abc import Sequence

from PySide6.QtCore import QAbstractTableModel, QObject, Qt

from app.codecs.screen import ELLIPSIS
from app.document.differences import Differences
from app.document.document import Document, PendingChange
from app.engine.base import ProblemNote
from app.ui.models import roles
from app.ui.models.entry_table import short_key_text
from app.ui.models.roles import NO_PARENT, AnyIndex

_HORIZONTAL = Qt.Orientation.Horizontal
_PLACES = 20
"""Places of one value that a list of changes shows."""
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


def change_rows(document: Document, change: PendingChange, found: Differences | None) -> list[tuple[str, ...]]:
    """Return the cells of a pending change, a row for each place that differs: key, kind, place, before, after.

    ``found`` is None while its values were not compared.
    """
    key, old = short_key_text(change.ref.key), document.renamed_from(change)
    kind = change.kind.value if old is None else "renamed"
    rows: list[tuple[str, ...]] = [] if old is None else [(key, kind, "key", short_key_text(old.key), key)]
    if found is None:
        return rows or [(key, kind, "", "", ELLIPSIS)]
    rows += [(key, kind, one.path, one.before, one.after) for one in found.found[:_PLACES]]
    if len(found.found) > _PLACES or not found.is_complete:
        rows.append((key, kind, "and more places", "", ""))
    return rows or [(key, kind, "", "", "")]


def problem_row(problem: ProblemNote) -> tuple[str, ...]:
    """Return the cells of a container problem: sentence and offset."""
    return problem.message, "" if problem.offset is None else f"{problem.offset:,}"
