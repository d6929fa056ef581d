"""What a format cannot hold: shown before anything is written, to leave it out or to give up."""

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QDialog, QHeaderView, QLabel, QVBoxLayout, QWidget

from app.engine.base import Refusals
from app.ui.dialogs.parts import finish, go_button
from app.ui.models.entry_table import short_key_text
from app.ui.theme import GAP
from app.ui.views.text_table import TextTable

_SIZE = (780, 360)
_KEY_WIDTH = 220


class RefusalsDialog(QDialog):
    """Lists the entries and why each cannot be stored; `accepted` means to leave them out."""

    def __init__(self, refusals: Refusals, name: str, label: str, parent: QWidget | None = None) -> None:
        """``name`` is the file of the new database, ``label`` its format."""
        super().__init__(parent)
        self.setObjectName("refusals")
        self.setWindowTitle("Some entries cannot be stored")
        table = TextTable("refused-entries", "Entries that cannot be stored", ("Key", "Why it cannot be stored"))
        table.rows.show_rows([(short_key_text(entry.key), entry.reason) for entry in refusals.first])
        table.setColumnWidth(0, _KEY_WIDTH)
        table.horizontalHeader().setSectionResizeMode(1, QHeaderView.ResizeMode.Stretch)
        leave_out = go_button("leave-out", "Leave them out" if refusals.count > 1 else "Leave it out")
        sentence = QLabel(_sentence(refusals, name, label), textFormat=Qt.TextFormat.PlainText, wordWrap=True)
        sentence.setObjectName("refusals-sentence")
        column = QVBoxLayout()
        column.setSpacing(GAP)
        column.addWidget(sentence)
        column.addWidget(table, 1)
        finish(self, column, leave_out, self.accept, loses_some=True)
        self.resize(*_SIZE)


def _sentence(refusals: Refusals, name: str, label: str) -> str:
    count, shown = refusals.count, len(refusals.first)
    which = "One entry" if count == 1 else f"{count:,} entries"
    more = f" The first {shown:,} are listed." if shown < count else ""
    advice = f" To store more, {refusals.advice}." if refusals.advice else ""
    return f"{which} cannot be stored in {name} ({label}). Nothing is written yet.{more}{advice}"
