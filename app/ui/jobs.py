"""Runs jobs in a thread and brings their outcomes back: the only file of the window with a thread."""

import traceback
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from queue import SimpleQueue
from threading import Thread
from time import monotonic

from PySide6.QtCore import QObject, Qt, QTimer, Signal, Slot

from app.cancel import CancelToken
from app.document.job import StreamJob
from app.errors import AppError
from app.ui.job_runs import AnyJob, Outcome, Run, attempt, closed

ACTIVITY_DELAY = 0.6
"""Seconds after which a job is shown as an activity."""
POLL = 100
"""Milliseconds between two looks at the progress of what runs."""


@dataclass(frozen=True, slots=True)
class Activity:
    """What is shown of a job that takes long. ``total`` is 0 while unknown."""

    title: str
    done: int
    total: int
    token: CancelToken
    can_cancel: bool


def nothing() -> None:
    """Do nothing: what is to be called where nobody wants to know."""


class JobRunner(QObject):
    """One thread that does one thing at a time, for one document.

    The next job's ``work`` starts only after the previous one's ``done`` has run on the interface
    thread, so what a job sees is what the one before it left. Streams go on step by step, in turns, while
    nothing else waits, or only what needs the keys that one of them gives, and what is behind that.
    Both queues are touched by the interface thread alone.
    """

    failed = Signal(object)
    """An `AppError` that its job has no ``failed`` for."""
    crashed = Signal(str)
    """The report of an exception that nobody expected."""
    activity_changed = Signal(object)
    """The `Activity` to show, or None."""
    idle = Signal()
    ended = Signal()
    """The thread has nothing more to do after `shut_down`."""

    _settled = Signal()
    _called = Signal()

    def __init__(self, name: str) -> None:
        super().__init__()
        self._waiting: deque[Run] = deque()
        self._streams: deque[Run] = deque()
        self._current: Run | None = None
        self._is_closing = False
        self._is_delivering = False
        self._shows_activity = False
        self._inbox: SimpleQueue[Callable[[], Outcome] | None] = SimpleQueue()
        self._outbox: SimpleQueue[Outcome] = SimpleQueue()
        self._calls: SimpleQueue[Callable[[], None]] = SimpleQueue()
        self._called.connect(self._on_called, Qt.ConnectionType.QueuedConnection)
        self._settled.connect(self._on_settled)  # the thread emits, so Qt queues the call to ours
        self._timer = QTimer(self, interval=POLL)
        self._timer.timeout.connect(self._on_poll)
        self._thread = Thread(target=self._serve, name=name)
        self._thread.start()

    # ---- called by the interface thread

    @property
    def is_idle(self) -> bool:
        return self._current is None and not self._waiting and not self._streams

    @property
    def has_waiting(self) -> bool:
        """Whether jobs other than streams are still to begin."""
        return bool(self._waiting)

    @property
    def has_edits(self) -> bool:
        """Whether changes are still to come of what waits or runs."""
        return any(run.edits for run in self._all_runs())

    @property
    def is_editing(self) -> bool:
        """Whether entries will be others by a job that waits or runs."""
        return any(run.lays_over for run in self._all_runs())

    def start(
        self,
        job: AnyJob,
        *,
        key: str = "",
        cancelled: Callable[[], None] = nothing,
        over: Callable[[], None] = nothing,
    ) -> CancelToken:
        """Queue a job; with a ``key``, earlier jobs of that key are cancelled and their outcomes dropped.

        ``cancelled`` is called when the job was given up and has ended, ``over`` last of all and whatever became of
        it; neither once the runner is shut down.
        """
        if key:
            self.cancel(key)
        run = Run(job, key, cancelled, over)
        if not self._is_closing:
            (self._streams if isinstance(job, StreamJob) else self._waiting).append(run)
            self._timer.start()
            self._dispatch()
        return run.token

    def cancel(self, key: str) -> None:
        """Give up all jobs of that key."""
        for run in self._all_runs():
            if run.key == key:
                run.cancel()

    def is_running(self, key: str) -> bool:
        """Tell whether a job of that key waits or runs and was not cancelled."""
        return any(run.key == key and not run.token.cancelled for run in self._all_runs())

    def shut_down(self, last: Callable[[], None]) -> None:
        """Give everything up and call ``last`` in the thread when it is free; `ended` follows. Does not wait."""
        if self._is_closing:
            return
        self._is_closing = True
        self._timer.stop()  # one that runs must not be deleted in whatever thread collects garbage
        runs = self._all_runs()
        for run in runs:
            run.cancel()
        self._inbox.put(partial(closed, runs, last))
        self._inbox.put(None)

    def join(self) -> None:
        """Wait for the thread's end; after `shut_down`."""
        self._thread.join()

    def _all_runs(self) -> list[Run]:
        return [*self._waiting, *self._streams, *([self._current] if self._current else [])]

    def _dispatch(self) -> None:
        if self._is_delivering:
            return  # what begins now would see what a ``done`` has left halfway
        while self._current is None and (run := self._next()) is not None:
            if run.token.cancelled and run.steps is None:
                self._tell(run.cancelled)
                self._tell(run.over)
                continue
            self._current = run
            self._inbox.put(run.step)
        if self.is_idle:
            self._timer.stop()
            self._on_poll()
            self.idle.emit()

    def _next(self) -> Run | None:
        giving = next((run for run in self._streams if run.gives_keys), None)
        if self._waiting and (giving is None or not self._waiting[0].needs_keys):
            return self._waiting.popleft()
        run = giving if self._waiting else next((run for run in self._streams if not run.waits), None)
        if run is None:
            return self._streams.popleft() if self._streams else None
        self._streams.remove(run)
        return run

    @Slot()
    def _on_settled(self) -> None:
        outcome = self._outbox.get()
        run, self._current = self._current, None
        if run is None or self._is_closing:
            return
        if not outcome.is_end:
            self._streams.append(run)
        self._is_delivering = True
        try:
            if not run.token.cancelled and not outcome.is_cancelled:
                self._tell(partial(self._deliver, run, outcome))
            elif outcome.is_end:
                self._tell(run.cancelled)
            if outcome.is_end:
                self._tell(run.over)
        finally:
            self._is_delivering = False
        self._dispatch()

    def _deliver(self, run: Run, outcome: Outcome) -> None:
        if outcome.report:
            self.crashed.emit(outcome.report)
        elif outcome.error is not None:
            self._fail(run, outcome.error)
        else:
            try:
                run.hand_over(outcome)
            except AppError as error:
                self._fail(run, error)

    def _tell(self, call: Callable[[], None]) -> None:
        """Call what a job wants to be called; what waits behind it goes on even where that fails."""
        try:
            call()
        except Exception:  # noqa: BLE001 - a bug of ours becomes a report; the window goes on
            self.crashed.emit(traceback.format_exc())

    def _fail(self, run: Run, error: AppError) -> None:
        if run.job.failed is not None:
            run.job.failed(error)
        else:
            self.failed.emit(error)

    @Slot()
    def _on_poll(self) -> None:
        late = monotonic() - ACTIVITY_DELAY
        shown = next(
            (run for run in reversed(self._all_runs()) if run.started < late and not run.token.cancelled), None
        )
        if shown is not None or self._shows_activity:
            self.activity_changed.emit(_activity(shown) if shown else None)
        self._shows_activity = shown is not None

    @Slot()
    def _on_called(self) -> None:
        call = self._calls.get()
        if not self._is_closing:
            self._tell(call)

    # ---- called by any thread

    def call_soon(self, call: Callable[[], None]) -> None:
        """Have the interface thread call something, until the runner is shut down; not after `ended`."""
        self._calls.put(call)
        self._called.emit()

    # ---- in the thread

    def _serve(self) -> None:
        while (call := self._inbox.get()) is not None:
            self._outbox.put(attempt(call))
            self._settled.emit()
        self.ended.emit()


def _activity(run: Run) -> Activity:
    return Activity(run.job.title, run.token.done, run.token.total, run.token, run.can_cancel)
