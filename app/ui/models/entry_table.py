"""The entry table: a row for each entry that is shown."""

from array import array
from bisect import bisect_left
from collections.abc import Callable, Sequence
from enum import IntEnum
from itertools import islice
from typing import ClassVar

from PySide6.QtCore import QAbstractTableModel, QObject, Qt, QTimer, Signal, Slot

from app.codecs.screen import ELLIPSIS, key_text
from app.document.document import Document
from app.document.entries import stretches
from app.document.entry_ids import FIRST_ADDED
from app.document.pending_change import PendingChange
from app.ui.models import roles
from app.ui.models.roles import NO_PARENT, AnyIndex

KEY_BYTES = 400
"""Bytes of a key that its cell shows."""
GROWTH = 100
"""Milliseconds between two insertions of rows that stream in; each makes the view lay out and paint again."""
_TEXTS_KEPT = 4_096
_SEARCHES = 16
"""How many steps through the rows take as long as the search for one of them."""


class Column(IntEnum):
    """The table's columns, left to right."""

    KEY = 0
    TYPE = 1
    VALUE = 2
    SIZE = 3


_TITLES = {Column.KEY: "Key", Column.TYPE: "Type", Column.VALUE: "Value", Column.SIZE: "Bytes"}
_COLUMNS = len(Column)
_HORIZONTAL = Qt.Orientation.Horizontal


