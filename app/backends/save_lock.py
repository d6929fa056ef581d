"""The lock that a save takes on the file that it replaces."""

import contextlib
import os
from pathlib import Path

from app.backends.file_operations import FileOperations
from app.errors import DatabaseLocked


class SaveLock:
    """The lock by which GDBM's writers, and two Shelfscopes, keep apart; never waited for.

    Raises:
        DatabaseLocked: somebody else has it.
    """

    def __init__(self, operations: FileOperations, path: Path) -> None:
        self._operations = operations
        self._path = path
        fd = operations.open(path, os.O_RDWR)
        self._fd: int | None = fd
        try:
            is_mine = operations.lock(fd) and self.is_current
        except BaseException:
            self.close()
            raise
        if not is_mine:
            self.close()
            message = f"{path.name} is locked by a program that is writing it: let it finish, then save again."
            raise DatabaseLocked(message, path=path)

    @property
    def is_current(self) -> bool:
        """Whether the locked file still has its name: who replaced it would not see the lock."""
        if self._fd is None:
            return True
        try:
            return os.path.samestat(os.fstat(self._fd), self._path.stat())
        except OSError:
            return False

    def close(self) -> None:
        if self._fd is not None:
            fd, self._fd = self._fd, None
            with contextlib.suppress(OSError):  # all that counts was made durable before
                self._operations.close(fd)
