"""Seeing another program's lock without taking one: a viewer must not stop the program that owns the file."""

import os
from pathlib import Path
from typing import Final

_KERNEL_LOCKS: Final = Path("/proc/locks")


def writer_lock_seen(path: Path) -> str:
    """Return a sentence when a program holds an exclusive lock on the file, else an empty string.

    Only Linux tells; elsewhere nothing is ever seen.
    """
    try:
        status = path.stat()
        lines = _KERNEL_LOCKS.read_text("ascii").splitlines()
    except (OSError, UnicodeDecodeError):
        return ""
    place = f"{os.major(status.st_dev):02x}:{os.minor(status.st_dev):02x}:{status.st_ino}"
    for line in lines:
        words = line.split()
        if "->" not in words and "WRITE" in words and place in words:
            owner = words[words.index("WRITE") + 1]
            return f"Another program (process {owner}) has {path.name} open for writing; what is shown may change."
    return ""
