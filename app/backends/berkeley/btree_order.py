"""The order of entries in a new btree file: by key, and with sorted duplicates by value, where no pair comes twice.

References: btree/bt_compare.c (__bam_defcmp) and btree/bt_cursor.c (DB_KEYEXIST) of Berkeley DB 5.3.
"""

from array import array
from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Final

from app.backends.berkeley.value_order import in_value_order
from app.backends.changes import key_text
from app.backends.records import Records
from app.backends.row_order import sorted_rows
from app.backends.writer import Refusal
from app.cancel import CancelToken
from app.errors import KeyRejected

_COMES_TWICE: Final = "sorted duplicates hold a value only once for each key, and it comes again"


def rows_in_order(records: Records, token: CancelToken, *, sorts_values: bool) -> Sequence[int]:
    """Return all rows in the order of a btree.

    Raises:
        KeyRejected: with ``sorts_values``, a key has the same value twice.
    """
    rows = sorted_rows(records, token)
    if not sorts_values or not records.may_repeat:
        return rows
    made = array("q")
    for key, group in groupby(rows, records.key):
        kept, repeated = _by_value(records, list(group), token)
        if repeated:
            raise KeyRejected(f"{key_text(key)} cannot be stored: {_COMES_TWICE}. Nothing was saved.")
        made.extend(kept)
    return made


def repeated_pairs(records: Records, token: CancelToken) -> Iterator[Refusal]:
    """Yield the rows whose key and value have come before."""
    if records.may_repeat:
        for key, group in groupby(sorted_rows(records, token), records.key):
            _kept, repeated = _by_value(records, list(group), token)
            yield from (Refusal(row, key, _COMES_TWICE) for row in repeated)


def _by_value(records: Records, rows: Sequence[int], token: CancelToken) -> tuple[Sequence[int], Sequence[int]]:
    token.check()
    return (rows, ()) if len(rows) == 1 else in_value_order(records, rows, token)
