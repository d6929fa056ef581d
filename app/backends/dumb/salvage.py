"""What can be found of a ``dbm.dumb`` database: by its index, the index before that, and values that neither names."""

import re
from collections.abc import Iterator
from itertools import islice
from typing import Final

from app import limits
from app.backends.binary import MappedFile
from app.backends.carving import ValueSearch
from app.backends.dumb.check import check_dumb, packed_places
from app.backends.dumb.index import MAX_LINE, DumbFiles, DumbIndex, parse_key, read_index_file
from app.backends.dumb.pack import BLOCK
from app.backends.files import companion
from app.backends.salvage import Found, Origin, Salvage
from app.backends.value_signatures import furthest_end

_BYTES_ALLOWED: Final = 4
"""How many times the size of ``.dat`` its values may have together: the lines of a hostile index can overlap."""

_PLACE: Final = re.compile(rb",\s*+\(\s*+(\d{1,18}+)\s*+,(?:\s*+(\d{1,18}+)\s*+\))?")
"""What a damaged line still says of a value: where it lies and, if that is whole, its size."""


def salvage_dumb(salvage: Salvage) -> Iterator[Found]:
    """Yield what the index names, then what only the older index or nothing names.

    Raises:
        CannotOpen: there is no ``.dat`` that can be read.
    """
    files = DumbFiles(*(companion(salvage.base, suffix) for suffix in (".dat", ".dir", ".bak")))
    dat = MappedFile(files.dat)
    try:
        yield from _Search(salvage, files, dat).run()
    finally:
        dat.close()


