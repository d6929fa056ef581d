"""The lock by which a program shows that it still uses a file of its own; gone with the program, however it ends."""

import sys
from typing import BinaryIO

if sys.platform == "win32":
    import msvcrt

    _FAR = 1 << 40
    """Where the locked byte is: behind all that is read, as Windows refuses to read a locked one."""

    def lock(file: BinaryIO) -> bool:
        """Take the lock without waiting; tell whether nobody else has it."""
        place = file.tell()
        file.seek(_FAR)
        try:
            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        finally:
            file.seek(place)
        return True

else:
    import fcntl

    def lock(file: BinaryIO) -> bool:
        """Take the lock without waiting; tell whether nobody else has it."""
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            return False
        return True
