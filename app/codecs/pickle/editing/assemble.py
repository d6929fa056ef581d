"""The pieces of an edited pickle as bytes: frames get the lengths they have now, and each old opcode its new offset."""

import struct
from collections.abc import Sequence

from app.codecs.pickle.editing.program import Code, Gap, Kept, Moves, Piece
from app.codecs.pickle.stream import Stream
from app.errors import EncodeError

FRAME_BYTES = 9
"""Bytes of a FRAME and its length."""


def check_frames(stream: Stream) -> None:
    """Refuse frames that overlap or run over the end, as their lengths could not be kept right.

    Raises:
        EncodeError: there is one; says where.
    """
    behind = stream.start
    for pos, size in stream.frames:
        if pos < behind or pos + FRAME_BYTES + size > stream.stop:
            raise EncodeError(f"The frame at offset {pos:,} has a wrong length, so the pickle is read-only.")
        behind = pos + FRAME_BYTES + size


class Assembler:
    """Joins pieces. A frame reaches to the next one, or to where what followed it stood outside of all frames."""

    def __init__(self, stream: Stream) -> None:
        self._data = stream.data
        self._stream = stream
        heads = {pos for pos, _ in stream.frames}
        ends = (pos + FRAME_BYTES + size for pos, size in stream.frames)
        self._marks = sorted([(pos, True) for pos in heads] + [(end, False) for end in ends if end not in heads])
        self._out = bytearray()
        self._open = -1
        self._segments: list[tuple[int, int, int]] = []
        self._made: dict[int, int] = {}
        self._codes: list[tuple[int, int]] = []

    def assemble(self, pieces: Sequence[Piece]) -> tuple[bytes, Moves]:
        """Return the whole value's bytes with the pickle made of ``pieces``, and where its opcodes are."""
        stream = self._stream
        self._out += self._data[: stream.start]
        for piece in pieces:
            match piece:
                case Kept(is_bare=True):
                    self._bare(piece)
                case Kept():
                    self._framed(piece)
                case Gap():
                    self._emptied(piece)
                case Code():
                    self._new(piece)
        self._close()
        self._out += self._data[stream.stop :]
        return bytes(self._out), Moves(sorted(self._segments), self._made, self._codes)

    def _new(self, piece: Code) -> None:
        if not piece.code:
            return
        start = len(self._out)
        self._out += piece.code
        if piece.stands_for >= 0:
            self._made[piece.stands_for] = start + piece.at
        self._codes.append((start, len(self._out)))

    def _copy(self, start: int, end: int) -> None:
        """Copy old opcodes; neighbours stay one segment, as those on both sides of where a frame begins."""
        if start >= end:
            return
        first, last, now = self._segments[-1] if self._segments else (0, -1, 0)
        if last == start and now + last - first == len(self._out):
            self._segments[-1] = first, end, now
        else:
            self._segments.append((start, end, len(self._out)))
        self._out += self._data[start:end]

    def _marks_in(self, start: int, end: int) -> list[tuple[int, bool]]:
        """Return where frames begin from ``start`` on, and where they end up to ``end``."""
        return [
            (pos, is_head) for pos, is_head in self._marks if (start <= pos < end if is_head else start < pos <= end)
        ]

    def _framed(self, piece: Kept) -> None:
        start = piece.start
        for pos, is_head in self._marks_in(piece.start, piece.end):
            self._copy(start, pos)
            start = pos
            self._close()
            if is_head:
                self._open = len(self._out)
        self._copy(start, piece.end)

    def _emptied(self, piece: Gap) -> None:
        for pos, is_head in self._marks_in(piece.start, piece.end):
            self._close()
            if is_head:
                self._open = len(self._out)
                self._copy(pos, pos + FRAME_BYTES)

    def _bare(self, piece: Kept) -> None:
        start = piece.start
        for pos, is_head in self._marks_in(piece.start, piece.end):
            if is_head:
                self._copy(start, pos)
                start = pos + FRAME_BYTES
        self._copy(start, piece.end)

    def _close(self) -> None:
        """Give the frame that is open the length up to here."""
        if self._open >= 0:
            struct.pack_into("<Q", self._out, self._open + 1, len(self._out) - self._open - FRAME_BYTES)
        self._open = -1
