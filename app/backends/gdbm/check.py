"""What listing a GDBM file passes over: its tables of free space, counts, look-up order, and room that is used twice.

References: avail.c, bucket.c (_gdbm_get_bucket), findkey.c and gdbmopen.c (validate_header) of GDBM 1.23.
"""

from array import array
from collections.abc import Iterator, Sequence
from itertools import accumulate, groupby
from struct import Struct
from typing import Final

from app.backends.base import Problem
from app.backends.binary import MappedFile
from app.backends.gdbm.layout import BUCKET_FREE, Header
from app.cancel import CancelToken

_NEVER_USED: Final = -1
_KINDS: Final = ("the header", "the directory", "a bucket", "an entry", "free space", "a table of free space")
_HEADER, _DIRECTORY, _BUCKET, _ENTRY, _FREE, _TABLE = range(len(_KINDS))


class Stretches:
    """What every part of the file is used for: starts and ends in bytes, 17 bytes each."""

    def __init__(self) -> None:
        self._starts = array("q")
        self._ends = array("q")
        self._kinds = bytearray()

    def add(self, kind: int, start: int, size: int) -> None:
        if size > 0:
            self._starts.append(start)
            self._ends.append(start + size)
            self._kinds.append(kind)

    def conflicts(self, next_block: int, token: CancelToken) -> Iterator[Problem]:
        """Yield what begins before something else has ended, and what reaches into room that is to be given out next.

        Old releases left bytes behind ``next_block`` that mean nothing: the file's size is no sign of damage.
        """
        end, owner = 0, _HEADER
        for number in sorted(range(len(self._starts)), key=self._starts.__getitem__):
            token.check()
            start, kind = self._starts[number], self._kinds[number]
            if start < end:
                what = _KINDS[kind].capitalize()
                yield Problem(f"{what} lies where {_KINDS[owner]} is; one of them overwrote the other.", start)
            if self._ends[number] > next_block:
                what = _KINDS[kind].capitalize()
                yield Problem(f"{what} reaches over the end that the header names; GDBM will overwrite it.", start)
            if self._ends[number] > end:
                end, owner = self._ends[number], kind


