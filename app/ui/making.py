"""New databases that are empty."""

from functools import partial
from pathlib import Path

from app.backends.formats import FORMATS
from app.document.copies import create_job
from app.engine.base import MadeDatabase, NewDatabase
from app.ui.dialogs.new_database import NewDatabaseDialog, Wish
from app.ui.dialogs.places import made_sentence, names_of, path_of
from app.ui.work_beside import WorkBeside


class Making(WorkBeside):
    """Asks what is wanted, has it made, and opens it."""

    def ask_new(self, path: Path | None = None) -> None:
        """Ask for a new database; ``path`` is a name that is wanted already."""
        tab = self._area.current
        folder = path.parent if path else tab.document.path.parent if tab else Path.cwd()
        wish = Wish("New database", "Create", folder, path=path, format_id=_format_of(path), kept=self._area.files())
        dialog = NewDatabaseDialog(wish, self._window)
        dialog.chosen.connect(self._create)
        dialog.open()

    def _create(self, target: NewDatabase) -> None:
        self._notices.clear()
        job = create_job(target, self._make_engine)
        job.done = partial(self._on_created, target)
        self._errands.start(job)

    def _on_created(self, target: NewDatabase, made: MadeDatabase) -> None:
        tab = self._area.open_file(path_of(target, made))
        tab.notices.show_info(made_sentence(f"Created {names_of(made)}.", made))


def _format_of(path: Path | None) -> str:
    """Return the format that the suffix of a name stands for and no other, else an empty text."""
    suffix = path.suffix if path else ""
    named = [form.format_id for form in FORMATS.values() if suffix and form.suffix == suffix and form.writable]
    return named[0] if len(named) == 1 else ""
