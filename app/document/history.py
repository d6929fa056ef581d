"""Undo and redo: which edits were made, in order, each stored as a difference."""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import chain
from typing import NamedTuple

from psygnal import Signal

from app.document.patch import AnyPatch

NEW = 1 << 32
"""The first ``nth`` of entries that are not stored under their key yet; each gets one that no other ever had."""


class EntryRef(NamedTuple):
    """An entry that outlives an index: its key, and which one of that key it is.

    A tuple, because many thousands of them are hashed at a time. ``nth`` tells how many stored entries of equal key
    come before it. Where keys repeat, a new entry has a number from `NEW` on until it is saved; where they do not, it
    is 0, as that of the stored entry whose place it takes.
    """

    key: bytes
    nth: int = 0


@dataclass(frozen=True, slots=True)
class Step:
    """What an edit did to one entry.

    ``before`` and ``after`` are the SHA-256 of its value, None where there was no entry; the patch starts from, or
    ends with, no bytes then. ``origin_before`` and ``origin_after``: what it was a rename of. ``partner`` is the other
    entry of a rename that the step is half of.
    """

    ref: EntryRef
    patch: AnyPatch
    before: bytes | None
    after: bytes | None
    partner: EntryRef | None = None
    origin_before: EntryRef | None = None
    origin_after: EntryRef | None = None

    def reversed(self) -> "Step":
        """Return the step back; reads the patch."""
        back = self.patch.load().reversed()
        return Step(self.ref, back, self.after, self.before, self.partner, self.origin_after, self.origin_before)

    def moved(self, moves: Mapping[EntryRef, EntryRef]) -> "Step":
        """Return the step with its entries under other names."""
        others = (self.partner, self.origin_before, self.origin_after)
        moved = (None if other is None else moves.get(other, other) for other in others)
        return Step(moves.get(self.ref, self.ref), self.patch, self.before, self.after, *moved)


@dataclass(frozen=True, slots=True)
class Edit:
    """One undoable edit of one or many entries; ``title`` stands in the menu (``Edit of ['a']['b']``)."""

    title: str
    steps: tuple[Step, ...]
    path: str = ""
    age: int = field(default=0, compare=False)
    """How often changes had been stored when it was made, or gone through, last."""

    @property
    def ref(self) -> EntryRef:
        """The entry to show when the edit is undone or done again: the one that is there then, where there is one."""
        return self.steps[-1].ref


Origins = Mapping[EntryRef, EntryRef | None]
"""What some entries are renames of."""
NO_ORIGINS: Origins = {}


class History:
    """Two stacks of edits. It changes no value itself: it says what to do and is told when it was done."""

    changed = Signal()

    def __init__(self) -> None:
        self._done: list[Edit] = []
        self._undone: list[Edit] = []
        self._age = 0

    def note_stored(self) -> None:
        """Take a note that what is pending was stored, so that nothing is a rename of anything any more."""
        self._age += 1

    def is_older(self, edit: Edit) -> bool:
        """Tell whether changes were stored since an edit was made or gone through."""
        return edit.age != self._age

    @property
    def next_undo(self) -> Edit | None:
        return self._done[-1] if self._done else None

    @property
    def next_redo(self) -> Edit | None:
        return self._undone[-1] if self._undone else None

    @property
    def is_empty(self) -> bool:
        return not self._done and not self._undone

    def push(self, edit: Edit) -> None:
        """Note an edit that was just made; what was undone is forgotten."""
        self._done.append(self._aged(edit))
        self._undone.clear()
        self.changed.emit()

    def mark_undone(self, origins: Origins = NO_ORIGINS) -> None:
        """Note that the last edit was taken back; ``origins``: of what entries were renames then, unlike after it."""
        edit = self._aged(self._done.pop())
        self._undone.append(_with_origins(edit, lambda step: replace(step, origin_after=origins[step.ref]), origins))
        self.changed.emit()

    def mark_redone(self, origins: Origins = NO_ORIGINS) -> None:
        """Note that an edit was made again; ``origins``: of what entries were renames then, unlike before it."""
        edit = self._aged(self._undone.pop())
        self._done.append(_with_origins(edit, lambda step: replace(step, origin_before=origins[step.ref]), origins))
        self.changed.emit()

    def _aged(self, edit: Edit) -> Edit:
        return replace(edit, age=self._age) if self.is_older(edit) else edit

    def digests(self) -> dict[EntryRef, bytes | None]:
        """Return the SHA-256 that each entry's value has when all that was done, and nothing else, was done to it."""
        known = {step.ref: step.after for edit in self._done for step in edit.steps}
        for step in chain.from_iterable(edit.steps for edit in reversed(self._undone)):
            known.setdefault(step.ref, step.before)
        return known

    def steps_back(self, ref: EntryRef) -> Iterator[Step]:
        """Yield the steps that led to the value that an entry has now, the last one first."""
        for edit in reversed(self._done):
            yield from (step for step in reversed(edit.steps) if step.ref == ref)

    def move(self, moves: Mapping[EntryRef, EntryRef]) -> None:
        """Give entries other names."""
        if moves:
            self._done = [_moved(edit, moves) for edit in self._done]
            self._undone = [_moved(edit, moves) for edit in self._undone]

    def drop(self, refs: Collection[EntryRef]) -> int:
        """Forget what was done to entries that no longer are what they were; return of how many edits."""
        if not refs:
            return 0
        count = len(self._done) + len(self._undone)
        dropped = sum(1 for edit in chain(self._done, self._undone) if any(step.ref in refs for step in edit.steps))
        self._done, self._undone = _without(self._done, refs), _without(self._undone, refs)
        if dropped or count != len(self._done) + len(self._undone):
            self.changed.emit()
        return dropped


def _with_origins(edit: Edit, updated: Callable[[Step], Step], origins: Origins) -> Edit:
    if not origins:
        return edit
    return replace(edit, steps=tuple(updated(step) if step.ref in origins else step for step in edit.steps))


def _moved(edit: Edit, moves: Mapping[EntryRef, EntryRef]) -> Edit:
    names = chain.from_iterable((s.ref, s.partner, s.origin_before, s.origin_after) for s in edit.steps)
    if any(name in moves for name in names):
        return replace(edit, steps=tuple(step.moved(moves) for step in edit.steps))
    return edit


def _without(edits: Sequence[Edit], refs: Collection[EntryRef]) -> list[Edit]:
    kept = (replace(edit, steps=tuple(step for step in edit.steps if step.ref not in refs)) for edit in edits)
    return [edit for edit in kept if edit.steps]
