"""Seeing another program's lock without taking one: a viewer must not stop the program that owns the file."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Final

_KERNEL_LOCKS: Final = Path("/proc/locks")


def writer_lock_seen(path: Path) -> str:
    """Return a sentence when a program holds an exclusive lock on the file, else an empty string.

    Only Linux tells; elsewhere nothing is ever seen.
    """
    owner = next((owner for kind, owner in _locks_on(path) if kind == "WRITE"), "")
    start = f"Another program (process {owner}) has {path.name} open for writing"
    return f"{start}; what is shown may change." if owner else ""


def other_users(path: Path) -> tuple[str, ...]:
    """Return the ids of other processes that hold any lock on the file; only Linux tells."""
    return tuple(owner for _kind, owner in _locks_on(path) if owner != str(os.getpid()))


def _locks_on(path: Path) -> Iterator[tuple[str, str]]:
    """Yield READ or WRITE, and the process, of every lock that is held on the file."""
    try:
        status = path.stat()
        lines = _KERNEL_LOCKS.read_text("ascii").splitlines()
    except (OSError, UnicodeDecodeError):
        return
    place = f"{os.major(status.st_dev):02x}:{os.minor(status.st_dev):02x}:{status.st_ino}"
    for line in lines:
        words = line.split()
        for kind in ("READ", "WRITE"):
            if "->" not in words and kind in words and place in words:
                yield kind, words[words.index(kind) + 1]
