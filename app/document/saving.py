"""Saving pending changes, compacting, and going on with a copy."""

from collections.abc import Callable, Sequence
from pathlib import Path

from app.backends.base import SaveOptions, SaveReport
from app.cancel import CancelToken
from app.document.job import Job
from app.document.pending import PendingChange, changes_of
from app.document.rebasing import renumbered
from app.document.rescuing import Rescued, rescue
from app.document.sparing import spared
from app.document.stepping import SteppedEntries
from app.engine.base import Engine, NewDatabase
from app.errors import DocumentError


class SavedEntries(SteppedEntries):
    """Writes what is pending, all or nothing; history stays."""

    def __init__(
        self, engine: Engine, path: Path, *, read_only: bool = False, spill_folder: Path | None = None
    ) -> None:
        super().__init__(engine, path, read_only=read_only, spill_folder=spill_folder)
        self._is_backed_up = False

    def save_job(self, *, backup: bool = True, backups_kept: int | None = None) -> Job[SaveReport]:
        """Save all pending changes. Afterwards run `index_job` again: entry ids are no longer valid.

        ``backup``: before the first save, keep what there was; of such copies so many stay as ``backups_kept`` says.

        Fails with ChangedOnDisk, and `keys`, where entries are not what they were; `index_job` and `conflicts_job`
        come next then.
        """
        if self.why_read_only:
            raise DocumentError(self.why_read_only)
        saved: list[PendingChange] = []

        def work(token: CancelToken) -> SaveReport:
            saved[:] = self.pending_changes
            options = SaveOptions(backup and not self._is_backed_up, backups_kept)
            with spared(len(saved)):
                return self._engine.apply(*changes_of(saved), options, token)

        def done(report: SaveReport) -> None:
            self._take_as_stored(saved)
            self._on_saved(report)

        return Job(f"Saving {self.name}", work, done, cancellable=False)

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

    def continue_as(self, path: Path, saved: Sequence[PendingChange]) -> None:
        """Become the document of a copy that has these changes; `open_job` and `index_job` come next.

        History stays, and so do changes that were made since. The entries known before become invalid at once.
        """
        self._take_as_stored(saved)
        self._forget_entries()
        self.path = path
        self._opened_read_only = self._is_backed_up = False
        self.pending_changed.emit()

    def _take_as_stored(self, saved: Sequence[PendingChange]) -> None:
        """Go on from changes that are stored now; those that were made since lie over them."""
        self._pending.take_as_stored(saved)
        if self.is_numbered:
            self._renumber({int(change.ref.key) for change in saved if change.is_deleted})

    def _renumber(self, removed: set[int]) -> None:
        refs = {*self.history.digests(), *self._pending.changes}
        moves = renumbered(refs, removed, len(self.index))
        self.history.move(moves)
        self._pending.move(moves)
