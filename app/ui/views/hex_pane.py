"""Bytes of a value, a page at a time, and their editing in place."""

from collections.abc import Callable

from PySide6.QtCore import QEvent, Qt, Signal, Slot
from PySide6.QtGui import QFocusEvent, QKeyEvent, QMouseEvent, QTextCharFormat, QTextCursor
from PySide6.QtWidgets import QApplication, QHBoxLayout, QLabel, QTextEdit, QToolButton, QVBoxLayout, QWidget

from app.ui.editors.scalar_editor import COMMIT_KEYS, LEAVING
from app.ui.theme import GAP, colours_of
from app.ui.views.panes import TextPane

HEX_PAGE = 8_192
"""Bytes that the hex pane shows at once."""
_PER_LINE = 16
_HALF = 8
_FIRST_COLUMN = 10
"""Where the first byte of a line stands: behind its offset and two spaces."""
_DIGITS = "0123456789abcdef"
_STEPS: dict[int, int] = {
    Qt.Key.Key_Left: -1,
    Qt.Key.Key_Right: 1,
    Qt.Key.Key_Up: -2 * _PER_LINE,
    Qt.Key.Key_Down: 2 * _PER_LINE,
}


class HexText(TextPane):
    """Lines of bytes. F2, Enter or a double click starts to overwrite them; digits typed before do nothing."""

    edited = Signal(object)
    """The bytes that are others now, by their offsets: leaving and Ctrl+Return commit, Esc gives up."""
    editing_changed = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__("hex-pane", "Bytes of the value", parent)
        self.setAccessibleDescription("F2 starts to overwrite bytes; Ctrl+Return commits, Escape gives up")
        self._start = 0
        self._data = b""
        self._changes: dict[int, int] = {}
        self._place = 0
        self.can_edit = False
        self.is_editing = False

    @property
    def is_changed(self) -> bool:
        return bool(self._changes)

    def show_bytes(self, start: int, data: bytes) -> None:
        """Show a page of the value, with what was typed over it."""
        self._start, self._data = start, data
        self._place = 0
        self._show()

    def begin_editing(self) -> None:
        if self.can_edit and self._data and not self.is_editing:
            self.is_editing = True
            self._place = self._place_at(self.textCursor())
            self._show()
            self.editing_changed.emit()

    def give_up(self) -> None:
        """Leave all bytes as they are."""
        self._changes.clear()
        self._end()

    def commit(self) -> None:
        """Hand the changes over, if there are any."""
        changes = dict(self._changes)
        self._changes.clear()
        self._end()
        if changes:
            self.edited.emit(changes)

    def _end(self) -> None:
        if self.is_editing:
            self.is_editing = False
            self._show()
            self.editing_changed.emit()

    # ---- typing

    def event(self, event: QEvent) -> bool:
        overrides = event.type() is QEvent.Type.ShortcutOverride
        if overrides and isinstance(event, QKeyEvent) and event.key() == Qt.Key.Key_F2:
            event.accept()  # else the window would edit the row of the tree
            return True
        return super().event(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if not self.is_editing:
            if event.key() == Qt.Key.Key_F2 or event.key() in COMMIT_KEYS:
                self.begin_editing()
            else:
                super().keyPressEvent(event)
        elif event.key() == Qt.Key.Key_Escape:
            self.give_up()
        elif event.key() in COMMIT_KEYS:
            self.commit()
        elif event.key() in _STEPS:
            self._step(_STEPS[event.key()])
        elif event.text() and event.text().lower() in _DIGITS:
            self._overwrite(_DIGITS.index(event.text().lower()))

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:  # noqa: N802 - Qt's name
        super().mouseDoubleClickEvent(event)
        self.setTextCursor(self.cursorForPosition(event.position().toPoint()))
        self.begin_editing()

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:  # noqa: N802 - Qt's name
        super().mouseReleaseEvent(event)
        if self.is_editing:
            self._place = self._place_at(self.textCursor())
            self._show_cursor()

    def focusOutEvent(self, event: QFocusEvent) -> None:
        super().focusOutEvent(event)
        if self.is_editing and event.reason() not in LEAVING:
            self.commit()

    def _overwrite(self, digit: int) -> None:
        offset = self._start + self._place // 2
        old = self._byte(self._place // 2)
        new = (digit << 4 | old & 0x0F) if self._place % 2 == 0 else (old & 0xF0 | digit)
        if new == self._data[self._place // 2]:
            self._changes.pop(offset, None)
        else:
            self._changes[offset] = new
        self._show_line(self._place // 2 // _PER_LINE)
        self._step(1)

    def _step(self, digits: int) -> None:
        place = self._place + digits
        if 0 <= place < 2 * len(self._data):
            self._place = place
        self._show_cursor()

    # ---- what is shown

    def _byte(self, index: int) -> int:
        return self._changes.get(self._start + index, self._data[index])

    def _current(self, first: int, last: int) -> bytes:
        return bytes(self._byte(index) for index in range(first, min(last, len(self._data))))

    def _show(self) -> None:
        self.setPlainText(hex_text(self._start, self._current(0, len(self._data))))
        self._show_cursor()

    def _show_line(self, line: int) -> None:
        cursor = QTextCursor(self.document().findBlockByNumber(line))
        cursor.select(QTextCursor.SelectionType.LineUnderCursor)
        first = line * _PER_LINE
        cursor.insertText(hex_text(self._start + first, self._current(first, first + _PER_LINE)))

    def _show_cursor(self) -> None:
        """Mark what was typed, and the digit that is typed next."""
        marks = [self._mark(2 * (offset - self._start), 2, is_typed=True) for offset in self._seen_changes()]
        if self.is_editing:
            marks.append(self._mark(self._place, 1, is_typed=False))
            self.setTextCursor(self._cursor_at(self._place))
        self.setExtraSelections(marks)

    def _seen_changes(self) -> list[int]:
        return [offset for offset in self._changes if 0 <= offset - self._start < len(self._data)]

    def _mark(self, place: int, digits: int, *, is_typed: bool) -> QTextEdit.ExtraSelection:
        mark = QTextEdit.ExtraSelection()
        mark.cursor = self._cursor_at(place)
        mark.cursor.movePosition(QTextCursor.MoveOperation.Right, QTextCursor.MoveMode.KeepAnchor, digits)
        shown = QTextCharFormat()
        if is_typed:
            shown.setForeground(colours_of(QApplication.palette()).pending)
        else:
            shown.setBackground(QApplication.palette().accent())
            shown.setForeground(QApplication.palette().base())
        mark.format = shown
        return mark

    def _cursor_at(self, place: int) -> QTextCursor:
        line, digit = divmod(place, 2 * _PER_LINE)
        column = _FIRST_COLUMN + 3 * (digit // 2) + digit % 2 + (digit // 2 >= _HALF)
        cursor = QTextCursor(self.document().findBlockByNumber(line))
        cursor.movePosition(QTextCursor.MoveOperation.Right, QTextCursor.MoveMode.MoveAnchor, column)
        return cursor

    def _place_at(self, cursor: QTextCursor) -> int:
        column = max(cursor.positionInBlock() - _FIRST_COLUMN, 0)
        column -= column >= 3 * _HALF
        digit = min(2 * (column // 3) + (column % 3 == 1), 2 * _PER_LINE - 1)
        return max(min(2 * _PER_LINE * cursor.blockNumber() + digit, 2 * len(self._data) - 1), 0)


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
        self._hint = QLabel("Overwriting: Ctrl+Return commits, Esc gives up", textFormat=Qt.TextFormat.PlainText)
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
        self.pane.show_bytes(0, b"")
        self._pager.hide()

    def show_bytes(self, start: int, data: bytes) -> None:
        if start == self._start:
            self.pane.show_bytes(start, data)

    @Slot()
    def _on_editing_changed(self) -> None:
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
            self.pane.show_bytes(0, b"")


def hex_text(start: int, data: bytes) -> str:
    """Return lines of offset, bytes in hex and printable ASCII, as hex editors show them."""
    lines = []
    for place in range(0, len(data), _PER_LINE):
        part = data[place : place + _PER_LINE]
        codes = f"{part[:_HALF].hex(' '):23}  {part[_HALF:].hex(' '):23}"
        letters = "".join(chr(code) if 0x20 <= code < 0x7F else "·" for code in part)
        lines.append(f"{start + place:08x}  {codes}  {letters}")
    return "\n".join(lines)
