"""An export on its way: how far it is, and how it ended."""

from collections.abc import Sequence
from pathlib import Path

from app.cancel import CancelToken
from app.document.document import Document
from app.engine.base import ExportReport
from app.ui.jobs import JobRunner
from app.ui.notices import NoticeBar

LINES_SUFFIXES = (".jsonl", ".ndjson")
"""What the name of a JSON Lines file ends in."""


def start_export(
    document: Document, entry_ids: Sequence[int] | None, target: Path, runner: JobRunner, notices: NoticeBar
) -> None:
    """Export entries (all when None) in the background, as JSON or, by the suffix of ``target``, JSON Lines."""
    progress = _Progress(target, notices)
    job = document.export_job(entry_ids, target, lines=target.suffix.lower() in LINES_SUFFIXES)
    job.item, job.done = progress.on_report, progress.on_done
    progress.token = runner.start(job, cancelled=progress.on_cancelled)


class _Progress:
    """Passes on how far an export is, and says how it ended."""

    def __init__(self, target: Path, notices: NoticeBar) -> None:
        self.token = CancelToken()
        self._target = target
        self._notices = notices
        self._last = ExportReport(0, 0)

    def on_report(self, report: ExportReport) -> None:
        self._last = report
        self.token.done, self.token.total = report.entries, report.total

    def on_done(self) -> None:
        count, damaged = self._last.entries, len(self._last.damaged)
        said = f"Exported {count:,} {'entry' if count == 1 else 'entries'} to {self._target.name}."
        if damaged:
            are = f"{damaged:,} of them {'is' if damaged == 1 else 'are'} damaged, as a whole or in part"
            self._notices.show_warning(f"{said} {are}, and marked so in the file.")
        else:
            self._notices.show_info(said)

    def on_cancelled(self) -> None:
        self._notices.show_info(f"The export was cancelled; {self._target.name} was not written.")
