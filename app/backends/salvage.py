"""What can still be found in files that are damaged, cut, or have lost their companions."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import Enum
from itertools import count
from pathlib import Path

from app.backends.base import Backend, ValueEnd
from app.cancel import CancelToken
from app.errors import CorruptDatabase


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

    ``deleted``: whether removed and superseded entries are wanted too. ``report`` takes sentences on what could
    not be found, with an offset.
    """

    path: Path
    base: Path
    deleted: bool
    value_end: ValueEnd
    report: Callable[[str, int | None], None]
    token: CancelToken


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


def name_of(found: Found, taken: Callable[[bytes], bool]) -> bytes:
    """Return a free key for what was found: its own where that can be, else one that says where it was found."""
    if found.key is not None and found.origin is not Origin.DELETED and not taken(found.key):
        return found.key
    what = "deleted, was at byte" if found.origin is Origin.DELETED else "found at byte"
    stem = b" ".join(filter(None, (found.key, b"(%s %d)" % (what.encode(), found.offset))))
    names = (stem if number == 1 else b"%s #%d" % (stem, number) for number in count(1))
    return next(name for name in names if not taken(name))
