"""What commands on entries share: how a job ends that a dialog may have asked for."""

from typing import Protocol

from PySide6.QtCore import QObject
from shiboken6 import isValid

from app.backends.key_index import KeyIndex
from app.document.document import Document
from app.document.draft import Edited
from app.errors import AppError
from app.ui.entry_panel import EntryPanel
from app.ui.jobs import JobRunner
from app.ui.notices import NoticeBar
from app.ui.saving import Saving

CANCELLED = AppError("This was cancelled, and nothing was changed.")


class Asking(Protocol):
    """A dialog that stays open while what was typed is refused."""

    def refuse(self, error: AppError) -> None: ...

    def accept(self) -> None: ...

    def reject(self) -> None: ...


class EntryWork(QObject):
    """Works on the entries of one tab."""

    def __init__(
        self, document: Document, entries: EntryPanel, saving: Saving, runner: JobRunner, notices: NoticeBar
    ) -> None:
        super().__init__(entries)
        self._document = document
        self._entries = entries
        self._saving = saving
        self._runner = runner
        self._notices = notices

    def _why_stale(self, index: KeyIndex) -> AppError | None:
        """Return what to say where the keys were read again since ``index``: ids of then mean other entries now."""
        if self._document.index is index:
            return None
        return AppError(
            f"{self._document.name} was read again meanwhile, so nothing was done; choose the entries again."
        )

    def _on_refused(self, dialog: Asking | None, error: AppError) -> None:
        """Say why nothing was done, in the dialog if it is still open."""
        if dialog is not None and isValid(dialog):
            dialog.refuse(error)
        else:
            self._notices.show_error(error)

    def _on_taken(self, dialog: Asking | None, edited: Edited) -> None:
        """Close the dialog and go to what was edited, unless something is typed elsewhere by now."""
        was_asked = dialog is not None and isValid(dialog)
        if dialog is not None and was_asked:
            dialog.accept()
        if self._saving.is_editing:
            return
        entry_id = self._document.entry_of(edited.edit.ref) if edited.edit.steps else None
        if entry_id is not None:
            self._entries.view.select_entry(entry_id)
        if was_asked or not self._entries.field.hasFocus():
            self._entries.view.setFocus()
