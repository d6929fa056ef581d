"""Files of bare values: one after another, whose places in the row are their keys."""

from abc import abstractmethod
from collections.abc import Iterator
from typing import ClassVar, Protocol, Self

from app.backends.base import Match, Sliceable, ValueEnd
from app.backends.binary import open_regular
from app.backends.changes import Plan
from app.backends.files import Signature, signature
from app.backends.key_index import ChunkBuilder, IndexChunk
from app.backends.numbered_values import renumbered
from app.backends.records import PIECE_BYTES, Records
from app.backends.rewrite import RewritingBackend
from app.backends.value_file_write import ValueFileWriter
from app.cancel import CancelToken
from app.errors import CorruptDatabase, StaleIndex


class Content(Protocol):
    """What the values are in: a `MappedFile`, or what stands for one; ``size`` in bytes."""

    @property
    def size(self) -> int: ...
    @property
    def buffer(self) -> Sliceable: ...
    def check_not_cut(self) -> None: ...
    def slice(self, start: int, length: int, /) -> bytes: ...
    def close(self) -> None: ...


class ValueFileBackend(RewritingBackend):
    """Entries are the successive values, keys their numbers from ``0`` on, locators their offsets in bytes.

    ``value_end`` tells where a value ends: what a value is, backends do not know.
    """

    value_name: ClassVar[str]
    """What a person calls a value, after *no whole*."""
    writer_class: ClassVar[type[ValueFileWriter]]

    def __init__(self, match: Match, value_end: ValueEnd) -> None:
        super().__init__(match)
        self._path = match.path
        self._value_end = value_end
        self._content: Content | None = None
        self._indexed: Signature | None = None
        open_regular(self._path).close()

    @property
    def numbers_values(self) -> bool:
        return True

    @abstractmethod
    def open_content(self, token: CancelToken) -> Content:
        """Open what the values are in; what is damaged about it is reported."""

    @abstractmethod
    def writer(self) -> ValueFileWriter: ...

    def reopened(self) -> Self:
        return type(self)(self.match, self._value_end)

    def changed(self, records: Records, made: Plan) -> Records:
        return renumbered(records, made, self._value_end, self._path, self.writer_class.no_value)

    def index(self, token: CancelToken) -> Iterator[IndexChunk]:
        self.problems.clear()
        self.notes.clear()
        self.close()
        self._indexed = signature(self._path)
        content = self._content = self.open_content(token)
        if not content.size:
            raise CorruptDatabase(f"{self._path.name} is empty: there is nothing to show.", path=self._path)
        builder = ChunkBuilder()
        for number, (start, end) in enumerate(self._places_in(content, token)):
            if builder.add(b"%d" % number, start, end - start):
                yield builder.take()
        if len(builder):
            yield builder.take()

    def _places_in(self, content: Content, token: CancelToken) -> Iterator[tuple[int, int]]:
        """Yield start and end of each value; what is behind the last whole one is a problem, and an entry too."""
        start = 0
        while start < content.size:
            token.advance(start, content.size)
            content.check_not_cut()
            end = self._value_end(content.buffer, start)
            if end is None or not start < end <= content.size:
                what = f"The last {content.size - start:,} bytes are" if start else "The file is"
                self.report(f"{what} no whole {self.value_name}; what can be read is shown.", start)
                end = content.size
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
        if self._content is None or now != self._indexed or not 0 <= place <= self._content.size - size:
            raise StaleIndex(f"{self._path.name} was changed by another program: read it again.", path=self._path)
        return self._content.slice(place, size)

    def close(self) -> None:
        if self._content is not None:
            self._content.close()
