"""An open database as its user sees it: entries with pending changes laid over them.

The document lives on one thread (the window's). What takes time is handed out as a `Job`
whose ``work`` talks to the engine and whose ``done`` comes back here.
"""

from app.document.journaling import JournaledEntries
from app.document.nodes import NodeEditing
from app.document.opening import Findings
from app.document.pending_change import PendingChange, PendingKind
from app.document.sparing import look_again
from app.document.transfer import EntryTransfer

__all__ = ["Document", "Findings", "PendingChange", "PendingKind"]


class Document(JournaledEntries, NodeEditing, EntryTransfer):
    """One open database."""

    def close(self, *, keeps_changes: bool = False) -> None:
        """Close the database, and forget what could be undone.

        What is pending is given up, or left in the journal for the next start: where nobody was asked.
        """
        self._engine.close()
        if self._journal is not None:
            self._journal.close(keeps_changes=keeps_changes)
        self._spill.close()
        look_again()
