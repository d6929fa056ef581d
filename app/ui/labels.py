"""A label for a text of any length: plain, cut with an ellipsis, whole in its tooltip."""

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QPainter, QPaintEvent, QResizeEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from app.ui.models.roles import tool_tip
from app.ui.theme import Family, colours_of

_ONE_LINE = int(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
_WRAPPED = _ONE_LINE | int(Qt.TextFlag.TextWordWrap)


class ElidedLabel(QWidget):
    """Takes the room that is left, never more than its text needs; an error may have two lines."""

    def __init__(
        self, name: str, description: str, parent: QWidget | None = None, *, keeps_place: bool = False
    ) -> None:
        super().__init__(parent)
        self._text = ""
        self._description = description
        self._keeps_place = keeps_place
        self._is_error = False
        self.setObjectName(name)
        self.setSizePolicy(QSizePolicy.Policy.Maximum, QSizePolicy.Policy.Fixed)
        self.setAccessibleName(description)
        self.setAccessibleDescription(description)
        if not keeps_place:
            self.hide()

    def text(self) -> str:
        return self._text

    def show_text(self, text: str, *, is_error: bool = False) -> None:
        self._text = text
        self._is_error = is_error
        self.setAccessibleName(text or self._description)
        self.setToolTip(tool_tip(text))
        if not self._keeps_place:
            self.setVisible(bool(text))
        self.updateGeometry()
        self.update()

    def sizeHint(self) -> QSize:
        metrics = self.fontMetrics()
        lines = 2 if self._is_wrapped else 1
        return QSize(min(metrics.horizontalAdvance(self._text) + 2, 700), lines * metrics.height() + 6)

    @property
    def _is_wrapped(self) -> bool:
        """Whether it takes a second line: only what went wrong does, as what is around it moves then."""
        return self._is_error and self.fontMetrics().horizontalAdvance(self._text) > self.width()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self.updateGeometry()

    def minimumSizeHint(self) -> QSize:
        return QSize(min(self.sizeHint().width(), 24), self.sizeHint().height())

    def paintEvent(self, _event: QPaintEvent) -> None:
        painter = QPainter(self)
        error = colours_of(self.palette()).types[Family.DAMAGED]
        painter.setPen(error if self._is_error else self.palette().color(self.foregroundRole()))
        room = self.width() * 9 // 5 if self._is_wrapped else self.width()  # a line that is wrapped is not full
        text = self.fontMetrics().elidedText(self._text, Qt.TextElideMode.ElideRight, room)
        painter.drawText(self.rect(), _WRAPPED if self._is_wrapped else _ONE_LINE, text)
        painter.end()
