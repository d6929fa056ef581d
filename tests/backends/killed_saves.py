"""Saves that are killed: run in a process of its own, which is a single thread and can fork.

``python -m tests.backends.killed_saves`` reads a format and a folder a line, and prints what is read after each kill of
a save there: ``old`` or ``new``; both are JSON.
"""

import json
import os
import random
import signal
import sys
import time
from collections.abc import Callable
from itertools import count
from pathlib import Path

from tests.backends.failing_files import FailingOperations
from tests.backends.saving_variants import Variant
from tests.backends.test_killed_saves import operations_of, prepare, save_changes, what_is_read

TIMED_KILLS = 20
"""One at a random moment of each twentieth of the time that a save takes."""


def serve() -> None:
    for line in sys.stdin:
        format_id, folder = json.loads(line)
        sys.stdout.write(json.dumps(read_after_kills(Variant(format_id), Path(folder))) + "\n")
        sys.stdout.flush()


def read_after_kills(variant: Variant, folder: Path) -> list[str]:
    start = time.monotonic()
    steps = operations_of(variant, folder / "whole", "save").done
    seconds = time.monotonic() - start
    moments = random.Random(1)
    kills = [before_operation(number) for number in range(steps + 1)]
    kills += [after((part + moments.random()) / TIMED_KILLS * seconds) for part in range(TIMED_KILLS)]
    return [read_after(variant, folder / f"{number}", kill) for number, kill in enumerate(kills)]


def before_operation(number: int) -> Callable[[], FailingOperations]:
    """Return what makes operations of which one kills the process that asks for it."""
    asked = count()

    def kill(_operation: str) -> None:
        if next(asked) == number:
            os.kill(os.getpid(), signal.SIGKILL)

    return lambda: FailingOperations(before=kill)


def after(seconds: float) -> Callable[[], FailingOperations]:
    """Return what has the process killed by the system some time after it was asked for operations."""

    def operations() -> FailingOperations:
        signal.signal(signal.SIGALRM, signal.SIG_DFL)  # which ends the process at once, as SIGKILL does
        signal.setitimer(signal.ITIMER_REAL, max(seconds, 1e-6))
        return FailingOperations()

    return operations


def read_after(variant: Variant, folder: Path, kill: Callable[[], FailingOperations]) -> str:
    prepare(variant, folder, "save")
    child = os.fork()
    if not child:
        save_changes(variant, folder, kill())
        os._exit(0)
    os.waitpid(child, 0)
    return what_is_read(variant, folder, "save")


if __name__ == "__main__":
    serve()
