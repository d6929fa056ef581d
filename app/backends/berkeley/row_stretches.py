"""Reading rows that are wanted in another order than the file's: nearly successive ones are read together."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Final

_GAP: Final = 16
"""Rows between two wanted ones that are rather read than passed over."""

ReadStretch = Callable[[int, int], Iterator[bytes]]
"""`Records.keys` or `Records.values`."""


def read_rows(read: ReadStretch, rows: Iterable[int], hanging: Sequence[int]) -> dict[int, bytes]:
    """Return what stands in the rows of small entries, by row, and in some between them.

    ``hanging`` is not 0 for the rows that may be large; those are left out.
    """
    found: dict[int, bytes] = {}
    for start, end in _stretches(sorted(row for row in rows if not hanging[row]), hanging):
        found.update(zip(range(start, end), read(start, end), strict=True))
    return found


def _stretches(rows: Sequence[int], hanging: Sequence[int]) -> Iterator[tuple[int, int]]:
    if not rows:
        return
    start = last = rows[0]
    for row in rows:
        if row - last > 1 and (row - last > _GAP or any(hanging[last + 1 : row])):
            yield start, last + 1
            start = row
        last = row
    yield start, last + 1
