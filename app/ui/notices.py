"""One sentence where something happened, in a bar: what all failures of the window are shown by."""

from enum import Enum
from functools import partial

from PySide6.QtCore import QEvent, Qt, Slot
from PySide6.QtGui import QGuiApplication, QPalette
from PySide6.QtWidgets import QHBoxLayout, QLabel, QSizePolicy, QVBoxLayout, QWidget

from app.errors import AppError, EngineBug
from app.ui.choices import Choice, ChoiceButtons
from app.ui.crash import report
from app.ui.icon_button import IconButton
from app.ui.icons import icon
from app.ui.theme import GAP, colours_of

_CRASH = (
    "Shelfscope met an error of its own and stopped what it was doing. Your changes are still here; "
    "the report helps to mend it."
)


class Tone(Enum):
    """How bad it is."""

    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


class NoticeBar(QWidget):
    """Holds at most one sentence; the newest replaces the one before. Takes no room while empty."""

    def __init__(self, name: str = "notice", title: str = "Notice", parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName(name)
        self.setAccessibleName(title)
        self._tone = Tone.INFO
        self._has_choices = False
        self._symbol = QLabel()
        self._sentence = QLabel(textFormat=Qt.TextFormat.PlainText, wordWrap=True)
        self._sentence.setObjectName(f"{name}-sentence")
        self._sentence.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self._sentence.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)
        self._choices = ChoiceButtons()
        self._close = IconButton("close", "Close this notice", 16)
        self._close.clicked.connect(self.clear)
        self._lay_out()
        self.hide()

    def _lay_out(self) -> None:
        self._bar = QWidget()
        self._bar.setAutoFillBackground(True)
        row = QHBoxLayout(self._bar)
        row.setContentsMargins(GAP + 2, GAP - 2, GAP - 2, GAP - 2)
        row.setSpacing(GAP)
        for widget in (self._symbol, self._sentence, self._choices, self._close):
            row.addWidget(widget)
        around = QVBoxLayout(self)
        around.setContentsMargins(GAP, GAP, GAP, 0)
        around.addWidget(self._bar)

    @property
    def sentence(self) -> str:
        """What is shown now; empty when nothing is."""
        return self._sentence.text()

    @Slot(object)
    def show_error(self, error: AppError, *choices: Choice) -> None:
        copying = (_copying(error.report),) if isinstance(error, EngineBug) else ()
        self._show(error.message, Tone.ERROR, *copying, *choices)

    @Slot(str)
    def show_info(self, sentence: str, *choices: Choice) -> None:
        self._show(sentence, Tone.INFO, *choices)

    @Slot(str)
    def show_warning(self, sentence: str, *choices: Choice) -> None:
        self._show(sentence, Tone.WARNING, *choices)

    @Slot(str)
    def show_crash(self, details: str) -> None:
        """Say that a bug of ours was met, and offer its report for the clipboard."""
        self._show(_CRASH, Tone.ERROR, _copying(details))

    @Slot()
    def forget_told(self) -> None:
        """Clear what leaves nothing to choose, unless it warns: something else is being done."""
        if self._tone is not Tone.WARNING and not self._has_choices:
            self.clear()

    @Slot()
    def clear(self) -> None:
        self._sentence.clear()
        self.hide()

    def _show(self, sentence: str, tone: Tone, *choices: Choice) -> None:
        self._tone = tone
        self._sentence.setText(sentence)
        self._bar.setAccessibleName(sentence)
        self._has_choices = bool(choices)
        self._choices.show_choices(choices)
        self._tint()
        self.show()

    def _tint(self) -> None:
        colours = colours_of(self.palette())
        back = {Tone.WARNING: colours.warning, Tone.ERROR: colours.error}
        shown = self.palette()
        shown.setColor(QPalette.ColorRole.Window, back.get(self._tone, shown.color(QPalette.ColorRole.Highlight)))
        self._bar.setPalette(shown)
        self._symbol.setPixmap(icon("warning").pixmap(18))
        self._symbol.setVisible(self._tone is not Tone.INFO)

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() is QEvent.Type.PaletteChange and self.sentence:
            self._tint()


def _copying(details: str) -> Choice:
    return Choice("Copy report", partial(_copy, report(details)))


def _copy(text: str) -> None:
    QGuiApplication.clipboard().setText(text)
