"""Comparing databases whose files keep entries side by side and in order: as one stream of bytes, not one by one."""

from collections.abc import Iterator
from hashlib import sha256
from struct import Struct

from app.backends.base import Backend
from app.backends.records import Records, RecordsAround, packed
from app.cancel import CancelToken

_STEP = 1 << 16
"""Bytes between two tellings of the progress."""


class PackedDigest:
    """The SHA-256 of entries in their order, each as the lengths of its key and value, key and value."""

    def __init__(self, count: int, size: int, token: CancelToken, *, is_second_half: bool = False) -> None:
        self._sum = sha256()
        self._count = count
        self._size = max(size, 1)
        self._before = count if is_second_half else 0
        self._token = token
        self._done = self._told = 0

    def watch(self, pieces: Iterator[bytes]) -> Iterator[bytes]:
        """Yield the pieces of the stream as they are added, all of them or those that follow."""
        for piece in pieces:
            self._sum.update(piece)
            self._done += len(piece)
            if self._done - self._told >= _STEP:
                self._advance()
            yield piece
        self._advance()

    def _advance(self) -> None:
        self._told = self._done
        self._token.advance(self._before + self._count * min(self._done, self._size) // self._size, 2 * self._count)

    @property
    def content(self) -> tuple[int, bytes]:
        """How many bytes there were, and what they were."""
        return self._done, self._sum.digest()


class PackedWatch(RecordsAround):
    """Other records, for a writer that packs them with ``lengths``; what it is given is known without a second look."""

    def __init__(self, records: Records, lengths: Struct, token: CancelToken) -> None:
        super().__init__(records)
        self._lengths = lengths
        self._token = token
        self._size = sum(lengths.size * len(chunk) + len(chunk.keys) + sum(chunk.sizes) for chunk in records.chunks())
        self._given: tuple[int, bytes] | None = None

    def packed(self, start: int, end: int, lengths: Struct) -> Iterator[bytes]:
        pieces = self._records.packed(start, end, lengths)
        if self._given is not None or (start, end, lengths.format) != (0, len(self), self._lengths.format):
            yield from pieces
            return
        digest = PackedDigest(len(self), self._size, self._token)
        yield from digest.watch(pieces)
        self._given = digest.content

    def fingerprint(self) -> tuple[int, bytes]:
        """Return what tells these entries in their order from all others; what was not read is read now."""
        for _piece in self.packed(0, len(self), self._lengths) if self._given is None else ():
            pass
        return self._given or (0, b"")

    def fingerprint_in(self, backend: Backend) -> tuple[int, bytes]:
        """Return the same of what a backend lists."""
        digest = PackedDigest(len(self), self._size, self._token, is_second_half=True)
        for chunk in backend.index(self._token):
            for _piece in digest.watch(packed(backend, chunk, self._lengths)):
                pass
        return digest.content
