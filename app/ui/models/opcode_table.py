"""The opcodes of a value as a table that is read where it is looked at."""

from collections.abc import Sequence

from PySide6.QtCore import QAbstractTableModel, QObject, Qt, Signal

from app.codecs.findings import OpcodeRow
from app.ui.models import roles
from app.ui.models.roles import NO_PARENT, AnyIndex

PAGE = 200
_PAGES_KEPT = 200
_MOST_ROWS = 60_000_000
"""Rows whose height in pixels Qt can count, with room for large fonts."""

_TITLES = ("Offset", "Opcode", "Argument", "What it does")
_HORIZONTAL = Qt.Orientation.Horizontal


class OpcodeTableModel(QAbstractTableModel):
    """Knows how many opcodes there are; asks for pages of them, and keeps those that were looked at last."""

    wanted = Signal(int, int)
    """First opcode and how many; answered by `add_rows`."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._count = 0
        self._hidden = 0
        self._pages: dict[int, Sequence[OpcodeRow]] = {}
        self._asked: set[int] = set()

    def show_count(self, count: int) -> None:
        """Start with the opcodes of another value."""
        self.beginResetModel()
        self._take(count)
        self._pages.clear()
        self._asked.clear()
        self.endResetModel()

    def show_more(self, count: int) -> None:
        """Go on to ``count`` opcodes of the same value."""
        if count <= self._count + self._hidden:
            return
        before = self.rowCount()
        self._asked.discard((self._count - 1) // PAGE)
        self._pages.pop((self._count - 1) // PAGE, None)  # it may have been cut there
        if self._hidden:
            self._take(count)
            self.dataChanged.emit(self.index(before - 1, 0), self.index(before - 1, len(_TITLES) - 1))
        else:
            self.beginInsertRows(NO_PARENT, before, min(count, _MOST_ROWS + 1) - 1)
            self._take(count)
            self.endInsertRows()

    def _take(self, count: int) -> None:
        self._count = min(count, _MOST_ROWS)
        self._hidden = count - self._count

    def want(self, first: int, last: int) -> None:
        """Ask for the rows in sight that are not there."""
        for page in range(max(first, 0) // PAGE, min(last, self._count - 1) // PAGE + 1):
            if page not in self._pages and page not in self._asked:
                self._asked.add(page)
                self.wanted.emit(page * PAGE, PAGE)

    def add_rows(self, start: int, rows: Sequence[OpcodeRow]) -> None:
        page = start // PAGE
        self._asked.discard(page)
        self._pages[page] = rows
        while len(self._pages) > _PAGES_KEPT:
            self._pages.pop(next(iter(self._pages)))
        if rows and start < self._count:
            last = min(start + len(rows), self._count) - 1
            self.dataChanged.emit(self.index(start, 0), self.index(last, len(_TITLES) - 1))

    def opcode(self, row: int) -> OpcodeRow | None:
        """Return an opcode, None while it is not there."""
        page = self._pages.get(row // PAGE, ())
        return page[row % PAGE] if row % PAGE < len(page) else None

    # ---- Qt's questions

    def rowCount(self, parent: AnyIndex = NO_PARENT) -> int:
        return 0 if parent.isValid() else self._count + bool(self._hidden)

    def columnCount(self, parent: AnyIndex = NO_PARENT) -> int:
        return 0 if parent.isValid() else len(_TITLES)

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = roles.DISPLAY) -> object:
        if orientation != _HORIZONTAL or not 0 <= section < len(_TITLES):
            return None
        if role == roles.ALIGNMENT:
            return roles.RIGHT if section == 0 else None
        return _TITLES[section] if role == roles.DISPLAY else None

    def data(self, index: AnyIndex, role: int = roles.DISPLAY) -> object:
        if self._hidden and index.row() == self._count:
            return self._why_no_more if role == roles.DISPLAY and index.column() == len(_TITLES) - 1 else None
        row = self.opcode(index.row()) if index.isValid() else None
        if row is None or role not in (roles.DISPLAY, roles.TOOL_TIP, roles.ALIGNMENT):
            return None
        if role == roles.ALIGNMENT:
            return roles.RIGHT if index.column() == 0 else None
        texts = (f"{row.offset:,}", row.name, row.argument, row.builds)
        text = texts[index.column()]
        return text if role == roles.DISPLAY else roles.tool_tip(text)

    @property
    def _why_no_more(self) -> str:
        return f"{self._hidden:,} more opcodes are not shown; a table holds {_MOST_ROWS:,} at most."
