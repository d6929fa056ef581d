"""Ctrl-C and its relatives while a file is being written."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from app.cancel import CancelToken
from app.errors import Cancelled

_NAMES = ("SIGINT", "SIGTERM", "SIGHUP")  # Windows has no SIGHUP


class Interrupted(Exception):
    """The work was given up for a signal, and nothing of it was left behind."""

    def __init__(self, signal_number: int) -> None:
        super().__init__(signal_number)
        self.signal_number = signal_number


@contextmanager
def cancelled_by_signals(token: CancelToken) -> Iterator[None]:
    """Let signals cancel ``token`` instead of breaking in anywhere, so that the writer ends in a place of its choice.

    Work that is past its last check is completed. Signals that the program was started to ignore stay ignored.

    Raises:
        Interrupted: the token was cancelled by a signal.
    """
    seen: list[int] = []

    def cancel(signal_number: int, _frame: FrameType | None) -> None:
        seen.append(signal_number)
        token.cancel()

    numbers = [number for name in _NAMES if (number := getattr(signal, name, None)) is not None]
    before = {number: signal.getsignal(number) for number in numbers}
    for number, handler in before.items():
        if handler is not signal.SIG_IGN:
            signal.signal(number, cancel)
    try:
        yield
    except Cancelled:
        raise Interrupted(seen[0] if seen else signal.SIGINT) from None
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
