"""The actions that act on the tab in front."""

from collections.abc import Callable
from functools import partial

from PySide6.QtCore import QObject, Slot
from PySide6.QtWidgets import QWidget

from app.document.history import EntryRef
from app.ui.actions import Actions
from app.ui.copying import Copying
from app.ui.database_tab import DatabaseTab
from app.ui.docks import ChangesDock
from app.ui.export_dialog import ExportDialog
from app.ui.repairing import Repairing
from app.ui.tab_area import TabArea


class TabCommands(QObject):
    """Does nothing while no database is in front."""

    def __init__(self, area: TabArea, copying: Copying, repairing: Repairing, window: QWidget) -> None:
        super().__init__(window)
        self._area = area
        self._copying = copying
        self._repairing = repairing
        self._window = window

    def connect_actions(self, actions: Actions) -> None:
        for name, slot in (
            ("save", self._on_save),
            ("save-as", self.ask_save_as),
            ("save-copy", self._on_save_copy),
            ("revert-to-file", self._on_revert_to_file),
            ("revert", self._on_revert),
            ("revert-all", self._on_revert_all),
            ("undo", self._on_undo),
            ("redo", self._on_redo),
            ("edit-value", self._on_edit_value),
            ("find", self._on_find),
            ("reload", self._on_reload),
            ("export", self._on_export),
            ("convert", self._on_convert),
            ("compact", self._on_compact),
            ("check", self._on_check),
        ):
            actions.connect(name, slot)

    def connect_changes(self, dock: ChangesDock) -> None:
        dock.chosen.connect(self._on_change_chosen)
        dock.revert_wanted.connect(self._on_change_revert)
        dock.revert_all_wanted.connect(self._on_revert_all)

    def _on_tab(self, act: Callable[[DatabaseTab], object]) -> None:
        tab = self._area.current
        if tab is not None and tab.can_browse:
            act(tab)

    def _on_settled_tab(self, act: Callable[[DatabaseTab], object]) -> None:
        """Act once what is typed was taken; where it is refused, it stays in front instead."""
        self._on_tab(lambda tab: tab.editing.settling.settle(partial(act, tab)))

    @Slot()
    def _on_save(self) -> None:
        self._on_tab(lambda tab: tab.saving.save())

    @Slot()
    def ask_save_as(self) -> None:
        tab = self._area.current
        if tab is not None and (tab.can_browse or tab.document.pending_count):  # changes may be all that is left
            self._copying.ask_save_as(tab)

    @Slot()
    def _on_save_copy(self) -> None:
        self._on_tab(self._copying.ask_save_copy)

    @Slot()
    def _on_revert_to_file(self) -> None:
        self._on_tab(lambda tab: tab.on_disk.revert())

    @Slot()
    def _on_revert(self) -> None:
        self._on_settled_tab(lambda tab: tab.stepping.revert_current())

    @Slot()
    def _on_revert_all(self) -> None:
        self._on_settled_tab(lambda tab: tab.stepping.revert_all())

    @Slot()
    def _on_undo(self) -> None:
        self._on_settled_tab(lambda tab: tab.stepping.undo())

    @Slot()
    def _on_redo(self) -> None:
        self._on_settled_tab(lambda tab: tab.stepping.redo())

    @Slot()
    def _on_edit_value(self) -> None:
        self._on_tab(lambda tab: tab.value.tree.edit_current())

    @Slot()
    def _on_find(self) -> None:
        self._on_tab(lambda tab: tab.entries.focus_filter())

    @Slot()
    def _on_reload(self) -> None:
        if self._area.current is not None:  # one that could not be opened is tried again
            self._area.current.reading.reload()

    @Slot()
    def _on_export(self) -> None:
        self._on_tab(self._ask_export)

    def _ask_export(self, tab: DatabaseTab) -> None:
        dialog = ExportDialog(tab, self._window)
        dialog.chosen.connect(tab.export)
        dialog.open()

    @Slot()
    def _on_convert(self) -> None:
        self._on_tab(self._copying.ask_convert)

    @Slot()
    def _on_compact(self) -> None:
        self._on_tab(lambda tab: tab.saving.compact())

    @Slot()
    def _on_check(self) -> None:
        self._on_tab(self._repairing.check)

    @Slot(object)
    def _on_change_chosen(self, ref: EntryRef) -> None:
        self._on_tab(lambda tab: tab.stepping.select(ref))

    @Slot(object)
    def _on_change_revert(self, ref: EntryRef) -> None:
        self._on_settled_tab(lambda tab: tab.stepping.revert(ref))
