"""What another program did to the entries of a file, worked out beside a document that stays as it is."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

from app.backends.key_index import KeyIndex
from app.cancel import CancelToken
from app.document.history import EntryRef
from app.document.pending_change import PendingChange
from app.engine.base import Engine
from app.errors import AppError, DocumentError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Hashes = NDArray[np.uint64]
    Rows = NDArray[np.intp]

LISTED = 1_000
"""Entries that a comparison names."""
READ_BYTES = 256 << 20
"""Bytes of all values up to which they are read to be compared; where there are more, their lengths are."""
_ENTRY_BYTES = 16
_MIX = 0x9E3779B97F4A7C15


@dataclass(frozen=True, slots=True)
class Fingerprints:
    """Two hashes of every entry of an index, by which it is seen later what is another.

    ``has_values``: whether the second is that of the value, not of its length.
    """

    hashes: bytes
    has_values: bool


class DiskKind(Enum):
    ADDED = "added"
    REMOVED = "removed"
    CHANGED = "changed"


@dataclass(frozen=True, slots=True)
class DiskEntry:
    """An entry that is another in the file than it was; ``collides``: it has a pending change as well."""

    key: bytes
    kind: DiskKind
    collides: bool


@dataclass(frozen=True, slots=True)
class DiskChanges:
    """What another program did.

    ``counts`` are None where nobody knows how the entries were before. ``is_exact``: whether values were compared,
    not only their lengths. ``colliding``: how many pending changes are of entries that are others in the file now.
    ``first``: at most `LISTED` of the entries.
    """

    counts: Mapping[DiskKind, int] | None
    colliding: int
    is_exact: bool
    first: tuple[DiskEntry, ...] = ()

    @property
    def is_same(self) -> bool:
        """Whether the file holds what it held."""
        return self.counts is not None and self.is_exact and not any(self.counts.values()) and not self.colliding


@dataclass(frozen=True, slots=True)
class Known:
    """What a document knows of the file as it was: the keys, where it was taken the hashes, and what is pending."""

    path: str
    format_id: str
    index: KeyIndex
    fingerprints: Fingerprints | None
    pending: tuple[PendingChange, ...]


def look(known: Known, engine: Engine, token: CancelToken) -> DiskChanges:
    """Compare the file as it is now with what is known of it; ``engine`` is one for this alone.

    Raises:
        AppError: it cannot be read; DocumentError: it is a database of another format now.
    """
    info = engine.open(known.path, token)
    if info.format != known.format_id:
        raise DocumentError(f"It is a database of another format now: {info.format}.")
    index = KeyIndex()
    for chunk in engine.index(token):
        index.append(chunk)
    colliding = {change.ref for change in _colliding(known.pending, index, engine, token)}
    before = known.fingerprints
    if before is None:
        return DiskChanges(None, len(colliding), is_exact=False, first=_of_pending(colliding, index))
    after = b"".join(engine.fingerprints(token, values=before.has_values))
    return _compared(known.index, index, (before.hashes, after), colliding, is_exact=before.has_values)


def _colliding(
    pending: Sequence[PendingChange], index: KeyIndex, engine: Engine, token: CancelToken
) -> Iterator[PendingChange]:
    """Yield the pending changes whose entries are no longer what they were made from."""
    found = index.find_all({change.ref.key for change in pending})
    for number, change in enumerate(pending):
        token.advance(number, len(pending))
        rows = found[change.ref.key]
        row = rows[change.ref.nth] if change.ref.nth < len(rows) else None
        if (None if row is None else _digest(engine, row, token)) != change.digest:
            yield change


def _digest(engine: Engine, row: int, token: CancelToken) -> bytes | None:
    try:
        return engine.digest(row, token)
    except AppError:
        return b""  # it cannot be read, so that it is not what it was


def _of_pending(colliding: set[EntryRef], index: KeyIndex) -> tuple[DiskEntry, ...]:
    there = index.find_all({ref.key for ref in colliding})
    kinds = ((ref.key, DiskKind.CHANGED if there[ref.key] else DiskKind.REMOVED) for ref in colliding)
    return tuple(DiskEntry(key, kind, collides=True) for key, kind in sorted(kinds, key=lambda one: one[0])[:LISTED])


def _compared(
    old: KeyIndex, new: KeyIndex, hashes: tuple[bytes, bytes], colliding: set[EntryRef], *, is_exact: bool
) -> DiskChanges:
    before, after = map(_pairs, hashes)
    if (len(before), len(after)) != (len(old), len(new)):
        raise DocumentError("It was written again while it was compared.")
    gone, come = _differing(before, after)
    removed, _others = _differing_keys(before, gone, after, come)
    added, changed = _differing_keys(after, come, before, gone)
    keys = {ref.key for ref in colliding}
    listed = [
        DiskEntry(key, kind, key in keys)
        for kind, rows, index in (
            (DiskKind.CHANGED, changed, new),
            (DiskKind.ADDED, added, new),
            (DiskKind.REMOVED, removed, old),
        )
        for key in (index.key(int(row)) for row in rows[:LISTED])
    ]
    counts = {DiskKind.ADDED: len(added), DiskKind.REMOVED: len(removed), DiskKind.CHANGED: len(changed)}
    listed.sort(key=lambda entry: not entry.collides)
    return DiskChanges(counts, len(colliding), is_exact, tuple(listed[:LISTED]))


def _pairs(hashes: bytes) -> "Hashes":
    """Return the hashes of key and value of each entry, a row each."""
    import numpy as np  # noqa: PLC0415 - only once another program wrote

    return np.frombuffer(hashes[: len(hashes) // _ENTRY_BYTES * _ENTRY_BYTES], dtype=np.uint64).reshape(-1, 2)


def _differing(before: "Hashes", after: "Hashes") -> "tuple[Rows, Rows]":
    """Return the rows of each that the other does not have."""
    import numpy as np  # noqa: PLC0415 - as above

    old, new = (_told_apart(pairs[:, 0] * np.uint64(_MIX) ^ pairs[:, 1]) for pairs in (before, after))
    return np.flatnonzero(~np.isin(old, new)), np.flatnonzero(~np.isin(new, old))


def _differing_keys(pairs: "Hashes", rows: "Rows", others: "Hashes", other_rows: "Rows") -> "tuple[Rows, Rows]":
    """Return which of some rows have keys that none of other rows has, and which have one."""
    import numpy as np  # noqa: PLC0415 - as above

    is_there = np.isin(_told_apart(pairs[rows, 0]), _told_apart(others[other_rows, 0]))
    return rows[~is_there], rows[is_there]


def _told_apart(hashes: "NDArray[np.uint64]") -> "NDArray[np.uint64]":
    """Return hashes that differ also where the same one comes again: the first time, the second."""
    import numpy as np  # noqa: PLC0415 - as above

    order = np.argsort(hashes, kind="stable")
    ordered = hashes[order]
    places = np.arange(len(ordered))
    is_first = np.ones(len(ordered), dtype=bool)
    is_first[1:] = ordered[1:] != ordered[:-1]
    times = places - np.maximum.accumulate(np.where(is_first, places, 0)) if len(places) else places
    found = np.empty_like(hashes)
    found[order] = ordered + times.astype(np.uint64) * np.uint64(_MIX)
    return found
