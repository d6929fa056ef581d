"""A page that says one thing: what to do first, or why a file cannot be shown."""

from PySide6.QtCore import QEvent, QSize, Qt, Signal
from PySide6.QtGui import QFont, QKeySequence, QShowEvent
from PySide6.QtWidgets import QHBoxLayout, QLabel, QVBoxLayout, QWidget

from app.ui.choices import Choice, ChoiceButtons
from app.ui.icons import picture
from app.ui.theme import GAP

_PICTURE = 72
_WIDTH = 520
_BUTTON = QSize(140, 34)


class MessagePage(QWidget):
    """A picture, a title, a few sentences and what can be done, in the middle."""

    shown = Signal()
    """The page came into sight."""

    def __init__(self, name: str, drawing: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName(name)
        self._drawing = drawing
        self._picture = QLabel(alignment=Qt.AlignmentFlag.AlignCenter)
        self._title = QLabel(alignment=Qt.AlignmentFlag.AlignCenter, textFormat=Qt.TextFormat.PlainText, wordWrap=True)
        self._text = QLabel(alignment=Qt.AlignmentFlag.AlignCenter, textFormat=Qt.TextFormat.PlainText, wordWrap=True)
        self._text.setObjectName(f"{name}-text")
        self._text.setForegroundRole(self.palette().ColorRole.PlaceholderText)
        self._text.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self._choices = ChoiceButtons(_BUTTON)
        font = QFont(self.font())
        font.setPointSizeF(font.pointSizeF() * 1.6)
        font.setWeight(QFont.Weight.DemiBold)
        self._title.setFont(font)
        self._lay_out()
        self.setFocusProxy(self._choices)
        self._picture.setPixmap(picture(self._drawing, _PICTURE))

    def _lay_out(self) -> None:
        middle = QWidget()  # labels that wrap get their whole height only in a layout without alignment
        middle.setFixedWidth(_WIDTH)
        column = QVBoxLayout(middle)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(2 * GAP)
        column.addStretch(4)
        for widget in (self._picture, self._title, self._text):
            column.addWidget(widget)
        column.addWidget(self._choices, alignment=Qt.AlignmentFlag.AlignHCenter)
        self._column = column
        column.addStretch(5)
        around = QHBoxLayout(self)
        around.addStretch(1)
        around.addWidget(middle)
        around.addStretch(1)

    def add_below(self, widget: QWidget) -> None:
        """Put something under what the page says."""
        self._column.insertSpacing(self._column.count() - 1, GAP)
        self._column.insertWidget(self._column.count() - 1, widget)

    def show_message(self, title: str, text: str, *choices: Choice) -> None:
        """Say something, with a button for each of what can be done about it."""
        self._title.setText(title)
        self._text.setText(text)
        self.setAccessibleName(title)
        self.setAccessibleDescription(text)
        self._choices.show_choices(choices)

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self.shown.emit()

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() is QEvent.Type.PaletteChange:
            self._picture.setPixmap(picture(self._drawing, _PICTURE))


def start_page(*choices: Choice) -> MessagePage:
    """Return what the window shows while no database is open."""
    page = MessagePage("start-page", "shelfscope")
    shortcut = QKeySequence(QKeySequence.StandardKey.Open).toString(QKeySequence.SequenceFormat.NativeText)
    page.show_message(
        "Look into any dbm database or shelf",
        "Shelfscope shows every key and every stored object, lets you change values and saves them. "
        f"It never runs a line of what a file contains.\n\nDrop files here, or press {shortcut}.",
        *choices,
    )
    return page
