"""The panes under the tree: a value as text and as bytes, never more of it than a frame can lay out."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator

from PySide6.QtCore import Qt, QTimer, Signal, Slot
from PySide6.QtGui import QTextCursor
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QPlainTextEdit, QToolButton, QVBoxLayout, QWidget

from app.ui.theme import GAP, fixed_font

TEXT_CHARS = 100_000
"""Characters that the text pane asks for."""
HEX_PAGE = 8_192
"""Bytes that the hex pane shows at once."""
_PER_LINE = 16
_SLICE_CHARS = 6_000
"""Characters that are laid out at once; the rest of a text follows when the event loop is free."""
_LINE_COST = 20
"""Characters that the layout of a line costs as much as, however short it is."""
_LINE_CHARS = 1_000
"""Characters of a line that the text pane keeps whole; longer ones are folded, as Qt lays out a line at once."""


class TextPane(QPlainTextEdit):
    """Read-only text in a fixed font."""

    def __init__(self, name: str, title: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName(name)
        self.setAccessibleName(title)
        self.setReadOnly(True)
        self.setUndoRedoEnabled(False)
        self.setAcceptDrops(False)
        self.setFont(fixed_font())
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setLineWrapMode(QPlainTextEdit.LineWrapMode.NoWrap)
        self.setTextInteractionFlags(
            Qt.TextInteractionFlag.TextSelectableByMouse | Qt.TextInteractionFlag.TextSelectableByKeyboard
        )
        self.document().setDocumentMargin(GAP)
        self._rest: deque[str] = deque()
        self._timer = QTimer(self, interval=0)
        self._timer.timeout.connect(self._on_next)

    def show_text(self, text: str) -> None:
        """Show a text, its very long lines folded; the start is there at once."""
        self._rest = deque(_slices(_folded(text)))
        self.setPlainText(self._rest.popleft())
        self._timer.start()

    @Slot()
    def _on_next(self) -> None:
        if not self._rest:
            self._timer.stop()
            return
        end = QTextCursor(self.document())
        end.movePosition(QTextCursor.MoveOperation.End)
        end.insertText("\n" + self._rest.popleft())


class HexPane(QWidget):
    """Bytes of a value, a page at a time; asks for those it shows."""

    wanted = Signal(int, int)
    """Start and length in bytes; answered by `show_bytes`."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._size = 0
        self._start = 0
        self.pane = TextPane("hex-pane", "Bytes of the value")
        self._range = QLabel(textFormat=Qt.TextFormat.PlainText)
        self._range.setObjectName("hex-range")
        self._back = self._button(Qt.ArrowType.LeftArrow, "Earlier bytes", self._on_back)
        self._on = self._button(Qt.ArrowType.RightArrow, "Further bytes", self._on_further)
        self._pager = QWidget()
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
        column.addWidget(self._pager)
        self.setFocusProxy(self.pane)

    def _button(self, arrow: Qt.ArrowType, title: str, turn: Callable[[], None]) -> QToolButton:
        button = QToolButton(autoRaise=True)
        button.setArrowType(arrow)
        button.setToolTip(title)
        button.setAccessibleName(title)
        button.clicked.connect(turn)
        return button

    def show_value(self, size: int) -> None:
        """Start with the first page of a value of ``size`` bytes."""
        self._size = size
        self._turn_to(0)

    def clear(self) -> None:
        self._size = 0
        self.pane.clear()
        self._pager.hide()

    def show_bytes(self, start: int, data: bytes) -> None:
        if start == self._start:
            self.pane.setPlainText(hex_text(start, data))

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
            self.pane.clear()


def hex_text(start: int, data: bytes) -> str:
    """Return lines of offset, bytes in hex and printable ASCII, as hex editors show them."""
    lines = []
    for place in range(0, len(data), _PER_LINE):
        part = data[place : place + _PER_LINE]
        codes = f"{part[:8].hex(' '):23}  {part[8:].hex(' '):23}"
        letters = "".join(chr(code) if 0x20 <= code < 0x7F else "·" for code in part)
        lines.append(f"{start + place:08x}  {codes}  {letters}")
    return "\n".join(lines)


def _slices(lines: Iterable[str]) -> Iterator[str]:
    """Join lines to texts of some `_SLICE_CHARS` characters; at least one, which may be empty."""
    part: list[str] = []
    length = 0
    for line in lines:
        if part and length + len(line) > _SLICE_CHARS:
            yield "\n".join(part)
            part, length = [], 0
        part.append(line)
        length += len(line) + _LINE_COST
    yield "\n".join(part)


def _folded(text: str) -> list[str]:
    return [
        line[place : place + _LINE_CHARS]
        for line in text.split("\n")
        for place in range(0, max(len(line), 1), _LINE_CHARS)
    ]
