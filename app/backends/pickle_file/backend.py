"""A file that is one plain pickle, or several in a row, compressed or not."""

from collections.abc import Iterator
from typing import ClassVar, Self

from app.backends.base import Match, ValueEnd
from app.backends.binary import open_regular
from app.backends.changes import Plan
from app.backends.files import Signature, signature
from app.backends.key_index import ChunkBuilder, IndexChunk
from app.backends.pickle_file.unpacked import UnpackedFile, ValuesFile, open_values
from app.backends.pickle_file.write import PickleFileWriter, renumbered
from app.backends.records import PIECE_BYTES, Records
from app.backends.rewrite import RewritingBackend
from app.cancel import CancelToken
from app.errors import CorruptDatabase, StaleIndex


class PickleFileBackend(RewritingBackend):
    """Entries are the successive pickles, keys their numbers from ``0`` on, locators their offsets in bytes.

    What is compressed is unpacked when it is listed; offsets are those in what came out, and a save packs it again.
    ``value_end`` tells where a pickle ends: what a value is, backends do not know.
    """

    format_id: ClassVar[str] = "pickle-file"

    def __init__(self, match: Match, value_end: ValueEnd) -> None:
        super().__init__(match)
        self._path = match.path
        self._value_end = value_end
        self._file: ValuesFile | None = None
        self._indexed: Signature | None = None
        open_regular(self._path).close()

    def reopened(self) -> Self:
        return type(self)(self.match, self._value_end)

    def writer(self) -> PickleFileWriter:
        packing = self._file.packing(CancelToken()) if isinstance(self._file, UnpackedFile) else None
        return PickleFileWriter(PickleFileBackend, self._value_end, packing=packing)

    def changed(self, records: Records, made: Plan) -> Records:
        return renumbered(records, made, self._value_end, self._path)

    def index(self, token: CancelToken) -> Iterator[IndexChunk]:
        self.problems.clear()
        self.notes.clear()
        self.close()
        self._indexed = signature(self._path)
        self._file = open_values(self._path, self._value_end, token, self.report)
        if isinstance(self._file, UnpackedFile) and self._file.streams > 1:
            self.notes.append(f"It consists of {self._file.streams:,} compressed streams; a save makes one of them.")
        if not self._file.size:
            raise CorruptDatabase(f"{self._path.name} is empty: there is nothing to show.", path=self._path)
        builder = ChunkBuilder()
        for number, (start, end) in enumerate(self._places_in(self._file, token)):
            if builder.add(b"%d" % number, start, end - start):
                yield builder.take()
        if len(builder):
            yield builder.take()

    def _places_in(self, file: ValuesFile, token: CancelToken) -> Iterator[tuple[int, int]]:
        """Yield start and end of each pickle; what is behind the last whole one is a problem, and an entry too."""
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

    def pieces(self, key: bytes, locator: int, size: int) -> Iterator[bytes]:
        for start in range(locator, locator + size, PIECE_BYTES):
            yield self._read_checked(start, min(PIECE_BYTES, locator + size - start))

    def _read_checked(self, place: int, size: int) -> bytes:
        """Return bytes of a value; no key lies beside it, so the whole file must be as it was indexed."""
        now = signature(self._path)
        if now is None:
            open_regular(self._path).close()  # says what became of it
        if self._file is None or now != self._indexed or not 0 <= place <= self._file.size - size:
            raise StaleIndex(f"{self._path.name} was changed by another program: read it again.", path=self._path)
        return self._file.slice(place, size)

    def close(self) -> None:
        if self._file is not None:
            self._file.close()
