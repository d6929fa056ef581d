"""Saving the databases of all tabs, one beside the other."""

from collections.abc import Sequence

from PySide6.QtCore import QObject, Slot

from app.ui.database_tab import DatabaseTab
from app.ui.notices import NoticeBar
from app.ui.saving import Saving
from app.ui.tab_area import TabArea


class SaveAll(QObject):
    """Says how many were saved; the first one that was not comes to the front, where its tab says why."""

    def __init__(self, area: TabArea, notices: NoticeBar, parent: QObject) -> None:
        super().__init__(parent)
        self._area = area
        self._notices = notices
        self._waiting: dict[Saving, DatabaseTab] = {}
        self._saved = 0
        self._is_failed = False

    def start(self) -> None:
        """Save every database that has changes and can be saved."""
        tabs: Sequence[DatabaseTab] = [tab for tab in self._area.all() if tab.can_save]
        if self._waiting or not tabs:
            return
        self._notices.clear()
        self._saved, self._is_failed = 0, False
        self._waiting = {tab.saving: tab for tab in tabs}
        for tab in tabs:
            tab.saving.ended.connect(self._on_ended)
        for tab in tabs:
            tab.saving.save()

    @Slot(bool)
    def _on_ended(self, is_saved: bool) -> None:
        saving = self.sender()
        tab = self._waiting.pop(saving, None) if isinstance(saving, Saving) else None
        if tab is None:
            return
        tab.saving.ended.disconnect(self._on_ended)
        if is_saved:
            self._saved += 1
        elif not self._is_failed:
            self._is_failed = True
            self._area.show_tab(tab)
        if not self._waiting and self._saved > 1:
            self._notices.show_info(f"Saved {self._saved:,} databases.")
