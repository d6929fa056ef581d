"""Changes that are not saved yet, laid over the stored entries, and the entry ids that both have together."""

from bisect import bisect_left, insort
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import Enum

from app.backends.base import Change, Expected, Insert, Remove, Replace
from app.document.history import EntryRef

FIRST_ADDED = 1 << 30
"""The first entry id of an entry that is not stored.

Stored entries have their positions in the index. No index gets as long as this (24 GB), and it fits the signed 32 bits
that Qt's signals have for a number. So the ids of stored and of added entries cannot collide, also while the keys are
still being read, and ids rise in the order of the table: stored entries first.
"""


class PendingKind(Enum):
    """What will happen to an entry at the next save."""

    CHANGED = "changed"
    ADDED = "added"
    DELETED = "deleted"


@dataclass(frozen=True, slots=True)
class PendingChange:
    """What an entry is to be, and the SHA-256 of the stored value that this was made from.

    ``value`` is empty where the entry is deleted. ``digest`` is None where nothing was stored.
    """

    ref: EntryRef
    value: bytes
    digest: bytes | None
    is_stored: bool = False
    """Whether the entry is the stored one again, so that there is nothing to save."""
    is_deleted: bool = False
    partner: EntryRef | None = None
    """The entry that this one is a rename of; of a deleted one it says nothing."""

    @property
    def kind(self) -> PendingKind:
        if self.is_deleted:
            return PendingKind.DELETED
        return PendingKind.ADDED if self.digest is None else PendingKind.CHANGED

    @property
    def current(self) -> bytes | None:
        """The value, None where the entry is not there."""
        return None if self.is_deleted else self.value

    def moved(self, moves: Mapping[EntryRef, EntryRef]) -> "PendingChange":
        """Return the change with its entries under other names."""
        partner = None if self.partner is None else moves.get(self.partner, self.partner)
        return replace(self, ref=moves.get(self.ref, self.ref), partner=partner)


def changes_of(pending: Iterable[PendingChange]) -> tuple[list[Change], dict[int, Expected]]:
    """Return what a save does, under numbers of its own, and how it finds each entry again.

    What goes comes first, so that its keys are free for what is added.
    """
    in_order = sorted(pending, key=lambda change: not change.is_deleted)
    changes: list[Change] = []
    expected: dict[int, Expected] = {}
    for number, change in enumerate(in_order):
        if change.digest is None:
            changes.append(Insert(change.ref.key, change.value))
            continue
        changes.append(Remove(number) if change.is_deleted else Replace(number, change.value))
        expected[number] = Expected(change.ref.key, change.ref.nth, change.digest)
    return changes, expected


@dataclass(slots=True)
class Announcement:
    """Entry ids that came, changed and went, each list rising."""

    added: list[int] = field(default_factory=list)
    changed: list[int] = field(default_factory=list)
    removed: list[int] = field(default_factory=list)


class PendingChanges:
    """The pending changes by their entries.

    An entry that is not stored keeps its id as long as the index is the same, also when it goes and comes again.
    """

    def __init__(self) -> None:
        self.changes: dict[EntryRef, PendingChange] = {}
        self.added: list[int] = []
        """The ids of entries that are shown behind the stored ones, rising."""
        self._ids: dict[EntryRef, int] = {}
        self._refs: dict[int, EntryRef] = {}
        self._renamed: dict[EntryRef, EntryRef] = {}
        """The new names of entries that were renamed, among them names that are gone again."""
        self._next_id = FIRST_ADDED

    def __len__(self) -> int:
        return len(self.changes)

    def get(self, entry_id: int) -> PendingChange | None:
        ref = self._refs.get(entry_id)
        return None if ref is None else self.changes.get(ref)

    def ref(self, entry_id: int) -> EntryRef | None:
        """Return which entry has that id, None where it never had a pending change since the keys were read."""
        return self._refs.get(entry_id)

    def id_of(self, ref: EntryRef) -> int | None:
        return self._ids.get(ref)

    def entries(self) -> dict[int, PendingChange]:
        """Return the changes by entry id, as far as ids are known now."""
        return {self._ids[ref]: change for ref, change in self.changes.items() if ref in self._ids}

    def partner(self, change: PendingChange) -> PendingChange | None:
        """Return the other half of a rename while both halves are pending."""
        name = self._renamed.get(change.ref) if change.is_deleted else change.partner
        other = None if name is None else self.changes.get(name)
        if other is None or other.is_deleted == change.is_deleted:
            return None
        return other if not change.is_deleted or other.partner == change.ref else None

    def lay_over(self, changes: Iterable[PendingChange], places: Mapping[EntryRef, int] | None) -> Announcement:
        """Take changes; ``places`` has the ids of those entries that are stored, None while ids are not known."""
        told = Announcement()
        for change in changes:
            if change.is_stored:
                self.changes.pop(change.ref, None)
            else:
                self._set(change)
            if places is not None:
                self._tell(change, self._id(change.ref, places), told)
        return told

    def _set(self, change: PendingChange) -> None:
        self.changes[change.ref] = change
        if change.partner is not None and not change.is_deleted:
            self._renamed[change.partner] = change.ref

    def _id(self, ref: EntryRef, places: Mapping[EntryRef, int]) -> int:
        entry_id = places.get(ref, self._ids.get(ref))
        if entry_id is None:
            entry_id = self._next_id
            self._next_id += 1
        self._ids[ref] = entry_id
        self._refs[entry_id] = ref
        return entry_id

    def _tell(self, change: PendingChange, entry_id: int, told: Announcement) -> None:
        if entry_id < FIRST_ADDED:
            told.changed.append(entry_id)
            return
        place = bisect_left(self.added, entry_id)
        was_shown = place < len(self.added) and self.added[place] == entry_id
        is_shown = not change.is_stored and not change.is_deleted
        if was_shown and not is_shown:
            del self.added[place]
            told.removed.append(entry_id)
        elif is_shown:
            if not was_shown:
                insort(self.added, entry_id)
            (told.changed if was_shown else told.added).append(entry_id)

    def forget_ids(self) -> None:
        """The entry ids are those of an index that is gone."""
        self.added = []
        self._ids.clear()
        self._refs.clear()
        self._next_id = FIRST_ADDED

    def relocate(self, places: Mapping[EntryRef, int]) -> Announcement:
        """Give every change its id now that all stored entries are known."""
        told = Announcement()
        for ref, change in self.changes.items():
            old = self._ids.get(ref)
            if old is not None and old >= FIRST_ADDED and ref in places:
                self._hide(old, told)
            self._tell(change, self._id(ref, places), told)
        return told

    def _hide(self, entry_id: int, told: Announcement) -> None:
        """Take away the row of an entry that turned out to be stored."""
        if entry_id in self.added:
            self.added.remove(entry_id)
            told.removed.append(entry_id)

    def move(self, moves: Mapping[EntryRef, EntryRef]) -> None:
        """Give entries other names; those that entry ids have follow with `relocate`."""
        if moves:
            moved = [change.moved(moves) for change in self.changes.values()]
            self.changes.clear()
            for change in moved:
                self._set(change)
            self._ids = {moves.get(ref, ref): entry_id for ref, entry_id in self._ids.items()}
            self._refs = {entry_id: ref for ref, entry_id in self._ids.items()}

    def clear(self) -> Sequence[PendingChange]:
        """Forget all changes and return them."""
        taken = list(self.changes.values())
        self.changes.clear()
        return taken
