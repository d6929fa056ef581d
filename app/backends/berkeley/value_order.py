"""Sorted duplicates: the entries of one key in the order of their values, in constant memory a value.

References: btree/bt_compare.c (__bam_defcmp) and btree/bt_cursor.c (DB_KEYEXIST) of Berkeley DB 5.3.
"""

from array import array
from collections.abc import Iterator, Sequence
from functools import cmp_to_key
from itertools import groupby, zip_longest
from typing import Final

from app.backends.berkeley.write import cut
from app.backends.changes import key_text
from app.backends.records import PIECE_BYTES, Records
from app.cancel import CancelToken
from app.errors import KeyRejected

REPEATED: Final = "sorted duplicates cannot hold a key with the same value twice"
_PREFIX_BYTES: Final = 64


def repeated_value(key: bytes) -> KeyRejected:
    """Return the error for a key that has a value twice."""
    return KeyRejected(f"{key_text(key)} cannot be stored: {REPEATED}. Nothing was written.")


def in_value_order(records: Records, rows: Sequence[int], token: CancelToken) -> tuple["array[int]", list[int]]:
    """Return the rows sorted by value, of equal values only the first row; and the rows so left out."""

    def in_full(one: int, other: int) -> int:
        return _compare(records, one, other, token)

    prefixes = dict(_prefixes(records, rows, token))
    kept, repeated = array("q"), list[int]()
    by_prefix = sorted(rows, key=prefixes.__getitem__)
    for prefix, alike in groupby(by_prefix, prefixes.__getitem__):
        group = list(alike)
        if len(group) > 1 and len(prefix) == _PREFIX_BYTES:
            group.sort(key=cmp_to_key(in_full))
        last = -1
        for row in group:
            if last >= 0 and not in_full(last, row):
                repeated.append(row)
            else:
                kept.append(row)
                last = row
    return kept, repeated


def _prefixes(records: Records, rows: Sequence[int], token: CancelToken) -> Iterator[tuple[int, bytes]]:
    for row in rows:
        token.check()
        if records.size(row) <= PIECE_BYTES:
            yield row, records.value(row)[:_PREFIX_BYTES]
        else:
            yield row, next(cut(records.pieces(row), _PREFIX_BYTES))


def _compare(records: Records, one: int, other: int, token: CancelToken) -> int:
    """Return a number that is negative, 0 or positive as the first value comes before, with or after the second."""
    pieces = (cut(records.pieces(row), PIECE_BYTES) for row in (one, other))
    for left, right in zip_longest(*pieces, fillvalue=b""):
        token.check()
        if left != right:
            return -1 if left < right else 1
    return 0
