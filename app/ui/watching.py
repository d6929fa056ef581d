"""Follows the files of all tabs, and works out beside them what other programs did."""

from functools import partial

from PySide6.QtCore import QObject, QTimer, Slot

from app.backends.key_index import KeyIndex
from app.document.copies import EngineFactory
from app.document.disk import DiskChanges
from app.errors import AppError
from app.ui.database_tab import DatabaseTab
from app.ui.errands import Errands
from app.ui.file_watcher import FileWatcher
from app.ui.on_disk import OnDisk
from app.ui.tab_area import TabArea

_ANYWAY = 3_000
"""Milliseconds between two looks at the file in front, and at those that are gone.

What is written through a memory map gives no hint.
"""


class Watching(QObject):
    """Hands hints on to the tabs; at most one comparison of each tab runs."""

    def __init__(self, make_engine: EngineFactory, area: TabArea, errands: Errands) -> None:
        super().__init__(area)
        self._make_engine = make_engine
        self._area = area
        self._errands = errands
        self._compared: dict[DatabaseTab, bool] = {}
        """The tabs that are compared now, and whether they are to be again."""
        self._watcher = FileWatcher(self)
        self._watcher.hinted.connect(self._on_hint)
        self._anyway = QTimer(self, interval=_ANYWAY)
        self._anyway.timeout.connect(self._on_anyway)
        self._anyway.start()
        area.added.connect(self._on_added)
        area.dropped.connect(self._on_dropped)

    @Slot(object)
    def _on_added(self, tab: DatabaseTab) -> None:
        tab.opened.connect(self._on_opened)
        tab.on_disk.comparison_wanted.connect(self._on_comparison_wanted)
        self._watcher.watch(tab, {tab.document.path})

    @Slot()
    def _on_opened(self) -> None:
        tab = self.sender()
        if isinstance(tab, DatabaseTab):
            self._watcher.watch(tab, tab.files)

    @Slot(object)
    def _on_dropped(self, tab: DatabaseTab) -> None:
        self._watcher.forget(tab)

    @Slot(object)
    def _on_hint(self, tab: DatabaseTab) -> None:
        tab.reading.look_at_file()

    @Slot()
    def _on_anyway(self) -> None:
        front = self._area.current if self._area.window().isActiveWindow() else None
        for tab in self._area.all():
            # A folder that moved with the one around it is watched where it went: nothing tells that it is back.
            if (tab is front or tab.on_disk.is_lost) and tab.can_browse and tab.runner.is_idle:
                tab.reading.look_at_file()

    # ---- comparing

    @Slot()
    def _on_comparison_wanted(self) -> None:
        on_disk = self.sender()
        tab = next((tab for tab in self._area.all() if isinstance(on_disk, OnDisk) and tab.on_disk is on_disk), None)
        if tab is not None:
            self._compare(tab)

    def _compare(self, tab: DatabaseTab) -> None:
        if tab in self._compared:
            self._compared[tab] = True
            return
        try:
            job = tab.document.comparison_job(self._make_engine)
        except AppError:  # its keys are being read: what is there now will be known then
            return
        self._compared[tab] = False
        job.done = partial(self._on_compared, tab, tab.document.index)
        job.failed = partial(self._on_failed, tab, tab.document.index)
        self._errands.start(job, cancelled=partial(self._on_cancelled, tab), is_awaited=False)

    def _on_compared(self, tab: DatabaseTab, index: KeyIndex, changes: DiskChanges) -> None:
        if self._end(tab) and tab.document.index is index:  # else it was read again meanwhile
            tab.on_disk.show_comparison(changes)

    def _on_failed(self, tab: DatabaseTab, index: KeyIndex, error: AppError) -> None:
        if self._end(tab) and tab.document.index is index:
            tab.on_disk.show_lost(f"{tab.document.name} can no longer be read. {error.message}")

    def _on_cancelled(self, tab: DatabaseTab) -> None:
        self._end(tab)

    def _end(self, tab: DatabaseTab) -> bool:
        """Tell whether the outcome is of use: the tab is there, and its file was not written again."""
        is_again = self._compared.pop(tab, False)
        is_there = tab in self._area.all()
        if is_again and is_there:
            tab.reading.look_at_file()
        return is_there and not is_again
