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
        self._saved: set[Saving] = set()
        self._is_failed = False

    def start(self) -> None:
        """Save every database that has changes and can be saved, those as well that are being saved already."""
        tabs: Sequence[DatabaseTab] = [tab for tab in self._area.all() if tab.can_save]
        if not tabs:
            return
        if not self._waiting:
            self._notices.clear()
            self._saved, self._is_failed = set(), False
        for tab in tabs:
            if tab.saving not in self._waiting:
                self._waiting[tab.saving] = tab
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
            self._saved.add(tab.saving)
        elif not self._is_failed:
            self._is_failed = True
            self._area.show_tab(tab)
        if not self._waiting and len(self._saved) > 1:
            self._notices.show_info(f"Saved {len(self._saved):,} databases.")
