"""What another program did to the entries of a file: a list to look at."""

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QDialog, QDialogButtonBox, QHeaderView, QLabel, QVBoxLayout, QWidget

from app.document.disk import DiskChanges, DiskKind
from app.ui.models.entry_table import short_key_text
from app.ui.theme import GAP
from app.ui.views.text_table import TextTable

_MARGIN = 2 * GAP
_SIZE = (560, 360)
_WHAT_WIDTH = 110
_HERE_WIDTH = 150


class DiskChangesDialog(QDialog):
    """Lists the entries, those that were edited here as well first."""

    def __init__(self, name: str, changes: DiskChanges, parent: QWidget) -> None:
        super().__init__(parent)
        self.setObjectName("disk-changes")
        self.setWindowTitle(f"What another program did to {name}")
        sentence = QLabel(f"{told(name, changes)}{_more(changes)}", textFormat=Qt.TextFormat.PlainText, wordWrap=True)
        columns = ("Key", "In the file", "Here")
        table = TextTable("disk-changes-list", "Entries that are others in the file now", columns)
        rows = [
            (short_key_text(entry.key), entry.kind.value, "changed here too" if entry.collides else "")
            for entry in changes.first
        ]
        table.rows.show_rows(rows)
        table.horizontalHeader().setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
        table.setColumnWidth(1, _WHAT_WIDTH)
        table.setColumnWidth(2, _HERE_WIDTH)
        buttons = QDialogButtonBox()
        buttons.addButton("Close", QDialogButtonBox.ButtonRole.RejectRole)
        buttons.rejected.connect(self.reject)
        column = QVBoxLayout(self)
        column.setContentsMargins(_MARGIN, _MARGIN, _MARGIN, _MARGIN)
        column.setSpacing(_MARGIN)
        column.addWidget(sentence)
        column.addWidget(table, 1)
        column.addWidget(buttons)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.resize(*_SIZE)


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
