"""A private copy of a SQLite database: for what cannot be read where it lies without changing it."""

import shutil
import tempfile
import time
from pathlib import Path

from app.backends.files import Signature, companion, signature
from app.backends.sqlite_errors import too_busy
from app.errors import CannotOpen

TRIES = 5
"""How often a database that changes under our eyes is tried again."""

PAUSE = 0.05
"""Seconds before a try that was overtaken by a writer is repeated."""

_SUFFIXES = ("", "-wal", "-journal")

State = tuple[Signature | None, ...]
"""What the database, its ``-wal`` and its ``-journal`` look like; None for one that is not there."""


class SideFiles:
    """A database and the files that SQLite keeps beside it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._paths = tuple(companion(path, suffix) for suffix in _SUFFIXES)

    def look(self) -> State:
        return tuple(signature(path) for path in self._paths)

    def copy_to(self, target: Path) -> State:
        """Copy what is there under the name ``target``; return what it looked like, empty when it changed meanwhile.

        Raises:
            CannotOpen: the system refuses.
        """
        before = self.look()
        try:
            for path, suffix, seen in zip(self._paths, _SUFFIXES, before, strict=True):
                if seen is not None:
                    shutil.copyfile(path, companion(target, suffix))
        except FileNotFoundError:
            return ()  # the writer ended its transaction
        except OSError as error:
            message = f"{self.path.name} must be copied to be read beside its writer, but: {error.strerror}."
            raise CannotOpen(message, path=self.path) from error
        return before if self.look() == before else ()


class PrivateCopy:
    """A copy in a folder of its own, taken while nobody wrote; `close` takes it away.

    Raises:
        CannotOpen: the system refuses, or somebody writes all the time.
    """

    def __init__(self, side_files: SideFiles) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="shelfscope-", ignore_cleanup_errors=True)
        try:
            self.path, self.original = self._take(side_files)
        except BaseException:
            self.close()
            raise

    def _take(self, side_files: SideFiles) -> tuple[Path, State]:
        """Return the copy, and what the original looked like."""
        for number in range(TRIES):
            path = Path(self._folder.name, str(number))
            if seen := side_files.copy_to(path):
                return path, seen
            time.sleep(PAUSE)
        raise too_busy(side_files.path)

    def close(self) -> None:
        self._folder.cleanup()
