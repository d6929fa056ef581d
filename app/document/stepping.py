"""Going back and forth through the edits, across saves."""

from collections.abc import Callable

from app.backends.changes import key_text
from app.document.draft import Draft, Edited
from app.document.editing import EditableEntries
from app.document.history import Edit, Origins
from app.document.job import Job
from app.document.snapshot import digest_or_none
from app.document.sparing import spared


class SteppedEntries(EditableEntries):
    """Undoes and redoes. After a save, that makes a new pending change.

    A step to an entry that is no longer what it was is not made: its history is dropped, and a notice says so.
    """

    def undo_job(self) -> Job[Edited] | None:
        return None if self.history.next_undo is None else self._step_job(is_undo=True)

    def redo_job(self) -> Job[Edited] | None:
        return None if self.history.next_redo is None else self._step_job(is_undo=False)

    def _step_job(self, *, is_undo: bool) -> Job[Edited]:
        self._refuse_while_reading()

        def work(draft: Draft) -> Edited:
            self._refuse_while_reading()
            edit = self.history.next_undo if is_undo else self.history.next_redo
            with spared(len(edit.steps) if edit else 0):
                edit = edit or Edit("", ())
                return _stepped(draft, edit, is_undo=is_undo, is_older=self.history.is_older(edit))

        job = self._edit_job("Undoing" if is_undo else "Redoing", work)
        job.done = self._on_undone if is_undo else self._on_redone
        return job

    def _on_undone(self, edited: Edited) -> None:
        self._on_stepped(edited, self.history.mark_undone)

    def _on_redone(self, edited: Edited) -> None:
        self._on_stepped(edited, self.history.mark_redone)

    def _on_stepped(self, edited: Edited, mark: Callable[[Origins], None]) -> None:
        if edited.edit.steps:
            self._lay_over(edited)
            mark(edited.origins)
        if edited.unfit:
            self.history.drop(edited.unfit)
            what = _were(len(edited.unfit), "The entry")
            self.notice.emit(f"{what} changed by another program since, so this edit no longer fits and was left out.")
        elif edited.overtaken:
            what = _were(len(edited.overtaken), key_text(next(iter(edited.overtaken)).key))
            self.notice.emit(
                f"{what} changed by another program since. What that wrote stays; nothing of yours is in it."
            )


def _stepped(draft: Draft, edit: Edit, *, is_undo: bool, is_older: bool) -> Edited:
    """Return what going through an edit does; ``is_older``: changes were stored since."""
    draft.locate([step.ref for step in edit.steps])
    unfit = set()
    for number, recorded in enumerate(reversed(edit.steps) if is_undo else edit.steps):
        draft.token.advance(number, len(edit.steps))
        value = draft.value(recorded.ref)
        if digest_or_none(value) == (recorded.after if is_undo else recorded.before):
            draft.step(recorded.reversed() if is_undo else recorded, value)
        else:
            unfit.add(recorded.ref)
    draft.join_halves(edit.steps, is_older=is_older)
    return draft.stepped(edit, frozenset(unfit), frozenset(draft.overtaken()))


def _were(count: int, one: str) -> str:
    return f"{one} was" if count == 1 else f"{count:,} entries were"
