"""What can still be found in GDBM files without a header or a directory, cut ones, and what was removed from any."""

import contextlib
from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Final

from app.backends.base import Match
from app.backends.binary import MappedFile
from app.backends.carving import ValueSearch, unclaimed
from app.backends.files import companion
from app.backends.gdbm.backend import GdbmBackend
from app.backends.gdbm.buckets import Bucket, Cover, TableShape, buckets_around, is_superseded, possible_shapes
from app.backends.gdbm.layout import HASH_BITS, magic_order
from app.backends.gdbm.traces import Range, Trace, Traces
from app.backends.key_index import IndexChunk
from app.backends.salvage import Found, Origin, Salvage, report_problems
from app.errors import CorruptDatabase

_INCOMPLETE: Final = (
    "Too many places look like entries: some may be missing, mostly such with keys of over 1,024 bytes."
)


def salvage_gdbm(salvage: Salvage) -> Iterator[Found]:
    """Yield the entries as they are listed, then those of buckets that nothing leads to, then bare values."""
    yield from _salvage(salvage.path, salvage)


def salvage_gdbm_ndbm(salvage: Salvage) -> Iterator[Found]:
    """Yield what `salvage_gdbm` does from .pag, or from the member that there is."""
    pages = companion(salvage.base, ".pag")
    yield from _salvage(pages if pages.is_file() else salvage.path, salvage)


def _salvage(path: Path, salvage: Salvage) -> Iterator[Found]:
    with contextlib.closing(MappedFile(path)) as file:
        order = magic_order(file.buffer[:4]) or "little"
        rest = _Rest(file, salvage)
        try:
            backend = GdbmBackend(Match("gdbm", "", "", path, salvage.base, (path,), order))
        except CorruptDatabase as error:
            salvage.report(error.sentence, error.offset)
        else:
            with contextlib.closing(backend):
                yield from _listed(backend, rest, salvage)
        if rest.is_damaged or salvage.deleted:
            yield from rest.found()


def _listed(backend: GdbmBackend, rest: "_Rest", salvage: Salvage) -> Iterator[Found]:
    for chunk in backend.index(salvage.token):
        yield from _of_chunk(backend, chunk, rest)
    rest.know(backend, is_damaged=report_problems(backend, salvage))


def _of_chunk(backend: GdbmBackend, chunk: IndexChunk, rest: "_Rest") -> Iterator[Found]:
    for row, (locator, size) in enumerate(zip(chunk.locators, chunk.sizes, strict=True)):
        key = chunk.key(row)
        place = backend.value_place(key, locator, size)
        rest.claimed.add(place - len(key), place + size)
        yield Found(key, backend.read(key, locator, size), place)


class _Claimed:
    """Ranges of the file whose use is known; in bytes."""

    def __init__(self) -> None:
        self._starts = array("q")
        self._ends = array("q")
        self._merged: list[Range] = []

    def add(self, start: int, end: int) -> None:
        if start < end:
            self._starts.append(start)
            self._ends.append(end)

    def merged(self) -> list[Range]:
        """Return the ranges in order, those that touch as one."""
        if self._starts:
            ranges = sorted([*self._merged, *zip(self._starts, self._ends, strict=True)])
            self._starts, self._ends, self._merged = array("q"), array("q"), []
            for start, end in ranges:
                if self._merged and start <= self._merged[-1][1]:
                    self._merged[-1] = self._merged[-1][0], max(end, self._merged[-1][1])
                else:
                    self._merged.append((start, end))
        return self._merged

    def touches(self, trace: Trace) -> bool:
        """Tell whether a part of an entry is in use otherwise."""
        ranges = self.merged()
        place = bisect_right(ranges, (trace.start, trace.end))
        before = place > 0 and ranges[place - 1][1] > trace.start
        return before or (place < len(ranges) and ranges[place][0] < trace.end)


