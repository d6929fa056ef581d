"""What to export and where to: a small dialog that never blocks the window's event loop."""

from collections.abc import Sequence
from pathlib import Path

from PySide6.QtCore import Qt, Signal, Slot
from PySide6.QtGui import QIcon
from PySide6.QtWidgets import (
    QDialog,
    QDialogButtonBox,
    QFileDialog,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QPushButton,
    QRadioButton,
    QVBoxLayout,
    QWidget,
)

from app.ui.database_tab import DatabaseTab
from app.ui.exporting import LINES_SUFFIXES
from app.ui.theme import GAP

_FILTERS = "JSON, one object (*.json);;JSON Lines, a line an entry (*.jsonl)"


class ExportDialog(QDialog):
    """Asks which entries to export to which file, and says so by `chosen`."""

    chosen = Signal(object, object)
    """Entry ids (None for all) and the target path."""

    def __init__(self, tab: DatabaseTab, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("export-dialog")
        self.setWindowTitle("Export entries to JSON")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self._tab = tab
        self._own_files = _files_of(tab)
        self._all = self._choice("export-all")
        self._by_filter = self._choice("export-shown")
        self._chosen = self._choice("export-selected")
        self._take_entries()
        (self._chosen if len(self._selected) > 1 else self._by_filter if self._shown is not None else self._all).click()
        self._target = QLineEdit(str(tab.document.path.with_suffix(".json")))
        self._target.setObjectName("export-target")
        self._target.setAccessibleName("File to export to")
        self._target.setMinimumWidth(420)
        self._hint = QLabel(textFormat=Qt.TextFormat.PlainText, wordWrap=True)
        self._hint.setObjectName("export-hint")
        self._hint.setForegroundRole(self.palette().ColorRole.PlaceholderText)
        self._buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Cancel)
        self._buttons.button(QDialogButtonBox.StandardButton.Cancel).setIcon(QIcon())
        self._go = QPushButton("Export")
        self._go.setObjectName("export-go")
        self._lay_out()
        self._target.textChanged.connect(self._on_target_changed)
        self._on_target_changed()

    def _choice(self, name: str) -> QRadioButton:
        button = QRadioButton()
        button.setObjectName(name)
        return button

    def _take_entries(self) -> None:
        """Offer the entries that are there now."""
        entries = self._tab.entries
        self._index = self._tab.document.index
        self._selected, self._shown = entries.view.selected_entries(), entries.model.shown_entries()
        self._all.setText(f"All entries ({len(self._tab.document):,})")
        self._by_filter.setText(f"Those the filter shows ({entries.shown_count:,})")
        self._chosen.setText(f"Those selected in the table ({len(self._selected):,})")
        self._by_filter.setEnabled(self._shown is not None)
        self._chosen.setEnabled(bool(self._selected))

    def _why_stale(self) -> str:
        """Return what to say where the entries that were chosen may be others by now, else nothing."""
        if self._all.isChecked() or self._tab.document.index is self._index:
            return ""
        self._take_entries()
        return f"{self._tab.document.name} was read again meanwhile. Look at what is chosen, then try again."

    def _lay_out(self) -> None:
        browse = QPushButton("Browse…")
        browse.clicked.connect(self._on_browse)
        self._buttons.addButton(self._go, QDialogButtonBox.ButtonRole.AcceptRole)
        self._buttons.accepted.connect(self._on_accepted)
        self._buttons.rejected.connect(self.reject)
        target = QHBoxLayout()
        target.setSpacing(GAP)
        target.addWidget(self._target, 1)
        target.addWidget(browse)
        column = QVBoxLayout(self)
        column.setContentsMargins(2 * GAP, 2 * GAP, 2 * GAP, 2 * GAP)
        column.setSpacing(GAP)
        for button in (self._all, self._by_filter, self._chosen):
            column.addWidget(button)
        column.addSpacing(GAP)
        column.addLayout(target)
        column.addWidget(self._hint)
        column.addWidget(self._buttons)

    def _entry_ids(self) -> Sequence[int] | None:
        if self._chosen.isChecked():
            return self._selected
        return self._shown if self._by_filter.isChecked() else None

    @Slot()
    def _on_browse(self) -> None:
        dialog = QFileDialog(self, "Export to", self._target.text(), _FILTERS)
        dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
        dialog.setOption(QFileDialog.Option.DontConfirmOverwrite)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.fileSelected.connect(self._target.setText)
        dialog.open()

    @Slot()
    def _on_target_changed(self) -> None:
        target = Path(self._target.text())
        is_own = target.resolve() in self._own_files
        self._go.setEnabled(bool(target.name) and target.parent.is_dir() and not target.is_dir() and not is_own)
        self._hint.setText(_hint(target, is_own=is_own))
        self._go.setText("Replace" if target.is_file() else "Export")

    @Slot()
    def _on_accepted(self) -> None:
        stale = self._why_stale()
        if stale:
            self._hint.setText(stale)
            return
        self.chosen.emit(self._entry_ids(), Path(self._target.text()))
        self.accept()


def _files_of(tab: DatabaseTab) -> set[Path]:
    info = tab.document.info
    return {Path(name).resolve() for name in (*(info.files if info else ()), str(tab.document.path))}


def _hint(target: Path, *, is_own: bool) -> str:
    if is_own:
        return "That is the database itself; choose another file."
    if not target.parent.is_dir():
        return "That folder does not exist."
    if target.is_file():
        return f"{target.name} exists and will be replaced when the export is complete."
    if target.suffix.lower() in LINES_SUFFIXES:
        return "JSON Lines: one line for each entry."
    return "One JSON object, key to value. For JSON Lines choose a name that ends in .jsonl."
