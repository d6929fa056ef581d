"""The lock by which a program shows that it still uses a file of its own; gone with the program, however it ends."""

import sys
from typing import BinaryIO

if sys.platform == "win32":
    import msvcrt
    from time import sleep

    _TRIES, _PAUSE = 20, 0.05
    """How often, and with how many seconds between, a lock is tried that another one may have for a look alone."""
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

    def lock_to_look(file: BinaryIO) -> bool:
        """Take the lock for a look; Windows has none that several can share, so that others who look are waited for."""
        for _ in range(_TRIES):
            if lock(file):
                return True
            sleep(_PAUSE)
        return False

else:
    import fcntl

    def lock(file: BinaryIO) -> bool:
        """Take the lock without waiting; tell whether nobody else has it."""
        return _locked(file, fcntl.LOCK_EX)

    def lock_to_look(file: BinaryIO) -> bool:
        """Take a lock that others who look share; tell whether nobody uses the file."""
        return _locked(file, fcntl.LOCK_SH)

    def _locked(file: BinaryIO, how: int) -> bool:
        try:
            fcntl.flock(file, how | fcntl.LOCK_NB)
        except OSError:
            return False
        return True
