"""The journals of all documents: where they are, and which of them a crash has left."""

import os
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

from app.document.begun_save import BegunSave
from app.document.history import EntryRef
from app.document.journal import Journal
from app.document.journal_lines import VERSION, change_in, lines_of, record_of
from app.document.pending_change import PendingChange, count_of
from app.document.private_lock import lock
from app.errors import DocumentError

_SUFFIX = ".journal"


@dataclass(frozen=True, slots=True)
class Left:
    """A journal that no running program writes: what was pending when one ended.

    ``database`` is the path of the file that it is of, ``damaged`` how many of its lines cannot be read.
    """

    path: Path
    database: Path
    format: str
    changes: tuple[PendingChange, ...]
    damaged: int = 0
    modified: float = 0.0
    """When it was written last, in seconds since 1970."""
    begun: BegunSave | None = None
    """The save that was begun last: it may have been done."""

    @property
    def count(self) -> int:
        """How many changes it tells of, a rename counted once, and those that cannot be read."""
        return count_of(self.changes) + self.damaged

    def discard(self) -> None:
        """Remove it.

        Raises:
            DocumentError: the system refused.
        """
        try:
            self.path.unlink(missing_ok=True)
        except OSError as error:
            raise DocumentError(f"{self.path} could not be removed: {error.strerror}.") from error


@dataclass(frozen=True, slots=True)
class Kept:
    """How many changes were left of a database, and when the last one was made, in seconds since 1970."""

    database: Path
    count: int
    modified: float


class Journals:
    """A private folder of journals, one for each document that has pending changes."""

    def __init__(self, folder: Path | None = None) -> None:
        self.folder = folder or default_folder()

    def new(self) -> Journal:
        """Return a journal for a document; it makes its file with the first change."""
        return Journal(self.folder, f"{os.getpid()}-{uuid4().hex}{_SUFFIX}")

    def found(self, database: Path) -> Sequence[Left]:
        """Return what was left of a database, the newest last."""
        return self._found(database.absolute())

    def all(self) -> Sequence[Left]:
        """Return all that was left, the newest last."""
        return self._found(None)

    def kept(self) -> Sequence[Kept]:
        """Return of which databases something was left, the newest first; what running programs write is not."""
        kept: dict[Path, Kept] = {}
        for path in self._paths():
            if (left := _read(path, None)) is not None:
                other = kept.get(left.database, Kept(left.database, 0, 0.0))
                newest = max(left.modified, other.modified)
                kept[left.database] = Kept(left.database, left.count + other.count, newest)
        return sorted(kept.values(), key=lambda each: each.modified, reverse=True)

    def _paths(self) -> Sequence[Path]:
        try:
            return sorted(self.folder.glob(f"*{_SUFFIX}"))
        except OSError:
            return []

    def _found(self, wanted: Path | None) -> Sequence[Left]:
        left = [found for path in self._paths() if (found := _read(path, wanted)) is not None]
        return sorted(left, key=lambda found: found.modified)


def default_folder(environment: Mapping[str, str] = os.environ) -> Path:
    """Return where journals are kept: the folder that the platform has for the state of programs."""
    if sys.platform == "win32":
        return Path(environment.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local") / "shelfscope" / "journals"
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Application Support" / "shelfscope" / "journals"
    stated = environment.get("XDG_STATE_HOME", "")
    state = Path(stated) if stated.startswith("/") else Path.home() / ".local" / "state"
    return state / "shelfscope" / "journals"


def _read(path: Path, wanted: Path | None) -> Left | None:
    """Return what a journal says; None while its program runs, where it says nothing, or is of another database."""
    try:
        with path.open("rb") as file:
            if not lock(file):
                return None
            modified = os.fstat(file.fileno()).st_mtime
            lines = lines_of(file)
            header = record_of(bytes(next(lines, b"")))
            if header is None or header.get("shelfscope") != VERSION or not isinstance(header.get("path"), str):
                return None
            if wanted is not None and Path(header["path"]) != wanted:
                return None
            changes, damaged, begun = _changes_of(lines)
    except OSError:
        return None
    if not changes and not damaged:
        return None
    return Left(path, Path(header["path"]), str(header.get("format", "")), changes, damaged, modified, begun)


def _changes_of(lines: Iterable[bytearray]) -> tuple[tuple[PendingChange, ...], int, BegunSave | None]:
    """Return the changes that lines tell of, how many of them cannot be read, and the save that was begun last."""
    changes: dict[EntryRef, PendingChange] = {}
    damaged, begun = 0, None
    for line in lines:
        if not _take(line, changes):
            save = BegunSave.of_record(record_of(bytes(line)) or {}, tuple(changes.values()))
            damaged, begun = damaged + (save is None), save or begun
    return tuple(changes.values()), damaged, begun


def _take(line: bytearray, changes: dict[EntryRef, PendingChange]) -> bool:
    """Take a line; tell whether it can be read."""
    change = change_in(line)
    if change is None:
        return False
    changes.pop(change.ref, None)
    if not change.is_stored:
        changes[change.ref] = change
    return True
