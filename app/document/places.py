"""Files whose keys are the places of their values: what a save makes of the places."""

import re
from bisect import bisect_left
from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace
from itertools import count as count_from

from app.backends.base import Change, Insert
from app.document.history import EntryRef
from app.document.pending_change import PendingChange

NUMBERED = frozenset({"pickle-file", "marshal-file"})
"""Formats whose keys are the places of their values."""

_PLACE = re.compile(rb"0|[1-9][0-9]{0,17}")


def closed_up(changes: Sequence[Change], count: int) -> list[Change]:
    """Return what a save does, with new entries one behind the other, as there may be gaps between their places.

    ``count``: how many entries there are before. What has no place for a key, as when another format took the place
    of a file, is left to be refused.
    """
    places = count_from(count)
    in_order = by_place(changes)
    if not all(_PLACE.fullmatch(change.key) for change in in_order if isinstance(change, Insert)):
        return in_order
    return [replace(change, key=b"%d" % next(places)) if isinstance(change, Insert) else change for change in in_order]


def by_place(changes: Iterable[Change]) -> list[Change]:
    """Return what a save does with new entries last, and in the order of their places."""
    return sorted(changes, key=lambda change: place_of(change.key) if isinstance(change, Insert) else -1)


def place_of(key: bytes) -> int:
    """Return the place that a key names; 0 where it names none."""
    return int(key) if _PLACE.fullmatch(key) else 0


def moves_by_save(refs: Iterable[EntryRef], saved: Collection[PendingChange], count: int) -> dict[EntryRef, EntryRef]:
    """Return the new names of entries after a save of changes to ``count`` entries.

    Those that are stored close up. What was removed can only come back behind them, and comes before whatever has a
    place behind them already: what was removed earlier, and what was added since.
    """
    gone = _places(change for change in saved if change.is_deleted)
    added = _places(change for change in saved if change.digest is None and not change.is_deleted)
    moves = {}
    for ref in refs:
        if _PLACE.fullmatch(ref.key):
            moved = EntryRef(b"%d" % _new_place(int(ref.key), gone, added, count))
            if moved.key != ref.key:
                moves[ref] = moved
    return moves


def _places(changes: Iterable[PendingChange]) -> list[int]:
    return sorted(int(change.ref.key) for change in changes if _PLACE.fullmatch(change.ref.key))


def _new_place(place: int, gone: Sequence[int], added: Sequence[int], count: int) -> int:
    removed_before, added_before = bisect_left(gone, place), bisect_left(added, place)
    if _has(gone, removed_before, place):
        return count + len(added) - len(gone) + removed_before
    if _has(added, added_before, place):
        return count - len(gone) + added_before
    return place - removed_before if place < count else place + len(added) - added_before


def _has(rising: Sequence[int], at: int, place: int) -> bool:
    return at < len(rising) and rising[at] == place
