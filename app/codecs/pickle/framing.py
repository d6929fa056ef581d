"""Frames of protocol 4: opcodes in portions that an unpickler reads at once.

References:
    CPython's Lib/pickle.py, ``_Framer``.
"""

import struct
from collections.abc import Iterable, Iterator

_TARGET = 64 << 10
"""Bytes from which on a frame ends, and above which a text or bytes opcode stands outside of all frames."""

_SMALLEST = 4
"""Bytes that are worth a frame."""


def framed(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """Yield the pieces, each of them whole opcodes, in frames as CPython makes them."""
    waiting: list[bytes] = []
    size = 0
    for piece in pieces:
        is_large = len(piece) > _TARGET
        if size >= _TARGET or (is_large and size):
            yield from _frame(waiting, size)
            waiting, size = [], 0
        if is_large:
            yield piece
        else:
            waiting.append(piece)
            size += len(piece)
    yield from _frame(waiting, size)


def _frame(pieces: list[bytes], size: int) -> Iterator[bytes]:
    if size >= _SMALLEST:
        yield b"\x95" + struct.pack("<Q", size)
    yield from pieces
