"""Work that may take longer than a frame, described without saying where it runs.

The window runs jobs in a thread (`app.ui.jobs`), the command line and tests run them at once (`run_now`).
``done``, ``item`` and ``failed`` run where the document lives. ``work`` and ``steps`` never change the document, and
look at it only when they begin: jobs of one document run one after another, each after the ``done`` of the one before.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Generic, TypeVar

from app.cancel import CancelToken
from app.errors import AppError

T = TypeVar("T")


def _ignore(_outcome: object) -> None:
    pass


@dataclass(slots=True)
class Job(Generic[T]):
    """One call with one outcome. ``cancellable`` is false for a save.

    ``edits``: whether it makes or leads to a change that somebody asked for, which is lost with it.
    ``lays_over``: whether its outcome is such a change, so that entries are others then.
    ``needs_keys``: whether it begins only when all keys are known, or no more of them are to come.
    """

    title: str
    work: Callable[[CancelToken], T]
    done: Callable[[T], None] = _ignore
    failed: Callable[[AppError], None] | None = None
    cancellable: bool = True
    edits: bool = False
    lays_over: bool = False
    needs_keys: bool = False


@dataclass(slots=True)
class StreamJob(Generic[T]):
    """A long series of short steps; other jobs may run between two of them. ``item`` gets what each step gave.

    ``can_wait``: after its first step it goes on only while no other stream does. ``gives_keys``: whether jobs that
    need all keys wait for its end.
    """

    title: str
    steps: Callable[[CancelToken], Iterator[T]]
    item: Callable[[T], None]
    done: Callable[[], None] = lambda: None
    failed: Callable[[AppError], None] | None = None
    can_wait: bool = False
    gives_keys: bool = False


def run_now(job: "Job[T] | StreamJob[T]", token: CancelToken | None = None) -> None:
    """Run a job to its end in this thread; its AppError goes to ``failed``, or is raised where there is none."""
    token = token or CancelToken()
    try:
        if isinstance(job, StreamJob):
            for item in job.steps(token):
                job.item(item)
            job.done()
        else:
            job.done(job.work(token))
    except AppError as error:
        if job.failed is None:
            raise
        job.failed(error)
