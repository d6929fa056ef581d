"""What can still be found in a damaged CDB file: entries that the hash tables name, and such as only look like some."""

import contextlib
from collections.abc import Iterator

from app.backends.base import Match
from app.backends.binary import MappedFile
from app.backends.carving import ValueSearch, unclaimed
from app.backends.cdb.backend import CdbBackend
from app.backends.cdb.layout import HEAD, PAIR
from app.backends.salvage import Found, Origin, Salvage, report_problems
from app.errors import CorruptDatabase

_LONGEST_KEY = 1 << 16
"""Bytes of a key that is believed without a hash table."""

_Range = tuple[int, int]


def salvage_cdb(salvage: Salvage) -> Iterator[Found]:
    """Yield the entries as they are listed, then what lies between them; without a head, what its chain gives."""
    with contextlib.closing(MappedFile(salvage.path)) as file:
        claimed: list[_Range] = []
        end = file.size
        try:
            match = Match("cdb", "", "", salvage.path, salvage.base, (salvage.path,))
            with contextlib.closing(CdbBackend(match)) as backend:
                yield from _listed(backend, claimed, salvage)
                end = backend.entries_end
        except CorruptDatabase as error:
            salvage.report(error.sentence, error.offset)
        values = ValueSearch(salvage)
        for free in list(unclaimed(claimed, HEAD.size, end)):
            yield from _between(file, free, values, salvage)


def _listed(backend: CdbBackend, claimed: list[_Range], salvage: Salvage) -> Iterator[Found]:
    for chunk in backend.index(salvage.token):
        for row, (place, size) in enumerate(zip(chunk.locators, chunk.sizes, strict=True)):
            key = chunk.key(row)
            value = place + PAIR.size + len(key)
            if claimed and claimed[-1][1] == place:  # entries side by side are one range
                claimed[-1] = claimed[-1][0], value + size
            else:
                claimed.append((place, value + size))
            if key or size or backend.names(place):  # an empty slot of a table looks like an entry without content
                yield Found(key, backend.read(key, place, size), value)
    report_problems(backend, salvage)


def _between(file: MappedFile, free: _Range, values: ValueSearch, salvage: Salvage) -> Iterator[Found]:
    """Yield the entries that follow each other from the start of a range, then values within the rest of it."""
    place, end = free
    while (following := _end_of(file, place, end)) is not None:
        salvage.token.check()
        file.check_not_cut()
        key_size, size = PAIR.unpack_from(file.buffer, place)
        value = place + PAIR.size + key_size
        yield Found(file.slice(place + PAIR.size, key_size), file.slice(value, size), value, Origin.LOST)
        place = following
    yield from values.carve(file.buffer, [(place, end)])


def _end_of(file: MappedFile, place: int, end: int) -> int | None:
    """Return where an entry ends that may begin at a place; an empty one looks like an empty slot of a table."""
    if place + PAIR.size > end:
        return None
    key_size, size = PAIR.unpack_from(file.buffer, place)
    following: int = place + PAIR.size + key_size + size
    return following if 0 < key_size <= _LONGEST_KEY and following <= end else None
