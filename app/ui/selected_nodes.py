"""The selected rows of the value tree: where they are, what they hold."""

from collections.abc import Callable
from typing import Any

from PySide6.QtCore import QModelIndex, QObject, Signal, Slot

from app.codecs.base import NodeRow
from app.document.document import Document
from app.document.job import Job
from app.errors import AppError
from app.ui.jobs import JobRunner
from app.ui.node_places import Place, Standing, prefix_of
from app.ui.shown_value import ShownValue
from app.ui.value_editing import ValueEditing
from app.ui.value_panel import ValuePanel


class SelectedNodes(QObject):
    """Knows which rows of one tab's value tree are selected, and what they are."""

    changed = Signal()
    """Other rows are selected, or what can be done with them is something else."""
    said = Signal(str)
    """A sentence on what happened."""

    def __init__(self, document: Document, panel: ValuePanel, editing: ValueEditing, runner: JobRunner) -> None:
        super().__init__(panel)
        self._document = document
        self._panel = panel
        self._editing = editing
        self._runner = runner
        panel.tree.selectionModel().selectionChanged.connect(self._on_changed)
        panel.tree.selectionModel().currentChanged.connect(self._on_changed)
        panel.model.rowsInserted.connect(self._on_changed)

    @Slot()
    def _on_changed(self, *_: object) -> None:
        self.changed.emit()

    # ---- what is selected

    @property
    def rows(self) -> list[QModelIndex]:
        """The selected rows from top to bottom, those within other selected ones left out."""
        selected = self._panel.tree.selected_rows()
        found: list[QModelIndex] = []
        for index in selected:
            if not any(_is_below(index, other) for other in found):
                found.append(index)
        return found

    @property
    def current(self) -> QModelIndex:
        return self._panel.tree.currentIndex().siblingAtColumn(0)

    def place(self, index: QModelIndex) -> Place:
        return self._panel.model.place(index)

    @property
    def is_row_of_siblings(self) -> bool:
        """Whether all selected rows are parts of one order."""
        return len({(index.parent(), prefix_of(self.row(index))) for index in self.rows}) <= 1

    @property
    def value(self) -> ShownValue | None:
        """The value that can be edited now."""
        shown = self._panel.shown
        return shown if shown is not None and shown.can_edit else None

    def holds(self, index: QModelIndex) -> Standing | None:
        """Return what a row can be given more of."""
        return self._panel.model.holds(index)

    def row(self, index: QModelIndex) -> NodeRow:
        return self._panel.model.node_row(index)

    def path(self, index: QModelIndex) -> str:
        return self._panel.model.path(index)

    def _ask(self, job: Job[Any], done: Callable[..., None]) -> None:
        """Run a job whose failure is told."""
        job.done = done
        job.failed = self._fail
        self._runner.start(job)

    def _fail(self, error: AppError) -> None:
        self._editing.failed.emit(error)

    def target(self, index: QModelIndex) -> QModelIndex:
        """Return the container that new nodes go into: the row itself, or what is around it."""
        if index.isValid() and self._panel.model.holds(index) is None:
            index = index.parent()
        return index if index.isValid() and self._panel.model.holds(index) is not None else QModelIndex()

    def container(self, index: QModelIndex) -> str:
        """Return the path that edits of a container's order name."""
        path = self.path(index)
        return f"{path}<state>" if self._panel.model.holds(index) is Standing.ATTRIBUTE else path


def _is_below(index: QModelIndex, other: QModelIndex) -> bool:
    while index.isValid():
        index = index.parent()
        if index == other:
            return True
    return False
