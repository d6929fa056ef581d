"""The pane in which what needs more than a line is edited: lines of text, Python literals, JSON, new keys."""

import re
from dataclasses import dataclass

from PySide6.QtCore import QEvent, QObject, Qt, Signal, Slot
from PySide6.QtGui import QColor, QFocusEvent, QKeyEvent, QPalette, QTextCursor, QTextFormat
from PySide6.QtWidgets import (
    QApplication,
    QFormLayout,
    QFrame,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QPlainTextEdit,
    QPushButton,
    QTextEdit,
    QVBoxLayout,
    QWidget,
)

from app.cancel import CancelToken
from app.codecs.literals.reading import parse_value
from app.codecs.model import Style
from app.codecs.screen import quote_text
from app.errors import EncodeError
from app.ui.editors.refusal import refused_palette
from app.ui.editors.scalar_editor import COMMIT_KEYS, LEAVING, MAX_CHARS
from app.ui.labels import ElidedLabel
from app.ui.text_layout import same_ends
from app.ui.theme import GAP, Family, colours_of, fixed_font

MAX_PANE_CHARS = 300_000
"""Characters that are edited in the pane; laying out more takes longer than a frame."""

_PLACE = re.compile(r"Line ([\d,]+), column ([\d,]+): ")
_BLOCK_END = "\u2029"
"""How a document of Qt keeps a line end."""


@dataclass(frozen=True, slots=True)
class Draft:
    """What is to be edited.

    ``text`` is None where only a key is asked for, ``key`` where none is. ``line_end``: the text is a text itself, not
    a literal of one, with these line ends.
    """

    title: str
    text: str | None = None
    key: str | None = None
    line_end: str = ""
    hint: str = ""
    is_changed: bool = False
    """Whether something was typed already, which must not get lost."""
    is_stored: bool = False
    """Whether this is what stands there: handed over as it is, it would change nothing."""

    @classmethod
    def of_text(cls, title: str, text: str, *, is_changed: bool = False) -> "Draft":
        """Return the draft of a text as it is; as a literal where a pane would not keep all of it."""
        line_end = same_ends(text)
        if line_end is None:
            hint = "A Python literal, as it has unusual line ends or characters"
            return cls(title, quote_text(text), hint=hint, is_changed=is_changed, is_stored=not is_changed)
        named = {"\n": "", "\r\n": "The lines end in CR LF", "\r": "The lines end in CR"}[line_end]
        shown = text.replace(line_end, "\n")
        return cls(title, shown, line_end=line_end, hint=named, is_changed=is_changed, is_stored=not is_changed)


