"""The locks that a save takes on the files that it replaces."""

import contextlib
import os
from collections.abc import Iterable, Iterator
from pathlib import Path

from app.backends.file_operations import FileOperations
from app.backends.locks import why_locked
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
            why_not = self._why_not_mine(fd)
        except BaseException:
            self.close()
            raise
        if why_not:
            self.close()
            raise DatabaseLocked(why_not, path=path)

    def _why_not_mine(self, fd: int) -> str:
        if not self._operations.lock(fd):
            return why_locked(self._path)
        return "" if self.is_current else f"{self._path.name} was replaced by another program just now: try again."

    def refuse_others(self) -> None:
        """Refuse to go on where somebody holds a lock that this one does not keep out.

        Raises:
            DatabaseLocked: as when it was taken.
        """
        if self._fd is not None and not self._operations.lock(self._fd):
            raise DatabaseLocked(why_locked(self._path), path=self._path)

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


@contextlib.contextmanager
def save_locks(operations: FileOperations, paths: Iterable[Path]) -> Iterator[tuple[SaveLock, ...]]:
    """Take the lock of each file that is there, once where a format gives one file two names.

    Raises:
        DatabaseLocked: somebody else has one of them.
    """
    there = ((path, path.stat()) for path in paths if path.exists())
    files = {(status.st_dev, status.st_ino): path for path, status in there}
    with contextlib.ExitStack() as held:
        yield tuple(held.enter_context(contextlib.closing(SaveLock(operations, path))) for path in files.values())
