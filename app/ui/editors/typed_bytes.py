"""What was typed over, into and out of the bytes of a value, until it is handed over."""

from collections.abc import Iterator
from typing import NamedTuple

from app.document.nodes import Splice

_STORED = -1


class Cell(NamedTuple):
    """A byte that is shown: the stored one at an offset, or the ``nth`` of those that were put in before it."""

    offset: int
    nth: int = _STORED

    @property
    def is_stored(self) -> bool:
        return self.nth == _STORED


class TypedBytes:
    """Knows the stored bytes by their offsets only, so that it holds for all pages of a value."""

    def __init__(self) -> None:
        self._changed: dict[int, int] = {}
        self._deleted: set[int] = set()
        self._put_in: dict[int, bytearray] = {}

    def __bool__(self) -> bool:
        return bool(self._changed or self._deleted or self._put_in)

    def clear(self) -> None:
        self._changed.clear()
        self._deleted.clear()
        self._put_in.clear()

    # ---- what is there

    def cells(self, start: int, end: int, *, is_last: bool) -> list[Cell]:
        """Return what stands from one offset to another; ``is_last``: with what was put behind all bytes."""
        return [
            cell
            for offset in range(start, end + int(is_last))
            for cell in self._cells_at(offset, is_behind=offset == end)
        ]

    def _cells_at(self, offset: int, *, is_behind: bool) -> Iterator[Cell]:
        yield from (Cell(offset, nth) for nth in range(len(self._put_in.get(offset, b""))))
        if not is_behind and offset not in self._deleted:
            yield Cell(offset)

    def shift(self, start: int) -> int:
        """Return how many bytes more stand before an offset than are stored there."""
        more = sum(len(new) for offset, new in self._put_in.items() if offset < start)
        return more - sum(offset < start for offset in self._deleted)

    def byte(self, cell: Cell, stored: int) -> int:
        """Return the byte of a cell; ``stored`` is the one at its offset."""
        return self._changed.get(cell.offset, stored) if cell.is_stored else self._put_in[cell.offset][cell.nth]

    def is_typed(self, cell: Cell) -> bool:
        return not cell.is_stored or cell.offset in self._changed

    def splices(self) -> tuple[Splice, ...]:
        """Return what is to be done to the stored bytes, in the order of offsets."""
        offsets = sorted({*self._changed, *self._deleted, *self._put_in})
        return tuple(map(self._splice, offsets))

    def _splice(self, offset: int) -> Splice:
        new = bytes(self._put_in.get(offset, b""))
        if offset in self._deleted:
            return Splice(offset, 1, new)
        if offset in self._changed:
            return Splice(offset, 1, new + bytes((self._changed[offset],)))
        return Splice(offset, 0, new)

    # ---- typing

    def overwrite(self, cell: Cell, new: int, stored: int) -> None:
        """Put another byte in a cell; that which is stored there is no change."""
        if not cell.is_stored:
            self._put_in[cell.offset][cell.nth] = new
        elif new == stored:
            self._changed.pop(cell.offset, None)
        else:
            self._changed[cell.offset] = new

    def put_in(self, cell: Cell, new: int) -> None:
        """Put a byte in front of a cell."""
        put_in = self._put_in.setdefault(cell.offset, bytearray())
        put_in.insert(len(put_in) if cell.is_stored else cell.nth, new)

    def delete(self, cell: Cell) -> None:
        """Take the byte of a cell out."""
        if cell.is_stored:
            self._changed.pop(cell.offset, None)
            self._deleted.add(cell.offset)
            return
        put_in = self._put_in[cell.offset]
        del put_in[cell.nth]
        if not put_in:
            del self._put_in[cell.offset]
