"""Pending changes laid over what is stored, for a copy that holds both."""

from collections.abc import Mapping, Sequence

from app.backends.base import Change, Expected, Insert, Remove, Replace
from app.backends.changes import Plan
from app.backends.fingerprint import digest_of
from app.backends.key_index import KeyIndex
from app.backends.records import ChangedRecords, Records


def changed_records(
    records: Records, index: KeyIndex, changes: Sequence[Change], expected: Mapping[int, Expected] | None
) -> Records:
    """Return the records with changes made.

    Without ``expected`` entry ids are rows of the index; with it they are of another one, and its items tell how an
    entry is found again. A replaced entry that is gone comes again, a removed one stays gone.
    """
    if not changes:
        return records
    rows = None if expected is None else _found_again(records, index, expected)
    changed = ChangedRecords(records, _plan(changes, rows, expected or {}))
    changed.may_repeat = True  # whether an inserted key is there already is for the writer to find out
    return changed


def _plan(changes: Sequence[Change], rows: Mapping[int, int] | None, expected: Mapping[int, Expected]) -> Plan:
    """Return the changes by rows of the index; ``rows`` has those of entry ids that are of another index."""
    made = Plan()
    for change in changes:
        match change:
            case Insert(key, value):
                made.inserted.append((key, value))
            case Remove(entry_id):
                row = entry_id if rows is None else rows.get(entry_id)
                made.removed.update(() if row is None else (row,))
            case Replace(entry_id, value):
                row = entry_id if rows is None else rows.get(entry_id)
                if row is None:
                    made.inserted.append((expected[entry_id].key, value))
                else:
                    made.replaced[row] = value
    return made


def _found_again(records: Records, index: KeyIndex, expected: Mapping[int, Expected]) -> dict[int, int]:
    """Return the rows of expected entries; among several of a key by digest, then by place."""
    rows: dict[int, int] = {}
    taken: set[int] = set()
    for entry_id, known in expected.items():
        there = list(index.find(known.key))
        free = [row for row in there if row not in taken]
        if free:
            rows[entry_id] = free[0] if len(there) == 1 else _likeliest(records, there, free, known)
            taken.add(rows[entry_id])
    return rows


def _likeliest(records: Records, there: Sequence[int], free: Sequence[int], known: Expected) -> int:
    def differs(row: int) -> tuple[bool, bool]:
        return digest_of(records, row) != known.sha256, there.index(row) != known.nth

    return min(free, key=differs)
