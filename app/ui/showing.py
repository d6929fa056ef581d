"""Showing the value of the entry that is selected, as it is now."""

from functools import partial

from PySide6.QtCore import QObject, QTimer, Signal, Slot

from app.document.document import Document
from app.errors import AppError
from app.ui.entry_panel import EntryPanel
from app.ui.jobs import JobRunner
from app.ui.value_editing import ValueEditing
from app.ui.value_panel import ValuePanel

_SUMMARIES = "summaries"


class Showing(QObject):
    """Stays with the entry whose editor holds a text that was refused."""

    changed = Signal()
    """Another entry is selected, or what is shown of one is another now."""

    def __init__(
        self, document: Document, entries: EntryPanel, value: ValuePanel, editing: ValueEditing, runner: JobRunner
    ) -> None:
        super().__init__(value)
        self._document = document
        self._entries = entries
        self._value = value
        self._editing = editing
        self._runner = runner
        entries.entry_selected.connect(self._on_entry_selected)
        entries.model.wanted.connect(self._on_summaries_wanted)
        editing.refused.connect(self._on_edit_refused)
        document.entries_changed.connect(self._on_entries_changed)
        document.entries_removed.connect(self._on_entries_removed)
        document.indexed.connect(self._on_indexed)

    @Slot(int)
    def _on_entry_selected(self, entry_id: int) -> None:
        if self._value.entry_id == entry_id:
            return
        held = self._editing.held_entry
        if held is not None:  # later: the view that is being clicked selects the clicked row after this
            QTimer.singleShot(0, self, partial(self._lead_back, held))
        else:
            self._editing.commit()  # what led here need not have taken the focus away
            self._value.show_entry(entry_id)
        self.changed.emit()

    def _lead_back(self, entry_id: int) -> None:
        self._on_edit_refused(entry_id)
        self._editing.insist()

    @Slot(int)
    def _on_edit_refused(self, entry_id: int) -> None:
        if not self._entries.view.select_entry(entry_id):
            self._entries.field.clear()  # it hides the entry
            self._entries.view.select_entry(entry_id)
        self._editing.focus()

    @Slot(list)
    def _on_summaries_wanted(self, entry_ids: list[int]) -> None:
        if not self._runner.is_running(_SUMMARIES):
            job = self._document.summaries_job(entry_ids)
            job.failed = _ignore  # the table says so by an ellipsis; what is looked at closer says why
            self._runner.start(job, key=_SUMMARIES)

    def _on_entries_changed(self, entry_ids: list[int]) -> None:
        wanted = self._value.wanted  # another entry than is seen, while that one is being decoded
        is_named = wanted is not None and wanted.entry_id in entry_ids
        if wanted is not None and is_named and wanted.source != self._document.source(wanted.entry_id):
            self._value.show_entry(wanted.entry_id, is_same=self._value.is_in_sight)
        self.changed.emit()

    def _on_entries_removed(self, entry_ids: list[int]) -> None:
        """Show nothing where the entry that was shown is gone, and the table has no other one to go on to."""
        if self._value.entry_id in entry_ids:
            self._value.clear()
        self.changed.emit()

    def _on_indexed(self) -> None:
        if not len(self._document):
            self._value.clear()


def _ignore(_error: AppError) -> None:
    pass
