"""Changes that are not saved yet, laid over the stored entries."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from hashlib import sha256
from operator import is_

from app.document.entry_ids import FIRST_ADDED, Announcement, EntryIds
from app.document.history import EntryRef
from app.document.pending_change import PendingChange


class PendingChanges:
    """The pending changes by their entries, and the ids of these."""

    def __init__(self) -> None:
        self.changes: dict[EntryRef, PendingChange] = {}
        self.ids = EntryIds()
        self._with_origin: dict[EntryRef, None] = {}
        """Entries that are or were renames of others."""
        self._renamed: tuple[int, dict[EntryRef, EntryRef]] = (-1, {})
        """The new names of entries that are renamed, and the version at which they were so."""
        self._deleted: set[int] | None = None
        """The ids of the stored entries that are to be deleted; None while nobody has asked since they all changed."""
        self.version = 0
        """Another number after every change of anything here, the last thing that a change does."""

    def __len__(self) -> int:
        return len(self.changes)

    # ---- worked out by any thread

    def laid_over(self, changes: Iterable[PendingChange], places: Mapping[EntryRef, int]) -> "Laid":
        """Return what these will be once changes are laid over, for when they are many: `lay_over` takes a while."""
        since = self.version
        copy = self._copied()
        return Laid(copy, copy.lay_over(changes, places), since).ready()

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
        return Laid(copy, copy.relocate(places), since).ready()

    def _copied(self) -> "PendingChanges":
        copy = PendingChanges()
        copy.version = self.version  # first: what changes while the rest is copied makes this one useless
        copy.changes, copy.ids = self.changes.copy(), self.ids.copied()
        copy._with_origin = self._with_origin.copy()
        copy._deleted = None if self._deleted is None else self._deleted.copy()
        return copy

    # ---- looking

    def get(self, entry_id: int) -> PendingChange | None:
        ref = self.ids.ref(entry_id)
        return None if ref is None else self.changes.get(ref)

    def entries(self) -> dict[int, PendingChange]:
        """Return the changes by entry id, as far as ids are known now."""
        with_ids = ((self.ids.get(ref), change) for ref, change in self.changes.items())
        return {entry_id: change for entry_id, change in with_ids if entry_id is not None}

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
    def deleted(self) -> Collection[int]:
        """The ids of the stored entries that are to be deleted."""
        if self._deleted is None:
            gone = (self.ids.get(ref) for ref, change in self.changes.items() if change.is_deleted)
            self._deleted = {entry_id for entry_id in gone if entry_id is not None and entry_id < FIRST_ADDED}
        return self._deleted

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
                self.ids.take(change, places, told)
                self._note_deleted(change)
        self.ids.rearrange(told)
        self.version += 1
        return told

    def _note_deleted(self, change: PendingChange) -> None:
        """Keep what is known of the deleted ones true, as to look through all changes takes longer with each."""
        entry_id = self.ids.get(change.ref)
        if self._deleted is not None and entry_id is not None and entry_id < FIRST_ADDED:
            if change.is_deleted and not change.is_stored:
                self._deleted.add(entry_id)
            else:
                self._deleted.discard(entry_id)

    def _set(self, change: PendingChange) -> None:
        self.changes[change.ref] = change
        if change.partner is not None:
            self._with_origin[change.ref] = None

    def forget_ids(self) -> None:
        """The entry ids are those of an index that is gone."""
        self.ids = EntryIds()
        self._deleted = None
        self.version += 1

    def relocate(self, places: Mapping[EntryRef, int]) -> Announcement:
        """Give every change its id now that all stored entries are known."""
        told = Announcement()
        for change in self.changes.values():
            self.ids.retake(change, places, told)
        self.ids.rearrange(told)
        self._deleted = None
        self.version += 1
        return told

    def move(self, moves: Mapping[EntryRef, EntryRef]) -> None:
        """Give entries other names; those that entry ids have follow with `relocate`."""
        if moves:
            moved = [change.moved(moves) for change in self.changes.values()]
            self.changes.clear()
            self._with_origin.clear()
            for change in moved:
                self._set(change)
            self.ids.move(moves)
            self._deleted = None
            self.version += 1

    def settle(self, changes: Iterable[PendingChange]) -> None:
        """Forget changes of entries that are as they were to be; those that were changed again since stay."""
        for change in changes:
            if self.changes.get(change.ref) is change:
                del self.changes[change.ref]
        self._deleted = None
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
        self._deleted = None
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

    def ready(self) -> "Laid":
        """Return it with what is asked for at once worked out, while nobody waits for that."""
        _ids, _names = self.pending.deleted, self.pending.change_count
        return self
