"""A line for the name of a file, with a button that looks for one."""

from pathlib import Path

from PySide6.QtCore import Qt, Signal, Slot
from PySide6.QtWidgets import QFileDialog, QHBoxLayout, QLineEdit, QPushButton, QWidget

from app.ui.theme import GAP


class PlaceField(QWidget):
    """Holds the path of a file to be made, or of one to be read."""

    changed = Signal()
    edited = Signal()
    """A person typed or chose another name."""

    def __init__(self, name: str, title: str, *, is_new: bool, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._title = title
        self._is_new = is_new
        self.line = QLineEdit()
        self.line.setObjectName(name)
        self.line.setAccessibleName(title)
        self.line.setMinimumWidth(380)
        self._browse = QPushButton("&Browse…")
        self._browse.setObjectName(f"{name}-browse")
        self._browse.setAccessibleDescription(title)
        self._browse.setAutoDefault(False)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(GAP)
        row.addWidget(self.line, 1)
        row.addWidget(self._browse)
        self.setFocusProxy(self.line)
        self.line.textChanged.connect(self._on_text)
        self.line.textEdited.connect(self._on_edited)
        self._browse.clicked.connect(self._on_browse)

    @property
    def text(self) -> str:
        return self.line.text()

    def show_path(self, path: Path) -> None:
        """Show a path, its name selected as far as its suffix, so that typing gives it another one."""
        self.line.setText(str(path))
        start = len(str(path)) - len(path.name)
        self.line.setSelection(start, len(path.stem))

    @Slot(str)
    def _on_text(self, _text: str) -> None:
        self.changed.emit()

    @Slot(str)
    def _on_edited(self, _text: str) -> None:
        self.edited.emit()

    @Slot()
    def _on_browse(self) -> None:
        dialog = QFileDialog(self, self._title)
        dialog.setObjectName("browse-dialog")
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        if self._is_new:
            dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
            dialog.setOption(QFileDialog.Option.DontConfirmOverwrite)  # it is asked once, when all is chosen
        else:
            dialog.setFileMode(QFileDialog.FileMode.ExistingFile)
        dialog.selectFile(self.text)
        dialog.fileSelected.connect(self._on_chosen)
        dialog.open()

    @Slot(str)
    def _on_chosen(self, name: str) -> None:
        self.line.setText(name)
        self.edited.emit()
