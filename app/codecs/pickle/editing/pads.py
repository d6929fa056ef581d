"""Opcodes that number objects in the memo, and those that wait for an object to number."""

import struct
from collections.abc import Iterator, Sequence
from dataclasses import replace

from app.codecs.pickle.editing.program import Code, Gap, Pads, Piece
from app.codecs.pickle.opcodes import codes, end_of

_POP = b"0"
_WITHOUT_VALUE = codes("MARK", "FRAME", "PROTO")
_TAKES_VALUE = codes("POP", "POP_MARK", "STOP")


def padded(pieces: Sequence[Piece], data: bytes) -> Iterator[Piece]:
    """Yield the pieces with the PUTs that wait for a value behind the next one, or behind one that is popped."""
    waiting = b""
    for piece in pieces:
        if isinstance(piece, Pads):
            waiting += piece.code
            continue
        if not waiting or isinstance(piece, Gap):
            yield piece
            continue
        pads, waiting = waiting, b""
        if isinstance(piece, Code):
            yield from (piece, Code(pads)) if piece.is_value else (Code(b"N" + pads + _POP), piece)
            continue
        pos = piece.start
        while pos < piece.end and data[pos] in _WITHOUT_VALUE:
            pos = end_of(data, pos)
        if pos >= piece.end or data[pos] in _TAKES_VALUE:
            yield from (Code(b"N" + pads + _POP), piece)
            continue
        end = end_of(data, pos)
        yield from (replace(piece, end=end), Code(pads))
        if end < piece.end:
            yield replace(piece, start=end)


def memo_code(index: int, *, is_text: bool, is_get: bool) -> bytes:
    """Return a PUT or GET of a memo number; ``is_text`` writes it as protocol 0 does."""
    if is_text:
        return b"%b%d\n" % (b"g" if is_get else b"p", index)
    if index < 1 << 8:
        return (b"h" if is_get else b"q") + bytes((index,))
    return (b"j" if is_get else b"r") + struct.pack("<I", index)
