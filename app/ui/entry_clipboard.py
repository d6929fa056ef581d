"""Entries on the clipboard: their bytes in a form of our own, and as text for everything else."""

from app.document.copied_entries import CopiedEntries
from app.ui.clipboard import put_data, taken_data

MIME = "application/x-shelfscope-entries"


def put_entries(copied: CopiedEntries) -> None:
    """Put entries on the clipboard."""
    put_data(MIME, copied.data, copied.text)


def taken_entries() -> bytes:
    """Return the data of the entries on the clipboard, none where there are none."""
    return taken_data(MIME) or b""
