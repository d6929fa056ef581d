"""The docks: changes that are not saved, and problems of the container, of the tab in front."""

from collections.abc import Sequence

from PySide6.QtCore import QModelIndex, Qt, Signal, Slot
from PySide6.QtGui import QKeySequence, QShortcut
from PySide6.QtWidgets import QDockWidget, QFrame, QHBoxLayout, QHeaderView, QPushButton, QVBoxLayout, QWidget

from app.document.document import Document
from app.document.history import EntryRef
from app.engine.base import ProblemNote
from app.ui.comparing import Comparing
from app.ui.models.lists import change_rows, problem_row
from app.ui.theme import GAP
from app.ui.views.text_table import TextTable

_CHANGE_WIDTHS = (200, 130, 200, 0, 0)
_CHANGES = 1_000
"""Changes that are listed."""
_REVERTS = ("changes-revert", "changes-revert-all")
_NO_CHANGES = ("No unsaved changes.", "", "", "", "")
_NO_PROBLEMS = ("No problems found.", "")


class _ListDock(QDockWidget):
    """A dock with one short table."""

    def __init__(self, name: str, title: str, columns: Sequence[str], parent: QWidget, type_column: int = -1) -> None:
        super().__init__(title, parent)
        self.setObjectName(f"{name}-dock")
        self.view = TextTable(name, title, columns, type_column=type_column)
        self.list = self.view.rows
        self.view.setFrameShape(QFrame.Shape.NoFrame)
        header = self.view.horizontalHeader()
        header.setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
        for column in range(1, len(columns)):
            header.setSectionResizeMode(column, QHeaderView.ResizeMode.ResizeToContents)
        self.setWidget(self.view)
        self.hide()


class ChangesDock(_ListDock):
    """Lists pending changes; a double click or Enter goes to the entry."""

    chosen = Signal(object)
    """The `EntryRef` of the change to go to."""
    revert_wanted = Signal(object)
    """The `EntryRef` of the change to take back."""
    revert_all_wanted = Signal()

    def __init__(self, parent: QWidget) -> None:
        super().__init__("changes", "Unsaved changes", ("Key", "Change", "Place", "Before", "After"), parent)
        self.view.setAccessibleDescription(
            "Entries whose change is not saved yet; Enter goes to one, Delete reverts it"
        )
        self._refs: list[EntryRef] = []
        self.view.activated.connect(self._on_activated)
        self._lay_out()
        revert = QShortcut(QKeySequence(QKeySequence.StandardKey.Delete), self.view)
        revert.setContext(Qt.ShortcutContext.WidgetShortcut)
        revert.activated.connect(self._on_revert)

    def _lay_out(self) -> None:
        header = self.view.horizontalHeader()
        for column, width in enumerate(_CHANGE_WIDTHS):
            is_wide = column >= len(_CHANGE_WIDTHS) - 2
            mode = QHeaderView.ResizeMode.Stretch if is_wide else QHeaderView.ResizeMode.Interactive
            header.setSectionResizeMode(column, mode)
            header.resizeSection(column, width)
        buttons = QHBoxLayout()
        buttons.setContentsMargins(GAP, GAP // 2, GAP, GAP // 2)
        buttons.addStretch(1)
        self._buttons = [QPushButton("Revert"), QPushButton("Revert all")]
        for button, name, act in zip(self._buttons, _REVERTS, (self._on_revert, self.revert_all_wanted), strict=True):
            button.setObjectName(name)
            button.clicked.connect(act)
            buttons.addWidget(button)
        content = QWidget()
        column_of_both = QVBoxLayout(content)
        column_of_both.setContentsMargins(0, 0, 0, 0)
        column_of_both.setSpacing(0)
        column_of_both.addWidget(self.view, 1)
        column_of_both.addLayout(buttons)
        self.setWidget(content)

    def show_changes(self, document: Document | None, comparing: Comparing | None) -> None:
        """List the changes of a document, with their values compared, while the dock is in sight."""
        self._refs = []
        rows: list[tuple[str, ...]] = []
        if document is not None and comparing is not None and self.isVisible():
            comparing.look()
            for change in document.first_changes(_CHANGES):
                found = change_rows(document, change, comparing.of(change))
                rows += found
                self._refs += [change.ref] * len(found)
        self.list.show_rows(rows or ([_NO_CHANGES] if document is not None and self.isVisible() else []))
        for button in self._buttons:
            button.setEnabled(bool(rows))

    @Slot()
    def _on_revert(self) -> None:
        row = self.view.currentIndex().row()
        if 0 <= row < len(self._refs):
            self.revert_wanted.emit(self._refs[row])

    @Slot(QModelIndex)
    def _on_activated(self, index: QModelIndex) -> None:
        if 0 <= index.row() < len(self._refs):
            self.chosen.emit(self._refs[index.row()])


class ProblemsDock(_ListDock):
    """Lists what contradicts the container's format."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__("problems", "Problems", ("Problem", "At byte"), parent)
        self.view.setAccessibleDescription("What is damaged in the database, and where")

    def show_problems(self, problems: Sequence[ProblemNote], *, is_read: bool) -> None:
        """``is_read``: whether a database was read, so that none of them says something."""
        rows = [problem_row(problem) for problem in problems]
        self.list.show_rows(rows or ([_NO_PROBLEMS] if is_read else []))
