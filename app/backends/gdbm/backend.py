"""GDBM files (``dbm.gnu``) of any machine: 32 and 64 bit, both byte orders, with or without numsync.

The whole file is listed by way of the directory and its buckets, and no entry is believed before its
key gives the hash that is stored for it: noise must not come out as entries. A locator is the
address of the bucket element, so that a value that moved is noticed.

References: gdbmseq.c, bucket.c, hash.c and gdbmopen.c (validate_header) of GDBM 1.23.
"""

import sys
from array import array
from collections.abc import Iterable, Iterator
from itertools import chain, islice
from struct import Struct
from typing import TYPE_CHECKING, ClassVar

from app.backends.base import Match, Problem
from app.backends.binary import MappedFile
from app.backends.gdbm.check import StructureCheck
from app.backends.gdbm.image import BULK_ENTRIES, Shape, Source
from app.backends.gdbm.layout import (
    EXTENSION_BYTES,
    HASH_BITS,
    HEADER_BYTES,
    Header,
    hashes_signed,
    key_hashes,
    parse_header,
)
from app.backends.gdbm.write import GdbmWriter
from app.backends.key_index import CHUNK, ChunkBuilder, IndexChunk
from app.backends.records import PIECE_BYTES
from app.backends.rewrite import RewritingBackend
from app.backends.writer import Writer
from app.cancel import CancelToken
from app.errors import AppError, StaleIndex
from app.limits import PROBLEMS

if TYPE_CHECKING:
    from app.backends.gdbm.bulk import Listed

Bucket = tuple[int, int, int]
"""Its address, and the lowest and the highest hash that belong into it."""

_NEVER_USED = -1
_KEY_ALLOWANCE = 4
"""How many times the file's size its keys may have together: hostile elements can all name one huge key."""


