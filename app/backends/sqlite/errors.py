"""SQLite's errors as sentences."""

import contextlib
import errno
import os
import shutil
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from app.backends.files import save_failed
from app.backends.locks import holder
from app.errors import BackendError, Cancelled, CannotOpen, CorruptDatabase, DatabaseLocked

_SHM_ROOM: Final = 1 << 16
"""Bytes: that of an index of a ``-wal``, 32 KB, and some; where it cannot be made SQLite reports no full disk."""

SQLITE_ERRORS: Final = (sqlite3.Error, UnicodeDecodeError)
"""What Python's module raises: messages that quote a damaged schema are decoded as UTF-8 without any care."""


@contextlib.contextmanager
def translated(path: Path) -> Iterator[None]:
    """Turn SQLite's errors into sentences about ``path``.

    Raises:
        CorruptDatabase, DatabaseLocked, CannotOpen, BackendError: what SQLite reported; Cancelled: interrupted.
    """
    try:
        yield
    except SQLITE_ERRORS as error:
        raise _sentence(path, error) from error


@contextlib.contextmanager
def save_translated(path: Path) -> Iterator[None]:
    """Turn SQLite's errors, and the system's, into those of a save that did not happen.

    Raises:
        DatabaseLocked, SaveFailed: what was reported; Cancelled: interrupted.
    """
    try:
        with as_systems_errors(path):
            yield
    except OSError as error:
        raise save_failed(path, error) from error


@contextlib.contextmanager
def as_systems_errors(path: Path) -> Iterator[None]:
    """Turn SQLite's errors into the system's, of which `save_failed` makes sentences.

    Raises:
        OSError: what was reported; DatabaseLocked: by whom; Cancelled: interrupted.
    """
    try:
        yield
    except SQLITE_ERRORS as error:
        match primary_code(error):
            case sqlite3.SQLITE_INTERRUPT:
                raise Cancelled from error
            case sqlite3.SQLITE_BUSY | sqlite3.SQLITE_LOCKED:
                message = f"{path.name} is locked by {_holder(path)}: let it finish, then save again."
                raise DatabaseLocked(message, path=path) from error
            case sqlite3.SQLITE_FULL:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)) from error
            case sqlite3.SQLITE_IOERR if _has_no_room(path.parent):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)) from error
            case sqlite3.SQLITE_IOERR:
                why = f"{reason(error)}, as where a quota is used up or a disk fails"
                raise OSError(errno.EIO, why) from error
            case _:
                raise OSError(errno.EIO, reason(error)) from error


def _has_no_room(folder: Path) -> bool:
    """Tell whether a folder's disk lacks the room that SQLite needs beside a database before it writes at all."""
    with contextlib.suppress(OSError):
        return shutil.disk_usage(folder).free < _SHM_ROOM
    return False


def _sentence(path: Path, error: Exception) -> Exception:
    match primary_code(error):
        case sqlite3.SQLITE_INTERRUPT:
            return Cancelled()
        case sqlite3.SQLITE_BUSY | sqlite3.SQLITE_LOCKED:
            message = f"{path.name} is locked by {_holder(path)}: let it finish, then try again."
            return DatabaseLocked(message, path=path)
        case sqlite3.SQLITE_CANTOPEN | sqlite3.SQLITE_PERM | sqlite3.SQLITE_AUTH:
            return CannotOpen(f"{path.name} cannot be opened: check that you may read it and its folder.", path=path)
        case sqlite3.SQLITE_CORRUPT | sqlite3.SQLITE_NOTADB | sqlite3.SQLITE_TOOBIG:
            message = f"{path.name} is a damaged SQLite database ({reason(error)}); restore it from a backup."
            return CorruptDatabase(message, path=path)
        case _:
            return BackendError(f"{path.name} cannot be read by SQLite: {reason(error)}.", path=path)


def _holder(path: Path) -> str:
    return holder(path, path.with_name(f"{path.name}-shm"))


def primary_code(error: Exception) -> int:
    """Return SQLite's primary result code, -1 where the error did not come from SQLite itself."""
    if isinstance(error, UnicodeDecodeError):
        return sqlite3.SQLITE_CORRUPT
    code = getattr(error, "sqlite_errorcode", None)
    return -1 if code is None else code & 0xFF


def reason(error: Exception) -> str:
    """Return what SQLite said, text that it quotes from the file escaped."""
    if isinstance(error, UnicodeDecodeError):
        return "its schema is malformed"
    return str(error).encode("unicode_escape").decode("ascii")


def too_busy(path: Path) -> CannotOpen:
    """Return the error for a database that was never at rest while it was read."""
    return CannotOpen(f"{path.name} is being written all the time: try again when its program pauses.", path=path)
