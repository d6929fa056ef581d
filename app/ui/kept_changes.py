"""What was kept of a database that cannot be opened, saved as a database of its own."""

from functools import partial

from app.backends.formats import FORMATS
from app.document.journals import Left
from app.document.rescuing import kept_job
from app.engine.base import MadeDatabase, NewDatabase
from app.errors import AppError
from app.ui.choices import Choice
from app.ui.database_tab import DatabaseTab
from app.ui.dialogs.new_database import NewDatabaseDialog, Wish
from app.ui.dialogs.places import made_sentence, names_of, path_of
from app.ui.notices import NoticeBar
from app.ui.work_beside import WorkBeside


class KeptChanges(WorkBeside):
    """Asks where they go, and opens the new database; what was kept stays until somebody discards it."""

    def ask_save(self, tab: DatabaseTab) -> None:
        left = tab.restoring.kept
        if left is None:
            return
        path, form = left.database, FORMATS.get(left.format)
        wish = Wish(
            f"Save the unsaved changes of {path.name}",
            "Save",
            path.parent,
            f"{path.stem} changes",
            format_id=form.format_id if form is not None and form.writable else "",
            kept=self._area.files(),
        )
        dialog = NewDatabaseDialog(wish, self._window)
        dialog.chosen.connect(partial(self._write, tab, left))
        dialog.open()

    def _write(self, tab: DatabaseTab, left: Left, target: NewDatabase) -> None:
        tab.notices.clear()
        job = kept_job(left, target, self._make_engine)
        job.done = partial(self._on_written, left, target)
        job.failed = partial(self._on_failed, tab)
        self._errands.start(job)

    def _on_failed(self, tab: DatabaseTab, error: AppError) -> None:
        is_open = tab in self._area.all()
        notices: NoticeBar = tab.notices if is_open else self._notices
        again = (Choice("Another place…", partial(self.ask_save, tab)),) if is_open else ()
        notices.show_error(error, *again)

    def _on_written(self, left: Left, target: NewDatabase, made: MadeDatabase) -> None:
        tab = self._area.open_file(path_of(target, made))
        entries = "1 entry" if made.entries == 1 else f"{made.entries:,} entries"
        deleted = sum(change.is_deleted for change in left.changes)
        more = f" What was to be deleted ({deleted:,}) is not in it." if deleted else ""
        said = (
            f"Wrote {entries} to {names_of(made)}: what was changed or added in {left.database.name}.{more} "
            f"The changes are still kept for {left.database.name} as well."
        )
        tab.notices.show_info(made_sentence(said, made))
