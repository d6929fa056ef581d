"""What another program did to the file meanwhile, and how pending changes go on from there."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from enum import Enum
from hashlib import sha256

from app.backends.key_index import KeyIndex
from app.cancel import CancelToken
from app.document.differences import Differences, differences
from app.document.draft import Draft, Edited
from app.document.history import Step
from app.document.job import Job
from app.document.pending_change import PendingChange
from app.document.watching import WatchedEntries
from app.engine.value_calls import Stored
from app.errors import DocumentError


@dataclass(frozen=True, slots=True)
class Conflict:
    """An entry that was edited here and is another in the file now.

    ``was`` is the value that the edit was made from, None where there was none or nobody knows it any more
    (``is_was_known``). ``theirs`` is the id of the stored entry, None where it is gone, ``digest`` the SHA-256 of its
    value; ``mine`` is the pending change. ``index`` are the keys that ids are of.
    """

    mine: PendingChange
    theirs: int | None
    digest: bytes | None
    index: KeyIndex = field(repr=False, compare=False)
    was: bytes | None = None
    is_was_known: bool = True

    @property
    def key(self) -> bytes:
        return self.mine.ref.key


@dataclass(frozen=True, slots=True)
class Sides:
    """What both did to an entry in conflict, each compared with what it was before."""

    mine: Differences
    theirs: Differences


class Choice(Enum):
    """Whose value an entry in conflict gets."""

    MINE = "mine"
    THEIRS = "theirs"


class MergedEntries(WatchedEntries):
    """Merges: other people's changes of other entries stay, and each entry in conflict is decided on."""

    def conflicts_job(self) -> Job[list[Conflict]]:
        """Return the pending changes whose entries are others now; after `index_job`, which a failed save asks for."""
        self._refuse_while_reading()

        def work(token: CancelToken) -> list[Conflict]:
            self._refuse_while_reading()
            snapshot = self._snapshot()
            stored = snapshot.stored_ids(snapshot.pending)
            found = []
            for number, change in enumerate(snapshot.pending.values()):
                token.advance(number, len(snapshot.pending))
                theirs = stored.get(change.ref)
                digest = None if theirs is None else snapshot.digest(theirs, token)
                if digest != change.digest:
                    found.append(self._conflict(change, theirs, digest, snapshot.index))
            return found

        return Job(f"Comparing with {self.name}", work, needs_keys=True)

    def _conflict(self, change: PendingChange, theirs: int | None, digest: bytes | None, index: KeyIndex) -> Conflict:
        try:
            was = _value_before(change, self.history.steps_back(change.ref))
        except DocumentError:
            return Conflict(change, theirs, digest, index, is_was_known=False)
        return Conflict(change, theirs, digest, index, was)

    def conflict_job(self, conflict: Conflict) -> Job[Sides]:
        """Return what both sides did to an entry, place by place."""
        self._refuse_while_reading()

        def work(token: CancelToken) -> Sides:
            theirs = None if conflict.theirs is None else Stored(*conflict.index.entry(conflict.theirs))
            return self._sides(conflict, theirs, token)

        return Job("Comparing", work)

    def _sides(self, conflict: Conflict, theirs: Stored | None, token: CancelToken) -> Sides:
        """Compare place by place; where a side is another value as a whole, or none, both as wholes."""
        values = (conflict.mine.current, theirs)
        found = [differences(self._engine, conflict.was, value, token) for value in values]
        if any(map(_is_of_all, found)):
            found = [
                side if _is_of_all(side) else differences(self._engine, None, value, token)
                for side, value in zip(found, values, strict=True)
            ]
        return Sides(*found)

    def resolve_job(self, conflict: Conflict, choice: Choice) -> Job[Edited]:
        """Decide on an entry; see `resolve_all_job`."""
        return self.resolve_all_job([(conflict, choice)])

    def resolve_all_job(self, decisions: Sequence[tuple[Conflict, Choice]]) -> Job[Edited]:
        """Decide on entries in one edit that can be undone: mine is to replace what is stored now, or theirs stays.

        What was done to these entries before is no longer undone: it would lead to what the other program replaced.
        Fails when one of the entries was edited again since the conflict was found.
        """
        self._refuse_while_reading()
        taken = list(decisions)

        def work(draft: Draft) -> Edited:
            for number, (conflict, choice) in enumerate(taken):
                draft.token.advance(number, len(taken))
                ref = conflict.mine.ref
                if draft.snapshot.pending.get(ref) != conflict.mine or draft.snapshot.index is not conflict.index:
                    raise DocumentError(f"{self.name} was edited or read again meanwhile; look at the conflicts again.")
                _decide(draft, conflict, choice)
            return draft.edited("Merge")

        def done(edited: Edited) -> None:
            self.history.drop({conflict.mine.ref for conflict, _choice in taken})
            self._on_edited(edited)

        job = self._edit_job("Merging", work)
        job.done = done
        return job


def _is_of_all(side: Differences) -> bool:
    return any(one.path == "" for one in side.found)


def _decide(draft: Draft, conflict: Conflict, choice: Choice) -> None:
    if conflict.theirs is not None:
        draft.places[conflict.mine.ref] = conflict.theirs
    stored = None if conflict.theirs is None else draft.snapshot.stored(conflict.theirs, draft.token)
    if choice is Choice.MINE:
        draft.overwrite(stored, conflict.mine)
    else:
        draft.revert(conflict.mine.ref, stored)


def _value_before(change: PendingChange, steps: Iterator[Step]) -> bytes | None:
    """Return the value that a pending change was made from, by taking its edits back.

    Raises:
        DocumentError: they do not lead there.
    """
    value, digest = change.current, None if change.is_deleted else sha256(change.value).digest()
    while digest != change.digest:
        step = next(steps, None)
        if step is None or step.after != digest:
            raise DocumentError("The edits do not lead back to the value that was stored.")
        value = None if step.before is None else step.patch.load().reversed().apply(value or b"")
        digest = step.before
    return value
