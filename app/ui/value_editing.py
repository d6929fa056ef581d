"""Editing a scalar in the tree: fetch its literal, open the line, hand over what was typed, show what is wrong."""

from collections.abc import Callable
from functools import partial
from typing import TypeAlias

from PySide6.QtCore import QObject, Signal, Slot

from app.document.document import Document, PendingChange
from app.document.history import Edit
from app.errors import AppError
from app.ui.editors.scalar_editor import MAX_CHARS
from app.ui.jobs import JobRunner
from app.ui.models.value_tree import Column
from app.ui.value_panel import ShownValue, ValuePanel

_Edited: TypeAlias = tuple[Edit, PendingChange]


class ValueEditing(QObject):
    """Lets no typed text get lost: a refused one stays in its editor, and the entry stays in front."""

    refused = Signal(int)
    """The entry whose editor holds a text that was not taken."""
    failed = Signal(object)
    """Why a value cannot be edited, as an `AppError`."""

    def __init__(self, document: Document, panel: ValuePanel, runner: JobRunner) -> None:
        super().__init__(panel)
        self._document = document
        self._panel = panel
        self._runner = runner
        panel.tree.edit_wanted.connect(self._on_edit_wanted)

    @property
    def is_open(self) -> bool:
        """Whether an editor holds a text that differs from the value."""
        editor = self._panel.tree.editor
        return editor is not None and editor.is_changed

    @property
    def held_entry(self) -> int | None:
        """The entry whose editor holds a text that was refused; it has to stay in front."""
        editor, shown = self._panel.tree.editor, self._panel.shown
        return shown.entry_id if editor is not None and editor.is_refused and shown is not None else None

    def commit(self) -> None:
        """Hand over what is typed, as leaving the editor does."""
        if self._panel.tree.editor is not None:
            self._panel.tree.editor.commit()

    @Slot(int)
    def _on_edit_wanted(self, slot_number: int) -> None:
        value = self._panel.shown
        if value is None:
            return
        path = self._panel.model.path(self._panel.model.cell(slot_number, Column.VALUE))
        job = self._document.edit_text_job(value.source, path)
        job.done = partial(self._on_text, value, slot_number, path)
        job.failed = self.failed.emit
        self._runner.start(job, key="edit-text")

    def _on_text(self, value: ShownValue, slot_number: int, path: str, text: str) -> None:
        if value is not self._panel.shown:
            return
        if len(text) > MAX_CHARS:
            self.failed.emit(AppError(f"A literal of {len(text):,} characters is too long to be edited in a line."))
            return
        tree = self._panel.tree
        tree.open_editor(slot_number, text)
        if tree.editor is not None:
            tree.editor.abandoned.connect(self._on_abandoned)
            tree.editor.committed.connect(partial(self._on_committed, value, path))

    @Slot()
    def _on_abandoned(self) -> None:
        self._panel.tree.close_editor()
        self._panel.note.show_text("")

    def _on_committed(self, value: ShownValue, path: str, literal: str) -> None:
        if value is not self._panel.shown:
            return
        job = self._document.edit_job(value.entry_id, path, literal)
        job.done = partial(self._on_edited, value, job.done)
        job.failed = partial(self._on_refused, value)
        self._runner.start(job, key="edit")

    def _on_edited(self, value: ShownValue, take: Callable[[_Edited], None], outcome: _Edited) -> None:
        if value is self._panel.shown:
            self._panel.tree.close_editor()
        take(outcome)

    def _on_refused(self, value: ShownValue, error: AppError) -> None:
        editor = self._panel.tree.editor
        if value is not self._panel.shown or editor is None:
            self.failed.emit(error)
            return
        self._panel.hold()
        self._panel.note.show_text(error.message, is_error=True)
        self.refused.emit(value.entry_id)
        editor.refuse(error.message)
