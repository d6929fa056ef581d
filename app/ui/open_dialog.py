"""The dialog for files to open: also one that is not there yet can be named."""

from pathlib import Path

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFileDialog, QWidget


class OpenDialog(QFileDialog):
    """Chooses existing files, or takes one typed name that does not exist, for a database to be created."""

    def __init__(self, folder: Path | None, parent: QWidget) -> None:
        super().__init__(parent, "Open databases")
        self.setObjectName("open-dialog")
        self.setFileMode(QFileDialog.FileMode.ExistingFiles)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        if folder is not None:
            self.setDirectory(str(folder))

    def accept(self) -> None:
        names = self.selectedFiles()
        path = Path(names[0]) if len(names) == 1 else None
        if path is not None and not path.exists() and path.parent.is_dir():
            self.filesSelected.emit(names)
            self.done(QFileDialog.DialogCode.Accepted)
        else:
            super().accept()
