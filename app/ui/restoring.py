"""Offering the unsaved changes that a session which ended unexpectedly has left."""

from collections.abc import Callable, Sequence
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
        self._has_looked = False
        self._settling = settling
        self._runner = runner
        self._notices = notices
        document.watch_journal(partial(runner.call_soon, document.warn_of_journal))

    @Slot()
    def look(self) -> None:
        """Look for what was left of the database; once."""
        self.panel.clear()
        if not self._has_looked:
            self._has_looked = True
            self._look_for(self._offer)

    def look_without_file(self) -> None:
        """Look for what was left of a database that cannot be opened, as often as that is so."""
        if not self._has_looked:
            self._look_for(self._offer_kept)

    def _look_for(self, offer: Callable[[Sequence[Left]], None]) -> None:
        journals, path = self._journals, self._document.path
        if journals is not None:
            job = Job("Looking for unsaved changes", lambda _token: journals.found(path), offer)
            self._runner.start(job)

    # ---- without the file

    def _offer_kept(self, found: Sequence[Left]) -> None:
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
            Choice("Discard…", partial(self._ask_discard, self.kept, can_open=False)),
        )

    def _show(self, left: Left) -> None:
        ListDialog(kept_changes(self._document.name, left), self.panel).open()

    def _ask_discard(self, left: Left, *, can_open: bool) -> None:
        discard = partial(self._discard, left, can_open=can_open)
        ask_discard(self._document.name, left.count, discard, self.bar.window(), can_open=can_open)

    def _discard(self, left: Left, *, can_open: bool) -> None:
        self._notices.clear()
        try:
            left.discard()
        except DocumentError as error:
            self._notices.show_error(error)
        self._look_for(self._offer if can_open else self._offer_kept)

    # ---- with it

    def _offer(self, found: Sequence[Left]) -> None:
        """Offer the oldest: what was made later is restored over what was made before."""
        if not found:
            self.bar.clear()
            return
        left = found[0]
        self.bar.show_warning(
            _sentence(self._document.name, left, len(found) - 1),
            Choice("Restore", partial(self._restore, left)),
            Choice("Discard…", partial(self._ask_discard, left, can_open=True)),
        )

    def _restore(self, left: Left) -> None:
        """Restore what was left, over what is typed; not while that is refused."""
        self._settling.settle(partial(self._restore_settled, left))

    def _restore_settled(self, left: Left) -> None:
        self._notices.clear()
        look_again = partial(self._look_for, self._offer)
        if attempt(lambda: self._document.restore_job(left), self._runner, self._notices, over=look_again):
            self.bar.clear()  # the offer comes again where this fails or is given up


def _sentence(name: str, left: Left, others: int = 0) -> str:
    count = left.count
    changes = "One unsaved change" if count == 1 else f"{count:,} unsaved changes"
    more = f" {others:,} later session{' is' if others == 1 else 's are'} offered next." if others else ""
    return f"{changes} of {name} {'was' if count == 1 else 'were'} kept when Shelfscope ended unexpectedly.{more}"
