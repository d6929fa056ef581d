"""Two hashes for each entry of a database, of its key and of its value, by which others are told from them later."""

from collections.abc import Iterable, Iterator
from hashlib import blake2b
from time import monotonic

from app.backends.base import Backend
from app.backends.key_index import IndexChunk
from app.backends.records import PIECE_BYTES
from app.cancel import CancelToken
from app.errors import CorruptDatabase

HASH_BYTES = 8
"""Bytes of each of the two hashes of an entry."""
_SLICE_SECONDS = 0.02

Hashed = tuple[IndexChunk, Iterable[bytes]]
"""Entries of an index, and the hashes of their values."""


def fingerprints(chunks: Iterable[Hashed], token: CancelToken) -> Iterator[bytes]:
    """Yield both hashes of each entry, in slices of some milliseconds."""
    found, due = bytearray(), monotonic() + _SLICE_SECONDS
    for chunk, hashes in chunks:
        for key, hashed in zip(_keys(chunk), hashes, strict=True):
            token.check()
            found += blake2b(key, digest_size=HASH_BYTES).digest() + hashed
            if monotonic() >= due:
                yield bytes(found)
                found, due = bytearray(), monotonic() + _SLICE_SECONDS
    yield bytes(found)


def by_length(chunks: Iterable[IndexChunk]) -> Iterator[Hashed]:
    """Yield chunks with the lengths of their values in the place of hashes."""
    return ((chunk, map(_of_size, chunk.sizes)) for chunk in chunks)


def by_value(backend: Backend, token: CancelToken) -> Iterator[Hashed]:
    """List a database from its beginning, and yield its chunks with the hashes of their values.

    Raises:
        StaleIndex, CorruptDatabase: as `Backend.scan`; but a value that cannot be read has its length for a hash.
    """
    return ((chunk, _hashes(backend, chunk, values)) for chunk, values in backend.scan(token))


def by_listed_value(backend: Backend, chunks: Iterable[IndexChunk]) -> Iterator[Hashed]:
    """Yield chunks that were listed before with the hashes of their values."""
    return ((chunk, _hashes(backend, chunk, backend.values(chunk))) for chunk in chunks)


def _keys(chunk: IndexChunk) -> Iterator[bytes]:
    start = 0
    for end in chunk.ends:
        yield chunk.keys[start:end]
        start = end


def _hashes(backend: Backend, chunk: IndexChunk, values: Iterable[bytes]) -> Iterator[bytes]:
    """Yield the hash of each value; one by one from where they are large, or cannot be read all at once."""
    done = 0
    if max(chunk.sizes, default=0) <= PIECE_BYTES:
        try:
            for value in values:
                yield blake2b(value, digest_size=HASH_BYTES).digest()
                done += 1
        except CorruptDatabase:
            pass
    for row in range(done, len(chunk)):
        yield _of_value(backend, chunk, row)


def _of_value(backend: Backend, chunk: IndexChunk, row: int) -> bytes:
    made = blake2b(digest_size=HASH_BYTES)
    try:
        for piece in backend.pieces(chunk.key(row), chunk.locators[row], chunk.sizes[row]):
            made.update(piece)
    except CorruptDatabase:
        return _of_size(chunk.sizes[row])
    return made.digest()


def _of_size(size: int) -> bytes:
    return size.to_bytes(HASH_BYTES, "little", signed=True)
