"""How cells are painted: soft selection, types as coloured badges, a mark for what is not saved."""

from PySide6.QtCore import QObject, QPointF, QRect, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QFont, QFontMetrics, QPainter, QPalette, QPen
from PySide6.QtWidgets import QStyle, QStyledItemDelegate, QStyleOptionViewItem

from app.document.pending_change import PendingKind
from app.ui.models import roles
from app.ui.models.roles import AnyIndex
from app.ui.theme import PADDING, Colours, Family, colours_of, family_of, fixed_font, mixed, row_height

_DOT = 3.5
_PLUS = 4.5
_PLUS_WIDTH = 2.0
_ADDED, _DELETED = PendingKind.ADDED.value, PendingKind.DELETED.value
_SELECTED = QStyle.StateFlag.State_Selected
_ACTIVE = QStyle.StateFlag.State_Active
_LEFT = int(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
_CENTRE = int(Qt.AlignmentFlag.AlignCenter)
_ELIDE = Qt.TextElideMode.ElideRight


class CellDelegate(QStyledItemDelegate):
    """Paints a cell of the entry table or the value tree without asking the style."""

    def __init__(self, *, type_column: int, value_column: int, parent: QObject) -> None:
        super().__init__(parent)
        self._type_column = type_column
        self._value_column = value_column
        self._fixed = fixed_font()
        self._fixed_metrics = QFontMetrics(self._fixed)

    def sizeHint(self, option: QStyleOptionViewItem, index: AnyIndex) -> QSize:
        return QSize(super().sizeHint(option, index).width() + 2 * PADDING, row_height())

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: AnyIndex) -> None:
        rect: QRect = option.rect
        shown: QPalette = option.palette
        state: QStyle.StateFlag = option.state
        colours = colours_of(shown)
        if state & _SELECTED:
            group = QPalette.ColorGroup.Active if state & _ACTIVE else QPalette.ColorGroup.Inactive
            painter.fillRect(rect, shown.color(group, QPalette.ColorRole.Highlight))
        text = index.data(roles.DISPLAY)
        if not text:
            return
        kind = index.data(roles.PENDING_KIND)
        if index.column() == self._type_column and kind != _DELETED:
            _paint_badge(painter, rect, str(text), colours, option.font)
        else:
            self._paint_text(painter, rect, str(text), index, option, colours, kind)

    def _paint_text(
        self,
        painter: QPainter,
        rect: QRect,
        text: str,
        index: AnyIndex,
        option: QStyleOptionViewItem,
        colours: Colours,
        kind: str | None,
    ) -> None:
        room = rect.adjusted(PADDING, 0, -PADDING, 0)
        font: QFont = option.font
        metrics: QFontMetrics = option.fontMetrics
        if index.column() == self._value_column:
            font, metrics = self._fixed, self._fixed_metrics
        elif index.column() == 0 and kind:
            room.setRight(room.right() - 3 * PADDING)
            _paint_mark(painter, QPointF(rect.right() - 2 * PADDING, rect.center().y() + 1), kind, colours)
        painter.setFont(_struck(font) if kind == _DELETED else font)
        painter.setPen(colours.dim if kind == _DELETED else _pen(index, option, colours))
        alignment = index.data(roles.ALIGNMENT) or _LEFT
        painter.drawText(room, int(alignment), metrics.elidedText(text, _ELIDE, room.width()))


def _pen(index: AnyIndex, option: QStyleOptionViewItem, colours: Colours) -> QColor:
    if index.data(roles.PROBLEM):
        return colours.types[Family.DAMAGED]
    shown: QPalette = option.palette
    state: QStyle.StateFlag = option.state
    is_dim = bool(index.data(roles.IS_DIM))
    if not state & _SELECTED:
        return colours.dim if is_dim else shown.color(QPalette.ColorRole.Text)
    above = shown.color(QPalette.ColorRole.HighlightedText)
    return mixed(colours.dim, above, 0.5) if is_dim else above


def _paint_badge(painter: QPainter, rect: QRect, text: str, colours: Colours, font: QFont) -> None:
    small = QFont(font)
    small.setPointSizeF(font.pointSizeF() * 0.92)
    metrics = QFontMetrics(small)
    family = family_of(text)
    room = rect.width() - PADDING - 2
    if metrics.horizontalAdvance(text) + 2 * PADDING > room:
        text = text.rpartition(".")[2]  # the class tells more than the module; the tooltip has both
    width = min(metrics.horizontalAdvance(text) + 2 * PADDING, room)
    height = max(18, metrics.height() + 2)
    badge = QRectF(rect.left() + PADDING, rect.center().y() + 1 - height / 2, width, height)
    painter.save()
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(colours.badges[family])
    painter.drawRoundedRect(badge, 4, 4)
    painter.setFont(small)
    painter.setPen(colours.types[family])
    painter.drawText(badge, _CENTRE, metrics.elidedText(text, _ELIDE, int(width) - PADDING))
    painter.restore()


def _struck(font: QFont) -> QFont:
    struck = QFont(font)
    struck.setStrikeOut(True)
    return struck


def _paint_mark(painter: QPainter, centre: QPointF, kind: str, colours: Colours) -> None:
    """Paint a plus for what is added, a bar for what is deleted, a dot for what is changed."""
    painter.save()
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    if kind in (_ADDED, _DELETED):
        painter.setPen(QPen(colours.pending, _PLUS_WIDTH))
        painter.drawLine(centre - QPointF(_PLUS, 0), centre + QPointF(_PLUS, 0))
        if kind == _ADDED:
            painter.drawLine(centre - QPointF(0, _PLUS), centre + QPointF(0, _PLUS))
    else:
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(colours.pending)
        painter.drawEllipse(centre, _DOT, _DOT)
    painter.restore()
