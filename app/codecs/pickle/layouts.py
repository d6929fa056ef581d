"""Pickles of one layout: the same opcodes with other contents in them, of which all else is known from the first.

The values of a shelf are often alike: the same keys, numbers and texts of the same sizes. The bytes that tell where
the opcodes are and what they do (opcodes, lengths, memo numbers, names) are the same in them then, and only contents
that are stepped over differ. By induction over the opcodes, whatever is done by them is the same in both, at the same
offsets. So a layout is two numbers, which bytes are no contents and what they are, and a value is compared with it by
two operations of C on all of its bytes as one number.
"""

from collections.abc import Container, Iterator
from typing import Generic, TypeVar

from app.codecs.pickle.opcodes import codes, end_of

MOST_BYTES = 512
"""Bytes of a value whose layout is remembered; as there is one for each size, all of them take a few megabytes."""

_CONTENT_AT = {
    **dict.fromkeys(codes("BININT1", "BININT2", "BININT", "BINFLOAT"), 1),
    **dict.fromkeys(codes("SHORT_BINUNICODE", "SHORT_BINBYTES", "SHORT_BINSTRING", "LONG1"), 2),
    **dict.fromkeys(codes("BINUNICODE", "BINBYTES"), 5),
}
"""Where the content begins in opcodes that hold one, and whose length does not depend on it."""

T = TypeVar("T")


class Layouts(Generic[T]):
    """What is known of all values of a layout, for the last layout of each size."""

    def __init__(self) -> None:
        self._known: dict[int, tuple[int, int, T]] = {}
        self._missed: dict[int, int] = {}

    def find(self, data: bytes) -> T | None:
        """Return what is known of a value by its layout, None where that is not known."""
        known = self._known.get(len(data))
        if known is None:
            return None
        mask, fixed, found = known
        return found if int.from_bytes(data, "little") & mask == fixed else None

    def is_due(self, data: bytes) -> bool:
        """Count a value that was not found; tell whether its layout is to be learnt.

        The second value of a size is, and then as seldom as layouts come back: where all values differ, hardly any.
        """
        missed = self._missed[len(data)] = self._missed.get(len(data), 0) + 1
        return missed > 1 and missed & (missed - 1) == 0

    def learn(self, data: bytes, fixed: Container[int], found: T) -> None:
        """Remember what is known of all pickles that differ from ``data`` in contents only.

        ``data`` is one whole pickle; ``fixed`` are the opcodes whose contents are the same in all of them.
        """
        mask = bytearray(b"\xff" * len(data))
        for start, end in _contents(data, fixed):
            mask[start:end] = bytes(end - start)
        number = int.from_bytes(mask, "little")
        self._known[len(data)] = number, int.from_bytes(data, "little") & number, found


def _contents(data: bytes, fixed: Container[int]) -> Iterator[tuple[int, int]]:
    """Yield where the contents of opcodes start and end, but for those of ``fixed``."""
    pos = 0
    while 0 <= pos < len(data):
        end = end_of(data, pos)
        at = _CONTENT_AT.get(data[pos])
        if at is not None and pos not in fixed:
            yield pos + at, end
        pos = end
