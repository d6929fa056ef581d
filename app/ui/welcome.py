"""The files of which unsaved changes were kept, on the page that is there while none is open."""

from collections.abc import Sequence
from functools import partial
from pathlib import Path

from PySide6.QtCore import QDate, QDateTime, QLocale, QObject, QTimer, Slot

from app.document.job import Job
from app.document.journals import Journals, Kept
from app.ui.errands import Errands
from app.ui.tab_area import TabArea
from app.ui.views.kept_panel import KeptPanel, KeptRow

_LISTED = 100
"""Files that are listed."""


class Welcome(QObject):
    """Looks whenever the page comes into sight: what was answered meanwhile is not listed any more."""

    def __init__(self, area: TabArea, journals: Journals, errands: Errands, parent: QObject) -> None:
        super().__init__(parent)
        self._area = area
        self._journals = journals
        self._errands = errands
        self._panel = KeptPanel("kept-files")
        area.start_page.add_below(self._panel)
        area.start_page.shown.connect(self._on_shown)

    @Slot()
    def _on_shown(self) -> None:
        QTimer.singleShot(0, self, self._look)  # a start with files goes on to these at once

    def _look(self) -> None:
        if self._area.start_page.isVisible():
            job = Job("Looking for unsaved changes", lambda _token: self._journals.kept(), self._show)
            self._errands.start(job, is_awaited=False)

    def _show(self, kept: Sequence[Kept]) -> None:
        text = "Shelfscope ended unexpectedly while these had changes. Open one to restore or discard them."
        if len(kept) > _LISTED:
            text += f" The newest {_LISTED:,} of {len(kept):,} are listed."
        rows = [self._row(each) for each in kept[:_LISTED]]
        self._panel.show_files("Unsaved changes were kept", text, rows)

    def _row(self, kept: Kept) -> KeptRow:
        path = kept.database
        count = "1 change" if kept.count == 1 else f"{kept.count:,} changes"
        return KeptRow(path.name, str(path.parent), count, _when(kept.modified), partial(self._open, path))

    def _open(self, path: Path) -> None:
        self._area.open_file(path)


def _when(seconds: float) -> str:
    """Return a time as people here write it; of today only the hour."""
    moment, locale, short = QDateTime.fromSecsSinceEpoch(int(seconds)), QLocale(), QLocale.FormatType.ShortFormat
    time = locale.toString(moment.time(), short)
    is_today = moment.date() == QDate.currentDate()
    return f"{'today' if is_today else locale.toString(moment.date(), short)}, {time}"
