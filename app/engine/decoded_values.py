"""The values that were decoded last: a tree is asked for again and again while it is looked at."""

from collections import OrderedDict

from app.codecs.base import DecodedValue
from app.engine.value_calls import Source

_KEPT = 4
_BYTES = 32 << 20

Decoded = tuple[DecodedValue, str]
"""A decoded value, and why its codec read it."""


class DecodedValues:
    """A few values by where they came from, as long as the files look as they did."""

    def __init__(self) -> None:
        self._values: OrderedDict[Source, Decoded] = OrderedDict()
        self._signature: tuple[tuple[int, int, int], ...] = ()

    def clear(self) -> None:
        self._values.clear()

    def forget_unless(self, signature: tuple[tuple[int, int, int], ...]) -> None:
        """Drop all when the files look changed, so that what is shown is what is stored."""
        if signature != self._signature:
            self._values.clear()
            self._signature = signature

    def get(self, source: Source) -> Decoded | None:
        if source in self._values:
            self._values.move_to_end(source)
        return self._values.get(source)

    def keep(self, source: Source, value: Decoded) -> None:
        """Take one more, and drop the oldest when they are too many or too large."""
        self._values[source] = value
        size = sum(len(kept.data) for kept, _reason in self._values.values())
        while len(self._values) > _KEPT or (size > _BYTES and len(self._values) > 1):
            _source, (oldest, _reason) = self._values.popitem(last=False)
            size -= len(oldest.data)
