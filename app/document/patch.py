"""Differences between two values, and a file for those that are too large to be kept in memory."""

import tempfile
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import BinaryIO

from app.errors import DocumentError

KEPT_BYTES = 4_096
"""Bytes of differences that one edit holds in memory; more go to the file."""
KEPT_IN_ALL = 4 << 20
"""Bytes of differences that all edits together hold in memory; what comes later goes to the file."""

_STEP = 1 << 20
"""Bytes that are compared at once: more would hold up the window's thread meanwhile."""

_BLOCK = 1 << 18
"""Bytes of the file that are read at once, for the next of many small differences.

A thread that reads again and again, with less than the interpreter's switch interval between, takes the interpreter
back before the window's thread wakes up, and keeps that waiting for as long as it goes on.
"""

_LOST = "What this edit changed cannot be read from its temporary file any more."


@dataclass(frozen=True, slots=True)
class Patch:
    """What turns one value into another: at ``offset`` bytes, ``removed`` became ``inserted``."""

    offset: int
    removed: bytes
    inserted: bytes

    @classmethod
    def between(cls, before: bytes, after: bytes) -> "Patch":
        start = _common_prefix(before, after)
        limit = min(len(before), len(after)) - start
        end = _common_suffix(before, after, limit)
        return cls(start, before[start : len(before) - end], after[start : len(after) - end])

    @property
    def size(self) -> int:
        """How many bytes it holds."""
        return len(self.removed) + len(self.inserted)

    def load(self) -> "Patch":
        return self

    def reversed(self) -> "Patch":
        return Patch(self.offset, self.inserted, self.removed)

    def apply(self, value: bytes) -> bytes:
        """Return the value with this difference made.

        Raises:
            DocumentError: the value is not the one that the difference was taken from.
        """
        end = self.offset + len(self.removed)
        if value[self.offset : end] != self.removed:
            raise DocumentError("This edit no longer fits: the value was changed by another program since.")
        return value[: self.offset] + self.inserted + value[end:]


@dataclass(frozen=True, slots=True)
class SpilledPatch:
    """A patch whose bytes are in a file."""

    offset: int
    removed: int
    inserted: int
    place: int
    """Where in the file they are: what was removed and what was inserted, joined."""
    spill: "Spill"

    def load(self) -> Patch:
        """Return the patch itself.

        Raises:
            DocumentError: the file cannot be read.
        """
        data = self.spill.read(self.place, self.removed + self.inserted)
        return Patch(self.offset, data[: self.removed], data[self.removed :])


AnyPatch = Patch | SpilledPatch


class Spill:
    """A private temporary file that large differences go to; no name of it is left, whatever happens.

    It may be used by any thread. Where it cannot be written, differences stay in memory: none is ever lost.
    """

    def __init__(self, folder: Path | None = None) -> None:
        self._folder = folder
        self._file: BinaryIO | None = None
        self._end = 0
        self._room = KEPT_IN_ALL
        self._block, self._block_number = b"", -1
        self._lock = Lock()

    @property
    def size(self) -> int:
        """Bytes that were written so far."""
        return self._end

    def keep(self, patch: Patch, *, is_small: bool = False) -> AnyPatch:
        """Return a patch that holds no bytes in memory, or the patch itself where the file cannot be written.

        ``is_small``: it may stay in memory while there is room for such.
        """
        if is_small and patch.size <= self._room:
            self._room -= patch.size
            return patch
        try:
            place = self._write(patch.removed, patch.inserted)
        except (OSError, ValueError):
            return patch
        return SpilledPatch(patch.offset, len(patch.removed), len(patch.inserted), place, self)

    def _write(self, *parts: bytes) -> int:
        with self._lock:
            if self._file is None:
                self._file = self._opened()
            place = self._end
            self._file.seek(place)
            self._file.writelines(parts)  # joined first, large ones would hold up the window's thread
            self._file.flush()
            self._end = place + sum(map(len, parts))
            return place

    def _opened(self) -> BinaryIO:
        if self._folder is not None:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        return tempfile.TemporaryFile(prefix="undo-", dir=self._folder)

    def read(self, place: int, size: int) -> bytes:
        """Return bytes that were written.

        Raises:
            DocumentError: the file cannot be read.
        """
        with self._lock:
            try:
                data = self._read_at(place, size)
            except OSError as error:
                raise DocumentError(_LOST) from error
        if len(data) != size:
            raise DocumentError(_LOST)
        return data

    def _read_at(self, place: int, size: int) -> bytes:
        block, start = divmod(place, _BLOCK)
        if start + size > _BLOCK:
            return self._read_file(place, size)
        if block != self._block_number or start + size > len(self._block):
            self._block, self._block_number = self._read_file(block * _BLOCK, _BLOCK), block
        return self._block[start : start + size]

    def _read_file(self, place: int, size: int) -> bytes:
        if self._file is None:
            return b""
        self._file.seek(place)
        return self._file.read(size)

    def close(self) -> None:
        """Remove the file; harmless when called twice."""
        with self._lock:
            if self._file is not None:
                self._file.close()
                self._file, self._block, self._block_number = None, b"", -1


def _common_prefix(left: bytes, right: bytes) -> int:
    low, length = 0, min(len(left), len(right))
    while low < length and left[low : low + _STEP] == right[low : low + _STEP]:
        low += _STEP
    low, high = min(low, length), min(low + _STEP, length)
    while low < high:
        middle = (low + high + 1) // 2
        if left[low:middle] == right[low:middle]:
            low = middle
        else:
            high = middle - 1
    return low


def _common_suffix(left: bytes, right: bytes, limit: int) -> int:
    """Return how many of the last ``limit`` bytes are the same."""
    same, ends = 0, (len(left), len(right))
    while same < limit:
        size = min(_STEP, limit - same)
        one, other = (data[end - same - size : end - same] for data, end in zip((left, right), ends, strict=True))
        if one != other:
            return same + _common_prefix(one[::-1], other[::-1])
        same += size
    return same
