"""What a person can choose for all databases."""

from PySide6.QtCore import Slot
from PySide6.QtWidgets import QDialog, QFormLayout, QSpinBox, QVBoxLayout, QWidget

from app.ui.dialogs.parts import finish, go_button, label_for, long_hint
from app.ui.settings import MOST_BACKUPS, backups_kept, keep_backups
from app.ui.theme import GAP

_HINT = (
    "Before the first save of a file after it was opened, what was there is copied beside it, as "
    "NAME.shelfscope-backup-DATE-TIME. Older copies go once a save was verified; the very first stays."
)
_WARNING = (
    "Warning: without a backup nothing brings back what a save replaced, nor what could be salvaged of deleted "
    "entries, once the window is closed."
)
_FIELD_WIDTH = 90


class SettingsDialog(QDialog):
    """Asks how many backups are kept."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.setObjectName("settings-dialog")
        self.setWindowTitle("Settings")
        self._backups = QSpinBox()
        self._backups.setObjectName("backups-kept")
        self._backups.setAccessibleName("Backups that are kept of each file")
        self._backups.setRange(0, MOST_BACKUPS)
        self._backups.setFixedWidth(_FIELD_WIDTH)
        self._backups.setSpecialValueText("None")
        self._backups.setValue(backups_kept())
        self._backups.setToolTip(_WARNING if not backups_kept() else _HINT)
        self._hint = long_hint("backups-hint", 3)
        fields = QFormLayout()
        fields.setHorizontalSpacing(2 * GAP)
        fields.setVerticalSpacing(GAP)
        fields.addRow(label_for("&Newest backups kept of each file", self._backups), self._backups)
        column = QVBoxLayout()
        column.setSpacing(GAP)
        column.addLayout(fields)
        column.addWidget(self._hint)
        self._hint.setMinimumWidth(440)
        self._backups.valueChanged.connect(self._on_backups)
        self._on_backups(self._backups.value())
        finish(self, column, go_button("settings-go", "OK"), self._on_accepted)

    @Slot(int)
    def _on_backups(self, number: int) -> None:
        text = _HINT if number else _WARNING
        self._hint.setText(text)
        self._backups.setToolTip(text)

    @Slot()
    def _on_accepted(self) -> None:
        keep_backups(self._backups.value())
        self.accept()
