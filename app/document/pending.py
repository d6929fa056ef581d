"""Changes that are not saved yet, laid over the stored entries, and the entry ids that both have together."""

from bisect import bisect_left
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import Enum
from hashlib import sha256
from operator import is_

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
    """The entry that this one is a rename of, while that one is to be deleted; None of a deleted one."""

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


def count_of(changes: Collection[PendingChange]) -> int:
    """Return how many changes a person sees in these: both halves of a rename are one."""
    gone = {change.ref for change in changes if change.is_deleted}
    return len(changes) - len(gone.intersection(change.partner for change in changes if change.partner is not None))


def halves_of(changes: Iterable[PendingChange]) -> dict[EntryRef, EntryRef]:
    """Return the other half of each half of a rename."""
    new_of = {change.partner: change.ref for change in changes if change.partner is not None}
    return {**new_of, **{new: old for old, new in new_of.items()}}


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
        self._with_origin: dict[EntryRef, None] = {}
        """Entries that are or were renames of others."""
        self._renamed: tuple[int, dict[EntryRef, EntryRef]] = (-1, {})
        """The new names of entries that are renamed, and the version at which they were so."""
        self._deleted: tuple[int, list[int]] = (-1, [])
        """The stored entries that are to be deleted, and the version at which they were."""
        self._next_id = FIRST_ADDED
        self.version = 0
        """Another number after every change of anything here."""

    def __len__(self) -> int:
        return len(self.changes)

    # ---- worked out by any thread

    def laid_over(self, changes: Iterable[PendingChange], places: Mapping[EntryRef, int]) -> "Laid":
        """Return what these will be once changes are laid over, for when they are many: `lay_over` takes a while."""
        since = self.version
        copy = self._copied()
        return Laid(copy, copy.lay_over(changes, places), since)

    def relocated(
        self,
        settled: Iterable[PendingChange],
        moves: Mapping[EntryRef, EntryRef],
        places: Mapping[EntryRef, int],
        since: int,
    ) -> "Laid":
        """Return what these will be once the stored entries are known, provided that they still are as they were."""
        copy = self._copied()
        copy.settle(settled)
        copy.move(moves)
        return Laid(copy, copy.relocate(places), since)

    def _copied(self) -> "PendingChanges":
        copy = PendingChanges()
        copy.version = self.version  # first: what changes while the rest is copied makes this one useless
        copy.changes, copy.added = self.changes.copy(), self.added.copy()
        copy._ids, copy._refs = self._ids.copy(), self._refs.copy()
        copy._with_origin, copy._next_id = self._with_origin.copy(), self._next_id
        return copy

    # ---- looking

    def get(self, entry_id: int) -> PendingChange | None:
        ref = self._refs.get(entry_id)
        return None if ref is None else self.changes.get(ref)

    def ref(self, entry_id: int) -> EntryRef | None:
        """Return which entry has that id, None where it never had a pending change since the keys were read."""
        return self._refs.get(entry_id)

    def id_of(self, ref: EntryRef) -> int | None:
        return self._ids.get(ref)

    def is_added(self, entry_id: int) -> bool:
        """Tell whether that is the id of an entry that is shown behind the stored ones."""
        return _is_in(entry_id, self.added)

    def entries(self) -> dict[int, PendingChange]:
        """Return the changes by entry id, as far as ids are known now."""
        return {self._ids[ref]: change for ref, change in self.changes.items() if ref in self._ids}

    def partner(self, change: PendingChange) -> PendingChange | None:
        """Return the other half of a rename while both halves are pending."""
        if change.is_deleted:
            name = self._new_names().get(change.ref)
            return None if name is None else self.changes[name]
        old = change.partner
        return self.changes[old] if old is not None and self._new_names().get(old) == change.ref else None

    def _new_names(self) -> Mapping[EntryRef, EntryRef]:
        """Return the new names of entries that are renamed; of one that several are renames of, the least name.

        This follows from the changes alone: whoever comes back to the same changes finds the same renames.
        """
        version, found = self._renamed
        if version != self.version:
            version, found = self.version, {}
            for new in sorted(self._with_origin):
                change = self.changes.get(new)
                old = None if change is None or change.partner is None else self.changes.get(change.partner)
                if old is not None and old.is_deleted:
                    found.setdefault(old.ref, new)
            self._renamed = version, found
        return found

    def is_second_half(self, change: PendingChange) -> bool:
        """Tell whether a change is the lesser half of a rename: the deletion of the old name."""
        return change.is_deleted and self.partner(change) is not None

    @property
    def change_count(self) -> int:
        """How many changes a person sees: both halves of a rename are one."""
        return len(self.changes) - len(self._new_names())

    @property
    def deleted(self) -> Sequence[int]:
        """The ids of the stored entries that are to be deleted."""
        version, found = self._deleted
        if version != self.version:
            ids = self._ids
            gone = (ids.get(ref, FIRST_ADDED) for ref, change in self.changes.items() if change.is_deleted)
            version, found = self.version, [entry_id for entry_id in gone if entry_id < FIRST_ADDED]
            self._deleted = version, found
        return found

    # ---- changing

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
        return self._rearranged(told)

    def _rearranged(self, told: Announcement) -> Announcement:
        """Let the entries that are shown be those that were told of."""
        told.sort()
        if told.removed:
            self.added = [entry_id for entry_id in self.added if not _is_in(entry_id, told.removed)]
        if told.added:
            self.added = sorted((*self.added, *told.added))
        self.version += 1
        return told

    def _set(self, change: PendingChange) -> None:
        self.changes[change.ref] = change
        if change.partner is not None:
            self._with_origin[change.ref] = None

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
        was_shown = self.is_added(entry_id)
        is_shown = not change.is_stored and not change.is_deleted
        if was_shown and not is_shown:
            told.removed.append(entry_id)
        elif is_shown:
            (told.changed if was_shown else told.added).append(entry_id)

    def forget_ids(self) -> None:
        """The entry ids are those of an index that is gone."""
        self.added = []
        self._ids, self._refs = {}, {}
        self._next_id = FIRST_ADDED
        self.version += 1

    def relocate(self, places: Mapping[EntryRef, int]) -> Announcement:
        """Give every change its id now that all stored entries are known."""
        told = Announcement()
        for ref, change in self.changes.items():
            old = self._ids.get(ref)
            if old is not None and old >= FIRST_ADDED and ref in places and self.is_added(old):
                told.removed.append(old)  # it turned out to be stored
            self._tell(change, self._id(ref, places), told)
        return self._rearranged(told)

    def move(self, moves: Mapping[EntryRef, EntryRef]) -> None:
        """Give entries other names; those that entry ids have follow with `relocate`."""
        if moves:
            moved = [change.moved(moves) for change in self.changes.values()]
            self.changes.clear()
            self._with_origin.clear()
            for change in moved:
                self._set(change)
            self._ids = {moves.get(ref, ref): entry_id for ref, entry_id in self._ids.items()}
            self._refs = {entry_id: ref for ref, entry_id in self._ids.items()}
            self.version += 1

    def settle(self, changes: Iterable[PendingChange]) -> None:
        """Forget changes of entries that are as they were to be; those that were changed again since stay."""
        for change in changes:
            if self.changes.get(change.ref) is change:
                del self.changes[change.ref]
        self.version += 1

    def take_as_stored(self, saved: Collection[PendingChange], taken_back: Iterable[PendingChange] = ()) -> None:
        """Go on from changes that are stored now; those that were made since lie over them.

        ``taken_back``: those of their entries that are to be again what they were before that.
        """
        if len(saved) == len(self.changes) and all(map(is_, saved, self.changes.values())):
            self.changes = {}  # a hundred thousand at once
        for change in taken_back:
            self.changes.setdefault(change.ref, change)
        for change in saved if self.changes else ():
            newer = self.changes.pop(change.ref, change)
            if newer is not change and newer.current != change.current:
                digest = None if change.is_deleted else sha256(change.value).digest()
                self._set(replace(newer, digest=digest, is_stored=False))
        self._rename_further(saved)
        self.version += 1

    def _rename_further(self, saved: Collection[PendingChange]) -> None:
        """Let what was renamed again since the names were stored be a rename of the name that is stored now."""
        if not self.changes:
            return
        renamed = {change.partner: change.ref for change in saved if change.partner and not change.is_deleted}
        for change in list(self.changes.values()):
            name = renamed.get(change.partner) if change.partner else None
            if name is not None and name != change.ref:
                self._set(replace(change, partner=name))


@dataclass(frozen=True, slots=True)
class Laid:
    """Pending changes as they will be, and what is to be told then; while ``since`` is still the document's version."""

    pending: PendingChanges
    told: Announcement
    since: int


def _is_in(entry_id: int, rising: Sequence[int]) -> bool:
    place = bisect_left(rising, entry_id)
    return place < len(rising) and rising[place] == entry_id
