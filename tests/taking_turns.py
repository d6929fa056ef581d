"""Tests that measure the machine run alone, also when several processes share the tests among them.

Every test holds a lock together with those of the other processes; one marked ``alone`` holds it for itself.
"""

import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

if sys.platform != "win32":
    import fcntl


@contextmanager
def turn(item: pytest.Item) -> Iterator[None]:
    """Wait until the test may run; at once where only one process runs tests."""
    run = getattr(item.config, "workerinput", {}).get("testrunuid")
    if run is None or sys.platform == "win32":
        yield
        return
    # Who waits to be alone holds the gate, so that others do not pass for ever.
    gate, floor = _opened(f"{run}-gate"), _opened(run)
    try:
        how = fcntl.LOCK_EX if item.get_closest_marker("alone") else fcntl.LOCK_SH
        fcntl.flock(gate, how)
        fcntl.flock(floor, how)
        fcntl.flock(gate, fcntl.LOCK_UN)
        yield
    finally:
        os.close(gate)
        os.close(floor)


def _opened(name: str) -> int:
    return os.open(Path(tempfile.gettempdir(), f"shelfscope-tests-{name}"), os.O_RDWR | os.O_CREAT, 0o600)
