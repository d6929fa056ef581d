"""Values that are found by how they begin, in bytes that belong to no entry any more."""

import re
from collections.abc import Iterable, Iterator
from typing import Final

from app.backends.base import Buffer, Sliceable
from app.backends.salvage import Found, Origin, Salvage
from app.cancel import CancelToken

_SIGNATURE: Final = re.compile(rb"\x80[\x02-\x05]", re.DOTALL)
"""How pickles of protocol 2 and later begin; older ones begin like any text."""
_TRIES: Final = 8
"""How often, on average, a byte may be looked at in vain."""
_FREE_BYTES: Final = 1 << 18
"""Bytes that may be looked at in vain in however short ranges."""
_STRIDE: Final = 1 << 20
"""Bytes that are searched between two looks at the token."""


class ValueSearch:
    """The search of one file for values. What only looks like one costs time: its work grows with what is searched.

    Places are passed over, and that is said, when too many bytes were looked at in vain.
    """

    def __init__(self, salvage: Salvage) -> None:
        self._salvage = salvage
        self._allowance = _FREE_BYTES
        self._is_spent = False

    def allow_for(self, size: int) -> None:
        """Take in that bytes are going to be searched."""
        self._allowance += _TRIES * size

    def carve(
        self, buffer: Buffer, ranges: Iterable[tuple[int, int]], *, origin: Origin = Origin.LOST
    ) -> Iterator[Found]:
        """Yield the values that begin and end within each range (start and end, bytes), none of them within another."""
        for start, end in ranges:
            self.allow_for(end - start)
            place = start
            while (place := _next_signature(buffer, place, end, self._salvage.token)) < end:
                if self.is_spent(place):
                    break
                stop = self.end_of(buffer, place, end)
                if stop is not None:
                    yield Found(None, bytes(buffer[place:stop]), place, origin)
                place = place + 1 if stop is None else stop

    def end_of(self, buffer: Buffer, place: int, end: int) -> int | None:
        """Return where a value ends that begins at a place and lies before ``end``; None where there is none."""
        stretch = _Stretch(buffer, end)
        stop = self._salvage.value_end(stretch, place)
        if stop is not None and place < stop <= end:
            return stop
        self._allowance -= stretch.served
        return None

    def is_spent(self, place: int) -> bool:
        """Tell whether nothing may be looked at any more; the first time is reported."""
        if self._allowance > 0:
            return False
        if not self._is_spent:
            self._is_spent = True
            message = "Too much here only looks like values: some of it was not searched for them."
            self._salvage.report(message, place)
        return True


def unclaimed(claimed: Iterable[tuple[int, int]], start: int, end: int) -> Iterator[tuple[int, int]]:
    """Yield the ranges between ``start`` and ``end`` that none of the claimed ones, in any order, covers."""
    for first, last in sorted(claimed):
        if start >= end:
            return
        if first > start:
            yield start, min(first, end)
        start = max(start, last)
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
