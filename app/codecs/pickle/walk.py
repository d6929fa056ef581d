"""From opcode to opcode over the bytes of a pickle."""

from collections.abc import Iterator

from app.cancel import CancelToken
from app.codecs.pickle.opcodes import BY_CODE, CODE, Layout, end_of
from app.codecs.pickle.stream import Stream

_STOP = CODE["STOP"]
_BETWEEN_CHECKS = 8192
"""Opcodes between two looks at the token."""

_WIDTHS = tuple(
    opcode.width if opcode is not None and opcode.layout is Layout.FIXED else 0
    for opcode in (BY_CODE[code] for code in range(256))
)
"""Bytes of an opcode and its argument by its code, 0 where that has to be looked for."""


def offsets_of(stream: Stream, token: CancelToken, *, with_failing: bool = False) -> Iterator[int]:
    """Yield the offsets of all opcodes of a pickle; of a damaged one those that were understood.

    ``with_failing``: at the end the one that was not understood too, of which there are no records.

    Raises:
        Cancelled: by ``token``.
    """
    data, pos = stream.data, stream.start
    stop = stream.stop if stream.stop >= 0 else min(stream.error_at + with_failing, len(data))
    left = _BETWEEN_CHECKS
    while 0 <= pos < stop:
        yield pos
        pos = pos + _WIDTHS[data[pos]] if _WIDTHS[data[pos]] else end_of(data, pos)
        left -= 1
        if not left:
            token.check()
            left = _BETWEEN_CHECKS


def reach_stop(data: bytes, pos: int) -> tuple[int, bool]:
    """Return the offset behind the next STOP from the opcode at ``pos`` on, and true.

    Or that of the first opcode before it which is unknown or not whole, and false.
    """
    size = len(data)
    while pos < size:
        op = data[pos]
        if op == _STOP:
            return pos + 1, True
        if BY_CODE[op] is None:
            break
        end = pos + _WIDTHS[op] if _WIDTHS[op] else end_of(data, pos)
        if not pos < end <= size:
            break
        pos = end
    return pos, False
