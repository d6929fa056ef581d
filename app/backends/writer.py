"""Writing whole new databases: what a format needs for it, and what it cannot hold."""

import contextlib
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from struct import Struct
from typing import ClassVar, Literal

from app.backends.base import Backend, ByteOrder
from app.backends.file_operations import FileOperations
from app.backends.files import companion
from app.backends.fingerprint import WatchedRecords, occurrences_in
from app.backends.formats import FORMATS
from app.backends.packing import PackedWatch
from app.backends.records import Records
from app.backends.replacing import Piece, create_file, discard, put_all_in_place
from app.cancel import CancelToken
from app.errors import CorruptDatabase, OptionRejected, StaleIndex

Duplicates = Literal["", "unsorted", "sorted"]

Watched = WatchedRecords | PackedWatch


@dataclass(frozen=True, slots=True)
class CreateOptions:
    """What can be chosen for a new database; a format refuses what means nothing to it. None or empty: its default.

    ``page_size`` (bytes): of a page, with GDBM of a block. ``layout`` is one of GDBM's structure layouts.
    ``duplicates``: whether, and in which order, a key can come more than once (Berkeley DB).
    ``mode``: permissions of the new files; None for those that the umask leaves of 0666.
    """

    page_size: int | None = None
    byte_order: ByteOrder | None = None
    numsync: bool = False
    layout: str = ""
    duplicates: Duplicates = ""
    mode: int | None = None


def refuse_unknown(options: CreateOptions, format_id: str) -> None:
    """Refuse what is chosen for a new database and its format does not list in `FORMATS`.

    Raises:
        OptionRejected: names the option, and its choices where there are some.
    """
    known = {option.name: option for option in FORMATS[format_id].options}
    for field in fields(options):
        chosen = getattr(options, field.name)
        if field.name == "mode" or chosen in (None, "", False):
            continue
        if field.name not in known:
            raise OptionRejected(
                f"{format_id} databases have no {field.name.replace('_', ' ')}; leave that option out."
            )
        option = known[field.name]
        if chosen not in option.choices:
            choices = ", ".join(f"{choice:,}" if isinstance(choice, int) else choice for choice in option.choices)
            label = option.label.lower()
            raise OptionRejected(f"The {label} of {format_id} databases cannot be {chosen}; choose from {choices}.")


@dataclass(frozen=True, slots=True)
class Refusal:
    """An entry that a format cannot hold. ``reason`` follows "… cannot be stored: "."""

    row: int
    key: bytes
    reason: str


class Writer(ABC):
    """Writes new databases of one format in one layout."""

    format_id: ClassVar[str]
    suffixes: ClassVar[tuple[str, ...]] = ("",)
    """What the files have behind the base name, in the order in which new ones take the places of old ones."""
    packing: ClassVar[Struct | None] = None
    """The lengths of key and value that lie before both, where entries lie side by side in the order they come in."""
    holds_duplicates: bool = False
    sorts_duplicates: bool = False
    """Whether entries of equal key are put in the order of their values, whatever order they come in."""

    def refusals(self, records: Records, token: CancelToken) -> Iterator[Refusal]:
        """Yield every entry that cannot be stored; where a key can come only once, its first entry can."""
        occurrences, row = occurrences_in(records, token), 0
        for chunk in records.chunks():
            token.advance(row, len(records))
            for number in range(len(chunk)):
                key = chunk.key(number)
                reason = self.why_refused(key, chunk.sizes[number])
                if not reason and occurrences.next(key) and not self.holds_duplicates:
                    reason = f"{self.format_id} holds a key only once, and it comes again"
                if reason:
                    yield Refusal(row + number, key, reason)
            row += len(chunk)

    def under_new_keys(self, records: Records) -> Records:
        """Return records that `refusals` lets pass under the keys that they get."""
        return records

    @abstractmethod
    def why_refused(self, key: bytes, value_size: int) -> str:
        """Return why an entry of that key and size of value (bytes) cannot be stored, or an empty string."""

    @abstractmethod
    def write(self, records: Records, base: Path, operations: FileOperations, token: CancelToken) -> None:
        """Write all files of a database under the base name, whose names are free; durable, for the owner alone.

        ``records`` hold nothing that `refusals` names. On a failure what was written is taken away again.

        Raises:
            KeyRejected: the entries cannot be stored together; before anything is written.
        """

    @abstractmethod
    def open(self, base: Path) -> Backend:
        """Open what `write` has written."""

    def paths(self, base: Path) -> tuple[Path, ...]:
        """Return the files of a database of that base name."""
        return tuple(companion(base, suffix) for suffix in self.suffixes)

    def in_the_way(self, base: Path) -> tuple[Path, ...]:
        """Return what else must not be there from an older database of that base name; it goes in the end."""
        return ()

    def overwrite(
        self, operations: FileOperations, pairs: Sequence[tuple[Path, Path]]
    ) -> tuple[tuple[Path, ...], tuple[str, ...]] | None:
        """Give an older database the new content under locks of its own; None where its files are to be replaced.

        Returns backups, made under the same locks, and warnings. When it fails, the old database is as it was.
        """
        return None

    def put_in_place(self, operations: FileOperations, pairs: Sequence[tuple[Path, Path]]) -> tuple[str, ...]:
        """Let new files take the names of those of an older database, as `put_all_in_place`."""
        return put_all_in_place(operations, pairs)


def watched(writer: Writer, records: Records, token: CancelToken) -> Watched:
    """Return records to give to ``writer`` that know afterwards, for `is_written`, what it was given."""
    if writer.packing is not None:
        return PackedWatch(records, writer.packing, token)
    return WatchedRecords(records, token, in_order=not writer.sorts_duplicates)


def is_written(writer: Writer, base: Path, records: Watched, token: CancelToken) -> bool:
    """Tell whether what ``writer`` wrote of `watched` records under a base name reads back as they are."""
    wanted = records.fingerprint()
    try:
        with contextlib.closing(writer.open(base)) as written:
            is_same = records.fingerprint_in(written) == wanted and not written.problems
            # Entries that are found one behind the other say nothing of what leads to them.
            return is_same and (writer.packing is None or not any(True for _ in written.check_structure(token)))
    except (StaleIndex, CorruptDatabase):
        return False


class ImageWriter(Writer):
    """A writer whose files can be written from start to end."""

    is_sparse: ClassVar[bool] = False
    """Whether zeros are left out of the file as holes."""

    @abstractmethod
    def images(self, records: Records, token: CancelToken) -> tuple[Iterable[Piece], ...]:
        """Return the content of each file, in the order of ``suffixes``."""

    def write(self, records: Records, base: Path, operations: FileOperations, token: CancelToken) -> None:
        made: list[Path] = []
        try:
            for path, image in zip(self.paths(base), self.images(records, token), strict=True):
                create_file(operations, path, image, sparse=self.is_sparse)
                made.append(path)
        except BaseException:
            for path in made:
                discard(operations, path)
            raise
