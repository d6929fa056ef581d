"""What the pending changes of a tab do, as places with their texts before and after."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial

from PySide6.QtCore import QObject, Signal

from app.cancel import CancelToken
from app.document.differences import Difference, DifferenceKind, Differences
from app.document.document import Document, PendingChange
from app.document.history import EntryRef
from app.document.job import Job, StreamJob
from app.errors import AppError
from app.ui.jobs import JobRunner

_COMPARED = 500
"""Changes whose values are compared; the others are listed without."""
_KEY = "differences"


@dataclass(frozen=True, slots=True)
class _Compared:
    change: PendingChange
    differences: Differences


class Comparing(QObject):
    """Compares stored and pending values while nothing else is to be done, and keeps the outcomes."""

    changed = Signal()
    """More is known."""

    def __init__(self, document: Document, runner: JobRunner, parent: QObject) -> None:
        super().__init__(parent)
        self._document = document
        self._runner = runner
        self._known: dict[EntryRef, _Compared] = {}
        self._is_stale = True
        document.pending_changed.connect(self._on_changed)
        document.indexed.connect(self._on_changed)
        document.reloading.connect(self._on_reloading)

    def of(self, change: PendingChange) -> Differences | None:
        """Return what a change does, None while that is not known."""
        known = self._known.get(change.ref)
        return known.differences if known is not None and known.change is change else None

    def look(self) -> None:
        """Compare what was not compared yet; `changed` follows."""
        if not self._is_stale or self._runner.is_running(_KEY) or not self._document.is_indexed:
            return
        self._is_stale = False
        pending = self._document.first_changes(_COMPARED)
        self._known = {change.ref: self._known[change.ref] for change in pending if self.of(change) is not None}
        unknown = [change for change in pending if change.ref not in self._known]
        places = [(change, self._document.entry_of(change.ref)) for change in unknown]
        jobs = [(change, self._document.differences_job(place)) for change, place in places if place is not None]
        if jobs:
            steps = partial(_compared, jobs)
            self._runner.start(StreamJob("Comparing", steps, self._on_compared, self._on_done, _ignore), key=_KEY)

    def _on_compared(self, compared: _Compared) -> None:
        self._known[compared.change.ref] = compared

    def _on_done(self) -> None:
        self.changed.emit()

    def _on_changed(self) -> None:
        self._is_stale = True

    def _on_reloading(self) -> None:
        self._is_stale = True
        self._runner.cancel(_KEY)  # it would ask by entry ids that mean others by then


def _compared(jobs: Sequence[tuple[PendingChange, Job[Differences]]], token: CancelToken) -> Iterator[_Compared]:
    for change, job in jobs:
        try:
            differences = job.work(token)
        except AppError as error:
            differences = Differences((Difference("", DifferenceKind.CHANGED, "", error.message),))
        yield _Compared(change, differences)


def _ignore(_error: AppError) -> None:
    pass
