"""Lines for types that have more to them than a literal: texts, bytes, bools, dates."""

import re
from functools import partial

from PySide6.QtCore import QDate, QPoint, Qt, Signal, Slot
from PySide6.QtGui import QAction, QGuiApplication, QIcon, QKeyEvent, QKeySequence, QTextCharFormat
from PySide6.QtWidgets import QCalendarWidget, QLineEdit, QToolButton, QVBoxLayout, QWidget

from app.codecs.literals.scalars import format_literal, parse_literal
from app.codecs.nodes import Kind
from app.codecs.screen import quote_text
from app.errors import CodecError
from app.ui.editors.scalar_editor import MakeEditor, ScalarEditor
from app.ui.icons import icon

_LITERAL = re.compile(r"\s*[bBrRuU]{0,2}['\"]")
_TEXT, _BYTES = re.compile("[uU]?['\"]"), re.compile("[bB]['\"]")
_DATE = re.compile(r"(\d{4})-(\d{2})-(\d{2})")
_LINE_END = re.compile("[\r\n\u2028\u2029]")
_TRAILING = QLineEdit.ActionPosition.TrailingPosition
_NO_HEX = "These are no hex digits in pairs; write two for each byte, as 00 ff."
_OCTETS = {"bytes": Kind.BYTES, "bytearray": Kind.BYTEARRAY}


class TextEditor(ScalarEditor):
    """A text of one line. In quotes it is a literal, with its escapes; without any it is the text itself."""

    lines_pasted = Signal(str)
    """Lines were pasted, which this one cannot hold: the text as a literal with them in it."""

    def literal(self) -> str:
        text = self.text()
        return text if _LITERAL.match(text) else quote_text(text)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        pasted = QGuiApplication.clipboard().text() if event.matches(QKeySequence.StandardKey.Paste) else ""
        if _LINE_END.search(pasted):
            self._paste_lines(pasted)
        else:
            super().keyPressEvent(event)

    def _paste_lines(self, pasted: str) -> None:
        start = self.selectionStart() if self.hasSelectedText() else self.cursorPosition()
        end = start + len(self.selectedText())
        before, after = self.text()[:start], self.text()[end:]
        quote = before.lstrip("bBrRuU")[:1]
        if quote in ("'", '"'):  # within a literal, so it becomes a part of that
            escaped = quote_text(pasted)[1:-1]
            self.lines_pasted.emit(f"{before}{escaped.replace(quote, chr(92) + quote)}{after}")
        else:
            self.lines_pasted.emit(quote_text(before + pasted + after))


class BoolEditor(ScalarEditor):
    """True or False; the arrow keys change one into the other."""

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() in (Qt.Key.Key_Up, Qt.Key.Key_Down):
            self.setText("False" if self.text() == "True" else "True")
            self.selectAll()
        else:
            super().keyPressEvent(event)


class BytesEditor(ScalarEditor):
    """Bytes as a literal with escapes, or, after a press on its button, as hex digits."""

    def __init__(self, kind: Kind, text: str, parent: QWidget) -> None:
        super().__init__(text, parent)
        self._kind = kind
        self._is_hex = False
        self._toggle = QAction(icon("hex"), "Edit as hex digits (Ctrl+H)", self)
        self._toggle.setObjectName("toggle-hex")
        self._toggle.setCheckable(True)
        self._toggle.setShortcut("Ctrl+H")
        self._toggle.setShortcutContext(Qt.ShortcutContext.WidgetShortcut)
        self._toggle.triggered.connect(self._on_toggled)
        self.addAction(self._toggle, _TRAILING)

    def literal(self) -> str:
        if not self._is_hex:
            return self.text()
        try:
            return format_literal(bytes.fromhex(self.text()), self._kind)
        except ValueError:
            return self.text()  # which is refused

    def refuse(self, sentence: str) -> None:
        """Say of hex digits what is wrong with those, not with a literal."""
        is_hex = self._is_hex and self.literal() == self.text()
        super().refuse(_NO_HEX if is_hex else sentence)

    @property
    def is_changed(self) -> bool:
        return self.literal() != self._original

    @Slot()
    def _on_toggled(self) -> None:
        """Show the same bytes in the other form; not where what is typed is no bytes."""
        try:
            data = bytes.fromhex(self.text()) if self._is_hex else parse_literal(self.text(), self._kind)
        except (ValueError, CodecError):
            self._toggle.setChecked(self._is_hex)
            return
        content = data if isinstance(data, bytes) else b""
        self._is_hex = not self._is_hex
        self.setText(content.hex(" ") if self._is_hex else format_literal(content, self._kind))
        self.explain("Hex digits" if self._is_hex else "A literal with escapes")


