"""Asking for the key of an entry, for a whole new entry, and before many entries are deleted."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from PySide6.QtCore import QEvent, QObject, Qt, Signal, Slot
from PySide6.QtGui import QKeyEvent, QPalette, QTextCursor
from PySide6.QtWidgets import (
    QApplication,
    QCheckBox,
    QComboBox,
    QDialog,
    QGridLayout,
    QHeaderView,
    QLabel,
    QLineEdit,
    QPlainTextEdit,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from app.codecs.edits import Written
from app.codecs.screen import quote_text
from app.document.typed_keys import key_of
from app.errors import AppError, DocumentError, EncodeError, KeysTaken
from app.ui.dialogs.parts import finish, go_button, label_for, long_hint
from app.ui.dialogs.place_field import PlaceField
from app.ui.editors.refusal import refused_palette
from app.ui.editors.scalar_editor import COMMIT_KEYS
from app.ui.theme import GAP, Family, colours_of, fixed_font
from app.ui.views.text_table import TextTable

_PLACE = re.compile(r"Line ([\d,]+), column ([\d,]+): ")
KEY_HINT = "Text; in quotes, as 'text' or b'\\xff', with escapes"
KEY_HELP = f"{KEY_HINT}; 'text'.encode('latin-1') in another encoding than UTF-8"
_BLOCK_END = "\u2029"
_FORMS = ("Python literal", "JSON", "Typed JSON", "Text", "Bytes of a file")
_WRITTEN: Sequence[Literal["python", "json", "typed"]] = ("python", "json", "typed")
_TEXT = 3
_FILE = 4
LISTED = 1_000
"""Keys that are listed before entries are deleted."""
_LIST_SIZE = (460, 320)


@dataclass(frozen=True, slots=True)
class NewEntry:
    """What was asked for: a key, and the value, or the file whose bytes are the value; None where only a key is."""

    key: bytes
    new: Written | Path | None = None
    as_pickle: bool | None = None
    """Whether the value is stored as a pickle; None: as the other values of the database are."""


class KeyDialog(QDialog):
    """Asks for a key; stays with what was typed while that is refused."""

    entered = Signal(object)
    """A `NewEntry`; it is answered by `refuse` or `accept`."""

    def __init__(self, name: str, title: str, action: str, key: str, parent: QWidget) -> None:
        """``key`` is the key to start from, as `key_text` writes it."""
        super().__init__(parent)
        self.setObjectName(name)
        self.setWindowTitle(title)
        self._key = QLineEdit(key)
        self._key.setObjectName("entry-key")
        self._key.setAccessibleName("Key")
        self._key.setPlaceholderText(KEY_HINT)
        self._key.setToolTip(KEY_HELP)
        self._key.setFont(fixed_font())
        self._key.setMinimumWidth(420)
        self._error = long_hint("entry-error", 2)
        self._go = go_button("entry-go", action)
        self._fields = QGridLayout()
        self._fields.setHorizontalSpacing(2 * GAP)
        self._fields.setVerticalSpacing(GAP)
        self._fields.addWidget(label_for("&Key", self._key), 0, 0)
        self._fields.addWidget(self._key, 0, 1)
        self._add_fields()
        self._fields.addWidget(self._error, self._fields.rowCount(), 1)
        finish(self, self._fields, self._go, self._on_accepted)
        self._key.textEdited.connect(self._on_edited)
        self._key.selectAll()
        self._key.setFocus()

    def _add_fields(self) -> None:
        """Add what is asked for besides the key."""

    def _new(self) -> Written | Path | None:
        """Return what the new value is to be made of."""
        return None

    @property
    def _as_pickle(self) -> bool | None:
        return None

    @Slot()
    def _on_accepted(self) -> None:
        if not self._go.isEnabled():
            return
        try:
            entry = NewEntry(key_of(self._key.text()), self._new(), self._as_pickle)
        except EncodeError as error:
            self._refuse_key(error.message)
            return
        self._go.setEnabled(False)
        self.entered.emit(entry)

    def refuse(self, error: AppError) -> None:
        """Say what is wrong beside what was typed; a key that is another's is selected, to be typed over."""
        self._go.setEnabled(True)
        self._refuse_key(error.message)
        if isinstance(error, KeysTaken):
            self._key.selectAll()

    def _refuse_key(self, sentence: str) -> None:
        self._say(sentence)
        self._key.setPalette(refused_palette(QApplication.palette()))
        self._key.setFocus()

    @Slot()
    def _on_edited(self) -> None:
        self._say("")
        self._key.setPalette(QApplication.palette())

    def _say(self, sentence: str) -> None:
        shown = QPalette(QApplication.palette())
        shown.setColor(QPalette.ColorRole.PlaceholderText, colours_of(shown).types[Family.DAMAGED])
        self._error.setPalette(shown)
        self._error.setText(sentence)


