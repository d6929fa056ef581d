"""How it is shown that what was typed was not taken: the colours of its field, and the reason under it."""

from PySide6.QtCore import QEvent, QObject, QPoint, Qt
from PySide6.QtGui import QPalette
from PySide6.QtWidgets import QFrame, QLabel, QWidget

from app.ui.theme import PADDING, Family, colours_of

_WIDTH = 300
"""Pixels that a reason may take where its field is narrower; a longer one takes more lines."""


def refused_palette(shown: QPalette) -> QPalette:
    """Return a palette with the text, ground and frame of what is wrong."""
    colours = colours_of(shown)
    wrong = colours.types[Family.DAMAGED]
    result = QPalette(shown)
    for role in (QPalette.ColorRole.Text, QPalette.ColorRole.Accent, QPalette.ColorRole.Highlight):
        result.setColor(role, wrong)
    result.setColor(QPalette.ColorRole.Base, colours.error)
    result.setColor(QPalette.ColorRole.HighlightedText, colours.error)
    return result


class ReasonLabel(QLabel):
    """Says under a field of a view why its text was not taken; above it where there is no room."""

    def __init__(self, viewport: QWidget) -> None:
        super().__init__(viewport, textFormat=Qt.TextFormat.PlainText, wordWrap=True)
        self._viewport = viewport
        self._field: QWidget | None = None
        self.setObjectName("refusal")
        self.setAutoFillBackground(True)
        self.setFrameStyle(QFrame.Shape.Box | QFrame.Shadow.Plain)
        self.setMargin(PADDING - 2)
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)  # what it covers can still be clicked
        self.hide()

    def show_reason(self, sentence: str, field: QWidget) -> None:
        self.clear()
        self._field = field
        field.installEventFilter(self)
        wrong = refused_palette(field.palette())
        wrong.setColor(QPalette.ColorRole.Window, wrong.color(QPalette.ColorRole.Base))
        wrong.setColor(QPalette.ColorRole.WindowText, wrong.color(QPalette.ColorRole.Text))
        self.setPalette(wrong)
        self.setText(sentence)
        self._place()
        self.show()
        self.raise_()

    def clear(self) -> None:
        """Say nothing any more."""
        field, self._field = self._field, None
        if field is not None:
            field.removeEventFilter(self)
        self.hide()
        super().clear()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() in (QEvent.Type.Move, QEvent.Type.Resize):
            self._place()
        return super().eventFilter(watched, event)

    def _place(self) -> None:
        if self._field is None:
            return
        around, field = self._viewport.rect(), self._field.geometry()
        line = self.fontMetrics().horizontalAdvance(self.text()) + 2 * (self.margin() + self.frameWidth() + 1)
        width = min(line, max(_WIDTH, field.width()), around.width())
        self.resize(width, self.heightForWidth(width))
        left = max(min(field.left(), around.right() + 1 - width), 0)
        has_room = field.bottom() + self.height() <= around.bottom()
        self.move(QPoint(left, field.bottom() if has_room else max(field.top() - self.height() + 1, 0)))
