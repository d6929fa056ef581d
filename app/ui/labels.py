"""A label for a text of any length: plain, cut with an ellipsis, whole in its tooltip."""

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from app.ui.models.roles import tool_tip

_ONE_LINE = int(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)


class ElidedLabel(QWidget):
    """Takes the room that is left, never more than its text needs."""

    def __init__(
        self, name: str, description: str, parent: QWidget | None = None, *, keeps_place: bool = False
    ) -> None:
        super().__init__(parent)
        self._text = ""
        self._description = description
        self._keeps_place = keeps_place
        self.setObjectName(name)
        self.setSizePolicy(QSizePolicy.Policy.Maximum, QSizePolicy.Policy.Fixed)
        self.setAccessibleName(description)
        self.setAccessibleDescription(description)
        if not keeps_place:
            self.hide()

    def text(self) -> str:
        return self._text

    def show_text(self, text: str) -> None:
        self._text = text
        self.setAccessibleName(text or self._description)
        self.setToolTip(tool_tip(text))
        if not self._keeps_place:
            self.setVisible(bool(text))
        self.updateGeometry()
        self.update()

    def sizeHint(self) -> QSize:
        metrics = self.fontMetrics()
        return QSize(min(metrics.horizontalAdvance(self._text) + 2, 700), metrics.height() + 6)

    def minimumSizeHint(self) -> QSize:
        return QSize(min(self.sizeHint().width(), 24), self.sizeHint().height())

    def paintEvent(self, _event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setPen(self.palette().color(self.foregroundRole()))
        text = self.fontMetrics().elidedText(self._text, Qt.TextElideMode.ElideRight, self.width())
        painter.drawText(self.rect(), _ONE_LINE, text)
        painter.end()
