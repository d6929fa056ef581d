"""What listing the entries of a CDB file passes over: hash tables that lead to none of them, or not to all."""

from array import array
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from itertools import accumulate, islice, pairwise
from operator import itemgetter

from app.backends.base import Problem
from app.backends.binary import MappedFile
from app.backends.cdb.layout import HEAD, PAIR, TABLES
from app.cancel import CancelToken
from app.limits import PROBLEMS

Tables = Sequence[tuple[int, int]]
"""Place (bytes) and number of slots of each."""


class Entries:
    """Place and hash of each entry, places rising; 9 bytes an entry.

    ``are_all``: whether none was left out because of damage, which is known then.
    """

    def __init__(self) -> None:
        self.are_all = True
        self.places = array("I")
        self.hashes = array("I")
        self.found = bytearray()

    def add(self, place: int, hash_: int) -> None:
        self.places.append(place)
        self.hashes.append(hash_)
        self.found.append(0)

    def row(self, place: int, hash_: int) -> int | None:
        """Return which entry of that hash begins at a place."""
        row = bisect_left(self.places, place)
        if row < len(self.places) and self.places[row] == place and self.hashes[row] == hash_:
            return row
        return None


def table_problems(file: MappedFile, tables: Tables, entries: Entries, token: CancelToken) -> Iterator[Problem]:
    """Yield what is wrong with the hash tables of a file that is not cut."""
    return islice(_table_problems(file, tables, entries, token), PROBLEMS)


def _table_problems(file: MappedFile, tables: Tables, entries: Entries, token: CancelToken) -> Iterator[Problem]:
    yield from _layout_problems(file, tables)
    allowance = file.size // PAIR.size
    for number, (place, slots) in enumerate(tables):
        token.check()
        allowance -= slots
        if place + PAIR.size * slots > file.size or allowance < 0:
            yield Problem(f"Hash table {number} reaches beyond the end of the file.", PAIR.size * number)
            continue
        yield from _slot_problems(file, number, tables, entries, token)
    for row, is_found in enumerate(entries.found):
        if not is_found:
            what = "No hash table leads to an entry: programs list it, but never find its key."
            yield Problem(what, entries.places[row])


def are_side_by_side(file: MappedFile, tables: Tables) -> bool:
    """Tell whether the hash tables fill the file from its entries on to its end, none on another one."""
    return not any(True for _ in _layout_problems(file, tables))


def _layout_problems(file: MappedFile, tables: Tables) -> Iterator[Problem]:
    filled = sorted((table for table in tables if table[1]), key=itemgetter(0))
    if any(place + PAIR.size * slots > following for (place, slots), (following, _) in pairwise(filled)):
        yield Problem("Hash tables lie on each other.", 0)
    first, end = tables[0][0], max((place + PAIR.size * slots for place, slots in tables), default=HEAD.size)
    if filled and filled[0][0] < first:
        yield Problem("A hash table lies among the entries.", filled[0][0])
    end = max(end, first)
    if end < file.size:
        yield Problem(f"{file.size - end:,} bytes behind the last hash table belong to nothing.", end)


def _slot_problems(
    file: MappedFile, number: int, tables: Tables, entries: Entries, token: CancelToken
) -> Iterator[Problem]:
    start, slots = tables[number]
    content = file.slice(start, PAIR.size * slots)
    # How many empty slots lie before each one: look-up ends at the first that it meets.
    empty = array("I", accumulate((not place for _, place in PAIR.iter_unpack(content)), initial=0))
    for slot, (hash_, place) in enumerate(PAIR.iter_unpack(content)):
        token.check()
        if not place:
            continue
        row = entries.row(place, hash_) if hash_ % TABLES == number else None
        if row is None:
            if entries.are_all or not HEAD.size <= place < tables[0][0]:
                yield Problem(f"A slot of hash table {number} leads to no entry.", start + PAIR.size * slot)
            continue
        first = (hash_ >> 8) % slots
        gap = empty[slot] - empty[first] if first <= slot else empty[slots] - empty[first] + empty[slot]
        if not gap:
            entries.found[row] = 1
