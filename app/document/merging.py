"""What another program did to the file meanwhile, and how pending changes go on from there."""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from hashlib import sha256

from app.cancel import CancelToken
from app.document.draft import Draft, Edited
from app.document.history import Step
from app.document.job import Job
from app.document.pending import PendingChange
from app.document.saving import SavedEntries
from app.errors import DocumentError


@dataclass(frozen=True, slots=True)
class Conflict:
    """An entry that was edited here and is another in the file now.

    ``was`` is the value that the edit was made from, None where there was none or nobody knows it any more
    (``is_was_known``). ``theirs`` is the id of the stored entry, None where it is gone, ``digest`` the SHA-256 of its
    value; ``mine`` is the pending change.
    """

    mine: PendingChange
    theirs: int | None
    digest: bytes | None
    was: bytes | None = None
    is_was_known: bool = True

    @property
    def key(self) -> bytes:
        return self.mine.ref.key


class Choice(Enum):
    """Whose value an entry in conflict gets."""

    MINE = "mine"
    THEIRS = "theirs"


class MergedEntries(SavedEntries):
    """Merges: other people's changes of other entries stay, and each entry in conflict is decided on."""

    def changed_on_disk_job(self) -> Job[bool]:
        """Learn whether another program wrote; cheap, to be asked when a file watcher says so.

        Then `index_job` shows what there is now, pending changes stay, and `conflicts_job` tells whether one of them
        has to be decided on. Files that look the same (size, time of change, inode) are taken for unchanged here; a
        save looks closer.
        """
        self._refuse_while_reading()
        known = self._signature
        return Job(f"Looking at {self.name}", lambda _token: self._engine.signature() != known)

    def conflicts_job(self) -> Job[list[Conflict]]:
        """Return the pending changes whose entries are others now; after `index_job`, which a failed save asks for."""
        self._refuse_while_reading()

        def work(token: CancelToken) -> list[Conflict]:
            snapshot = self._snapshot()
            stored = snapshot.stored_ids(snapshot.pending)
            found = []
            for number, change in enumerate(snapshot.pending.values()):
                token.advance(number, len(snapshot.pending))
                theirs = stored.get(change.ref)
                digest = None if theirs is None else snapshot.digest(theirs, token)
                if digest != change.digest:
                    found.append(self._conflict(change, theirs, digest))
            return found

        return Job(f"Comparing with {self.name}", work)

    def _conflict(self, change: PendingChange, theirs: int | None, digest: bytes | None) -> Conflict:
        try:
            was = _value_before(change, self.history.steps_back(change.ref))
        except DocumentError:
            return Conflict(change, theirs, digest, is_was_known=False)
        return Conflict(change, theirs, digest, was)

    def resolve_job(self, conflict: Conflict, choice: Choice) -> Job[Edited]:
        """Decide on an entry: mine is to replace what is stored now, or theirs stays, which can be undone.

        Fails when the entry was edited again since the conflict was found.
        """
        self._refuse_while_reading()
        index = self.index

        def work(draft: Draft) -> Edited:
            ref = conflict.mine.ref
            if draft.snapshot.pending.get(ref) != conflict.mine or draft.snapshot.index is not index:
                raise DocumentError(f"{self.name} was edited or read again meanwhile; look at the conflicts again.")
            if conflict.theirs is not None:
                draft.places[ref] = conflict.theirs
            if choice is Choice.MINE:
                draft.keep(conflict.mine, conflict.digest)
            else:
                stored = None if conflict.theirs is None else draft.snapshot.stored(conflict.theirs, draft.token)
                draft.revert(ref, stored)
            return draft.edited("Taking what is stored")

        return self._edit_job("Merging", work)


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
