"""What comes out of a damaged database, and whether anything is said about it."""

from dataclasses import dataclass
from pathlib import Path

from app.backends.base import Backend
from app.backends.registry import open_database
from app.cancel import CancelToken
from app.codecs.registry import value_end
from app.errors import AppError
from tests import corpus


@dataclass
class Damage:
    """Pairs of the original, other pairs, and how often listing and ``check`` complained."""

    right: int = 0
    wrong: int = 0
    said_listing: int = 0
    said_check: int = 0

    @property
    def undetected(self) -> int:
        return 0 if self.said_listing or self.said_check else self.wrong


def examine(case: corpus.DatabaseCase, path: Path) -> Damage:
    """Return what reading a damaged database gives, and whether anything was said."""
    pairs: list[tuple[bytes, bytes]] = []
    found = Damage()
    try:
        with open_database(path, value_end) as backend:
            found.said_listing = read_into(pairs, backend) + len(backend.problems)
        with open_database(path, value_end) as backend:
            found.said_check = sum(1 for _problem in backend.check(CancelToken()))
    except AppError:  # what cannot be opened or listed is said by both
        found.said_listing += 1
        found.said_check += 1
    found.right = sum(case.knows(*pair) or corpus.expected_entry(*pair) in case.entries for pair in pairs)
    found.wrong = len(pairs) - found.right
    return found


def read_into(pairs: list[tuple[bytes, bytes]], backend: Backend) -> int:
    """Read every value there is; return how many could not be read."""
    refused = 0
    for chunk in backend.index(CancelToken()):
        for row in range(len(chunk)):
            key = chunk.key(row)
            try:
                pairs.append((key, backend.read(key, chunk.locators[row], chunk.sizes[row])))
            except AppError:
                refused += 1
    return refused
