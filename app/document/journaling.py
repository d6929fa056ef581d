"""Keeping pending changes in a journal, and laying over what a crash left in one."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from app.backends.changes import NAMED_KEYS, key_text
from app.document.begun_copy import BegunCopy
from app.document.begun_save import BegunSave
from app.document.draft import Draft, Edited
from app.document.history import EntryRef
from app.document.job import Job
from app.document.journal_lines import header_of
from app.document.journals import Claim, Journals, Left
from app.document.merging import MergedEntries
from app.document.pending import Laid
from app.document.pending_change import PendingChange, count_of, halves_of
from app.document.places import place_of
from app.document.rebasing import Rebase, rebase
from app.document.snapshot import Snapshot
from app.document.sparing import spared
from app.engine.base import Engine
from app.errors import AppError, EngineStopped


class JournaledEntries(MergedEntries):
    """Writes every pending change down at once, where ``journals`` are given."""

    def __init__(
        self, engine: Engine, path: Path, *, read_only: bool = False, journals: Journals | None = None
    ) -> None:
        super().__init__(engine, path, read_only=read_only, spill_folder=journals.folder if journals else None)
        self._journal = journals.new() if journals else None
        self._has_warned = False

    def flush_journal(self) -> None:
        """Wait until all pending changes are on the disk; for a program that is about to end."""
        if self._journal is not None:
            self._journal.flush()
            self.warn_of_journal()

    def watch_journal(self, troubled: Callable[[], None]) -> None:
        """Have ``troubled`` called, in the journal's thread, when that cannot be written; `warn_of_journal` is next."""
        if self._journal is not None:
            self._journal.on_error = troubled

    def warn_of_journal(self) -> None:
        """Say once that a crash would cost what is pending, where that is so."""
        if self._journal is not None and self._journal.error and not self._has_warned:
            self._has_warned = True
            self.notice.emit(self._journal.error)

    # ---- writing

    def _lay_over(self, edited: Edited) -> None:
        super()._lay_over(edited)
        if self._journal is not None and edited.changes:
            self._journal.note(self._header, edited.changes)
            self.warn_of_journal()

    def _take_as_stored(
        self, saved: Collection[PendingChange], count: int | None, taken_back: Iterable[PendingChange] = ()
    ) -> None:
        super()._take_as_stored(saved, count, taken_back)
        self._restart()

    def _take(self, found: Rebase, laid: Laid | None, done: BegunSave | None) -> None:
        super()._take(found, laid, done)
        if found.moves or found.settled:
            self._restart()

    def _note_begun(self, begun: BegunSave) -> None:
        """Write it down where restoring what was saved would make it twice."""
        record = begun.record(may_repeat=self.may_repeat) if self._journal is not None else None
        if self._journal is not None and record is not None:
            self._journal.note_save(record)

    def continue_as(self, path: Path, copy: BegunCopy) -> None:
        super().continue_as(path, copy)
        self._restart()

    def _restart(self) -> None:
        if self._journal is not None:
            self._journal.restart(self._header, self.pending_changes)
            self.warn_of_journal()

    @property
    def _header(self) -> Mapping[str, object]:
        return header_of(self.path, self.info.format if self.info else "")

    # ---- getting back

    def restore_job(self, left: Left) -> Job[Edited]:
        """Lay over what a crash left, in one edit, and remove the journal that it was in.

        Changes of entries that are others by now are laid over too: the next save finds the conflict, and
        `conflicts_job` shows it.
        """
        self._refuse_while_reading()
        restored = _Restored()

        def work(draft: Draft) -> Edited:
            self._refuse_while_reading()  # a save that was before this may have come to a reading that was given up
            with spared(len(left.changes)):
                self._restore(left, draft, restored)
                return draft.edited("Restored changes")

        def done(edited: Edited) -> None:
            claim = left.claim()  # nothing is laid over where another window was faster
            self._on_edited(edited)
            self._settle(claim)
            self.notice.emit(_said(count_of(edited.changes), restored, left))

        job = self._edit_job("Restoring changes", work, needs_keys=True)
        job.done = done
        return job

    def _settle(self, claim: Claim) -> None:
        """Let a journal go once what it told of is in the one of this document; where there is none it stays."""
        if self._journal is not None:
            self._journal.note(self._header, (), then=claim.settle)
        else:
            claim.release()

    def _restore(self, left: Left, draft: Draft, restored: "_Restored") -> None:
        """Lay changes over, and note the keys of those whose entries are others now, or cannot be read."""
        left = self._without_saved(left, draft)
        found = self._found_again(left, draft)
        halves = halves_of(change.moved(found.moves) for change in left.changes)
        for change in left.changes:
            moved = change.moved(found.moves)
            place = found.places.get(moved.ref)
            draft.places.update({} if place is None else {moved.ref: place})
            before = draft.snapshot.pending.get(moved.ref)
            try:
                stored = None if place is None else draft.snapshot.digest(place, draft.token)
                is_laid = draft.restore(moved, halves.get(moved.ref))
            except EngineStopped:
                raise
            except AppError:  # what stands there cannot be read; what was to be there can
                draft.keep(moved, moved.digest)
                restored.unread.append(change.ref.key)
                continue
            if is_laid and stored != change.digest:
                restored.differing.append(change.ref.key)
            if is_laid and before is not None:
                restored.replaced.append(change.ref.key)

    def _without_saved(self, left: Left, draft: Draft) -> Left:
        """Return what is left beyond a save that was done right before the crash."""
        if left.begun is None or not left.begun.was_done(draft.snapshot, draft.token):
            return left
        changes = {change.ref: change for change in left.changes}
        beyond, _known = left.begun.as_stored(changes, {}, numbered=self.is_numbered)
        return replace(left, changes=tuple(beyond.values()))

    def _found_again(self, left: Left, draft: Draft) -> Rebase:
        """Return where the entries are that were edited; new ones of repeating keys get numbers of their own."""
        pending = {change.ref: change for change in left.changes}
        known = {ref: change.digest for ref, change in pending.items()}
        now = draft.snapshot
        then = Snapshot(now.name, now.engine, now.index, pending, now.may_repeat, now.is_numbered)
        found = rebase(then, known, lambda: next(self._new_nths), draft.token)
        if self.may_repeat:
            new = {ref: self._new_ref(ref.key) for ref, digest in known.items() if digest is None}
            found.moves |= new
        if self.is_numbered:
            found.moves |= _behind(now, [ref for ref, digest in known.items() if digest is None], found.moves)
        return found