class EntryTableModel(QAbstractTableModel):
    """Shows a `Document`; stores no entry and decodes no value.

    The first rows are stored entries: those of the same number or, while a filter is on, those that it lets through.
    Entries that were added follow, also those that a filter would hide: who adds one wants to see it.
    A value that was not looked at yet paints as an ellipsis; `want` asks for those that are seen.
    """

    wanted = Signal(list)
    """Entry ids whose summaries are seen and not known."""

    def __init__(self, document: Document, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._document = document
        self._filtered: array[int] | None = None
        self._stored = len(document.index)
        self._added = list(document.added_entries)
        self._texts: dict[int, str] = {}
        self._rows_version = 0
        """Another number whenever other stored entries are shown."""
        self._deleted = (-1, -1), 0
        """How many of them are to be deleted, and the versions at which they were."""
        self._growth = QTimer(self, singleShot=True, interval=GROWTH)
        self._growth.timeout.connect(self.show_growth)
        document.entries_added.connect(self._on_entries_added)
        document.indexed.connect(self.show_growth)
        document.entries_changed.connect(self._on_entries_changed)
        document.entries_removed.connect(self._on_entries_removed)
        document.reloading.connect(self._on_reloading)

    # ---- rows and entries

    @property
    def is_filtered(self) -> bool:
        return self._filtered is not None

    @property
    def _count(self) -> int:
        return self._stored + len(self._added)

    def entry_id(self, row: int) -> int:
        if row >= self._stored:
            return self._added[row - self._stored]
        return row if self._filtered is None else self._filtered[row]

    def entry_ids(self, first: int, last: int) -> Sequence[int]:
        """Return the ids of the entries in successive rows, in rising order."""
        added = self._added[max(first - self._stored, 0) : max(last + 1 - self._stored, 0)]
        last = min(last, self._stored - 1)
        return [*(range(first, last + 1) if self._filtered is None else self._filtered[first : last + 1]), *added]

    def row_of(self, entry_id: int) -> int | None:
        """Return the row that shows an entry, or None where the filter hides it."""
        if entry_id >= FIRST_ADDED:
            row = bisect_left(self._added, entry_id)
            return self._stored + row if row < len(self._added) and self._added[row] == entry_id else None
        if self._filtered is None:
            return entry_id if 0 <= entry_id < self._stored else None
        row = bisect_left(self._filtered, entry_id)
        return row if row < self._stored and self._filtered[row] == entry_id else None

    def deleted_count(self) -> int:
        """Return how many of the stored entries that are shown are to be deleted."""
        version = self._document.pending_version, self._rows_version
        if version != self._deleted[0]:
            self._deleted = version, self._count_deleted()
        return self._deleted[1]

    def _count_deleted(self) -> int:
        deleted, shown = self._document.deleted_entries, self._filtered
        if shown is None:
            return len(deleted)
        if len(deleted) * _SEARCHES < len(shown):
            return sum(self.row_of(entry_id) is not None for entry_id in deleted)
        return sum(map(deleted.__contains__, islice(shown, self._stored)))

    def shown_entries(self) -> Sequence[int] | None:
        """Return the ids of the entries that the filter lets through, or None for all."""
        return None if self._filtered is None else array("q", [*self._filtered, *self._added])

    def show_all(self) -> None:
        self.beginResetModel()
        self._rows_version += 1
        self._filtered = None
        self._stored = len(self._document.index)
        self._added = list(self._document.added_entries)
        self.endResetModel()

    def show_matches(self, entry_ids: Sequence[int], added: Sequence[int] = ()) -> None:
        """Show only these stored and added entries, in rising order; more stored ones can follow by `add_matches`."""
        self.beginResetModel()
        self._rows_version += 1
        self._filtered = array("q", entry_ids)
        self._stored = len(self._filtered)
        self._added = list(added)
        self.endResetModel()

    def add_matches(self, entry_ids: Sequence[int]) -> None:
        if self._filtered is not None:
            self._filtered.extend(entry_ids)
            self._grow()

    def _grow(self) -> None:
        if self._stored == 0:
            self.show_growth()
        elif not self._growth.isActive():
            self._growth.start()

    @Slot()
    def show_growth(self) -> None:
        """Announce at once the rows that came since the last announcement."""
        total = len(self._document.index) if self._filtered is None else len(self._filtered)
        if total > self._stored:
            self.beginInsertRows(NO_PARENT, self._stored, total - 1)
            self._rows_version += 1
            self._stored = total
            self.endInsertRows()

    def want(self, first: int, last: int) -> None:
        """Ask for the summaries of these rows that are not known yet."""
        rows = range(max(first, 0), min(last + 1, self._count))
        ids = [entry_id for entry_id in map(self.entry_id, rows) if self._document.summary(entry_id) is None]
        if ids:
            self.wanted.emit(ids)

    # ---- what changes in the document

    def _on_reloading(self) -> None:
        self.beginResetModel()
        self._texts.clear()
        self._filtered = None if self._filtered is None else array("q")
        self._rows_version += 1
        self._stored = 0
        self._added = []
        self.endResetModel()

    def _on_entries_added(self, first: int, count: int) -> None:
        if first >= FIRST_ADDED:
            self._show_added(first, count)
        elif self._filtered is None:
            self._grow()

    def _show_added(self, first: int, count: int) -> None:
        place = bisect_left(self._added, first)
        self.beginInsertRows(NO_PARENT, self._stored + place, self._stored + place + count - 1)
        self._added[place:place] = range(first, first + count)
        self.endInsertRows()

    def _on_entries_removed(self, entry_ids: list[int]) -> None:
        for first, count in reversed(stretches(entry_ids)):
            place, end = bisect_left(self._added, first), bisect_left(self._added, first + count)
            if place < end:
                self.beginRemoveRows(NO_PARENT, self._stored + place, self._stored + end - 1)
                del self._added[place:end]
                self.endRemoveRows()

    def _on_entries_changed(self, entry_ids: list[int]) -> None:
        if not entry_ids:
            return
        first, last = self._first_row(min(entry_ids)), self._first_row(max(entry_ids) + 1) - 1
        if first <= last:
            self.dataChanged.emit(self.index(first, 0), self.index(last, _COLUMNS - 1))

    def _first_row(self, entry_id: int) -> int:
        """Return the first row of an entry that has this id or a higher one."""
        if entry_id >= FIRST_ADDED:
            return self._stored + bisect_left(self._added, entry_id)
        return min(entry_id, self._stored) if self._filtered is None else bisect_left(self._filtered, entry_id)

    # ---- Qt's questions

    def rowCount(self, parent: AnyIndex = NO_PARENT) -> int:
        return 0 if parent.isValid() else self._count

    def columnCount(self, parent: AnyIndex = NO_PARENT) -> int:
        return 0 if parent.isValid() else _COLUMNS

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = roles.DISPLAY) -> object:
        if orientation != _HORIZONTAL or not 0 <= section < _COLUMNS:
            return None
        if role == roles.ALIGNMENT and section == Column.SIZE:
            return roles.RIGHT
        return _TITLES[Column(section)] if role == roles.DISPLAY else None

    def data(self, index: AnyIndex, role: int = roles.DISPLAY) -> object:
        row = index.row()
        if not index.isValid() or row >= self._count:
            return None
        answer = self._answers.get(role)
        return None if answer is None else answer(self, self.entry_id(row), index.column())

    def _text(self, entry_id: int, column: int) -> str:
        if column == Column.SIZE:
            return f"{self._document.size(entry_id):,}"
        summary = self._document.summary(entry_id)
        if column == Column.KEY:
            return (summary and summary.key) or self._key_text(entry_id)
        if summary is None:
            return ELLIPSIS if column == Column.VALUE else ""
        return summary.type if column == Column.TYPE else summary.text

    def _key_text(self, entry_id: int) -> str:
        text = self._texts.get(entry_id)
        if text is None:
            if len(self._texts) >= _TEXTS_KEPT:
                self._texts.clear()
            text = self._texts[entry_id] = short_key_text(self._document.key(entry_id))
        return text

    def _is_pending(self, entry_id: int, _column: int) -> bool:
        return self._document.pending(entry_id) is not None

    def _pending_kind(self, entry_id: int, _column: int) -> str:
        pending = self._document.pending(entry_id)
        return "" if pending is None else pending.kind.value

    def _pending_text(self, entry_id: int) -> str:
        """Return what is not saved of an entry, as part of a sentence."""
        pending = self._document.pending(entry_id)
        if pending is None:
            return ""
        return f"{pending.kind.value}{self._renamed(pending)}, not saved"

    def _renamed(self, pending: PendingChange) -> str:
        old, new = self._document.renamed_from(pending), self._document.renamed_to(pending)
        if old is not None:
            return f" (renamed from {short_key_text(old.key)})"
        return "" if new is None else f" (renamed to {short_key_text(new.key)})"

    def _problem(self, entry_id: int, _column: int) -> str:
        summary = self._document.summary(entry_id)
        return summary.problem if summary else ""

    def _is_dim(self, entry_id: int, column: int) -> bool:
        return column != Column.KEY and self._document.summary(entry_id) is None

    def _alignment(self, _entry_id: int, column: int) -> int | None:
        return roles.RIGHT if column == Column.SIZE else None

    def _tool_tip(self, entry_id: int, column: int) -> str:
        text_of_pending = self._pending_text(entry_id)
        pending = f"{text_of_pending[:1].upper()}{text_of_pending[1:]} yet" if text_of_pending else ""
        text, key = self._text(entry_id, column), self._key_text(entry_id)
        stored_as = key if column == Column.KEY and text != key else ""
        return roles.tool_tip(text, stored_as, self._problem(entry_id, column), pending)

    def _accessible_text(self, entry_id: int, column: int) -> str:
        pending = self._pending_text(entry_id) if column == Column.KEY else ""
        return f"{self._text(entry_id, column)}, {pending}" if pending else self._text(entry_id, column)

    _answers: ClassVar[dict[int, Callable[["EntryTableModel", int, int], object]]] = {
        roles.DISPLAY: _text,
        roles.IS_PENDING: _is_pending,
        roles.PENDING_KIND: _pending_kind,
        roles.PROBLEM: _problem,
        roles.IS_DIM: _is_dim,
        roles.ALIGNMENT: _alignment,
        roles.TOOL_TIP: _tool_tip,
        roles.ACCESSIBLE_TEXT: _accessible_text,
    }


def short_key_text(key: bytes) -> str:
    """Return a key as the screen shows it, cut where it is very long."""
    if len(key) <= KEY_BYTES:
        return key_text(key)
    cut = KEY_BYTES
    while cut > KEY_BYTES - 3 and key[cut] & 0xC0 == 0x80:  # not within a UTF-8 character
        cut -= 1
    return key_text(key[:cut]) + ELLIPSIS
