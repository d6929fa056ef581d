"""What can still be found in files that are damaged, cut, or have lost their companions."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from enum import Enum
from hashlib import sha256
from itertools import count
from pathlib import Path
from typing import Final

from app.backends.base import Backend, ValueEnd
from app.cancel import CancelToken
from app.errors import AppError, CorruptDatabase, StaleIndex

_DIGEST_BYTES: Final = 16


class Origin(Enum):
    """How an entry was found."""

    LIVE = "live"
    """Where the format says that entries are."""
    LOST = "lost"
    """Nothing leads to it any more, because of damage."""
    DELETED = "deleted"
    """It was removed or superseded, and still lies in free space."""


@dataclass(frozen=True, slots=True)
class Found:
    """An entry that was found. ``key`` is None where it is lost; ``offset`` is that of the value, in bytes."""

    key: bytes | None
    value: bytes
    offset: int
    origin: Origin = Origin.LIVE


@dataclass(frozen=True, slots=True)
class Salvage:
    """What is to be searched: any member of a database, ``base`` its base name.

    ``deleted``: whether removed and superseded entries are wanted too. ``value_end`` is that of pickles.
    ``report`` takes sentences on what could not be found, with an offset.
    """

    path: Path
    base: Path
    deleted: bool
    value_end: ValueEnd
    report: Callable[[str, int | None], None]
    token: CancelToken
    marshal_end: ValueEnd = lambda _buffer, _offset: None


Salvager = Callable[[Salvage], Iterator[Found]]
"""Yields entries, live ones first; the same entry is found once. Raises CannotOpen when there is nothing to read."""


def report_problems(backend: Backend, salvage: Salvage) -> bool:
    """Report what listing a database noticed and what its structure shows besides; tell whether there was anything.

    Called right after `Backend.index` ran to its end. Whoever is told that a database is sound was told the same by
    `Backend.check`.
    """
    said = [(problem.message, problem.offset) for problem in backend.problems]
    for message, offset in said:
        salvage.report(message, offset)
    is_damaged = bool(said)
    try:
        for problem in backend.check_structure(salvage.token):
            is_damaged = True
            salvage.report(problem.message, problem.offset)
    except CorruptDatabase as error:
        is_damaged = True
        salvage.report(error.sentence, error.offset)
    return is_damaged


def readable(
    backend: Backend, salvage: Salvage, damaged: Callable[[AppError], None] | None = None
) -> Iterator[tuple[bytes, bytes, int]]:
    """Yield key, value and locator of the entries that a database lists; ``damaged`` takes why others cannot be read.

    Without it that is reported.
    """
    for chunk in backend.index(salvage.token):
        for row in range(len(chunk)):
            salvage.token.check()
            key, locator = chunk.key(row), chunk.locators[row]
            try:
                value = backend.read(key, locator, chunk.sizes[row])
            except (CorruptDatabase, StaleIndex) as error:
                if damaged is None:
                    salvage.report(error.sentence, error.offset)
                else:
                    damaged(error)
            else:
                yield key, value, locator


class ListingSearch(ABC):
    """A search that lists a database as far as that goes, and remembers the entries for when it looks elsewhere."""

    def __init__(self, salvage: Salvage) -> None:
        self._salvage = salvage
        self._seen: set[bytes] = set()
        self.is_damaged = False

    @abstractmethod
    def _opened(self) -> Backend:
        """Return the database."""

    def _live(self, key: bytes, value: bytes, locator: int) -> Found | None:
        """Return what was found with an entry that is listed; None when it cannot be believed."""
        return Found(key, value, locator)

    def _goes_on_after(self, error: AppError) -> bool:
        """Tell whether there is something to be found where listing failed."""
        return isinstance(error, CorruptDatabase)

    def listed(self) -> Iterator[Found]:
        """Yield the entries that are listed and can be read.

        Raises:
            AppError: the files cannot be read at all.
        """
        try:
            with closing(self._opened()) as backend:
                for key, value, locator in readable(backend, self._salvage, self._damaged):
                    found = self._live(key, value, locator)
                    if found is not None:
                        self._is_new(key, value)
                        yield found
                self.is_damaged |= report_problems(backend, self._salvage)
        except AppError as error:
            if not self._goes_on_after(error):
                raise
            self._damaged(error)

    def _damaged(self, error: AppError) -> None:
        self._damage(error.sentence, error.offset)

    def _damage(self, message: str, offset: int | None) -> None:
        self.is_damaged = True
        self._salvage.report(message, offset)

    def _is_new(self, key: bytes, value: bytes) -> bool:
        """Tell whether an entry is found for the first time, and remember it."""
        digest = digest_of(key, value)
        is_new = digest not in self._seen
        self._seen.add(digest)
        return is_new


def digest_of(key: bytes, value: bytes) -> bytes:
    """Return what stands for an entry where all are remembered (16 bytes)."""
    return sha256(b"%d " % len(key) + key + value).digest()[:_DIGEST_BYTES]


def name_of(found: Found, taken: Callable[[bytes], bool]) -> bytes:
    """Return a free key for what was found: its own where that can be, else one that says where it was found."""
    if found.key is not None and found.origin is not Origin.DELETED and not taken(found.key):
        return found.key
    what = "deleted, was at byte" if found.origin is Origin.DELETED else "found at byte"
    stem = b" ".join(filter(None, (found.key, b"(%s %d)" % (what.encode(), found.offset))))
    names = (stem if number == 1 else b"%s #%d" % (stem, number) for number in count(1))
    return next(name for name in names if not taken(name))