class MomentEditor(ScalarEditor):
    """A date, maybe with a time, as ISO text; a calendar changes the date in it."""

    def __init__(self, text: str, parent: QWidget) -> None:
        super().__init__(text, parent)
        self.explain("A date as ISO text; Alt+Down opens a calendar")
        opens = QAction(icon("calendar"), "Choose a date (Alt+Down)", self)
        opens.setObjectName("open-calendar")
        opens.setShortcut("Alt+Down")
        opens.setShortcutContext(Qt.ShortcutContext.WidgetShortcut)
        opens.triggered.connect(self._on_calendar)
        self.addAction(opens, _TRAILING)
        self._popup = CalendarPopup(self)
        self._popup.chosen.connect(self._on_chosen)

    @Slot()
    def _on_calendar(self) -> None:
        found = _DATE.search(self.text())
        shown = QDate(*map(int, found.groups())) if found else QDate.currentDate()
        popup = self._popup
        popup.calendar.setSelectedDate(shown if shown.isValid() else QDate.currentDate())
        popup.move(self.mapToGlobal(QPoint(0, self.height())))
        popup.show()
        popup.calendar.setFocus(Qt.FocusReason.PopupFocusReason)

    @Slot(QDate)
    def _on_chosen(self, date: QDate) -> None:
        text = date.toString(Qt.DateFormat.ISODate)
        changed, count = _DATE.subn(text, self.text(), count=1)
        self.setText(changed if count else text)
        self.setFocus(Qt.FocusReason.PopupFocusReason)


class CalendarPopup(QWidget):
    """A month; a click or Enter chooses a day, Escape none."""

    chosen = Signal(QDate)

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent, Qt.WindowType.Popup)
        self.setObjectName("calendar-popup")
        self.calendar = QCalendarWidget()
        self.calendar.setObjectName("calendar")
        self.calendar.setAccessibleName("Calendar")
        self.calendar.setVerticalHeaderFormat(QCalendarWidget.VerticalHeaderFormat.NoVerticalHeader)
        self._tint()
        self.calendar.activated.connect(self._on_activated)
        self.calendar.clicked.connect(self._on_activated)
        column = QVBoxLayout(self)
        column.setContentsMargins(1, 1, 1, 1)
        column.addWidget(self.calendar)

    def _tint(self) -> None:
        """Give what Qt paints in red and black the colours of the palette."""
        faint = QTextCharFormat()
        faint.setForeground(self.palette().placeholderText())
        for day in (Qt.DayOfWeek.Saturday, Qt.DayOfWeek.Sunday):
            self.calendar.setWeekdayTextFormat(day, faint)
        for name, arrow in (("prev", Qt.ArrowType.LeftArrow), ("next", Qt.ArrowType.RightArrow)):
            button = self.calendar.findChild(QToolButton, f"qt_calendar_{name}month")
            if isinstance(button, QToolButton):
                button.setIcon(QIcon())
                button.setArrowType(arrow)

    @Slot(QDate)
    def _on_activated(self, date: QDate) -> None:
        self.chosen.emit(date)
        self.close()


def line_for(editor: str, text: str) -> MakeEditor:
    """Return what makes the line for a scalar of a type of `NodeRow.editor`; an element's type is that of its text."""
    if editor == "element":
        editor = "str" if _TEXT.match(text) else "bytes" if _BYTES.match(text) else ""
    if editor in _OCTETS:
        return partial(BytesEditor, _OCTETS[editor], text)
    made = {"str": TextEditor, "str2": TextEditor, "bool": BoolEditor, "date": MomentEditor, "datetime": MomentEditor}
    return partial(made.get(editor, ScalarEditor), text)
