"""Opening a database, reading its keys, and finding again what was edited."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from app.backends.key_index import IndexChunk, KeyIndex
from app.cancel import CancelToken
from app.document.begun_save import BegunSave
from app.document.entries import FEW, Entries
from app.document.entry_ids import FIRST_ADDED
from app.document.history import EntryRef
from app.document.job import Job, StreamJob
from app.document.pending import Laid
from app.document.rebasing import Rebase, rebase
from app.document.snapshot import Snapshot
from app.document.sparing import spared
from app.engine.base import Engine, Info, ProblemNote
from app.errors import DocumentError


@dataclass(frozen=True, slots=True)
class Findings:
    """What is known of a container once all its keys were read."""

    problems: tuple[ProblemNote, ...]
    notes: tuple[str, ...]
    is_shelf: bool


@dataclass(slots=True)
class _Reading:
    """What reading the keys found out besides."""

    index: KeyIndex
    signature: tuple[tuple[int, int, int], ...] = ()
    rebase: Rebase | None = None
    laid: Laid | None = None
    """What the pending changes are then, where they are many and none was made meanwhile."""
    done: BegunSave | None = None
    """A save in which the engine was lost, and that turned out to be done."""


class OpenEntries(Entries):
    """Knows the keys, and what is wrong with the container."""

    def __init__(
        self, engine: Engine, path: Path, *, read_only: bool = False, spill_folder: Path | None = None
    ) -> None:
        super().__init__(engine, path, spill_folder=spill_folder)
        self.is_shelf = False
        self.problems: tuple[ProblemNote, ...] = ()
        self.notes: tuple[str, ...] = ()
        self._opened_read_only = read_only
        self._signature: tuple[tuple[int, int, int], ...] = ()

    @property
    def why_read_only(self) -> str:
        """One sentence when edits cannot be saved here, else empty."""
        if self._opened_read_only:
            return f"{self.name} was opened read-only."
        if self.problems:
            return f"{self.name} is damaged, and saving could lose more of it; salvage it, or save it as another file."
        return self.info.why_read_only if self.info else ""

    @property
    def main_path(self) -> str:
        """The file that opens the database in another engine: a base name can be that of another file by now."""
        return self.info.main if self.info and self.info.path == str(self.path) else str(self.path)

    def open_job(self) -> Job[Info]:
        return Job(f"Opening {self.name}", lambda token: self._engine.open(str(self.path), token), self._on_opened)

    def _on_opened(self, info: Info) -> None:
        self.info = info
        self.opened.emit(info)

    # ---- the keys

    def index_job(self) -> StreamJob[IndexChunk]:
        """Read all keys; the entries known before become invalid at once, and what was edited is found again."""
        self._forget_entries()
        reading = _Reading(self.index)

        def steps(token: CancelToken) -> Iterator[IndexChunk]:
            since = self._pending.version
            pending, known = self._pending.changes.copy(), self.history.digests()
            reading.signature = self._engine.signature()
            index = KeyIndex()
            for chunk in self._engine.index(token):
                index.append(chunk)
                yield chunk
            snapshot = Snapshot(self.path.name, self._engine, index, pending, self.may_repeat, self.is_numbered)
            reading.done = self._done_unseen(snapshot, token)
            if reading.done is not None:
                pending, known = reading.done.as_stored(pending, known, numbered=self.is_numbered)
                snapshot = replace(snapshot, pending=pending)
            known.update((ref, change.digest) for ref, change in pending.items())
            with spared(len(known)):
                reading.rebase = found = rebase(snapshot, known, lambda: next(self._new_nths), token)
                if len(pending) > FEW and reading.done is None:
                    reading.laid = self._pending.relocated(found.settled, found.moves, found.places, since)

        title = f"Reading the keys of {self.name}"
        return StreamJob(title, steps, self._on_chunk, lambda: self._on_indexed(reading), gives_keys=True)

    def _forget_entries(self) -> None:
        super()._forget_entries()
        self.problems = ()

    def _on_chunk(self, chunk: IndexChunk) -> None:
        first = len(self.index)
        self.index.append(chunk)
        self.entries_added.emit(first, len(chunk))

    def _on_indexed(self, reading: _Reading) -> None:
        if reading.index is not self.index or reading.rebase is None:
            return  # it was begun anew meanwhile
        self.is_indexed = True
        self._signature = reading.signature
        self._take(reading.rebase, reading.laid, reading.done)
        self.indexed.emit()

    def _done_unseen(self, _snapshot: Snapshot, _token: CancelToken) -> BegunSave | None:
        """Return a save in which the engine was lost, where it turns out to be done."""
        return None

    def _take(self, found: Rebase, laid: Laid | None, _done: BegunSave | None) -> None:
        """Go on with edited entries under the names that they have now."""
        lost = self.history.drop(found.lost)
        self.history.move(found.moves)
        if laid is not None and self._is_valid(laid):
            self._pending = laid.pending
            self._announce(laid.told)
        else:
            self._pending.settle(found.settled)
            self._pending.move(found.moves)
            self._announce(self._pending.relocate({**self._edited_since(), **found.places}))
        if lost:
            self.notice.emit(f"{_edits(lost)} can no longer be undone: another program changed the entries.")

    def _edited_since(self) -> dict[EntryRef, int]:
        """Return the ids of stored entries that were edited, or added by somebody, while the keys were read."""
        ids = {ref: self._pending.ids.get(ref) for ref in self._pending.changes}
        edited = {ref: entry_id for ref, entry_id in ids.items() if entry_id is not None}
        late = [ref for ref, entry_id in edited.items() if entry_id >= FIRST_ADDED]
        stored = self._snapshot().stored_ids(late)
        return stored | {ref: entry_id for ref, entry_id in edited.items() if entry_id < FIRST_ADDED}

    def _refuse_while_reading(self) -> None:
        """Refuse what needs all keys.

        Raises:
            DocumentError: they are still being read.
        """
        if not self.is_indexed:
            raise DocumentError(f"The keys of {self.name} are still being read; try again when they are all there.")

    # ---- the container

    def findings_job(self) -> Job[Findings]:
        """Learn the container's problems and whether it is a shelf; after `indexed`."""
        return Job(f"Looking at {self.name}", self._find, self._on_findings)

    def _find(self, token: CancelToken) -> Findings:
        return Findings(self._engine.problems(), self._engine.notes(), self._engine.is_shelf(token))

    def _on_findings(self, findings: Findings) -> None:
        self.problems, self.notes, self.is_shelf = findings.problems, findings.notes, findings.is_shelf
        if self.notes:
            self.notice.emit(" ".join(self.notes))
        self.pending_changed.emit()


def _edits(number: int) -> str:
    return "One edit" if number == 1 else f"{number:,} edits"