class _Rest:
    """What is not listed."""

    def __init__(self, file: MappedFile, salvage: Salvage) -> None:
        self.claimed = _Claimed()
        self._file = file
        self._salvage = salvage
        self._traces = Traces(file, salvage.token)
        self._shapes = possible_shapes()
        self._listed: list[Bucket] = []
        self.is_damaged = True

    def know(self, backend: GdbmBackend, *, is_damaged: bool) -> None:
        """Take in what an open file tells of its own structure."""
        header = backend.header
        shape = TableShape(header.layout, header.byte_order, header.bucket_size)
        self._shapes = (shape,)
        self.is_damaged = is_damaged
        self.claimed.add(0, header.block_size)
        self.claimed.add(header.directory, header.directory + header.directory_size)
        for address, lowest, highest in backend.buckets(self._salvage.token):
            bits = HASH_BITS - (highest - lowest + 1).bit_length() + 1
            self._listed.append(Bucket(address, shape, bits, lowest >> (HASH_BITS - bits)))
            self.claimed.add(address, address + header.bucket_size)

    def found(self) -> Iterator[Found]:
        """Yield what is lost, then what was removed if that is wanted, then values without their keys."""
        buckets, strays = self._search()
        is_old = is_superseded([*buckets, *self._listed])
        current = [bucket for bucket in buckets if not is_old(bucket)]
        old = sorted((bucket for bucket in buckets if is_old(bucket)), key=lambda bucket: -bucket.bits)
        for bucket in current:
            self.claimed.add(bucket.address, bucket.end)
        aside = [*self._entries(old), *strays]
        lost = self._lost(current, aside)
        for trace in lost:
            self.claimed.add(trace.start, trace.end)
            yield self._found(trace, Origin.LOST)
        if self._salvage.deleted:
            for trace in self._undisturbed([*aside, *self._entries([*self._listed, *buckets], deleted=True)]):
                self.claimed.add(trace.start, trace.end)
                yield self._found(trace, Origin.DELETED)
        if self._traces.is_incomplete and self.is_damaged:
            self._salvage.report(_INCOMPLETE, None)
        origin = Origin.LOST if self.is_damaged else Origin.DELETED
        gaps = unclaimed(self.claimed.merged(), 0, self._file.size)
        yield from ValueSearch(self._salvage).carve(self._file.buffer, gaps, origin=origin)

    def _entries(self, buckets: Iterable[Bucket], *, deleted: bool = False) -> Iterator[Trace]:
        return (trace for bucket in buckets for trace in self._traces.entries(bucket, deleted=deleted))

    def _found(self, trace: Trace, origin: Origin) -> Found:
        value = trace.start + len(trace.key)
        return Found(trace.key, self._file.slice(value, trace.value_size), value, origin)

    def _search(self) -> tuple[list[Bucket], list[Trace]]:
        """Return the buckets in room that is not in use, and the elements that lie in none."""
        gaps = list(unclaimed(self.claimed.merged(), 0, self._file.size))
        found: list[tuple[dict[int, Bucket], dict[int, Trace]]] = []
        for shapes in self._shapes_by_element():
            hits = dict(self._traces.elements(gaps, shapes[0]))
            hashes = [(place, trace.hash) for place, trace in hits.items() if trace.hash is not None]
            found.append((buckets_around(self._file, hashes, shapes, self._salvage.token), hits))
        buckets, hits = max(found, key=lambda both: len(both[1]))
        addresses = sorted(buckets)
        strays = [trace for place, trace in hits.items() if not _lies_in(place, addresses, buckets)]
        return list(buckets.values()), strays

    def _shapes_by_element(self) -> list[list[TableShape]]:
        """Return the shapes that are possible; together those whose elements look alike."""
        alike: dict[tuple[str, str], list[TableShape]] = {}
        for shape in self._shapes:
            alike.setdefault((shape.layout.element_format, shape.byte_order), []).append(shape)
        return list(alike.values())

    def _lost(self, current: Sequence[Bucket], aside: Iterable[Trace]) -> list[Trace]:
        """Return what nothing leads to and nothing has taken the place of, each key once.

        A bucket that was split also has what was deleted since: it counts only where its halves are gone.
        """
        lost: dict[bytes, Trace] = {}
        self._take(lost, self._entries(current), Cover(self._listed))
        self._take(lost, aside, Cover([*self._listed, *current]))
        return list(lost.values())

    def _take(self, lost: dict[bytes, Trace], traces: Iterable[Trace], covered: Cover) -> None:
        for trace in traces:
            if trace.hash is not None and not covered.takes(trace.hash) and not self.claimed.touches(trace):
                lost.setdefault(trace.key, trace)

    def _undisturbed(self, traces: Iterable[Trace]) -> Iterator[Trace]:
        """Yield the entries that nothing was written over, as far as can be told, each once."""
        free = {(trace.start, trace.end): trace for trace in traces if not self.claimed.touches(trace)}
        starts = sorted({start for start, _ in free})
        for (start, end), trace in sorted(free.items()):
            place = bisect_right(starts, start)
            # A key within another entry is whole: it was written later.
            if place == len(starts) or starts[place] >= end:
                yield trace


def _lies_in(place: int, addresses: list[int], buckets: dict[int, Bucket]) -> bool:
    number = bisect_left(addresses, place + 1) - 1
    return number >= 0 and place < buckets[addresses[number]].end
