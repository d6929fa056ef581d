"""The left half of a tab: the filter field and the entry table."""

from PySide6.QtCore import QEvent, Qt, Signal, Slot
from PySide6.QtGui import QAction, QKeyEvent, QKeySequence
from PySide6.QtWidgets import QLineEdit, QVBoxLayout, QWidget

from app.document.document import Document
from app.document.history import EntryRef
from app.ui.entry_filter import EntryFilter
from app.ui.icons import icon
from app.ui.jobs import JobRunner
from app.ui.models.entry_table import EntryTableModel
from app.ui.theme import GAP
from app.ui.views.entry_view import EntryView


class FilterField(QLineEdit):
    """Down goes on to the table, Esc takes the filter away."""

    left = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("filter")
        self.setAccessibleName("Filter keys")
        self.setAccessibleDescription("Shows only the entries whose keys contain this text")
        self.setPlaceholderText("Filter keys")
        self.setClearButtonEnabled(True)
        self.setAcceptDrops(False)
        self.setMinimumHeight(30)
        self._symbol = QAction(icon("find"), "", self)
        self.addAction(self._symbol, QLineEdit.ActionPosition.LeadingPosition)

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() is QEvent.Type.PaletteChange:
            self._symbol.setIcon(icon("find"))

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Escape:
            self.clear()
        elif event.key() in (Qt.Key.Key_Down, Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self.left.emit()
        else:
            super().keyPressEvent(event)


class EntryPanel(QWidget):
    """Shows the entries of a document; a person chooses one of them here."""

    entry_selected = Signal(int)
    rows_changed = Signal()
    """Other entries are shown than before, or others are selected."""
    filter_held = Signal()
    """The rows wait for the key that is typed in one of them before they follow the filter."""

    def __init__(self, document: Document, filter_runner: JobRunner, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._document = document
        self._current: int | None = None
        self._kept: EntryRef | None = None
        self._row = 0
        self._kept_scroll = 0
        self._was_in_sight = False
        self.model = EntryTableModel(document, self)
        self.view = EntryView(self.model)
        self.field = FilterField()
        self._filter = EntryFilter(document, self.model, self.view.editing, filter_runner, self)
        self._lay_out()
        self.field.textChanged.connect(self._filter.set_text)
        self.field.left.connect(self._on_field_left)
        self.view.entry_selected.connect(self._on_entry_selected)
        self._filter.found.connect(self._on_filtered)
        self._filter.held.connect(self.filter_held)
        for changed in (self.model.rowsInserted, self.model.modelReset, self.view.selectionModel().selectionChanged):
            changed.connect(self._on_rows_changed)
        document.entries_added.connect(self._on_entries_added)
        document.reloading.connect(self._on_reloading)
        document.indexed.connect(self._on_indexed)

    def _lay_out(self) -> None:
        column = QVBoxLayout(self)
        column.setContentsMargins(GAP, GAP, GAP // 2, GAP)
        column.setSpacing(GAP)
        column.addWidget(self.field)
        column.addWidget(self.view, 1)

    @property
    def shown_count(self) -> int:
        return self.model.rowCount()

    @property
    def kept_count(self) -> int:
        """How many of the entries that are shown are not to be deleted."""
        return self.shown_count - self.model.deleted_count()

    @property
    def current_entry(self) -> int | None:
        return self.view.current_entry

    def focus_filter(self) -> None:
        self.field.setFocus(Qt.FocusReason.ShortcutFocusReason)
        self.field.selectAll()

    def select_key(self, key: bytes) -> bool:
        """Select the first entry of that key; tell whether there is one in sight."""
        entry_id = next(self._document.index.find(key), None)
        return entry_id is not None and self.view.select_entry(entry_id)

    @Slot()
    def _on_field_left(self) -> None:
        self.view.setFocus()
        self._select_any()

    def _select_any(self) -> None:
        """Select the first entry if none is."""
        if self.view.current_entry is None and self.shown_count:
            self.view.select_entry(self.model.entry_id(0))

    @Slot(int)
    def _on_entry_selected(self, entry_id: int) -> None:
        self._current = entry_id
        self._row = self.model.row_of(entry_id) or 0
        self.entry_selected.emit(entry_id)

    # ---- keeping the selection over a filter and a reload

    @Slot()
    def _on_filtered(self) -> None:
        if self._current is not None and self.current_entry is None:
            self.view.select_entry(self._current)
        if self.view.hasFocus():  # the field was left before its text was looked for
            self._select_any()
        self._say_why_empty()

    def _say_why_empty(self) -> None:
        text = self.field.text()
        self.view.show_when_empty(f"No key contains “{text}”." if text else self._none())

    def _none(self) -> str:
        if not self._document.is_indexed:
            return ""
        if self._document.why_read_only:
            return "There are no entries."
        keys = QKeySequence("Ctrl+Shift+N").toString(QKeySequence.SequenceFormat.NativeText)
        return f"There are no entries yet. Press {keys} to add one, paste some, or drop a file here."

    @Slot()
    def _on_rows_changed(self, *_: object) -> None:
        self.rows_changed.emit()

    def _on_entries_added(self, first: int, _count: int) -> None:
        if first == 0 and self._current is None and self._kept is None:
            self.view.select_entry(0)

    def _on_reloading(self) -> None:
        self.view.show_when_empty("")
        if self._current is not None:
            self._kept = self._document.ref(self._current)
            self._kept_scroll = self.view.verticalScrollBar().value()
            self._was_in_sight = 0 <= self._row - self._kept_scroll < self.view.rows_in_sight
        self._current = None

    def _on_indexed(self) -> None:
        kept, self._kept = self._kept, None
        entry_id = self._document.entry_of(kept) if kept else None
        if entry_id is not None:
            self.view.select_entry(entry_id)
            self.view.verticalScrollBar().setValue(self._kept_scroll)
            if self._was_in_sight:  # its row may be another one now
                self.view.scrollTo(self.view.currentIndex())
        elif kept and self.shown_count:  # it is gone: its place is another's now
            self.view.select_entry(self.model.entry_id(min(self._row, self.shown_count - 1)))
        self._say_why_empty()
        self.rows_changed.emit()
