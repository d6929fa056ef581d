"""The optional ``lmdb`` package: without it environments are only read, by our own code."""

import contextlib
import errno
import os
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Final

from app.backends.file_operations import FileOperations
from app.backends.files import companion
from app.backends.lmdb.metas import meta_pages
from app.backends.replacing import create_file, discard
from app.errors import CannotOpen, DatabaseLocked

if TYPE_CHECKING:
    import lmdb

_DATA: Final = "data.mdb"
_LOCK: Final = "lock.mdb"
_LOCK_SUFFIX: Final = "-lock"
_LOCK_BYTES: Final = 8192
"""What LMDB takes for as many readers as it has room for unless told otherwise."""

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
def nobody_else(path: Path, operations: FileOperations) -> Iterator[Callable[[], None]]:
    """Keep all users of LMDB out of an environment; those that come meanwhile wait in their opening. Give the way out.

    It is LMDB's own lock: whoever has an environment open holds the first byte of its lock file, and who opens it
    first holds it alone for a moment and writes there which transaction is the newest. Those that wait believe that,
    so it is written anew in the end. A lock file that is made stays: somebody may wait for it already.

    Raises:
        DatabaseLocked: somebody has it open.
    """
    with contextlib.ExitStack() as held:
        held.enter_context(_first_byte(path, operations))
        yield held.close


@contextlib.contextmanager
def _first_byte(path: Path, operations: FileOperations) -> Iterator[None]:
    lock_file = lock_file_of(path)
    if not lock_file.exists():
        _make_lock_file(path, lock_file, operations)
    fd = operations.open(lock_file, os.O_RDWR)
    try:
        if not operations.lock_first_byte(fd):
            message = f"{path.name} is open in another program: close it there, then try again."
            raise DatabaseLocked(message, path=path)
        try:
            yield
        finally:
            if operations.replaces_open_files:  # Windows' locks would keep out this program too
                _write_newest(path)
    finally:
        with contextlib.suppress(OSError):  # all that counts was made durable before
            operations.close(fd)


def _make_lock_file(path: Path, lock_file: Path, operations: FileOperations) -> None:
    """Make a lock file as LMDB makes it; its room is taken first, for LMDB maps it and a full disk would kill us."""
    try:
        create_file(operations, lock_file, (bytes(_LOCK_BYTES),))
    except FileExistsError:
        return
    try:
        operations.copy_access(path, lock_file)
    except BaseException:
        discard(operations, lock_file)
        raise
    _write_newest(path)


def _write_newest(path: Path) -> None:
    """Let LMDB itself write into the lock file which transaction of the file is the newest; who waits comes next."""
    if not is_installed():
        return
    import lmdb  # noqa: PLC0415 - optional

    with contextlib.suppress(lmdb.Error, OSError, CannotOpen):
        if meta_pages(path):  # an empty file would be made an environment
            with environment(path, locks=True):
                pass


@contextlib.contextmanager
def environment(
    path: Path, *, map_size: int = 0, is_new: bool = False, readonly: bool = False, locks: bool = False
) -> Iterator["lmdb.Environment"]:
    """Give an environment; unless it ``locks`` by itself, `nobody_else` must be held, or nobody know the file.

    ``map_size`` (bytes): 0 for what the file says. Of a new one a crash may leave anything.
    """
    import lmdb  # noqa: PLC0415 - optional

    is_folder = locks and lock_file_of(path).name == _LOCK
    opened = lmdb.open(
        os.fspath(path.parent if is_folder else path),
        subdir=is_folder,
        lock=locks,
        map_size=map_size,
        readonly=readonly,
        sync=not is_new,
        max_dbs=0,
    )
    try:
        yield opened
    finally:
        opened.close()


@contextlib.contextmanager
def translated() -> Iterator[None]:
    """Turn LMDB's errors into the system's, of which `saving` makes sentences that name the database.

    Raises:
        OSError: what was reported.
    """
    import lmdb  # noqa: PLC0415 - optional

    try:
        yield
    except lmdb.Error as error:
        reason = str(error).rpartition(": ")[2]
        is_half = reason == os.strerror(errno.EIO)  # what LMDB says when the system took a part of a write
        raise OSError(errno.EIO, f"{reason}, the disk may be full" if is_half else reason) from error
