"""TDB files (Samba, ``tdb`` of Python): chains of records behind a table of hashes, in either byte order.

No entry is believed before its stored hash leads to the chain it lies in, and where the header shows that the
file has TDB's first hash function, before its key gives that hash. A locator is the offset of the record
in the file (bytes).

References: common/tdb_private.h (tdb_record), common/traverse.c and common/transaction.c of TDB 1.4.
"""

from collections.abc import Iterator
from struct import Struct
from typing import ClassVar, Final

from app.backends.base import Backend, Match, Problem
from app.backends.binary import Damage, MappedFile
from app.backends.key_index import ChunkBuilder, IndexChunk
from app.backends.tdb.layout import HEADER_BYTES, Header, key_hash, parse_header
from app.backends.tdb.records import Records, check_records
from app.cancel import CancelToken
from app.errors import AppError, StaleIndex

_RECORD, _DEAD, _RECOVERY = 0x26011999, 0xFEE1DEAD, 0xF53BC0E7
_RECOVERY_AT, _TABLE_AT = 44, 172
_RECORD_BYTES, _MAGIC_AT = 24, 20
_KEY_ALLOWANCE: Final = 4
"""How many times the file's size its keys may have together: hostile records can overlap."""


class TdbBackend(Backend):
    """One TDB file; nothing is locked."""

    format_id: ClassVar[str] = "tdb"

    def __init__(self, match: Match) -> None:
        super().__init__(match)
        self._file = MappedFile(match.path, match.byte_order or "little")
        try:
            self._header = self._parsed_header()
            self._table = self._read_table()
        except AppError:
            self._file.close()
            raise
        self._allowance = 0
        self._note_recovery()
        self._record = Struct(self._file.mark + "6I")
        self._opening_problems = len(self.problems)

    def _parsed_header(self) -> Header:
        header = parse_header(self._file.buffer[:HEADER_BYTES])
        if header is None:
            raise self._file.damage("the header is not that of a TDB file; restore it from a backup", 0)
        if header.byte_order != self._file.byte_order:
            raise StaleIndex(
                f"{self._file.path.name} was replaced while it was opened; open it again.", path=self._file.path
            )
        return header

    def _read_table(self) -> tuple[int, ...]:
        """Return where the chains begin, as far as the file reaches."""
        start, chains = self._header.base + _TABLE_AT, self._header.chains
        count = min(chains, (self._file.size - start) // 4)
        if count < max(chains, 1):
            self.report("The file ends within its table of chains; all entries behind it are lost.", self._file.size)
        return self._file.unpack(Struct(f"{self._file.mark}{max(count, 0)}I"), start) if count > 0 else ()

    def _note_recovery(self) -> None:
        """Tell of a transaction that was broken off: the library puts the old bytes back when it opens the file."""
        file, at = self._file, self._header.base + _RECOVERY_AT
        if at + 4 > file.size:
            return
        start = self._header.base + file.u32(at)
        if self._header.base < start <= file.size - _RECORD_BYTES and file.u32(start + _MAGIC_AT) == _RECOVERY:
            message = (
                "A transaction was broken off while it was written, so some entries may be old and others new; "
                "tdbtool opens a copy of the file and takes the transaction back."
            )
            self.report(message, start)

    def index(self, token: CancelToken) -> Iterator[IndexChunk]:
        self._file.check_not_cut()
        del self.problems[self._opening_problems :]
        self._allowance = _KEY_ALLOWANCE * self._file.size
        builder = ChunkBuilder()
        for chain, first in enumerate(self._table):
            if not first:
                continue
            token.check()
            for key, locator, size in self._entries(chain, first):
                if builder.add(key, locator, size):
                    yield builder.take()
                    self._file.check_not_cut()
        if len(builder):
            yield builder.take()

    def _entries(self, chain: int, first: int) -> Iterator[tuple[bytes, int, int]]:
        """Yield key, locator and value size of one chain."""
        for start, room, key_size, value_size, hash_ in self._chain(chain, first):
            end = start + _RECORD_BYTES + key_size + value_size
            if key_size + value_size > room or end > self._file.size or key_size > self._allowance:
                self.report("An entry is left out: it does not fit into its place or the file.", start)
                continue
            self._allowance -= key_size
            key = self._file.slice(start + _RECORD_BYTES, key_size)
            if self._header.has_first_hash and key_hash(key) != hash_:
                self.report("An entry is left out: its key is not the one that was stored.", start)
                continue
            yield key, start, value_size

    def _chain(self, chain: int, first: int, *, is_silent: bool = False) -> Iterator[tuple[int, int, int, int, int]]:
        """Yield offset, room, key size, value size and hash of the records up to the first broken link."""
        link, seen = first, set[int]()
        while link:
            start = self._header.base + link
            try:
                if link in seen or link < _TABLE_AT + 4 * self._header.chains:
                    raise self._file.damage("the link leads back", start)
                seen.add(link)
                link, room, key_size, value_size, hash_, magic = self._file.unpack(self._record, start)
                if magic not in {_RECORD, _DEAD} or hash_ % self._header.chains != chain:
                    raise self._file.damage("what lies there is no entry of this chain", start)
            except Damage as error:
                if not is_silent:
                    self.report(f"The rest of chain {chain} is lost: {error.detail}.", error.offset)
                return
            if magic == _RECORD:
                yield start, room, key_size, value_size, hash_

    def check_structure(self, token: CancelToken) -> Iterator[Problem]:
        """Yield records that no chain leads to, free room that is in no list, and what is no record at all."""
        live = {
            start
            for chain, first in enumerate(self._table)
            if first
            for start, *_ in self._chain(chain, first, is_silent=True)
        }
        yield from check_records(Records(self._file, self._header), self._file.size, live, token)

    def read(self, key: bytes, locator: int, size: int) -> bytes:
        return self.read_prefix(key, locator, size, size)

    def read_prefix(self, key: bytes, locator: int, size: int, limit: int) -> bytes:
        self._file.check_not_cut()
        try:
            _, room, key_size, value_size, _, magic = self._file.unpack(self._record, locator)
            fits = magic == _RECORD and (key_size, value_size) == (len(key), size) and key_size + size <= room
            if fits and self._file.slice(locator + _RECORD_BYTES, key_size) == key:
                return self._file.slice(locator + _RECORD_BYTES + key_size, min(size, limit))
        except Damage as error:
            raise self._file.moved(key) from error
        raise self._file.moved(key)

    def close(self) -> None:
        self._file.close()
