"""Starting work that may be refused before it begins."""

from collections.abc import Callable
from typing import Any

from app.document.job import Job
from app.errors import AppError
from app.ui.jobs import JobRunner, nothing
from app.ui.notices import NoticeBar


def attempt(
    make: Callable[[], Job[Any] | None],
    runner: JobRunner,
    notices: NoticeBar,
    key: str = "",
    over: Callable[[], None] = nothing,
) -> bool:
    """Make a job and start it, with an ``over`` as `JobRunner.start` has it; show why it cannot be made.

    Tell whether it was started.
    """
    try:
        job = make()
    except AppError as error:
        notices.show_error(error)
        return False
    if job is not None:
        runner.start(job, key=key, over=over)
    return job is not None