class NewEntryDialog(KeyDialog):
    """Asks for the key and the value of a new entry."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__("new-entry", "Add an entry", "Add", "", parent)
        self._go.setToolTip("Add (Ctrl+Return)")
        self._text.installEventFilter(self)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if _is_commit(event):
            self._on_accepted()
        else:
            super().keyPressEvent(event)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Take Ctrl+Return, as Return alone is a new line of the value."""
        if isinstance(event, QKeyEvent) and event.type() is QEvent.Type.KeyPress and _is_commit(event):
            self._on_accepted()
            return True
        return super().eventFilter(watched, event)

    def _add_fields(self) -> None:
        self._form = QComboBox()
        self._form.setObjectName("entry-form")
        self._form.setAccessibleName("How the value is given")
        self._form.addItems(_FORMS)
        self._text = QPlainTextEdit()
        self._text.setObjectName("entry-value")
        self._text.setAccessibleName("Value")
        self._text.setFont(fixed_font())
        self._text.setTabChangesFocus(True)
        self._file = PlaceField("entry-file", "File with the bytes of the value", is_new=False)
        self._pages = QStackedWidget()
        of_file = QWidget()
        column = QVBoxLayout(of_file)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(self._file)
        column.addStretch(1)
        self._pickle = QCheckBox("As a &pickle, whatever the other values are")
        self._pickle.setObjectName("entry-pickle")
        self._pages.addWidget(self._text)
        self._pages.addWidget(of_file)
        self._fields.addWidget(label_for("Value &as", self._form), 1, 0)
        self._fields.addWidget(self._form, 1, 1, Qt.AlignmentFlag.AlignLeft)
        self._fields.addWidget(label_for("&Value", self._text), 2, 0, Qt.AlignmentFlag.AlignTop)
        self._fields.addWidget(self._pages, 2, 1)
        self._fields.addWidget(self._pickle, 3, 1)
        self._form.currentIndexChanged.connect(self._on_form)
        self._text.textChanged.connect(self._on_edited)
        self._file.changed.connect(self._on_edited)
        self._pickle.toggled.connect(self._on_edited)

    @Slot(int)
    def _on_form(self, form: int) -> None:
        self._pages.setCurrentIndex(int(form == _FILE))
        self._pickle.setEnabled(form != _FILE)
        self._on_edited()

    def _new(self) -> Written | Path:
        form = self._form.currentIndex()
        if form == _FILE:
            return Path(self._file.text).expanduser()
        text = self._text.document().toRawText().replace(_BLOCK_END, "\n")  # toPlainText() changes some spaces
        return Written(quote_text(text)) if form == _TEXT else Written(text, _WRITTEN[form])

    @property
    def _as_pickle(self) -> bool | None:
        return True if self._pickle.isChecked() else None

    def refuse(self, error: AppError) -> None:
        if isinstance(error, DocumentError):  # the others are about the value
            super().refuse(error)
            return
        self._go.setEnabled(True)
        self._say(error.message)
        place = _PLACE.match(error.message)
        if place is not None:
            self._go_to(*(int(number.replace(",", "")) for number in place.groups()))
        (self._file if self._pages.currentIndex() else self._text).setFocus()

    def _go_to(self, line: int, column: int) -> None:
        """Select what stands at a place of the value, both counted from 1."""
        block = self._text.document().findBlockByNumber(line - 1)
        if block.isValid():
            cursor = QTextCursor(block)
            cursor.setPosition(block.position() + min(column - 1, block.length() - 1))
            cursor.movePosition(QTextCursor.MoveOperation.NextCharacter, QTextCursor.MoveMode.KeepAnchor)
            self._text.setTextCursor(cursor)


def _is_commit(event: QKeyEvent) -> bool:
    return event.key() in COMMIT_KEYS and bool(event.modifiers() & Qt.KeyboardModifier.ControlModifier)


class DeletionDialog(QDialog):
    """Lists the keys of entries that are to be deleted; `accepted` means to do so."""

    def __init__(self, keys: Sequence[str], count: int, parent: QWidget) -> None:
        """``keys`` are at least the first `LISTED` of ``count``."""
        super().__init__(parent)
        self.setObjectName("deletion")
        self.setWindowTitle("Delete entries?")
        more = f" The first {LISTED:,} are listed." if count > LISTED else ""
        sentence = QLabel(f"{count:,} entries are deleted at the next save; Undo brings them back.{more}")
        sentence.setTextFormat(Qt.TextFormat.PlainText)
        sentence.setWordWrap(True)
        table = TextTable("deleted-entries", "Entries to delete", ("Key",))
        table.rows.show_rows([(key,) for key in keys[:LISTED]])
        table.horizontalHeader().setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
        column = QVBoxLayout()
        column.setSpacing(GAP)
        column.addWidget(sentence)
        column.addWidget(table, 1)
        go = go_button("delete-go", f"Delete {count:,} entries")
        finish(self, column, go, self.accept)
        self.resize(*_LIST_SIZE)
        go.setFocus()
