"""The unsaved changes that were kept of a database that cannot be opened: a list to look at."""

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QDialog, QDialogButtonBox, QHeaderView, QLabel, QVBoxLayout, QWidget

from app.document.journals import Left
from app.ui.models.entry_table import short_key_text
from app.ui.theme import GAP
from app.ui.views.text_table import TextTable

_MARGIN = 2 * GAP
_SIZE = (560, 360)
_LISTED = 1_000
"""Changes that are listed."""


class KeptChangesDialog(QDialog):
    """Lists which entries were to be what."""

    def __init__(self, name: str, left: Left, parent: QWidget) -> None:
        super().__init__(parent)
        self.setObjectName("kept-changes-dialog")
        self.setWindowTitle(f"Unsaved changes of {name}")
        sentence = QLabel(_sentence(left), textFormat=Qt.TextFormat.PlainText, wordWrap=True)
        table = TextTable("kept-changes-list", "Unsaved changes that were kept", ("Key", "Was to be", "Size"))
        table.rows.show_rows(
            [
                (
                    short_key_text(change.ref.key),
                    change.kind.value,
                    "" if change.is_deleted else f"{len(change.value):,} bytes",
                )
                for change in left.changes[:_LISTED]
            ]
        )
        table.horizontalHeader().setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
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


def _sentence(left: Left) -> str:
    parts = [f"These were not saved when Shelfscope ended, to {left.database}."]
    if left.damaged:
        parts.append(f"{left.damaged:,} more cannot be read.")
    if len(left.changes) > _LISTED:
        parts.append(f"The first {_LISTED:,} of {len(left.changes):,} are listed.")
    return " ".join(parts)
