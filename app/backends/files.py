"""Files beside each other: what they look like now, and how one is replaced without ever being half written."""

import contextlib
import os
import secrets
import sys
import time
from collections.abc import Generator, Iterable, Iterator, Sequence
from pathlib import Path
from typing import BinaryIO, NamedTuple

from app.backends.binary import cannot_open, open_regular
from app.backends.file_operations import FileOperations
from app.errors import CannotOpen, SaveFailed

WAY_OUT = "Mend that and save again, or export the entries to keep the changes."
COPY_BYTES = 1 << 20
"""Bytes that are copied at a time."""


class Signature(NamedTuple):
    """A hint that a file changed; native writers can change bytes without changing it."""

    size: int
    mtime_ns: int
    inode: int


def companion(base: Path, suffix: str) -> Path:
    """Return the file of a family: the base name with ``suffix`` added, dots in the name kept."""
    return base.with_name(base.name + suffix)


def signature(path: Path) -> Signature | None:
    """Return what tells that a file changed, or None when it is not there."""
    try:
        status = path.stat()
    except OSError:
        return None
    return Signature(status.st_size, status.st_mtime_ns, status.st_ino)


def read_range(path: Path, position: int, size: int) -> bytes:
    """Return at most ``size`` bytes from ``position``; fewer at the end of the file, whatever ``size`` claims.

    Raises:
        CannotOpen: the file cannot be read.
    """
    with open_regular(path) as file:
        try:
            there = os.fstat(file.fileno()).st_size
            file.seek(min(position, there))
            return _read_up_to(file, min(size, max(there - position, 0)))
        except OSError as error:
            raise cannot_open(path, error) from error


def read_whole(path: Path) -> bytes:
    """Return all bytes of a file.

    Raises:
        CannotOpen: the file cannot be read.
    """
    with open_regular(path) as file:
        try:
            return file.read()
        except OSError as error:
            raise cannot_open(path, error) from error


def _read_up_to(file: BinaryIO, size: int) -> bytes:
    data = file.read(size)
    while len(data) < size:
        more = file.read(size - len(data))
        if not more:
            break
        data += more
    return data


def save_failed(path: Path, error: OSError) -> SaveFailed:
    """Return the sentence for a save that the system stopped."""
    if getattr(error, "winerror", None) in (5, 32, 33):
        message = f"{path.name} was not changed: another program has it open. Close it there, then save again."
        return SaveFailed(message, path=path)
    reason = error.strerror or "unknown reason"
    return SaveFailed(f"{path.name} was not changed: {reason}. {WAY_OUT}", path=path)


def reads_back_differently(path: Path) -> SaveFailed:
    """Return the sentence for a save that was written and is not what it should be."""
    message = f"{path.name} was not changed: what was written reads back differently. Export the entries to keep them."
    return SaveFailed(message, path=path)


@contextlib.contextmanager
def saving(path: Path) -> Iterator[None]:
    """Turn a failure of the system into `SaveFailed` for ``path``."""
    try:
        yield
    except CannotOpen as error:
        raise SaveFailed(f"{path.name} was not changed: {error.message}", path=path) from error
    except OSError as error:
        raise save_failed(path, error) from error


def why_not_replaceable(paths: Sequence[Path]) -> str:
    """Return why one of the files cannot be replaced by a new one of the same owner and mode, or an empty string."""
    for path in paths:
        target = path.resolve()
        try:
            reason = _why_not(target, target.stat())
        except OSError as error:
            reason = f"{path.name} cannot be examined ({error.strerror})"
        if reason:
            return f"{reason}; work on a copy of it, or export the entries."
    return ""


def _why_not(path: Path, status: os.stat_result) -> str:
    if not may(path, os.W_OK):
        return f"{path.name} is write-protected"
    if not may(path.parent, os.W_OK | os.X_OK):
        return f"The folder of {path.name} cannot be written"
    if status.st_nlink > 1:
        return f"{path.name} has {status.st_nlink} hard links, which saving would break apart"
    if not _keeps_owner(status):
        return f"{path.name} belongs to another user or group, which saving could not keep"
    return ""


def may(path: Path, access: int) -> bool:
    """Tell whether the effective user has that access (`os.R_OK`, `os.W_OK`, `os.X_OK` joined by ``|``)."""
    return os.access(path, access, effective_ids=os.access in os.supports_effective_ids)


def _keeps_owner(status: os.stat_result) -> bool:
    if sys.platform == "win32":
        return True
    user = os.geteuid()
    return user == 0 or (status.st_uid == user and status.st_gid in {os.getegid(), *os.getgroups()})


def write_beside(
    operations: FileOperations, target: Path, pieces: Iterable[bytes], *, model: Path | None = None
) -> Path:
    """Write a new file in the folder of ``target``, durable, with the owner and mode of ``model``; return its path.

    ``target`` must be resolved already, and is the model itself unless another is named.
    On any failure the new file is taken away again.
    """
    path = target.with_name(f"{target.name}.shelfscope-new-{secrets.token_hex(4)}")
    _create(operations, path, model or target, pieces)
    return path


def _create(operations: FileOperations, path: Path, model: Path, pieces: Iterable[bytes]) -> None:
    fd = operations.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL)
    try:
        try:
            for piece in pieces:
                write_all(operations, fd, piece)
            operations.fsync(fd)
        finally:
            operations.close(fd)
        operations.copy_access(model, path)
    except BaseException:
        discard(operations, path)
        raise


def write_all(operations: FileOperations, fd: int, data: bytes) -> None:
    """Write every byte: the system may take fewer at a time."""
    rest = memoryview(data)
    while rest:
        rest = rest[operations.write(fd, rest) :]


def discard(operations: FileOperations, path: Path) -> None:
    """Take a file of our own away if it can be."""
    with contextlib.suppress(OSError):
        operations.unlink(path)


def put_in_place(operations: FileOperations, new: Path, target: Path) -> tuple[str, ...]:
    """Let ``new`` take the name of ``target`` at once, and make that durable; return a warning where it cannot be."""
    operations.replace(new, target)
    try:
        operations.fsync_folder(target.parent)
    except OSError as error:
        return (f"{target.name} is saved, but a power cut could still undo that ({error.strerror}).",)
    return ()


def back_up(operations: FileOperations, paths: Sequence[Path]) -> tuple[Path, ...]:
    """Copy files beside themselves under names that no format uses and that were free; all or none of them."""
    copies = free_backup_names(paths)
    made: list[Path] = []
    try:
        for path, copy in zip(paths, copies, strict=True):
            with contextlib.closing(_pieces(operations, path)) as pieces:
                _create(operations, copy, path, pieces)
            made.append(copy)
        for folder in {copy.parent for copy in copies}:
            operations.fsync_folder(folder)
    except BaseException:
        for copy in made:
            discard(operations, copy)
        raise
    return copies


def free_backup_names(paths: Sequence[Path]) -> tuple[Path, ...]:
    """Return a name beside each file, all with one time stamp, none of them taken."""
    stamp = time.strftime("%Y%m%d-%H%M%S")
    number = 1
    while True:
        suffix = f".shelfscope-backup-{stamp}" + (f"-{number}" if number > 1 else "")
        names = tuple(companion(path, suffix) for path in paths)
        if not any(os.path.lexists(name) for name in names):
            return names
        number += 1


def _pieces(operations: FileOperations, path: Path) -> Generator[bytes, None, None]:
    fd = operations.open(path, os.O_RDONLY)
    try:
        while piece := operations.read(fd, COPY_BYTES):
            yield piece
    finally:
        operations.close(fd)
