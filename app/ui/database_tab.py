"""One open database: its entries on the left, the chosen one's value on the right."""

import os
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from PySide6.QtCore import Qt, QTimer, Signal, Slot
from PySide6.QtWidgets import QSplitter, QStackedWidget, QVBoxLayout, QWidget

from app.backends.key_index import KeyIndex
from app.cancel import CancelToken
from app.codecs.screen import key_text
from app.document.document import Document, Findings, PendingChange
from app.document.job import Job
from app.document.journals import Journals
from app.engine.base import Info, ProblemNote
from app.errors import AppError, KeyMissing
from app.ui.comparing import Comparing
from app.ui.entry_commands import EntryCommands
from app.ui.entry_panel import EntryPanel
from app.ui.entry_pasting import EntryPasting
from app.ui.entry_renaming import EntryRenaming
from app.ui.exporting import start_export
from app.ui.jobs import JobRunner
from app.ui.node_commands import NodeCommands
from app.ui.notices import NoticeBar
from app.ui.on_disk import OnDisk
from app.ui.previews import Previews
from app.ui.restoring import Restoring
from app.ui.saving import Saving
from app.ui.status import Facts, facts_of
from app.ui.stepping import Stepping
from app.ui.value_editing import ValueEditing
from app.ui.value_panel import ValuePanel
from app.ui.views.message_page import MessagePage
from app.ui.wants import Want, choices, show_refusal


