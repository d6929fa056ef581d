"""An open database as its user sees it: entries with pending changes laid over them.

The document lives on one thread (the window's). What takes time is handed out as a `Job`
whose ``work`` talks to the engine alone and whose ``done`` comes back here.
"""

from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from psygnal import Signal

from app.backends.base import Expected, Replace, SaveOptions, SaveReport
from app.backends.key_index import IndexChunk, KeyIndex
from app.cancel import CancelToken
from app.codecs.base import NodeRow, Summary
from app.document.history import Edit, EntryRef, History, Patch
from app.document.job import Job, StreamJob
from app.engine.base import Engine, ExportItem, ExportReport, Info, ProblemNote
from app.engine.value_calls import Source, ValueInfo
from app.errors import ChangedOnDisk, DocumentError

_SUMMARIES_KEPT = 50_000


@dataclass(frozen=True, slots=True)
class PendingChange:
    """A value not saved yet, and the SHA-256 of the stored value that it was made from."""

    ref: EntryRef
    value: bytes
    digest: bytes
    is_stored: bool = False
    """Whether the value is the stored one again, so that there is nothing to save."""

    @classmethod
    def of(cls, ref: EntryRef, value: bytes, digest: bytes) -> "PendingChange":
        """Return the change; hashes the value, so it is made where the work is done."""
        return cls(ref, value, digest, is_stored=sha256(value).digest() == digest)


@dataclass(frozen=True, slots=True)
class Findings:
    """What is known of a container once all its keys were read."""

    problems: tuple[ProblemNote, ...]
    notes: tuple[str, ...]
    is_shelf: bool


