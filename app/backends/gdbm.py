"""GDBM files (``dbm.gnu``) of any machine: 32 and 64 bit, both byte orders, with or without numsync.

The whole file is listed by way of the directory and its buckets, and no entry is believed before its
key gives the hash that is stored for it: noise must not come out as entries. A locator is the
address of the bucket element, so that a value that moved is noticed.

References: gdbmseq.c, bucket.c, hash.c and gdbmopen.c (validate_header) of GDBM 1.23.
"""

import sys
from array import array
from collections.abc import Iterator
from struct import Struct
from typing import ClassVar

from app.backends.base import Backend, Match
from app.backends.binary import Damage, MappedFile
from app.backends.gdbm_layout import HEADER_BYTES, Header, key_hashes, parse_header
from app.backends.key_index import ChunkBuilder, IndexChunk
from app.backends.locks import writer_lock_seen
from app.cancel import CancelToken
from app.errors import AppError, StaleIndex

_HASH_BITS = 31
_NEVER_USED = -1
_KEY_ALLOWANCE = 4
"""How many times the file's size its keys may have together: hostile elements can all name one huge key."""


class GdbmBackend(Backend):
    """One GDBM file, read from a map of it; nothing is locked."""

    format_id: ClassVar[str] = "gdbm"

    def __init__(self, match: Match) -> None:
        super().__init__(match)
        self._file = MappedFile(match.path, match.byte_order or "little")
        try:
            self._header = self._parsed_header()
            self._directory_place = self._directory_place_now()
            self._directory = self._read_directory()
        except AppError:
            self._file.close()
            raise
        self._element = Struct(self._file.mark + self._header.layout.element_format)
        self._allowance = 0
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
        header, size = self._header, self._file.size
        width = header.layout.offset_size
        count = (min(header.directory + header.directory_size, size) - header.directory) // width
        if count <= 0:
            raise self._file.damage(
                "the directory of buckets lies outside the file: it was cut; restore it from a backup", header.directory
            )
        addresses = array("q" if width == 8 else "i", self._file.slice(header.directory, count * width))
        if header.byte_order != sys.byteorder:
            addresses.byteswap()
        return addresses

    def _note_cut_file(self) -> None:
        header, size = self._header, self._file.size
        if len(self._directory) < 1 << header.directory_bits:
            self.report("The file ends within the directory of buckets; the rest of it is lost.", size)
        elif size < header.next_block:
            self.report(f"The file is cut: {header.next_block - size:,} bytes are missing at its end.", size)

    @property
    def lock_seen(self) -> str:
        return writer_lock_seen(self.match.path)

    def index(self, token: CancelToken) -> Iterator[IndexChunk]:
        self._file.check_not_cut()
        del self.problems[self._opening_problems :]
        self._allowance = _KEY_ALLOWANCE * self._file.size
        builder = ChunkBuilder()
        for address, lowest, highest in self._buckets(token):
            for key, locator, size in self._entries(address, lowest, highest):
                if builder.add(key, locator, size):
                    yield builder.take()
                    self._file.check_not_cut()
        if len(builder):
            yield builder.take()

    def _buckets(self, token: CancelToken) -> Iterator[tuple[int, int, int]]:
        """Yield each bucket's address and the range of hashes that belong into it, in the directory's order."""
        header, file = self._header, self._file
        shift = _HASH_BITS - header.directory_bits
        room = file.size // header.bucket_size
        run_ends: dict[int, int] = {}
        previous = None
        for slot, address in enumerate(self._directory):
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
        return self._header.directory + slot * self._header.layout.offset_size

    def _entries(self, address: int, lowest: int, highest: int) -> Iterator[tuple[bytes, int, int]]:
        """Yield key, locator and value size of what one bucket holds.

        The hot loop of indexing: checks stand in line, a step of its own for each would double the time.
        """
        buffer, size, element = self._file.buffer, self._file.size, self._element
        start = address + self._header.layout.table_at
        table = buffer[start : start + self._header.bucket_elements * element.size]
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
                if key[:4] == key_start[:key_size] and lowest <= hash_ <= highest and hash_ in key_hashes(key):
                    yield key, locator, value_size
                    continue
            refused += 1
        self._allowance = allowance
        if refused:
            what = "An entry" if refused == 1 else f"{refused:,} entries"
            self.report(f"{what} of a bucket left out: what lies there is not the key that was stored.", address)

    def read(self, key: bytes, locator: int, size: int) -> bytes:
        return self.read_prefix(key, locator, size, size)

    def read_prefix(self, key: bytes, locator: int, size: int, limit: int) -> bytes:
        self._file.check_not_cut()
        try:
            hash_, _, data, key_size, value_size = self._file.unpack(self._element, locator)
            whole = self._file.slice(data, key_size) if key_size == len(key) else None
            if whole == key and value_size == size and hash_ in key_hashes(key) and self._is_at_home(hash_):
                return self._file.slice(data + key_size, min(size, limit))
        except Damage as error:
            raise self._file.moved(key) from error
        raise self._file.moved(key)

    def _is_at_home(self, hash_: int) -> bool:
        """Tell whether the bucket for a hash is where it was; a split leaves the old one behind, still legible."""
        slot = hash_ >> (_HASH_BITS - self._header.directory_bits)
        if self._directory_place_now() != self._directory_place or slot >= len(self._directory):
            return False
        address = self._file.i64 if self._header.layout.offset_size == 8 else self._file.i32
        return address(self._slot_at(slot)) == self._directory[slot]

    def _directory_place_now(self) -> bytes:
        """Return the header's bytes from the directory's address to its depth."""
        return self._file.slice(8, self._header.layout.offset_size + 8)

    def close(self) -> None:
        self._file.close()
