"""Runs jobs in a thread and brings their outcomes back: the only file of the window with a thread."""

import traceback
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from queue import SimpleQueue
from threading import Thread
from time import monotonic
from typing import Any, TypeAlias

from PySide6.QtCore import QObject, Qt, QTimer, Signal, Slot

from app.cancel import CancelToken
from app.document.job import Job, StreamJob
from app.errors import AppError, Cancelled

ACTIVITY_DELAY = 0.6
"""Seconds after which a job is shown as an activity."""
POLL = 100
"""Milliseconds between two looks at the progress of what runs."""

_AnyJob: TypeAlias = Job[Any] | StreamJob[Any]


@dataclass(frozen=True, slots=True)
class Activity:
    """What is shown of a job that takes long. ``total`` is 0 while unknown."""

    title: str
    done: int
    total: int
    token: CancelToken
    can_cancel: bool


@dataclass(slots=True, eq=False)
class _Run:
    """A job on its way. ``steps`` is the iterator of a stream that has started."""

    job: _AnyJob
    key: str
    cancelled: Callable[[], None]
    over: Callable[[], None]
    token: CancelToken = field(default_factory=CancelToken)
    started: float = field(default_factory=monotonic)
    steps: Iterator[Any] | None = None

    @property
    def can_cancel(self) -> bool:
        return isinstance(self.job, StreamJob) or self.job.cancellable

    @property
    def waits(self) -> bool:
        """Whether other streams go before the next step."""
        return isinstance(self.job, StreamJob) and self.job.can_wait and self.steps is not None

    def cancel(self) -> None:
        if self.can_cancel:
            self.token.cancel()


@dataclass(frozen=True, slots=True)
class _Outcome:
    """``is_end`` is false when a stream has more steps."""

    value: Any = None
    error: AppError | None = None
    report: str = ""
    is_end: bool = True
    is_cancelled: bool = False


def nothing() -> None:
    """Do nothing: what is to be called where nobody wants to know."""


class JobRunner(QObject):
    """One thread that does one thing at a time, for one document.

    The next job's ``work`` starts only after the previous one's ``done`` has run on the interface
    thread, so what a job sees is what the one before it left. Streams go on step by step, in turns, while
    nothing else waits. Both queues are touched by the interface thread alone.
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
        self._waiting: deque[_Run] = deque()
        self._streams: deque[_Run] = deque()
        self._current: _Run | None = None
        self._is_closing = False
        self._is_delivering = False
        self._shows_activity = False
        self._inbox: SimpleQueue[Callable[[], _Outcome] | None] = SimpleQueue()
        self._outbox: SimpleQueue[_Outcome] = SimpleQueue()
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
        return any(_edits(run) for run in self._all_runs())

    @property
    def is_editing(self) -> bool:
        """Whether entries will be others by a job that waits or runs."""
        return any(isinstance(run.job, Job) and run.job.lays_over and _edits(run) for run in self._all_runs())

    def start(
        self,
        job: _AnyJob,
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
        run = _Run(job, key, cancelled, over)
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
        self._inbox.put(partial(_closed, runs, last))
        self._inbox.put(None)

    def join(self) -> None:
        """Wait for the thread's end; after `shut_down`."""
        self._thread.join()

    def _all_runs(self) -> list[_Run]:
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
            self._inbox.put(partial(_step, run))
        if self.is_idle:
            self._timer.stop()
            self._on_poll()
            self.idle.emit()

    def _next(self) -> _Run | None:
        if self._waiting:
            return self._waiting.popleft()
        run = next((run for run in self._streams if not run.waits), None)
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

    def _deliver(self, run: _Run, outcome: _Outcome) -> None:
        if outcome.report:
            self.crashed.emit(outcome.report)
        elif outcome.error is not None:
            self._fail(run, outcome.error)
        else:
            try:
                _hand_over(run.job, outcome)
            except AppError as error:
                self._fail(run, error)

    def _tell(self, call: Callable[[], None]) -> None:
        """Call what a job wants to be called; what waits behind it goes on even where that fails."""
        try:
            call()
        except Exception:  # noqa: BLE001 - a bug of ours becomes a report; the window goes on
            self.crashed.emit(traceback.format_exc())

    def _fail(self, run: _Run, error: AppError) -> None:
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
            self._outbox.put(_attempt(call))
            self._settled.emit()
        self.ended.emit()


def _edits(run: _Run) -> bool:
    return isinstance(run.job, Job) and run.job.edits and not run.token.cancelled


def _activity(run: _Run) -> Activity:
    return Activity(run.job.title, run.token.done, run.token.total, run.token, run.can_cancel)


def _hand_over(job: _AnyJob, outcome: _Outcome) -> None:
    if isinstance(job, Job):
        job.done(outcome.value)
    elif outcome.is_end:
        job.done()
    else:
        job.item(outcome.value)


def _attempt(call: Callable[[], _Outcome]) -> _Outcome:
    try:
        return call()
    except AppError as error:
        return _Outcome(error=error)
    except Cancelled:
        return _Outcome(is_cancelled=True)
    except Exception:  # noqa: BLE001 - a bug of ours becomes a report; the window goes on
        return _Outcome(report=traceback.format_exc())


def _step(run: _Run) -> _Outcome:
    if isinstance(run.job, Job):
        run.token.check()
        return _Outcome(run.job.work(run.token))
    if run.token.cancelled:
        _close(run.steps)
        return _Outcome()
    if run.steps is None:
        run.steps = run.job.steps(run.token)
    try:
        return _Outcome(next(run.steps), is_end=False)
    except StopIteration:
        return _Outcome()


def _close(steps: Iterator[Any] | None) -> None:
    close = getattr(steps, "close", None)  # a generator removes its temporary file then
    if close is not None:
        close()


def _closed(runs: list[_Run], last: Callable[[], None]) -> _Outcome:
    for run in runs:
        _close(run.steps)
    last()
    return _Outcome()
