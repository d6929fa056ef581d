"""Saving pending changes, compacting, and going on with a copy."""

from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from weakref import WeakSet

from app.backends.base import SaveOptions, SaveReport
from app.cancel import CancelToken
from app.document.begun_copy import BegunCopy
from app.document.begun_save import BegunSave
from app.document.draft import Edited
from app.document.job import Job
from app.document.pending import Laid
from app.document.pending_change import PendingChange, changes_of
from app.document.places import NUMBERED, closed_up, moves_by_save
from app.document.rebasing import Rebase
from app.document.rescuing import Rescued, rescue
from app.document.snapshot import Snapshot
from app.document.sparing import spared
from app.document.stepping import SteppedEntries
from app.engine.base import Engine, NewDatabase
from app.errors import ChangedOnDisk, DocumentError, KeyRejected


class SavedEntries(SteppedEntries):
    """Writes what is pending, all or nothing; history stays."""

    def __init__(
        self, engine: Engine, path: Path, *, read_only: bool = False, spill_folder: Path | None = None
    ) -> None:
        super().__init__(engine, path, read_only=read_only, spill_folder=spill_folder)
        self._is_backed_up = False
        self._begun = BegunSave()
        self._copies = WeakSet[BegunCopy]()
        """Copies that somebody may want to go on with; each is forgotten with the one who has it written."""

    def save_job(self, *, backup: bool = True, backups_kept: int | None = None) -> Job[SaveReport]:
        """Save all pending changes. Afterwards run `index_job` again: entry ids are no longer valid.

        ``backup``: before the first save, keep what there was; of such copies so many stay as ``backups_kept`` says.

        Fails with ChangedOnDisk, and `keys`, where entries are not what they were; `index_job` and `conflicts_job`
        come next then. After EngineStopped nobody knows whether it was done, before `index_job` has found out.
        """
        if self.why_read_only:
            raise DocumentError(self.why_read_only)
        if self._begun.is_unsure:
            raise DocumentError(f"Whether {self.name} was saved is known once its keys are read again; save it then.")
        begun, numbered = BegunSave(), self.is_numbered
        self._begun = begun

        def work(token: CancelToken) -> SaveReport:
            saved = self.pending_changes
            options = SaveOptions(backup and not self._is_backed_up, backups_kept)
            with spared(len(saved)):
                begun.begin(self._snapshot(), saved, token, numbered=numbered)
                self._note_begun(begun)
                changes, expected = changes_of(saved)
                if numbered:
                    changes = closed_up(changes, begun.count)
                with begun.unsure_when_lost(), self._changed_where_places_are(numbered=numbered):
                    return self._engine.apply(changes, expected, options, token)

        def done(report: SaveReport) -> None:
            self._take_as_stored(begun.changes, begun.count)
            self._on_saved(report)

        return Job(f"Saving {self.name}", work, done, cancellable=False, needs_keys=True)

    @contextmanager
    def _changed_where_places_are(self, *, numbered: bool) -> Iterator[None]:
        """Say so where new values have no place because another program took some away."""
        try:
            yield
        except KeyRejected as error:
            if not numbered or self._engine.signature() == self._signature:
                raise
            message = f"{self.name} was changed by another program: it has other places now, so nothing was saved."
            raise ChangedOnDisk(message, path=self.path) from error

    def _note_begun(self, begun: BegunSave) -> None:
        """Take a note of a save that changes the files next, in the thread that does it."""

    def compact_job(self, *, backup: bool = True, backups_kept: int | None = None) -> Job[SaveReport]:
        """Write the database anew without unused room. Afterwards run `index_job` again, as after a save."""
        if self.why_read_only:
            raise DocumentError(self.why_read_only)
        if len(self._pending):
            raise DocumentError(f"{self.name} has unsaved changes; save or revert them before it is compacted.")
        options = SaveOptions(backup, backups_kept)
        return Job(
            f"Compacting {self.name}",
            lambda token: self._engine.compact(options, token),
            self._on_saved,
            cancellable=False,
        )

    def _on_saved(self, report: SaveReport) -> None:
        self._is_backed_up = self._is_backed_up or bool(report.backups)
        self._forget_entries()
        self.pending_changed.emit()
        self.saved.emit(report)

    def rescue_job(self, target: NewDatabase, make_engine: Callable[[], Engine]) -> Job[Rescued]:
        """Write all entries with the pending changes into a new database, from what is still open.

        For when the files are gone or are others now; else `copies.convert_job` leaves the engine free meanwhile.
        """
        pending = self.pending_changes
        return Job(
            f"Writing {Path(target.path).name}",
            lambda token: rescue(self._engine, make_engine, target, pending, token),
        )

    # ---- going on with a copy

    def begin_copy(self, format_id: str) -> BegunCopy:
        """Take a note of what a copy in a format has that is written next, for `continue_as`."""
        closes_up = self.is_numbered and format_id in NUMBERED
        copy = BegunCopy(dict(self._pending.changes), len(self.index) if closes_up else None)
        copy.is_overtaken = closes_up and not self.is_indexed  # nobody knows which places there are
        self._copies.add(copy)
        return copy

    def continue_as(self, path: Path, copy: BegunCopy) -> None:
        """Become the document of a copy that is not overtaken; `open_job` and `index_job` come next.

        History stays, and changes that were made since lie over what the copy has. The entries known before become
        invalid at once.
        """
        self._take_as_stored(copy.changes, copy.closes_up, copy.taken_back)
        self._begun = BegunSave()
        self._forget_entries()
        self.path = path
        self._opened_read_only = self._is_backed_up = False
        self.pending_changed.emit()

    def _lay_over(self, edited: Edited) -> None:
        super()._lay_over(edited)
        for copy in self._copies:
            copy.follow(edited.changes)

    # ---- a save that nobody knows the end of

    @property
    def is_unsure(self) -> bool:
        """Whether the engine was lost in a save, and nobody knows before `index_job` whether that was done."""
        return self._begun.is_unsure

    def _done_unseen(self, snapshot: Snapshot, token: CancelToken) -> BegunSave | None:
        """Return the last save where the engine was lost in it, and it turns out to be done."""
        return self._begun if self._begun.is_unsure and self._begun.was_done(snapshot, token) else None

    def _take(self, found: Rebase, laid: Laid | None, done: BegunSave | None) -> None:
        self._begun.is_unsure = False
        if done is not None:
            self._take_as_stored(done.changes, done.count)
            self.notice.emit(f"{self.name} was saved before the process that did it ended.")
        settled = [change for change in found.settled if self._pending.changes.get(change.ref) is change]
        super()._take(found, laid, done)
        if settled:
            self.history.note_stored()
        for copy in self._copies:
            copy.follow_settled(settled)
            copy.move(found.moves)

    # ---- what is stored now

    def _take_as_stored(
        self, saved: Collection[PendingChange], count: int | None, taken_back: Iterable[PendingChange] = ()
    ) -> None:
        """Go on from changes that are stored now; those that were made since lie over them.

        ``count``: how many entries there were before; None where none gets another key. ``taken_back``:
        entries of these changes that are to be again what they were.
        """
        for copy in self._copies:
            copy.is_overtaken = True
        self._pending.take_as_stored(saved, taken_back)
        self.history.note_stored()
        if self.is_numbered and count is not None:
            moves = moves_by_save({*self.history.digests(), *self._pending.changes}, saved, count)
            self.history.move(moves)
            self._pending.move(moves)
