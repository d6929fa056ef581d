"""Bounded reads over a read-only map of a file: nothing but AppErrors leaves it, whatever the file holds."""

import errno
import os
import stat
import sys
from collections.abc import Iterator
from mmap import ACCESS_READ, mmap
from pathlib import Path
from struct import Struct
from typing import Any, BinaryIO, Final

from app.backends.base import ByteOrder
from app.errors import CannotOpen, CorruptDatabase, FileMissing, StaleIndex


def cannot_open(path: Path, error: OSError | ValueError) -> CannotOpen:
    """Return the sentence for a failed opening."""
    match error:
        case FileNotFoundError() | NotADirectoryError():
            return FileMissing(f"There is no file named {path}; check its name and folder.", path=path)
        case PermissionError():
            message = f"{path} may not be read by this user; change its permissions or copy it as its owner."
        case IsADirectoryError():
            message = f"{path} is a folder, not a database; name a file in it."
        case OSError():
            message = f"{path} cannot be read: {error.strerror or error}."
        case _:
            message = f"{path!s:.200} is not a possible file name; check it."
    return CannotOpen(message, path=path)


def open_regular(path: Path) -> BinaryIO:
    """Return the file opened for unbuffered reading.

    Raises:
        CannotOpen: it is missing, forbidden, a folder, or a pipe or device whose opening could wait for ever.
    """
    try:
        mode = path.stat().st_mode
        if not stat.S_ISREG(mode) and not stat.S_ISDIR(mode):
            raise CannotOpen(f"{path} is a pipe, socket or device, not a file; copy its content to a file.", path=path)
        if stat.S_ISDIR(mode):
            raise cannot_open(path, IsADirectoryError())
        return path.open("rb", buffering=0)
    except (OSError, ValueError) as error:
        raise cannot_open(path, error) from error


def read_head(path: Path, limit: int) -> tuple[bytes, int]:
    """Return the first ``limit`` bytes of a file and its whole size in bytes.

    Raises:
        CannotOpen: as `open_regular`.
    """
    with open_regular(path) as file:
        try:
            return file.read(limit), os.fstat(file.fileno()).st_size
        except OSError as error:
            raise cannot_open(path, error) from error


def extents(fd: int, size: int) -> Iterator[tuple[int, int]]:
    """Yield start and end (bytes) of each stretch of a file that is no hole, as far as the system tells."""
    place = 0
    while place < size:
        start, end = _next_extent(fd, place, size)
        if start < size:
            yield start, min(end, size)
        place = end


def _next_extent(fd: int, place: int, size: int) -> tuple[int, int]:
    if sys.platform == "win32" or not hasattr(os, "SEEK_DATA"):
        return place, size
    try:
        start = os.lseek(fd, place, os.SEEK_DATA)
        return start, max(os.lseek(fd, start, os.SEEK_HOLE), start + 1)
    except OSError as error:
        # ENXIO: nothing but a hole follows; else the file system does not tell.
        return (size, size) if error.errno == errno.ENXIO else (place, size)


class Damage(CorruptDatabase):
    """Damage at a byte offset; ``detail`` is what is wrong without the file's name, for a `Problem`."""

    def __init__(self, detail: str, *, path: Path, offset: int) -> None:
        super().__init__(f"{path.name}: {detail} (at byte {offset:,}).", path=path, offset=offset)
        self.detail = detail


class MappedFile:
    """One file, mapped for reading, in a byte order.

    ``buffer`` is for loops that check ranges themselves; slices of it are copies, so that
    `close` always succeeds and the file can be replaced afterwards on Windows too.
    """

    def __init__(self, path: Path, byte_order: ByteOrder = "little") -> None:
        self.path: Final = path
        self.byte_order: Final = byte_order
        self.mark: Final = "<" if byte_order == "little" else ">"
        """The byte order as `struct` writes it."""
        self._u16, self._u32, self._i32, self._i64 = (Struct(self.mark + code) for code in "HIiq")
        self._file = open_regular(path)
        self.buffer: mmap | bytes = b""
        try:
            self.size = os.fstat(self._file.fileno()).st_size
            if self.size:  # an empty file cannot be mapped
                self.buffer = mmap(self._file.fileno(), self.size, access=ACCESS_READ)
        except (OSError, ValueError) as error:
            self._file.close()
            raise cannot_open(path, error) from error

    def damage(self, detail: str, offset: int) -> Damage:
        """Return the error that names this file and the place."""
        return Damage(detail, path=self.path, offset=offset)

    def moved(self, key: bytes) -> StaleIndex:
        """Return the error for an entry that is not where it was listed."""
        message = f"{self.path.name} changed: {key!s:.80} is not where it was listed; list it again."
        return StaleIndex(message, path=self.path)

    def unpack(self, fields: Struct, offset: int) -> tuple[Any, ...]:
        if not 0 <= offset <= self.size - fields.size:
            raise self.damage(f"{fields.size} bytes are needed where the file has none", offset)
        return fields.unpack_from(self.buffer, offset)

    def slice(self, offset: int, length: int) -> bytes:
        if offset < 0 or length < 0 or offset + length > self.size:
            raise self.damage(f"{length} bytes are needed where the file has none", offset)
        return self.buffer[offset : offset + length]

    def _number(self, fields: Struct, offset: int) -> int:
        number: int = self.unpack(fields, offset)[0]
        return number

    def u8(self, offset: int) -> int:
        return self.slice(offset, 1)[0]

    def u16(self, offset: int) -> int:
        return self._number(self._u16, offset)

    def u32(self, offset: int) -> int:
        return self._number(self._u32, offset)

    def i32(self, offset: int) -> int:
        return self._number(self._i32, offset)

    def i64(self, offset: int) -> int:
        return self._number(self._i64, offset)

    def extents(self) -> Iterator[tuple[int, int]]:
        """Yield start and end of each stretch that is no hole, as far as the system tells; holes read as zeros."""
        return extents(self._file.fileno(), self.size)

    def check_not_cut(self) -> None:
        """Tell that another program cut the file short, before touching pages of the map that are gone (SIGBUS).

        Raises:
            StaleIndex: it did.
        """
        if not self._file.closed and os.fstat(self._file.fileno()).st_size < self.size:
            raise StaleIndex(f"{self.path.name} was cut short by another program; index it again.", path=self.path)

    def close(self) -> None:
        if isinstance(self.buffer, mmap):
            self.buffer.close()
        self.buffer = b""
        self.size = 0
        self._file.close()
