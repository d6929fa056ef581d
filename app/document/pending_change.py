"""One change that is not saved yet, and what a set of them means to a save and to a person."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from enum import Enum

from app.backends.base import Change, Expected, Insert, Remove, Replace
from app.document.history import EntryRef


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
