"""A file that is one plain pickle, or several in a row."""

from collections.abc import Iterator
from typing import ClassVar

from app.backends.base import Backend, Match, ValueEnd
from app.backends.binary import MappedFile, open_regular
from app.backends.files import Signature, read_range, signature
from app.backends.key_index import ChunkBuilder, IndexChunk
from app.cancel import CancelToken
from app.errors import CorruptDatabase, StaleIndex


class PickleFileBackend(Backend):
    """Entries are the successive pickles, keys their numbers from ``0`` on, locators their offsets in bytes.

    ``value_end`` tells where a pickle ends: what a value is, backends do not know.
    """

    format_id: ClassVar[str] = "pickle-file"

    def __init__(self, match: Match, value_end: ValueEnd) -> None:
        super().__init__(match)
        self._path = match.path
        self._value_end = value_end
        self._indexed: Signature | None = None
        open_regular(self._path).close()

    def index(self, token: CancelToken) -> Iterator[IndexChunk]:
        self.problems.clear()
        self._indexed = signature(self._path)
        builder = ChunkBuilder()
        for number, (start, end) in enumerate(self._places(token)):
            if builder.add(b"%d" % number, start, end - start):
                yield builder.take()
        if len(builder):
            yield builder.take()

    def _places(self, token: CancelToken) -> Iterator[tuple[int, int]]:
        """Yield start and end of each pickle; what is behind the last whole one is a problem, and an entry too."""
        file = MappedFile(self._path)
        try:
            if not file.size:
                raise CorruptDatabase(f"{self._path.name} is empty: there is nothing to show.", path=self._path)
            yield from self._places_in(file, token)
        finally:
            file.close()

    def _places_in(self, file: MappedFile, token: CancelToken) -> Iterator[tuple[int, int]]:
        start = 0
        while start < file.size:
            token.advance(start, file.size)
            file.check_not_cut()
            end = self._value_end(file.buffer, start)
            if end is None or not start < end <= file.size:
                what = f"The last {file.size - start:,} bytes are" if start else "The file is"
                self.report(f"{what} no whole pickle; what can be read is shown.", start)
                end = file.size
            yield start, end
            start = end

    def read(self, key: bytes, locator: int, size: int) -> bytes:
        return self._read_checked(locator, size)

    def read_prefix(self, key: bytes, locator: int, size: int, limit: int) -> bytes:
        return self._read_checked(locator, min(size, limit))

    def _read_checked(self, locator: int, size: int) -> bytes:
        """Return bytes of a value; no key lies beside it, so the whole file must be as it was indexed."""
        value = read_range(self._path, locator, size)
        if len(value) < size or signature(self._path) != self._indexed:
            raise StaleIndex(f"{self._path.name} was changed by another program: read it again.", path=self._path)
        return value

    def close(self) -> None:
        """Nothing stays open between calls."""
