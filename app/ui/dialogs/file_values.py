"""Asking how dropped files become entries: under which keys, and as what."""

from collections.abc import Sequence
from pathlib import Path

from PySide6.QtCore import Qt, Signal, Slot
from PySide6.QtWidgets import (
    QApplication,
    QComboBox,
    QDialog,
    QGridLayout,
    QHeaderView,
    QLineEdit,
    QSizePolicy,
    QWidget,
)

from app.codecs.screen import key_text
from app.document.file_values import FileForm, FileSize
from app.document.typed_keys import key_of
from app.errors import AppError, EncodeError
from app.ui.dialogs.entry_dialogs import KEY_HELP
from app.ui.dialogs.parts import finish, go_button, label_for, long_hint
from app.ui.editors.refusal import refused_palette
from app.ui.theme import GAP, fixed_font
from app.ui.views.text_table import TextTable

_TITLES = {
    FileForm.RAW: "Raw bytes, as the file has them",
    FileForm.BYTES: "Pickled bytes",
    FileForm.TEXT: "Pickled text (UTF-8)",
}
_PICKLES = frozenset({".pkl", ".pickle", ".p"})
_LISTED = 1_000
_LIST_SIZE = (500, 320)


class FilesDialog(QDialog):
    """One file gets a key that can be typed; many get their names."""

    chosen = Signal(list, object)
    """Pairs of key and path, and a `FileForm`; it is answered by `refuse`, `ask_again` or `accept`."""

    def __init__(self, files: Sequence[FileSize], parent: QWidget, *, is_shelf: bool) -> None:
        super().__init__(parent)
        self._files = files
        self.setObjectName("add-files")
        self.setWindowTitle("Add a file" if len(files) == 1 else f"Add {len(files):,} files")
        self._key = QLineEdit(key_text(_key(files[0].path)))
        self._form = QComboBox()
        self._error = long_hint("entry-error", 2)
        self._go = go_button("entry-go", "Add" if len(files) == 1 else f"Add {len(files):,} entries")
        self._lay_out()
        self._form.setCurrentIndex(self._form.findData(_likely(files, is_shelf=is_shelf)))

    def _lay_out(self) -> None:
        self._form.setObjectName("file-form")
        self._form.setAccessibleName("What the values are made of")
        for form, title in _TITLES.items():
            self._form.addItem(title, form)
        fields = QGridLayout()
        fields.setHorizontalSpacing(2 * GAP)
        fields.setVerticalSpacing(GAP)
        if len(self._files) == 1:
            self._set_up_key()
            fields.addWidget(label_for("&Key", self._key), 0, 0)
            fields.addWidget(self._key, 0, 1)
        else:
            fields.addWidget(self._list(), 0, 0, 1, 2)
            self.resize(*_LIST_SIZE)
        fields.addWidget(label_for("&Value as", self._form), 1, 0)
        fields.addWidget(self._form, 1, 1, Qt.AlignmentFlag.AlignLeft)
        fields.addWidget(self._error, 2, 1)
        fields.setColumnStretch(1, 1)
        finish(self, fields, self._go, self._on_accepted)
        (self._key if len(self._files) == 1 else self._go).setFocus()

    def _set_up_key(self) -> None:
        self._key.setObjectName("entry-key")
        self._key.setAccessibleName("Key")
        self._key.setToolTip(KEY_HELP)
        self._key.setFont(fixed_font())
        self._key.setMinimumWidth(420)
        self._key.selectAll()
        self._key.textEdited.connect(self._on_edited)

    def _list(self) -> TextTable:
        table = TextTable("files", "Files to add", ("Key", "Bytes"))
        table.rows.show_rows([(key_text(_key(file.path)), f"{file.size:,}") for file in self._files[:_LISTED]])
        table.horizontalHeader().setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
        table.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        return table

    @Slot()
    def _on_accepted(self) -> None:
        if not self._go.isEnabled():
            return
        try:
            keys = [key_of(self._key.text())] if len(self._files) == 1 else [_key(file.path) for file in self._files]
        except EncodeError as error:
            self.refuse(error)
            self._key.setPalette(refused_palette(QApplication.palette()))
            self._key.setFocus()
            return
        self._go.setEnabled(False)
        pairs = [(key, file.path) for key, file in zip(keys, self._files, strict=True)]
        self.chosen.emit(pairs, self._form.currentData())

    def refuse(self, error: AppError) -> None:
        """Say what is wrong."""
        self.ask_again()
        self._error.setText(error.message)

    def ask_again(self) -> None:
        """Let a person choose once more."""
        self._go.setEnabled(True)

    @Slot()
    def _on_edited(self) -> None:
        self._error.setText("")
        self._key.setPalette(QApplication.palette())


def _key(path: Path) -> bytes:
    """Return the key that a file gets: its name as the system has it."""
    return path.name.encode(errors="surrogateescape")


def _likely(files: Sequence[FileSize], *, is_shelf: bool) -> FileForm:
    are_pickles = all(file.path.suffix.lower() in _PICKLES for file in files)
    return FileForm.BYTES if is_shelf and not are_pickles else FileForm.RAW
