"""Work beside the tabs: jobs that have an engine of their own, each in a thread of its own."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from PySide6.QtCore import QObject, Signal, Slot

from app.document.job import Job
from app.ui.jobs import Activity, JobRunner, nothing


@dataclass(slots=True)
class _Errand:
    """A job on its way. ``last`` is called in its thread at the end."""

    title: str
    last: Callable[[], None]
    is_awaited: bool
    activity: Activity | None = None


class Errands(QObject):
    """Starts errands and ends their threads; what they are about is not known here."""

    failed = Signal(object)
    """An `AppError` that its job has no ``failed`` for."""
    crashed = Signal(str)
    """The report of an exception that nobody expected."""
    activity_changed = Signal(object)
    """The `Activity` of the errand that was started last and takes long, or None."""

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self._running: dict[JobRunner, _Errand] = {}
        self._ending: list[JobRunner] = []

    @property
    def is_idle(self) -> bool:
        return not self._running

    @property
    def titles(self) -> Sequence[str]:
        """What is going on that somebody waits for."""
        return [errand.title for errand in self._running.values() if errand.is_awaited]

    def start(
        self,
        job: Job[Any],
        *,
        cancelled: Callable[[], None] = nothing,
        last: Callable[[], None] = nothing,
        is_awaited: bool = True,
    ) -> None:
        """Run a job; ``cancelled`` is called when it was given up, ``last`` in its thread at the end."""
        runner = JobRunner(job.title)
        self._running[runner] = _Errand(job.title, last, is_awaited)
        runner.failed.connect(self.failed)
        runner.crashed.connect(self.crashed)
        runner.activity_changed.connect(self._on_activity)
        runner.idle.connect(self._on_idle)
        runner.ended.connect(self._on_ended)
        runner.start(job, cancelled=cancelled)

    def shut_down(self) -> None:
        """Give up all errands; `join` waits for them."""
        for runner in list(self._running):
            self._end(runner)

    def join(self) -> None:
        for runner in self._ending:
            runner.join()
        self._ending.clear()

    def _end(self, runner: JobRunner) -> None:
        errand = self._running.pop(runner)
        self._ending.append(runner)
        self._show_activity()
        runner.shut_down(errand.last)

    @Slot()
    def _on_idle(self) -> None:
        runner = self.sender()
        if isinstance(runner, JobRunner) and runner in self._running:
            self._end(runner)

    @Slot()
    def _on_ended(self) -> None:
        runner = self.sender()
        if isinstance(runner, JobRunner) and runner in self._ending:
            runner.join()
            self._ending.remove(runner)

    @Slot(object)
    def _on_activity(self, activity: Activity | None) -> None:
        runner = self.sender()
        if isinstance(runner, JobRunner) and runner in self._running:
            self._running[runner].activity = activity
            self._show_activity()

    def _show_activity(self) -> None:
        shown = [errand.activity for errand in self._running.values() if errand.activity is not None]
        self.activity_changed.emit(shown[-1] if shown else None)
