"""The entries of an open database: what is stored, with pending changes laid over."""

from collections import OrderedDict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from itertools import count, islice
from pathlib import Path

from psygnal import Signal

from app.backends.base import SaveReport
from app.backends.key_index import KeyIndex
from app.codecs.base import Summary
from app.document.draft import Edited
from app.document.entry_ids import Announcement
from app.document.history import NEW, EntryRef, History
from app.document.patch import Spill
from app.document.pending import Laid, PendingChanges
from app.document.pending_change import PendingChange
from app.document.places import NUMBERED
from app.document.snapshot import Snapshot
from app.engine.base import Engine, Info
from app.engine.value_calls import Source

FEW = 256
"""Changes that are laid over at once; more are laid over a copy first, by the thread that worked them out."""


class Entries:
    """What is known of the entries at once, without waiting for the engine.

    Stored entries have their positions in the index as ids, added ones ids from `pending.FIRST_ADDED` on: behind the
    stored ones in the table, the same as long as the index is. Deleted ones stay until the save.
    """

    opened = Signal(Info)
    """What the container is."""
    entries_added = Signal(int, int)
    """Entries with successive ids: the first id, and how many. Stored ones while the keys stream in, or added ones."""
    entries_changed = Signal(list)
    """Ids of entries whose summaries or pending changes are others now."""
    entries_removed = Signal(list)
    """Ids of added entries that are there no more, rising."""
    indexed = Signal()
    """All keys are known."""
    pending_changed = Signal()
    reloading = Signal()
    """All entry ids become invalid."""
    saved = Signal(SaveReport)
    notice = Signal(str)
    """A sentence to show."""

    def __init__(self, engine: Engine, path: Path, *, spill_folder: Path | None = None) -> None:
        self._engine = engine
        self.path = path
        self.info: Info | None = None
        self.index = KeyIndex()
        self.is_indexed = False
        self.history = History()
        self._pending = PendingChanges()
        self._summaries: OrderedDict[int, Summary] = OrderedDict()
        self._spill = Spill(spill_folder)
        self._new_nths = count(NEW)

    # ---- the table

    @property
    def name(self) -> str:
        return self.path.name

    @property
    def may_repeat(self) -> bool:
        """Whether a key can come more than once."""
        return self.info is not None and self.info.may_repeat

    @property
    def is_numbered(self) -> bool:
        """Whether the keys are the places of the values, so that others close up where one is deleted."""
        return self.info is not None and self.info.format in NUMBERED

    def __len__(self) -> int:
        return len(self.index) + len(self._pending.ids.added)

    @property
    def added_entries(self) -> Sequence[int]:
        """The ids of the entries that are shown behind the stored ones, rising."""
        return tuple(self._pending.ids.added)

    def key(self, entry_id: int) -> bytes:
        ref = self._pending.ids.ref(entry_id)
        return self.index.key(entry_id) if ref is None else ref.key

    def size(self, entry_id: int) -> int:
        """Return the length of the entry's value in bytes, pending changes included; of a deleted one as stored."""
        source = self.source(entry_id)
        return len(source) if isinstance(source, bytes) else self.index.size(entry_id)

    def summary(self, entry_id: int) -> Summary | None:
        """Return what is known of the value for its table cell, or None until `summaries_job` has read it."""
        return self._summaries.get(entry_id)

    def source(self, entry_id: int) -> Source:
        """Return where the entry's current value is: its pending bytes, or the entry itself, also if deleted."""
        pending = self.pending(entry_id)
        if pending is not None and not pending.is_deleted:
            return pending.value
        return entry_id if entry_id < len(self.index) else b""

    def ref(self, entry_id: int) -> EntryRef:
        """Return the name by which an entry is found again after the keys were read anew."""
        ref = self._pending.ids.ref(entry_id)
        return EntryRef(self.index.key(entry_id), self.index.nth(entry_id)) if ref is None else ref

    def entry_of(self, ref: EntryRef) -> int | None:
        """Return the entry id of a reference, or None when there is no such entry (any more)."""
        entry_id = self._pending.ids.get(ref)
        if entry_id is not None and (entry_id < len(self.index) or self._pending.ids.is_added(entry_id)):
            return entry_id
        return next((found for nth, found in enumerate(self.index.find(ref.key)) if nth == ref.nth), None)

    # ---- what is pending

    def pending(self, entry_id: int) -> PendingChange | None:
        return self._pending.get(entry_id)

    @property
    def pending_changes(self) -> Sequence[PendingChange]:
        return list(self._pending.changes.values())

    @property
    def pending_count(self) -> int:
        return len(self._pending)

    @property
    def change_count(self) -> int:
        """How many changes a person made to entries: those of `pending_changes`, a rename counted once."""
        return self._pending.change_count

    def first_changes(self, count: int) -> Sequence[PendingChange]:
        """Return some of the pending changes, the oldest first; of a rename the entry that is there now."""
        changes = self._pending.changes.values()
        return list(islice((change for change in changes if not self._pending.is_second_half(change)), count))

    @property
    def deleted_entries(self) -> Collection[int]:
        """The ids of the stored entries that are to be deleted."""
        return self._pending.deleted

    @property
    def pending_version(self) -> int:
        """Another number after every change of what is pending."""
        return self._pending.version

    def without_deleted(self, entry_ids: Sequence[int]) -> list[int]:
        """Return those of the entries that are not to be deleted."""
        if not len(self._pending):
            return list(entry_ids)
        deleted = {entry_id for entry_id, change in self._pending.entries().items() if change.is_deleted}
        return [entry_id for entry_id in entry_ids if entry_id not in deleted]

    @property
    def pending_entries(self) -> dict[int, PendingChange]:
        """Return the pending changes by the entries that they lie over, as far as those are known now."""
        return self._pending.entries()

    def renamed_from(self, change: PendingChange) -> EntryRef | None:
        """Return the entry that this one is a rename of, while that is pending."""
        other = None if change.is_deleted else self._pending.partner(change)
        return None if other is None else other.ref

    def renamed_to(self, change: PendingChange) -> EntryRef | None:
        """Return what a deleted entry is renamed to."""
        other = self._pending.partner(change) if change.is_deleted else None
        return None if other is None else other.ref

    # ---- for jobs

    def _snapshot(self) -> Snapshot:
        pending = dict(self._pending.changes)
        return Snapshot(self.name, self._engine, self.index, pending, self.may_repeat, self.is_numbered)

    def _new_ref(self, key: bytes) -> EntryRef:
        return EntryRef(key, next(self._new_nths) if self.may_repeat else 0)

    # ---- what changes

    def _prepared(self, edited: Edited) -> Edited:
        """Return an edit with what it makes of the pending changes, where those are many; called by any thread."""
        if len(edited.changes) <= FEW or edited.index is not self.index:
            return edited
        return replace(edited, laid=self._pending.laid_over(edited.changes, edited.places))

    def _lay_over(self, edited: Edited) -> None:
        laid = edited.laid
        if laid is not None and edited.index is self.index and self._is_valid(laid):
            self._pending = laid.pending
            self._announce(laid.told)
        else:
            self._announce(self._pending.lay_over(edited.changes, self._places(edited)))

    def _is_valid(self, laid: Laid) -> bool:
        return laid.since == self._pending.version

    def _places(self, edited: Edited) -> Mapping[EntryRef, int] | None:
        """Return the ids of the stored ones of edited entries; None while they are not known."""
        if edited.index is self.index:
            return edited.places
        if not self.is_indexed:
            return None
        found = self.index.find_all({change.ref.key for change in edited.changes})
        refs = [change.ref for change in edited.changes]
        return {ref: found[ref.key][ref.nth] for ref in refs if ref.nth < len(found[ref.key])}

    def _announce(self, told: Announcement) -> None:
        self._forget_summaries(told)
        if told.removed:
            self.entries_removed.emit(told.removed)
        for first, length in stretches(told.added):
            self.entries_added.emit(first, length)
        if told.changed:
            self.entries_changed.emit(told.changed)
        self.pending_changed.emit()

    def _forget_summaries(self, told: Announcement) -> None:
        if len(told) < len(self._summaries):
            for entry_id in (*told.changed, *told.removed, *told.added):
                self._summaries.pop(entry_id, None)
        else:
            for entry_id in [entry_id for entry_id in self._summaries if entry_id in told]:
                del self._summaries[entry_id]

    def _forget_entries(self) -> None:
        self.reloading.emit()
        self.index = KeyIndex()
        self.is_indexed = False
        self._pending.forget_ids()
        self._summaries.clear()


def stretches(ids: Sequence[int]) -> list[tuple[int, int]]:
    """Return rising ids as stretches of successive ones: the first of them and how many there are."""
    if ids and ids[-1] - ids[0] == len(ids) - 1:
        return [(ids[0], len(ids))]
    found: list[tuple[int, int]] = []
    for entry_id in ids:
        if found and sum(found[-1]) == entry_id:
            found[-1] = (found[-1][0], found[-1][1] + 1)
        else:
            found.append((entry_id, 1))
    return found
