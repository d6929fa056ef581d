"""What a tab does when another program wrote its file: read it again, or ask where there is something to lose."""

from collections.abc import Callable
from functools import partial
from time import monotonic

from PySide6.QtCore import QObject, QTimer, Signal, Slot

from app.backends.key_index import KeyIndex
from app.document.disk import DiskChanges
from app.document.document import Document
from app.document.job import Job
from app.engine.base import FileState
from app.errors import AppError
from app.ui.attempt import attempt
from app.ui.choices import Choice
from app.ui.dialogs.disk_changes import disk_changes, told
from app.ui.dialogs.list_dialog import ListDialog
from app.ui.dialogs.questions import ask_revert
from app.ui.jobs import JobRunner
from app.ui.merging import Merging
from app.ui.notices import NoticeBar
from app.ui.saving import Saving

_LOOK, _NOTE = "on-disk", "fingerprints"
_REST = 10
"""How many times longer than the work it rests afterwards: another program may write all the time."""
_LONGEST_REST = 30.0
"""Seconds of such a rest."""


class OnDisk(QObject):
    """Follows hints. What is pending is never touched before a person agreed."""

    said = Signal(str)
    """Something to be told quietly."""
    comparison_wanted = Signal()
    """What another program did is to be worked out beside the tab; `show_comparison` or `show_lost` answers."""
    reread_wanted = Signal()
    """The keys have to be read again."""
    reopen_wanted = Signal()
    """The file is to be opened anew: it is a database of another format."""
    save_as_wanted = Signal()

    def __init__(self, document: Document, saving: Saving, runner: JobRunner, notices: NoticeBar) -> None:
        super().__init__(notices)
        self.bar = NoticeBar("changed-on-disk-bar", "The file was changed by another program")
        self.is_lost = False
        """Whether the file is gone or is another one now, so that only what is open holds the entries."""
        self._document = document
        self._saving = saving
        self._runner = runner
        self._notices = notices
        self._is_due = False
        self._is_quiet = False
        self._before: KeyIndex | None = None
        """The keys before they were read again without being asked."""
        self._last = FileState()
        """What was followed last; a person is told of it once."""
        self._began: float | None = None
        self._rest_until = 0.0
        self._again = QTimer(self, singleShot=True)
        self._again.timeout.connect(self.look)
        self._shown: DiskChanges | None = None
        self._dismissed: DiskChanges | None = None
        self._is_undecided = False
        self._is_reverting = False
        self._merging = Merging(document, saving, runner, notices)
        self._merging.undecided.connect(self._on_undecided)
        document.indexed.connect(self._on_indexed)
        document.reloading.connect(self._on_reloading)
        document.pending_changed.connect(self._on_pending)
        saving.conflicted.connect(partial(self.merge, saves=True))
        saving.lost.connect(self._show_lost)
        saving.ended.connect(self._on_save_ended)

    # ---- seeing

    @Slot()
    def look(self) -> None:
        """Follow a hint that another program may have written the file."""
        if self._document.is_indexed and not self._saving.is_running:
            self._start_look(self._on_hinted_state, _LOOK)
        else:
            self._is_due = True  # when the keys are read

    def reread(self) -> None:
        """Read the keys again because a person wants that; not where that would cost what is shown."""
        if self._document.is_indexed:
            self._start_look(self._on_state_to_reread)
        else:
            self.reread_wanted.emit()

    def _start_look(self, take: Callable[[FileState], None], key: str = "") -> None:
        """Look at the file; with a ``key``, a later one of that key takes its place."""

        def make() -> Job[FileState]:
            job = self._document.changed_on_disk_job()
            job.done = take
            return job

        attempt(make, self._runner, self._notices, key)

    def _on_hinted_state(self, state: FileState) -> None:
        if state != self._last:
            self._on_state(state)

    def _on_state(self, state: FileState) -> None:
        self._last = state
        if state.other_format and not self._saving.has_work:
            self._is_quiet = True
            self.reopen_wanted.emit()
        elif state.lost:
            self._show_lost(state)
        elif not state.is_changed:
            self._settle()
        elif not self._may_begin():
            self._last = FileState()  # it is followed later
        elif self._saving.has_work:
            self.comparison_wanted.emit()
        else:
            self._is_quiet = True
            self._before = self._document.index
            self.reread_wanted.emit()

    def _may_begin(self) -> bool:
        """Tell whether it is time to read or compare without being asked; what comes too early is looked at again."""
        left = self._rest_until - monotonic()
        if left > 0:
            self._again.start(int(left * 1_000) + 1)
            return False
        self._began = monotonic()
        return True

    def _rest(self) -> None:
        """Let as much time as the work took, and more, go to other things."""
        began, self._began = self._began, None
        if began is not None:
            self._rest_until = monotonic() + min(_REST * (monotonic() - began), _LONGEST_REST)

    def _on_state_to_reread(self, state: FileState) -> None:
        if state.lost and not state.other_format:
            self._show_lost(state)
        elif state.other_format:
            self._on_state(state)
        else:
            self.reread_wanted.emit()

    def _settle(self) -> None:
        """Show nothing: the file is what it was."""
        self.is_lost = False
        self._last = FileState()
        self._shown = self._dismissed = None
        self._is_undecided = self._is_undecided and self._document.pending_count > 0
        if not self._is_undecided:
            self.bar.clear()

    def _on_indexed(self) -> None:
        self._settle()
        self._rest()
        if self._is_quiet:
            self._is_quiet = False
            self._say_what_was_read()
        self._on_pending()
        if self._is_reverting:
            self._is_reverting = False
            attempt(self._document.revert_all_job, self._runner, self._notices)
        if not self._merging.go_on() and self._is_due:
            self._is_due = False
            self.look()

    def _say_what_was_read(self) -> None:
        """Say that the file was written only where the entries prove it: its time alone tells of no writer."""
        name, before, self._before = self._document.name, self._before, None
        if before is not None and before.looks_like(self._document.index):
            self.said.emit(f"{name} was read again: another program may have written it.")
        else:
            self.said.emit(f"Another program wrote {name}: it was read again.")

    def give_up(self) -> None:
        """The keys could not be read: what was to follow does not, also when they are read later."""
        self._before = None
        self._is_quiet = self._is_reverting = False
        self._merging.give_up()

    @Slot(bool)
    def _on_save_ended(self, _is_saved: bool) -> None:
        if self._is_due and self._document.is_indexed:
            self._is_due = False
            self.look()

    def _on_reloading(self) -> None:
        for key in (_LOOK, _NOTE):
            self._runner.cancel(key)

    def _on_pending(self) -> None:
        """Take a note of what the entries are once there is something to lose; give up what is no longer of use."""
        if self._document.pending_count:
            job = None if self._runner.is_running(_NOTE) else self._document.fingerprints_job()
            if job is not None:
                self._runner.start(job, key=_NOTE)
        elif self._shown is not None or self._dismissed is not None or self._is_undecided:
            self._settle()
            self.look()

    # ---- the bar

    def show_comparison(self, changes: DiskChanges) -> None:
        """Say what another program did, and what can be done about it."""
        self.is_lost = False
        self._rest()
        if changes.is_same:
            self.bar.clear()
            if not self._saving.is_editing:
                self.reread_wanted.emit()
        elif changes != self._dismissed:
            self._show(changes)

    def _show(self, changes: DiskChanges) -> None:
        self._shown = changes
        self.bar.show_warning(
            told(self._document.name, changes),
            Choice("Merge…" if changes.colliding else "Merge", self.merge),
            Choice("Show…", partial(self._show_list, changes)),
            Choice("Save as…", self.save_as_wanted.emit),
            Choice("Keep mine for now", self._on_dismissed),
        )

    def _show_list(self, changes: DiskChanges) -> None:
        ListDialog(disk_changes(self._document.name, changes), self.bar).open()

    def _on_dismissed(self) -> None:
        self._dismissed, self._is_undecided = self._shown, False
        self.bar.clear()

    def _show_lost(self, state: FileState) -> None:
        self.show_lost(state.lost)

    def show_lost(self, sentence: str) -> None:
        """Say why the file can no longer be read; what is shown stays."""
        self.is_lost = True
        self._rest()
        kept = " Your changes are still here." if self._saving.has_work else " What was read of it is still here."
        self.bar.show_error(
            AppError(f"{sentence}{kept}"),
            Choice("Try again", self._try_again),
            Choice("Save as…", self.save_as_wanted.emit),
        )

    def _try_again(self) -> None:
        self._last = FileState()
        if self._document.is_indexed:
            self.look()
        else:
            self.reopen_wanted.emit()

    # ---- going back

    def revert(self) -> None:
        """Ask, then read the file again and take all pending changes back, in one edit that can be undone."""
        count = max(self._document.change_count, int(self._saving.is_editing))
        if count:
            ask_revert(self._document.name, count, self._on_revert_agreed, self.bar.window())

    def _on_revert_agreed(self) -> None:
        self._saving.settle(partial(self._start_look, self._on_state_to_revert))

    def _on_state_to_revert(self, state: FileState) -> None:
        if state.lost:
            self._show_lost(state)
        else:
            self._is_reverting = True
            self.reread_wanted.emit()

    # ---- merging

    def merge(self, *, saves: bool = False) -> None:
        """Take over what is in the file now; what was changed here as well is asked for. Then save, if ``saves``."""
        self._saving.settle(partial(self._start_look, partial(self._on_state_to_merge, saves=saves)))

    def _on_state_to_merge(self, state: FileState, *, saves: bool) -> None:
        if state.lost:
            self._show_lost(state)
        else:
            self._merging.begin(saves=saves)
            self._is_undecided = False
            self.reread_wanted.emit()

    def _on_undecided(self, count: int, saves: bool) -> None:
        self._is_undecided = True
        what = "an entry" if count == 1 else f"{count:,} entries"
        self.bar.show_warning(
            f"Another program changed {what} that you changed too. Choose before you save; nothing was saved.",
            Choice("Choose…", partial(self.merge, saves=saves)),
            Choice("Save as…", self.save_as_wanted.emit),
            Choice("Keep mine for now", self._on_dismissed),
        )
