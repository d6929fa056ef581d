"""The icons: stroke drawings in one colour, tinted by the palette."""

import site
import sysconfig
from functools import cache
from pathlib import Path

from PySide6.QtCore import QByteArray, QRectF, Qt
from PySide6.QtGui import QColor, QIcon, QPainter, QPalette, QPixmap
from PySide6.QtSvg import QSvgRenderer
from PySide6.QtWidgets import QApplication

import app

_SIZE = 18
_SCALES = (1, 2)
_FOLDERS = (
    Path(app.__file__).parents[1] / "resources" / "icons",
    Path(sysconfig.get_path("data")) / "share" / "shelfscope" / "icons",
    Path(site.getuserbase()) / "share" / "shelfscope" / "icons",
)
"""Where a source tree has them, an installed package, and one that was installed for one user."""


def icon(name: str) -> QIcon:
    """Return an icon in the colours of the palette as it is now; an empty one where the drawing is missing."""
    shown = QApplication.palette()
    normal = shown.color(QPalette.ColorRole.ButtonText).name()
    dim = shown.color(QPalette.ColorGroup.Disabled, QPalette.ColorRole.ButtonText).name()
    return _drawn(name, normal, dim)


@cache
def _drawn(name: str, normal: str, dim: str) -> QIcon:
    result = QIcon()
    drawing = _drawing(name)
    if drawing:
        for scale in _SCALES:
            result.addPixmap(_pixmap(drawing, normal, scale), QIcon.Mode.Normal)
            result.addPixmap(_pixmap(drawing, dim, scale), QIcon.Mode.Disabled)
    return result


def _drawing(name: str) -> str:
    for folder in _FOLDERS:
        path = folder / f"{name}.svg"
        if path.is_file():
            return path.read_text("utf-8")
    return ""


def _pixmap(drawing: str, colour: str, scale: int, size: int = _SIZE) -> QPixmap:
    pixmap = QPixmap(size * scale, size * scale)
    pixmap.fill(Qt.GlobalColor.transparent)
    painter = QPainter(pixmap)
    tinted = drawing.replace("currentColor", QColor(colour).name())
    QSvgRenderer(QByteArray(tinted.encode())).render(painter, QRectF(0, 0, size * scale, size * scale))
    painter.end()
    pixmap.setDevicePixelRatio(scale)
    return pixmap


def picture(name: str, size: int) -> QPixmap:
    """Return a drawing of ``size`` pixels in the dim colour, for an empty page."""
    colour = QApplication.palette().color(QPalette.ColorRole.PlaceholderText).name()
    return _pixmap(_drawing(name), colour, 2, size)
