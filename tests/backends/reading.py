"""Reading a database that may be damaged, entry by entry."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from time import monotonic

from app.backends.base import Backend, Match
from app.backends.whichdb import whichdb
from app.errors import AppError
from tests.backends.listing import index_of
from tests.corpus import DatabaseCase

SECONDS = 5.0
"""In which reading any damaged case of the corpus must have ended."""

Opener = Callable[[Match], Backend]


@dataclass
class Reading:
    """What came out of a database: entries whose value could be read, sentences for all that could not."""

    entries: list[tuple[bytes, bytes]] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)


def read_all(path: Path, opener: Opener) -> Reading:
    """Read what can be read; only an AppError may stand in the way."""
    reading = Reading()
    try:
        with opener(whichdb(path)[0]) as backend:
            _read_into(reading, backend)
    except AppError as error:
        reading.complaints.append(error.message)
    return reading


def _read_into(reading: Reading, backend: Backend) -> None:
    index = index_of(backend)
    reading.complaints += [problem.message for problem in backend.problems]
    for entry_id in range(len(index)):
        key = index.key(entry_id)
        try:
            value = backend.read(key, index.locator(entry_id), index.size(entry_id))
        except AppError as error:
            reading.complaints.append(error.message)
        else:
            assert len(value) == index.size(entry_id)
            reading.entries.append((key, value))


def wrong_pairs(case: DatabaseCase, path: Path, opener: Opener) -> int:
    """Read a damaged case in the time it may take; return how many pairs came out that the original did not hold."""
    start = monotonic()
    reading = read_all(path, opener)
    assert monotonic() - start < SECONDS
    wrong = sum(not case.knows(key, value) for key, value in reading.entries)
    missing = (case.original_count or 0) - len(reading.entries)
    assert missing <= 0 or reading.complaints
    return wrong
