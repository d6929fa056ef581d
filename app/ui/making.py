"""New databases: empty ones, and copies of what is open under another name or in another format."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

from PySide6.QtCore import QObject
from PySide6.QtWidgets import QWidget

from app.backends.formats import FORMATS
from app.document.copies import EngineFactory, convert_job, create_job, refusals_job
from app.document.document import PendingChange
from app.document.rescuing import Rescued
from app.engine.base import MadeDatabase, NewDatabase, Refusals
from app.errors import AppError, KeyRejected
from app.ui.choices import Choice
from app.ui.database_tab import DatabaseTab
from app.ui.dialogs.format_texts import writable_formats
from app.ui.dialogs.new_database import NewDatabaseDialog, Wish
from app.ui.dialogs.places import names_of, path_of
from app.ui.dialogs.refusals import RefusalsDialog
from app.ui.errands import Errands
from app.ui.notices import NoticeBar
from app.ui.tab_area import TabArea


class Making(QObject):
    """Asks what is wanted, has it made beside the tabs, and shows it or offers to."""

    def __init__(
        self, make_engine: EngineFactory, area: TabArea, errands: Errands, notices: NoticeBar, window: QWidget
    ) -> None:
        super().__init__(window)
        self._make_engine = make_engine
        self._area = area
        self._errands = errands
        self._notices = notices
        self._window = window

    # ---- empty ones

    def ask_new(self, path: Path | None = None) -> None:
        """Ask for a new database; ``path`` is a name that is wanted already."""
        tab = self._area.current
        folder = path.parent if path else tab.document.path.parent if tab else Path.cwd()
        wish = Wish("New database", "Create", folder, path=path, format_id=_format_of(path), kept=self._area.files())
        self._ask(wish, self._create)

    def _ask(self, wish: Wish, go_on: Callable[[NewDatabase], None]) -> None:
        dialog = NewDatabaseDialog(wish, self._window)
        dialog.chosen.connect(go_on)
        dialog.open()

    def _create(self, target: NewDatabase) -> None:
        self._notices.clear()
        job = create_job(target, self._make_engine)
        job.done = partial(self._on_created, target)
        self._errands.start(job)

    def _on_created(self, target: NewDatabase, made: MadeDatabase) -> None:
        tab = self._area.open_file(path_of(target, made))
        tab.notices.show_info(_said(f"Created {names_of(made)}.", made))

    # ---- copies

    def ask_save_as(self, tab: DatabaseTab) -> None:
        """Ask for another file that the tab goes on with."""
        self._ask(self._wish(tab, f"Save {tab.document.name} as", "Save"), partial(self._save_as, tab))

    def ask_save_copy(self, tab: DatabaseTab) -> None:
        """Ask for a copy as the entries are now; the tab stays with its file and what is not saved."""
        wish = self._wish(tab, f"Save a copy of {tab.document.name}", "Save the copy")
        self._ask(replace(wish, stem=f"{wish.stem} copy"), partial(self._convert, tab))

    def ask_convert(self, tab: DatabaseTab) -> None:
        """Ask for a copy in another format; the tab stays with its file."""
        wish = self._wish(tab, f"Convert {tab.document.name}", "Convert")
        other = next(form.format_id for form in writable_formats() if form.format_id != wish.source_format)
        self._ask(replace(wish, format_id=other), partial(self._convert, tab))

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

    def _save_as(self, tab: DatabaseTab, target: NewDatabase) -> None:
        self._copy(tab, target, is_moving=True)

    def _convert(self, tab: DatabaseTab, target: NewDatabase) -> None:
        self._copy(tab, target, is_moving=False)

    def _copy(self, tab: DatabaseTab, target: NewDatabase, *, is_moving: bool) -> None:
        self._notices.clear()
        copy = _Copy(tab, target, is_moving=is_moving)
        tab.saving.settle(partial(self._write, copy))

    def _write(self, copy: "_Copy", *, leaves_out: bool = False) -> None:
        document = copy.tab.document
        copy.changes = document.pending_changes
        if copy.tab.on_disk.is_lost:
            self._rescue(copy)
            return
        job = convert_job(document, copy.target, self._make_engine, leaves_out=leaves_out)
        job.done = partial(self._on_written, copy)
        job.failed = partial(self._on_not_written, copy)
        self._errands.start(job, cancelled=partial(self._on_given_up, copy))

    def _rescue(self, copy: "_Copy") -> None:
        """Write what is still open of a file that is gone, by the engine that has it open."""
        job = copy.tab.document.rescue_job(copy.target, self._make_engine)
        job.done = partial(self._on_rescued, copy)
        job.failed = copy.tab.notices.show_error
        copy.tab.runner.start(job, cancelled=partial(self._on_given_up, copy))

    def _on_rescued(self, copy: "_Copy", rescued: Rescued) -> None:
        if rescued.is_whole:
            self._on_written(copy, rescued.made)
            return
        path = path_of(copy.target, rescued.made)
        self._notices.show_warning(
            f"Wrote {_counted(rescued.made)} to {names_of(rescued.made)}: only what you changed, as the others were in "
            f"{copy.source_name} alone. Your changes are still here as well.",
            Choice("Open", partial(self._open, path)),
        )

    def _on_not_written(self, copy: "_Copy", error: AppError) -> None:
        """Show why; where it is for some entries alone, list those."""
        if not isinstance(error, KeyRejected):
            self._notices.show_error(error)
            return
        job = refusals_job(copy.tab.document, copy.target, self._make_engine)
        job.done = partial(self._on_refusals, copy, error)
        self._errands.start(job, cancelled=partial(self._on_given_up, copy))

    def _on_refusals(self, copy: "_Copy", error: AppError, refusals: Refusals) -> None:
        if not refusals.count:
            self._notices.show_error(error)
            return
        dialog = RefusalsDialog(refusals, copy.name, FORMATS[copy.target.format].label, self._window)
        dialog.accepted.connect(partial(self._write, copy, leaves_out=True))
        dialog.open()

    def _on_given_up(self, copy: "_Copy") -> None:
        self._notices.show_info(f"Cancelled: {copy.name} was not written.")

    def _on_written(self, copy: "_Copy", made: MadeDatabase) -> None:
        path = path_of(copy.target, made)
        if copy.is_moving and copy.tab in self._area.all():
            copy.tab.continue_as(path, copy.changes)
            copy.tab.notices.show_info(_said(f"Saved as {names_of(made)}: {_counted(made)}.", made))
            return
        label = FORMATS[copy.target.format].label
        said = f"Wrote {copy.source_name} to {names_of(made)} ({label}): {_counted(made)}."
        self._notices.show_info(_said(said, made), Choice("Open", partial(self._open, path)))

    def _open(self, path: Path) -> None:
        self._notices.clear()
        self._area.open_file(path)


class _Copy:
    """A copy on its way. ``changes`` are those that it has and the file does not."""

    def __init__(self, tab: DatabaseTab, target: NewDatabase, *, is_moving: bool) -> None:
        self.tab = tab
        self.target = target
        self.is_moving = is_moving
        self.source_name = tab.document.name
        self.changes: Sequence[PendingChange] = ()

    @property
    def name(self) -> str:
        return Path(self.target.path).name


def _format_of(path: Path | None) -> str:
    """Return the format that the suffix of a name stands for and no other, else an empty text."""
    suffix = path.suffix if path else ""
    named = [form.format_id for form in FORMATS.values() if suffix and form.suffix == suffix and form.writable]
    return named[0] if len(named) == 1 else ""


def _counted(made: MadeDatabase) -> str:
    left_out = f", {made.left_out.count:,} left out" if made.left_out.count else ""
    return f"{made.entries:,} {'entry' if made.entries == 1 else 'entries'}{left_out}"


def _said(sentence: str, made: MadeDatabase) -> str:
    """Return a sentence with what else is to be known of a new database."""
    names = ", ".join(Path(backup).name for backup in made.backups)
    kept = f"What was there before is kept in {names}." if names else ""
    return " ".join(part for part in (sentence, kept, *made.warnings) if part)
