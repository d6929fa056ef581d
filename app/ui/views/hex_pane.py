"""Bytes of a value, a page at a time."""

from collections.abc import Callable

from PySide6.QtCore import Qt, Signal, Slot
from PySide6.QtWidgets import QHBoxLayout, QLabel, QToolButton, QVBoxLayout, QWidget

from app.ui.theme import GAP
from app.ui.views.hex_text import HexText

HEX_PAGE = 8_192
"""Bytes that the hex pane shows at once."""
_KEYS = "Del and Backspace remove. Ctrl+Return commits, Esc gives up."
_OVERWRITING = f"Overwriting; Ins inserts. {_KEYS}"
_INSERTING = f"Inserting; Ins overwrites. {_KEYS}"


class HexPane(QWidget):
    """Bytes of a value, a page at a time; asks for those it shows."""

    wanted = Signal(int, int)
    """Start and length in bytes; answered by `show_bytes`."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._size = 0
        self._start = 0
        self.pane = HexText()
        self._range = QLabel(textFormat=Qt.TextFormat.PlainText)
        self._range.setObjectName("hex-range")
        self._back = self._button(Qt.ArrowType.LeftArrow, "Earlier bytes", self._on_back)
        self._on = self._button(Qt.ArrowType.RightArrow, "Further bytes", self._on_further)
        self._pager = QWidget()
        self._hint = QLabel(textFormat=Qt.TextFormat.PlainText, wordWrap=True)
        self._hint.setObjectName("hex-hint")
        self._hint.setContentsMargins(GAP, 2, GAP, 2)
        self._lay_out()
        self.pane.editing_changed.connect(self._on_editing_changed)
        self.setFocusProxy(self.pane)

    def _lay_out(self) -> None:
        row = QHBoxLayout(self._pager)
        row.setContentsMargins(GAP, 2, GAP, 2)
        row.setSpacing(GAP // 2)
        for widget in (self._back, self._on, self._range):
            row.addWidget(widget)
        row.addStretch(1)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(self.pane, 1)
        column.addWidget(self._hint)
        column.addWidget(self._pager)
        self._hint.hide()

    def _button(self, arrow: Qt.ArrowType, title: str, turn: Callable[[], None]) -> QToolButton:
        button = QToolButton(autoRaise=True)
        button.setArrowType(arrow)
        button.setToolTip(title)
        button.setAccessibleName(title)
        button.setFocusPolicy(Qt.FocusPolicy.NoFocus)  # turning the page must not count as leaving
        button.clicked.connect(turn)
        return button

    def show_value(self, size: int, *, can_edit: bool = False, is_same: bool = False) -> None:
        """Start with the first page of a value of ``size`` bytes, or stay with the page if it is the same entry's."""
        self.pane.give_up()
        self.pane.can_edit = can_edit
        self._size = size
        self._turn_to(self._start if is_same and self._start < size else 0)

    def clear(self) -> None:
        self._size = self._start = 0
        self.pane.give_up()
        self.pane.show_bytes(0, b"", is_last=False)
        self._pager.hide()

    def show_bytes(self, start: int, data: bytes) -> None:
        if start == self._start:
            self.pane.show_bytes(start, data, is_last=start + len(data) >= self._size)

    @Slot()
    def _on_editing_changed(self) -> None:
        self._hint.setText(_INSERTING if self.pane.inserts else _OVERWRITING)
        self._hint.setVisible(self.pane.is_editing)

    @Slot()
    def _on_back(self) -> None:
        self._turn_to(self._start - HEX_PAGE)

    @Slot()
    def _on_further(self) -> None:
        self._turn_to(self._start + HEX_PAGE)

    def _turn_to(self, start: int) -> None:
        self._start = max(start, 0)
        end = min(self._start + HEX_PAGE, self._size)
        self._range.setText(f"Bytes {self._start:,} to {max(end - 1, 0):,} of {self._size:,}")
        self._back.setEnabled(self._start > 0)
        self._on.setEnabled(end < self._size)
        self._pager.setVisible(self._size > HEX_PAGE)
        if self._size:
            self.wanted.emit(self._start, end - self._start)
        else:
            self.pane.show_bytes(0, b"", is_last=True)
