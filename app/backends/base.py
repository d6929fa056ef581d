"""What a container format must offer: keys in chunks, values on demand, changes all or nothing."""

import mmap
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from struct import Struct
from types import TracebackType
from typing import TYPE_CHECKING, ClassVar, Literal, Protocol, Self

from app.backends.file_operations import FileOperations
from app.backends.key_index import IndexChunk
from app.backends.locks import writer_lock_seen
from app.cancel import CancelToken
from app.errors import CorruptDatabase, ReadOnlyDatabase
from app.limits import PROBLEMS

if TYPE_CHECKING:
    from app.backends.writer import Writer

ByteOrder = Literal["little", "big"]

Buffer = bytes | memoryview | mmap.mmap

_LARGE = 1 << 20
"""Bytes of a value that is only checked in pieces."""


class Sliceable(Protocol):
    """Bytes that are taken out a slice at a time; slices end where the bytes do."""

    def __getitem__(self, part: slice, /) -> bytes | memoryview: ...


ValueEnd = Callable[[Sliceable, int], int | None]
"""Where the value that starts at an offset of the buffer ends (bytes), or None when no whole value starts there.

Backends know nothing of values: the engine hands this in for the formats whose entries are bare values.
"""

ValueEnds = Mapping[str, ValueEnd]
"""One for each kind of value that files are made of: ``pickle`` and ``marshal``."""


Values = ValueEnd | ValueEnds | None
"""What is known of values; a function alone is that of pickles."""


def end_of(values: Values, kind: str) -> ValueEnd | None:
    """Return what tells where values of a kind end, None when nobody knows."""
    if isinstance(values, Mapping):
        return values.get(kind)
    return values if kind == "pickle" else None


@dataclass(frozen=True, slots=True)
class Problem:
    """Something in the container that contradicts its format, at a byte offset of its main file."""

    message: str
    offset: int | None = None


@dataclass(frozen=True, slots=True)
class Match:
    """What a file was recognised as, and why.

    ``path`` is the file the backend opens first, ``base`` the name that users of
    several-file formats give, ``files`` all members that exist.
    ``unsupported`` says why the format is only named; empty when a backend can open it.
    """

    format_id: str
    variant: str
    reason: str
    path: Path
    base: Path
    files: tuple[Path, ...]
    byte_order: ByteOrder | None = None
    unsupported: str = ""


@dataclass(frozen=True, slots=True)
class Insert:
    """Add an entry; where duplicates are not allowed, the key must be absent."""

    key: bytes
    value: bytes


@dataclass(frozen=True, slots=True)
class Replace:
    """Give the entry another value."""

    entry_id: int
    value: bytes


@dataclass(frozen=True, slots=True)
class Remove:
    """Take the entry out."""

    entry_id: int


Change = Insert | Replace | Remove


@dataclass(frozen=True, slots=True)
class Expected:
    """How `apply` finds an entry again in the file as it is now, and knows whether it is still the same.

    ``nth`` counts from 0 among entries of equal key in index order; ``sha256`` is the digest of the old value.
    """

    key: bytes
    nth: int
    sha256: bytes


@dataclass(frozen=True, slots=True)
class SaveOptions:
    """``backup``: copy the database beside itself before the commit.

    ``backups_kept``: how many backups stay then; older ones go once all is saved, none where this is None.
    """

    backup: bool = True
    backups_kept: int | None = None


@dataclass(frozen=True, slots=True)
class SaveReport:
    """``backups``: the files that the old state was copied to, in the order of the database's files.

    ``bytes_before`` and ``bytes_after``: what the files of the database occupied and occupy on the disk.
    """

    backups: tuple[Path, ...] = ()
    warnings: tuple[str, ...] = ()
    bytes_before: int = 0
    bytes_after: int = 0


