"""Column titles, painted flat and in line with the cells under them."""

from collections.abc import Mapping

from PySide6.QtCore import QRect, QSize, Qt
from PySide6.QtGui import QPainter, QPalette
from PySide6.QtWidgets import QHeaderView, QWidget

from app.ui.models import roles
from app.ui.theme import PADDING, colours_of, row_height

_LEFT = int(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
_INSET = 5
"""Pixels that the line between two titles leaves free above and below."""
_NARROWEST = 48
"""Pixels of a column."""
_SHARE = 0.68
"""What the columns in front of or behind the stretched one may take of the view's width."""


class Header(QHeaderView):
    """A title starts, or ends, where the texts of its column do."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(Qt.Orientation.Horizontal, parent)
        self.setFixedHeight(row_height() + 2)
        self.setMinimumSectionSize(_NARROWEST)
        self._given: dict[int, int] = {}

    def give_widths(self, widths: Mapping[int, int], room: int) -> None:
        """Give columns these pixels, fewer where that would push the rest out of ``room``, until one is dragged."""
        if any(self.sectionSize(column) != width for column, width in self._given.items()):
            return
        factor = min(1.0, _SHARE * room / sum(widths.values()))
        self._given = {column: max(round(width * factor), _NARROWEST) for column, width in widths.items()}
        for column, width in self._given.items():
            self.resizeSection(column, width)

    def sectionSizeFromContents(self, section: int) -> QSize:  # noqa: N802 - Qt's name
        size = super().sectionSizeFromContents(section)
        title = str(self.model().headerData(section, Qt.Orientation.Horizontal, roles.DISPLAY) or "")
        needed = self.fontMetrics().horizontalAdvance(title) + 2 * PADDING + 2
        return QSize(max(size.width(), needed), size.height())

    def paintSection(self, painter: QPainter, rect: QRect, section: int) -> None:  # noqa: N802 - Qt's name
        shown, line = self.palette(), colours_of(self.palette()).line
        painter.save()
        painter.fillRect(rect, shown.color(QPalette.ColorRole.AlternateBase))
        painter.setPen(line)
        painter.drawLine(rect.bottomLeft(), rect.bottomRight())
        if self.visualIndex(section) < self.count() - 1:
            painter.drawLine(rect.right(), rect.top() + _INSET, rect.right(), rect.bottom() - _INSET)
        painter.setPen(shown.color(QPalette.ColorRole.WindowText))
        room = rect.adjusted(PADDING, 0, -PADDING, 0)
        title = str(self.model().headerData(section, Qt.Orientation.Horizontal, roles.DISPLAY) or "")
        alignment = self.model().headerData(section, Qt.Orientation.Horizontal, roles.ALIGNMENT) or _LEFT
        text = self.fontMetrics().elidedText(title, Qt.TextElideMode.ElideRight, room.width())
        painter.drawText(room, int(alignment), text)
        painter.restore()
