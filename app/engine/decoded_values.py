"""The values that were decoded last: a tree is asked for again and again while it is looked at."""

from collections import OrderedDict

from app import limits
from app.codecs.base import DecodedValue
from app.codecs.collector import collect_records
from app.engine.value_calls import Source

_KEPT = 4
_BYTES = 32 << 20

Decoded = tuple[DecodedValue, str]
"""A decoded value, and why its codec read it."""


class DecodedValues:
    """A few values by where they came from, as long as the files look as they did."""

    def __init__(self) -> None:
        self._values: OrderedDict[Source, Decoded] = OrderedDict()
        self._first: tuple[Source, Decoded] | None = None
        """The beginning of a large value that was not decoded to its end."""
        self._signature: tuple[tuple[int, int, int], ...] = ()
        self._has_litter = False
        """Whether a large value was dropped whose parts may still know each other."""

    def clear(self) -> None:
        while self._values:
            self._drop_oldest()
        self._first = None

    def forget_unless(self, signature: tuple[tuple[int, int, int], ...]) -> None:
        """Drop all when the files look changed, so that what is shown is what is stored."""
        if signature != self._signature:
            self.clear()
            self._signature = signature

    def get(self, source: Source) -> Decoded | None:
        if source in self._values:
            self._values.move_to_end(source)
        return self._values.get(source)

    def shown(self, source: Source) -> Decoded | None:
        """Return a value, or its beginning where that is all there is."""
        if (whole := self.get(source)) is None and self._first is not None and self._first[0] == source:
            return self._first[1]
        return whole

    def keep_first(self, source: Source, first: Decoded) -> None:
        """Take the beginning of a value, until it is there as a whole or that of another one is taken."""
        self._first = source, first

    def make_room(self, size: int) -> None:
        """Drop values before one of ``size`` bytes is decoded: its records take many times as many."""
        kept = sum(len(value.data) for value, _reason in self._values.values())
        while self._values and kept + size > _BYTES:
            kept -= self._drop_oldest()
        if self._has_litter:
            collect_records()
            self._has_litter = False

    def _drop_oldest(self) -> int:
        """Drop the value that was asked for least recently; return its bytes."""
        _source, (oldest, _reason) = self._values.popitem(last=False)
        size = len(oldest.data)
        self._has_litter |= size >= limits.LARGE_VALUE
        return size

    def keep(self, source: Source, value: Decoded) -> None:
        """Take one more, and drop the oldest when they are too many or too large."""
        self._values[source] = value
        if self._first is not None and self._first[0] == source:
            self._first = None
        size = sum(len(kept.data) for kept, _reason in self._values.values())
        while len(self._values) > _KEPT or (size > _BYTES and len(self._values) > 1):
            size -= self._drop_oldest()
