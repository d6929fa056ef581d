"""The optional ``lmdb`` package: without it environments are only read, by our own code."""

import contextlib
import os
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Final

from app.backends.file_operations import FileOperations
from app.backends.files import WAY_OUT, companion, save_failed
from app.backends.replacing import discard
from app.errors import DatabaseLocked, SaveFailed

if TYPE_CHECKING:
    import lmdb

_DATA: Final = "data.mdb"
_LOCK: Final = "lock.mdb"
_LOCK_SUFFIX: Final = "-lock"

MISSING: Final = "the lmdb package is not installed; install it (pip install 'shelfscope[lmdb]')"


def is_installed() -> bool:
    return find_spec("lmdb") is not None


def map_full() -> type[Exception]:
    """Return the error for an environment that has no room left."""
    import lmdb  # noqa: PLC0415 - optional

    return lmdb.MapFullError


def lock_file_of(path: Path) -> Path:
    """Return the file by which LMDB's users of a data file keep apart: beside it, by one of two names."""
    alone = companion(path, _LOCK_SUFFIX)
    return path.with_name(_LOCK) if path.name == _DATA and not alone.exists() else alone


@contextlib.contextmanager
def nobody_else(path: Path, operations: FileOperations) -> Iterator[None]:
    """Keep all users of LMDB out of an environment; those that come meanwhile wait in their opening.

    It is LMDB's own lock: whoever has an environment open holds the first byte of its lock file, and who opens it
    first holds it alone for a moment. Nothing is left of a lock file that was not there.

    Raises:
        DatabaseLocked: somebody has it open.
    """
    lock_file = lock_file_of(path)
    was_there = lock_file.exists()
    fd = operations.open(lock_file, os.O_RDWR | os.O_CREAT)
    try:
        if not operations.lock_first_byte(fd):
            message = f"{path.name} is open in another program: close it there, then try again."
            raise DatabaseLocked(message, path=path)
        try:
            if not was_there:
                operations.copy_access(path, lock_file)
            yield
        finally:
            if not was_there and operations.replaces_open_files:  # while it is locked, so that it is nobody else's
                discard(operations, lock_file)
    finally:
        with contextlib.suppress(OSError):  # all that counts was made durable before
            operations.close(fd)
        if not was_there and not operations.replaces_open_files:  # refused where another program came meanwhile
            discard(operations, lock_file)


@contextlib.contextmanager
def environment(
    path: Path, *, map_size: int = 0, is_new: bool = False, readonly: bool = False
) -> Iterator["lmdb.Environment"]:
    """Give an environment that is opened without a lock; `nobody_else` must be held, or nobody know the file.

    ``map_size`` (bytes): 0 for what the file says. Of a new one a crash may leave anything.
    """
    import lmdb  # noqa: PLC0415 - optional

    opened = lmdb.open(
        os.fspath(path), subdir=False, lock=False, map_size=map_size, readonly=readonly, sync=not is_new, max_dbs=0
    )
    try:
        yield opened
    finally:
        opened.close()


@contextlib.contextmanager
def translated(path: Path) -> Iterator[None]:
    """Turn LMDB's errors, and the system's, into those of a save that did not happen.

    Raises:
        SaveFailed: what was reported.
    """
    import lmdb  # noqa: PLC0415 - optional

    try:
        yield
    except OSError as error:
        raise save_failed(path, error) from error
    except lmdb.Error as error:
        raise SaveFailed(f"{path.name} was not changed: {error}. {WAY_OUT}", path=path) from error
