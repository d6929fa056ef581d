"""The pane that shows a picture."""

from PySide6.QtCore import QRect, QSize, Qt
from PySide6.QtGui import QImage, QPainter, QPaintEvent, QPalette
from PySide6.QtWidgets import QFrame, QWidget

from app.ui.theme import GAP

_TEXT = int(Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap)
_CAPTION_LINES = 2
_SQUARE = 8
"""Pixels of the squares that show through where a picture is transparent."""


class PreviewPane(QFrame):
    """Shows it as large as there is room, never larger than it is, with a line below; or only a sentence."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("preview-pane")
        self.setAccessibleName("Preview")
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setBackgroundRole(QPalette.ColorRole.Base)
        self.setAutoFillBackground(True)
        self._image = QImage()
        self._caption = ""

    @property
    def image(self) -> QImage:
        """What is shown; a null image where that is nothing."""
        return self._image

    @property
    def caption(self) -> str:
        """The line below it."""
        return self._caption

    def show_picture(self, image: QImage, caption: str) -> None:
        self._image = image
        self._caption = caption
        self.setAccessibleDescription(caption)
        self.update()

    def clear(self) -> None:
        self.show_picture(QImage(), "")

    def minimumSizeHint(self) -> QSize:
        return QSize(80, 60)

    def paintEvent(self, _event: QPaintEvent) -> None:
        painter = QPainter(self)
        line = self.fontMetrics().height()
        room = self.rect().adjusted(GAP, GAP, -GAP, -(_CAPTION_LINES * line if self._has_image else GAP))
        if self._has_image:
            self._paint_image(painter, room)
            room = QRect(room.left(), self.height() - _CAPTION_LINES * line, room.width(), _CAPTION_LINES * line)
        painter.setPen(self.palette().color(QPalette.ColorRole.PlaceholderText))
        painter.drawText(room, _TEXT, self._caption)
        painter.end()

    @property
    def _has_image(self) -> bool:
        return not self._image.isNull()

    def _paint_image(self, painter: QPainter, room: QRect) -> None:
        size = self._image.size()
        if size.width() > room.width() or size.height() > room.height():
            size = size.scaled(room.size(), Qt.AspectRatioMode.KeepAspectRatio)
        place = QRect(room.topLeft(), size)
        place.moveCenter(room.center())
        if self._image.hasAlphaChannel():
            self._paint_squares(painter, place)
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        painter.drawImage(place, self._image)

    def _paint_squares(self, painter: QPainter, place: QRect) -> None:
        dark = self.palette().color(QPalette.ColorRole.AlternateBase)
        for row, y in enumerate(range(place.top(), place.bottom() + 1, _SQUARE)):
            for x in range(place.left() + _SQUARE * (row % 2), place.right() + 1, 2 * _SQUARE):
                painter.fillRect(QRect(x, y, _SQUARE, _SQUARE) & place, dark)
