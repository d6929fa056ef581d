"""Opening the database of a tab and reading its keys, time and again, and what is said of how that went."""

import os
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from PySide6.QtCore import QObject, Signal, Slot

from app.backends.key_index import KeyIndex
from app.cancel import CancelToken
from app.codecs.screen import key_text
from app.document.begun_copy import BegunCopy
from app.document.document import Document, Findings
from app.document.job import Job
from app.engine.base import Info, ProblemNote
from app.errors import AppError, KeyMissing
from app.ui.entry_panel import EntryPanel
from app.ui.jobs import JobRunner
from app.ui.notices import NoticeBar
from app.ui.on_disk import OnDisk
from app.ui.tab_pages import TabPages
from app.ui.value_editing import ValueEditing
from app.ui.wants import Want, choices

_KEY, _BEFORE = "index", "before-index"


class Reading(QObject):
    """Knows what is wrong with the database; what is typed is handed over before its keys are read again."""

    opened = Signal()
    """The container was opened, so that its files are known."""
    moved = Signal()
    """The document is that of another file now."""
    finished = Signal()
    """The keys are known, and what was found wrong with the container."""
    changed = Signal()
    """Something that the title, the status bar or the actions show is another now."""
    wanted = Signal(object)
    """A `Want`: what a button asks the window to do."""

    def __init__(
        self,
        document: Document,
        entries: EntryPanel,
        editing: ValueEditing,
        on_disk: OnDisk,
        pages: TabPages,
        runner: JobRunner,
        notices: NoticeBar,
    ) -> None:
        super().__init__(pages)
        self.open_error: AppError | None = None
        """Why there is nothing to show, or not the entry that was asked for."""
        self._document = document
        self._entries = entries
        self._editing = editing
        self._on_disk = on_disk
        self._pages = pages
        self._runner = runner
        self._notices = notices
        self._wanted_key: bytes | None = None
        self._is_reread = False
        self._findings: tuple[ProblemNote, ...] = ()
        document.opened.connect(self._on_opened)
        document.indexed.connect(self._on_indexed)
        on_disk.reread_wanted.connect(self.read)
        on_disk.reopen_wanted.connect(self.start)
        pages.turned.connect(self.changed)

    @property
    def is_running(self) -> bool:
        """Whether more keys are to come."""
        return self._runner.is_running(_KEY)

    @property
    def can_browse(self) -> bool:
        """Whether there are entries to look at."""
        return not self._pages.is_refused and self._document.info is not None

    @property
    def problems(self) -> Sequence[ProblemNote]:
        """What is known to be wrong with the container: what reading it met, and what a check found besides."""
        return tuple(dict.fromkeys((*self._document.problems, *self._findings)))

    def show_findings(self, findings: Sequence[ProblemNote]) -> None:
        """List what a check found, until the keys are read again."""
        self._findings = tuple(findings)
        self.changed.emit()

    # ---- opening

    def start(self, select: bytes | None = None) -> None:
        """Open the database, read its keys, and select the entry of a key."""
        self._wanted_key = select
        job = self._document.open_job()
        job.failed = self._on_cannot_open
        self._runner.start(job)

    def _on_opened(self, info: Info) -> None:
        if info.recognised_only:
            self._pages.show_message(f"{self._document.name} cannot be opened yet", info.recognised_only)
            return
        self.open_error = None
        self._pages.show_entries()
        if info.lock_seen:
            self._notices.show_info(info.lock_seen)
        self._index()
        self.opened.emit()
        self.changed.emit()

    def _on_cannot_open(self, error: AppError) -> None:
        self.open_error = error
        if self._document.pending_count:
            self._on_disk.show_lost(error.message)
        self._pages.show_refusal(self._document, error, self.wanted.emit)

    def continue_as(self, path: Path, copy: BegunCopy, then: Callable[[bool], None]) -> None:
        """Go on with a copy of the database, then tell whether that was done; history and place stay.

        It is not done where something would be lost: a text that is refused, or what a save wrote since.
        """
        self._editing.commit()  # its job comes before this one, as do those of a save that was begun
        take = partial(self._on_turn_to_continue, path, copy, then)
        self._runner.start(Job("Opening", _nothing, take, cancellable=False))

    def _on_turn_to_continue(self, path: Path, copy: BegunCopy, then: Callable[[bool], None], _: object) -> None:
        if self._editing.is_open or self._runner.is_running("save") or copy.is_overtaken:
            then(False)
            return
        self._findings = ()
        self._document.continue_as(path, copy)
        self.start()
        self.moved.emit()
        then(True)

    # ---- reading the keys

    def look_at_file(self) -> None:
        """Follow a hint that another program may have written the file."""
        if self.can_browse:
            self._on_disk.look()
        elif self._pages.is_refused and os.path.lexists(self._document.path):
            self.reload()

    def reload(self) -> None:
        """Read the keys again; selection, place and pending changes stay. Try again what could not be opened."""
        self._notices.clear()
        self._findings = ()
        if self.can_browse:
            self._on_disk.reread()
        elif self._pages.is_refused:
            self.start(self._wanted_key)

    @Slot(object)
    def reload_stale(self, error: AppError) -> None:
        """Read the keys again when the file is no longer what they were read from, but not for ever."""
        if self._is_reread:
            self._notices.show_error(error)
        else:
            self._is_reread = True
            self._notices.show_info(f"{self._document.name} was changed by another program and was read again.")
            self._on_disk.reread()

    @Slot()
    def note_success(self) -> None:
        """Take it that the file is what its keys were read from: a value of it was read."""
        self._is_reread = False

    @Slot()
    def read(self) -> None:
        """Read the keys of what is in the file now."""
        self._findings = ()
        self._index()

    def _index(self) -> None:
        """Hand over what is typed, and read the keys behind it: edits on their way go by what is known now."""
        self._editing.commit()
        if self._document.is_indexed:
            # Given up, it would leave a merge or a going back waiting for whichever reading comes next.
            self._runner.start(Job("Editing", _nothing, self._on_handed_over, cancellable=False), key=_BEFORE)
        else:
            self._start_index()

    def _on_handed_over(self, _: object) -> None:
        if self._editing.is_open:  # it was refused, and is lost when the keys are read
            self._on_disk.give_up()
            self._editing.focus()
        elif self._document.is_indexed:
            self._start_index()

    def _start_index(self) -> None:
        job = self._document.index_job()
        job.failed = self._on_cannot_read
        self._runner.start(job, key=_KEY, cancelled=partial(self._on_cancelled, self._document.index))

    def _on_cancelled(self, index: KeyIndex) -> None:
        if self._document.index is index:  # else it was only begun anew
            self._on_disk.give_up()

    def _on_cannot_read(self, error: AppError) -> None:
        """Show what was read of the keys, or where that is nothing, why."""
        self._on_disk.give_up()
        if not len(self._document):
            self._on_cannot_open(error)
            return
        self.open_error = error
        self._notices.show_error(error, *choices((Want.SALVAGE,), self.wanted.emit))
        self.changed.emit()

    def _on_indexed(self) -> None:
        self._select_wanted()
        job = self._document.findings_job()
        job.done = partial(self._on_findings, job.done)
        self._runner.start(job)
        self.changed.emit()

    def _select_wanted(self) -> None:
        key, self._wanted_key = self._wanted_key, None
        if key is not None and not self._entries.select_key(key):
            name = self._document.name
            self.open_error = KeyMissing(f"{name} has no entry {key_text(key)}.", path=self._document.path)
            self._notices.show_error(self.open_error)

    def _on_findings(self, take: Callable[[Findings], None], findings: Findings) -> None:
        take(findings)
        count = len(self._document.problems)
        if count:
            found = "1 problem was" if count == 1 else f"{count:,} problems were"
            self._notices.show_warning(
                f"{found} found in {self._document.name}; what can be read is shown.",
                *choices((Want.PROBLEMS, Want.SALVAGE, Want.SAVE_AS), self.wanted.emit),
            )
        self.finished.emit()


def _nothing(_token: CancelToken) -> None:
    pass
