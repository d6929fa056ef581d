"""The unsaved changes that were kept of a database that cannot be opened: a list to look at."""

from app.document.journals import Left
from app.ui.dialogs.list_dialog import Listing
from app.ui.models.entry_table import short_key_text

_LISTED = 1_000
"""Changes that are listed."""


def kept_changes(name: str, left: Left) -> Listing:
    """Return which entries were to be what."""
    rows = [
        (short_key_text(change.ref.key), change.kind.value, "" if change.is_deleted else f"{len(change.value):,} bytes")
        for change in left.changes[:_LISTED]
    ]
    title, columns = f"Unsaved changes of {name}", ("Key", "Was to be", "Size")
    return Listing("kept-changes", title, _sentence(left), "Unsaved changes that were kept", columns, rows)


def _sentence(left: Left) -> str:
    parts = [f"Shelfscope ended before these changes of {left.database} were saved."]
    if left.damaged:
        parts.append(f"{left.damaged:,} more cannot be read.")
    if len(left.changes) > _LISTED:
        parts.append(f"The first {_LISTED:,} of {len(left.changes):,} are listed.")
    return " ".join(parts)