class DatabaseTab(QWidget):
    """Owns a document, its two job runners and the widgets that show it."""

    changed = Signal()
    """Something that the title, the status bar or the actions show is another now."""
    moved = Signal()
    """The document is that of another file now."""
    opened = Signal()
    """The container was opened, so that its files are known."""
    wanted = Signal(object)
    """A `Want`: what a button of the tab asks the window to do."""

    def __init__(self, document: Document, journals: Journals | None = None, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.document = document
        self.open_error: AppError | None = None
        """Why there is nothing to show, or not the entry that was asked for."""
        self._wanted_key: bytes | None = None
        self._is_reread = False
        self._findings: tuple[ProblemNote, ...] = ()
        self.runner = JobRunner(f"engine of {document.name}")
        self.filter_runner = JobRunner(f"filter of {document.name}")
        self.notices = NoticeBar()
        self.entries = EntryPanel(document, self.filter_runner)
        self.value = ValuePanel(document, self.runner)
        self._previews = Previews(document, self.value, self.runner, self.filter_runner)
        self.renaming = EntryRenaming(document, self.entries, self.runner, self.notices)
        self.editing = ValueEditing(document, self.value, self.runner, self.renaming)
        self.nodes = NodeCommands(document, self.value, self.editing, self.runner)
        self.saving = Saving(document, self.editing, self.runner, self.notices)
        self.on_disk = OnDisk(document, self.saving, self.runner, self.notices)
        self.stepping = Stepping(document, self.entries, self.runner, self.notices)
        self.commands = EntryCommands(document, self.entries, self.saving, self.runner, self.notices)
        self.pasting = EntryPasting(document, self.entries, self.saving, self.runner, self.notices)
        self.comparing = Comparing(document, self.runner, self)
        self._restoring = Restoring(document, journals, self.runner, self.notices)
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
        column.addWidget(self.on_disk.bar)
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
        self.editing.changed.connect(self.changed)
        self.renaming.changed.connect(self.changed)
        self.entries.view.rename_wanted.connect(self._on_rename_wanted)
        self.comparing.changed.connect(self.changed)
        self.editing.refused.connect(self._on_edit_refused)
        self.editing.failed.connect(self.notices.show_error)
        self.nodes.said.connect(self.notices.show_info)
        self.value.tree.edit_impossible.connect(self._on_edit_impossible)
        self.saving.rewritten.connect(self._on_rewritten)
        self.on_disk.reread_wanted.connect(self._on_rewritten)
        self.on_disk.reopen_wanted.connect(self.start)
        for source in (self.saving, self.on_disk):
            source.save_as_wanted.connect(partial(self.wanted.emit, Want.SAVE_AS))

    def _connect_document(self) -> None:
        self.document.opened.connect(self._on_opened)
        self.document.indexed.connect(self._on_indexed)
        self.document.entries_changed.connect(self._on_entries_changed)
        self.document.entries_removed.connect(self._on_entries_removed)
        self.document.pending_changed.connect(self._on_changed)
        self.document.history.changed.connect(self._on_changed)
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
            self._message.show_message(f"{self.document.name} cannot be opened yet", info.recognised_only)
            self._show_message()
            return
        self.open_error = None
        self._pages.setCurrentIndex(0)
        if info.lock_seen:
            self.notices.show_info(info.lock_seen)
        self._index()
        self.opened.emit()
        self.changed.emit()

    def look_at_file(self) -> None:
        """Follow a hint that another program may have written the file."""
        if self.can_browse:
            self.on_disk.look()
        elif self.is_refused and os.path.lexists(self.document.path):
            self.reload()

    def reload(self) -> None:
        """Read the keys again; selection, place and pending changes stay. Try again what could not be opened."""
        self.notices.clear()
        self._findings = ()
        if self.can_browse:
            self.on_disk.reread()
        elif self.is_refused:
            self.start(self._wanted_key)

    def continue_as(self, path: Path, saved: Sequence[PendingChange]) -> None:
        """Go on with a copy of the database that has these changes; history and place stay."""
        self.editing.commit()  # its job comes before this one
        self.runner.start(Job("Opening", _nothing_at_all, partial(self._on_turn_to_continue, path, saved)))

    def _on_turn_to_continue(self, path: Path, saved: Sequence[PendingChange], _: object) -> None:
        self._findings = ()
        self.document.continue_as(path, saved)
        self.start()
        self.moved.emit()

    @Slot()
    def _on_rewritten(self) -> None:
        self._findings = ()
        self._index()

    def _index(self) -> None:
        self.editing.commit()
        job = self.document.index_job()
        job.failed = self._on_cannot_read
        self.runner.start(job, key="index", cancelled=partial(self._on_reading_cancelled, self.document.index))

    def _on_reading_cancelled(self, index: KeyIndex) -> None:
        if self.document.index is index:  # else it was only begun anew
            self.on_disk.give_up()

    def _on_cannot_read(self, error: AppError) -> None:
        """Show what was read of the keys, or where that is nothing, why."""
        self.on_disk.give_up()
        if not len(self.document):
            self._on_cannot_open(error)
            return
        self.open_error = error
        self.notices.show_error(error, *choices((Want.SALVAGE,), self.wanted.emit))
        self.changed.emit()

    def _on_cannot_open(self, error: AppError) -> None:
        self.open_error = error
        show_refusal(self._message, self.document, error, self.wanted.emit)
        self._show_message()

    def _show_message(self) -> None:
        had_focus = self.focusWidget() is not None
        self._pages.setCurrentWidget(self._message)
        if had_focus:
            self._message.setFocus()
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
            found = "1 problem was" if count == 1 else f"{count:,} problems were"
            self.notices.show_warning(
                f"{found} found in {self.document.name}; what can be read is shown.",
                *choices((Want.PROBLEMS, Want.SALVAGE, Want.SAVE_AS), self.wanted.emit),
            )
        self._restoring.look()

    @property
    def problems(self) -> Sequence[ProblemNote]:
        """What is known to be wrong with the container: what reading it met, and what a check found besides."""
        return tuple(dict.fromkeys((*self.document.problems, *self._findings)))

    def show_findings(self, findings: Sequence[ProblemNote]) -> None:
        """List what a check found, until the keys are read again."""
        self._findings = tuple(findings)
        self.changed.emit()

    @Slot(object)
    def _on_stale(self, error: AppError) -> None:
        """Read the keys again when the file is no longer what they were read from, but not for ever."""
        if self._is_reread:
            self.notices.show_error(error)
        else:
            self._is_reread = True
            self.notices.show_info(f"{self.document.name} was changed by another program and was read again.")
            self.on_disk.reread()

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
    def is_reading(self) -> bool:
        """Whether more keys are to come."""
        return self.runner.is_running("index")

    @property
    def is_refused(self) -> bool:
        """Whether the database could not be opened, and the page says why."""
        return self._pages.currentWidget() is self._message

    @property
    def files(self) -> set[Path]:
        """The files of the database, as far as they are known; none of one that is not there."""
        info = self.document.info
        return {self.document.path, *map(Path, info.files)} if info else set()

    @property
    def can_save(self) -> bool:
        """Whether there is something to save, what an open editor holds included."""
        has_some = self.document.pending_count > 0 or self.editing.is_active
        return has_some and not self.is_saving and not self.document.why_read_only

    @property
    def has_changes(self) -> bool:
        return self.document.pending_count > 0 or self.editing.is_open

    @property
    def is_saving(self) -> bool:
        return self.saving.is_running

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

    def _on_entries_removed(self, entry_ids: list[int]) -> None:
        """Show nothing where the entry that was shown is gone, and the table has no other one to go on to."""
        if self.value.entry_id in entry_ids:
            self.value.clear()
        self.changed.emit()

    @Slot(int)
    def _on_edit_refused(self, entry_id: int) -> None:
        self.entries.view.select_entry(entry_id)
        self.editing.focus()

    @Slot(int)
    def _on_edit_impossible(self, _slot_number: int) -> None:
        if self.document.why_read_only:
            self._say_read_only()

    def _say_read_only(self) -> None:
        self.notices.show_info(self.document.why_read_only, *choices((Want.SAVE_AS,), self.wanted.emit))

    @Slot()
    def _on_rename_wanted(self) -> None:
        """Let a double-clicked key be typed over, where that can be."""
        if self.document.why_read_only:
            self._say_read_only()
        elif self.document.is_indexed and not self.commands.why_not():
            self.renaming.begin()

    def _on_notice(self, sentence: str) -> None:
        self.notices.show_info(sentence)

    def _on_changed(self) -> None:
        self.changed.emit()

    def facts(self) -> Facts:
        """Return what the status bar shows."""
        facts = facts_of(self.document, self.entries.shown_count, is_reading=self.is_reading)
        return Facts(facts.format_) if self.is_refused else facts

    # ---- what a person does

    def export(self, entry_ids: Sequence[int] | None, target: Path) -> None:
        """Export entries (all when None) to a JSON file, or JSON Lines by its suffix."""
        start_export(self.document, entry_ids, target, self.runner, self.notices)


def _nothing() -> None:
    pass


def _nothing_at_all(_token: CancelToken) -> None:
    pass


def _ignore(_error: AppError) -> None:
    pass
