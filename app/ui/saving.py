"""Saving and compacting the database of a tab, and what is said of how that ended."""

from collections.abc import Callable
from functools import partial
from typing import Any

from PySide6.QtCore import QObject, Signal

from app.backends.base import SaveReport
from app.cancel import CancelToken
from app.document.document import Document
from app.document.job import Job
from app.engine.base import FileState
from app.errors import AppError, ChangedOnDisk, EngineBug, EngineStopped, KeyRejected, ReadOnlyDatabase
from app.ui.attempt import attempt
from app.ui.choices import Choice
from app.ui.jobs import JobRunner, nothing
from app.ui.notices import NoticeBar
from app.ui.settings import backups_kept
from app.ui.value_editing import ValueEditing


class Saving(QObject):
    """Saves what is pending, an open editor's text included."""

    ended = Signal(bool)
    """A save or a compaction is over, however it ended; True when everything is saved."""
    rewritten = Signal()
    """The files are others now, or may be: their keys have to be read again."""
    said = Signal(str)
    """Something to be told quietly."""
    save_as_wanted = Signal()
    conflicted = Signal()
    """Another program changed entries that are changed here, so that nothing was saved: each has to be decided on."""
    lost = Signal(object)
    """The `FileState` of a file that is gone or is another one now, so that nothing was saved."""

    def __init__(self, document: Document, editing: ValueEditing, runner: JobRunner, notices: NoticeBar) -> None:
        super().__init__(notices)
        self._document = document
        self._editing = editing
        self._runner = runner
        self._notices = notices
        self._is_compacting = False
        self._is_saved = False
        self._may_merge = True
        document.saved.connect(self._on_saved)

    @property
    def is_running(self) -> bool:
        return self._runner.is_running("save")

    @property
    def is_editing(self) -> bool:
        """Whether an editor is open."""
        return self._editing.is_active

    @property
    def has_work(self) -> bool:
        """Whether there is something to lose: pending changes, or an editor that is open."""
        return self._document.pending_count > 0 or self.is_editing

    # ---- saving

    def settle(self, then: Callable[[], None], over: Callable[[], None] = nothing) -> None:
        """Hand over what an open editor holds, then call ``then``; not when it is refused, which the editor shows.

        Behind a save that is when the keys are there again, and what was selected. ``over`` is called in any case,
        behind that.
        """
        self._editing.commit()  # its job comes before this one
        done, needs_keys = partial(self._on_settled, then), self._document.is_indexed
        self._runner.start(Job("Saving", _nothing_at_all, done, edits=True, needs_keys=needs_keys), over=over)

    def _on_settled(self, then: Callable[[], None], _: object) -> None:
        if not self._editing.is_open:
            then()
            return
        self._editing.focus()
        if not self._editing.is_refused:
            name = self._document.name
            self._notices.show_info(f"Something else is being typed in {name} by now. Finish that, then try again.")

    def save(self, *, may_merge: bool = True) -> None:
        """Save all pending changes; `ended` follows.

        ``may_merge``: whether `conflicted` may lead to a choice; one that comes of a choice does not ask for ever.
        """
        self._may_merge = may_merge
        self._notices.clear()
        self.settle(self._look, self._on_over)

    def _look(self) -> None:
        """See first whether the file is there: trying to save would close what is still open of it."""
        self._editing.commit()  # closes what was opened since and holds nothing: typed into it would be lost
        if not self._document.pending_count:
            self._is_saved = True
        elif self._document.is_unsure:
            self._show_unsure()
        elif self._document.is_indexed:
            self._start(self._look_job)
        else:
            self._start(self._job)

    def _look_job(self) -> Job[FileState]:
        job = self._document.changed_on_disk_job()
        job.done = self._on_state
        return job

    def _on_state(self, state: FileState) -> None:
        if state.lost:
            self.lost.emit(state)
        else:
            self._start(self._job)

    def _start(self, make: Callable[[], Job[Any]]) -> None:
        """Start the next job of a save; while there is one, the save is not over."""
        attempt(make, self._runner, self._notices, "save", self._on_over)

    def _on_over(self) -> None:
        """Say how it ended once nothing of it is to come: the only place that does, whatever became of its jobs."""
        if not self.is_running:
            is_saved, self._is_saved = self._is_saved, False
            self.ended.emit(is_saved)

    def _job(self) -> Job[SaveReport]:
        kept = backups_kept()
        job = self._document.save_job(backup=kept > 0, backups_kept=kept or None)
        job.failed = self._on_failed
        return job

    def _on_failed(self, error: AppError) -> None:
        if self._document.is_unsure:
            self._show_unsure()
        elif isinstance(error, ChangedOnDisk) and error.keys and self._may_merge:
            self.conflicted.emit()
        else:
            self._show_failure(error, self.save)

    def _show_unsure(self) -> None:
        """Say that nobody knows whether the save was done, and read the keys, which tell."""
        error = EngineStopped(
            f"The process that saved {self._document.name} ended before it answered. The file is read again to see "
            "whether it was saved, as a whole or not at all; what was not is still here."
        )
        self._show_failure(error, self.save)
        self.rewritten.emit()

    def _show_failure(self, error: AppError, again: Callable[[], None]) -> None:
        """Show why nothing was saved, and the ways out; the changes stay."""
        can_help = not isinstance(error, ReadOnlyDatabase | KeyRejected | EngineBug)
        ways = (Choice("Try again", again),) if can_help else ()
        self._notices.show_error(error, *ways, Choice("Save as…", self.save_as_wanted.emit))

    def _on_saved(self, report: SaveReport) -> None:
        name = self._document.name
        done = _compacted(name, report) if self._is_compacting else f"Saved {name}."
        said = f"{done}{_kept(report)}"
        if report.warnings:
            self._notices.show_warning(" ".join((said, *report.warnings)))
        elif report.backups or self._is_compacting:
            self._notices.show_info(said)
        else:
            self.said.emit(said)  # a bar at every save would move what is being worked on
        self._is_saved = True
        self.rewritten.emit()

    # ---- compacting

    def compact(self) -> None:
        """Write the database anew without unused room; only when nothing is pending."""
        self._notices.clear()
        name = self._document.name
        if self._document.pending_count or self._editing.is_open:
            self._notices.show_info(
                f"{name} has changes that are not saved. Save or revert them first; then it can be compacted.",
                Choice("Save", self.save),
            )
            return
        self._editing.commit()  # closes what holds nothing: typed into it would be lost
        self._start(self._compact_job)

    def _compact_job(self) -> Job[SaveReport]:
        kept = backups_kept()
        job = self._document.compact_job(backup=kept > 0, backups_kept=kept or None)
        job.done = partial(self._on_compacted, job.done)
        job.failed = self._on_not_compacted
        return job

    def _on_not_compacted(self, error: AppError) -> None:
        self._show_failure(error, self.compact)
        if isinstance(error, EngineStopped):
            self.rewritten.emit()  # the files may be others now: places in them mean other entries then

    def _on_compacted(self, take: Callable[[SaveReport], None], report: SaveReport) -> None:
        self._is_compacting = True
        try:
            take(report)
        finally:
            self._is_compacting = False


def _compacted(name: str, report: SaveReport) -> str:
    before, after = report.bytes_before, report.bytes_after
    if after < before:
        return f"Compacted {name}: {before:,} bytes became {after:,}, {before - after:,} fewer."
    return f"Compacted {name}: it had no room to give back; it occupies {after:,} bytes."


def _kept(report: SaveReport) -> str:
    backups = ", ".join(backup.name for backup in report.backups)
    return f" The state before is kept in {backups}." if backups else ""


def _nothing_at_all(_token: CancelToken) -> None:
    pass
