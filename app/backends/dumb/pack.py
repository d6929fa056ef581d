"""Giving a ``dbm.dumb`` database other content, although its two files cannot be replaced together.

The new values are written twice: behind the old ones first, whose index then gives way to one of the new values,
and then over the room of the old ones, which nothing names any more. At every moment ``.dir`` names whole values,
and once the old ones are written over, so does ``.bak``.
"""

import contextlib
import os
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from hashlib import sha256
from pathlib import Path
from typing import BinaryIO

from app.backends.binary import open_regular
from app.backends.dumb.index import DumbFiles
from app.backends.file_operations import FileOperations
from app.backends.files import COPY_BYTES, content_digest, reads_back_differently
from app.backends.locks import why_locked
from app.backends.records import batches
from app.backends.replacing import discard, put_in_place, write_all, write_beside
from app.cancel import CancelToken
from app.errors import AppError, ChangedOnDisk, DatabaseLocked, SaveFailed

BLOCK = 512
"""Bytes: every value begins at a multiple of it."""


def next_block(position: int) -> int:
    """Return where the next value begins behind one that ends at ``position`` (bytes)."""
    return -(-position // BLOCK) * BLOCK


class NewContent(ABC):
    """What a database is to hold. ``size``: bytes that its values take with the gaps between them."""

    size: int

    @abstractmethod
    def values(self) -> Iterator[bytes]:
        """Yield the whole ``.dat`` in pieces."""

    @abstractmethod
    def lines(self, shift: int) -> Iterator[bytes]:
        """Yield the ``.dir`` for values that begin ``shift`` bytes further behind."""


class Appending:
    """What is written behind the end of ``.dat``: where it begins and how far it got (bytes)."""

    def __init__(self, operations: FileOperations, dat: int, start: int) -> None:
        self._operations = operations
        self._dat = dat
        self._start = start
        self.end = start

    def write(self, data: bytes) -> None:
        """Write every byte: the system may take fewer at a time."""
        rest = memoryview(data)
        while rest:
            count = self._operations.write(self._dat, rest)
            self.end += count
            rest = rest[count:]

    def take_back(self) -> None:
        """Cut off again what was written, unless another program wrote there too."""
        if self._start < os.fstat(self._dat).st_size == self.end:
            self._operations.truncate(self._dat, self._start)


@contextlib.contextmanager
def locked_dat(files: DumbFiles, operations: FileOperations) -> Iterator[int]:
    """Give a descriptor of ``.dat`` that only appends, so that nothing another program appends is written over.

    Raises:
        DatabaseLocked: another Shelfscope saves, or a program has a lock on it.
    """
    dat = operations.open(files.dat, os.O_RDWR | os.O_APPEND)
    try:
        if not operations.lock(dat):
            raise DatabaseLocked(why_locked(files.dat), path=files.dat)
        yield dat
    finally:
        with contextlib.suppress(OSError):  # all that counts was made durable before
            operations.close(dat)


class Packing:
    """One exchange of the whole content. ``dat`` is what `locked_dat` gives; ``files`` are resolved."""

    def __init__(self, files: DumbFiles, dat: int, operations: FileOperations, token: CancelToken) -> None:
        self._files = files
        self._dat = dat
        self._operations = operations
        self._token = token
        self._appending = Appending(operations, dat, os.fstat(dat).st_size)
        self._index = self._index_digest()
        self.is_switched = False
        """Whether the database holds the new content."""

    def _index_digest(self) -> bytes:
        return content_digest(self._files[1:], self._token)

    def run(self, content: NewContent, backups: Sequence[Path] = ()) -> tuple[str, ...]:
        """Let the database hold the new content and nothing else; return warnings.

        ``backups`` are taken away again when it did not come to that.

        Raises:
            ChangedOnDisk: another program wrote meanwhile.
            SaveFailed: what was written reads back differently, or the database holds the new content but
                keeps more room than it needs.
        """
        start = next_block(max(self._appending.end, content.size))
        try:
            digest = self._append(content, start)
            self._put_index(content, start, self._files.dir)
        except BaseException:
            self._undo()
            for backup in backups:
                discard(self._operations, backup)
            raise
        self.is_switched = True
        self._token = CancelToken()  # half-way is no place to stop
        with self._not_smaller():
            self._put_index(content, start, self._files.bak)
            self._move_to_front(content.size, start, digest)
            warnings = self._put_index(content, 0, self._files.dir)
            self._put_index(content, 0, self._files.bak)
            self._refuse_other_writer()
            self._operations.truncate(self._dat, content.size)
            self._operations.fsync(self._dat)
        return warnings

    def _append(self, content: NewContent, start: int) -> bytes:
        """Write the values behind the old ones, read them back, and return their digest."""
        expected = sha256()
        for piece in batches(self._with_gap(content, start)):
            self._token.check()
            self._appending.write(piece)
        self._operations.fsync(self._dat)
        for piece in content.values():
            self._token.check()
            expected.update(piece)
        self._refuse_other_writer()
        self._refuse_difference(expected.digest(), start, content.size)
        return expected.digest()

    def _with_gap(self, content: NewContent, start: int) -> Iterator[bytes]:
        for position in range(self._appending.end, start, COPY_BYTES):
            yield bytes(min(COPY_BYTES, start - position))
        yield from content.values()

    def _move_to_front(self, size: int, start: int, digest: bytes) -> None:
        self._refuse_other_writer()
        front = self._operations.open(self._files.dat, os.O_WRONLY)
        try:
            for piece in stored(self._files.dat, start, size):
                write_all(self._operations, front, piece)
            self._operations.fsync(front)
        finally:
            self._operations.close(front)
        self._refuse_difference(digest, 0, size)
        self._refuse_other_writer()

    def _refuse_difference(self, digest: bytes, start: int, size: int) -> None:
        found = sha256()
        for piece in stored(self._files.dat, start, size):
            found.update(piece)
        if found.digest() != digest:
            raise reads_back_differently(self._files.dat)

    def _put_index(self, content: NewContent, shift: int, path: Path) -> tuple[str, ...]:
        model = next(file for file in self._files[1:] if file.exists())
        new = write_beside(self._operations, path, batches(content.lines(shift)), model=model)
        try:
            warnings = put_in_place(self._operations, new, path)
        except BaseException:
            discard(self._operations, new)
            raise
        self._index = self._index_digest()
        return warnings

    def _refuse_other_writer(self) -> None:
        if self._index_digest() != self._index or os.fstat(self._dat).st_size != self._appending.end:
            message = f"{self._files.dat.name} was written by another program meanwhile: try again."
            raise ChangedOnDisk(message, path=self._files.dat)

    @contextlib.contextmanager
    def _not_smaller(self) -> Iterator[None]:
        """Say of a failure that the entries are safe: the index names whole values behind the old ones or before."""
        try:
            yield
        except (OSError, SaveFailed) as error:
            reason = (error.strerror if isinstance(error, OSError) else "what was written reads back differently") or ""
            message = f"{self._files.dat.name} is whole but keeps room that nothing uses ({reason}): compact it again."
            raise SaveFailed(message, path=self._files.dat) from error

    def _undo(self) -> None:
        """Take back what was appended, unless somebody else wrote or the new index is in place after all."""
        with contextlib.suppress(OSError, AppError):
            if self._index_digest() == self._index:
                self._appending.take_back()


def stored(path: Path, start: int, size: int) -> Iterator[bytes]:
    """Yield at most ``size`` bytes of a file from ``start`` on, in pieces."""
    with open_regular(path) as file:
        yield from pieces_at(file, start, size)


def pieces_at(file: BinaryIO, start: int, size: int) -> Iterator[bytes]:
    """Yield at most ``size`` bytes of an open file from ``start`` on, in pieces."""
    file.seek(start)
    while size > 0 and (piece := file.read(min(size, COPY_BYTES))):
        size -= len(piece)
        yield piece