def _behind(now: Snapshot, added: Sequence[EntryRef], moves: Mapping[EntryRef, EntryRef]) -> dict[EntryRef, EntryRef]:
    """Return names behind the values that are to be added now, where the ones to be added have no others."""
    here = [place_of(ref.key) for ref, change in now.pending.items() if change.digest is None]
    in_order = sorted(added, key=lambda ref: place_of(moves.get(ref, ref).key))
    if not any(moves.get(ref, ref) in now.pending for ref in added):
        return {}
    return {ref: EntryRef(b"%d" % place) for place, ref in enumerate(in_order, max(here, default=-1) + 1)}


@dataclass(slots=True)
class _Restored:
    """What a restoring met."""

    differing: list[bytes] = field(default_factory=list)
    """Keys of entries that another program changed since."""
    replaced: list[bytes] = field(default_factory=list)
    """Keys of entries that had a pending change already."""
    unread: list[bytes] = field(default_factory=list)
    """Keys of entries of which nobody knows whether they are others now."""


def _said(count: int, restored: _Restored, left: Left) -> str:
    parts = [f"{_counted(count, 'change')} of the session before {_was(count)} restored."] if count else []
    if not count and not left.damaged:
        parts.append("All changes of the session before were saved; there was nothing to restore.")
    if restored.differing:
        parts.append(f"Another program changed {_named(restored.differing)} meanwhile: decide before you save.")
    if restored.replaced:
        parts.append(f"What was changed here in {_named(restored.replaced)} was replaced; Undo brings that back.")
    if restored.unread:
        parts.append(f"What is stored for {_named(restored.unread)} cannot be read: save as another file.")
    if left.damaged:
        kept = f"what is left of that is in {left.damaged_path}"
        parts.append(f"{_counted(left.damaged, 'change')} could not be read any more; {kept}.")
    return " ".join(parts)


def _named(keys: Sequence[bytes]) -> str:
    more = f" and {len(keys) - NAMED_KEYS:,} more" if len(keys) > NAMED_KEYS else ""
    return f"{', '.join(map(key_text, keys[:NAMED_KEYS]))}{more}"


def _counted(count: int, what: str) -> str:
    return f"One {what}" if count == 1 else f"{count:,} {what}s"


def _was(count: int) -> str:
    return "was" if count == 1 else "were"
