"""The unsaved changes that were kept of a database that cannot be opened: a list to look at."""

from collections.abc import Collection

from app.document.history import EntryRef
from app.document.journals import Left
from app.document.pending_change import PendingChange
from app.ui.dialogs.list_dialog import Listing
from app.ui.models.entry_table import short_key_text

_LISTED = 1_000
"""Changes that are listed."""


def kept_changes(name: str, left: Left) -> Listing:
    """Return which entries were to be what."""
    deleted = {change.ref for change in left.changes if change.is_deleted}
    renamed = deleted.intersection(change.partner for change in left.changes if change.partner is not None)
    seen = [change for change in left.changes if change.ref not in renamed]
    rows = [_row(change, renamed) for change in seen[:_LISTED]]
    title, columns = f"Unsaved changes of {name}", ("Key", "Was to be", "Size")
    return Listing("kept-changes", title, _sentence(left, len(seen)), "Unsaved changes that were kept", columns, rows)


def _row(change: PendingChange, renamed: Collection[EntryRef]) -> tuple[str, ...]:
    key, old = short_key_text(change.ref.key), change.partner
    what = f"renamed, was {short_key_text(old.key)}" if old is not None and old in renamed else change.kind.value
    return key, what, "" if change.is_deleted else f"{len(change.value):,} bytes"


def _sentence(left: Left, count: int) -> str:
    parts = [f"Shelfscope ended before these changes of {left.database} were saved."]
    if left.damaged:
        parts.append(f"{left.damaged:,} more cannot be read.")
    if count > _LISTED:
        parts.append(f"The first {_LISTED:,} of {count:,} are listed.")
    return " ".join(parts)
