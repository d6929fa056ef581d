"""Which object each opcode changes, the other way round than the logs of a stream have it."""

from collections.abc import Mapping
from itertools import chain
from typing import TYPE_CHECKING, Protocol

from app.codecs.pickle.stream import Stream

if TYPE_CHECKING:
    from numpy import int64
    from numpy.typing import NDArray

_MANY = 100_000
"""Objects from which on a dict would take many times the memory of two sorted arrays."""


class Owners(Protocol):
    """Slots of objects by the offset of an opcode that changes them."""

    def get(self, pos: int, default: int, /) -> int: ...


def owners_of(stream: Stream) -> Owners:
    """Return the objects that the opcodes of a pickle change."""
    if len(stream.logs) < _MANY:
        return {pos: target for target, log in stream.logs.items() for pos in log}
    return _SortedOwners(stream.logs)


class _SortedOwners:
    """Two arrays side by side, in the order of the offsets: 16 bytes for each change."""

    def __init__(self, logs: Mapping[int, list[int]]) -> None:
        import numpy as np  # noqa: PLC0415 - only large values need it

        lengths = np.fromiter(map(len, logs.values()), np.int64, len(logs))
        targets = np.repeat(np.fromiter(logs, np.int64, len(logs)), lengths)
        offsets = np.fromiter(chain.from_iterable(logs.values()), np.int64, len(targets))
        order = np.argsort(offsets, kind="stable")
        self._offsets: NDArray[int64] = offsets[order]
        self._targets: NDArray[int64] = targets[order]

    def get(self, pos: int, default: int, /) -> int:
        place = int(self._offsets.searchsorted(pos))
        is_there = place < len(self._offsets) and self._offsets[place] == pos
        return int(self._targets[place]) if is_there else default
