"""What is done to whole entries of a tab: adding, duplicating, deleting."""

from collections.abc import Callable
from functools import partial
from itertools import islice
from pathlib import Path

from shiboken6 import isValid

from app.backends.key_index import KeyIndex
from app.codecs.edits import Written
from app.codecs.screen import key_text
from app.document.document import PendingKind
from app.document.draft import Edited
from app.document.file_values import bytes_of
from app.document.job import Job
from app.errors import AppError, KeysTaken
from app.ui.attempt import attempt
from app.ui.dialogs.entry_dialogs import LISTED, DeletionDialog, KeyDialog, NewEntry, NewEntryDialog
from app.ui.dialogs.questions import Taken, ask_taken
from app.ui.entry_work import CANCELLED, EntryWork
from app.ui.models.entry_table import short_key_text

_NONE_SELECTED = "No entry is selected."
_DELETED = "This entry is deleted; revert that first."
_Make = Callable[[bool], Job[Edited]]
"""Makes an edit; the argument: whether it replaces an entry of the new key."""


class EntryCommands(EntryWork):
    """Hands over what an open editor holds first, so that nothing typed is lost."""

    def why_not(self) -> str:
        """Return why nothing can be done to the entry that is current; empty where it can."""
        entry_id = self._entries.current_entry
        if self._document.why_read_only or entry_id is None:
            return self._document.why_read_only or _NONE_SELECTED
        return _DELETED if self._is_deleted(entry_id) else ""

    def why_not_selected(self) -> str:
        """Return why the selected entries, which need not be those that are current, cannot be taken out."""
        view = self._entries.view
        if self._document.why_read_only or not view.selectionModel().hasSelection():
            return self._document.why_read_only or _NONE_SELECTED
        return self.why_not() if view.is_one_selected else ""

    def _is_deleted(self, entry_id: int) -> bool:
        pending = self._document.pending(entry_id)
        return pending is not None and pending.kind is PendingKind.DELETED

    # ---- what a person does

    def add(self) -> None:
        """Ask for a new entry, which can take the place of the one that is typed in."""
        if self._saving.is_editing:
            self._saving.settle(self._ask_new)
        else:
            self._ask_new()  # at once, also while a save runs

    def _ask_new(self) -> None:
        dialog = NewEntryDialog(self._entries)
        dialog.entered.connect(partial(self._on_new, dialog))
        dialog.open()

    def duplicate(self) -> None:
        """Ask for the key of a copy of the current entry."""
        self._on_current(self._ask_key)

    def delete(self) -> None:
        """Delete the selected entry at once, more than one after they were listed."""
        self._saving.settle(self._delete_selected)

    def _on_current(self, act: Callable[[int], None]) -> None:
        self._saving.settle(partial(self._settled, act))

    def _settled(self, act: Callable[[int], None]) -> None:
        entry_id = self._entries.current_entry
        if entry_id is not None and not self.why_not():
            act(entry_id)

    # ---- with a dialog

    def _ask_key(self, entry_id: int) -> None:
        job = self._document.free_key_job(self._document.key(entry_id))
        job.done = partial(self._ask_key_like, entry_id, self._document.index)
        self._runner.start(job)

    def _ask_key_like(self, entry_id: int, index: KeyIndex, key: bytes) -> None:
        dialog = KeyDialog("duplicate", "Duplicate entry", "Duplicate", key_text(key), self._entries)
        dialog.entered.connect(partial(self._on_key, dialog, entry_id, index))
        dialog.open()

    def _on_key(self, dialog: KeyDialog, entry_id: int, index: KeyIndex, entry: NewEntry) -> None:
        def make(replaces: bool) -> Job[Edited]:
            stale = self._why_stale(index)
            if stale is not None:
                raise stale
            return self._document.duplicate_job(entry_id, entry.key, replaces=replaces)

        self._start(dialog, make)

    def _on_new(self, dialog: KeyDialog, entry: NewEntry) -> None:
        if isinstance(entry.new, Path):
            path = entry.new
            job = Job(f"Reading {path.name}", lambda _token: bytes_of(path))
            job.done = partial(self._add, dialog, entry)
            job.failed = partial(self._on_refused, dialog)
            self._runner.start(job, cancelled=partial(self._on_refused, dialog, CANCELLED))
        elif entry.new is not None:
            self._add(dialog, entry, entry.new)

    def _add(self, dialog: KeyDialog, entry: NewEntry, new: Written | bytes) -> None:
        self._start(
            dialog,
            lambda replaces: self._document.add_job(entry.key, new, replaces=replaces, as_pickle=entry.as_pickle),
        )

    def _start(self, dialog: KeyDialog, make: _Make, *, replaces: bool = False) -> None:
        """Make the edit; the dialog stays where it is refused."""
        try:
            job = make(replaces)
        except AppError as error:
            dialog.refuse(error)
            return
        job.done = partial(self._on_done, dialog, job.done)
        job.failed = partial(self._on_failed, dialog, make)
        self._runner.start(job, cancelled=partial(self._on_refused, dialog, CANCELLED))

    def _on_failed(self, dialog: KeyDialog, make: _Make, error: AppError) -> None:
        if isinstance(error, KeysTaken) and isValid(dialog):
            ask_taken(error, partial(self._on_answer, dialog, make, error), dialog)
        else:
            self._on_refused(dialog, error)

    def _on_answer(self, dialog: KeyDialog, make: _Make, error: KeysTaken, answer: Taken) -> None:
        match answer:
            case Taken.REPLACE:
                self._start(dialog, make, replaces=True)
            case Taken.ANOTHER:
                dialog.refuse(error)
            case Taken.CANCEL:
                dialog.reject()

    def _on_done(self, dialog: KeyDialog, take: Callable[[Edited], None], edited: Edited) -> None:
        take(edited)
        self._on_taken(dialog, edited)

    # ---- deleting

    def _delete_selected(self) -> None:
        chosen = self._document.without_deleted(self._entries.view.selected_entries())
        index = self._document.index
        if len(chosen) <= 1:
            self._delete(chosen, index)
            return
        keys = [short_key_text(self._document.key(entry_id)) for entry_id in islice(chosen, LISTED)]
        dialog = DeletionDialog(keys, len(chosen), self._entries)
        dialog.accepted.connect(partial(self._delete, chosen, index))
        dialog.open()

    def _delete(self, entry_ids: list[int], index: KeyIndex) -> None:
        stale = self._why_stale(index)
        if stale is not None:
            self._notices.show_error(stale)
        elif entry_ids:
            self._notices.clear()
            attempt(lambda: self._document.delete_job(entry_ids), self._runner, self._notices)
