"""What a page says of unsaved changes that were kept: a frame with what can be done, or the files to go to."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QFont, QPainter, QPaintEvent, QPalette, QPen
from PySide6.QtWidgets import QAbstractButton, QLabel, QScrollArea, QSizePolicy, QVBoxLayout, QWidget

from app.codecs.screen import escape_text
from app.ui.choices import Choice, ChoiceButtons
from app.ui.models.roles import tool_tip
from app.ui.theme import GAP, colours_of

_RADIUS = 6.0
_ROW = 48
_ROWS = 4
"""Rows in sight at once."""


@dataclass(frozen=True, slots=True)
class KeptRow:
    """A file to go to: its name, where it is, how much was kept of it, and when; ``act`` goes there."""

    name: str
    folder: str
    count: str
    when: str
    act: Callable[[], object]


class KeptPanel(QWidget):
    """Takes no room while nothing was kept."""

    def __init__(self, name: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName(name)
        self._title = QLabel(textFormat=Qt.TextFormat.PlainText, wordWrap=True)
        self._title.setObjectName(f"{name}-title")
        font = QFont(self.font())
        font.setWeight(QFont.Weight.DemiBold)
        self._title.setFont(font)
        self._text = QLabel(textFormat=Qt.TextFormat.PlainText, wordWrap=True)
        self._text.setForegroundRole(QPalette.ColorRole.PlaceholderText)
        self._choices = ChoiceButtons()
        self._list = QScrollArea(widgetResizable=True)
        self._list.setFocusPolicy(Qt.FocusPolicy.NoFocus)  # its rows have it
        self._list.setFrameShape(QScrollArea.Shape.NoFrame)
        self._list.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self._list.viewport().setAutoFillBackground(False)
        column = QVBoxLayout(self)
        column.setContentsMargins(2 * GAP, 2 * GAP, 2 * GAP, 2 * GAP)
        column.setSpacing(GAP)
        for widget in (self._title, self._text, self._list):
            column.addWidget(widget)
        column.addWidget(self._choices, alignment=Qt.AlignmentFlag.AlignLeft)
        self._list.hide()
        self.hide()

    @property
    def sentence(self) -> str:
        """What is said now; empty when nothing is."""
        return self._title.text()

    def show_offer(self, title: str, text: str, *choices: Choice) -> None:
        """Say what was kept, with a button for each of what can be done about it."""
        self._title.setText(title)
        self._text.setText(text)
        self.setAccessibleName(title)
        self._choices.show_choices(choices)
        self.show()

    def show_files(self, title: str, text: str, rows: Sequence[KeptRow]) -> None:
        """List files to go to; nothing is shown where there are none."""
        if not rows:
            self.clear()
            return
        self.show_offer(title, text)
        inside = QWidget()
        column = QVBoxLayout(inside)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        for row in rows:
            column.addWidget(_FileButton(row))
        column.addStretch(1)
        self._list.setWidget(inside)
        inside.setAutoFillBackground(False)  # a scroll area turns it on
        self._list.setFixedHeight(_ROW * min(len(rows), _ROWS))
        self._list.show()

    def clear(self) -> None:
        self._title.clear()
        self.hide()

    def paintEvent(self, _event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(QPen(colours_of(self.palette()).line))
        painter.setBrush(self.palette().color(QPalette.ColorRole.Base))
        painter.drawRoundedRect(QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5), _RADIUS, _RADIUS)


class _FileButton(QAbstractButton):
    """A file in two lines: its name and how much was kept, its folder and when."""

    def __init__(self, row: KeptRow) -> None:
        super().__init__()
        self._row = row
        self.setText(row.name)
        self.setAccessibleName(f"{row.name}, {row.count}, {row.when}")
        self.setToolTip(tool_tip(f"{row.folder}/{row.name}"))
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setAttribute(Qt.WidgetAttribute.WA_Hover)  # painted anew when the mouse comes and goes
        self.setFixedHeight(_ROW)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.clicked.connect(self._on_clicked)

    def _on_clicked(self, *_: object) -> None:
        self._row.act()

    def paintEvent(self, _event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        palette = self.palette()
        is_lit = self.underMouse() or self.hasFocus()
        if is_lit:
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(palette.color(QPalette.ColorGroup.Active, QPalette.ColorRole.Highlight))
            painter.drawRoundedRect(QRectF(self.rect()), _RADIUS, _RADIUS)
        inside = self.rect().adjusted(GAP, GAP // 2, -GAP, -GAP // 2)
        half = inside.height() // 2
        role = QPalette.ColorRole.HighlightedText if is_lit else QPalette.ColorRole.Text
        plain = palette.color(QPalette.ColorGroup.Active, role)
        dim = plain if is_lit else colours_of(palette).dim
        upper, lower = inside.adjusted(0, 0, 0, -half), inside.adjusted(0, half, 0, 0)
        for place, left, right, colour in (
            (upper, self._row.name, self._row.count, plain),
            (lower, self._row.folder, self._row.when, dim),
        ):
            painter.setPen(colour)
            painter.drawText(place, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter, right)
            room = place.width() - painter.fontMetrics().horizontalAdvance(right) - 2 * GAP
            cut = painter.fontMetrics().elidedText(escape_text(left), Qt.TextElideMode.ElideMiddle, room)
            painter.drawText(place, Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter, cut)
