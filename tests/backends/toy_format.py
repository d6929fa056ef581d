"""A container format that exists for tests alone: entries one after another, and a second file that counts them."""

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from struct import Struct
from typing import ClassVar

from app.backends.base import Backend, Match
from app.backends.binary import Damage, MappedFile
from app.backends.file_operations import FileOperations
from app.backends.key_index import ChunkBuilder, IndexChunk
from app.backends.records import PIECE_BYTES, Records, pieces_of
from app.backends.rewrite import RewritingBackend
from app.backends.writer import ImageWriter, Writer
from app.cancel import CancelToken

COUNT = ".count"
LARGEST_VALUE = 5 << 20
_SIZES = Struct("<II")
_MAGIC = b"toy\n"


class PairRecords(Records):
    """Entries that lie in memory."""

    def __init__(self, pairs: Sequence[tuple[bytes, bytes]], *, may_repeat: bool = True) -> None:
        self.may_repeat = may_repeat
        self._pairs = pairs

    def __len__(self) -> int:
        return len(self._pairs)

    def chunks(self) -> Iterator[IndexChunk]:
        builder = ChunkBuilder()
        for key, value in self._pairs:
            if builder.add(key, 0, len(value)):
                yield builder.take()
        if len(builder):
            yield builder.take()

    def key(self, row: int) -> bytes:
        return self._pairs[row][0]

    def size(self, row: int) -> int:
        return len(self._pairs[row][1])

    def pieces(self, row: int) -> Iterator[bytes]:
        return pieces_of(self._pairs[row][1])


class ToyWriter(ImageWriter):
    """Writes the counting file first, so that the entries decide."""

    format_id: ClassVar[str] = "toy"
    suffixes: ClassVar[tuple[str, ...]] = (COUNT, "")

    def __init__(self, *, duplicates: bool = False, is_sorted: bool = False) -> None:
        self.holds_duplicates = duplicates
        self.sorts_duplicates = is_sorted

    def why_refused(self, key: bytes, value_size: int) -> str:
        return "the value is too large" if value_size > LARGEST_VALUE else ""

    def images(self, records: Records, token: CancelToken) -> tuple[Iterable[bytes], ...]:
        return (b"%d" % len(records),), self._entries(records, token)

    def _entries(self, records: Records, token: CancelToken) -> Iterator[bytes]:
        yield _MAGIC
        rows: Iterable[int] = range(len(records))
        if self.sorts_duplicates:
            rows = sorted(rows, key=lambda row: (records.key(row), records.value(row)))
        for row in rows:
            token.check()
            yield _SIZES.pack(len(records.key(row)), records.size(row)) + records.key(row)
            yield from records.pieces(row)

    def open(self, base: Path) -> Backend:
        return toy(base, duplicates=self.holds_duplicates, is_sorted=self.sorts_duplicates)


class ToyBackend(RewritingBackend):
    """Reads the entries from a map; the two files contradict each other when one is of another save."""

    format_id: ClassVar[str] = "toy"

    def __init__(self, match: Match) -> None:
        super().__init__(match)
        self._file = MappedFile(match.path)

    @property
    def may_repeat(self) -> bool:
        return "duplicates" in self.match.variant

    @property
    def replaced_files(self) -> tuple[Path, ...]:
        return (_count_file(self.match.path), self.match.path)

    def writer(self) -> Writer:
        return ToyWriter(duplicates=self.may_repeat, is_sorted="sorted" in self.match.variant)

    def index(self, token: CancelToken) -> Iterator[IndexChunk]:
        self.problems.clear()
        builder = ChunkBuilder()
        place, count = len(_MAGIC), 0
        while place < self._file.size:
            token.check()
            key_size, size = self._file.unpack(_SIZES, place)
            key = self._file.slice(place + _SIZES.size, key_size)
            place += _SIZES.size + key_size + size
            if place > self._file.size:
                self.report("The last value is cut.", place)
                break
            count += 1
            if builder.add(key, place - size, size):
                yield builder.take()
        if len(builder):
            yield builder.take()
        counted = _count_file(self.match.path)
        if counted.exists() and counted.read_bytes() != b"%d" % count:
            self.report("The counting file contradicts the entries.")

    def read(self, key: bytes, locator: int, size: int) -> bytes:
        try:
            if self._file.slice(locator - len(key), len(key)) == key:
                return self._file.slice(locator, size)
        except Damage as error:
            raise self._file.moved(key) from error
        raise self._file.moved(key)

    def pieces(self, key: bytes, locator: int, size: int) -> Iterator[bytes]:
        for start in range(locator, locator + size, PIECE_BYTES):
            yield self._file.slice(start, min(PIECE_BYTES, locator + size - start))

    def close(self) -> None:
        self._file.close()


def _count_file(path: Path) -> Path:
    return path.with_name(path.name + COUNT)


def toy(
    path: Path, operations: FileOperations | None = None, *, duplicates: bool = False, is_sorted: bool = False
) -> ToyBackend:
    variant = f"{'duplicates ' if duplicates else ''}{'sorted' if is_sorted else ''}"
    backend = ToyBackend(Match("toy", variant, "", path, path, (_count_file(path), path)))
    backend.operations = operations or FileOperations()
    return backend


def written(path: Path, pairs: Sequence[tuple[bytes, bytes]]) -> Path:
    """Make a toy database."""
    ToyWriter(duplicates=True).write(PairRecords(pairs), path, FileOperations(), CancelToken())
    return path
