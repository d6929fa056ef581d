"""CDB files (cdb, tinycdb; mail and DNS maps): written once, never changed in place; keys may repeat.

The entries lie one after another and are listed in that order. 256 hash tables behind them name the place of
each; no entry is believed before the tables name its place for its key, and they lead past damage. A locator is
the address of an entry.

References: D. J. Bernstein, "A structure for constant databases" (cdb.txt).
"""

from array import array
from bisect import bisect_right
from collections.abc import Iterator
from itertools import chain, islice
from struct import Struct
from typing import ClassVar, Final

from app.backends.base import Match, Problem
from app.backends.binary import Damage, MappedFile
from app.backends.cdb.check import Entries, are_side_by_side, table_problems
from app.backends.cdb.layout import HEAD, PAIR, key_hash
from app.backends.cdb.write import CdbWriter
from app.backends.key_index import CHUNK, FIRST_CHUNK, ChunkBuilder, IndexChunk
from app.backends.records import PIECE_BYTES
from app.backends.rewrite import RewritingBackend
from app.cancel import CancelToken
from app.errors import AppError

_PROBES: Final = 32
"""Slots that are looked at for one entry: many entries of one key make a run of any length."""

_HASHED: Final = 1 << 20
"""Bytes of the longest key that is checked; nobody could give up a longer one meanwhile."""
_MANY: Final = 1 << 15
"""Entries from which on numpy is worth its import."""
_KEY_ALLOWANCE: Final = 4
"""How many times the file's size its keys may have together: hostile entries can overlap."""

_Entry = tuple[bytes, int, int]
"""Key, locator, and size of the value in bytes."""


