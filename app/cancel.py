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
