"""Salvage of formats that nothing searches: what can be listed and read of them."""

from collections.abc import Iterator

from app.backends.base import Backend
from app.backends.key_index import IndexChunk
from app.backends.registry import open_database
from app.backends.salvage import Found, Salvage, report_problems
from app.errors import CorruptDatabase


def listed(salvage: Salvage) -> Iterator[Found]:
    """Yield the entries that the format's own reader finds; reports what it could not read.

    Raises:
        CannotOpen, CorruptDatabase: nothing can be listed.
    """
    with open_database(salvage.path, salvage.value_end) as backend:
        for chunk in backend.index(salvage.token):
            yield from _readable(backend, chunk, salvage)
        report_problems(backend, salvage)


def _readable(backend: Backend, chunk: IndexChunk, salvage: Salvage) -> Iterator[Found]:
    for row in range(len(chunk)):
        key, locator = chunk.key(row), chunk.locators[row]
        try:
            value = backend.read(key, locator, chunk.sizes[row])
        except CorruptDatabase as error:
            salvage.report(error.sentence, error.offset)
        else:
            yield Found(key, value, locator)
