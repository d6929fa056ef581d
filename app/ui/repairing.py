"""Checking a database for damage, and salvaging what is left of a damaged one."""

from collections.abc import Sequence
from functools import partial
from pathlib import Path

from PySide6.QtCore import Signal
from shiboken6 import isValid

from app.document.copies import check_job, salvage_job
from app.document.document import Document
from app.engine.base import Info, ProblemNote, SalvageReport
from app.errors import AppError, CorruptDatabase, UnknownFormat
from app.ui.choices import Choice
from app.ui.database_tab import DatabaseTab
from app.ui.dialogs.places import can_be_read, path_of
from app.ui.dialogs.salvage import Recognised, SalvageDialog, SalvageWish
from app.ui.work_beside import WorkBeside


class Repairing(WorkBeside):
    """Has files looked at, and shows what came of it."""

    problems_wanted = Signal(object)
    """The `DatabaseTab` whose problems are to be seen."""

    # ---- checking

    def check(self, tab: DatabaseTab) -> None:
        """Look for damage in the files of a tab as they are stored."""
        self._notices.clear()
        job = check_job(tab.document.path, self._make_engine)
        job.done = partial(self._on_checked, tab, tab.document.path)
        self._errands.start(job)

    def _on_checked(self, tab: DatabaseTab, path: Path, problems: Sequence[ProblemNote]) -> None:
        is_shown = tab in self._area.all()
        notices = tab.notices if is_shown else self._notices
        if not problems:
            notices.show_info(f"Checked {path.name}: no damage found.")
            return
        if is_shown:
            tab.reading.show_findings(problems)
            self.problems_wanted.emit(tab)
        found = "1 problem" if len(problems) == 1 else f"{len(problems):,} problems"
        salvage = Choice("Salvage…", partial(self.ask_salvage, path))
        notices.show_warning(f"Checked {path.name}: {found} found.", salvage)

    # ---- salvaging

    def ask_salvage(self, source: Path | None) -> None:
        """Ask what to salvage; ``source`` is a file that is known to be damaged, or likely to be."""
        dialog = SalvageDialog(source, self._area.files(), self._window)
        dialog.source_given.connect(partial(self._look_at, dialog))
        dialog.chosen.connect(self._salvage)
        dialog.open()

    def _look_at(self, dialog: SalvageDialog, source: Path) -> None:
        """Find out what a file is, for the dialog."""
        document = Document(self._make_engine(), source)
        job = document.open_job()
        job.done = partial(_show_recognised, dialog, source)
        job.failed = partial(_show_unknown, dialog, source)
        self._errands.start(job, last=document.close, is_awaited=False)

    def _salvage(self, wish: SalvageWish) -> None:
        self._notices.clear()
        job = salvage_job(wish.source, wish.target, self._make_engine, deleted=wish.deleted, format_id=wish.format_id)
        job.done = partial(self._on_salvaged, wish)
        job.failed = partial(self._on_failed, wish.source)
        self._errands.start(job, cancelled=partial(self._on_given_up, wish))

    def _on_failed(self, source: Path, error: AppError) -> None:
        self._notices.show_error(error, Choice("Try again…", partial(self.ask_salvage, source)))

    def _on_given_up(self, wish: SalvageWish) -> None:
        self._notices.show_info(f"The salvage of {wish.source.name} was cancelled; nothing was written.")

    def _on_salvaged(self, wish: SalvageWish, report: SalvageReport) -> None:
        tab = self._area.open_file(path_of(wish.target, report.made))
        tab.reading.show_findings(report.problems)
        said = _tally(wish.source.name, report)
        if report.problems:
            show = Choice("Problems", partial(self.problems_wanted.emit, tab))
            self._notices.show_warning(f"{said} Some places could not be read.", show)
        else:
            self._notices.show_info(said)


def _show_recognised(dialog: SalvageDialog, source: Path, info: Info) -> None:
    if isValid(dialog):
        source_is = Recognised.NOTHING if info.recognised_only else Recognised.TOLD
        dialog.show_source(source, info.recognised_only or info.reason, source_is)


def _show_unknown(dialog: SalvageDialog, source: Path, error: AppError) -> None:
    if not isValid(dialog):
        return
    match error:
        case UnknownFormat():
            source_is = Recognised.UNKNOWN
        case CorruptDatabase():
            source_is = Recognised.TOLD
        case _:
            source_is = Recognised.UNSURE if can_be_read(source) else Recognised.NOTHING
    dialog.show_source(source, error.message, source_is)


def _tally(name: str, report: SalvageReport) -> str:
    counts = (
        (report.live, "in their place"),
        (report.lost, "that nothing led to"),
        (report.deleted, "deleted or superseded"),
    )
    parts = [f"{count:,} {what}" for count, what in counts if count]
    renamed = f"; {report.renamed:,} got another key" if report.renamed else ""
    left_out = report.made.left_out.count
    left = f"; {left_out:,} could not be stored and were left out" if left_out else ""
    total = report.live + report.lost + report.deleted
    entries = "entry" if total == 1 else "entries"
    return f"Salvaged {total:,} {entries} of {name}: {', '.join(parts) or 'none'}{renamed}{left}."