class Backend(ABC):
    """One open database. Opening takes no lock and writes nothing.

    Not safe for use by two threads at once.
    """

    format_id: ClassVar[str]

    def __init__(self, match: Match) -> None:
        self.match = match
        self.operations = FileOperations()
        """What a save does to files goes through this; tests put another one here."""
        self.problems: list[Problem] = []
        """Container problems seen while opening and indexing; grows while `index` runs."""
        self.notes: list[str] = []
        """Sentences on what is unusual, though no damage (keys stored as text…)."""

    def report(self, message: str, offset: int | None = None) -> None:
        """Add a container problem; hostile files cannot make more of them than `limits.PROBLEMS`."""
        if len(self.problems) < PROBLEMS:
            self.problems.append(Problem(message, offset))
        elif len(self.problems) == PROBLEMS:
            self.problems.append(Problem("There is more damage than is listed here."))

    @property
    def why_read_only(self) -> str:
        """One sentence, or empty when `apply` can be tried."""
        return f"Saving {self.format_id} databases is not there yet; convert it to another format."

    @property
    def may_repeat(self) -> bool:
        """Whether this database can hold two entries of the same key."""
        return False

    @property
    def numbers_records(self) -> bool:
        """Whether the keys are record numbers, stored as `record_numbers.NUMBER`."""
        return False

    @property
    def numbers_values(self) -> bool:
        """Whether the keys are the places of the values in a row, from ``0`` on, so that gaps close up."""
        return False

    @property
    def lock_seen(self) -> str:
        """One sentence when another program is seen holding a writer's lock on one of the files, else empty."""
        return next(filter(None, map(writer_lock_seen, self.match.files)), "")

    @abstractmethod
    def index(self, token: CancelToken) -> Iterator[IndexChunk]:
        """Yield all entries in the file's own order, the first chunk soon.

        Damage costs the entries it hits and is added to ``problems``.

        Raises:
            CorruptDatabase: nothing at all can be listed.
            Cancelled: by ``token``.
        """

    @abstractmethod
    def read(self, key: bytes, locator: int, size: int) -> bytes:
        """Return the value that `index` listed under ``key`` at ``locator`` with ``size`` bytes.

        Raises:
            StaleIndex: another key or value lies there now.
            CorruptDatabase: the value itself is damaged.
        """

    def read_prefix(self, key: bytes, locator: int, size: int, limit: int) -> bytes:
        """Return the first ``limit`` bytes of the value, or all when it is shorter."""
        return self.read(key, locator, size)[:limit]

    def pieces(self, key: bytes, locator: int, size: int) -> Iterator[bytes]:
        """Yield what `read` returns in pieces, nothing when it is empty; backends of large values overrule this."""
        value = self.read(key, locator, size)
        return iter((value,) if value else ())

    def values(self, chunk: IndexChunk) -> Iterator[bytes]:
        """Yield what `read` returns for each entry of a chunk of `index`, in order; for going through all of them.

        Raises:
            StaleIndex, CorruptDatabase: as `read`.
        """
        for row in range(len(chunk)):
            yield self.read(chunk.key(row), chunk.locators[row], chunk.sizes[row])

    def scan(self, token: CancelToken) -> Iterator[tuple[IndexChunk, Iterable[bytes]]]:
        """Yield the chunks of `index`, each with its values in order; for going through a whole database once.

        Values are those that were there when the chunk was listed, so that backends need not find entries twice.

        Raises:
            StaleIndex, CorruptDatabase, Cancelled: as `index` and `read`; also while values are taken.
        """
        for chunk in self.index(token):
            yield chunk, self.values(chunk)

    def packed(self, chunk: IndexChunk, lengths: Struct) -> Iterator[bytes] | None:
        """Return the entries of a chunk, each as its two ``lengths``, key and value, where the file holds them so.

        They come cut anywhere; None where they do not lie like that, side by side, or are not as they were listed.
        """
        return None

    def part_of(self, locator: int) -> bytes | None:
        """Return the name of the database within this one that an entry is in; None where there is but one."""
        return None

    def check(self, token: CancelToken) -> Iterator[Problem]:
        """Yield everything in which the files contradict their format, each with its offset.

        That is what `index` finds, every value that cannot be read, and what `check_structure` adds.
        """
        known = 0
        try:
            for chunk, values in self.scan(token):
                yield from self.problems[known:]
                known = len(self.problems)
                if not self._are_readable(chunk, values, token):
                    yield from self._unreadable(chunk, token)
            yield from self.problems[known:]
            yield from self.check_structure(token)
        except CorruptDatabase as error:
            yield Problem(error.sentence, error.offset)

    def _are_readable(self, chunk: IndexChunk, values: Iterable[bytes], token: CancelToken) -> bool:
        """Tell whether all values can be read; False, too, when some are so large that only pieces should be held."""
        if max(chunk.sizes, default=0) > _LARGE:
            return False
        try:
            for _value in values:
                token.check()
        except CorruptDatabase:
            return False
        return True

    def _unreadable(self, chunk: IndexChunk, token: CancelToken) -> Iterator[Problem]:
        told = {problem.offset for problem in self.problems} - {None}
        for row in range(len(chunk)):
            token.check()
            try:
                for _piece in self.pieces(chunk.key(row), chunk.locators[row], chunk.sizes[row]):
                    pass
            except CorruptDatabase as error:
                if error.offset not in told:  # one damaged place is told of once
                    yield Problem(error.sentence, error.offset)

    def check_structure(self, token: CancelToken) -> Iterator[Problem]:
        """Yield what listing the entries passes over: counts, free space, pages used twice or by nothing.

        Called right after `index` ran to its end. Says nothing again that is in ``problems``.
        """
        token.check()
        return iter(())

    def writer(self) -> "Writer":
        """Return what writes a new database with the layout of this one.

        Raises:
            ReadOnlyDatabase: databases of this format, or this one, cannot be written.
        """
        raise ReadOnlyDatabase(self.why_read_only, path=self.match.path)

    def compact(self, options: SaveOptions, token: CancelToken) -> SaveReport:
        """Write the database anew without the room that nothing uses; as safe as `apply`, and with its errors."""
        raise ReadOnlyDatabase(self.why_read_only, path=self.match.path)

    def apply(
        self, changes: Sequence[Change], expected: Mapping[int, Expected], options: SaveOptions, token: CancelToken
    ) -> SaveReport:
        """Write all ``changes`` or none: lock, read as it is now, compare, write, verify, back up, commit.

        ``expected`` has an item for every entry id that ``changes`` names. Locks are tried, never waited for.
        Entries of other keys keep what other programs wrote meanwhile. Afterwards the database must be opened
        anew: where files were replaced, this backend still reads the old ones, or nothing.

        Raises:
            ReadOnlyDatabase: saving is impossible here; the message says what to do.
            DatabaseLocked: another program holds the lock.
            ChangedOnDisk: an entry is no longer as expected, or an inserted key is there already.
            KeyRejected: the format cannot store a key or value.
            SaveFailed: anything else; the file is as it was.
        """
        raise ReadOnlyDatabase(self.why_read_only, path=self.match.path)

    @abstractmethod
    def close(self) -> None:
        """Release files and maps; harmless when called twice."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self.close()
