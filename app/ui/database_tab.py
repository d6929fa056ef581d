"""One open database: its entries on the left, the chosen one's value on the right."""

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from PySide6.QtCore import Qt, QTimer, Signal, Slot
from PySide6.QtWidgets import QSplitter, QStackedWidget, QVBoxLayout, QWidget

from app.backends.base import SaveReport
from app.cancel import CancelToken
from app.codecs.screen import key_text
from app.document.document import Document, Findings, PendingChange
from app.document.history import Edit, EntryRef
from app.document.job import Job
from app.engine.base import Info
from app.errors import AppError, ChangedOnDisk, KeyMissing
from app.ui.entry_panel import EntryPanel
from app.ui.exporting import start_export
from app.ui.jobs import JobRunner
from app.ui.models.entry_table import short_key_text
from app.ui.notices import NoticeBar
from app.ui.status import Facts, facts_of
from app.ui.value_editing import ValueEditing
from app.ui.value_panel import ValuePanel
from app.ui.views.message_page import MessagePage

_KEYS_NAMED = 3
"""Keys that a sentence names."""


class DatabaseTab(QWidget):
    """Owns a document, its two job runners and the widgets that show it."""

    changed = Signal()
    """Something that the title, the status bar or the actions show is another now."""
    save_ended = Signal(bool)
    """A save is over; True when everything is saved."""

    def __init__(self, document: Document, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.document = document
        self.open_error: AppError | None = None
        """Why there is nothing to show, or not the entry that was asked for."""
        self._wanted_key: bytes | None = None
        self._is_reread = False
        self.runner = JobRunner(f"engine of {document.name}")
        self.filter_runner = JobRunner(f"filter of {document.name}")
        self.notices = NoticeBar()
        self.entries = EntryPanel(document, self.filter_runner)
        self.value = ValuePanel(document, self.runner)
        self.editing = ValueEditing(document, self.value, self.runner)
        self._message = MessagePage("cannot-open", "warning")
        self._pages = QStackedWidget()
        self._lay_out()
        self._connect_widgets()
        self._connect_document()

    def _lay_out(self) -> None:
        halves = QSplitter(Qt.Orientation.Horizontal)
        halves.setChildrenCollapsible(False)
        halves.addWidget(self.entries)
        halves.addWidget(self.value)
        halves.setSizes([580, 600])
        halves.setHandleWidth(1)
        self._pages.addWidget(halves)
        self._pages.addWidget(self._message)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(self.notices)
        column.addWidget(self._pages, 1)

    def _connect_widgets(self) -> None:
        for runner in (self.runner, self.filter_runner):
            runner.failed.connect(self.notices.show_error)
            runner.crashed.connect(self.notices.show_crash)
        self.entries.entry_selected.connect(self._on_entry_selected)
        self.entries.rows_changed.connect(self.changed)
        self.entries.model.wanted.connect(self._on_summaries_wanted)
        self.value.decoded.connect(self._on_decoded)
        self.value.stale.connect(self._on_stale)
        self.value.tree.editor_changed.connect(self.changed)
        self.editing.refused.connect(self._on_edit_refused)
        self.editing.failed.connect(self.notices.show_error)

    def _connect_document(self) -> None:
        self.document.opened.connect(self._on_opened)
        self.document.indexed.connect(self._on_indexed)
        self.document.entries_changed.connect(self._on_entries_changed)
        self.document.pending_changed.connect(self._on_changed)
        self.document.history.changed.connect(self._on_changed)
        self.document.saved.connect(self._on_saved)
        self.document.notice.connect(self._on_notice)

    # ---- opening and closing

    def start(self, select: bytes | None = None) -> None:
        """Open the database, read its keys, and select the entry of a key."""
        self._wanted_key = select
        job = self.document.open_job()
        job.failed = self._on_cannot_open
        self.runner.start(job)

    def _on_opened(self, info: Info) -> None:
        if info.recognised_only:
            self._say_why_not(f"{self.document.name} cannot be opened yet", info.recognised_only)
            return
        self.open_error = None
        self._pages.setCurrentIndex(0)
        if info.lock_seen:
            self.notices.show_info(info.lock_seen)
        self._index()
        self.changed.emit()

    def reload(self) -> None:
        """Read the keys again; selection, place and pending changes stay. Try again what could not be opened."""
        self.notices.clear()
        if self.can_browse:
            self._index()
        elif self.is_refused:
            self.start(self._wanted_key)

    def _index(self) -> None:
        self.editing.commit()
        self.runner.start(self.document.index_job(), key="index")

    def _on_cannot_open(self, error: AppError) -> None:
        self.open_error = error
        self._say_why_not(f"{self.document.name} cannot be opened", error.message)

    def _say_why_not(self, title: str, sentence: str) -> None:
        self._message.show_message(title, sentence)
        self._pages.setCurrentWidget(self._message)
        self.changed.emit()

    def _on_indexed(self) -> None:
        self._select_wanted()
        job = self.document.findings_job()
        job.done = partial(self._on_findings, job.done)
        self.runner.start(job)
        if not len(self.document):
            self.value.clear()
        self.changed.emit()

    def _on_findings(self, take: Callable[[Findings], None], findings: Findings) -> None:
        take(findings)
        count = len(self.document.problems)
        if count:
            found, them = ("1 problem was", "it") if count == 1 else (f"{count:,} problems were", "them")
            self.notices.show_warning(
                f"{found} found in {self.document.name}; what can be read is shown. View > Problems lists {them}."
            )

    @Slot(object)
    def _on_stale(self, error: AppError) -> None:
        """Read the keys again when the file is no longer what they were read from, but not for ever."""
        if self._is_reread:
            self.notices.show_error(error)
        else:
            self._is_reread = True
            self.notices.show_info(f"{self.document.name} was changed by another program and was read again.")
            self._index()

    @Slot()
    def _on_decoded(self) -> None:
        self._is_reread = False

    def _select_wanted(self) -> None:
        key, self._wanted_key = self._wanted_key, None
        if key is not None and not self.entries.select_key(key):
            self.open_error = KeyMissing(f"{self.document.name} has no entry {key_text(key)}.", path=self.document.path)
            self.notices.show_error(self.open_error)

    def shut_down(self) -> None:
        """Give up what runs and close the database; the runners' ``ended`` follow."""
        self.filter_runner.shut_down(_nothing)
        self.runner.shut_down(self.document.close)

    @property
    def can_browse(self) -> bool:
        return self._pages.currentIndex() == 0 and self.document.info is not None

    @property
    def is_refused(self) -> bool:
        """Whether the database could not be opened, and the page says why."""
        return self._pages.currentWidget() is self._message

    @property
    def can_save(self) -> bool:
        """Whether there is something to save, what an open editor holds included."""
        has_some = bool(self.document.pending_changes) or self.value.tree.editor is not None
        return has_some and not self.is_saving and not self.document.why_read_only

    @property
    def has_changes(self) -> bool:
        return bool(self.document.pending_changes) or self.editing.is_open

    @property
    def is_saving(self) -> bool:
        return self.runner.is_running("save")

    # ---- what is shown

    @Slot(int)
    def _on_entry_selected(self, entry_id: int) -> None:
        if self.value.entry_id == entry_id:
            return
        held = self.editing.held_entry
        if held is not None:  # later: the view that is being clicked selects the clicked row after this
            QTimer.singleShot(0, self, partial(self._on_edit_refused, held))
        else:
            self.value.show_entry(entry_id)
        self.changed.emit()

    @Slot(list)
    def _on_summaries_wanted(self, entry_ids: list[int]) -> None:
        if not self.runner.is_running("summaries"):
            job = self.document.summaries_job(entry_ids)
            job.failed = _ignore  # the table says so by an ellipsis; what is looked at closer says why
            self.runner.start(job, key="summaries")

    def _on_entries_changed(self, entry_ids: list[int]) -> None:
        shown = self.value.shown
        if shown is not None and shown.entry_id in entry_ids and shown.source != self.document.source(shown.entry_id):
            self.value.show_entry(shown.entry_id, is_same=True)
        self.changed.emit()

    @Slot(int)
    def _on_edit_refused(self, entry_id: int) -> None:
        self.entries.view.select_entry(entry_id)
        if self.value.tree.editor is not None:
            self.value.tree.editor.setFocus()

    def _on_notice(self, sentence: str) -> None:
        self.notices.show_info(sentence)

    def _on_changed(self) -> None:
        self.changed.emit()

    def facts(self) -> Facts:
        """Return what the status bar shows."""
        return facts_of(self.document, self.entries.shown_count)

    # ---- what a person does

    def undo(self) -> None:
        self._step(self.document.history.next_undo, self.document.undo_job)

    def redo(self) -> None:
        self._step(self.document.history.next_redo, self.document.redo_job)

    def _step(self, edit: Edit | None, make: Callable[[], Job[PendingChange] | None]) -> None:
        if edit is None or not self.document.is_indexed:
            return
        self.select(edit.ref)
        self._attempt(make)

    @property
    def is_current_pending(self) -> bool:
        """Whether the selected entry has a change that is not saved."""
        entry_id = self.entries.current_entry
        return entry_id is not None and self.document.pending(entry_id) is not None

    def revert_current(self) -> None:
        """Take the pending change of the selected entry back."""
        self._revert(self.entries.current_entry)

    def revert(self, ref: EntryRef) -> None:
        """Take a pending change back."""
        self._revert(self.document.entry_of(ref))

    def _revert(self, entry_id: int | None) -> None:
        if entry_id is not None:
            self.notices.clear()
            self._attempt(lambda: self.document.revert_job(entry_id))

    def select(self, ref: EntryRef) -> None:
        """Bring an entry to the front."""
        entry_id = self.document.entry_of(ref)
        if entry_id is not None:
            self.entries.view.select_entry(entry_id)

    def save(self) -> None:
        """Save all pending changes; `save_ended` follows."""
        self.notices.clear()
        self.editing.commit()  # its job comes before the save's
        self.runner.start(Job("Saving", _nothing_at_all, self._on_save_turn))

    def _on_save_turn(self, _: object) -> None:
        if self.editing.is_open:  # refused: it is red now
            self.save_ended.emit(False)
        elif not self.document.pending_changes:
            self.save_ended.emit(True)
        elif not self._attempt(self._save_job, "save"):
            self.save_ended.emit(False)

    def _save_job(self) -> Job[SaveReport]:
        job = self.document.save_job()
        job.failed = self._on_save_failed
        return job

    def _on_save_failed(self, error: AppError) -> None:
        if isinstance(error, ChangedOnDisk) and error.keys:
            error = AppError(_conflict(self.document.name, error.keys), path=self.document.path)
            self._index()  # so that Revert finds what is there now
        self.notices.show_error(error)
        self.save_ended.emit(False)

    def _on_saved(self, report: SaveReport) -> None:
        backups = ", ".join(backup.name for backup in report.backups)
        saved = f"Saved {self.document.name}." + (f" The state before is kept in {backups}." if backups else "")
        if report.warnings:
            self.notices.show_warning(" ".join((saved, *report.warnings)))
        else:
            self.notices.show_info(saved)
        self._index()
        self.save_ended.emit(True)

    def _attempt(self, make: Callable[[], Job[Any] | None], key: str = "") -> bool:
        try:
            job = make()
        except AppError as error:
            self.notices.show_error(error)
            return False
        if job is not None:
            self.runner.start(job, key=key)
        return job is not None

    def export(self, entry_ids: Sequence[int] | None, target: Path) -> None:
        """Export entries (all when None) to a JSON file, or JSON Lines by its suffix."""
        start_export(self.document, entry_ids, target, self.runner, self.notices)


def _conflict(name: str, keys: Sequence[bytes]) -> str:
    more = f" and {len(keys) - _KEYS_NAMED:,} more" if len(keys) > _KEYS_NAMED else ""
    named = ", ".join(short_key_text(key) for key in keys[:_KEYS_NAMED])
    return (
        f"Nothing was saved: another program changed {named}{more} in {name} as well. "
        "Revert the entry to see what is there now; Undo then brings your change back."
    )


def _nothing() -> None:
    pass


def _nothing_at_all(_token: CancelToken) -> None:
    pass


def _ignore(_error: AppError) -> None:
    pass