class GdbmBackend(RewritingBackend):
    """One GDBM file, read from a map of it; nothing is locked."""

    format_id: ClassVar[str] = "gdbm"

    def __init__(self, match: Match) -> None:
        super().__init__(match)
        self._file = MappedFile(match.path, match.byte_order or "little")
        try:
            self.header = self._parsed_header()
            self._directory_place = self._directory_place_now()
            self.directory = self._read_directory()
        except AppError:
            self._file.close()
            raise
        self._element = Struct(self._file.mark + self.header.layout.element_format)
        self._allowance = 0
        self._signs: set[bool] = set()
        """Which of the two hashes were found of keys that have two: True is that of a signed ``char``."""
        self._note_cut_file()
        self._opening_problems = len(self.problems)

    def _parsed_header(self) -> Header:
        header = parse_header(self._file.buffer[:HEADER_BYTES])
        if header is None:
            raise self._file.damage("the fields of the GDBM header contradict each other; restore it from a backup", 0)
        if header.byte_order != self._file.byte_order:
            raise StaleIndex(
                f"{self._file.path.name} was replaced while it was opened; open it again.", path=self._file.path
            )
        return header

    def _read_directory(self) -> "array[int]":
        """Return the bucket addresses as far as the file reaches."""
        header, size = self.header, self._file.size
        width = header.layout.offset_size
        count = (min(header.directory + header.directory_size, size) - header.directory) // width
        if count <= 0:
            raise self._file.damage(
                "the directory of buckets lies outside the file: it was cut; restore it from a backup", header.directory
            )
        self._directory_bytes = self._file.slice(header.directory, count * width)
        addresses = array(header.layout.offset_code, self._directory_bytes)
        if header.byte_order != sys.byteorder:
            addresses.byteswap()
        return addresses

    def _note_cut_file(self) -> None:
        header, size = self.header, self._file.size
        if len(self.directory) < 1 << header.directory_bits:
            self.report("The file ends within the directory of buckets; the rest of it is lost.", size)
        elif size < header.next_block:
            self.report(f"The file is cut: {header.next_block - size:,} bytes are missing at its end.", size)

    def index(self, token: CancelToken) -> Iterator[IndexChunk]:
        return (chunk for chunk, _found in self._listed(token))

    def scan(self, token: CancelToken) -> Iterator[tuple[IndexChunk, Iterable[bytes]]]:
        for chunk, found in self._listed(token):
            values = found.values() if found else None
            yield chunk, self.values(chunk) if values is None else values

    def _listed(self, token: CancelToken) -> Iterator[tuple[IndexChunk, "Listed | None"]]:
        """Yield all entries, those that numpy found with what it knows of them."""
        self._file.check_not_cut()
        del self.problems[self._opening_problems :]
        self._allowance = _KEY_ALLOWANCE * self._file.size
        self._signs.clear()
        buckets = self.buckets(token)
        for chunk in self._list_singly(buckets):
            yield chunk, None
            self._file.check_not_cut()
            if self._is_large:
                yield from self._list_in_bulk(buckets)

    @property
    def _is_large(self) -> bool:
        """Whether there is room for so many entries that numpy is worth loading."""
        header = self.header
        buckets = min(len(self.directory), self._file.size // header.bucket_size)
        return buckets * header.bucket_elements >= 2 * BULK_ENTRIES and header.bucket_elements <= CHUNK

    def _list_singly(self, buckets: Iterable[Bucket]) -> Iterator[IndexChunk]:
        """Yield what buckets hold; a chunk ends where a bucket does, unless that is of a size that GDBM never has."""
        builder, is_full = ChunkBuilder(), False
        for bucket in buckets:
            for key, locator, size in self._entries(*bucket):
                is_full |= builder.add(key, locator, size)
                if len(builder) > 2 * CHUNK:
                    yield builder.take()
            if is_full:
                yield builder.take()
                is_full = False
        if len(builder):
            yield builder.take()

    def _list_in_bulk(self, buckets: Iterator[Bucket]) -> Iterator[tuple[IndexChunk, "Listed | None"]]:
        """Yield what a large database holds in many buckets at a time; in one after the other where any is unusual."""
        from app.backends.gdbm import bulk  # noqa: PLC0415 - numpy takes longer to load than a small database to list

        source = self._source()
        batch = CHUNK // self.header.bucket_elements
        while some := tuple(islice(buckets, batch)):
            found = bulk.listed(source, some, self._allowance)
            if found is None:
                yield from ((chunk, None) for chunk in self._list_singly(some))
            elif len(found.chunk):
                self._allowance -= len(found.chunk.keys)
                self._signs |= found.signs
                yield found.chunk, found
            self._file.check_not_cut()

    def _source(self) -> Source:
        file, header = self._file, self.header
        return Source(file.buffer, file.size, header.layout, file.mark, header.bucket_elements)

    def buckets(self, token: CancelToken) -> Iterator[Bucket]:
        """Yield each bucket in the directory's order."""
        header, file = self.header, self._file
        shift = HASH_BITS - header.directory_bits
        room = file.size // header.bucket_size
        run_ends: dict[int, int] = {}
        previous = None
        for slot, address in enumerate(self.directory):
            if address == previous:
                continue
            previous = address
            token.check()
            if not 0 < address <= file.size - header.bucket_size:
                self.report(
                    "A directory entry leads outside the file; the way to its bucket is lost.", self._slot_at(slot)
                )
                continue
            if address in run_ends:
                if slot >= run_ends[address]:
                    self.report("A directory entry leads to the bucket of other hashes.", self._slot_at(slot))
                continue
            if len(run_ends) == room:
                self.report("The directory names more buckets than the file can hold.", self._slot_at(slot))
                return
            bits = file.i32(address + header.layout.bits_at)
            if not 0 <= bits <= header.directory_bits:
                self.report("A bucket does not say which hashes it is for.", address)
                bits = 0
            width = 1 << (header.directory_bits - bits)
            first = slot - slot % width
            run_ends[address] = first + width
            yield address, first << shift, (first + width << shift) - 1

    def _slot_at(self, slot: int) -> int:
        return self.header.directory + slot * self.header.layout.offset_size

    def _entries(self, address: int, lowest: int, highest: int) -> Iterator[tuple[bytes, int, int]]:
        """Yield key, locator and value size of what one bucket holds.

        The hot loop of indexing: checks stand in line, a step of its own for each would double the time.
        """
        buffer, size, element = self._file.buffer, self._file.size, self._element
        start = address + self.header.layout.table_at
        table = buffer[start : start + self.header.bucket_elements * element.size]
        allowance, refused = self._allowance, 0
        for locator, (hash_, key_start, data, key_size, value_size) in zip(
            range(start, size, element.size), element.iter_unpack(table), strict=False
        ):
            if hash_ == _NEVER_USED:
                continue
            end = data + key_size
            if key_size >= 0 <= value_size and data > 0 and end + value_size <= size and key_size <= allowance:
                allowance -= key_size
                key = buffer[data:end]
                hashes = key_hashes(key)
                if key[:4] == key_start[:key_size] and lowest <= hash_ <= highest and hash_ in hashes:
                    if hashes[0] != hashes[-1]:
                        self._signs.add(hash_ == hashes[-1])
                    yield key, locator, value_size
                    continue
            refused += 1
        self._allowance = allowance
        if refused:
            what = "An entry" if refused == 1 else f"{refused:,} entries"
            self.report(f"{what} of a bucket left out: what lies there is not the key that was stored.", address)

    def read(self, key: bytes, locator: int, size: int) -> bytes:
        place = self.value_place(key, locator, size)
        return self._file.buffer[place : place + size]

    def read_prefix(self, key: bytes, locator: int, size: int, limit: int) -> bytes:
        place = self.value_place(key, locator, size)
        return self._file.buffer[place : place + min(size, limit)]

    def pieces(self, key: bytes, locator: int, size: int) -> Iterator[bytes]:
        place = self.value_place(key, locator, size)
        for start in range(place, place + size, PIECE_BYTES):
            self._file.check_not_cut()
            yield self._file.slice(start, min(PIECE_BYTES, place + size - start))

    def value_place(self, key: bytes, locator: int, size: int) -> int:
        """Return where the value of an entry lies, all of it, once the entry is known to be what was listed."""
        self._file.check_not_cut()
        if 0 <= locator <= self._file.size - self._element.size:
            hash_, _, data, key_size, value_size = self._element.unpack_from(self._file.buffer, locator)
            value: int = data + key_size
            is_listed = hash_ >= 0 and data > 0 and value_size == size and self._file.buffer[data:value] == key
            if is_listed and key_size == len(key) and value + size <= self._file.size and self._is_at_home(hash_):
                return value
        raise self._file.moved(key)

    def values(self, chunk: IndexChunk) -> Iterator[bytes]:
        return chain.from_iterable(self._values_in_bulk(chunk)) if self._is_large else super().values(chunk)

    def _values_in_bulk(self, chunk: IndexChunk) -> Iterator[Iterable[bytes]]:
        from app.backends.gdbm import bulk  # noqa: PLC0415 - as in `_list_in_bulk`

        for rows in bulk.parts(chunk):
            self._file.check_not_cut()
            found = bulk.values_of(self._source(), chunk, rows) if self._is_directory_as_it_was() else None
            yield self._values_singly(chunk, rows) if found is None else found

    def _values_singly(self, chunk: IndexChunk, rows: range) -> Iterator[bytes]:
        return (self.read(chunk.key(row), chunk.locators[row], chunk.sizes[row]) for row in rows)

    def _is_directory_as_it_was(self) -> bool:
        there = self._file.slice(self.header.directory, len(self._directory_bytes))
        return there == self._directory_bytes and self._directory_place_now() == self._directory_place

    def _is_at_home(self, hash_: int) -> bool:
        """Tell whether the bucket for a hash is where it was; a split leaves the old one behind, still legible."""
        width = self.header.layout.offset_size
        slot = (hash_ >> (HASH_BITS - self.header.directory_bits)) * width
        start = self.header.directory + slot
        then = self._directory_bytes[slot : slot + width]
        is_there = self._file.buffer[start : start + width] == then and len(then) == width
        return is_there and self._directory_place_now() == self._directory_place

    def _directory_place_now(self) -> bytes:
        """Return the header's bytes from the directory's address to its depth."""
        return self._file.slice(8, self.header.layout.offset_size + 8)

    @property
    def why_not_rewritable(self) -> str:
        name = self.match.base.name
        if not self.header.free_at < self.header.block_size <= self._file.size:
            return f"The block size in the header of {name} is none that GDBM uses: save it as another database."
        if len(self._signs) == 2:
            return self.why_mixed
        return ""

    @property
    def shape(self) -> Shape:
        """How the file is laid out; how its keys are hashed is known once `index` ran."""
        header = self.header
        extension = self._file.slice(header.layout.header_size, EXTENSION_BYTES) if header.numsync else b""
        signed = True in self._signs or (not self._signs and hashes_signed(header.byte_order))
        sizes = header.block_size, header.bucket_size
        return Shape(header.layout, header.byte_order, header.magic, *sizes, extension, signed=signed)

    def writer(self) -> Writer:
        return GdbmWriter(self.shape, type(self))

    def lost_entries(self, token: CancelToken) -> Iterator[object]:
        """Yield the buckets that count more entries than they hold."""
        layout, size = self.header.layout, self.header.bucket_elements * self._element.size
        for address in set(self.directory):
            token.check()
            hashes = memoryview(self._file.slice(address + layout.table_at, size)).cast("i")[:: self._element.size // 4]
            unused = hashes.tolist().count(_NEVER_USED)  # the same in both byte orders
            if self._file.i32(address + layout.bits_at + 4) > len(hashes) - unused:
                yield address

    def check_structure(self, token: CancelToken) -> Iterator[Problem]:
        self._file.check_not_cut()
        return islice(StructureCheck(self._file, self.header, self.directory, token).problems(), PROBLEMS)

    def close(self) -> None:
        self._file.close()
