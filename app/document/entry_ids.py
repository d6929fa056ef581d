"""The entry ids of pending changes, which stored and added entries have together."""

from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from app.document.history import EntryRef
from app.document.pending_change import PendingChange

FIRST_ADDED = 1 << 30
"""The first entry id of an entry that is not stored.

Stored entries have their positions in the index. No index gets as long as this (24 GB), and it fits the signed 32 bits
that Qt's signals have for a number. So the ids of stored and of added entries cannot collide, also while the keys are
still being read, and ids rise in the order of the table: stored entries first.
"""


@dataclass(slots=True)
class Announcement:
    """Entry ids that came, changed and went, each list rising."""

    added: list[int] = field(default_factory=list)
    changed: list[int] = field(default_factory=list)
    removed: list[int] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.added) + len(self.changed) + len(self.removed)

    def __contains__(self, entry_id: int) -> bool:
        return any(_is_in(entry_id, ids) for ids in (self.added, self.changed, self.removed))

    def sort(self) -> None:
        for ids in (self.added, self.changed, self.removed):
            ids.sort()


class EntryIds:
    """Which entries the ids stand for, and which of those that are not stored are shown.

    An entry that is not stored keeps its id as long as the index is the same, also when it goes and comes again.
    """

    def __init__(self) -> None:
        self.added: list[int] = []
        """The ids of entries that are shown behind the stored ones, rising."""
        self._ids: dict[EntryRef, int] = {}
        self._refs: dict[int, EntryRef] = {}
        self._next = FIRST_ADDED

    def copied(self) -> "EntryIds":
        copy = EntryIds()
        copy.added, copy._ids, copy._refs = self.added.copy(), self._ids.copy(), self._refs.copy()
        copy._next = self._next
        return copy

    def ref(self, entry_id: int) -> EntryRef | None:
        """Return which entry has that id, None where it never had a pending change since the keys were read."""
        return self._refs.get(entry_id)

    def get(self, ref: EntryRef) -> int | None:
        return self._ids.get(ref)

    def is_added(self, entry_id: int) -> bool:
        """Tell whether that is the id of an entry that is shown behind the stored ones."""
        return _is_in(entry_id, self.added)

    def take(self, change: PendingChange, places: Mapping[EntryRef, int], told: Announcement) -> None:
        """Give the entry of a change its id, and tell what the change is to the table; `rearrange` follows.

        ``places`` has the ids of those entries that are stored.
        """
        self._tell(change, self._give(change.ref, places), told)

    def retake(self, change: PendingChange, places: Mapping[EntryRef, int], told: Announcement) -> None:
        """Do as `take` does when all stored entries have become known: an added one may turn out to be stored."""
        old = self._ids.get(change.ref)
        if old is not None and old >= FIRST_ADDED and change.ref in places and self.is_added(old):
            told.removed.append(old)
        self.take(change, places, told)

    def rearrange(self, told: Announcement) -> None:
        """Let the entries that are shown be those that were told of."""
        told.sort()
        if told.removed:
            self.added = [entry_id for entry_id in self.added if not _is_in(entry_id, told.removed)]
        if told.added:
            self.added = sorted((*self.added, *told.added))

    def move(self, moves: Mapping[EntryRef, EntryRef]) -> None:
        """Give entries other names."""
        self._ids = {moves.get(ref, ref): entry_id for ref, entry_id in self._ids.items()}
        self._refs = {entry_id: ref for ref, entry_id in self._ids.items()}

    def _give(self, ref: EntryRef, places: Mapping[EntryRef, int]) -> int:
        entry_id = places.get(ref, self._ids.get(ref))
        if entry_id is None:
            entry_id = self._next
            self._next += 1
        self._ids[ref] = entry_id
        self._refs[entry_id] = ref
        return entry_id

    def _tell(self, change: PendingChange, entry_id: int, told: Announcement) -> None:
        if entry_id < FIRST_ADDED:
            told.changed.append(entry_id)
            return
        was_shown = self.is_added(entry_id)
        is_shown = not change.is_stored and not change.is_deleted
        if was_shown and not is_shown:
            told.removed.append(entry_id)
        elif is_shown:
            (told.changed if was_shown else told.added).append(entry_id)


def _is_in(entry_id: int, rising: Sequence[int]) -> bool:
    place = bisect_left(rising, entry_id)
    return place < len(rising) and rising[place] == entry_id
