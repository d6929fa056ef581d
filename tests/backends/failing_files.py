"""Files that fail: a program that dies, or a disk that refuses, before any one operation of a save."""

import contextlib
import errno
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from app.backends.file_operations import FileOperations


class Died(BaseException):
    """The program ended here: nothing after it happened."""


class QuickOperations(FileOperations):
    """Leaves out what only a power cut could tell."""

    def fsync(self, fd: int) -> None:
        os.fstat(fd)

    def fsync_folder(self, folder: Path) -> None:
        folder.stat()


class FailingOperations(QuickOperations):
    """Fails at operation number ``fails_at`` (from 0 on), and at all later ones when ``dies``.

    Operations that only look (`read`) count too. ``done`` is the number of operations asked for.
    """

    def __init__(
        self, fails_at: int | None = None, *, dies: bool = False, before: Callable[[str], None] | None = None
    ) -> None:
        self._fails_at = fails_at
        self._dies = dies
        self._before = before
        self.done = 0
        self.names: list[str] = []

    def _step(self, name: str) -> None:
        number = self.done
        self.done += 1
        self.names.append(name)
        if self._before:
            self._before(name)
        if self._fails_at is None or number < self._fails_at:
            return
        if self._dies:
            raise Died
        if number == self._fails_at:
            raise OSError(errno.EIO, os.strerror(errno.EIO))

    def open(self, path: Path, flags: int, mode: int = 0o600) -> int:
        self._step("open")
        return super().open(path, flags, mode)

    def read(self, fd: int, size: int) -> bytes:
        self._step("read")
        return super().read(fd, size)

    def write(self, fd: int, data: bytes | memoryview) -> int:
        self._step("write")
        return super().write(fd, data[: max(1, len(data) // 2)])  # a disk may take fewer bytes than it was given

    def seek(self, fd: int, position: int) -> None:
        self._step("seek")
        super().seek(fd, position)

    def truncate(self, fd: int, size: int) -> None:
        self._step("truncate")
        super().truncate(fd, size)

    def fsync(self, fd: int) -> None:
        self._step("fsync")
        super().fsync(fd)

    def close(self, fd: int) -> None:
        super().close(fd)  # the system closes what a dead program had open
        self._step("close")

    def lock(self, fd: int) -> bool:
        self._step("lock")
        return super().lock(fd)

    def lock_first_byte(self, fd: int) -> bool:
        self._step("lock_first_byte")
        return super().lock_first_byte(fd)

    def replace(self, source: Path, target: Path) -> None:
        self._step("replace")
        super().replace(source, target)

    def name_new(self, source: Path, target: Path) -> None:
        self._step("name_new")
        super().name_new(source, target)

    def link(self, source: Path, target: Path) -> None:
        self._step("link")
        super().link(source, target)

    def set_mode(self, path: Path, mode: int) -> None:
        self._step("set_mode")
        super().set_mode(path, mode)

    def unlink(self, path: Path) -> None:
        self._step("unlink")
        super().unlink(path)

    def copy_access(self, source: Path, target: Path) -> None:
        self._step("copy_access")
        super().copy_access(source, target)

    def fsync_folder(self, folder: Path) -> None:
        self._step("fsync_folder")
        super().fsync_folder(folder)


class LyingOperations(FileOperations):
    """A disk that says it wrote, and wrote something else."""

    def write(self, fd: int, data: bytes | memoryview) -> int:
        return super().write(fd, bytes(data).replace(b"new", b"old"))


class WindowsOperations(FailingOperations):
    """Refuses, as Windows does, to replace or delete a file that is open through these operations."""

    replaces_open_files = False

    def __init__(self) -> None:
        super().__init__()
        self._open: dict[int, Path] = {}

    def open(self, path: Path, flags: int, mode: int = 0o600) -> int:
        fd = super().open(path, flags, mode)
        self._open[fd] = path
        return fd

    def close(self, fd: int) -> None:
        super().close(fd)
        del self._open[fd]

    def replace(self, source: Path, target: Path) -> None:
        self._refuse_open(source, target)
        super().replace(source, target)

    def unlink(self, path: Path) -> None:
        self._refuse_open(path)
        super().unlink(path)

    def _refuse_open(self, *paths: Path) -> None:
        if any(path in self._open.values() for path in paths):
            raise PermissionError(errno.EACCES, "The process cannot access the file, it is being used")


class StrictWindows(WindowsOperations):
    """Windows counts maps and other handles too: there may be none on any file that is replaced."""

    def replace(self, source: Path, target: Path) -> None:
        assert not held_in(target.parent) & {str(source), str(target)}
        super().replace(source, target)


def held_in(folder: Path) -> set[str]:
    """Return the files of a folder that this process holds open or mapped (only Linux tells)."""
    maps = Path("/proc/self/maps")
    if not maps.exists():
        return set()
    held = {line[line.index("/") :] for line in maps.read_text().splitlines() if str(folder) in line}
    for link in Path("/proc/self/fd").iterdir():
        with contextlib.suppress(OSError):
            held.add(str(link.readlink()))
    return {name for name in held if str(folder) in name}


@contextmanager
def no_file_above(size: int) -> Iterator[None]:
    """Let the system refuse longer files (bytes), as a full disk would; part of a write is done before."""
    resource = pytest.importorskip("resource")
    old = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, old[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, old)
