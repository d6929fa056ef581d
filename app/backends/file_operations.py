"""The few operations on files that a save is made of, in one replaceable place."""

import contextlib
import errno
import os
import stat
import sys
from pathlib import Path

if sys.platform == "win32":
    import msvcrt
else:
    import fcntl

_BINARY = getattr(os, "O_BINARY", 0) | getattr(os, "O_CLOEXEC", 0)
_KEPT_ATTRIBUTES = ("user.", "system.posix_acl_")


class FileOperations:
    """Every operation on files that a save is made of, so that tests can end the program before any of them.

    ``replaces_open_files``: whether a file that is open or mapped can be replaced; Windows cannot.
    """

    replaces_open_files: bool = sys.platform != "win32"

    def open(self, path: Path, flags: int, mode: int = 0o600) -> int:
        return os.open(path, flags | _BINARY, mode)

    def read(self, fd: int, size: int) -> bytes:
        return os.read(fd, size)

    def write(self, fd: int, data: bytes | memoryview) -> int:
        return os.write(fd, data)

    def seek(self, fd: int, position: int) -> None:
        """Go to a place from the start (bytes); what is passed over and never written stays a hole."""
        os.lseek(fd, position, os.SEEK_SET)

    def truncate(self, fd: int, size: int) -> None:
        os.ftruncate(fd, size)

    def fsync(self, fd: int) -> None:
        os.fsync(fd)

    def close(self, fd: int) -> None:
        os.close(fd)

    def lock(self, fd: int) -> bool:
        """Try the advisory lock by which two Shelfscopes keep apart; tell whether nobody else has one of any kind.

        A descriptor that has it already can ask again.
        """
        return _has_no_record_locks(fd) and _lock(fd)

    def lock_first_byte(self, fd: int) -> bool:
        """Try the lock that belongs to the process, on the first byte of a file; tell whether nobody else has it."""
        return _lock_first_byte(fd)

    def replace(self, source: Path, target: Path) -> None:
        source.replace(target)

    def name_new(self, source: Path, target: Path) -> None:
        """Give a file its name, which must be free.

        Raises:
            FileExistsError: something has that name; it is left alone.
        """
        _name_new(source, target)

    def link(self, source: Path, target: Path) -> None:
        """Give a file a second name, which must be free."""
        target.hardlink_to(source)

    def set_mode(self, path: Path, mode: int) -> None:
        path.chmod(mode)

    def unlink(self, path: Path) -> None:
        path.unlink()

    def copy_access(self, source: Path, target: Path) -> None:
        """Give ``target`` the owner, mode and access list of ``source``."""
        _copy_access(source, target)

    def fsync_folder(self, folder: Path) -> None:
        """Make names in ``folder`` durable where the system can."""
        if sys.platform != "win32":
            _fsync_folder(folder)


def _copy_access(source: Path, target: Path) -> None:
    status = source.stat()
    if sys.platform != "win32":
        mine = target.stat()
        if (status.st_uid, status.st_gid) != (mine.st_uid, mine.st_gid):
            os.chown(target, status.st_uid, status.st_gid)
    target.chmod(stat.S_IMODE(status.st_mode))
    if sys.platform == "linux":
        for name in _attributes(source):
            if name.startswith(_KEPT_ATTRIBUTES):
                os.setxattr(target, name, os.getxattr(source, name))


def _attributes(path: Path) -> list[str]:
    try:
        return os.listxattr(path) if sys.platform == "linux" else []
    except OSError as error:
        if error.errno == errno.ENOTSUP:  # a file system without them has none that could be lost
            return []
        raise


def _name_new(source: Path, target: Path) -> None:
    if sys.platform == "win32":
        source.rename(target)  # refuses a name that is taken
        return
    try:
        target.hardlink_to(source)
    except OSError:
        # Some file systems have no hard links; a name that is taken must not be lost to the second try either.
        if os.path.lexists(target):
            raise FileExistsError(f"{target} exists") from None
        source.rename(target)
        return
    try:
        source.unlink()
    except OSError:
        target.unlink()  # one name or none: with two the file could not be replaced later
        raise


def _lock(fd: int) -> bool:
    if sys.platform == "win32":
        return True
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:  # some network file systems know no such locks
        return True
    return True


def _has_no_record_locks(fd: int) -> bool:
    """Tell whether no other process holds a lock of the kind that belongs to processes (APR, sendmail's makemap).

    Linux alone keeps that kind apart from the other. It is let go of at once: it would keep nobody from a file that
    is replaced, and on NFS, where the two kinds are one, it would be in the way of the other.
    """
    if sys.platform != "linux":
        return True
    try:
        fcntl.lockf(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        fcntl.lockf(fd, fcntl.LOCK_UN)
    except OSError as error:  # some network file systems know no such locks
        return error.errno not in (errno.EACCES, errno.EAGAIN)
    return True


def _lock_first_byte(fd: int) -> bool:
    try:
        if sys.platform == "win32":
            msvcrt.locking(fd, msvcrt.LK_NBLCK, 1)
        else:
            fcntl.lockf(fd, fcntl.LOCK_EX | fcntl.LOCK_NB, 1)
    except OSError as error:
        if error.errno in (errno.EACCES, errno.EAGAIN, errno.EDEADLK):
            return False
        raise
    return True


def _fsync_folder(folder: Path) -> None:
    fd = os.open(folder, os.O_RDONLY)
    try:
        with contextlib.suppress(OSError):  # some network and FUSE file systems cannot; the names are in place already
            os.fsync(fd)
    finally:
        os.close(fd)
