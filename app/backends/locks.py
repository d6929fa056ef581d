"""Seeing another program's lock without taking one: a viewer must not stop the program that owns the file."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Final

_PROCESSES: Final = Path("/proc")
_KERNEL_LOCKS: Final = _PROCESSES / "locks"


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


def holder(*paths: Path) -> str:
    """Return what a sentence calls the program that holds a lock on a file: by its process, where the system tells."""
    no_process = {"-1", "0", str(os.getpid())}  # a lock of an open file, or of a process out of our sight
    found = [lock for path in paths for lock in _locks_on(path) if lock[1] not in no_process]
    owner = next((owner for _kind, owner in sorted(found, reverse=True)), "")  # who writes goes before who reads
    named = ", ".join(part for part in (f"process {owner}", _name_of(owner)) if part)
    return f"another program ({named})" if owner else "another program"


def why_locked(path: Path) -> str:
    """Return the sentence for a file that cannot be saved because another program has a lock on it."""
    return f"{path.name} is open in {holder(path)}, which holds a lock: close it there, then try again."


def _name_of(process: str) -> str:
    """Return the name of a process, empty where the system does not tell, or it is no name to show."""
    try:
        name = (_PROCESSES / process / "comm").read_text("ascii").strip()
    except (OSError, UnicodeDecodeError):
        return ""
    return name if name.isprintable() else ""


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