class Document:
    """One open database.

    Signals: ``opened(Info)``; ``entries_added(first, count)`` while the keys stream in;
    ``indexed()`` when all keys are known; ``entries_changed(list of entry ids)`` when summaries or pending
    changes of rows changed; ``pending_changed()``; ``reloading()`` before all entry ids become invalid;
    ``saved(SaveReport)``; ``notice(str)`` for a sentence to show.
    """

    opened = Signal(Info)
    entries_added = Signal(int, int)
    indexed = Signal()
    entries_changed = Signal(list)
    pending_changed = Signal()
    reloading = Signal()
    saved = Signal(SaveReport)
    notice = Signal(str)

    def __init__(self, engine: Engine, path: Path, *, read_only: bool = False) -> None:
        self._engine = engine
        self.path = path
        self.info: Info | None = None
        self.index = KeyIndex()
        self.is_indexed = False
        self.is_shelf = False
        self.problems: tuple[ProblemNote, ...] = ()
        self.notes: tuple[str, ...] = ()
        self.history = History()
        self._opened_read_only = read_only
        self._pending: dict[EntryRef, PendingChange] = {}
        self._pending_ids: dict[int, EntryRef] = {}
        self._summaries: OrderedDict[int, Summary] = OrderedDict()
        self._is_backed_up = False

    # ---- what is known at once

    @property
    def name(self) -> str:
        return self.path.name

    def __len__(self) -> int:
        return len(self.index)

    def key(self, entry_id: int) -> bytes:
        return self.index.key(entry_id)

    def size(self, entry_id: int) -> int:
        """Return the length of the entry's value in bytes, pending changes included."""
        pending = self.pending(entry_id)
        return self.index.size(entry_id) if pending is None else len(pending.value)

    def summary(self, entry_id: int) -> Summary | None:
        """Return what is known of the value for its table cell, or None until `summaries_job` has read it."""
        return self._summaries.get(entry_id)

    def pending(self, entry_id: int) -> PendingChange | None:
        ref = self._pending_ids.get(entry_id)
        return None if ref is None else self._pending[ref]

    @property
    def pending_changes(self) -> Sequence[PendingChange]:
        return list(self._pending.values())

    @property
    def pending_entries(self) -> dict[int, PendingChange]:
        """Return the pending changes by the entries that they lie over, as far as those are known now."""
        return {entry_id: self._pending[ref] for entry_id, ref in self._pending_ids.items()}

    @property
    def why_read_only(self) -> str:
        """One sentence when edits cannot be saved here, else empty."""
        if self._opened_read_only:
            return f"{self.name} was opened read-only."
        if self.problems:
            return f"{self.name} is damaged, and saving could lose more of it; salvage it, or save it as another file."
        return self.info.why_read_only if self.info else ""

    def source(self, entry_id: int) -> Source:
        """Return where the entry's current value is: its pending bytes, or the entry itself."""
        pending = self.pending(entry_id)
        return entry_id if pending is None else pending.value

    # ---- opening

    def open_job(self) -> Job[Info]:
        return Job(f"Opening {self.name}", lambda token: self._engine.open(str(self.path), token), self._on_opened)

    def _on_opened(self, info: Info) -> None:
        self.info = info
        self.opened.emit(info)

    def index_job(self) -> StreamJob[IndexChunk]:
        """Read all keys; the entries known before become invalid at once."""
        self._forget_entries()
        return StreamJob(f"Reading the keys of {self.name}", self._engine.index, self._on_chunk, self._on_indexed)

    def _forget_entries(self) -> None:
        self.reloading.emit()
        self.index = KeyIndex()
        self.is_indexed = False
        self.problems = ()
        self._pending_ids.clear()
        self._summaries.clear()

    def _on_chunk(self, chunk: IndexChunk) -> None:
        first = len(self.index)
        self.index.append(chunk)
        self.entries_added.emit(first, len(chunk))

    def _on_indexed(self) -> None:
        self.is_indexed = True
        self._pending_ids = {entry_id: ref for ref in self._pending if (entry_id := self.entry_of(ref)) is not None}
        self.indexed.emit()

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

    def entry_of(self, ref: EntryRef) -> int | None:
        """Return the entry id of a reference, or None when there is no such entry (any more)."""
        for position, entry_id in enumerate(self.index.find(ref.key)):
            if position == ref.nth:
                return entry_id
        return None

    # ---- looking

    def summaries_job(self, entry_ids: Sequence[int]) -> Job[list[Summary]]:
        wanted = list(entry_ids)
        sources = [self.source(entry_id) for entry_id in wanted]

        def keep(summaries: list[Summary]) -> None:
            for entry_id, summary in zip(wanted, summaries, strict=True):
                self._summaries[entry_id] = summary
            while len(self._summaries) > _SUMMARIES_KEPT:
                self._summaries.popitem(last=False)
            self.entries_changed.emit(wanted)

        return Job("Reading values", lambda token: self._engine.summaries(sources, token), keep)

    def decode_job(self, source: Source) -> Job[ValueInfo]:
        """Decode a value; set ``done`` to what shall happen then."""
        return Job("Decoding", lambda token: self._engine.decode(source, token))

    def rows_job(self, source: Source, node: int, start: int, count: int) -> Job[list[NodeRow]]:
        return Job("Reading", lambda token: self._engine.rows(source, node, start, count, token))

    def text_job(self, source: Source, limit: int) -> Job[str]:
        return Job("Reading", lambda token: self._engine.text(source, limit, token))

    def bytes_job(self, source: Source, start: int, length: int) -> Job[bytes]:
        return Job("Reading", lambda token: self._engine.read(source, start, length, token))

    def edit_text_job(self, source: Source, path: str) -> Job[str]:
        """Fetch the whole scalar at ``path`` as a Python literal, for an editor to start from."""
        return Job("Reading", lambda token: self._engine.edit_text(source, path, token))

    # ---- editing

    def edit_job(self, entry_id: int, path: str, literal: str) -> Job[tuple[Edit, PendingChange]]:
        """Replace the scalar at ``path`` by a Python literal of its type; fails with the reason, changing nothing."""
        source, pending, index = self.source(entry_id), self.pending(entry_id), self.index

        def work(token: CancelToken) -> tuple[Edit, PendingChange]:
            before = self._whole(source, entry_id, index, token)
            after = self._engine.replace(source, path, literal, token)
            ref = pending.ref if pending else EntryRef(index.key(entry_id), index.nth(entry_id))
            digest = pending.digest if pending else sha256(before).digest()
            edit = Edit(f"Edit of {path or 'the value'}", ref, Patch.between(before, after), path)
            return edit, PendingChange.of(ref, after, digest)

        return Job("Editing", work, self._on_edited)

    def _on_edited(self, outcome: tuple[Edit, PendingChange]) -> None:
        edit, change = outcome
        if edit.patch.removed == edit.patch.inserted:
            return
        self._lay_over(change)
        self.history.push(edit)

    def undo_job(self) -> Job[PendingChange] | None:
        edit = self.history.next_undo
        return self._step_job(edit, edit.patch.reversed(), self.history.mark_undone) if edit else None

    def redo_job(self) -> Job[PendingChange] | None:
        edit = self.history.next_redo
        return self._step_job(edit, edit.patch, self.history.mark_redone) if edit else None

    def _step_job(self, edit: Edit, patch: Patch, mark: Callable[[], None]) -> Job[PendingChange]:
        entry_id = self.entry_of(edit.ref)
        if entry_id is None:
            raise DocumentError(f"The entry {edit.ref.key!r} is not in {self.name} any more.")
        source, pending, index = self.source(entry_id), self.pending(entry_id), self.index

        def work(token: CancelToken) -> PendingChange:
            before = self._whole(source, entry_id, index, token)
            digest = pending.digest if pending else sha256(before).digest()
            return PendingChange.of(edit.ref, patch.apply(before), digest)

        def done(change: PendingChange) -> None:
            self._lay_over(change)
            mark()

        return Job("Undoing", work, done)

    def _whole(self, source: Source, entry_id: int, index: KeyIndex, token: CancelToken) -> bytes:
        return source if isinstance(source, bytes) else self._engine.read(source, 0, index.size(entry_id), token)

    def revert_job(self, entry_id: int) -> Job[tuple[Edit, PendingChange]] | None:
        """Take an entry's pending change back to what is stored; an edit of its own, which can be undone."""
        pending, index = self.pending(entry_id), self.index
        if pending is None:
            return None

        def work(token: CancelToken) -> tuple[Edit, PendingChange]:
            stored = self._engine.read(entry_id, 0, index.size(entry_id), token)
            edit = Edit("Revert", pending.ref, Patch.between(pending.value, stored))
            return edit, PendingChange(pending.ref, stored, sha256(stored).digest(), is_stored=True)

        return Job("Reverting", work, self._on_edited)

    def _lay_over(self, change: PendingChange) -> None:
        entry_id = self.entry_of(change.ref)
        if change.is_stored:
            self._pending.pop(change.ref, None)
            self._pending_ids = {id_: ref for id_, ref in self._pending_ids.items() if ref != change.ref}
        else:
            self._pending[change.ref] = change
            if entry_id is not None:
                self._pending_ids[entry_id] = change.ref
        if entry_id is not None:
            self._summaries.pop(entry_id, None)
            self.entries_changed.emit([entry_id])
        self.pending_changed.emit()

    # ---- saving

    def save_job(self, *, backup: bool = True) -> Job[SaveReport]:
        """Save all pending changes. Afterwards run `index_job` again: entry ids are no longer valid."""
        if self.why_read_only:
            raise DocumentError(self.why_read_only)
        changes = [Replace(entry_id, self._pending[ref].value) for entry_id, ref in self._pending_ids.items()]
        lost = len(self._pending) - len(changes)
        if lost:
            raise ChangedOnDisk(f"{lost} changed entries are not in {self.name} any more; revert them first.")
        expected = {
            entry_id: Expected(ref.key, ref.nth, self._pending[ref].digest)
            for entry_id, ref in self._pending_ids.items()
        }
        options = SaveOptions(backup=backup and not self._is_backed_up)
        return Job(
            f"Saving {self.name}",
            lambda token: self._engine.apply(changes, expected, options, token),
            self._on_saved,
            cancellable=False,
        )

    def compact_job(self, *, backup: bool = True) -> Job[SaveReport]:
        """Write the database anew without unused room. Afterwards run `index_job` again, as after a save."""
        if self.why_read_only:
            raise DocumentError(self.why_read_only)
        if self._pending:
            raise DocumentError(f"{self.name} has unsaved changes; save or revert them before it is compacted.")
        options = SaveOptions(backup=backup)
        return Job(
            f"Compacting {self.name}",
            lambda token: self._engine.compact(options, token),
            self._on_saved,
            cancellable=False,
        )

    def _on_saved(self, report: SaveReport) -> None:
        self._is_backed_up = self._is_backed_up or bool(report.backups)
        self._pending.clear()
        self._pending_ids.clear()
        self.pending_changed.emit()
        self.saved.emit(report)

    def continue_as(self, path: Path, saved: Sequence[PendingChange]) -> None:
        """Become the document of a copy that has these changes; `open_job` and `index_job` come next.

        History stays, and so do changes that were made since. The entries known before become invalid at once.
        """
        self._forget_entries()
        self.path = path
        self._opened_read_only = self._is_backed_up = False
        for change in saved:
            newer = self._pending.pop(change.ref, change)
            if newer is not change:
                self._pending[change.ref] = PendingChange.of(newer.ref, newer.value, sha256(change.value).digest())
        self.pending_changed.emit()

    # ---- export

    def export_job(self, entry_ids: Sequence[int] | None, target: Path, *, lines: bool) -> StreamJob[ExportReport]:
        """Export entries as they are shown (pending changes included), all when None; set ``item`` for progress."""
        index, wanted = self.index, None if entry_ids is None else tuple(entry_ids)
        pending = {entry_id: self._pending[ref].value for entry_id, ref in self._pending_ids.items()}

        def steps(token: CancelToken) -> Iterator[ExportReport]:
            items = None if wanted is None and not pending else _export_items(index, wanted, pending)
            yield from self._engine.export(items, str(target), lines=lines, token=token)

        return StreamJob(f"Exporting {self.name}", steps, lambda _report: None)

    def close(self) -> None:
        self._engine.close()


def _export_items(index: KeyIndex, wanted: Sequence[int] | None, pending: Mapping[int, bytes]) -> list[ExportItem]:
    chosen = range(len(index)) if wanted is None else wanted
    return [ExportItem(index.key(entry_id), pending.get(entry_id, entry_id)) for entry_id in chosen]
