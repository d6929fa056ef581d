"""Work that cannot be left in the middle, done in slices all the same: in a thread of its own, which waits between."""

import time
from collections.abc import Callable, Iterator
from threading import Semaphore, Thread
from typing import Generic, TypeVar

from app.cancel import CancelToken

T = TypeVar("T")

SLICE_SECONDS = 0.05


class Stepwise(Generic[T]):
    """Does ``work`` a slice at a time; only one of the two threads runs at any time, so that they share all data.

    The work stops wherever it checks its token once its slice is over. ``result`` is there when the steps are.
    """

    def __init__(self, work: Callable[[CancelToken], T], token: CancelToken) -> None:
        """``token`` is that of whoever takes the steps."""
        self._work = work
        self._token = token
        self._turn, self._back = Semaphore(0), Semaphore(0)
        self._inner = _SlicedToken(self._wait)
        self._thread = Thread(target=self._run, name="slices", daemon=True)
        self._error: BaseException | None = None
        self._is_over = False
        self.result: T

    def steps(self) -> Iterator[tuple[int, int]]:
        """Yield done and total, as the work tells its token, after each slice; ended early, the work is cancelled.

        Raises: what the work does.
        """
        self._thread.start()
        try:
            while not self._is_over:
                self._token.check()
                self._inner.renew()
                self._turn.release()
                self._back.acquire()
                if not self._is_over:
                    yield self._inner.done, self._inner.total
        finally:
            self._end()
        if self._error is not None:
            raise self._error

    def _end(self) -> None:
        """Let the work find out that it is given up, if it is not done, and wait for its end."""
        self._inner.cancel()
        self._turn.release()
        self._thread.join()

    def _wait(self) -> None:
        """Give the turn back in the middle of the work, until the next slice begins."""
        self._back.release()
        self._turn.acquire()

    def _run(self) -> None:
        self._turn.acquire()
        try:
            self.result = self._work(self._inner)
        except BaseException as error:  # noqa: BLE001 - raised again in the thread that waits for it
            self._error = error
        self._is_over = True
        self._back.release()


class _SlicedToken(CancelToken):
    """Calls ``wait`` from `check` when the slice is over."""

    def __init__(self, wait: Callable[[], None]) -> None:
        super().__init__()
        self._wait = wait
        self._due = 0.0

    def renew(self) -> None:
        self._due = time.monotonic() + SLICE_SECONDS

    def check(self) -> None:
        super().check()
        if time.monotonic() >= self._due:
            self._wait()
            super().check()