class _Search:
    """One search, which remembers the blocks whose values were found."""

    def __init__(self, salvage: Salvage, files: DumbFiles, dat: MappedFile) -> None:
        self._salvage = salvage
        self._files = files
        self._dat = dat
        self._taken = bytearray(dat.size // BLOCK + 1)
        self._allowance = _BYTES_ALLOWED * dat.size
        self._values = ValueSearch(salvage)
        self._values.allow_for(dat.size)

    def run(self) -> Iterator[Found]:
        index, older = self._index("dir"), self._index("bak")
        if index is None and older is not None:
            self._salvage.report(f"{self._files.dir.name} is missing: {self._files.bak.name} was read instead.", None)
            index, older = older, None
        is_damaged = index is None or bool(index.problems) or (not len(index) and older is not None and len(older) > 1)
        if index is None:
            self._salvage.report("There is no index: keys are lost, and only values that can be told are found.", None)
        else:
            yield from self._listed(index)
            is_damaged |= self._contradicts_itself()
            yield from self._packed(index)
        rest = Origin.LOST if is_damaged else Origin.DELETED
        if is_damaged or self._salvage.deleted:
            if index is not None and older is not None:
                yield from self._older(index, older, rest)
            yield from self._told_by_damaged_lines(index)
            yield from self._unnamed(rest)

    def _index(self, which: str) -> DumbIndex | None:
        path = self._files.dir if which == "dir" else self._files.bak
        if not path.exists():
            return None
        index = read_index_file(path, self._salvage.token)
        if which == "dir" or not self._files.dir.exists():
            for problem in index.all_problems():
                self._salvage.report(problem.message, problem.offset)
        return index

    def _contradicts_itself(self) -> bool:
        """Report what lines say of ``.dat`` that cannot be, and tell whether any does."""
        problems = list(islice(check_dumb(self._files, self._salvage.token), limits.PROBLEMS))
        for problem in problems:
            self._salvage.report(problem.message, problem.offset)
        return bool(problems)

    def _listed(self, index: DumbIndex) -> Iterator[Found]:
        for row, key in enumerate(index.rows):
            self._salvage.token.advance(row, len(index))
            slot = index.slot(row)
            if slot.position + slot.size > self._dat.size:
                message = f"A value of {slot.size:,} bytes should be beyond the end of {self._files.dat.name}."
                self._salvage.report(message, slot.position)
            else:
                yield from self._found(key, slot.position, slot.size, Origin.LIVE)

    def _packed(self, index: DumbIndex) -> Iterator[Found]:
        """Yield what lies where the values are if they were packed and nobody told the index."""
        for row, (key, place) in enumerate(zip(index.rows, packed_places(index, self._dat.size), strict=False)):
            self._salvage.token.check()
            if place != index.positions[row] and place + index.sizes[row] <= self._dat.size:
                yield from self._found(key, place, index.sizes[row], Origin.LOST)

    def _found(self, key: bytes | None, position: int, size: int, origin: Origin) -> Iterator[Found]:
        """Give a value, unless hostile lines name more bytes than there can be."""
        self._allowance -= size
        if self._allowance < 0:
            if self._allowance + size >= 0:
                self._salvage.report("Values lie on each other; the rest is left out.", position)
            return
        self._claim(position, size)
        yield Found(key, self._dat.slice(position, size), position, origin)

    def _claim(self, position: int, size: int) -> None:
        first, last = position // BLOCK, -(-(position + size) // BLOCK)
        self._taken[first:last] = bytes((1,)) * (last - first)

    def _is_free(self, position: int, size: int) -> bool:
        """Tell whether no value that was found lies there."""
        first, last = position // BLOCK, -(-(position + size) // BLOCK)
        return position + size <= self._dat.size and self._taken.find(1, first, last) < 0

    def _older(self, index: DumbIndex, older: DumbIndex, rest: Origin) -> Iterator[Found]:
        """Yield values that only the index before this one names; where a newer value lies on them they are gone.

        Where the newer one is damaged, a value that both name by different keys is given by both: one was changed.
        """
        named = set(zip(index.positions, index.sizes, strict=True)) if rest is Origin.LOST else frozenset()
        for row, key in enumerate(older.rows):
            self._salvage.token.check()
            position, size = older.positions[row], older.sizes[row]
            origin = Origin.DELETED if key in index.rows else rest
            is_wanted = origin is Origin.LOST or self._salvage.deleted
            is_whole = self._is_free(position, size) if size else key not in index.rows
            is_renamed = origin is Origin.LOST and (position, size) in named
            if is_wanted and (is_whole or is_renamed):
                yield from self._found(key, position, size, origin)

    def _told_by_damaged_lines(self, index: DumbIndex | None) -> Iterator[Found]:
        """Yield what lines still tell that are no whole lines any more: a key or a size can be missing."""
        source = self._files.dir if self._files.dir.exists() else self._files.bak
        if index is None or not index.bad_lines:
            return
        with source.open("rb") as file:
            for problem in index.problems:
                file.seek(problem.offset or 0)
                line = file.readline(MAX_LINE)
                if place := _PLACE.search(line):
                    key = parse_key(line[: place.start()])
                    size = self._size_at(int(place[1]), place[2])
                    if size is not None and self._is_free(int(place[1]), size):
                        yield from self._found(key, int(place[1]), size, Origin.LOST)

    def _size_at(self, position: int, size: bytes | None) -> int | None:
        """Return the size that a line tells, or else the value itself."""
        if size is not None or position >= self._dat.size:
            return int(size) if size is not None else None
        end = self._value_end(position)
        return None if end is None else end - position

    def _value_end(self, position: int) -> int | None:
        """Return where a value ends that begins at a place; None where there is none, or too much was looked at."""
        end = furthest_end(self._dat.buffer, position, self._dat.size)
        if end <= position or self._values.is_spent(position):
            return None
        return self._values.end_of(self._dat.buffer, position, end)

    def _unnamed(self, origin: Origin) -> Iterator[Found]:
        """Yield values that begin at blocks nothing names, as far as they can be told."""
        position = 0
        while (block := self._taken.find(0, position // BLOCK)) >= 0 and (position := block * BLOCK) < self._dat.size:
            self._salvage.token.advance(position, self._dat.size)
            end = self._value_end(position)
            if end is not None and self._is_free(position, end - position):
                yield from self._found(None, position, end - position, origin)
            else:
                position += BLOCK
