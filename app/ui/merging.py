"""Merging pending changes with what another program stored: the question for each entry, and what comes of it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial

from PySide6.QtCore import QObject, Signal, Slot

from app.cancel import CancelToken
from app.document.document import Document
from app.document.draft import Edited
from app.document.job import Job, StreamJob
from app.document.merging import Choice as Side
from app.document.merging import Conflict, Sides
from app.errors import AppError
from app.ui.attempt import attempt
from app.ui.choices import Choice
from app.ui.dialogs.merge_dialog import LISTED, MergeDialog
from app.ui.jobs import JobRunner
from app.ui.notices import NoticeBar
from app.ui.saving import Saving

_SIDES = "sides"


@dataclass(slots=True)
class _Merge:
    """A merge on its way; ``saves``: whether everything is saved at its end."""

    saves: bool
    conflicts: Sequence[Conflict] = ()


class Merging(QObject):
    """Goes on once the keys are read again: entries of others are there then, mine lie over them."""

    undecided = Signal(int, bool)
    """How many entries were to be decided on and were not, and whether everything was to be saved."""

    def __init__(self, document: Document, saving: Saving, runner: JobRunner, notices: NoticeBar) -> None:
        super().__init__(notices)
        self._document = document
        self._saving = saving
        self._runner = runner
        self._notices = notices
        self._merge: _Merge | None = None
        document.reloading.connect(self._on_reloading)

    def begin(self, *, saves: bool) -> None:
        """Merge when the keys were read again, which comes next."""
        self._merge = _Merge(saves)

    def give_up(self) -> None:
        """Merge nothing: the keys could not be read."""
        self._merge = None

    def go_on(self) -> bool:
        """Look for entries that both changed; tell whether a merge was on its way."""
        return self._merge is not None and attempt(self._conflicts_job, self._runner, self._notices)

    def _on_reloading(self) -> None:
        self._runner.cancel(_SIDES)

    def _conflicts_job(self) -> Job[list[Conflict]]:
        job = self._document.conflicts_job()
        job.done = self._on_conflicts
        job.failed = self._on_failed
        return job

    def _on_failed(self, error: AppError) -> None:
        self.give_up()
        self._notices.show_error(error)

    def _on_conflicts(self, conflicts: list[Conflict]) -> None:
        merge, self._merge = self._merge, None
        if merge is None:
            return
        merge.conflicts = conflicts
        if conflicts:
            self._ask(merge)
        else:
            self._end(merge)

    def _ask(self, merge: _Merge) -> None:
        action = "Merge and save" if merge.saves else "Merge"
        dialog = MergeDialog(self._document.name, merge.conflicts, action, self._notices.window())
        dialog.decided.connect(partial(self._on_decided, merge))
        dialog.rejected.connect(partial(self.undecided.emit, len(merge.conflicts), merge.saves))
        dialog.finished.connect(self._on_asked)
        shown = merge.conflicts[:LISTED]
        jobs = [self._document.conflict_job(conflict) for conflict in shown]
        stream = StreamJob("Comparing", partial(_sides, jobs), partial(_show_sides, dialog), failed=_ignore)
        self._runner.start(stream, key=_SIDES)
        dialog.open()

    @Slot(int)
    def _on_asked(self, _answer: int) -> None:
        self._runner.cancel(_SIDES)

    def _on_decided(self, merge: _Merge, decisions: list[tuple[Conflict, Side]]) -> None:
        def make() -> Job[Edited]:
            job = self._document.resolve_all_job(decisions)
            take = job.done

            def done(edited: Edited) -> None:
                take(edited)
                self._end(merge)

            job.done = done
            return job

        attempt(make, self._runner, self._notices)

    def _end(self, merge: _Merge) -> None:
        count = self._document.change_count
        if merge.saves and count:
            self._saving.save(may_merge=bool(merge.conflicts))
            return
        yours = "Nothing of yours is left to save."
        if count:
            yours = "Your change is not saved yet." if count == 1 else f"Your {count:,} changes are not saved yet."
        save = (Choice("Save", self._saving.save),) if count else ()
        self._notices.show_info(f"Merged with what is in {self._document.name} now. {yours}", *save)


def _sides(jobs: Sequence[Job[Sides]], token: CancelToken) -> Iterator[tuple[int, Sides]]:
    for place, job in enumerate(jobs):
        yield place, job.work(token)


def _show_sides(dialog: MergeDialog, found: tuple[int, Sides]) -> None:
    dialog.show_sides(*found)


def _ignore(_error: AppError) -> None:
    pass
