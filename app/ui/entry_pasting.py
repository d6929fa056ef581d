"""Entries on their way to the clipboard and back, and files on their way in."""

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from PySide6.QtCore import Signal
from shiboken6 import isValid

from app.backends.key_index import KeyIndex
from app.document.copied_entries import CopiedEntries
from app.document.document import Document
from app.document.draft import Edited
from app.document.file_values import FileForm, FileSize, SortedFiles
from app.document.job import Job
from app.document.transfer import Clash, Incoming
from app.ui.attempt import attempt
from app.ui.clipboard import taken_text
from app.ui.dialogs.file_values import FilesDialog
from app.ui.dialogs.questions import ask_clash
from app.ui.entry_clipboard import put_entries, taken_entries
from app.ui.entry_panel import EntryPanel
from app.ui.entry_work import CANCELLED, EntryWork
from app.ui.jobs import JobRunner
from app.ui.notices import NoticeBar
from app.ui.saving import Saving

_KEY = "transfer"


class EntryPasting(EntryWork):
    """Says what the database cannot hold, and asks what to do with keys that are there, before anything is changed."""

    database_dropped = Signal(object)
    """The path of a database that was dragged here, to be opened."""

    def __init__(
        self, document: Document, entries: EntryPanel, saving: Saving, runner: JobRunner, notices: NoticeBar
    ) -> None:
        super().__init__(document, entries, saving, runner, notices)
        entries.view.files_dropped.connect(self.take_files)

    # ---- out

    def copy(self, *, cuts: bool = False) -> None:
        """Put the selected entries on the clipboard, and delete them if ``cuts``."""
        self._saving.settle(partial(self._copy, cuts=cuts))

    def _copy(self, *, cuts: bool) -> None:
        chosen = self._entries.view.selected_entries()
        job = self._document.copy_entries_job(chosen)
        job.done = partial(self._on_copied, chosen, self._document.index, cuts=cuts)
        self._notices.clear()
        self._runner.start(job, key=_KEY)

    def _on_copied(self, chosen: Sequence[int], index: KeyIndex, copied: CopiedEntries, *, cuts: bool) -> None:
        if not copied.data:
            self._notices.show_info("Nothing was copied: what is selected is deleted.")
            return
        put_entries(copied)
        stale = self._why_stale(index)
        if cuts and stale is not None:
            self._notices.show_error(stale)
        elif cuts:
            left = self._document.without_deleted(chosen)
            attempt(lambda: self._document.delete_job(left), self._runner, self._notices)

    # ---- in

    def paste(self) -> None:
        """Put the entries on the clipboard in, or those that its text stands for."""
        self._notices.clear()
        self._saving.settle(partial(self._take, taken_entries(), taken_text()))

    def _take(self, data: bytes, text: str) -> None:
        if data:
            self._look(self._document.incoming_copy_job(data))
        elif text.strip():
            self._look(self._document.incoming_text_job(text))
        else:
            self._notices.show_info("There are no entries on the clipboard.")

    def _look(self, job: Job[Incoming], dialog: FilesDialog | None = None) -> None:
        job.done = partial(self._on_incoming, dialog)
        if dialog is not None:
            job.failed = partial(self._on_refused, dialog)
        self._runner.start(job, key=_KEY, cancelled=partial(self._on_refused, dialog, CANCELLED))

    def _on_incoming(self, dialog: FilesDialog | None, incoming: Incoming) -> None:
        if incoming.taken:
            parent = dialog if dialog is not None and isValid(dialog) else self._entries
            answer = partial(self._on_answer, dialog, incoming)
            ask_clash(incoming.taken, len(incoming.entries), answer, parent, of_files=dialog is not None)
        else:
            self._paste(dialog, incoming, Clash.REFUSE)

    def _on_answer(self, dialog: FilesDialog | None, incoming: Incoming, clash: Clash) -> None:
        if clash is not Clash.REFUSE:
            self._paste(dialog, incoming, clash)
        elif dialog is not None and isValid(dialog):
            dialog.ask_again()

    def _paste(self, dialog: FilesDialog | None, incoming: Incoming, clash: Clash) -> None:
        """Paste behind what is typed since, for it may be in an entry that is replaced."""
        self._saving.settle(partial(self._paste_settled, dialog, incoming, clash))

    def _paste_settled(self, dialog: FilesDialog | None, incoming: Incoming, clash: Clash) -> None:
        job = self._document.paste_job(incoming.entries, clash)
        job.done = partial(self._on_pasted, dialog, job.done)
        job.failed = partial(self._on_refused, dialog)
        self._runner.start(job, key=_KEY, cancelled=partial(self._on_refused, dialog, CANCELLED))

    def _on_pasted(self, dialog: FilesDialog | None, take: Callable[[Edited], None], edited: Edited) -> None:
        take(edited)
        self._on_taken(dialog, edited)
        if not edited.edit.steps:
            self._notices.show_info("Nothing was pasted: all of it is there already.")

    # ---- files

    def take_files(self, paths: Sequence[Path]) -> None:
        """Open databases that were dragged here, and ask how other files become entries."""
        self._notices.clear()
        if not self._document.is_indexed:
            self._notices.show_info("The keys are still being read; drop the files again when they are all there.")
            return
        job = self._document.sorted_files_job(paths)
        job.done = self._on_sorted
        self._runner.start(job, key=_KEY)

    def _on_sorted(self, files: SortedFiles) -> None:
        if files.others and self._document.why_read_only:
            self._notices.show_info(self._document.why_read_only)
        elif files.others:
            self._saving.settle(partial(self._ask_form, files.others))
        for path in files.databases:
            self.database_dropped.emit(path)

    def _ask_form(self, files: Sequence[FileSize]) -> None:
        dialog = FilesDialog(files, self._entries, is_shelf=self._document.is_shelf)
        dialog.chosen.connect(partial(self._on_chosen, dialog))
        dialog.open()

    def _on_chosen(self, dialog: FilesDialog, pairs: Sequence[tuple[bytes, Path]], form: FileForm) -> None:
        self._look(self._document.incoming_files_job(pairs, form), dialog)
