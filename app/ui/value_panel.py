"""The right half of a tab: one entry's value as a tree, and its panes."""

from dataclasses import replace
from functools import partial

from PySide6.QtCore import QModelIndex, Qt, Signal, Slot
from PySide6.QtGui import QFont, QPalette
from PySide6.QtWidgets import QHBoxLayout, QSplitter, QVBoxLayout, QWidget

from app import limits
from app.codecs.base import NodeRow
from app.document.document import Document
from app.document.job import Job, StreamJob
from app.engine.value_calls import DecodeReport, ValueInfo
from app.errors import AppError, StaleIndex
from app.ui.jobs import JobRunner
from app.ui.labels import ElidedLabel
from app.ui.models.entry_table import short_key_text
from app.ui.models.value_drag import DragTreeModel
from app.ui.path_moves import Moves
from app.ui.shown_value import ShownValue
from app.ui.theme import GAP, fixed_font
from app.ui.value_panes import ValuePanes
from app.ui.views.tree_view import TreeView

_ROOT = "value"
_SAID_WHEN_EDITED = frozenset({"read-only", "unknown-class", "call"})
"""Flags whose note matters only to one who tries to edit."""


class ValuePanel(QWidget):
    """Shows the value of one entry; nothing is read that is not looked at."""

    stale = Signal(object)
    """The `StaleIndex` that says why the value cannot be found any more."""
    left = Signal()
    """The value goes out of sight, and what edits it with it."""
    decoded = Signal()
    """Another value is shown now."""

    def __init__(self, document: Document, runner: JobRunner, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._document = document
        self._runner = runner
        self._wanted: ShownValue | None = None
        self._shown: ShownValue | None = None
        self._first: ShownValue | None = None
        """What is shown of a large value while the rest is read."""
        self._codec = ""
        self._key_before_reload: bytes | None = None
        self._moves: Moves | None = None
        self._next_current: str | None = None
        self._is_led = False
        self.model = DragTreeModel(self)
        self.tree = TreeView(self.model)
        self.panes = ValuePanes(document, runner)
        self.text, self.hex = self.panes.text, self.panes.hex
        self._key = ElidedLabel("value-key", "Key of the value")
        self._facts = ElidedLabel("value-facts", "Codec and size of the value")
        self._path = ElidedLabel("value-path", "Path of the current row")
        self.note = ElidedLabel("value-note", "What there is to say of the current row", keeps_place=True)
        self._lay_out()
        self.model.needs_rows.connect(self._on_needs_rows)
        self.tree.selectionModel().currentRowChanged.connect(self._on_current_row)
        self.tree.edit_impossible.connect(self._on_edit_impossible)
        self.panes.opcode_chosen.connect(self._on_opcode_chosen)
        document.reloading.connect(self._on_reloading)

    def _lay_out(self) -> None:
        upper = QWidget()
        column = QVBoxLayout(upper)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(GAP)
        column.addLayout(self._heading())
        column.addWidget(self.tree, 1)
        column.addLayout(self._footing())
        halves = QSplitter(Qt.Orientation.Vertical)
        halves.setChildrenCollapsible(False)
        halves.addWidget(upper)
        halves.addWidget(self.panes)
        halves.setSizes([420, 220])
        halves.setHandleWidth(GAP)
        around = QVBoxLayout(self)
        around.setContentsMargins(GAP // 2, GAP, GAP, GAP)
        around.addWidget(halves)

    def _heading(self) -> QHBoxLayout:
        font = QFont(self.font())
        font.setBold(True)
        self._key.setFont(font)
        row = QHBoxLayout()
        row.setContentsMargins(GAP // 2, 0, GAP // 2, 0)
        row.setSpacing(GAP + 4)
        row.addWidget(self._key)
        row.addWidget(self._facts)
        row.addStretch(1)
        self._key.setFixedHeight(30)
        self._facts.setForegroundRole(QPalette.ColorRole.PlaceholderText)
        return row

    def _footing(self) -> QHBoxLayout:
        self._path.setFont(fixed_font())
        row = QHBoxLayout()
        row.setContentsMargins(GAP // 2, 0, GAP // 2, 0)
        row.setSpacing(GAP + 4)
        for label in (self._path, self.note):
            label.setForegroundRole(QPalette.ColorRole.PlaceholderText)
            row.addWidget(label)
        row.addStretch(1)
        return row

    @property
    def shown(self) -> ShownValue | None:
        return self._shown

    @property
    def is_settled(self) -> bool:
        """Whether what is shown is what the entry has now."""
        return self._shown is not None and self._shown is self._wanted

    @property
    def wanted(self) -> ShownValue | None:
        """What is shown, or will be when it is decoded."""
        return self._wanted

    @property
    def is_in_sight(self) -> bool:
        """Whether some value of the entry that is wanted is what is seen."""
        return self._shown is not None and self._shown.entry_id == self.entry_id

    @property
    def entry_id(self) -> int | None:
        """The entry that is shown, or will be when it is decoded."""
        return self._wanted.entry_id if self._wanted else None

    # ---- which value

    def show_entry(self, entry_id: int, *, is_same: bool = False) -> None:
        """Decode and show an entry; ``is_same`` keeps the rows open that are open now."""
        if is_same or self._document.key(entry_id) == self._key_before_reload:
            self.tree.remember_open_rows(self._moves, self._next_current)
        else:
            self.tree.forget_open_rows()
        self._key_before_reload = self._moves = self._next_current = None
        can_edit = not (self._document.why_read_only or self._is_deleted(entry_id))
        value = ShownValue(entry_id, self._document.source(entry_id), self._document.size(entry_id), can_edit)
        self._wanted = value
        self._first = None
        job = self._decoding(value) if value.size >= limits.LARGE_VALUE else self._decode(value)
        job.failed = partial(self._on_failed, value)
        self._runner.start(job, key="decode", cancelled=partial(self._on_given_up, value))

    def _decode(self, value: ShownValue) -> Job[ValueInfo]:
        job = self._document.decode_job(value.source)
        job.done = partial(self._on_decoded, value)
        return job

    def _decoding(self, value: ShownValue) -> StreamJob[DecodeReport]:
        job = self._document.decoding_job(value.source)
        job.item = partial(self._on_report, value)
        return job

    def _is_deleted(self, entry_id: int) -> bool:
        change = self._document.pending(entry_id)
        return change is not None and change.is_deleted

    def expect(self, moves: Moves | None, current: str | None) -> None:
        """Tell where nodes will be when the value is shown anew, and which one shall be current then."""
        self._moves, self._next_current = moves, current

    def hold(self) -> None:
        """Give up what is being decoded and stay with what is shown."""
        self._runner.cancel("decode")
        self._wanted = self._shown

    def clear(self) -> None:
        self._wanted = self._shown = None
        self.model.clear()
        self.panes.show_value(None)
        for label in (self._key, self._facts, self._path, self.note):
            label.show_text("")

    def _on_reloading(self) -> None:
        if self._shown is not None:
            self._key_before_reload = self._document.key(self._shown.entry_id)
        self._runner.cancel("decode")
        self._wanted = self._shown = None  # entry ids are invalid now; what is seen stays until they are known again
        self.left.emit()

    def _on_report(self, value: ShownValue, report: DecodeReport) -> None:
        """Show the beginning of a large value until all of it is there."""
        if report.info is None:
            if self._first is not None:
                self._show_facts(value, f"{100 * report.done // max(report.total, 1)} % read")
        elif report.finished:
            if self._first is not None:
                self.tree.remember_open_rows()
            self._on_decoded(value, report.info)
        else:
            self._first = replace(value, can_edit=False)
            self._show(self._first, report.info)
            self._show_facts(value, "0 % read")
            self.note.show_text("This is the beginning; the rest is being read.")

    def _on_given_up(self, value: ShownValue) -> None:
        """Stay with the beginning of a value, unless another one is wanted by now."""
        if value is not self._wanted:
            return
        sentence = "Reading was given up; choose the entry again to read all of it."
        if self._first is None:
            self._begin(value)
            self.model.show_message(sentence)
            self._show_facts(value)
            self.panes.show_value(None)
        else:
            self._wanted = self._first
            self._show_facts(value, "shown in part")
        self.note.show_text(sentence)

    def _on_decoded(self, value: ShownValue, info: ValueInfo) -> None:
        self._show(value, info)
        self.decoded.emit()

    def _show(self, value: ShownValue, info: ValueInfo) -> None:
        self._begin(value)
        self._codec = info.codec
        self.model.show_value(replace(info.root, label=info.root.label or _ROOT), can_edit=value.can_edit)
        self.tree.open_root()
        self._show_facts(value, "shown in part" if info.why_cut else "")
        self._facts.setToolTip(f"{info.reason} {info.why_cut}".rstrip())
        if info.problems:
            self.note.show_text(info.problems[0])
        self.panes.show_value(value)

    def _show_facts(self, value: ShownValue, how_much: str = "") -> None:
        self._facts.show_text(" · ".join(filter(None, (self._codec, f"{value.size:,} bytes", how_much))))

    def _on_failed(self, value: ShownValue, error: AppError) -> None:
        self._begin(value)
        self.model.show_message(error.message)
        self._show_facts(value)
        self.panes.show_value(value)
        if isinstance(error, StaleIndex):
            self.stale.emit(error)

    def _begin(self, value: ShownValue) -> None:
        self.left.emit()
        self.panes.let_go()
        self._shown = value
        self._codec = ""
        self._key.show_text(short_key_text(self._document.key(value.entry_id)))
        self._path.show_text("")
        self.note.show_text("")

    # ---- rows

    @Slot(int, int, int)
    def _on_needs_rows(self, slot_number: int, start: int, count: int) -> None:
        value = self._shown
        if value is None:
            return
        job = self._document.rows_job(value.source, self.model.node_of(slot_number), start, count)
        job.done = partial(self._on_rows, value, slot_number, start)
        job.failed = partial(self._on_rows_failed, value, slot_number, start)
        self._runner.start(job)

    def _on_rows(self, value: ShownValue, slot_number: int, start: int, rows: list[NodeRow]) -> None:
        if value is self._shown:
            self.model.add_rows(slot_number, start, rows)

    def _on_rows_failed(self, value: ShownValue, slot_number: int, start: int, error: AppError) -> None:
        if value is self._shown:
            self.model.fail_rows(slot_number, start, error.message)

    @Slot(QModelIndex, QModelIndex)
    def _on_current_row(self, current: QModelIndex, _previous: QModelIndex) -> None:
        self.show_note()
        if current.isValid() and not self._is_led:
            self.panes.show_node(self.model.node_row(current).node)

    def show_note(self) -> None:
        """Say where the current row is, and what there is to say of it."""
        current = self.tree.currentIndex()
        if current.isValid():
            row = self.model.node_row(current)
            note = row.note if set(row.flags) - _SAID_WHEN_EDITED else ""
            self._path.show_text(self.model.path(current))
            self.note.show_text(note)

    @Slot(str)
    def _on_opcode_chosen(self, path: str) -> None:
        self._is_led = True  # the opcode that was chosen stays chosen
        self.tree.go_to(path)
        self._is_led = False

    @Slot(int)
    def _on_edit_impossible(self, slot_number: int) -> None:
        row = self.model.node_row(self.model.cell(slot_number, 0))
        other = "Shift+F2 edits it as a Python literal." if self._shown and self._shown.can_edit else ""
        why = self._document.why_read_only or row.note or f"A {row.type} cannot be edited in place."
        self.note.show_text(why if self._document.why_read_only else f"{why} {other}".rstrip())
