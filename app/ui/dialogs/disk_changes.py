"""What another program did to the entries of a file: a list to look at."""

from app.document.disk import DiskChanges, DiskKind
from app.ui.dialogs.list_dialog import Listing
from app.ui.models.entry_table import short_key_text

_WIDTHS = (110, 150)


def disk_changes(name: str, changes: DiskChanges) -> Listing:
    """Return the entries, those that were edited here as well first."""
    rows = [
        (short_key_text(entry.key), entry.kind.value, "changed here too" if entry.collides else "")
        for entry in changes.first
    ]
    return Listing(
        "disk-changes",
        f"What another program did to {name}",
        f"{told(name, changes)}{_more(changes)}",
        "Entries that are others in the file now",
        ("Key", "In the file", "Here"),
        rows,
        _WIDTHS,
    )


def told(name: str, changes: DiskChanges) -> str:
    """Return one sentence on what another program did."""
    parts = _parts(changes)
    said = f"Another program changed {name}: {', '.join(parts)}" if parts else f"Another program wrote {name}"
    if not changes.colliding:
        return f"{said}."
    which = "one of them" if changes.colliding == 1 else f"{changes.colliding:,} of them"
    return f"{said}; {which} you changed too." if parts else f"{said}, also {_entries(changes.colliding)} you changed."


def _parts(changes: DiskChanges) -> list[str]:
    """Return how many entries were added, removed and changed, each where there are some."""
    counts = changes.counts or {}
    parts: list[str] = []
    for kind in (DiskKind.ADDED, DiskKind.REMOVED, DiskKind.CHANGED):
        if count := counts.get(kind, 0):
            least = "at least " if kind is DiskKind.CHANGED and not changes.is_exact else ""
            noun = "" if parts else " entry" if count == 1 else " entries"
            parts.append(f"{least}{count:,}{noun} {kind.value}")
    return parts


def _entries(count: int) -> str:
    return "an entry that" if count == 1 else f"{count:,} entries that"


def _more(changes: DiskChanges) -> str:
    total = sum(changes.counts.values()) if changes.counts is not None else changes.colliding
    return f" The first {len(changes.first):,} are listed." if total > len(changes.first) else ""
