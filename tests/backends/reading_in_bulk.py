"""What a database reads as entry by entry and with numpy, which must be the same."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

from app.backends.base import Backend, Match
from app.backends.key_index import IndexChunk
from app.backends.whichdb import whichdb
from app.cancel import CancelToken
from app.errors import AppError

Seen = tuple[list[tuple[bytes, bytes | str]], list[tuple[str, int]], list[str]]
"""All entries, with what is said of unreadable ones; problems and notes."""


@dataclass(frozen=True)
class BothWays:
    """One kind of databases; ``in_bulk`` lets numpy do all that it can, however small a file is."""

    backend: Callable[[Match], Backend]
    in_bulk: Callable[[], AbstractContextManager[None]]

    def opened(self, path: Path) -> Backend:
        return self.backend(whichdb(path)[0])

    def see_the_same(self, path: Path) -> Seen:
        """Return what a database reads as, having compared both ways."""
        one_by_one = self._seen_in(path)
        with self.in_bulk():
            assert self._seen_in(path) == one_by_one
        return one_by_one

    def _seen_in(self, path: Path) -> Seen:
        try:
            with self.opened(path) as backend:
                entries = [entry for chunk in backend.index(CancelToken()) for entry in _entries_of(backend, chunk)]
                # Pages are looked at a few before their entries are: problems come in another order.
                problems = sorted((problem.message, problem.offset or 0) for problem in backend.problems)
                return entries, problems, list(backend.notes)
        except AppError as error:
            return [], [(error.message, error.offset or 0)], []


def _entries_of(backend: Backend, chunk: IndexChunk) -> list[tuple[bytes, bytes | str]]:
    keys = list(map(chunk.key, range(len(chunk))))
    try:
        return list(zip(keys, backend.values(chunk), strict=True))
    except AppError:
        return [(key, _value_or_why(backend, chunk, row)) for row, key in enumerate(keys)]


def _value_or_why(backend: Backend, chunk: IndexChunk, row: int) -> bytes | str:
    try:
        return backend.read(chunk.key(row), chunk.locators[row], chunk.sizes[row])
    except AppError as error:
        return error.message
