"""Every writable format in every layout that can be chosen, and what a list of entries becomes in it."""

import marshal
import os
import pickle
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from app.backends.base import Backend, SaveOptions
from app.backends.create import create_database
from app.backends.file_operations import FileOperations
from app.backends.formats import FORMATS
from app.backends.registry import new_writer, open_database
from app.backends.writer import CreateOptions, Writer
from app.cancel import CancelToken
from app.codecs.registry import VALUE_ENDS
from tests.backends.failing_files import QuickOperations
from tests.backends.listing import FileState, entries_of, folder_state
from tests.backends.toy_format import PairRecords

Pair = tuple[bytes, bytes]
Folder = dict[str, FileState]

NO_BACKUP = SaveOptions(backup=False)
WRITABLE = tuple(form.format_id for form in FORMATS.values() if form.writable)
IN_FILE_ORDER = frozenset({"dumb", "sqlite3", "cdb", "pickle-file", "marshal-file"})
"""Formats whose entries lie in the order in which they came; inserted ones come last."""
IN_KEY_ORDER = frozenset({"bdb-btree", "lmdb"})
NUMBERED = frozenset({"pickle-file", "marshal-file"})
"""Formats whose keys are the places of the entries in the row."""


DEFAULT_OPTIONS = CreateOptions()


@dataclass(frozen=True)
class Variant:
    """A format with what was chosen for a new database of it."""

    format_id: str
    options: CreateOptions = DEFAULT_OPTIONS

    @property
    def name(self) -> str:
        chosen = {field: getattr(self.options, field) for field in self.options.__dataclass_fields__}
        return " ".join([self.format_id, *(f"{field}={value}" for field, value in chosen.items() if value)])

    def writer(self) -> Writer:
        return new_writer(self.format_id, self.options, VALUE_ENDS)

    @property
    def repeats(self) -> bool:
        """Whether keys can come again; those of numbered entries cannot, though they change."""
        return self.format_id not in NUMBERED and self.writer().holds_duplicates

    @property
    def is_never_empty(self) -> bool:
        """Whether there must be an entry: a pickle file has one, and a file of SDBM without pages tells no layout."""
        return self.format_id in {*NUMBERED, "sdbm"}

    def stored(self, value: bytes) -> bytes:
        """Return bytes that the format can hold as a value and that differ as ``value`` does."""
        if self.format_id == "marshal-file":
            return marshal.dumps(value)
        return pickle.dumps(value) if self.format_id == "pickle-file" else value

    def storable(self, pairs: Iterable[Pair]) -> list[Pair]:
        """Return pairs that the format can hold, the first one of those that can come only once."""
        writer, once = self.writer(), set[Pair]()
        found: list[Pair] = []
        for key, value in pairs:
            same = (key, value if writer.sorts_duplicates else b"")
            if not writer.why_refused(key, len(value)) and same not in once:
                once |= set() if self.repeats and not writer.sorts_duplicates else {same}
                found.append((key, self.stored(value)))
        return self.in_order(found)

    def in_order(self, pairs: Sequence[Pair]) -> list[Pair]:
        """Return entries as the format keeps them: numbered anew, or in its order as far as it has one."""
        if self.format_id in NUMBERED:
            return [(b"%d" % number, value) for number, (_, value) in enumerate(pairs)]
        return list(pairs) if self.format_id in IN_FILE_ORDER else self._sorted(pairs)

    def _sorted(self, pairs: Sequence[Pair]) -> list[Pair]:
        """Sort by keys; values of equal keys keep their order unless the format sorts them."""
        if self.writer().sorts_duplicates:
            return sorted(pairs)
        return sorted(pairs, key=lambda pair: pair[0])

    def same(self, found: Sequence[Pair], pairs: Sequence[Pair]) -> bool:
        """Tell whether what a backend lists is what these entries become."""
        if self.format_id not in IN_KEY_ORDER:
            found = self.in_order(found) if self.format_id not in NUMBERED else found
        return list(found) == self.in_order(pairs)

    def base(self, folder: Path) -> Path:
        return folder / f"shelf.v1{FORMATS[self.format_id].suffix}"

    def make(self, folder: Path, pairs: Sequence[Pair]) -> Path:
        """Make a database and return the file that it is opened by."""
        folder.mkdir(exist_ok=True)
        records, quick = PairRecords(pairs, may_repeat=self.repeats), QuickOperations()
        files = create_database(self.writer(), self.base(folder), records, CancelToken(), operations=quick).files
        return files[0]


def choices(format_id: str) -> list[CreateOptions]:
    """Return the defaults, each option alone in its extremes, and the last choice of all of them at once."""
    options = FORMATS[format_id].options
    chosen: list[dict[str, str | int | bool]] = [{}]
    for option in options:
        others = option.choices[1:]
        if option.name == "page_size":
            others = (min(map(int, others)), max(map(int, others)))
        chosen += [{option.name: choice} for choice in others]
    if options:
        small = {option.name: option.choices[1 if option.name == "page_size" else -1] for option in options}
        chosen.append(small)
    return [CreateOptions(**fields) for fields in chosen]  # type: ignore[arg-type]  # the table has the right types


VARIANTS = [Variant(format_id, options) for format_id in WRITABLE for options in choices(format_id)]
DEFAULTS = [Variant(format_id) for format_id in WRITABLE]

each_variant = pytest.mark.parametrize("variant", VARIANTS, ids=lambda variant: variant.name)
each_format = pytest.mark.parametrize("variant", DEFAULTS, ids=lambda variant: variant.name)


def opened(path: Path, operations: FileOperations | None = None) -> Backend:
    backend = open_database(path, VALUE_ENDS)
    if operations is not None:
        backend.operations = operations
    return backend


def entries(path: Path) -> list[Pair]:
    """Return all entries of a database in which nothing is wrong."""
    with opened(path) as backend:
        found = entries_of(backend)
        assert [problem.message for problem in backend.problems] == []
    return found


def complaints(path: Path) -> list[str]:
    """Return what `check` says."""
    with opened(path) as backend:
        return [problem.message for problem in backend.check(CancelToken())]


def contents(folder: Path) -> dict[str, tuple[bytes, int]]:
    """Return content and mode of each file; what was put back is another file with the same content."""
    return {name: (state.content, state.mode) for name, state in folder_state(folder).items()}


def overwrite(target: Path, source: Path) -> None:
    """Give files the content of those of another folder, in place and without a trace in size or time."""
    for path in source.iterdir():
        there = target / path.name
        status = there.stat()
        assert path.stat().st_size == status.st_size
        with there.open("r+b") as file:
            file.write(path.read_bytes())
        os.utime(there, ns=(status.st_atime_ns, status.st_mtime_ns))
