"""Offering the unsaved changes that a session which ended unexpectedly has left."""

from functools import partial

from PySide6.QtCore import QObject, Slot

from app.document.document import Document
from app.document.job import Job
from app.document.journals import Journals, Left
from app.errors import DocumentError
from app.ui.attempt import attempt
from app.ui.choices import Choice
from app.ui.jobs import JobRunner
from app.ui.notices import NoticeBar


class Restoring(QObject):
    """Looks for journals once, when the keys of the database are known for the first time.

    The offer has a bar of its own: no other notice takes its place before it was answered.
    """

    def __init__(self, document: Document, journals: Journals | None, runner: JobRunner, notices: NoticeBar) -> None:
        super().__init__(notices)
        self.bar = NoticeBar("restore-bar", "Unsaved changes of the session before")
        self._document = document
        self._journals = journals
        self._runner = runner
        self._notices = notices

    @Slot()
    def look(self) -> None:
        """Look for what was left of the database; once."""
        journals, self._journals = self._journals, None
        if journals is not None:
            path = self._document.path
            job = Job("Looking for unsaved changes", lambda _token: list(journals.found(path)), self._offer)
            self._runner.start(job)

    def _offer(self, found: list[Left]) -> None:
        if not found:
            return
        left, others = found[-1], found[:-1]
        self.bar.show_warning(
            _sentence(self._document.name, left),
            Choice("Restore", partial(self._restore, left, others)),
            Choice("Discard", partial(self._discard, left, others)),
        )

    def _restore(self, left: Left, others: list[Left]) -> None:
        self._notices.clear()
        if not attempt(lambda: self._document.restore_job(left), self._runner, self._notices):
            return  # the offer stays
        self.bar.clear()
        if others:
            self._runner.start(Job("Looking for unsaved changes", lambda _token: others, self._offer))

    def _discard(self, left: Left, others: list[Left]) -> None:
        self._notices.clear()
        try:
            left.discard()
        except DocumentError as error:
            self._notices.show_error(error)
            return
        self.bar.clear()
        self._offer(others)


def _sentence(name: str, left: Left) -> str:
    count = left.count
    changes = "One unsaved change" if count == 1 else f"{count:,} unsaved changes"
    return f"{changes} of {name} {'was' if count == 1 else 'were'} kept when Shelfscope ended unexpectedly."