class StructureCheck:
    """One pass over a file whose entries were listed before."""

    def __init__(self, file: MappedFile, header: Header, directory: Sequence[int], token: CancelToken) -> None:
        self._file = file
        self._header = header
        self._directory = directory
        self._token = token
        self._layout = header.layout
        self._element = Struct(file.mark + header.layout.element_format)
        self._free_element = Struct(file.mark + header.layout.free_format)
        self._table_head = Struct(f"{file.mark}ii{header.layout.offset_code}")
        self._stretches = Stretches()
        self._last_bucket = file.size - header.bucket_size
        self._slot_count = len(directory)
        # Hostile tables can lie on each other: together they have no more elements than the file has room for.
        self._allowance = file.size // self._free_element.size

    def problems(self) -> Iterator[Problem]:
        header = self._header
        self._stretches.add(_HEADER, 0, header.block_size)
        self._stretches.add(_DIRECTORY, header.directory, header.directory_size)
        yield from self._free_blocks()
        for address, slots in self._buckets():
            self._token.check()
            self._stretches.add(_BUCKET, address, header.bucket_size)
            yield from self._bucket(address, slots)
        yield from self._stretches.conflicts(header.next_block, self._token)

    def _free_blocks(self) -> Iterator[Problem]:
        """Go through the header's table and those that were pushed out of it when it was full."""
        header = self._header
        place, room = header.free_at, header.block_size - header.free_at
        seen = {0}
        while place not in seen:
            self._token.check()
            seen.add(place)
            if room < self._table_head.size or not 0 < place <= self._file.size - self._table_head.size:
                yield Problem(
                    "The next table of free space lies outside the file; the free space in it is lost.", place
                )
                return
            size, count, following = self._file.unpack(self._table_head, place)
            if place != header.free_at:
                self._stretches.add(_TABLE, place, room)
            fits = (room - self._table_head.size) // self._free_element.size
            if size <= 1 or not 0 <= count <= min(size, fits):
                yield Problem(f"A table of free space counts {count:,} elements, which it has no room for.", place)
                return
            yield from self._free_elements(place + self._table_head.size, count)
            # Half a header's table was pushed, in a structure that has one element already.
            room = self._table_head.size + self._free_element.size + (size * self._free_element.size >> 1)
            place = following
        if place:
            yield Problem("The tables of free space lead back to one of them; GDBM could follow them for ever.", place)

    def _free_elements(self, start: int, count: int) -> Iterator[Problem]:
        header, width = self._header, self._free_element.size
        count = min(count, self._allowance)
        self._allowance -= count
        for told_at in range(start, start + count * width, width):
            size, address = self._file.unpack(self._free_element, told_at)
            if size < 0 or address < header.bucket_size or address + size > header.next_block:
                yield Problem("A table of free space names a stretch outside the file; GDBM refuses that.", told_at)
            else:
                self._stretches.add(_FREE, address, size)

    def _buckets(self) -> Iterator[tuple[int, range]]:
        """Yield each bucket that lies in the file, and the directory slots that lead to it first in a row."""
        seen: set[int] = set()
        room = self._file.size // self._header.bucket_size
        slot = 0
        for address, run in groupby(self._directory):
            first, slot = slot, slot + sum(1 for _ in run)
            if 0 < address <= self._last_bucket and address not in seen and len(seen) < room:
                seen.add(address)
                yield address, range(first, slot)

    def _bucket(self, address: int, slots: range) -> Iterator[Problem]:
        layout, file = self._layout, self._file
        bits, count = file.i32(address + layout.bits_at), file.i32(address + layout.bits_at + 4)
        free = file.i32(address)
        if not self._is_led_to(slots, bits):
            yield Problem(f"The directory does not lead to a bucket from all slots for its {bits} bits.", address)
        if 0 <= free <= BUCKET_FREE:
            yield from self._free_elements(address + layout.bucket_free_at, free)
        else:
            yield Problem(f"A bucket counts {free:,} stretches of free space; it has room for {BUCKET_FREE}.", address)
        elements = self._elements(address)
        used = sum(element[0] != _NEVER_USED for element in elements)
        if count != used:
            yield Problem(f"A bucket counts {count:,} entries and holds {used:,}.", address)
        yield from self._unfound(address, elements)
        for hash_, _, data, key_size, value_size in elements:
            if hash_ != _NEVER_USED and key_size >= 0 <= value_size and 0 < data <= file.size - key_size - value_size:
                self._stretches.add(_ENTRY, data, key_size + value_size)

    def _is_led_to(self, slots: range, bits: int) -> bool:
        """Tell whether the directory's slots around are for other buckets, or for none (`index` tells of those)."""
        if not 0 <= bits <= self._header.directory_bits:
            return True
        width = 1 << (self._header.directory_bits - bits)
        first = slots.start - slots.start % width
        around = [
            slot for slot in (slots.start - 1, slots.stop) if first <= slot < min(first + width, self._slot_count)
        ]
        return len(slots) <= width and not any(0 < self._directory[slot] <= self._last_bucket for slot in around)

    def _elements(self, address: int) -> list[tuple[int, bytes, int, int, int]]:
        start = address + self._layout.table_at
        table = self._file.slice(start, self._header.bucket_elements * self._element.size)
        return list(self._element.iter_unpack(table))

    def _unfound(self, address: int, elements: Sequence[tuple[int, bytes, int, int, int]]) -> Iterator[Problem]:
        """Yield the entries that GDBM's look-up misses: a free slot, or one of equal key, lies before them."""
        capacity = len(elements)
        gaps = list(accumulate((element[0] == _NEVER_USED for element in elements), initial=0))
        places: dict[tuple[int, int, bytes], int] = {}
        for slot, (hash_, start, data, key_size, _) in enumerate(elements):
            if hash_ < 0 or not self._has_key(data, key_size):
                continue
            home, offset = hash_ % capacity, address + self._layout.table_at + slot * self._element.size
            if gaps[slot] - gaps[home] + (gaps[-1] if slot < home else 0):
                yield Problem("A free slot lies before an entry; GDBM lists that entry and does not find it.", offset)
            other = places.setdefault((hash_, key_size, start), data)
            if other != data and self._file.slice(other, key_size) == self._file.slice(data, key_size):
                yield Problem("A bucket holds two entries of the same key; GDBM finds only one of them.", offset)

    def _has_key(self, data: int, key_size: int) -> bool:
        return key_size >= 0 and 0 < data <= self._file.size - key_size
