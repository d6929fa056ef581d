"""Keeping Python's collector of cycles away from work that makes very many objects, none of them in a cycle."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock

MANY = 5_000
"""Entries from which on the collector is kept away."""

_lock = Lock()
_spared = 0
_was_enabled = False


@contextmanager
def spared(count: int) -> Iterator[None]:
    """Work on ``count`` entries; where these are many, the collector looks neither now nor later at what they need.

    It stops all threads while it looks, a quarter of a second where a hundred thousand entries were edited. Reference
    counts free these objects.
    """
    if count < MANY:
        yield
        return
    _begin()
    try:
        yield
    finally:
        _end()


def _begin() -> None:
    global _spared, _was_enabled  # noqa: PLW0603 - there is one collector in the process
    with _lock:
        if not _spared:
            _was_enabled = gc.isenabled()
            gc.disable()
        _spared += 1


def _end() -> None:
    global _spared  # noqa: PLW0603 - there is one collector in the process
    with _lock:
        _spared -= 1
        if not _spared:
            gc.freeze()
            if _was_enabled:
                gc.enable()


def look_again() -> None:
    """Let the collector look at everything again: a document was closed, and cycles may have been spared with it."""
    gc.unfreeze()
