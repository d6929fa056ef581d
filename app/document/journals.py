"""The journals of all documents: where they are, and which of them a crash has left."""

import contextlib
import os
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from errno import EINVAL
from os.path import samestat
from pathlib import Path
from stat import S_ISREG
from time import time
from typing import BinaryIO
from uuid import uuid4

from app.document.begun_save import BegunSave
from app.document.history import EntryRef
from app.document.journal import BEGUN, Journal
from app.document.journal_lines import change_in, header_in, is_header, lines_of, record_of
from app.document.pending_change import PendingChange, count_of
from app.document.private_lock import lock, lock_to_look
from app.errors import DocumentError

_SUFFIX = ".journal"
_DAMAGED = ".damaged"
"""What a journal is called of which a part could not be read, once the rest was restored."""
_STALE = 86_400
"""Seconds after which a file that no program writes was begun by one that is gone."""
_HEADERS = (0, 1)
"""The lines that name the database."""
_FLAGS = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
"""Nothing is waited for, and no link followed: the folder may have been filled by anybody."""


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

    @property
    def damaged_path(self) -> Path:
        """Where it is kept once it was restored but for damaged lines."""
        return self.path.with_suffix(_DAMAGED)

    def set_aside(self) -> None:
        """Keep it as one that is offered no more.

        Raises:
            DocumentError: the system refused.
        """
        try:
            self.path.replace(self.damaged_path)
        except OSError as error:
            raise DocumentError(f"{self.path} could not be renamed: {error.strerror}.") from error

    def claim(self) -> "Claim":
        """Take it for this program alone, so that it is not restored twice.

        Raises:
            DocumentError: another one uses it, or restored or discarded it since it was looked at.
        """
        try:
            file = _opened(self.path)
        except FileNotFoundError as error:
            message = f"The unsaved changes of {self.database.name} were restored or discarded in another window."
            raise DocumentError(message) from error
        except OSError as error:
            raise DocumentError(f"{self.path} cannot be read: {error.strerror}.") from error
        if not lock(file) or not _is_at(self.path, file):
            file.close()
            message = f"The unsaved changes of {self.database.name} are in use by another window."
            raise DocumentError(message)
        return Claim(self, file)


class Claim:
    """A journal that is being restored; others neither see nor restore it meanwhile."""

    def __init__(self, left: Left, file: BinaryIO) -> None:
        self._left = left
        self._file = file

    def release(self) -> None:
        """Let others have it again."""
        self._file.close()

    def settle(self) -> None:
        """Remove it, as another journal has what could be read; what could not is kept under another name.

        Raises:
            DocumentError: the system refused.
        """
        if sys.platform == "win32":
            self.release()  # it neither renames nor removes what is open
        try:
            if self._left.damaged:
                self._left.set_aside()
            else:
                self._left.discard()
        finally:
            self.release()


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
        return self._found(Path(os.path.realpath(database)))

    def all(self) -> Sequence[Left]:
        """Return all that was left, the newest last."""
        return self._found(None)

    def kept(self) -> Sequence[Kept]:
        """Return of which databases something was left, the newest first; what running programs write is not."""
        self._sweep()
        kept: dict[Path, Kept] = {}
        for path in self._paths():
            if (left := _read(path, None, keeps_values=False)) is not None:
                other = kept.get(left.database, Kept(left.database, 0, 0.0))
                newest = max(left.modified, other.modified)
                kept[left.database] = Kept(left.database, left.count + other.count, newest)
        return sorted(kept.values(), key=lambda each: each.modified, reverse=True)

    def _paths(self) -> Sequence[Path]:
        try:
            return sorted(self.folder.glob(f"*{_SUFFIX}"))
        except OSError:
            return []

    def _sweep(self) -> None:
        """Remove what was begun and never became a journal: private values in files that nobody would find."""
        for path in self.folder.glob(f"*{BEGUN}"):
            with contextlib.suppress(OSError), _opened(path) as file:
                if os.fstat(file.fileno()).st_mtime < time() - _STALE and lock(file):
                    if sys.platform == "win32":
                        file.close()  # it removes nothing that is open
                    path.unlink()

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


def _opened(path: Path) -> BinaryIO:
    """Open a journal to be read; OSError where it is no plain file."""
    descriptor = os.open(path, _FLAGS)
    if not S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise OSError(EINVAL, "it is no plain file")
    return os.fdopen(descriptor, "rb")


def _is_at(path: Path, file: BinaryIO) -> bool:
    """Tell whether a journal has its name still, and is not one that was written anew meanwhile."""
    return path.exists() and samestat(os.fstat(file.fileno()), path.stat())


def _read(path: Path, wanted: Path | None, *, keeps_values: bool = True) -> Left | None:
    """Return what a journal says; None while its program runs, where it says nothing, or is of another database."""
    try:
        with _opened(path) as file:
            header = header_in(file)
            if header is None or (wanted is not None and Path(os.path.realpath(header["path"])) != wanted):
                return None
            if not lock_to_look(file) or not _is_at(path, file):
                return None
            modified = os.fstat(file.fileno()).st_mtime
            file.seek(0)
            changes, damaged, begun = _changes_of(lines_of(file), keeps_values=keeps_values)
    except (OSError, ValueError):  # the path in it may be none
        return None
    if not changes and not damaged:
        return None
    return Left(path, Path(header["path"]), str(header.get("format", "")), changes, damaged, modified, begun)


def _changes_of(
    lines: Iterable[bytearray], *, keeps_values: bool
) -> tuple[tuple[PendingChange, ...], int, BegunSave | None]:
    """Return the changes that lines tell of, how many of them cannot be read, and the save that was begun last."""
    changes: dict[EntryRef, PendingChange] = {}
    damaged, begun = 0, None
    for number, line in enumerate(lines):
        if number in _HEADERS and _is_header_or_damaged(line):
            continue  # it is there twice, so that a damaged one costs nothing
        if _take(line, changes, keeps_value=keeps_values):
            continue
        save = BegunSave.of_record(record_of(bytes(line)) or {}, tuple(changes.values()))
        damaged, begun = damaged + (save is None), save or begun
    return tuple(changes.values()), damaged, begun


def _is_header_or_damaged(line: bytearray) -> bool:
    record = record_of(bytes(line))
    return record is None or is_header(record)


def _take(line: bytearray, changes: dict[EntryRef, PendingChange], *, keeps_value: bool) -> bool:
    """Take a line; tell whether it can be read."""
    change = change_in(line)
    if change is None:
        return False
    changes.pop(change.ref, None)
    if not change.is_stored:
        changes[change.ref] = change if keeps_value else replace(change, value=b"")
    return True
