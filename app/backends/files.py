"""Files beside each other: what they look like now, and how one is replaced without ever being half written."""

import contextlib
import os
import sys
from collections.abc import Iterable, Iterator, Sequence
from hashlib import sha256
from pathlib import Path
from typing import BinaryIO, NamedTuple

from app.backends.binary import cannot_open, extents, open_regular
from app.cancel import CancelToken
from app.errors import CannotOpen, SaveFailed

WAY_OUT = "Mend that and save again, or save it as another file."
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


def real_path(path: Path) -> Path:
    """Return what a path leads to through symbolic links; the path itself where they lead in a circle.

    `Path.resolve` raises a RuntimeError there.
    """
    return Path(os.path.realpath(path))


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


def save_failed(path: Path, error: OSError, *, is_new: bool = False) -> SaveFailed:
    """Return the sentence for a save, or for the making of a new database, that the system stopped."""
    if getattr(error, "winerror", None) in (5, 32, 33):
        message = f"{path.name} was not changed: another program has it open. Close it there, then save again."
        return SaveFailed(message, path=path)
    reason = error.strerror or "unknown reason"
    if is_new:
        if isinstance(error, FileNotFoundError) and not path.parent.exists():
            message = f"{path.name} was not made: there is no folder {path.parent}; make that first."
            return SaveFailed(message, path=path)
        return SaveFailed(f"{path.name} was not made: {reason}. Mend that, or choose another place.", path=path)
    return SaveFailed(f"{path.name} was not changed: {reason}. {WAY_OUT}", path=path)


def reads_back_differently(path: Path) -> SaveFailed:
    """Return the sentence for a save that was written and is not what it should be."""
    message = f"{path.name} was not changed: what was written reads back differently. Export the entries to keep them."
    return SaveFailed(message, path=path)


@contextlib.contextmanager
def saving(path: Path, *, is_new: bool = False) -> Iterator[None]:
    """Turn a failure of the system into `SaveFailed` for ``path``, which was not there when it ``is_new``."""
    try:
        yield
    except CannotOpen as error:
        what = "made" if is_new else "changed"
        raise SaveFailed(f"{path.name} was not {what}: {error.message}", path=path) from error
    except OSError as error:
        raise save_failed(path, error, is_new=is_new) from error


def why_not_replaceable(paths: Sequence[Path], *, own_links: int = 1) -> str:
    """Return why one of the files cannot be replaced by a new one of the same owner and mode, or an empty string.

    ``own_links``: how many names the format itself gives a file.
    """
    for path in paths:
        target = real_path(path)
        try:
            reason = _why_not(target, target.stat(), own_links)
        except OSError as error:
            reason = f"{path.name} cannot be examined ({error.strerror})"
        if reason:
            return f"{reason}; save it as another file, or work on a copy of it."
    return ""


def _why_not(path: Path, status: os.stat_result, own_links: int) -> str:
    if not may(path, os.W_OK):
        return f"{path.name} is write-protected"
    if not may(path.parent, os.W_OK | os.X_OK):
        return f"The folder of {path.name} cannot be written"
    if status.st_nlink > own_links:
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


def bytes_on_disk(paths: Iterable[Path]) -> int:
    """Return the room that files take; holes take none where the system tells."""
    return sum(_bytes_on_disk(path.stat()) for path in paths if path.exists())


def _bytes_on_disk(status: os.stat_result) -> int:
    blocks: int | None = getattr(status, "st_blocks", None)
    return status.st_size if blocks is None else min(status.st_size, 512 * blocks)


def content_digest(paths: Sequence[Path], token: CancelToken) -> bytes:
    """Return one SHA-256 over the content of all files that are there; sizes and times deceive, this does not."""
    sum_so_far = sha256()
    for path in paths:
        if not path.exists():
            sum_so_far.update(b"missing")
            continue
        with open_regular(path) as file:
            for place, block in _filled_blocks(file, token):
                sum_so_far.update(b"%d " % place)
                sum_so_far.update(block)
        sum_so_far.update(b"%d" % path.stat().st_size)
    return sum_so_far.digest()


def _filled_blocks(file: BinaryIO, token: CancelToken) -> Iterator[tuple[int, bytes]]:
    """Yield place and content of each block that is more than zeros, be those a hole or written."""
    zeros, following = bytes(COPY_BYTES), 0
    for start, end in extents(file.fileno(), os.fstat(file.fileno()).st_size):
        for place in range(max(start - start % COPY_BYTES, following), end, COPY_BYTES):
            token.check()
            file.seek(place)
            block = _read_up_to(file, COPY_BYTES)
            if not zeros.startswith(block):
                yield place, block
            following = place + COPY_BYTES
