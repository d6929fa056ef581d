"""Offering the unsaved changes that a session which ended unexpectedly has left."""

from functools import partial

from PySide6.QtCore import QObject, Signal, Slot

from app.document.document import Document
from app.document.job import Job
from app.document.journals import Journals, Left
from app.errors import DocumentError
from app.ui.attempt import attempt
from app.ui.choices import Choice
from app.ui.dialogs.kept_changes import kept_changes
from app.ui.dialogs.list_dialog import ListDialog
from app.ui.dialogs.questions import ask_discard
from app.ui.jobs import JobRunner
from app.ui.notices import NoticeBar
from app.ui.settling import Settling
from app.ui.views.kept_panel import KeptPanel
from app.ui.wants import Want


class Restoring(QObject):
    """Looks for journals once, when the keys of the database are known for the first time.

    The offer has a bar of its own: no other notice takes its place before it was answered. While the file cannot be
    opened, the page that says so has another one, in ``panel``.
    """

    save_wanted = Signal()
    """What was kept is to become a database of its own."""

    def __init__(
        self,
        document: Document,
        journals: Journals | None,
        settling: Settling,
        runner: JobRunner,
        notices: NoticeBar,
    ) -> None:
        super().__init__(notices)
        self.bar = NoticeBar("restore-bar", "Unsaved changes of the session before")
        self.panel = KeptPanel("kept-changes")
        self.kept: Left | None = None
        """What the panel is about."""
        self._document = document
        self._journals = journals
        self._settling = settling
        self._runner = runner
        self._notices = notices
        document.watch_journal(partial(runner.call_soon, document.warn_of_journal))

    @Slot()
    def look(self) -> None:
        """Look for what was left of the database; once."""
        self.panel.clear()
        journals, self._journals = self._journals, None
        if journals is not None:
            path = self._document.path
            job = Job("Looking for unsaved changes", lambda _token: list(journals.found(path)), self._offer)
            self._runner.start(job)

    # ---- without the file

    def look_without_file(self) -> None:
        """Look for what was left of a database that cannot be opened, as often as that is so."""
        journals, path = self._journals, self._document.path
        if journals is not None:
            job = Job("Looking for unsaved changes", lambda _token: list(journals.found(path)), self._offer_kept)
            self._runner.start(job)

    def _offer_kept(self, found: list[Left]) -> None:
        self.kept = found[-1] if found else None
        if self.kept is None:
            self.panel.clear()
            return
        self.panel.show_offer(
            _sentence(self._document.name, self.kept),
            "Once the file can be opened again, they can be restored. Or save what was changed and added as a "
            "database of its own.",
            Choice(Want.SAVE_KEPT.value, self.save_wanted.emit),
            Choice("Show…", partial(self._show, self.kept)),
            Choice("Discard…", partial(self._ask_discard, self.kept)),
        )

    def _show(self, left: Left) -> None:
        ListDialog(kept_changes(self._document.name, left), self.panel).open()

    def _ask_discard(self, left: Left) -> None:
        ask_discard(self._document.name, left.count, partial(self._discard_kept, left), self.panel.window())

    def _discard_kept(self, left: Left) -> None:
        try:
            left.discard()
        except DocumentError as error:
            self._notices.show_error(error)
        self.look_without_file()

    # ---- with it

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
        """Restore what was left, over what is typed; not while that is refused."""
        self._settling.settle(partial(self._restore_settled, left, others))

    def _restore_settled(self, left: Left, others: list[Left]) -> None:
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