class CdbBackend(RewritingBackend):
    """One CDB file; there are no locks, writers put a new file in its place."""

    format_id: ClassVar[str] = "cdb"

    def __init__(self, match: Match) -> None:
        super().__init__(match)
        self._file = MappedFile(match.path)
        try:
            numbers = self._file.unpack(HEAD, 0)
            if numbers[0] < HEAD.size:
                raise self._file.damage("the hash tables lie where none can be; restore it from a backup", 0)
        except AppError:
            self._file.close()
            raise
        self._tables: tuple[tuple[int, int], ...] = tuple(zip(numbers[::2], numbers[1::2], strict=True))
        self._end: int = min(numbers[0], self._file.size)
        missing = numbers[510] + PAIR.size * numbers[511] - self._file.size
        self._is_cut = missing > 0
        if self._is_cut:
            self.report(f"The file is cut: {missing:,} bytes are missing at its end.", self._file.size)
        self._opening_problems = len(self.problems)
        self._starts: array[int] | None = None
        self._tables_lead_to_all = False
        """Whether the last listing found the tables to lead to each entry and to nothing else."""

    @property
    def may_repeat(self) -> bool:
        return True

    @property
    def entries_end(self) -> int:
        """Return where the entries end, or the file when it is cut within them (bytes)."""
        return self._end

    def writer(self) -> CdbWriter:
        return CdbWriter(CdbBackend)

    def index(self, token: CancelToken) -> Iterator[IndexChunk]:
        self._file.check_not_cut()
        del self.problems[self._opening_problems :]
        self._starts = None
        self._tables_lead_to_all = False
        listed = array("q")
        for chunk in self._chunks(token):
            listed.extend(chunk.locators)
            yield chunk
            self._file.check_not_cut()
        if 2 * len(listed) != sum(slots for _, slots in self._tables):  # every writer makes two slots for an entry
            yield from self._covered(listed, token)

    def _chunks(self, token: CancelToken) -> Iterator[IndexChunk]:
        """List the entries that follow each other."""
        place = HEAD.size
        builder = ChunkBuilder()
        if self._is_large:  # the first entries are there before numpy is
            for key, locator, size in islice(self._entries(place, token), FIRST_CHUNK):
                builder.add(key, locator, size)
                place = self._end_of(locator)
            if len(builder) == FIRST_CHUNK:
                for chunk in chain((builder.take(),), self._by_numpy(place, token)):
                    yield chunk
                    place = self._end_of(chunk.locators[-1])
            else:
                place = self._end  # there are no more
        for key, locator, size in self._entries(place, token):
            if builder.add(key, locator, size):
                yield builder.take()
        if len(builder):
            yield builder.take()

    def _covered(self, listed: "array[int]", token: CancelToken) -> Iterator[IndexChunk]:
        """List the entries that the hash tables name within others, which end where no entry before them did."""
        builder = ChunkBuilder()
        last = blamed = -1
        for place in self._all_starts():
            token.check()
            row = bisect_right(listed, place) - 1
            if place == last or row < 0 or not listed[row] < place < self._end_of(listed[row]) or self._allowance < 0:
                continue
            last = place
            entry = self._entry_at(place)
            if entry is None:
                continue
            if row != blamed:
                self.report("A value covers entries behind it: its length was changed.", listed[row])
                blamed = row
            if builder.add(*entry):
                yield builder.take()
        if len(builder):
            yield builder.take()

    @property
    def _is_large(self) -> bool:
        """Whether numpy is worth its import."""
        return self._file.size - self._end >= 2 * PAIR.size * _MANY

    def _by_numpy(self, place: int, token: CancelToken) -> Iterator[IndexChunk]:
        """List the entries from a place on, up to the first that is not as the hash tables have it."""
        from app.backends.cdb import bulk  # noqa: PLC0415 - numpy takes longer to load than a small file to list

        found = bulk.listing(self._file.buffer, self._tables, self._end)
        if found is None:
            return
        row = found.row_at(place)
        for first in range(row, len(found), CHUNK):
            token.check()
            chunk = found.chunk(self._file.buffer, first, min(first + CHUNK, len(found)))
            if chunk is None:
                return
            yield chunk
        # Then every slot is used by an entry, and found from where the search for its hash begins.
        self._tables_lead_to_all = found.chunk(self._file.buffer, 0, row) is not None

    def _entries(self, place: int, token: CancelToken) -> Iterator[_Entry]:
        """List the entries from a place on, each when the one behind it was found to begin where it ends."""
        self._allowance = _KEY_ALLOWANCE * self._file.size
        waiting = None
        while place < self._end:
            token.check()
            entry = self._entry_at(place)
            if self._allowance < 0:
                self.report("Entries lie on each other; the rest is left out.", place)
                return
            if waiting is not None and (entry is not None or self._is_start(place) or self._leads_on(place)):
                yield waiting
                waiting = None
            if entry is None:
                # Either nothing begins here, or the entry before does not end here: go on behind that one's start.
                damaged = waiting[1] if waiting is not None else place
                self.report("An entry is left out: its key or its length was changed.", damaged)
                place, waiting = self._next_start(damaged), None
                continue
            waiting = entry
            place = self._end_of(place)
        if waiting is not None:
            yield waiting

    def _entry_at(self, place: int) -> _Entry | None:
        """Return the entry that begins at a place, or None when none does."""
        if self._end_of(place) > self._end:
            return None
        key_size, size = PAIR.unpack_from(self._file.buffer, place)
        self._allowance -= key_size
        start = place + PAIR.size
        key = self._file.buffer[start : start + key_size]
        return (key, place, size) if self._is_named(key, place) else None

    def _end_of(self, place: int) -> int:
        """Return where an entry would end that begins at a place, behind the entries when it cannot be."""
        if place + PAIR.size > self._end:
            return self._end + 1
        key_size, size = PAIR.unpack_from(self._file.buffer, place)
        end: int = place + PAIR.size + key_size + size
        return end

    def _leads_on(self, place: int) -> bool:
        """Tell whether what begins at a place ends at an entry, so that only its key or the tables were changed."""
        end = self._end_of(place)
        return end == self._end or (end < self._end and self._is_start(end))

    def _is_named(self, key: bytes, place: int) -> bool:
        """Tell whether the hash tables name the place for the key, as far as they are there."""
        if len(key) > _HASHED:
            return True
        hash_ = key_hash(key)
        table, slots = self._tables[hash_ & 0xFF]
        first = (hash_ >> 8) % slots if slots else 0
        for probe in range(min(slots, _PROBES)):
            at = table + PAIR.size * ((first + probe) % slots)
            if at + PAIR.size > self._file.size:
                return True
            found = PAIR.unpack_from(self._file.buffer, at)
            if found == (hash_, place):
                return True
            if not found[1]:
                return False
        return slots > _PROBES

    def _is_start(self, place: int) -> bool:
        """Tell whether the hash tables name the place; what is lost of them may name any."""
        return self._is_cut or self.names(place)

    def names(self, place: int) -> bool:
        """Tell whether the hash tables name a place, as far as they are there."""
        starts = self._all_starts()
        position = bisect_right(starts, place)
        return position > 0 and starts[position - 1] == place

    def _next_start(self, place: int) -> int:
        """Return where the next entry begins that the hash tables name, or the end of the entries."""
        starts = self._all_starts()
        position = bisect_right(starts, place)
        return min(starts[position], self._end) if position < len(starts) else self._end

    def _all_starts(self) -> "array[int]":
        """Return the addresses of all entries that the hash tables name, rising; only damage asks for them."""
        if self._starts is None:
            slots = self._file.buffer[self._tables[0][0] :]
            pairs = PAIR.iter_unpack(slots[: len(slots) // PAIR.size * PAIR.size])
            self._starts = array("I", sorted(place for _, place in pairs if place))
        return self._starts

    def check_structure(self, token: CancelToken) -> Iterator[Problem]:
        if self._is_cut or (self._tables_lead_to_all and are_side_by_side(self._file, self._tables)):
            return
        entries = Entries()
        for chunk in self.index(token):  # finds the problems that it found before
            for row, place in enumerate(chunk.locators):
                if not entries.places or entries.places[-1] < place:  # those that others cover come last
                    entries.add(place, key_hash(chunk.key(row)))
        entries.are_all = len(self.problems) == self._opening_problems
        yield from table_problems(self._file, self._tables, entries, token)

    def read(self, key: bytes, locator: int, size: int) -> bytes:
        return self.read_prefix(key, locator, size, size)

    def read_prefix(self, key: bytes, locator: int, size: int, limit: int) -> bytes:
        self._file.check_not_cut()
        try:
            start = locator + PAIR.size
            is_same = self._file.unpack(PAIR, locator) == (len(key), size)
            if is_same and self._file.slice(start, len(key)) == key:
                return self._file.slice(start + len(key), min(size, limit))
        except Damage as error:
            raise self._file.moved(key) from error
        raise self._file.moved(key)

    def values(self, chunk: IndexChunk) -> Iterator[bytes]:
        if not self._is_large:
            return super().values(chunk)
        from app.backends.cdb import bulk  # noqa: PLC0415 - as in `_by_numpy`

        self._file.check_not_cut()
        if not bulk.is_as_listed(self._file.buffer, chunk):
            return super().values(chunk)
        return bulk.values_in(self._file.buffer, chunk)

    def scan(self, token: CancelToken) -> Iterator[tuple[IndexChunk, Iterator[bytes]]]:
        for chunk in self.index(token):
            self._file.check_not_cut()
            yield chunk, self._values_listed(chunk)

    def _values_listed(self, chunk: IndexChunk) -> Iterator[bytes]:
        """Return the values of a chunk that was listed right before."""
        if not self._is_large or len(chunk) <= FIRST_CHUNK:
            return self._values_singly(chunk)
        from app.backends.cdb import bulk  # noqa: PLC0415 - as in `_by_numpy`

        return bulk.values_in(self._file.buffer, chunk)

    def _values_singly(self, chunk: IndexChunk) -> Iterator[bytes]:
        key = 0
        for place, end, size in zip(chunk.locators, chunk.ends, chunk.sizes, strict=True):
            value = place + PAIR.size + end - key
            yield self._file.slice(value, size)
            key = end

    def packed(self, chunk: IndexChunk, lengths: Struct) -> Iterator[bytes] | None:
        if not self._is_large or lengths.format != PAIR.format:
            return None
        from app.backends.cdb import bulk  # noqa: PLC0415 - as in `_by_numpy`

        self._file.check_not_cut()
        stretch = bulk.stretch_of(chunk) if bulk.is_as_listed(self._file.buffer, chunk) else None
        return self._stretch(*stretch) if stretch else None

    def _stretch(self, start: int, end: int) -> Iterator[bytes]:
        for place in range(start, end, PIECE_BYTES):
            self._file.check_not_cut()
            yield self._file.slice(place, min(PIECE_BYTES, end - place))

    def pieces(self, key: bytes, locator: int, size: int) -> Iterator[bytes]:
        yield from filter(None, (self.read_prefix(key, locator, size, PIECE_BYTES),))
        start = locator + PAIR.size + len(key)
        for place in range(start + PIECE_BYTES, start + size, PIECE_BYTES):
            self._file.check_not_cut()
            yield self._file.slice(place, min(PIECE_BYTES, start + size - place))

    def close(self) -> None:
        self._file.close()
