"""Comparing all entries of two databases in constant memory, so that a save is believed only once it was read back."""

from collections.abc import Iterable, Iterator
from hashlib import sha256

from app.backends.base import Backend
from app.backends.key_index import IndexChunk
from app.backends.records import PIECE_BYTES, Records
from app.cancel import CancelToken

_FILTER_BITS = 16
"""Bits of the filter for each entry: one key in sixteen is counted although it never comes again."""
_MODULUS_MASK = (1 << 256) - 1


class Fingerprint:
    """What tells whether two databases hold the same entries, whatever the order of their keys.

    It is the sum, modulo 2**256, of a SHA-256 for each entry: of its key, its value, and how many entries of
    the same key come before it.
    """

    def __init__(self) -> None:
        self.count = 0
        self._sum = 0

    def add(self, key: bytes, nth: int, value_digest: bytes) -> None:
        self.count += 1
        entry = sha256(b"%d %d " % (nth, len(key)) + key + value_digest).digest()
        self._sum = (self._sum + int.from_bytes(entry, "little")) & _MODULUS_MASK

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


def fingerprint_of(backend: Backend, count: int, token: CancelToken) -> Fingerprint:
    """Return the fingerprint of all that a backend lists, some ``count`` entries, without keeping its index."""
    made, occurrences = Fingerprint(), Occurrences(backend.index(token) if backend.may_repeat else (), count, token)
    for chunk in backend.index(token):
        for row in range(len(chunk)):
            key = chunk.key(row)
            value_digest = _digest_stored(backend, key, chunk.locators[row], chunk.sizes[row])
            made.add(key, occurrences.next(key), value_digest)
            token.advance(count + made.count, 2 * count)
    return made


def _digest_stored(backend: Backend, key: bytes, locator: int, size: int) -> bytes:
    if size <= PIECE_BYTES:
        return sha256(backend.read(key, locator, size)).digest()
    return _digest_of_pieces(backend.pieces(key, locator, size))


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


class WatchedRecords(Records):
    """Other records; what their writer reads goes into their fingerprint, so that nothing is read twice for it."""

    def __init__(self, records: Records, token: CancelToken) -> None:
        self.may_repeat = records.may_repeat
        self._records = records
        self._token = token
        self._made = Fingerprint()
        self._seen = bytearray(len(records))
        self._nth = dict(_repeated_rows(records, token))

    def __len__(self) -> int:
        return len(self._records)

    def chunks(self) -> Iterator[IndexChunk]:
        return self._records.chunks()

    def key(self, row: int) -> bytes:
        return self._records.key(row)

    def size(self, row: int) -> int:
        return self._records.size(row)

    def value(self, row: int) -> bytes:
        value = self._records.value(row)
        if not self._seen[row]:
            self._add(row, sha256(value).digest())
        return value

    def pieces(self, row: int) -> Iterator[bytes]:
        if self._seen[row]:
            yield from self._records.pieces(row)
            return
        sum_so_far = sha256()
        for piece in self._records.pieces(row):
            self._token.check()
            sum_so_far.update(piece)
            yield piece
        self._add(row, sum_so_far.digest())

    def _add(self, row: int, value_digest: bytes) -> None:
        if not self._seen[row]:
            self._seen[row] = 1
            self._made.add(self._records.key(row), self._nth.get(row, 0), value_digest)
            self._token.advance(self._made.count, 2 * len(self._records))  # the other half is reading it back

    def fingerprint(self) -> Fingerprint:
        """Return the fingerprint; rows that were not read are read now."""
        row = self._seen.find(0)
        while row >= 0:
            self._add(row, digest_of(self._records, row))
            row = self._seen.find(0, row)
        return self._made


def _repeated_rows(records: Records, token: CancelToken) -> Iterator[tuple[int, int]]:
    """Yield the rows whose key came before, and how often."""
    if not records.may_repeat:
        return
    occurrences, row = occurrences_in(records, token), 0
    for chunk in records.chunks():
        token.check()
        for number in range(len(chunk)):
            nth = occurrences.next(chunk.key(number))
            if nth:
                yield row, nth
            row += 1
