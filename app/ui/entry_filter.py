"""Keeps the table's rows to the keys that contain a text, while it is typed and while keys stream in."""

from array import array
from collections.abc import Iterator, Sequence
from functools import partial

from PySide6.QtCore import QObject, Qt, Signal, Slot

from app.backends.key_index import IndexChunk
from app.cancel import CancelToken
from app.document.document import Document
from app.document.entry_ids import FIRST_ADDED
from app.document.filter import KeyFilter
from app.document.job import StreamJob
from app.ui.jobs import JobRunner
from app.ui.models.entry_table import EntryTableModel
from app.ui.views.cell_editing import CellEditing

_KEY = "filter"


class EntryFilter(QObject):
    """Looks through the chunks of the index in a thread of its own, so that it never waits for the engine.

    Other rows are not shown while a key is typed in one of those that are there: Qt would delete its editor.
    """

    found = Signal()
    """The first entries that match a new text are shown."""
    held = Signal()
    """They will be once nothing is typed."""

    def __init__(
        self,
        document: Document,
        model: EntryTableModel,
        editing: CellEditing,
        runner: JobRunner,
        parent: QObject,
    ) -> None:
        super().__init__(parent)
        self._document = document
        self._model = model
        self._runner = runner
        self._editing = editing
        self._ids = array("q")
        self._is_held = False
        self._filter: KeyFilter | None = None
        self._chunks_seen = 0
        self._is_new = False
        document.entries_added.connect(self._on_entries_added)
        document.reloading.connect(self._on_reloading)
        # Queued: an editor is closed in the midst of a reset too, and of what becomes of what it held.
        editing.changed.connect(self._on_editor, Qt.ConnectionType.QueuedConnection)

    def set_text(self, text: str) -> None:
        """Show only keys that contain ``text``; all when it is empty."""
        self._runner.cancel(_KEY)
        self._chunks_seen = 0
        self._is_new = True
        self._is_held = False
        self._ids = array("q")
        self._filter = KeyFilter(text) if text else None
        if self._filter is not None and self._document.index.chunks:
            self._look_on()
        else:
            self._show()

    def _on_reloading(self) -> None:
        self._runner.cancel(_KEY)
        self._chunks_seen = 0
        self._is_new = True
        self._is_held = self._is_held and self._filter is None  # what was found means other entries now

    def _on_entries_added(self, first: int, _count: int) -> None:
        if first < FIRST_ADDED and not self._runner.is_running(_KEY):
            self._look_on()

    def _look_on(self) -> None:
        chunks = self._document.index.chunks[self._chunks_seen :]
        if self._filter is None or not chunks:
            return
        first = self._document.index.first_of(self._chunks_seen)
        steps = partial(_matches, self._filter, chunks, first)
        self._runner.start(StreamJob("Filtering", steps, self._on_matches, self._on_done), key=_KEY)

    def _on_matches(self, entry_ids: "array[int]") -> None:
        self._chunks_seen += 1
        if self._is_new:  # the old rows stay until there are new ones, so that typing does not flicker
            self._is_new = False
            self._ids = entry_ids
            self._show()
        elif self._is_held:
            self._ids.extend(entry_ids)
        else:
            self._model.add_matches(entry_ids)

    @Slot()
    def _on_editor(self) -> None:
        if self._is_held and self._editing.editor is None:
            self._show()

    def _show(self) -> None:
        self._is_held = self._editing.editor is not None
        if self._is_held:
            self.held.emit()
        elif self._filter is None:
            self._model.show_all()
            self.found.emit()
        else:
            self._show_matches(self._filter)
            self.found.emit()

    def _show_matches(self, key_filter: KeyFilter) -> None:
        document, matches = self._document, key_filter.matches
        added = [entry_id for entry_id in document.added_entries if matches(document.key(entry_id))]
        self._model.show_matches(self._ids, added)

    def _on_done(self) -> None:
        self._model.show_growth()
        self.found.emit()
        self._look_on()


def _matches(
    key_filter: KeyFilter, chunks: Sequence[IndexChunk], first: int, token: CancelToken
) -> Iterator["array[int]"]:
    for chunk in chunks:
        yield array("q", (first + row for row in key_filter.rows(chunk, token)))
        first += len(chunk)
