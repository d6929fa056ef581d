"""The actions on whole entries of the tab in front: what they do, and when they cannot be done."""

from collections.abc import Callable, Mapping
from functools import partial

from PySide6.QtCore import QObject, Slot
from PySide6.QtWidgets import QWidget

from app.ui.actions import Actions
from app.ui.database_tab import DatabaseTab
from app.ui.entry_commands import EntryCommands
from app.ui.menus import ENTRY_MENU, actions_of
from app.ui.tab_area import TabArea

_COMMANDS: Mapping[str, Callable[[EntryCommands], None]] = {
    "add-entry": EntryCommands.add,
    "duplicate-entry": EntryCommands.duplicate,
    "rename-entry": EntryCommands.rename,
    "delete-entries": EntryCommands.delete,
}
_ON_CURRENT = ("duplicate-entry", "rename-entry", "delete-entries")


class EntryActions(QObject):
    """Connects the window's actions with the tab in front, and keeps them enabled only where they make sense."""

    def __init__(self, area: TabArea, actions: Actions, window: QWidget) -> None:
        super().__init__(window)
        self._area = area
        self._actions = actions
        for name, act in _COMMANDS.items():
            actions.connect(name, partial(self._on_triggered, act))
        area.added.connect(self._on_added)
        area.changed.connect(self.refresh)
        self.refresh()

    @Slot(object)
    def _on_added(self, tab: DatabaseTab) -> None:
        tab.entries.view.addActions(actions_of(ENTRY_MENU, self._actions, tab))

    def _on_triggered(self, act: Callable[[EntryCommands], None], *_: object) -> None:
        tab = self._area.current
        if tab is not None and tab.can_browse:
            act(tab.commands)

    @Slot()
    def refresh(self) -> None:
        """Enable what can be done with the entries that are selected."""
        self._actions.enable(_reasons(self._area.current))


def _reasons(tab: DatabaseTab | None) -> Mapping[str, str]:
    """Return for each action why it cannot be done, an empty text where it can."""
    if tab is None or not tab.can_browse:
        return dict.fromkeys(_COMMANDS, "No database is open.")
    reading = "" if tab.document.is_indexed else "Its keys are still being read."
    return {
        "add-entry": tab.document.why_read_only or reading,
        **dict.fromkeys(_ON_CURRENT, tab.commands.why_not() or reading),
    }
