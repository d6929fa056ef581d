"""Comparing all entries of two databases in constant memory, so that a save is believed only once it was read back."""

from array import array
from collections.abc import Iterable, Iterator
from hashlib import sha256
from struct import Struct

from app.backends.base import Backend
from app.backends.key_index import IndexChunk
from app.backends.records import PIECE_BYTES, Records, RecordsAround
from app.cancel import CancelToken

_FILTER_BITS = 16
"""Bits of the filter for each entry: one key in sixteen is counted although it never comes again."""
_BORDERS = Struct("<QQ")
"""How many entries of the same key come before, and how many bytes the key has."""
_OFTEN = 0xFF
"""Progress is told when a count has none of these bits, and for each value that takes its time."""
_SLOW = 1 << 16
"""Bytes of a value from which on that is so."""


class Fingerprint:
    """What tells whether two databases hold the same entries, whatever the order of their keys.

    It is the sum of SipHashes, 64 bits under a secret of the process, each of a key, its value, and how many
    entries of the same key come before it (0 for all where the format sorts them by their values).
    """

    def __init__(self) -> None:
        self.count = 0
        self._sum = 0

    def add(self, key: bytes, nth: int, content: bytes) -> None:
        """Count an entry; ``content`` is its value, or on both sides the digest of one that is large."""
        self.count += 1
        # Of one string of bytes: the hash of a tuple is too even for a sum, exchanged values would not change it.
        self._sum += hash(_BORDERS.pack(nth, len(key)) + key + content)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Fingerprint) and (self.count, self._sum) == (other.count, other._sum)

    def __hash__(self) -> int:
        return hash((self.count, self._sum))


class Occurrences:
    """Counts how often each key has come; keys that come once, which most do, take two bytes each."""

    def __init__(self, chunks: Iterable[IndexChunk], count: int, token: CancelToken) -> None:
        self._counts: dict[bytes, int] = {}
        bits = 1 << (_FILTER_BITS * count).bit_length()
        seen = bytearray(bits // 8 + 1)
        for chunk in chunks:
            token.check()
            for row in range(len(chunk)):
                key = chunk.key(row)
                place = hash(key) & (bits - 1)
                if seen[place >> 3] >> (place & 7) & 1:
                    self._counts[key] = 0
                seen[place >> 3] |= 1 << (place & 7)

    def next(self, key: bytes) -> int:
        """Return how often the key came before, and count it; to be called for all rows in order."""
        nth = self._counts.get(key)
        if nth is None:
            return 0
        self._counts[key] = nth + 1
        return nth


def occurrences_in(records: Records, token: CancelToken) -> Occurrences:
    """Return a counter for the keys of records, made without a look where none can come again."""
    return Occurrences(records.chunks() if records.may_repeat else (), len(records), token)


def fingerprint_of(backend: Backend, count: int, token: CancelToken, *, in_order: bool = True) -> Fingerprint:
    """Return the fingerprint of all that a backend lists, some ``count`` entries, without keeping its index.

    ``in_order``: whether the order of entries of equal key counts.
    """
    counted = backend.may_repeat and in_order
    made, occurrences = Fingerprint(), Occurrences(backend.index(token) if counted else (), count, token)
    for chunk, values in backend.scan(token):
        for row, content in enumerate(_contents_stored(backend, chunk, values)):
            key = chunk.key(row)
            made.add(key, occurrences.next(key) if counted else 0, content)
            if chunk.sizes[row] > _SLOW or not made.count & _OFTEN:
                token.advance(count + made.count, 2 * count)
    token.advance(count + made.count, 2 * count)
    return made


def _contents_stored(backend: Backend, chunk: IndexChunk, values: Iterable[bytes]) -> Iterable[bytes]:
    """Return the values of a chunk, of the large ones the digest, without holding those."""
    return values if max(chunk.sizes, default=0) <= PIECE_BYTES else _contents_by_pieces(backend, chunk)


def _contents_by_pieces(backend: Backend, chunk: IndexChunk) -> Iterator[bytes]:
    for row, size in enumerate(chunk.sizes):
        place = chunk.key(row), chunk.locators[row], size
        yield _digest_of_pieces(backend.pieces(*place)) if size > PIECE_BYTES else backend.read(*place)


def _content(value: bytes) -> bytes:
    """Return what a fingerprint takes of a value."""
    return value if len(value) <= PIECE_BYTES else sha256(value).digest()


def _digest_of_pieces(pieces: Iterable[bytes]) -> bytes:
    sum_so_far = sha256()
    for piece in pieces:
        sum_so_far.update(piece)
    return sum_so_far.digest()


def digest_of(records: Records, row: int) -> bytes:
    """Return the SHA-256 of a value without holding more than a piece of it."""
    if records.size(row) <= PIECE_BYTES:
        return sha256(records.value(row)).digest()
    return _digest_of_pieces(records.pieces(row))


class WatchedRecords(RecordsAround):
    """Other records; what their writer reads goes into their fingerprint, so that nothing is read twice for it.

    ``in_order``: whether the order of entries of equal key counts.
    """

    def __init__(self, records: Records, token: CancelToken, *, in_order: bool = True) -> None:
        super().__init__(records)
        self._token = token
        self._in_order = in_order
        self._made = Fingerprint()
        self._seen = bytearray(len(records))
        self._nth = _occurrences_of_rows(records, token) if in_order and records.may_repeat else None

    def value(self, row: int) -> bytes:
        value = self._records.value(row)
        if not self._seen[row]:
            self._add(row, self._records.key(row), _content(value))
        return value

    def values(self, start: int, end: int) -> Iterator[bytes]:
        keys = self._records.keys(start, end)
        for row, key, value in zip(range(start, end), keys, self._records.values(start, end), strict=True):
            if not self._seen[row]:
                self._add(row, key, _content(value))
            yield value

    def pieces(self, row: int) -> Iterator[bytes]:
        if self._seen[row]:
            yield from self._records.pieces(row)
            return
        size = self._records.size(row)
        sum_so_far, small = sha256(), bytearray()
        for piece in self._records.pieces(row):
            self._token.check()
            if size > PIECE_BYTES:
                sum_so_far.update(piece)
                self._advance()
            else:
                small += piece
            yield piece
        self._add(row, self._records.key(row), sum_so_far.digest() if size > PIECE_BYTES else bytes(small))

    def _add(self, row: int, key: bytes, content: bytes) -> None:
        if not self._seen[row]:
            self._seen[row] = 1
            self._made.add(key, self._nth[row] if self._nth else 0, content)
            if not self._made.count & _OFTEN or len(content) > _SLOW:
                self._advance()

    def _advance(self) -> None:
        self._token.advance(self._made.count, 2 * len(self._records))  # the other half is reading it back

    def fingerprint(self) -> Fingerprint:
        """Return the fingerprint; rows that were not read are read now."""
        row = self._seen.find(0)
        while row >= 0:
            for _piece in self.pieces(row):
                pass
            row = self._seen.find(0, row)
        self._advance()
        return self._made

    def fingerprint_in(self, backend: Backend) -> Fingerprint:
        """Return the fingerprint of all that a backend lists."""
        return fingerprint_of(backend, len(self), self._token, in_order=self._in_order)


def _occurrences_of_rows(records: Records, token: CancelToken) -> "array[int]":
    """Return for each row how often its key came before."""
    occurrences, rows = occurrences_in(records, token), array("I")
    for chunk in records.chunks():
        token.check()
        rows.extend(occurrences.next(chunk.key(number)) for number in range(len(chunk)))
    return rows
