"""Unpacking compressed bytes piece by piece: member after member, as far as they are whole."""

import contextlib
import io
from collections.abc import Generator, Iterator
from typing import NamedTuple

from app.cancel import CancelToken
from app.compression.base import HEAD, PIECE, Compression, Sliceable, padding
from app.errors import LimitExceeded

_STEP = 64
_TRIED_AGAIN = 1 << 20
"""Bytes of content up to which damaged data is unpacked again in small steps, to lose none before the damage."""


class Member(NamedTuple):
    """One of several compressed streams in a row: where it stands, and where its content stands among all."""

    start: int
    end: int
    content_start: int
    content_end: int


class Unpacking:
    """The content of compressed bytes. What is known of them grows while `pieces` runs.

    ``members`` are those that are whole, ``size`` counts the bytes that came out, ``error`` says what is wrong.
    """

    def __init__(self, compression: Compression, source: Sliceable, size: int) -> None:
        self.compression = compression
        self.members: list[Member] = []
        self.size = 0
        self.error = ""
        self._source = source
        self._source_size = size

    @property
    def end(self) -> int:
        """Where the last whole member ends, zeros behind it that are padding included."""
        end = self.members[-1].end if self.members else 0
        zeros = padding(self._source, end) if end else 0
        return end + zeros if end + zeros == self._source_size else end

    @property
    def padding(self) -> int:
        """The number of zero bytes of padding between the last whole member and the end."""
        return self.end - self.members[-1].end if self.members else 0

    def pieces(self, token: CancelToken) -> Iterator[bytes]:
        """Yield the content in pieces of at most `PIECE` bytes; ends at damage, which `error` then tells."""
        start = 0
        while not self.error and (start == 0 or self._begins(start)):
            content_start = self.size
            end = yield from self._member(start, content_start, token)
            if not self.error:
                self.members.append(Member(start, end, content_start, self.size))
            start = end

    def _begins(self, start: int) -> bool:
        return start < self._source_size and self.compression.begins(bytes(self._source[start : start + HEAD]))

    def _member(self, start: int, content_start: int, token: CancelToken) -> Generator[bytes, None, int]:
        """Yield the content of a member; the generator's result is where it ends."""
        stream = self.compression.stream()
        place = start
        try:
            while not stream.eof:
                chunk = bytes(self._source[place : place + PIECE]) if stream.needs_input else b""
                if stream.needs_input and not chunk:
                    self.error = f"The {self.compression.title} data ends too early."
                    return place
                place += len(chunk)
                piece = stream.decompress(chunk, PIECE)
                self.size += len(piece)
                token.advance(place, self._source_size)
                yield piece
        except self.compression.damage as error:
            self.error = self.compression.sentence(error)
            yield from self._before_damage(start, content_start, token)
            return place
        return place - len(stream.unused_data)

    def _before_damage(self, start: int, content_start: int, token: CancelToken) -> Iterator[bytes]:
        """Yield what comes out before the damage and was lost with it, as far as another try is cheap."""
        known = self.size - content_start
        stream, place, size = self.compression.stream(), start, 0
        with contextlib.suppress(*self.compression.damage):
            while known < _TRIED_AGAIN and not stream.eof:
                chunk = bytes(self._source[place : place + _STEP]) if stream.needs_input else b""
                piece = stream.decompress(chunk, _STEP)
                place += len(chunk)
                size += len(piece)
                if size > known + PIECE:
                    break
                if size > known:
                    fresh = piece[max(known - size, -len(piece)) :]
                    known = size
                    self.size += len(fresh)
                    token.check()
                    yield fresh


def unpacked(unpacking: Unpacking, limit: int, token: CancelToken) -> bytes:
    """Return the content.

    Raises:
        LimitExceeded: it has more than ``limit`` bytes.
    """
    content = io.BytesIO()
    for piece in unpacking.pieces(token):
        if unpacking.size > limit:
            raise LimitExceeded(
                f"More than {limit:,} bytes come out of this {unpacking.compression.title} data, "
                "which is more than is looked into; its own bytes can still be shown and exported."
            )
        content.write(piece)
    return content.getvalue()


def first_bytes(compression: Compression, head: bytes, limit: int, token: CancelToken) -> tuple[bytes, bool, str]:
    """Return at most ``limit`` bytes that come out of a beginning, whether that is all, and what is wrong."""
    stream = compression.stream()
    content = b""
    try:
        content = stream.decompress(head, limit)
        while not stream.eof and not stream.needs_input and len(content) < limit:
            token.check()
            more = stream.decompress(b"", limit - len(content))
            if not more:
                break
            content += more
    except compression.damage as error:
        return content, False, compression.sentence(error)
    return content, stream.eof and not compression.begins(stream.unused_data[:HEAD]), ""
