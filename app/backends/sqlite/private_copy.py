"""A private copy of a SQLite database: for what cannot be read where it lies without changing it."""

import contextlib
import os
import re
import shutil
import sys
import tempfile
import time
from pathlib import Path

from app.backends.files import Signature, companion, signature
from app.backends.sqlite.errors import too_busy
from app.backends.sqlite.super_journal import disarm
from app.errors import CannotOpen

TRIES = 5
"""How often a database that changes under our eyes is tried again."""

PAUSE = 0.05
"""Seconds before a try that was overtaken by a writer is repeated."""

_SUFFIXES = ("", "-wal", "-journal")
_PREFIX = "shelfscope-copy-"
_OWNED = re.compile(re.escape(_PREFIX) + r"(\d{1,9})-\w+")

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
            disarm(companion(target, "-journal"))
        except FileNotFoundError:
            return ()  # the writer ended its transaction
        except OSError as error:
            start = f"{self.path.name} must be copied to be read beside its writer, and that failed ({error.strerror})"
            message = f"{start}: check that the files beside it may be read and the disk has room."
            raise CannotOpen(message, path=self.path) from error
        return before if self.look() == before else ()


class PrivateCopy:
    """A copy in a folder of its own, taken while nobody wrote; `close` takes it away.

    The folder's name holds the id of this process: where that is killed, the next copy takes the folder away.

    Raises:
        CannotOpen: the system refuses, or somebody writes all the time.
    """

    def __init__(self, side_files: SideFiles) -> None:
        sweep()
        self._folder = tempfile.TemporaryDirectory(prefix=f"{_PREFIX}{os.getpid()}-", ignore_cleanup_errors=True)
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


def sweep() -> None:
    """Take away the copies of this user's processes that were killed; where no process can be asked for, do nothing."""
    if sys.platform == "win32":  # os.kill would end the process instead of asking for it
        return
    with contextlib.suppress(OSError), os.scandir(tempfile.gettempdir()) as entries:
        for entry in entries:
            owned = _OWNED.fullmatch(entry.name)
            if owned and _is_own_folder(entry) and not _is_running(int(owned[1])):
                shutil.rmtree(entry.path, ignore_errors=True)


def _is_own_folder(entry: os.DirEntry[str]) -> bool:
    return entry.is_dir(follow_symlinks=False) and entry.stat(follow_symlinks=False).st_uid == os.geteuid()


def _is_running(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:  # it runs, as another user
        return True
    return True
