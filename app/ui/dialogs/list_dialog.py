"""A list to look at, with a sentence above it and nothing to decide."""

from collections.abc import Sequence
from dataclasses import dataclass

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QDialog, QDialogButtonBox, QHeaderView, QLabel, QVBoxLayout, QWidget

from app.ui.theme import GAP
from app.ui.views.text_table import TextTable

_MARGIN = 2 * GAP
_SIZE = (560, 360)


@dataclass(frozen=True, slots=True)
class Listing:
    """What a dialog lists. ``name`` is the object name of the dialog, ``what`` says what the rows are."""

    name: str
    title: str
    sentence: str
    what: str
    columns: Sequence[str]
    rows: Sequence[tuple[str, ...]]
    widths: Sequence[int] = ()
    """Pixels of the columns behind the first, which takes what is left."""


class ListDialog(QDialog):
    """Shows a `Listing` until it is closed."""

    def __init__(self, listing: Listing, parent: QWidget) -> None:
        super().__init__(parent)
        self.setObjectName(listing.name)
        self.setWindowTitle(listing.title)
        sentence = QLabel(listing.sentence, textFormat=Qt.TextFormat.PlainText, wordWrap=True)
        table = TextTable(f"{listing.name}-list", listing.what, listing.columns)
        table.rows.show_rows(listing.rows)
        table.horizontalHeader().setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
        for column_number, width in enumerate(listing.widths, 1):
            table.setColumnWidth(column_number, width)
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