class PaneEditor(QWidget):
    """Commits by Ctrl+Return or by leaving, gives up by Esc, and stays with its text while that is refused."""

    committed = Signal(str)
    """The literal, or JSON, that was typed; `key_text` is the key's."""
    abandoned = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("value-editor-pane")
        self._draft = Draft("")
        self._is_open = self._is_held = False
        self._original = ("", "")
        self._buttons: list[QPushButton] = []
        self._refused: tuple[str, str] | None = None
        self._title = ElidedLabel("value-editor-title", "What is edited", keeps_place=True)
        self._hint = ElidedLabel("value-editor-hint", "How it is written")
        self.error = QLabel(textFormat=Qt.TextFormat.PlainText, wordWrap=True)
        self.error.setObjectName("value-editor-error")
        self.key = QLineEdit()
        self.text = QPlainTextEdit()
        self._lay_out()
        for field in (self.key, self.text):
            field.installEventFilter(self)

    def _lay_out(self) -> None:
        self.key.setObjectName("value-editor-key")
        self.key.setAccessibleName("Key")
        self.key.setFont(fixed_font())
        self.text.setObjectName("value-editor")
        self.text.setAccessibleName("New value")
        self.text.setFont(fixed_font())
        self.text.setFrameStyle(QFrame.Shape.Box | QFrame.Shadow.Plain)
        self.text.document().setDocumentMargin(GAP - 2)
        self.error.hide()
        form = QFormLayout()
        form.setContentsMargins(0, 0, 0, 0)
        form.addRow("&Key", self.key)
        self._key_label = form.labelForField(self.key)
        column = QVBoxLayout(self)
        column.setContentsMargins(GAP, GAP // 2, GAP, GAP // 2)
        column.setSpacing(GAP // 2)
        column.addLayout(self._heading())
        column.addLayout(form)
        column.addWidget(self.text, 1)
        column.addWidget(self.error)
        column.addStretch(0)
        self.setFocusProxy(self.text)

    def _heading(self) -> QHBoxLayout:
        row = QHBoxLayout()
        row.setSpacing(GAP)
        self._hint.setForegroundRole(QPalette.ColorRole.PlaceholderText)
        row.addWidget(self._title)
        row.addWidget(self._hint)
        row.addStretch(1)
        for name, title, key, act in (
            ("value-editor-give-up", "Give up", "Esc", self._give_up),
            ("value-editor-commit", "Commit", "Ctrl+Return", self._on_commit),
        ):
            button = QPushButton(title)
            button.setToolTip(f"{title} ({key})")
            button.setObjectName(name)
            button.setFocusPolicy(Qt.FocusPolicy.NoFocus)  # a press must not count as leaving
            button.clicked.connect(act)
            self._buttons.append(button)
            row.addWidget(button)
        return row

    # ---- what it holds

    def begin(self, draft: Draft) -> None:
        """Start with a draft."""
        self._is_open = True
        self.hold(is_held=False)
        self._draft = draft
        self._title.show_text(draft.title)
        has_room = draft.text == ""  # an empty field has room for the hint
        self.text.setPlaceholderText(draft.hint if has_room else "")
        self._hint.show_text("" if has_room else draft.hint)
        for field in (self.key, self._key_label):
            field.setVisible(draft.key is not None)
        self.key.setText(draft.key or "")
        self.text.setVisible(draft.text is not None)
        self.text.setPlainText(draft.text or "")
        self.text.setTabChangesFocus(not draft.line_end)
        wraps = QPlainTextEdit.LineWrapMode.WidgetWidth if draft.line_end else QPlainTextEdit.LineWrapMode.NoWrap
        self.text.setLineWrapMode(wraps)
        self._original = ("", "") if draft.is_changed else self._typed
        self._show_refusal("")
        self.setFocusProxy(self.key if draft.key is not None else self.text)
        self.key.selectAll()

    def end(self) -> None:
        """Forget what was typed."""
        self._is_open = False

    def hold(self, *, is_held: bool) -> None:
        """Take no keys while what is there is on its way: what they did would be lost when it has arrived."""
        self._is_held = is_held
        self.key.setReadOnly(is_held)
        self.text.setReadOnly(is_held)
        for button in self._buttons:
            button.setEnabled(not is_held)

    @property
    def _typed(self) -> tuple[str, str]:
        return self.key.text(), self.plain_text

    @property
    def plain_text(self) -> str:
        """What stands in the pane; unlike Qt's own this keeps no-break spaces."""
        return self.text.document().toRawText().replace(_BLOCK_END, "\n")

    @property
    def key_text(self) -> str:
        """The literal of the key."""
        return self.key.text().strip()

    @property
    def is_changed(self) -> bool:
        return self._typed != self._original

    @property
    def is_refused(self) -> bool:
        """Whether what was handed over last was not taken."""
        return self._refused is not None

    def literal(self) -> str:
        """Return what is typed, as it is handed over."""
        text = self.plain_text
        return quote_text(text.replace("\n", self._draft.line_end)) if self._draft.line_end else text

    # ---- handing over

    def commit(self, *, again: bool = False) -> None:
        """Hand over what is typed, unless nothing was or (without ``again``) it was refused already.

        With ``again`` a proposal is taken as it is; what stands there anyway is not.
        """
        if self._is_held:
            return
        if not self.is_changed and (self._draft.is_stored or not again):
            self.abandoned.emit()
        elif again or self._typed != self._refused:
            self.committed.emit(self.literal())

    @Slot()
    def _give_up(self) -> None:
        if not self._is_held:
            self.abandoned.emit()

    @Slot()
    def _on_commit(self) -> None:
        self.commit(again=True)

    def refuse(self, sentence: str) -> None:
        """Show why it was not taken, and where, and keep it."""
        self._refused = self._typed
        place = _PLACE.match(sentence)
        is_of_key = self._draft.key is not None and (place is None or not _is_literal(self.key_text))
        if is_of_key and place is not None:
            sentence = f"The key: {sentence[place.end() :]}"
        self._show_refusal(sentence, is_of_key=is_of_key)
        if place is not None and not is_of_key:
            self._go_to(*(int(number.replace(",", "")) for number in place.groups()))
        (self.key if is_of_key else self.text).setFocus()

    def _show_refusal(self, sentence: str, *, is_of_key: bool = False) -> None:
        if not sentence:
            self._refused = None
        wrong = colours_of(QApplication.palette()).types[Family.DAMAGED]
        shown = QPalette(QApplication.palette())
        shown.setColor(QPalette.ColorRole.WindowText, wrong)
        self.error.setPalette(shown)
        self.error.setText(sentence)
        self.error.setVisible(bool(sentence))
        framed = QPalette(QApplication.palette())
        is_of_text = bool(sentence) and not is_of_key
        framed.setColor(QPalette.ColorRole.WindowText, wrong if is_of_text else colours_of(framed).line)
        self.text.setPalette(framed)
        self.key.setPalette(refused_palette(framed) if is_of_key else QApplication.palette())
        self.text.setExtraSelections([])

    def _go_to(self, line: int, column: int) -> None:
        """Put the cursor to a place, both counted from 1, and mark what stands there."""
        block = self.text.document().findBlockByNumber(line - 1)
        if not block.isValid():
            return
        cursor = QTextCursor(block)
        cursor.setPosition(block.position() + min(column - 1, max(block.length() - 1, 0)))
        self.text.setTextCursor(cursor)
        self.text.setExtraSelections([_line_mark(cursor), _letter_mark(cursor)])

    # ---- keys

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if isinstance(event, QKeyEvent) and event.type() is QEvent.Type.KeyPress:
            return self._take_key(watched, event)
        if isinstance(event, QFocusEvent) and event.type() is QEvent.Type.FocusOut and event.reason() not in LEAVING:
            self._take_leave()
        return super().eventFilter(watched, event)

    def _take_key(self, watched: QObject, event: QKeyEvent) -> bool:
        with_ctrl = bool(event.modifiers() & Qt.KeyboardModifier.ControlModifier)
        if event.key() == Qt.Key.Key_Escape:
            self._give_up()
        elif event.key() in COMMIT_KEYS and (with_ctrl or (watched is self.key and self._draft.text is None)):
            self.commit(again=True)
        elif event.key() in COMMIT_KEYS and watched is self.key:
            self.text.setFocus()
        else:
            return False
        return True

    def _take_leave(self) -> None:
        """Commit at once where the focus went elsewhere: what was clicked may come next."""
        focused = QApplication.focusWidget()
        if self._is_open and (focused is None or not self.isAncestorOf(focused)):
            self.commit()


def _is_literal(key: str) -> bool:
    """Tell whether a key can be read at all; where it cannot, that is what was refused."""
    try:
        parse_value(key[:MAX_CHARS], Style(), CancelToken())
    except EncodeError:
        return False
    return True


def _line_mark(cursor: QTextCursor) -> QTextEdit.ExtraSelection:
    mark = QTextEdit.ExtraSelection()
    mark.cursor = QTextCursor(cursor)
    mark.format.setBackground(colours_of(QApplication.palette()).warning)
    mark.format.setProperty(QTextFormat.Property.FullWidthSelection, True)
    return mark


def _letter_mark(cursor: QTextCursor) -> QTextEdit.ExtraSelection:
    mark = QTextEdit.ExtraSelection()
    letter = QTextCursor(cursor)
    letter.movePosition(QTextCursor.MoveOperation.NextCharacter, QTextCursor.MoveMode.KeepAnchor)
    mark.cursor = letter
    wrong = QColor(colours_of(QApplication.palette()).types[Family.DAMAGED])
    mark.format.setForeground(QApplication.palette().color(QPalette.ColorRole.Base))
    mark.format.setBackground(wrong)
    return mark
