"""Which actions can be done now, and the reason where one cannot."""

from collections.abc import Mapping, Sequence

from app.ui.database_tab import DatabaseTab

_NONE_OPEN = "No database is open."


def reasons(tab: DatabaseTab | None, tabs: Sequence[DatabaseTab] = ()) -> Mapping[str, str]:
    """Return for each action that depends on the tabs why it cannot be done; empty where it can.

    ``tab`` is the one in front, ``tabs`` are all.
    """
    can_save = any(other.can_save for other in tabs)
    return {**_of_current(tab), "save-all": "" if can_save else "There are no changes to save."}


def _of_current(tab: DatabaseTab | None) -> dict[str, str]:
    is_open = "" if tab is not None else _NONE_OPEN
    can_browse = is_open or ("" if tab is not None and tab.can_browse else "This file is not open.")
    if tab is None or can_browse:
        names = (
            "undo",
            "redo",
            "save",
            "revert",
            "revert-all",
            "export",
            "find",
            "edit-value",
            "save-as",
            "save-copy",
            "revert-to-file",
            "convert",
            "compact",
        )
        has_changes = tab is not None and tab.document.pending_count > 0
        return {
            **dict.fromkeys((*names, "check"), can_browse),
            "save-as": "" if has_changes else can_browse,
            "reload": is_open,
            "close-tab": is_open,
        }
    document, history = tab.document, tab.document.history
    read_only = document.why_read_only
    unread = "Its keys are still being read." if tab.reading.is_running else "Not all of its keys could be read."
    is_indexed = "" if document.is_indexed else unread
    return {
        "undo": "" if history.next_undo else "There is no edit to undo.",
        "redo": "" if history.next_redo else "There is no edit to do again.",
        "save": "" if tab.can_save else read_only or "There are no changes to save.",
        "revert": "" if tab.stepping.is_current_pending else "This entry has no unsaved change.",
        "revert-all": "" if document.pending_count else "There are no changes to revert.",
        "edit-value": read_only,
        "export": is_indexed,
        "save-as": is_indexed,
        "save-copy": is_indexed,
        "revert-to-file": is_indexed or ("" if tab.saving.has_work else "There are no changes to take back."),
        "convert": is_indexed,
        "compact": is_indexed or read_only,
        "check": "",
        "find": "",
        "reload": "",
        "close-tab": "",
    }
