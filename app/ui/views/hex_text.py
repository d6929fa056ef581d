"""Bytes as lines of hex digits, and their editing in place."""

from collections.abc import Callable

from PySide6.QtCore import QEvent, Qt, Signal
from PySide6.QtGui import QFocusEvent, QKeyEvent, QMouseEvent, QTextCharFormat, QTextCursor
from PySide6.QtWidgets import QApplication, QTextEdit, QWidget

from app.ui.editors.scalar_editor import COMMIT_KEYS, LEAVING
from app.ui.editors.typed_bytes import Cell, TypedBytes
from app.ui.theme import colours_of
from app.ui.views.panes import TextPane

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
    """Lines of bytes. F2, Enter or a double click starts to edit them; digits typed before do nothing."""

    edited = Signal(object)
    """The `Splice`s that were typed: leaving and Ctrl+Return commit, Esc gives up."""
    editing_changed = Signal()
    """Editing has begun or ended, or digits are inserted now instead of typed over, or the other way round."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__("hex-pane", "Bytes of the value", parent)
        self.setAccessibleDescription("F2 starts to edit bytes; Ctrl+Return commits, Escape gives up")
        self._start = 0
        self._data = b""
        self._is_last = False
        self._typed = TypedBytes()
        self._cells: list[Cell] = []
        self._place = 0
        """The digit that is typed next: two for each cell, and one behind all on the last page."""
        self.can_edit = False
        self.may_begin: Callable[[], bool] = _always
        """Asked before editing begins."""
        self._is_handed_over = False
        """Whether what was typed is on its way."""
        self.is_editing = False
        self.inserts = False

    @property
    def is_changed(self) -> bool:
        return bool(self._typed)

    def show_bytes(self, start: int, data: bytes, *, is_last: bool) -> None:
        """Show a page of the value, with what was typed; ``is_last``: nothing stands behind it."""
        self._start, self._data, self._is_last = start, data, is_last
        self._place = 0
        self._show()

    def begin_editing(self) -> None:
        if self.can_edit and not self.is_editing and (self._data or self._is_last) and self.may_begin():
            self.is_editing = True
            self.inserts = not self._data
            self._place = self._place_at(self.textCursor())
            self._show()
            self.editing_changed.emit()

    def give_up(self) -> None:
        """Leave all bytes as they are."""
        self._is_handed_over = False
        self._typed.clear()
        self._end()

    def commit(self) -> None:
        """Hand over what was typed, if anything; it stays until `give_up`, or `take_back` where it was refused."""
        if self._is_handed_over:
            return
        splices = self._typed.splices()
        if splices:
            self._is_handed_over = True
            self.edited.emit(splices)
        else:
            self.give_up()

    def take_back(self) -> None:
        """Go on with what was handed over and not taken."""
        self._is_handed_over = False

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
        elif self._is_handed_over:
            event.accept()  # what would be typed now would not be in what is on its way
        elif event.key() == Qt.Key.Key_Escape:
            self.give_up()
        elif event.key() in COMMIT_KEYS:
            self.commit()
        elif event.key() in _STEPS:
            self._step(_STEPS[event.key()])
        else:
            self._change(event)

    def _change(self, event: QKeyEvent) -> None:
        match event.key():
            case Qt.Key.Key_Insert:
                self.inserts = not self.inserts
                self._go_to(self._place)
                self.editing_changed.emit()
            case Qt.Key.Key_Delete:
                self._delete(self._place // 2)
            case Qt.Key.Key_Backspace:
                self._delete((self._place + 1) // 2 - 1)
            case _ if event.text() and event.text().lower() in _DIGITS:
                self._type(_DIGITS.index(event.text().lower()))

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:  # noqa: N802 - Qt's name
        super().mouseDoubleClickEvent(event)
        self.setTextCursor(self.cursorForPosition(event.position().toPoint()))
        self.begin_editing()

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:  # noqa: N802 - Qt's name
        super().mouseReleaseEvent(event)
        if self.is_editing:
            self._go_to(self._place_at(self.textCursor()))

    def focusOutEvent(self, event: QFocusEvent) -> None:
        super().focusOutEvent(event)
        if self.is_editing and event.reason() not in LEAVING:
            self.commit()

    def _type(self, digit: int) -> None:
        number, is_low = divmod(self._place, 2)
        if number == len(self._cells) or (self.inserts and not is_low):
            behind = Cell(self._start + len(self._data))
            self._typed.put_in(self._cells[number] if number < len(self._cells) else behind, digit << 4)
            self._show()
        else:
            cell, old = self._cells[number], self._byte(number)
            new = (old & 0xF0 | digit) if is_low else (digit << 4 | old & 0x0F)
            self._typed.overwrite(cell, new, self._stored(cell))
            self._show_line(number // _PER_LINE)
        self._step(1)

    def _delete(self, number: int) -> None:
        """Take a byte out; the next digit is typed where it was."""
        if 0 <= number < len(self._cells):
            self._typed.delete(self._cells[number])
            self._place = 2 * number
            self._show()

    def _go_to(self, place: int) -> None:
        """Go to a digit; to the first one of its byte where digits are inserted."""
        self._place = place - place % 2 if self.inserts else place
        self._show_cursor()

    def _step(self, digits: int) -> None:
        place = self._place + digits
        if 0 <= place <= self._last_place:
            self._place = place
        self._show_cursor()

    @property
    def _last_place(self) -> int:
        return 2 * len(self._cells) - (0 if self._is_last else 1)

    # ---- what is shown

    def _stored(self, cell: Cell) -> int:
        place = cell.offset - self._start
        return self._data[place] if place < len(self._data) else 0

    def _byte(self, number: int) -> int:
        cell = self._cells[number]
        return self._typed.byte(cell, self._stored(cell))

    def _current(self, first: int, last: int) -> bytes:
        return bytes(self._byte(number) for number in range(first, min(last, len(self._cells))))

    def _show(self) -> None:
        end = self._start + len(self._data)
        self._cells = self._typed.cells(self._start, end, is_last=self._is_last)
        self._place = max(min(self._place, self._last_place), 0)
        start = self._start + self._typed.shift(self._start)
        text = hex_text(start, self._current(0, len(self._cells)))
        if self.is_editing and self._is_last and len(self._cells) % _PER_LINE == 0:
            text += ("\n" if text else "") + _hex_line(start + len(self._cells), b"")  # room for what comes behind
        scrolled = self.verticalScrollBar().value()
        self.setPlainText(text)
        self.verticalScrollBar().setValue(scrolled)
        self._show_cursor()

    def _show_line(self, line: int) -> None:
        cursor = QTextCursor(self.document().findBlockByNumber(line))
        cursor.select(QTextCursor.SelectionType.LineUnderCursor)
        first = line * _PER_LINE
        start = self._start + self._typed.shift(self._start)
        cursor.insertText(hex_text(start + first, self._current(first, first + _PER_LINE)))

    def _show_cursor(self) -> None:
        """Mark what was typed, and the digit that is typed next."""
        typed = [number for number, cell in enumerate(self._cells) if self._typed.is_typed(cell)] if self._typed else []
        marks = [self._mark(2 * number, 2, is_typed=True) for number in typed]
        if self.is_editing:
            marks.append(self._mark(self._place, 1, is_typed=False))
            self.setTextCursor(self._cursor_at(self._place))
        self.setExtraSelections(marks)

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
        return max(min(2 * _PER_LINE * cursor.blockNumber() + digit, self._last_place), 0)


def _always() -> bool:
    return True


def hex_text(start: int, data: bytes) -> str:
    """Return lines of offset, bytes in hex and printable ASCII, as hex editors show them."""
    places = range(0, len(data), _PER_LINE)
    return "\n".join(_hex_line(start + place, data[place : place + _PER_LINE]) for place in places)


def _hex_line(offset: int, part: bytes) -> str:
    codes = f"{part[:_HALF].hex(' '):23}  {part[_HALF:].hex(' '):23}"
    letters = "".join(chr(code) if 0x20 <= code < 0x7F else "·" for code in part)
    return f"{offset:08x}  {codes}  {letters}"
