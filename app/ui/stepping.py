"""Going back and forth through the edits of a tab: undo, redo, and reverting one entry."""

from collections.abc import Callable
from functools import partial

from PySide6.QtCore import QObject

from app.document.document import Document
from app.document.draft import Edited
from app.document.history import Edit, EntryRef
from app.document.job import Job
from app.ui.attempt import attempt
from app.ui.entry_panel import EntryPanel
from app.ui.jobs import JobRunner
from app.ui.notices import NoticeBar


class Stepping(QObject):
    """Brings the entry that is stepped on to the front first, so that a person sees what happens."""

    def __init__(self, document: Document, entries: EntryPanel, runner: JobRunner, notices: NoticeBar) -> None:
        super().__init__(entries)
        self._document = document
        self._entries = entries
        self._runner = runner
        self._notices = notices

    def undo(self) -> None:
        self._step(self._document.history.next_undo, self._document.undo_job)

    def redo(self) -> None:
        self._step(self._document.history.next_redo, self._document.redo_job)

    def _step(self, edit: Edit | None, make: Callable[[], Job[Edited] | None]) -> None:
        if edit is None or not self._document.is_indexed:
            return
        self.select(edit.ref)
        attempt(partial(self._followed, make), self._runner, self._notices)

    def _followed(self, make: Callable[[], Job[Edited] | None]) -> Job[Edited] | None:
        """Return the job of a step, with what it brings back selected in the end."""
        job = make()
        if job is not None:
            job.done = partial(self._on_stepped, job.done)
        return job

    def _on_stepped(self, take: Callable[[Edited], None], edited: Edited) -> None:
        take(edited)
        last = edited.changes[-1] if edited.changes else None
        if last is not None and not last.is_deleted:
            self.select(last.ref)

    @property
    def is_current_pending(self) -> bool:
        """Whether the selected entry has a change that is not saved."""
        entry_id = self._entries.current_entry
        return entry_id is not None and self._document.pending(entry_id) is not None

    def revert_current(self) -> None:
        """Take the pending change of the selected entry back."""
        self._revert(self._entries.current_entry)

    def revert(self, ref: EntryRef) -> None:
        """Take a pending change back."""
        self._revert(self._document.entry_of(ref))

    def revert_all(self) -> None:
        """Take all pending changes back, as one edit."""
        self._notices.clear()
        attempt(self._document.revert_all_job, self._runner, self._notices)

    def _revert(self, entry_id: int | None) -> None:
        if entry_id is not None:
            self._notices.clear()
            attempt(lambda: self._document.revert_job(entry_id), self._runner, self._notices)

    def select(self, ref: EntryRef) -> None:
        """Bring an entry to the front."""
        entry_id = self._document.entry_of(ref)
        if entry_id is not None:
            self._entries.view.select_entry(entry_id)
