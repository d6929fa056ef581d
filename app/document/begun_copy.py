"""A copy that is being written while editing goes on: what it has, and what became of that here since."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace

from app.document.history import EntryRef
from app.document.pending_change import PendingChange


@dataclass(slots=True, eq=False, weakref_slot=True)
class BegunCopy:
    """The changes that a copy has and the file does not, by the names that their entries have now."""

    _changes: dict[EntryRef, PendingChange]
    closes_up: int | None = None
    """How many entries the file has, where keys are places in both, so that those of the copy close up."""
    _taken_back: dict[EntryRef, PendingChange] = field(default_factory=dict)
    """Of those entries, the ones that are again what is stored in the file, with the values that these are."""
    is_overtaken: bool = False
    """Whether the document was saved since: what that stored need not be in the copy."""

    @property
    def changes(self) -> Collection[PendingChange]:
        return self._changes.values()

    @property
    def taken_back(self) -> Collection[PendingChange]:
        return self._taken_back.values()

    def follow(self, changes: Iterable[PendingChange]) -> None:
        """Take a note of what was laid over the entries since."""
        for change in changes:
            if change.ref in self._changes:
                if change.is_stored:
                    self._taken_back[change.ref] = change
                else:
                    self._taken_back.pop(change.ref, None)

    def follow_settled(self, changes: Iterable[PendingChange]) -> None:
        """Take a note of changes that somebody else stored in the file."""
        self.follow(replace(change, is_stored=True) for change in changes)

    def move(self, moves: Mapping[EntryRef, EntryRef]) -> None:
        """Give entries other names."""
        if moves:
            self._changes, self._taken_back = _moved(self._changes, moves), _moved(self._taken_back, moves)


def _moved(
    changes: Mapping[EntryRef, PendingChange], moves: Mapping[EntryRef, EntryRef]
) -> dict[EntryRef, PendingChange]:
    moved = (change.moved(moves) for change in changes.values())
    return {change.ref: change for change in moved}
