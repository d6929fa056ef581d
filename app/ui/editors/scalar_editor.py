"""The line in a cell that a scalar is edited in, as a Python literal or as the text that a known type has."""

from collections.abc import Callable

from PySide6.QtCore import QEvent, QObject, QSize, Qt, Signal, Slot
from PySide6.QtGui import QFocusEvent, QKeyEvent, QPalette
from PySide6.QtWidgets import QLineEdit, QStyleOptionViewItem, QWidget

from app.ui.delegates import CellDelegate
from app.ui.editors.refusal import refused_palette
from app.ui.models import roles
from app.ui.models.roles import AnyIndex
from app.ui.theme import PADDING, fixed_font, row_height

MAX_CHARS = 20_000
"""Characters of a literal that are edited in one line; laying out a longer one takes longer than a frame."""
_PASTE_CHARS = 1 << 24  # Qt would cut what is pasted at 32,767 characters without a word

_INDENT = PADDING - 3
"""Pixels that, with those of Qt's own, bring the text to where the cell has it."""

COMMIT_KEYS = (Qt.Key.Key_Return, Qt.Key.Key_Enter)
LEAVING = (Qt.FocusReason.PopupFocusReason, Qt.FocusReason.ActiveWindowFocusReason)
"""Reasons for losing the focus from which it comes back."""


class ScalarEditor(QLineEdit):
    """Commits by Enter or by leaving, gives up by Esc, and stays open with its text while that is refused."""

    committed = Signal(str)
    """What was typed, as `literal` says it."""
    abandoned = Signal()
    reason_changed = Signal(str)
    """Why the text that is there was not taken; empty when another one is typed."""

    def __init__(self, text: str, parent: QWidget) -> None:
        super().__init__(parent)
        self._original = text
        self._hint = ""
        self._refused: str | None = None
        self._shows_reason = False
        self._is_held = False
        self.setObjectName("scalar-editor")
        self.setAccessibleName("New value")
        self.explain("A Python literal; Enter commits, Escape gives up")
        self.setMaxLength(_PASTE_CHARS)
        self.setFont(fixed_font())
        self.setFrame(True)
        self.setTextMargins(_INDENT, 0, 0, 0)
        self.setText(text)
        self.selectAll()
        self.textChanged.connect(self._on_text_changed)

    @property
    def is_changed(self) -> bool:
        return self.text() != self._original

    @property
    def is_refused(self) -> bool:
        """Whether what was handed over last was not taken."""
        return self._refused is not None

    def literal(self) -> str:
        """Return what is typed, as it is handed over."""
        return self.text()

    def hold(self, *, is_held: bool) -> None:
        """Take no keys while what is there is on its way: what they did would be lost when it has arrived."""
        self._is_held = is_held
        self.setReadOnly(is_held)
        for action in self.actions():
            action.setEnabled(not is_held)

    def explain(self, hint: str) -> None:
        """Say how the field is used, whenever there is nothing worse to say of it."""
        self._hint = hint
        self.setToolTip(hint)
        self.setAccessibleDescription(hint)

    def refuse(self, sentence: str) -> None:
        """Show why the text was not taken, and keep it."""
        self._refused = self.text()
        self._show_reason(sentence)
        self.setFocus()

    @Slot()
    def _on_text_changed(self) -> None:
        """Take the reason away: it is about what stood there."""
        if self._shows_reason:
            self._show_reason("")

    def _show_reason(self, sentence: str) -> None:
        self._shows_reason = bool(sentence)
        self.setPalette(refused_palette(self.palette()) if sentence else QPalette())
        self.setToolTip(roles.tool_tip(sentence) or self._hint)
        self.setAccessibleDescription(sentence or self._hint)
        self.reason_changed.emit(sentence)

    def commit(self, *, again: bool = False) -> None:
        """Hand the text over, unless nothing was typed or (without ``again``) it is what was refused already."""
        if self._is_held:
            return
        if not self.is_changed:
            self.abandoned.emit()
        elif again or self.text() != self._refused:
            self.committed.emit(self.literal())

    def event(self, event: QEvent) -> bool:
        if self._is_held and isinstance(event, QKeyEvent) and event.type() is QEvent.Type.KeyPress:
            event.accept()
            return True
        return super().event(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() in COMMIT_KEYS:
            self.commit(again=True)
        elif event.key() == Qt.Key.Key_Escape:
            self.abandoned.emit()
        else:
            super().keyPressEvent(event)
            event.accept()  # else the view would go to another row, or open another editor

    def focusOutEvent(self, event: QFocusEvent) -> None:
        super().focusOutEvent(event)
        if event.reason() not in LEAVING:
            self.commit()


MakeEditor = Callable[[QWidget], ScalarEditor]


class ScalarDelegate(CellDelegate):
    """Opens what ``make`` returns when the view asks for a persistent editor."""

    opened = Signal(object)

    def __init__(self, *, type_column: int, value_column: int, parent: QObject) -> None:
        super().__init__(type_column=type_column, value_column=value_column, parent=parent)
        self.make: MakeEditor | None = None

    def createEditor(self, parent: QWidget, _option: QStyleOptionViewItem, _index: AnyIndex) -> QWidget:
        editor = self.make(parent) if self.make is not None else ScalarEditor("", parent)
        self.opened.emit(editor)
        return editor

    def setEditorData(self, editor: QWidget, index: AnyIndex) -> None:
        pass  # the text was there from the start: the cell shows a shortened one

    def setModelData(self, editor: QWidget, model: QObject, index: AnyIndex) -> None:
        pass  # the editor commits by its signal, never by losing a view

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        return False  # Qt's filter would close the editor when the focus leaves it

    def updateEditorGeometry(self, editor: QWidget, option: QStyleOptionViewItem, _index: AnyIndex) -> None:
        rect = option.rect
        editor.setGeometry(rect)
        editor.setMinimumSize(QSize(0, row_height()))
