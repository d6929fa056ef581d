"""What is done to whole entries of a tab: adding, duplicating, renaming, deleting."""

from collections.abc import Callable
from functools import partial
from itertools import islice
from pathlib import Path

from PySide6.QtCore import QObject
from shiboken6 import isValid

from app.codecs.screen import key_text
from app.document.document import Document, PendingKind
from app.document.draft import Edited
from app.document.job import Job
from app.errors import AppError, EncodeError
from app.ui.attempt import attempt
from app.ui.dialogs.entry_dialogs import LISTED, DeletionDialog, KeyDialog, NewEntry, NewEntryDialog
from app.ui.entry_panel import EntryPanel
from app.ui.jobs import JobRunner
from app.ui.models.entry_table import short_key_text
from app.ui.notices import NoticeBar
from app.ui.saving import Saving

_FILE_BYTES = 256 << 20
"""Bytes of a file that becomes a value."""
_CANCELLED = AppError("This was cancelled, and nothing was changed.")
_Make = Callable[[bytes], Job[Edited]]


class EntryCommands(QObject):
    """Hands over what an open editor holds first, so that nothing typed is lost."""

    def __init__(
        self, document: Document, entries: EntryPanel, saving: Saving, runner: JobRunner, notices: NoticeBar
    ) -> None:
        super().__init__(entries)
        self._document = document
        self._entries = entries
        self._saving = saving
        self._runner = runner
        self._notices = notices

    def why_not(self) -> str:
        """Return why nothing can be done to the entry that is current; empty where it can."""
        entry_id = self._entries.current_entry
        if self._document.why_read_only:
            return self._document.why_read_only
        if entry_id is None:
            return "No entry is selected."
        return "This entry is deleted; revert that first." if self._is_deleted(entry_id) else ""

    def _is_deleted(self, entry_id: int) -> bool:
        pending = self._document.pending(entry_id)
        return pending is not None and pending.kind is PendingKind.DELETED

    # ---- what a person does

    def add(self) -> None:
        """Ask for a new entry."""
        dialog = NewEntryDialog(self._entries)
        dialog.entered.connect(partial(self._on_new, dialog))
        dialog.open()

    def duplicate(self) -> None:
        """Ask for the key of a copy of the current entry."""
        self._on_current(
            lambda entry_id: self._ask_key(
                ("duplicate", "Duplicate entry", "Duplicate"), entry_id, partial(self._document.duplicate_job, entry_id)
            )
        )

    def rename(self) -> None:
        """Ask for another key of the current entry."""
        self._on_current(
            lambda entry_id: self._ask_key(
                ("rename", "Rename entry", "Rename"), entry_id, partial(self._document.rename_job, entry_id)
            )
        )

    def delete(self) -> None:
        """Delete the selected entry at once, more than one after they were listed."""
        self._on_current(lambda _entry_id: self._delete_selected())

    def _on_current(self, act: Callable[[int], None]) -> None:
        self._saving.settle(partial(self._settled, act))

    def _settled(self, act: Callable[[int], None]) -> None:
        entry_id = self._entries.current_entry
        if entry_id is not None and not self.why_not():
            act(entry_id)

    # ---- with a dialog

    def _ask_key(self, names: tuple[str, str, str], entry_id: int, make: _Make) -> None:
        dialog = KeyDialog(*names, key_text(self._document.key(entry_id)), self._entries)
        dialog.entered.connect(partial(self._on_key, dialog, make))
        dialog.open()

    def _on_key(self, dialog: KeyDialog, make: _Make, entry: NewEntry) -> None:
        self._start(dialog, partial(make, entry.key))

    def _on_new(self, dialog: KeyDialog, entry: NewEntry) -> None:
        if isinstance(entry.new, Path):
            path = entry.new
            job = Job(f"Reading {path.name}", lambda _token: _bytes_of(path))
            job.done = lambda data: self._start(dialog, lambda: self._document.add_job(entry.key, data))
            job.failed = partial(self._on_refused, dialog)
            self._runner.start(job, cancelled=partial(self._on_refused, dialog, _CANCELLED))
        elif entry.new is not None:
            new, as_pickle = entry.new, entry.as_pickle
            self._start(dialog, lambda: self._document.add_job(entry.key, new, as_pickle=as_pickle))

    def _start(self, dialog: KeyDialog, make: Callable[[], Job[Edited]]) -> None:
        """Make the edit; the dialog stays where it is refused."""
        try:
            job = make()
        except AppError as error:
            dialog.refuse(error)
            return
        job.done = partial(self._on_done, dialog, job.done)
        job.failed = partial(self._on_refused, dialog)
        self._runner.start(job, cancelled=partial(self._on_refused, dialog, _CANCELLED))

    def _on_refused(self, dialog: KeyDialog, error: AppError) -> None:
        if isValid(dialog):
            dialog.refuse(error)
        else:  # it was closed meanwhile
            self._notices.show_error(error)

    def _on_done(self, dialog: KeyDialog, take: Callable[[Edited], None], edited: Edited) -> None:
        take(edited)
        if isValid(dialog):
            dialog.accept()
        if edited.edit.steps:
            entry_id = self._document.entry_of(edited.edit.ref)
            if entry_id is not None:
                self._entries.view.select_entry(entry_id)
        self._entries.view.setFocus()

    # ---- deleting

    def _delete_selected(self) -> None:
        chosen = [entry_id for entry_id in self._entries.view.selected_entries() if not self._is_deleted(entry_id)]
        if len(chosen) <= 1:
            self._delete(chosen)
            return
        keys = [short_key_text(self._document.key(entry_id)) for entry_id in islice(chosen, LISTED)]
        dialog = DeletionDialog(keys, len(chosen), self._entries)
        dialog.accepted.connect(partial(self._delete, chosen))
        dialog.open()

    def _delete(self, entry_ids: list[int]) -> None:
        if entry_ids:
            self._notices.clear()
            attempt(lambda: self._document.delete_job(entry_ids), self._runner, self._notices)


def _bytes_of(path: Path) -> bytes:
    """Return the bytes of a file that are to be a value.

    Raises:
        EncodeError: it cannot be read, or is too large.
    """
    try:
        with path.open("rb") as file:
            data = file.read(_FILE_BYTES + 1)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "that is no possible name"
        raise EncodeError(f"{str(path)[:200]} could not be read: {reason}.") from error
    if len(data) > _FILE_BYTES:
        raise EncodeError(f"{path.name} is larger than {_FILE_BYTES:,} bytes, which is too much for a value.")
    return data
