"""Files of bare values as they are, or unpacked from a compression into a temporary file."""

import contextlib
import tempfile
from collections.abc import Callable
from mmap import ACCESS_READ, mmap
from pathlib import Path
from typing import BinaryIO, Final

from app import limits
from app.backends.base import ValueEnd
from app.backends.binary import MappedFile
from app.backends.value_signatures import PACKED_BYTES, wrapped_in
from app.cancel import CancelToken
from app.compression.base import Compression, Packing
from app.compression.registry import packing_of
from app.compression.unpacking import Unpacking
from app.errors import CannotOpen, CorruptDatabase

_TEMPLATE_BYTES = 4 << 20
"""The longest first stream that is packed again whole to find out how it was packed."""

Report = Callable[[str, int], None]
"""Takes a sentence on damage and the offset in the file."""


class UnpackedFile:
    """The content of a compressed file, with what `MappedFile` offers; the temporary file has no name."""

    def __init__(self, path: Path, compression: Compression, token: CancelToken, report: Report) -> None:
        """Unpack all that can be; what is damaged is reported.

        Raises:
            CannotOpen: the file cannot be read, or there is no room for what comes out of it.
            CorruptDatabase: too much comes out of it.
        """
        self.path: Final = path
        self.buffer: mmap | bytes = b""
        self.size = 0
        self._compression = compression
        self._source = MappedFile(path)
        self._unpacking = Unpacking(compression, self._source.buffer, self._source.size)
        self._file = _temporary(path)
        try:
            self._fill(token)
        except BaseException:
            self.close()
            raise
        if self._unpacking.error:
            report(f"{self._unpacking.error} What came out before is shown.", self._unpacking.end)
        elif self._unpacking.end < self._source.size:
            behind = self._source.size - self._unpacking.end
            report(f"{behind:,} bytes follow the {compression.title} data; they are left out.", self._unpacking.end)

    @property
    def streams(self) -> int:
        """How many compressed streams follow each other."""
        return len(self._unpacking.members)

    @property
    def padding(self) -> int:
        """The number of zero bytes that follow the compressed streams, up to the end of the file."""
        return self._unpacking.padding

    def _fill(self, token: CancelToken) -> None:
        try:
            for piece in self._unpacking.pieces(token):
                self._source.check_not_cut()
                if self._unpacking.size > limits.UNPACKED_FILE_BYTES:
                    raise CorruptDatabase(
                        f"More than {limits.UNPACKED_FILE_BYTES:,} bytes come out of {self.path.name}, which is more "
                        "than is unpacked; unpack a copy of it with another program and open that.",
                        path=self.path,
                    )
                self._file.write(piece)
            self._file.flush()
            self.size = self._unpacking.size
            if self.size:
                self.buffer = mmap(self._file.fileno(), self.size, access=ACCESS_READ)
        except OSError as error:
            message = f"{self.path.name} cannot be unpacked: {error.strerror or error}; make room for temporary files."
            raise CannotOpen(message, path=self.path) from error

    def packing(self, token: CancelToken) -> Packing:
        """Return how the first stream was packed, as far as that can be found out."""
        first = self._unpacking.members[0]
        end = min(first.end, first.start + _TEMPLATE_BYTES)
        content = self.slice(0, min(first.content_end, _TEMPLATE_BYTES))
        return packing_of(self._compression, self._source.slice(first.start, end - first.start), content, token).packing

    def slice(self, offset: int, length: int) -> bytes:
        if offset < 0 or length < 0 or offset + length > self.size:
            raise CorruptDatabase(f"{length} bytes are needed where {self.path.name} has none.", path=self.path)
        return self.buffer[offset : offset + length]

    def check_not_cut(self) -> None:
        """Nobody else can cut a temporary file."""

    def close(self) -> None:
        if isinstance(self.buffer, mmap):
            self.buffer.close()
        self.buffer = b""
        self.size = 0
        self._file.close()
        self._source.close()


ValuesFile = MappedFile | UnpackedFile


def open_values(path: Path, value_end: ValueEnd, token: CancelToken, report: Report) -> ValuesFile:
    """Return the file mapped, or what is in it where it is compressed.

    Raises: as `UnpackedFile`.
    """
    with contextlib.ExitStack() as stack:
        file = MappedFile(path)
        stack.callback(file.close)
        compression = wrapped_in(file.buffer[:PACKED_BYTES], value_end)
        if compression is None:
            stack.pop_all()
            return file
    return UnpackedFile(path, compression, token, report)


def _temporary(path: Path) -> BinaryIO:
    try:
        return tempfile.TemporaryFile()
    except OSError as error:
        raise CannotOpen(f"{path.name} cannot be unpacked: {error.strerror or error}.", path=path) from error
