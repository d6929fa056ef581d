"""Values that are found by how they begin, in bytes that belong to no entry any more."""

import re
from collections.abc import Iterable, Iterator
from typing import Final

from app.backends.base import Buffer, Sliceable, ValueEnd
from app.backends.salvage import Found, Origin
from app.cancel import CancelToken

_SIGNATURE: Final = re.compile(rb"\x80[\x02-\x05]", re.DOTALL)
"""How pickles of protocol 2 and later begin; older ones begin like any text."""
_TRIES: Final = 8
"""How often, on average, a byte may be looked at in vain."""
_FREE_BYTES: Final = 1 << 18
"""Bytes that may be looked at in vain in however short ranges."""
_STRIDE: Final = 1 << 20
"""Bytes that are searched between two looks at the token."""


def carve(
    buffer: Buffer,
    ranges: Iterable[tuple[int, int]],
    value_end: ValueEnd,
    token: CancelToken,
    *,
    origin: Origin = Origin.LOST,
) -> Iterator[Found]:
    """Yield the values that begin and end within each range (start and end, bytes), none of them within another.

    What only looks like a value costs time: however many places do, the work grows no faster than the ranges.
    """
    allowance = _FREE_BYTES
    for start, end in ranges:
        allowance += _TRIES * (end - start)
        place = start
        while (place := _next_signature(buffer, place, end, token)) < end and allowance > 0:
            stretch = _Stretch(buffer, end)
            stop = value_end(stretch, place)
            if stop is not None and place < stop <= end:
                yield Found(None, bytes(buffer[place:stop]), place, origin)
                place = stop
            else:
                allowance -= stretch.served
                place += 1


def unclaimed(claimed: Iterable[tuple[int, int]], start: int, end: int) -> Iterator[tuple[int, int]]:
    """Yield the ranges between ``start`` and ``end`` that none of the claimed ones, in any order, covers."""
    for first, last in sorted(claimed):
        if first > start:
            yield start, min(first, end)
        start = max(start, last)
        if start >= end:
            return
    if start < end:
        yield start, end


def _next_signature(buffer: Buffer, place: int, end: int, token: CancelToken) -> int:
    """Return where a value may begin next, or ``end``."""
    while place < end:
        token.check()
        # One byte more than the stride: a signature may lie across its end.
        found = _SIGNATURE.search(buffer, place, min(place + _STRIDE + 1, end))
        if found is not None:
            return found.start()
        place += _STRIDE
    return end


class _Stretch(Sliceable):
    """A buffer that ends where a range does, and counts the bytes it gave away."""

    def __init__(self, buffer: Buffer, end: int) -> None:
        self._buffer = buffer
        self._end = end
        self.served = 0

    def __getitem__(self, part: slice, /) -> bytes:
        start, stop, _ = part.indices(self._end)
        self.served += max(stop - start, 0)
        return bytes(self._buffer[start:stop])
