"""Entries that come from a stream, kept until a writer has gone through them: keys in memory, values in a file."""

import contextlib
import tempfile
from collections.abc import Iterator
from types import TracebackType
from typing import Self

from app.backends.key_index import ChunkBuilder, IndexChunk, KeyIndex
from app.backends.records import PIECE_BYTES, Records
from app.errors import SaveFailed


@contextlib.contextmanager
def _temporary_room() -> Iterator[None]:
    """Turn a failure of the system into a sentence that names the folder of temporary files."""
    try:
        yield
    except OSError as error:
        where = tempfile.tempdir or "the folder for temporary files"
        message = f"Entries cannot be kept in {where} for the time being ({error.strerror}): make room there, or name"
        raise SaveFailed(f"{message} another folder in the variable TMPDIR.") from error


class SpooledRecords(Records):
    """Filled by `add`; the file has no name and is gone when it is closed."""

    may_repeat = True

    def __init__(self) -> None:
        with _temporary_room():
            self._file = tempfile.TemporaryFile()  # noqa: SIM115 - closed by `close`
        self._builder = ChunkBuilder()
        self._index = KeyIndex()
        self._end = 0

    def add(self, key: bytes, value: bytes) -> None:
        """Take one more entry; not after the first look at them."""
        with _temporary_room():
            self._file.write(value)
        if self._builder.add(key, self._end, len(value)):
            self._index.append(self._builder.take())
        self._end += len(value)

    def _whole(self) -> KeyIndex:
        if len(self._builder):
            self._index.append(self._builder.take())
        return self._index

    def __len__(self) -> int:
        return len(self._whole())

    def chunks(self) -> Iterator[IndexChunk]:
        return iter(self._whole().chunks)

    def key(self, row: int) -> bytes:
        return self._whole().key(row)

    def size(self, row: int) -> int:
        return self._whole().size(row)

    def pieces(self, row: int) -> Iterator[bytes]:
        _key, place, size = self._whole().entry(row)
        for start in range(place, place + size, PIECE_BYTES):
            with _temporary_room():  # what was written last can still wait in a buffer
                self._file.seek(start)
                piece = self._file.read(min(PIECE_BYTES, place + size - start))
            yield piece

    def close(self) -> None:
        with contextlib.suppress(OSError):  # what could not be flushed is thrown away anyway
            self._file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self.close()
