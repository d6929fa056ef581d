"""An edit in the making: what it does to each entry, worked out away from the document."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

from app.backends.changes import key_text
from app.backends.key_index import KeyIndex
from app.cancel import CancelToken
from app.document.history import Edit, EntryRef, Origins, Step
from app.document.patch import KEPT_BYTES, AnyPatch, Patch, Spill
from app.document.pending import Laid
from app.document.pending_change import PendingChange
from app.document.snapshot import Snapshot, digest_or_none
from app.engine.value_calls import Source
from app.errors import DocumentError, StaleIndex

_COMPARED = 2_000
"""Values that are compared with what is stored when an edit is undone."""
_COMPARED_BYTES = 64 << 20
"""Bytes of those values."""


@dataclass(frozen=True, slots=True)
class Edited:
    """An edit that was worked out and is to be laid over the document.

    ``places`` are the ids of the entries that are stored, in ``index``. ``unfit``: entries that the edit can no longer
    be made to, because their values are others by now. ``overtaken``: entries that are what they were before anybody
    edited them here, while another program gave them other values: those are what is stored.
    """

    edit: Edit
    changes: tuple[PendingChange, ...]
    places: dict[EntryRef, int]
    index: KeyIndex
    unfit: frozenset[EntryRef] = frozenset()
    overtaken: frozenset[EntryRef] = frozenset()
    origins: Origins = field(default_factory=dict)
    """What entries are renames of before a step back or forth, where that is not what the history knows."""
    laid: Laid | None = None
    """What all pending changes will be, where that was worked out already."""


@dataclass(slots=True)
class Draft:
    """Collects what is done to entries, each of them once; bytes beyond `KEPT_BYTES` go to the spill."""

    snapshot: Snapshot
    spill: Spill
    token: CancelToken
    places: dict[EntryRef, int] = field(default_factory=dict)
    _steps: list[Step] = field(default_factory=list)
    _changes: dict[EntryRef, PendingChange] = field(default_factory=dict)
    _origins: dict[EntryRef, EntryRef | None] = field(default_factory=dict)
    _held: int = 0

    def locate(self, refs: list[EntryRef]) -> None:
        """Find out which of the entries are stored; comes before `put` and `value` unless ``places`` knows."""
        self.places.update(self.snapshot.stored_ids(refs))

    def value(self, ref: EntryRef) -> bytes | None:
        """Return the value that an entry has before the edit, None where it is not there."""
        return self.snapshot.value(ref, self.places.get(ref), self.token)

    def origin(self, ref: EntryRef) -> EntryRef | None:
        """Return what a new name of this entry is a rename of: the stored one that this is a rename of, or itself.

        None where something else is a rename of it already.
        """
        pending = self.snapshot.pending.get(ref)
        if pending is not None and pending.partner is not None and pending.digest is None:
            return pending.partner
        return None if any(other.partner == ref for other in self.snapshot.pending.values()) else ref

    def _origin_now(self, ref: EntryRef) -> EntryRef | None:
        pending = self.snapshot.pending.get(ref)
        return None if pending is None else pending.partner

    def locate_one(self, ref: EntryRef, entry_id: int, index: KeyIndex) -> None:
        """Take it that the entry has this id in ``index``.

        Raises:
            DocumentError: the ids are others by now.
        """
        if self.snapshot.index is not index:
            raise DocumentError(f"{self.snapshot.name} was saved or read again meanwhile; try again.")
        if entry_id < len(index):
            self.places[ref] = entry_id

    def refuse_gone(self, ref: EntryRef) -> None:
        """Refuse an entry that is not there, or not any more.

        Raises:
            DocumentError: it was deleted, or its addition undone.
        """
        pending = self.snapshot.pending.get(ref)
        if pending.is_deleted if pending else ref not in self.places:
            raise DocumentError(f"{key_text(ref.key)} is not there any more, so it cannot be edited.")

    def source(self, ref: EntryRef) -> Source:
        """Return where the value is that an entry has before the edit."""
        pending = self.snapshot.pending.get(ref)
        return self.snapshot.place(self.places[ref]) if pending is None else pending.value

    def put(
        self,
        ref: EntryRef,
        before: bytes | None,
        after: bytes | None,
        partner: EntryRef | None = None,
        origin: EntryRef | None = None,
    ) -> None:
        """Give an entry a value, or take it away where that is None; nothing where it has it already.

        ``partner`` is the other half of a rename, ``origin`` what the entry is a rename of from now on.
        """
        self.token.check()
        old, new = digest_or_none(before), digest_or_none(after)
        if old != new:
            patch = self._kept(Patch.between(before or b"", after or b""))
            now = self._origin_now(ref)
            then = None if after is None else origin or now
            self._steps.append(Step(ref, patch, old, new, partner, now, then))
            self._changes[ref] = self._change(ref, old, after, new, then)

    def step(self, step: Step, before: bytes | None) -> None:
        """Make a recorded step, which the value fits."""
        after = None if step.after is None else step.patch.load().apply(before or b"")
        now = self._origin_now(step.ref)
        if now != step.origin_before:
            self._origins[step.ref] = now
        self._changes[step.ref] = self._change(step.ref, step.before, after, step.after, step.origin_after)

    def join_halves(self, steps: Sequence[Step], *, is_older: bool) -> None:
        """Let an entry that came back under its old name be a rename of the new one, which was stored.

        ``is_older``: that was since the steps were made; else it may be so in a copy that is being written.
        """
        for step in steps:
            change = self._changes.get(step.ref) if step.partner is not None else None
            other = self._changes.get(step.partner) if step.partner is not None else None
            if change is None or other is None or change.is_deleted or not other.is_deleted:
                continue
            origin = other.ref if change.is_stored else self.origin(other.ref)
            if origin not in (None, step.ref) and (change.is_stored or (is_older and change.digest is None)):
                self._changes[step.ref] = replace(change, partner=origin)

    def revert(self, ref: EntryRef, stored: bytes | None) -> None:
        """Give an entry the value that is stored now, None where none is; its pending change goes in any case."""
        self.put(ref, self.value(ref), stored)
        digest = digest_or_none(stored)
        self._changes[ref] = PendingChange(ref, stored or b"", digest, is_stored=True, is_deleted=stored is None)

    def restore(self, change: PendingChange, partner: EntryRef | None) -> bool:
        """Lay a change of an earlier session over what it was made from; tell whether there was anything to do.

        ``partner``: the other half where it is half of a rename.
        """
        self.put(change.ref, self.value(change.ref), change.current, partner, change.partner)
        if change.ref in self._changes:
            self.keep(self._changes[change.ref], change.digest)
        return change.ref in self._changes

    def overwrite(self, stored: bytes | None, mine: PendingChange) -> None:
        """Let a pending change replace the value that is stored now; taken back, that is what the entry has."""
        old, new = digest_or_none(stored), digest_or_none(mine.current)
        self.keep(mine, old)
        if old != new:
            patch = self._kept(Patch.between(stored or b"", mine.current or b""))
            self._steps.append(Step(mine.ref, patch, old, new, origin_after=mine.partner))

    def keep(self, mine: PendingChange, digest: bytes | None) -> None:
        """Let a pending change replace the value that is stored now, which has this SHA-256; no edit of its own."""
        is_stored = digest_or_none(mine.current) == digest
        self._changes[mine.ref] = replace(mine, digest=digest, is_stored=is_stored)

    def _kept(self, patch: Patch) -> AnyPatch:
        self._held += patch.size
        return self.spill.keep(patch, is_small=self._held <= KEPT_BYTES)

    def _change(
        self, ref: EntryRef, old: bytes | None, after: bytes | None, new: bytes | None, origin: EntryRef | None
    ) -> PendingChange:
        pending = self.snapshot.pending.get(ref)
        digest = pending.digest if pending else old
        is_stored = new == digest
        if pending and not is_stored and self._is_what_is_stored(ref, after, new):
            digest, is_stored = new, True
        return PendingChange(ref, after or b"", digest, is_stored, is_deleted=after is None, partner=origin)

    def _is_what_is_stored(self, ref: EntryRef, after: bytes | None, new: bytes | None) -> bool:
        """Tell whether another program stored just this since."""
        entry_id = self.places.get(ref)
        if entry_id is None or after is None:
            return entry_id is None and after is None
        index = self.snapshot.index
        return index.size(entry_id) == len(after) and self.snapshot.digest(entry_id, self.token) == new

    def overtaken(self) -> Iterator[EntryRef]:
        """Yield entries that go back to what was stored, where that is another value by now.

        Of more than `_COMPARED` of them, or `_COMPARED_BYTES`, the lengths are compared.
        """
        room, left = _COMPARED_BYTES, _COMPARED
        for change in self._changes.values():
            if not change.is_stored:
                continue
            room, left = room - len(change.value), left - 1
            if self._is_overtaken(change, reads=room >= 0 and left >= 0):
                yield change.ref

    def _is_overtaken(self, change: PendingChange, *, reads: bool) -> bool:
        self.token.check()
        entry_id = self.places.get(change.ref)
        if entry_id is None or change.is_deleted:
            return (entry_id is None) != change.is_deleted
        if self.snapshot.index.size(entry_id) != len(change.value):
            return True
        try:
            return reads and self.snapshot.digest(entry_id, self.token) != digest_or_none(change.value)
        except StaleIndex:
            return True

    def edited(self, title: str, path: str = "") -> Edited:
        """Return the finished edit."""
        return self.stepped(Edit(title, tuple(self._steps), path))

    def stepped(
        self, edit: Edit, unfit: frozenset[EntryRef] = frozenset(), overtaken: frozenset[EntryRef] = frozenset()
    ) -> Edited:
        """Return an edit of before that was gone through."""
        changes = tuple(self._changes.values())
        return Edited(edit, changes, self.places, self.snapshot.index, unfit, overtaken, self._origins)
