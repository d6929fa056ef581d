"""Jobs on their way: the steps that the thread takes, and what came of each."""

import traceback
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from time import monotonic
from typing import Any, TypeAlias

from app.cancel import CancelToken
from app.document.job import Job, StreamJob
from app.errors import AppError, Cancelled

AnyJob: TypeAlias = Job[Any] | StreamJob[Any]


@dataclass(frozen=True, slots=True)
class Outcome:
    """``is_end`` is false when a stream has more steps."""

    value: Any = None
    error: AppError | None = None
    report: str = ""
    is_end: bool = True
    is_cancelled: bool = False


@dataclass(slots=True, eq=False)
class Run:
    """A job on its way. ``steps`` is the iterator of a stream that has started."""

    job: AnyJob
    key: str
    cancelled: Callable[[], None]
    over: Callable[[], None]
    token: CancelToken = field(default_factory=CancelToken)
    started: float = field(default_factory=monotonic)
    steps: Iterator[Any] | None = None

    # ---- called by the interface thread

    @property
    def can_cancel(self) -> bool:
        return isinstance(self.job, StreamJob) or self.job.cancellable

    @property
    def waits(self) -> bool:
        """Whether other streams go before the next step."""
        return isinstance(self.job, StreamJob) and self.job.can_wait and self.steps is not None

    @property
    def needs_keys(self) -> bool:
        """Whether streams that give keys go before it."""
        return isinstance(self.job, Job) and self.job.needs_keys and not self.token.cancelled

    @property
    def gives_keys(self) -> bool:
        return isinstance(self.job, StreamJob) and self.job.gives_keys

    @property
    def edits(self) -> bool:
        """Whether changes are still to come of it."""
        return isinstance(self.job, Job) and self.job.edits and not self.token.cancelled

    @property
    def lays_over(self) -> bool:
        """Whether entries will be others by it."""
        return self.edits and isinstance(self.job, Job) and self.job.lays_over

    def cancel(self) -> None:
        if self.can_cancel:
            self.token.cancel()

    def hand_over(self, outcome: Outcome) -> None:
        """Give the job what came of it."""
        if isinstance(self.job, Job):
            self.job.done(outcome.value)
        elif outcome.is_end:
            self.job.done()
        else:
            self.job.item(outcome.value)

    # ---- in the thread

    def step(self) -> Outcome:
        """Do the work of a job, or the next step of a stream's."""
        if isinstance(self.job, Job):
            self.token.check()
            return Outcome(self.job.work(self.token))
        if self.token.cancelled:
            self.close()
            return Outcome()
        if self.steps is None:
            self.steps = self.job.steps(self.token)
        try:
            return Outcome(next(self.steps), is_end=False)
        except StopIteration:
            return Outcome()

    def close(self) -> None:
        """Let go of what the steps hold; a generator removes its temporary file then."""
        close = getattr(self.steps, "close", None)
        if close is not None:
            close()


def attempt(call: Callable[[], Outcome]) -> Outcome:
    """Return what came of a call, whatever it raises."""
    try:
        return call()
    except AppError as error:
        return Outcome(error=error)
    except Cancelled:
        return Outcome(is_cancelled=True)
    except Exception:  # noqa: BLE001 - a bug of ours becomes a report; the window goes on
        return Outcome(report=traceback.format_exc())


def closed(runs: Iterable[Run], last: Callable[[], None]) -> Outcome:
    """Close what was given up, and call ``last`` after it."""
    for run in runs:
        run.close()
    last()
    return Outcome()
