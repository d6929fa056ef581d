"""The order of keys that a tree is made in, found without holding all keys as objects."""

from array import array
from collections.abc import Iterator, Sequence
from heapq import merge
from typing import Final

from app.backends.records import Records
from app.cancel import CancelToken

_RUN: Final = 1 << 16
"""Rows that are sorted at once, when they do not come in order."""


def sorted_rows(records: Records, token: CancelToken) -> Sequence[int]:
    """Return all rows in the order of the bytes of their keys; those of equal keys keep their order.

    It takes 8 bytes a row, or none when the rows are in order already.
    """
    runs = list(_runs(records, token))
    if len(runs) <= 1:
        return runs[0] if runs else range(0)
    rows = array("q")
    for row in merge(*runs, key=records.key):
        token.check()
        rows.append(row)
    return rows


def _runs(records: Records, token: CancelToken) -> Iterator[Sequence[int]]:
    """Yield successive rows, each run in order: as long as the rows are, else of a size that can be sorted at once."""
    start, row, last, is_rising = 0, 0, b"", True
    for chunk in records.chunks():
        token.check()
        for number in range(len(chunk)):
            key = chunk.key(number)
            if key < last or (not is_rising and row - start >= _RUN):
                if row - start >= _RUN:
                    yield _in_order(records, start, row, is_rising=is_rising)
                    start, is_rising = row, True
                else:
                    is_rising = False
            last = key
            row += 1
    if row > start:
        yield _in_order(records, start, row, is_rising=is_rising)


def _in_order(records: Records, start: int, end: int, *, is_rising: bool) -> Sequence[int]:
    rows = range(start, end)
    return rows if is_rising else array("q", sorted(rows, key=records.key))
