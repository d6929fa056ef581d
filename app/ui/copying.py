"""Copies of what is open: under another name to go on with, beside it, or in another format."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

from app.backends.formats import FORMATS
from app.cancel import CancelToken
from app.document.begun_copy import BegunCopy
from app.document.copies import Seen, convert_job, refusals_job
from app.document.job import Job
from app.document.rescuing import Rescued
from app.engine.base import FileState, MadeDatabase, NewDatabase, Refusals
from app.errors import AppError, KeyRejected, StaleIndex
from app.ui.choices import Choice
from app.ui.database_tab import DatabaseTab
from app.ui.dialogs.format_texts import writable_formats
from app.ui.dialogs.new_database import NewDatabaseDialog, Wish
from app.ui.dialogs.places import made_sentence, names_of, path_of
from app.ui.dialogs.refusals import RefusalsDialog
from app.ui.notices import NoticeBar
from app.ui.work_beside import WorkBeside


@dataclass(slots=True, eq=False)
class _Copy:
    """A copy on its way. ``ask`` asks for another file; ``begun`` tells what it has, once it is being written."""

    tab: DatabaseTab
    target: NewDatabase
    ask: Callable[[], None]
    source_name: str
    is_moving: bool = False
    leaves_out: bool = False
    """Whether it is to be without the entries that its format cannot hold."""
    begun: BegunCopy | None = field(default=None, init=False)
    seen: Seen = None
    """What the files looked like then: where they were written since, it is begun anew."""
    attempts_left: int = 3

    def begin(self, seen: Seen = None) -> None:
        """Take a note of what it is to have."""
        self.begun, self.seen = self.tab.document.begin_copy(self.target.format), seen

    @property
    def deletions(self) -> int:
        """How many of the entries it is to be without."""
        return sum(change.is_deleted for change in self.begun.changes) if self.begun else 0

    @property
    def name(self) -> str:
        return Path(self.target.path).name

    @property
    def label(self) -> str:
        return FORMATS[self.target.format].label


class Copying(WorkBeside):
    """Asks where a copy goes, has it written, and says in its tab how that ended."""

    # ---- what a person is asked

    def ask_save_as(self, tab: DatabaseTab) -> None:
        """Ask for another file that the tab goes on with."""
        wish = self._wish(tab, f"Save {tab.document.name} as", "Save")
        self._ask(tab, wish, partial(self.ask_save_as, tab), is_moving=True)

    def ask_save_copy(self, tab: DatabaseTab) -> None:
        """Ask for a copy as the entries are now; the tab stays with its file and what is not saved."""
        wish = self._wish(tab, f"Save a copy of {tab.document.name}", "Save the copy")
        self._ask(tab, replace(wish, stem=f"{wish.stem} copy"), partial(self.ask_save_copy, tab))

    def ask_convert(self, tab: DatabaseTab) -> None:
        """Ask for a copy in another format; the tab stays with its file."""
        wish = self._wish(tab, f"Convert {tab.document.name}", "Convert")
        other = next(form.format_id for form in writable_formats() if form.format_id != wish.source_format)
        self._ask(tab, replace(wish, format_id=other), partial(self.ask_convert, tab))

    def _wish(self, tab: DatabaseTab, title: str, action: str) -> Wish:
        path, info = tab.document.path, tab.document.info
        return Wish(
            title,
            action,
            path.parent,
            path.stem,
            source_format=info.format if info else "",
            source_name=tab.document.name,
            suffix=path.suffix,
            kept=self._area.files(),
        )

    def _ask(self, tab: DatabaseTab, wish: Wish, again: Callable[[], None], *, is_moving: bool = False) -> None:
        dialog = NewDatabaseDialog(wish, self._window)
        dialog.chosen.connect(partial(self._on_chosen, tab, again, is_moving=is_moving))
        dialog.open()

    def _on_chosen(self, tab: DatabaseTab, again: Callable[[], None], target: NewDatabase, *, is_moving: bool) -> None:
        copy = _Copy(tab, target, again, tab.document.name, is_moving)
        self._notices.clear()
        tab.notices.clear()
        tab.saving.settle(partial(self._look, copy))

    # ---- writing

    def _look(self, copy: _Copy) -> None:
        """See first what is stored: a save may be on its way that nobody knows the end of before the keys are read."""
        job = Job("Looking", _nothing_yet, lambda _: self._look_at_file(copy), needs_keys=True)
        copy.tab.runner.start(job, cancelled=partial(self._on_given_up, copy))

    def _look_at_file(self, copy: _Copy) -> None:
        """See whether the file can still be read: nobody may have noticed yet that it cannot."""
        if not copy.tab.document.is_indexed:
            self._write(copy)
            return
        job = copy.tab.document.changed_on_disk_job()
        job.done = partial(self._on_state, copy)
        copy.tab.runner.start(job, cancelled=partial(self._on_given_up, copy))

    def _on_state(self, copy: _Copy, state: FileState) -> None:
        if state.lost:
            self._rescue(copy)
        else:
            self._write(copy, state.signature)

    def _write(self, copy: _Copy, seen: Seen = None) -> None:
        document = copy.tab.document
        copy.begin(seen)
        if copy.tab.on_disk.is_lost:
            self._rescue(copy)
            return
        job = convert_job(document, copy.target, self._make_engine, leaves_out=copy.leaves_out, seen=seen)
        job.done = partial(self._on_written, copy)
        job.failed = partial(self._on_not_written, copy)
        self._errands.start(job, cancelled=partial(self._on_given_up, copy))

    def _rescue(self, copy: _Copy) -> None:
        """Write what is still open of a file that is gone, by the engine that has it open."""
        copy.begin()
        job = copy.tab.document.rescue_job(copy.target, self._make_engine)
        job.done = partial(self._on_rescued, copy)
        job.failed = partial(self._show_error, copy)
        copy.tab.runner.start(job, cancelled=partial(self._on_given_up, copy))

    # ---- what comes of it

    def _notices_of(self, copy: _Copy) -> NoticeBar:
        """Return where a person looks for it: in the tab, while that is open."""
        return copy.tab.notices if copy.tab in self._area.all() else self._notices

    def _show_error(self, copy: _Copy, error: AppError) -> None:
        is_open = copy.tab in self._area.all()
        again = (Choice("Another place…", copy.ask),) if is_open else ()
        self._notices_of(copy).show_error(error, *again)

    def _on_given_up(self, copy: _Copy) -> None:
        self._notices_of(copy).show_info(f"Cancelled: {copy.name} was not written.")

    def _on_not_written(self, copy: _Copy, error: AppError) -> None:
        """Show why; where it is for some entries alone, list those; where a save came between, begin anew."""
        if isinstance(error, StaleIndex) and copy.attempts_left:
            copy.attempts_left -= 1
            self._look(copy)
            return
        if not isinstance(error, KeyRejected):
            self._show_error(copy, error)
            return
        job = refusals_job(copy.tab.document, copy.target, self._make_engine, seen=copy.seen)
        job.done = partial(self._on_refusals, copy, error)
        job.failed = partial(self._on_not_written, copy)
        self._errands.start(job, cancelled=partial(self._on_given_up, copy))

    def _on_refusals(self, copy: _Copy, error: AppError, refusals: Refusals) -> None:
        if not refusals.count:
            self._show_error(copy, error)
        elif refusals.count >= len(copy.tab.document) - copy.deletions:
            self._show_error(copy, AppError(_none_fits(copy, refusals)))
        else:
            dialog = RefusalsDialog(refusals, copy.name, copy.label, self._window)
            dialog.accepted.connect(partial(self._leave_out, copy))
            dialog.open()

    def _leave_out(self, copy: _Copy) -> None:
        copy.leaves_out = True
        self._look(copy)

    def _on_rescued(self, copy: _Copy, rescued: Rescued) -> None:
        if rescued.is_whole:
            self._on_written(copy, rescued.made)
            return
        self._notices_of(copy).show_warning(
            f"Wrote {_counted(rescued.made)} to {names_of(rescued.made)}: only what you changed, as the others were in "
            f"{copy.source_name} alone. Your changes are still here as well.",
            self._opening(copy, rescued.made),
        )

    def _on_written(self, copy: _Copy, made: MadeDatabase) -> None:
        if not copy.is_moving or copy.begun is None or copy.tab not in self._area.all():
            self._say_written(copy, made)
        elif made.left_out.count:
            self._on_turn(copy, made, False)
        else:
            copy.tab.reading.continue_as(path_of(copy.target, made), copy.begun, partial(self._on_turn, copy, made))

    def _on_turn(self, copy: _Copy, made: MadeDatabase, is_moved: bool) -> None:
        if is_moved:
            copy.tab.notices.show_info(made_sentence(f"Saved as {names_of(made)}: {_counted(made)}.", made))
            return
        what = "what is typed stays" if copy.tab.editing.is_open else "nothing is lost"
        self._say_written(copy, made, f" This tab stays with {copy.tab.document.name}, so that {what}.")

    def _say_written(self, copy: _Copy, made: MadeDatabase, more: str = "") -> None:
        said = f"Wrote {copy.source_name} to {names_of(made)} ({copy.label}): {_counted(made)}."
        self._notices_of(copy).show_info(made_sentence(f"{said}{more}", made), self._opening(copy, made))

    def _opening(self, copy: _Copy, made: MadeDatabase) -> Choice:
        return Choice("Open", partial(self._open, copy, path_of(copy.target, made)))

    def _open(self, copy: _Copy, path: Path) -> None:
        self._notices_of(copy).clear()
        self._area.open_file(path)


def _none_fits(copy: _Copy, refusals: Refusals) -> str:
    reason = refusals.first[0].reason if refusals.first else "the format has no room for them"
    advice = f" To store more, {refusals.advice}." if refusals.advice else ""
    which = "The entry" if refusals.count == 1 else f"None of the {refusals.count:,} entries"
    can = "cannot" if refusals.count == 1 else "can"
    return f"{which} {can} be stored in {copy.name} ({copy.label}), so it was not written: {reason}.{advice}"


def _nothing_yet(_token: CancelToken) -> None:
    pass


def _counted(made: MadeDatabase) -> str:
    left_out = f", {made.left_out.count:,} left out" if made.left_out.count else ""
    return f"{made.entries:,} {'entry' if made.entries == 1 else 'entries'}{left_out}"
