"""Undo and redo: which edits were made, in order, each stored as a difference."""

from dataclasses import dataclass

from psygnal import Signal

from app.errors import DocumentError


@dataclass(frozen=True, slots=True)
class EntryRef:
    """An entry that outlives an index: its key, and how many entries of equal key come before it."""

    key: bytes
    nth: int = 0


@dataclass(frozen=True, slots=True)
class Patch:
    """What turns one value into another: at ``offset`` bytes, ``removed`` became ``inserted``."""

    offset: int
    removed: bytes
    inserted: bytes

    @classmethod
    def between(cls, before: bytes, after: bytes) -> "Patch":
        start = _common_prefix(before, after)
        limit = min(len(before), len(after)) - start
        end = _common_prefix(before[: -limit - 1 : -1], after[: -limit - 1 : -1]) if limit else 0
        return cls(start, before[start : len(before) - end], after[start : len(after) - end])

    def reversed(self) -> "Patch":
        return Patch(self.offset, self.inserted, self.removed)

    def apply(self, value: bytes) -> bytes:
        """Return the value with this difference made.

        Raises:
            DocumentError: the value is not the one that the difference was taken from.
        """
        end = self.offset + len(self.removed)
        if value[self.offset : end] != self.removed:
            raise DocumentError("This edit no longer fits: the value was changed by another program since.")
        return value[: self.offset] + self.inserted + value[end:]


def _common_prefix(left: bytes, right: bytes) -> int:
    low, high = 0, min(len(left), len(right))
    while low < high:
        middle = (low + high + 1) // 2
        if left[low:middle] == right[low:middle]:
            low = middle
        else:
            high = middle - 1
    return low


@dataclass(frozen=True, slots=True)
class Edit:
    """One undoable edit of one entry's value; ``title`` stands in the menu (``Edit 'a'['b']``)."""

    title: str
    ref: EntryRef
    patch: Patch
    path: str = ""


class History:
    """Two stacks of edits. It changes no value itself: it says what to do and is told when it was done."""

    changed = Signal()

    def __init__(self) -> None:
        self._done: list[Edit] = []
        self._undone: list[Edit] = []

    @property
    def next_undo(self) -> Edit | None:
        return self._done[-1] if self._done else None

    @property
    def next_redo(self) -> Edit | None:
        return self._undone[-1] if self._undone else None

    def push(self, edit: Edit) -> None:
        """Note an edit that was just made; what was undone is forgotten."""
        self._done.append(edit)
        self._undone.clear()
        self.changed.emit()

    def mark_undone(self) -> None:
        self._undone.append(self._done.pop())
        self.changed.emit()

    def mark_redone(self) -> None:
        self._done.append(self._undone.pop())
        self.changed.emit()

    def drop(self, refs: frozenset[EntryRef]) -> int:
        """Forget the edits of entries that no longer are what they were; return how many."""
        before = len(self._done) + len(self._undone)
        self._done = [edit for edit in self._done if edit.ref not in refs]
        self._undone = [edit for edit in self._undone if edit.ref not in refs]
        self.changed.emit()
        return before - len(self._done) - len(self._undone)
