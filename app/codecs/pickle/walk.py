"""From opcode to opcode over the bytes of a pickle."""

from collections.abc import Iterator

from app.cancel import CancelToken
from app.codecs.pickle.opcodes import BY_CODE, Layout, end_of
from app.codecs.pickle.stream import Stream

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
