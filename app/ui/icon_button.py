"""A flat button with one of our icons, which follows the palette."""

from PySide6.QtCore import QEvent, QSize
from PySide6.QtWidgets import QToolButton, QWidget

from app.ui.icons import icon


class IconButton(QToolButton):
    """Its title is its tooltip and its accessible name."""

    def __init__(self, drawing: str, title: str, size: int, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._drawing = drawing
        self.setAutoRaise(True)
        self.setIcon(icon(drawing))
        self.setIconSize(QSize(size, size))
        self.setToolTip(title)
        self.setAccessibleName(title)

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() is QEvent.Type.PaletteChange:
            self.setIcon(icon(self._drawing))
