"""Saving and compacting the database of a tab, and what is said of how that ended."""

from collections.abc import Callable, Sequence
from functools import partial

from PySide6.QtCore import QObject, Signal

from app.backends.base import SaveReport
from app.cancel import CancelToken
from app.document.document import Document
from app.document.job import Job
from app.errors import AppError, ChangedOnDisk, ReadOnlyDatabase, SaveFailed
from app.ui.attempt import attempt
from app.ui.choices import Choice
from app.ui.jobs import JobRunner
from app.ui.models.entry_table import short_key_text
from app.ui.notices import NoticeBar
from app.ui.value_editing import ValueEditing

_KEYS_NAMED = 3
"""Keys that a sentence names."""


class Saving(QObject):
    """Saves what is pending, an open editor's text included."""

    ended = Signal(bool)
    """A save is over; True when everything is saved."""
    rewritten = Signal()
    """The files are others now, or may be: their keys have to be read again."""
    save_as_wanted = Signal()

    def __init__(self, document: Document, editing: ValueEditing, runner: JobRunner, notices: NoticeBar) -> None:
        super().__init__(notices)
        self._document = document
        self._editing = editing
        self._runner = runner
        self._notices = notices
        self._is_compacting = False
        document.saved.connect(self._on_saved)

    @property
    def is_running(self) -> bool:
        return self._runner.is_running("save")

    # ---- saving

    def settle(self, then: Callable[[], None]) -> None:
        """Hand over what an open editor holds, then call ``then``; not when it is refused, which the editor shows."""
        self._editing.commit()  # its job comes before this one
        self._runner.start(Job("Saving", _nothing_at_all, partial(self._on_settled, then)))

    def _on_settled(self, then: Callable[[], None], _: object) -> None:
        if self._editing.is_open:
            self.ended.emit(False)
        else:
            then()

    def save(self) -> None:
        """Save all pending changes; `ended` follows."""
        self._notices.clear()
        self.settle(self._save)

    def _save(self) -> None:
        if not self._document.pending_changes:
            self.ended.emit(True)
        elif not attempt(self._job, self._runner, self._notices, "save"):
            self.ended.emit(False)

    def _job(self) -> Job[SaveReport]:
        job = self._document.save_job()
        job.failed = self._on_failed
        return job

    def _on_failed(self, error: AppError) -> None:
        if isinstance(error, ChangedOnDisk) and error.keys:
            error = AppError(_conflict(self._document.name, error.keys), path=self._document.path)
            self.rewritten.emit()  # so that Revert finds what is there now
        self._show_failure(error)
        self.ended.emit(False)

    def _show_failure(self, error: AppError) -> None:
        """Show why nothing was saved, and the way out where there is one."""
        if isinstance(error, ReadOnlyDatabase | SaveFailed):
            self._notices.show_error(error, Choice("Save as…", self.save_as_wanted.emit))
        else:
            self._notices.show_error(error)

    def _on_saved(self, report: SaveReport) -> None:
        name = self._document.name
        done = _compacted(name, report) if self._is_compacting else f"Saved {name}."
        said = f"{done}{_kept(report)}"
        if report.warnings:
            self._notices.show_warning(" ".join((said, *report.warnings)))
        else:
            self._notices.show_info(said)
        self.rewritten.emit()
        self.ended.emit(True)

    # ---- compacting

    def compact(self) -> None:
        """Write the database anew without unused room; only when nothing is pending."""
        self._notices.clear()
        name = self._document.name
        if self._document.pending_changes or self._editing.is_open:
            self._notices.show_info(
                f"{name} has changes that are not saved. Save or revert them first; then it can be compacted.",
                Choice("Save", self.save),
            )
            return
        attempt(self._compact_job, self._runner, self._notices, "save")

    def _compact_job(self) -> Job[SaveReport]:
        job = self._document.compact_job()
        job.done = partial(self._on_compacted, job.done)
        job.failed = self._show_failure
        return job

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


def _conflict(name: str, keys: Sequence[bytes]) -> str:
    more = f" and {len(keys) - _KEYS_NAMED:,} more" if len(keys) > _KEYS_NAMED else ""
    named = ", ".join(short_key_text(key) for key in keys[:_KEYS_NAMED])
    return (
        f"Nothing was saved: another program changed {named}{more} in {name} as well. "
        "Revert the entry to see what is there now; Undo then brings your change back."
    )


def _nothing_at_all(_token: CancelToken) -> None:
    pass
