"""Whether the keys of a btree rise, and what it means where they do not."""

from collections.abc import Sequence

from app.backends.base import Backend


class KeyOrder:
    """Tells damage from an order of the writer's own, where keys do not rise.

    ``strays`` are falls that taking one key out would mend, as when bytes of that key were changed;
    ``breaks`` are the others, as in keys that are little-endian numbers. Offsets in bytes.
    """

    def __init__(self) -> None:
        self.strays = self.breaks = self.first_fall = 0
        self.is_own = False
        """Whether `judge` took the order for one of the writer's own."""
        self.start_over()

    def start_over(self) -> None:
        """Expect any key next."""
        self._last = self._before_last = b""
        self._ceiling: bytes | None = None

    def add(self, key: bytes, offset: int) -> None:
        if self._ceiling is not None:
            if key >= self._ceiling:  # without the key that fell the others rise
                self.strays += 1
            else:
                self.breaks += 1
            self._ceiling = None
        if key < self._last:
            self.first_fall = self.first_fall or offset
            if key >= self._before_last:
                self.strays += 1  # without the last key the others rise
            else:
                self._ceiling = self._last
        self._before_last, self._last = self._last, key

    def add_rising(self, first: Sequence[bytes], last: Sequence[bytes], offset: int) -> None:
        """Add keys none of which is less than the one before it; of all only the first two and the last two count."""
        for key in first:
            self.add(key, offset)
        if last:
            self._before_last, self._last = last

    def judge(self, backend: Backend) -> None:
        """Note an order of the writer's own, or report the first fall as damage."""
        if self.breaks > max(self.strays, 1):
            self.is_own = True
            backend.notes[:] = [
                "The keys stand in an order of the program that wrote them, not in that of their bytes."
            ]
        elif self.first_fall:
            backend.report("Keys are out of order: bytes of a key were changed.", self.first_fall)
