"""Giving up and watching work that may run long."""

from threading import Event

from app.errors import Cancelled


class CancelToken:
    """Shared by the one who asked for the work and the loop that does it.

    ``done`` and ``total`` count what the work itself counts (entries or bytes);
    ``total`` is 0 while it is unknown.
    """

    def __init__(self) -> None:
        self._event = Event()
        self.done = 0
        self.total = 0

    @property
    def cancelled(self) -> bool:
        return self._event.is_set()

    def cancel(self) -> None:
        self._event.set()

    def check(self) -> None:
        """Raise `Cancelled` once `cancel` was called; loops call it for every entry."""
        if self._event.is_set():
            raise Cancelled

    def advance(self, done: int, total: int = 0) -> None:
        """Note how far the work is, then `check`."""
        self.done = done
        self.total = total
        self.check()


class Pass(CancelToken):
    """One of several passes of some work: it counts on where the passes before it ended.

    What its own steps count, which is less than all of it, is not told.
    """

    def __init__(self, whole: CancelToken, *, before: int, counted: int, after: int = 0) -> None:
        super().__init__()
        self._whole = whole
        self._before = before
        self._counted = counted
        self._after = after

    @property
    def cancelled(self) -> bool:
        return self._whole.cancelled

    def cancel(self) -> None:
        self._whole.cancel()

    def check(self) -> None:
        self._whole.check()

    def advance(self, done: int, total: int = 0) -> None:
        if total < self._counted:
            self.check()
        else:
            self._whole.advance(self._before + done, self._before + total + self._after)
