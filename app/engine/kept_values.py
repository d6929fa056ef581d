"""Large values that cross the pipe once: its two ends remember them by number, within the same bounds.

The window's end decides what is remembered: the other one keeps what comes with a number, until it is told to forget
it. A value is known by being the same object, which an unsaved value is for as long as nobody edits it again.
"""

from collections import OrderedDict
from collections.abc import Iterable

LARGE = 1 << 18
"""Bytes from which on a value is remembered."""
_MOST = 16
_BYTES = 128 << 20
"""Bytes of all values that are remembered; a larger one is remembered alone."""


class SentValues:
    """What was sent to the other end and is still there."""

    def __init__(self) -> None:
        self._values: OrderedDict[int, tuple[int, bytes]] = OrderedDict()
        """The number and the value, by the identity that it has as long as it is held here; the last used last."""
        self._last = 0
        self._forgotten: list[int] = []

    def number_of(self, value: bytes) -> int | None:
        """Return the number of a value that the other end has, None where it has to be sent."""
        known = self._values.get(id(value))
        if known is None:
            return None
        self._values.move_to_end(id(value))
        return known[0]

    def add(self, value: bytes) -> int:
        """Return a number for a value that is sent now."""
        self._last += 1
        self._values[id(value)] = self._last, value
        return self._last

    def forget_oldest(self) -> None:
        """Keep to the bounds; comes after a message, all of whose values are there until the next one."""
        held = sum(len(value) for _number, value in self._values.values())
        while len(self._values) > 1 and (len(self._values) > _MOST or held > _BYTES):
            _identity, (number, value) = self._values.popitem(last=False)
            self._forgotten.append(number)
            held -= len(value)

    def forget_all(self) -> None:
        self._forgotten += [number for number, _value in self._values.values()]
        self._values.clear()

    def take_forgotten(self) -> list[int]:
        """Return which numbers the other end has to forget; once."""
        numbers, self._forgotten = self._forgotten, []
        return numbers


class KeptValues:
    """What came with a number."""

    def __init__(self) -> None:
        self._values: dict[int, bytes] = {}

    def keep(self, number: int, value: bytes) -> None:
        self._values[number] = value

    def get(self, number: int) -> bytes:
        return self._values[number]

    def forget(self, numbers: Iterable[int]) -> None:
        for number in numbers:
            self._values.pop(number, None)
