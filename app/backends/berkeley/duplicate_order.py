"""Whether sorted duplicates of Berkeley DB rise, and what it means where they do not."""

from collections.abc import Callable, Iterator
from typing import Final

from app.backends.base import Backend
from app.backends.berkeley.file import Listed

COMPARED: Final = 1 << 12
"""Bytes of a value: falls are seen there, or hardly ever."""
_FALLS_OF_DAMAGE: Final = 10
"""One value in so many falls at most, where damage is the reason and not an order of the writer's own."""

_NOTE: Final = "The values of equal keys stand in an order of the program that wrote them, not in that of their bytes."


class DuplicateOrder:
    """Tells damage from an order of the writer's own, where the values of one key do not rise."""

    def __init__(self) -> None:
        self.is_own = False
        self._compared = self._falls = 0
        self._first_fall = b""

    def watched(
        self, listed: Iterator[Listed], beginning_at: Callable[[int], bytes | None], backend: Backend
    ) -> Iterator[Listed]:
        """Yield what is listed; at the end note an order of the writer's own, or report damage.

        ``beginning_at`` returns the first `COMPARED` bytes of the value at a locator, or None.
        """
        last_key: bytes | None = None
        last_locator, last = 0, None
        for key, locator, size in listed:
            if key == last_key:
                last = beginning_at(last_locator) if last is None else last
                value = beginning_at(locator)
                self._compare(key, last, value)
                last = value
            else:
                last = None
            last_key, last_locator = key, locator
            yield key, locator, size
        self._judge(backend)

    def _compare(self, key: bytes, last: bytes | None, value: bytes | None) -> None:
        if last is not None and value is not None:
            self._compared += 1
            if value < last:
                self._first_fall = self._first_fall if self._falls else key
                self._falls += 1

    def _judge(self, backend: Backend) -> None:
        self.is_own = self._falls * _FALLS_OF_DAMAGE > self._compared
        if self.is_own:
            if _NOTE not in backend.notes:
                backend.notes.append(_NOTE)
        elif self._falls:
            backend.report(f"The values of {self._first_fall!s:.80} are out of order: bytes of one were changed.")
