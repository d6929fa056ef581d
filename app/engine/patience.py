"""How long the window waits for a call to the engine's process, and when it kills that instead."""

import time
from math import inf

STEP_SECONDS = 300.0
"""For work of any length, as long as it gives no sign of life."""
_START_SECONDS = 60.0
CANCEL_SECONDS = 0.5
"""How long a cancelled call may take to give up before its process is killed."""
_CLEARING_SECONDS = 60.0
"""The same for one that writes a database, which has to take away what it began."""


class Patience:
    """How long a call is waited for in silence; each sign of life renews it until the call is cancelled."""

    def __init__(self, seconds: float, *, is_writing: bool = False) -> None:
        self.seconds = seconds
        self.is_writing = is_writing
        """Whether a new database is made, which is there when the answer is, be the call cancelled or not."""
        self.is_cancelled = False
        self._deadline = time.monotonic() + seconds

    @property
    def is_endless(self) -> bool:
        """Whether the call is a save, which is neither cancelled nor killed."""
        return self.seconds == inf

    def renew(self) -> None:
        if not self.is_cancelled:
            self._deadline = time.monotonic() + self.seconds

    def cancel(self) -> None:
        self.is_cancelled = True
        self._deadline = time.monotonic() + (_CLEARING_SECONDS if self.is_writing else CANCEL_SECONDS)

    def is_over(self, *, starting: bool) -> bool:
        """Tell whether to give up; the start of the process does not count as time of the call."""
        grace = _START_SECONDS if starting and not self.is_cancelled else 0.0
        return time.monotonic() > self._deadline + grace


def writing() -> Patience:
    """Return the patience with a call that writes a new database."""
    return Patience(STEP_SECONDS, is_writing=True)
