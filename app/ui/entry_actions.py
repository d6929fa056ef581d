"""The actions on whole entries: what they do, and when they cannot be done."""

from collections.abc import Mapping

from app.ui.database_tab import DatabaseTab
from app.ui.menus import ENTRY_MENU
from app.ui.tab_actions import Offer

_ON_CURRENT = ("duplicate-entry", "rename-entry")
_ON_SELECTED = ("cut-entries", "delete-entries")
_ON_TABLE = ("add-entry", "paste-entries")


def _reasons(tab: DatabaseTab | None) -> Mapping[str, str]:
    if tab is None:
        return dict.fromkeys((*_ON_CURRENT, *_ON_SELECTED, *_ON_TABLE, "copy-entries"), "No database is open.")
    reading = "" if tab.document.is_indexed else "Its keys are still being read."
    return {
        **dict.fromkeys(_ON_TABLE, tab.document.why_read_only or reading),
        **dict.fromkeys(_ON_CURRENT, tab.commands.why_not() or reading),
        **dict.fromkeys(_ON_SELECTED, tab.commands.why_not_selected() or reading),
        "copy-entries": "" if tab.entries.view.selectionModel().hasSelection() else "No entry is selected.",
    }


ENTRY_ACTIONS = Offer(
    commands={
        "add-entry": lambda tab: tab.commands.add(),
        "duplicate-entry": lambda tab: tab.commands.duplicate(),
        "rename-entry": lambda tab: tab.renaming.begin(),
        "delete-entries": lambda tab: tab.commands.delete(),
        "cut-entries": lambda tab: tab.pasting.copy(cuts=True),
        "copy-entries": lambda tab: tab.pasting.copy(),
        "paste-entries": lambda tab: tab.pasting.paste(),
    },
    reasons=_reasons,
    menu=ENTRY_MENU,
    view=lambda tab: tab.entries.view,
)
